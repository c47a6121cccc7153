/* Preloaded into programs that would set the clock: every change succeeds and does nothing. The
 * tests run on a machine whose clock is not theirs. And this machine seems to have been suspended
 * for as many seconds as the file says whose name is in VISOR_SUSPENDED. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int read_only(clockid_t clock, struct timex *state)
{
    struct timex asked = *state;
    int result;

    state->modes = 0;
    result = (int)syscall(SYS_clock_adjtime, clock, state);
    state->modes = asked.modes;
    if (asked.modes & ADJ_FREQUENCY)
        state->freq = asked.freq;
    if (asked.modes & ADJ_TICK)
        state->tick = asked.tick;
    if (asked.modes & ADJ_STATUS)
        state->status = asked.status;
    return result;
}

int clock_adjtime(clockid_t clock, struct timex *state)
{
    return read_only(clock, state);
}

int adjtimex(struct timex *state)
{
    return read_only(CLOCK_REALTIME, state);
}

int ntp_adjtime(struct timex *state)
{
    return read_only(CLOCK_REALTIME, state);
}

int adjtime(const struct timeval *delta, struct timeval *old)
{
    (void)delta;
    if (old)
        *old = (struct timeval){0};
    return 0;
}

static long suspended(void)
{
    const char *path = getenv("VISOR_SUSPENDED");
    FILE *file = path ? fopen(path, "r") : NULL;
    long seconds = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%ld", &seconds) != 1)
        seconds = 0;
    fclose(file);
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);

    if (clock == CLOCK_BOOTTIME && !result)
        time->tv_sec += suspended();
    return result;
}

int clock_settime(clockid_t clock, const struct timespec *time)
{
    (void)clock, (void)time;
    return 0;
}

int settimeofday(const struct timeval *time, const struct timezone *zone)
{
    (void)time, (void)zone;
    return 0;
}
