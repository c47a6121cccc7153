/* Runs in a guest of the lab: answers each datagram with what the guest's clock and its kernel's
 * status are, and in between looks every 10 ms whether the status has changed or the clock was
 * stepped, so that neither is missed however short it was. All on one line of numbers:
 *     the request's number, REALTIME and RAW ns, 1 if unsynchronised, maxerror us,
 *     RAW ns of the last change to unsynchronised, to synchronised, and of the last step,
 *     timevisor_now(): status, earliest, latest (0 0 0 without a clock segment),
 *     RAW ns of its last change to no interval, and to synchronized, epoch of disruptions,
 *     ns in all for which the kernel was not synchronised, and timevisor_now() was not,
 *     ns by which this program was woken too late in all, CPU ns of the daemon (request "c")
 *     probe PORT PIDFILE
 *     probe tsc             on the host: what a guest's kernel need not measure */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <timevisor/timevisor.h>
#include <unistd.h>

#define LOOK_MS   10
#define LATE_NS   (2 * LOOK_MS * INT64_C(1000000))
#define STEP_NS   5000000 /* and a tenth of the time in between: faster than any slew */
#define LINE_SIZE 512

struct state {
    int64_t real, raw; /* ns */
    int64_t apart_ns;  /* real was read so long after raw, at most: it may be interrupted */
    bool unsynchronised;
    int64_t maxerror_us;
    int64_t unsynchronised_at, synchronised_at, stepped_at; /* raw ns; 0: never */
    struct timevisor_interval now;
    int64_t left_at, back_at; /* raw ns */
    uint64_t epoch;
    int64_t unsynchronised_ns, away_ns;
    int64_t late; /* ns */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* NULL while there is no segment, as in a guest without timevisord. */
static timevisor *clock_segment(int64_t raw)
{
    static timevisor *segment;
    static int64_t next;

    if (!segment && raw >= next) {
        segment = timevisor_open(NULL);
        next = raw + 100 * LOOK_MS * INT64_C(1000000);
    }
    return segment;
}

static bool is_bounded(const struct state *state)
{
    return state->now.status == TIMEVISOR_SYNCHRONIZED || state->now.status == TIMEVISOR_HOLDOVER;
}

static void look_by_library(struct state *state, const struct state *before)
{
    timevisor *segment = clock_segment(before->raw);
    struct timevisor_info info;

    if (!segment)
        return;
    timevisor_now(segment, &state->now);
    timevisor_info(segment, &info);
    state->epoch = info.epoch;
}

static void tell_changes_of_library(struct state *state, const struct state *before)
{
    if (is_bounded(before) && !is_bounded(state))
        state->left_at = state->raw;
    if (state->now.status == TIMEVISOR_SYNCHRONIZED && before->now.status != TIMEVISOR_SYNCHRONIZED)
        state->back_at = state->raw;
}

static void look(struct state *state)
{
    struct state before = *state;
    struct timex kernel = {0};
    int64_t moved, gap, slack;

    adjtimex(&kernel);
    state->raw = clock_ns(CLOCK_MONOTONIC_RAW);
    state->real = clock_ns(CLOCK_REALTIME);
    state->apart_ns = clock_ns(CLOCK_MONOTONIC_RAW) - state->raw;
    state->unsynchronised = (kernel.status & STA_UNSYNC) != 0;
    state->maxerror_us = kernel.maxerror;
    look_by_library(state, &before);
    if (before.raw == 0)
        return;
    gap = state->raw - before.raw;
    moved = state->real - before.real - gap;
    if (gap > LATE_NS)
        state->late += gap - LOOK_MS * INT64_C(1000000);
    slack = STEP_NS + gap / 10 + state->apart_ns + before.apart_ns;
    if (moved > slack || moved < -slack)
        state->stepped_at = state->raw;
    if (state->unsynchronised != before.unsynchronised)
        *(state->unsynchronised ? &state->unsynchronised_at : &state->synchronised_at) = state->raw;
    tell_changes_of_library(state, &before);
    state->unsynchronised_ns += state->unsynchronised ? gap : 0;
    state->away_ns += state->now.status == TIMEVISOR_SYNCHRONIZED ? 0 : gap;
}

/* What the scheduler has given to the process whose id the file has; 0: unknown. */
static int64_t processor_ns(const char *pidfile)
{
    char path[64];
    long long used = 0;
    int pid = 0;
    FILE *file = fopen(pidfile, "r");

    if (file) {
        if (fscanf(file, "%d", &pid) != 1)
            pid = 0;
        fclose(file);
    }
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%lld", &used) != 1)
            used = 0;
        fclose(file);
    }
    return used;
}

static void answer(int fd, const struct state *state, const char *pidfile)
{
    struct sockaddr_in from;
    socklen_t length = sizeof(from);
    char request[32], line[LINE_SIZE];
    ssize_t size =
        recvfrom(fd, request, sizeof(request) - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    int written;

    if (size <= 0)
        return;
    request[size] = 0;
    written = snprintf(
        line, sizeof(line),
        "%ld %lld %lld %d %lld %lld %lld %lld %d %lld %lld %lld %lld %llu %lld %lld "
        "%lld %lld",
        strtol(request, NULL, 10), (long long)state->real, (long long)state->raw,
        state->unsynchronised, (long long)state->maxerror_us, (long long)state->unsynchronised_at,
        (long long)state->synchronised_at, (long long)state->stepped_at, state->now.status,
        (long long)state->now.earliest_ns, (long long)state->now.latest_ns,
        (long long)state->left_at, (long long)state->back_at, (unsigned long long)state->epoch,
        (long long)state->unsynchronised_ns, (long long)state->away_ns, (long long)state->late,
        (long long)(strchr(request, 'c') ? processor_ns(pidfile) : 0));
    (void)sendto(fd, line, (size_t)written, 0, (struct sockaddr *)&from, length);
}

/* How fast this machine's TSC runs, kHz: emulated ones run as fast. 0: there is none. */
static long long tsc_khz(void)
{
#ifdef __x86_64__
    struct timespec wait = {.tv_nsec = 200000000};
    unsigned long long tsc[2];
    int64_t raw[2];

    for (int i = 0; i < 2; i++) {
        int64_t least = INT64_MAX;

        for (int try = 0; try < 100; try++) { /* the pair that was read the quickest */
            int64_t before = clock_ns(CLOCK_MONOTONIC_RAW);
            unsigned long long ticks = __builtin_ia32_rdtsc();
            int64_t after = clock_ns(CLOCK_MONOTONIC_RAW);

            if (after - before < least) {
                least = after - before;
                tsc[i] = ticks;
                raw[i] = before + least / 2;
            }
        }
        if (i == 0)
            nanosleep(&wait, NULL);
    }
    return (long long)((double)(tsc[1] - tsc[0]) * 1e6 / (double)(raw[1] - raw[0]));
#else
    return 0;
#endif
}

int main(int count, char **words)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct state state = {0};
    struct pollfd ready = {.events = POLLIN};

    if (count == 2 && strcmp(words[1], "tsc") == 0) {
        printf("%lld\n", tsc_khz());
        return 0;
    }
    if (count != 3)
        return 2;
    here.sin_port = htons((uint16_t)strtol(words[1], NULL, 10));
    ready.fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ready.fd < 0 || bind(ready.fd, (struct sockaddr *)&here, sizeof(here)) != 0)
        return 1;
    for (;;) {
        int got = poll(&ready, 1, LOOK_MS);

        look(&state);
        if (got == 1)
            answer(ready.fd, &state, words[2]);
    }
}
