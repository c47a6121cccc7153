/* What a reading costs. */
#include "port/clock.h"
#include "timevisor/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define ROUNDS  101
#define BATCH   10000
#define SINGLES 100000 /* calls that are timed one by one */

static int64_t raw_ns(void)
{
    return visor_clock_raw().ns;
}

bool visor_bench_has_tsc(void)
{
#if defined(__x86_64__)
    int how = 0;

    return prctl(PR_GET_TSC, &how) == 0 && how == PR_TSC_ENABLE;
#else
    return false;
#endif
}

static uint64_t read_tsc(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

static void call(const struct visor_bench_clock *clock, int times)
{
    struct timevisor_interval interval;
    struct timespec now;

    switch (clock->way) {
    case VISOR_BENCH_CALL:
        for (int i = 0; i < times; i++)
            clock_gettime(clock->kernel, &now);
        break;
    case VISOR_BENCH_SYSCALL:
        for (int i = 0; i < times; i++)
            syscall(SYS_clock_gettime, clock->kernel, &now);
        break;
    case VISOR_BENCH_TSC:
        for (int i = 0; i < times; i++) {
            volatile uint64_t tsc = read_tsc();

            (void)tsc;
        }
        break;
    case VISOR_BENCH_LIBRARY:
        for (int i = 0; i < times; i++)
            timevisor_now(clock->handle, &interval);
        break;
    default:
        break;
    }
}

static double time_of(const struct visor_bench_clock *clock, int times)
{
    int64_t began = raw_ns();

    call(clock, times);
    return (double)(raw_ns() - began) / times;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return first < second ? -1 : first > second;
}

static void measure_tail(struct visor_bench_clock *clock, double *times)
{
    for (int i = 0; i < SINGLES; i++)
        times[i] = time_of(clock, 1);
    qsort(times, SINGLES, sizeof(*times), compare);
    clock->p999_ns = times[SINGLES - SINGLES / 1000];
}

static void conclude(struct visor_bench_clock *clock, double *ns, double *ratios)
{
    qsort(ns, ROUNDS, sizeof(*ns), compare);
    qsort(ratios, ROUNDS, sizeof(*ratios), compare);
    clock->median_ns = ns[ROUNDS / 2];
    clock->best_ns = ns[0];
    clock->ratio = ratios[ROUNDS / 2];
}

bool visor_bench_cost(struct visor_bench_clock *clocks, size_t count)
{
    double(*ns)[ROUNDS] = calloc(count, sizeof(*ns));
    double(*ratios)[ROUNDS] = calloc(count, sizeof(*ratios));
    double *times = calloc(SINGLES, sizeof(*times));
    bool possible = ns && ratios && times;

    for (int round = 0; possible && round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            ns[i][round] = time_of(&clocks[i], BATCH);
            ratios[i][round] = ns[i][round] / ns[0][round];
        }
    for (size_t i = 0; possible && i < count; i++) {
        conclude(&clocks[i], ns[i], ratios[i]);
        measure_tail(&clocks[i], times);
    }
    free(ns);
    free(ratios);
    free(times);
    return possible;
}
