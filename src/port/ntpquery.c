/* One thread a server, since the C library's resolver blocks. The threads work on memory that the
 * last one of all frees, so that one that hangs in the resolver hurts nobody. */
#include "port/ntpquery.h"

#include "port/clock.h"
#include "port/helper.h"
#include "port/socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 50
#define STEP_LIMIT_NS                                                                              \
    1000000 /* REALTIME against the raw counter within an exchange: else stepped */

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left, users; /* queries not done; threads and the caller */
    int rounds;
    int64_t until_ms;
    struct visor_ntpquery queries[];
};

struct job {
    struct shared *shared;
    int index;
};

static int64_t now_ms(void)
{
    return visor_clock_raw().ns / 1000000;
}

static void release(struct shared *shared)
{
    bool last = --shared->users == 0;

    pthread_mutex_unlock(&shared->lock);
    if (!last)
        return;
    pthread_cond_destroy(&shared->changed);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* Is the reply to this request worth anything? Fills the query if it is the best so far. */
static void judge(struct visor_ntpquery *query, const struct visor_ntp_header *reply,
                  const struct visor_reading *sent, const struct visor_reading *received)
{
    int64_t elapsed = visor_wall_diff(received->real, sent->real);
    int64_t away = visor_mono_diff(received->raw, sent->raw) -
                   visor_ntp_diff_ns(reply->transmit, reply->receive);
    int64_t there, back, stepped = elapsed - visor_mono_diff(received->raw, sent->raw);

    if (stepped > STEP_LIMIT_NS || stepped < -STEP_LIMIT_NS)
        return;
    if (away > query->slowest_ns)
        query->slowest_ns = away;
    if (query->received++ && away >= query->delay_ns)
        return;
    there = visor_ntp_diff_ns(reply->receive, visor_ntp_from_wall(sent->real));
    back = visor_ntp_diff_ns(reply->transmit, visor_ntp_from_wall(received->real));
    query->header = *reply;
    query->delay_ns = away > 0 ? away : 0;
    query->offset_ns = visor_ns_add(there / 2, back / 2);
    query->uncertainty_ns = query->delay_ns / 2 + visor_ntp_short_to_ns(reply->root_delay) / 2 +
                            visor_ntp_short_to_ns(reply->root_dispersion);
    query->result =
        reply->stratum == 0 ? VISOR_NTPQUERY_KISSED
        : reply->leap == VISOR_LEAP_UNSYNCHRONIZED || reply->stratum >= VISOR_NTP_STRATUM_MAX
            ? VISOR_NTPQUERY_UNSYNCHRONIZED
            : VISOR_NTPQUERY_OK;
}

/* Waits for the reply to the request with this transmit stamp; others are passed over. */
static void await_reply(int fd, uint64_t cookie, const struct visor_reading *sent, int64_t until_ms,
                        struct visor_ntpquery *query)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    uint8_t data[VISOR_NTP_PACKET_MAX];

    for (;;) {
        int64_t left = until_ms - now_ms();
        struct visor_ntp_layout layout;
        struct visor_ntp_header reply;
        struct visor_reading received;
        ssize_t size;

        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return;
        size = recv(fd, data, sizeof(data), 0);
        if (size < 0 && errno != EAGAIN) {
            query->error = errno;
            return;
        }
        if (size < 0 || visor_clock_read_kernel(&received) ||
            !visor_ntp_read(&reply, &layout, data, (size_t)size) ||
            reply.mode != VISOR_NTP_MODE_SERVER || reply.origin != cookie)
            continue;
        query->error = 0;
        judge(query, &reply, sent, &received);
        return;
    }
}

static void exchange(int fd, int64_t until_ms, struct visor_ntpquery *query)
{
    struct visor_ntp_header request = {
        .version = VISOR_NTP_VERSION, .mode = VISOR_NTP_MODE_CLIENT, .precision = 32};
    uint8_t data[VISOR_NTP_HEADER];
    struct visor_reading sent;

    /* A random number instead of our time: nobody learns it, nobody else can answer. */
    if (getrandom(&request.transmit, sizeof(request.transmit), 0) != sizeof(request.transmit))
        return;
    request.transmit |= 1;
    visor_ntp_write(&request, data, sizeof(data));
    if (visor_clock_read_kernel(&sent))
        return;
    query->sent++;
    if (send(fd, data, sizeof(data), 0) != (ssize_t)sizeof(data))
        query->error = errno;
    else
        await_reply(fd, request.transmit, &sent, until_ms, query);
}

static int open_to(const struct visor_address *address)
{
    struct sockaddr_storage to;
    socklen_t size = visor_socket_address_write(address, &to);
    int fd = visor_socket_open_udp((enum visor_family)address->family,
                                   &(struct visor_address){.family = VISOR_FAMILY_NONE}, NULL);
    int error;

    if (fd < 0 || !connect(fd, (const struct sockaddr *)&to, size))
        return fd;
    error = -errno;
    close(fd);
    return error;
}

static void ask(struct visor_ntpquery *query, int rounds, int64_t until_ms)
{
    int fd = open_to(&query->address);

    if (fd < 0) {
        query->result = VISOR_NTPQUERY_FAILED;
        query->error = -fd;
        return;
    }
    query->result = VISOR_NTPQUERY_SILENT;
    for (int i = 0; i < rounds && now_ms() < until_ms; i++) {
        int64_t share = (until_ms - now_ms()) / (rounds - i);

        if (i && query->received)
            poll(NULL, 0, PAUSE_MS);
        exchange(fd, now_ms() + share, query);
        if (query->result == VISOR_NTPQUERY_KISSED)
            break;
    }
    close(fd);
    if (!query->received && query->error)
        query->result = VISOR_NTPQUERY_FAILED;
}

static void find_and_ask(struct visor_ntpquery *query, int rounds, int64_t until_ms)
{
    struct visor_helper_request request = {.work = VISOR_HELPER_RESOLVE};
    struct visor_event_resolved resolved;

    memcpy(request.name, query->name, sizeof(request.name) - 1);
    visor_helper_resolve(&request, &resolved);
    if (resolved.result != VISOR_RESOLVE_OK) {
        query->result = resolved.result == VISOR_RESOLVE_TRY_AGAIN ? VISOR_NTPQUERY_DNS_SILENT
                                                                   : VISOR_NTPQUERY_NO_SUCH_NAME;
        return;
    }
    query->address = resolved.addresses[0];
    query->address.port = query->port ? query->port : VISOR_NTP_PORT;
    ask(query, rounds, until_ms);
}

static void *work(void *argument)
{
    struct job *job = argument;
    struct shared *shared = job->shared;
    struct visor_ntpquery query;
    int index = job->index;

    free(job);
    pthread_mutex_lock(&shared->lock);
    query = shared->queries[index];
    pthread_mutex_unlock(&shared->lock);
    find_and_ask(&query, shared->rounds, shared->until_ms);
    pthread_mutex_lock(&shared->lock);
    shared->queries[index] = query;
    shared->left--;
    pthread_cond_signal(&shared->changed);
    release(shared);
    return NULL;
}

/* 0, or an error; `lock` is held. */
static int begin(struct shared *shared, int index)
{
    struct job *job = malloc(sizeof(*job));
    pthread_t thread;
    int error;

    if (!job)
        return ENOMEM;
    *job = (struct job){shared, index};
    error = pthread_create(&thread, NULL, work, job);
    if (error) {
        free(job);
        return error;
    }
    pthread_detach(thread);
    shared->left++;
    shared->users++;
    return 0;
}

static void await(struct shared *shared, int timeout_ms)
{
    struct timespec until;
    int64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns = until.tv_nsec + (int64_t)(timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + ns / VISOR_NS_PER_S;
    until.tv_nsec = ns % VISOR_NS_PER_S;
    while (shared->left && !pthread_cond_timedwait(&shared->changed, &shared->lock, &until))
        ;
}

static struct shared *prepare(const struct visor_ntpquery *queries, int count)
{
    struct shared *shared = calloc(1, sizeof(*shared) + (size_t)count * sizeof(shared->queries[0]));
    pthread_condattr_t attributes;

    if (!shared)
        return NULL;
    pthread_mutex_init(&shared->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&shared->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    for (int i = 0; i < count; i++) {
        shared->queries[i] =
            (struct visor_ntpquery){.port = queries[i].port, .result = VISOR_NTPQUERY_PENDING};
        memcpy(shared->queries[i].name, queries[i].name, sizeof(queries[i].name));
    }
    return shared;
}

int visor_ntpquery_run(struct visor_ntpquery *queries, int count, int rounds, int timeout_ms)
{
    struct shared *shared = prepare(queries, count);
    int error = 0;

    if (!shared)
        return -ENOMEM;
    pthread_mutex_lock(&shared->lock);
    shared->users = 1;
    shared->rounds = rounds;
    /* A last reply needs a moment to be written down. */
    shared->until_ms = now_ms() + timeout_ms - timeout_ms / 20;
    for (int i = 0; i < count && !error; i++)
        error = begin(shared, i);
    if (!error)
        await(shared, timeout_ms);
    memcpy(queries, shared->queries, (size_t)count * sizeof(queries[0]));
    release(shared);
    return -error;
}
