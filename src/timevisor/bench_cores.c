/* Whether processors agree, by a ball that two threads throw to each other; and how late timers
 * are. */
#include "port/clock.h"
#include "timevisor/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PAIRS_MAX   63
#define EXCHANGES   20000
#define PATIENCE_NS 20000000 /* a processor that is taken away does not hold up the others */
#define SLEEPS      200
#define SLEEP_NS    1000000

/* Each word on a line of its own: they are written by different processors. */
struct court {
    _Alignas(128) _Atomic int64_t thrown;   /* number of the exchange; -1: the end */
    _Alignas(128) _Atomic int64_t returned; /* the same number, when `there` is written */
    _Alignas(128) int64_t there;
    _Alignas(128) int processor;
};

static void bind_to(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *answer(void *argument)
{
    struct court *court = argument;
    int64_t last = 0, number;

    bind_to(court->processor);
    for (;;) {
        while ((number = atomic_load_explicit(&court->thrown, memory_order_acquire)) == last)
            ;
        if (number < 0)
            return NULL;
        court->there = visor_clock_raw().ns;
        last = number;
        atomic_store_explicit(&court->returned, number, memory_order_release);
    }
}

struct found {
    int64_t width, offset, exchanges, backward;
};

static void play(struct court *court, struct found *found)
{
    int64_t until = visor_clock_raw().ns + PATIENCE_NS;

    *found = (struct found){.width = INT64_MAX};
    for (int64_t number = 1; number <= EXCHANGES; number++) {
        int64_t before = visor_clock_raw().ns, after;

        atomic_store_explicit(&court->thrown, number, memory_order_release);
        while (atomic_load_explicit(&court->returned, memory_order_acquire) != number)
            ;
        after = visor_clock_raw().ns;
        found->exchanges++;
        found->backward += (court->there < before) + (after < court->there);
        if (after - before < found->width) {
            found->width = after - before;
            found->offset = court->there - before - (after - before) / 2;
        }
        if (after > until)
            break;
    }
    atomic_store_explicit(&court->thrown, -1, memory_order_release);
}

static bool measure_pair(int processor, struct found *found)
{
    struct court *court = aligned_alloc(128, sizeof(*court));
    pthread_t other;
    bool done = false;

    if (!court)
        return false;
    *court = (struct court){.processor = processor};
    if (pthread_create(&other, NULL, answer, court) == 0) {
        play(court, found);
        pthread_join(other, NULL);
        done = true;
    }
    free(court);
    return done;
}

static void note(struct visor_bench_cores *cores, int processor, const struct found *found)
{
    double offset = found->offset < 0 ? -(double)found->offset : (double)found->offset;

    cores->pairs++;
    cores->exchanges += found->exchanges;
    cores->backward += found->backward;
    if (cores->pairs > 1 && offset <= cores->offset_ns)
        return;
    cores->offset_ns = offset;
    cores->bound_ns = (double)found->width / 2;
    cores->worst = processor;
}

void visor_bench_cores(struct visor_bench_cores *cores)
{
    cpu_set_t mine;
    int first = -1;

    *cores = (struct visor_bench_cores){.worst = -1};
    if (sched_getaffinity(0, sizeof(mine), &mine))
        return;
    for (int i = 0; i < CPU_SETSIZE && cores->pairs < PAIRS_MAX; i++) {
        struct found found;

        if (!CPU_ISSET((size_t)i, &mine))
            continue;
        if (first < 0) {
            first = i;
            bind_to(i);
        } else if (measure_pair(i, &found)) {
            note(cores, i, &found);
        }
    }
    pthread_setaffinity_np(pthread_self(), sizeof(mine), &mine);
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return first < second ? -1 : first > second;
}

bool visor_bench_timer(struct visor_bench_timer *timer)
{
    double *late = calloc(SLEEPS, sizeof(*late));
    struct timespec tick = {0};

    if (!late)
        return false;
    clock_getres(CLOCK_REALTIME_COARSE, &tick);
    for (int i = 0; i < SLEEPS; i++) {
        struct timespec rest = {.tv_nsec = SLEEP_NS};
        int64_t began = visor_clock_raw().ns;

        clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
        late[i] = (double)(visor_clock_raw().ns - began - SLEEP_NS);
    }
    qsort(late, SLEEPS, sizeof(*late), compare);
    timer->median_ns = late[SLEEPS / 2];
    timer->p99_ns = late[SLEEPS - SLEEPS / 100 - 1];
    timer->worst_ns = late[SLEEPS - 1];
    timer->tick_ns = (double)tick.tv_sec * 1e9 + (double)tick.tv_nsec;
    free(late);
    return true;
}
