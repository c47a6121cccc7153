/* What readings of the time cost and are worth on this machine: its parts, measured apart. */
#ifndef VISOR_TIMEVISOR_BENCH_H
#define VISOR_TIMEVISOR_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <timevisor/timevisor.h>

#define VISOR_BENCH_CLOCKS 16
#define VISOR_BENCH_NAME   48

enum visor_bench_way {
    VISOR_BENCH_CALL,    /* clock_gettime, as programs do */
    VISOR_BENCH_SYSCALL, /* the same, past the vDSO */
    VISOR_BENCH_TSC,     /* the instruction */
    VISOR_BENCH_LIBRARY, /* timevisor_now */
};

/* One way to read the time. */
struct visor_bench_clock {
    char name[VISOR_BENCH_NAME];
    enum visor_bench_way way;
    clockid_t kernel;
    timevisor *handle;
    double median_ns, best_ns, p999_ns; /* a call; p99.9 with the reading that times it */
    double ratio;                       /* median of the rounds' ratios to the first clock */
};

/* Can a program read the TSC here? (Another processor, or forbidden by prctl.) */
bool visor_bench_has_tsc(void);

/* Measures all in turn, so that whatever else the machine does meets all alike; the first is what
 * the others are compared with. False without memory. */
bool visor_bench_cost(struct visor_bench_clock *clocks, size_t count);

/* Do processors agree on the time? By messages between threads that are bound to two of them: as
 * NTP measures, so the bound is half of the quickest exchange. */
struct visor_bench_cores {
    int pairs;         /* that were measured, the first processor with others; 0: there is one */
    int64_t exchanges; /* of all pairs */
    int64_t backward;  /* times that CLOCK_MONOTONIC_RAW was seen to be less than before */
    double offset_ns;  /* the greatest of all pairs, by its quickest exchange */
    double bound_ns;   /* of that */
    int worst;         /* its other processor */
};
void visor_bench_cores(struct visor_bench_cores *cores);

/* How late a sleep of 1 ms ends, and the tick. */
struct visor_bench_timer {
    double median_ns, p99_ns, worst_ns;
    double tick_ns; /* resolution of CLOCK_REALTIME_COARSE: 1/CONFIG_HZ */
};
bool visor_bench_timer(struct visor_bench_timer *timer);

/* Bars on a logarithmic scale, as SVG, with the tails. */
void visor_bench_draw(const struct visor_bench_clock *clocks, size_t count, FILE *out);

#endif
