/* A host's clocks as its kernel keeps them: the raw counter (CLOCK_MONOTONIC_RAW) and
 * CLOCK_REALTIME with adjtimex's frequency and tick, its quantisation and its limits, a foreign
 * adjtime() slew, and the status that programs read (maxerror, STA_UNSYNC). */
#ifndef VISOR_SIM_KERNEL_H
#define VISOR_SIM_KERNEL_H

#include "engine/event.h"

struct visor_kernel {
    int64_t at;                 /* true ns up to which both clocks are advanced */
    int64_t raw, real;          /* ns; real since 1970 */
    double raw_rest, real_rest; /* parts of a ns, [0, 1) */
    double rate;                /* the counter's fractional frequency error now */
    bool frozen;                /* the machine stands still: true time passes, its clocks do not */

    int64_t frequency; /* adjtimex, 2^-16 ppm, ±500 ppm */
    int64_t tick;      /* us a tick of 10 ms, 9000 … 11000 */
    double applied;    /* both together, s/s */
    double slewing;    /* s of a foreign adjtime() still to go */

    bool synchronized;     /* STA_UNSYNC is clear */
    double max_error;      /* s when it was set */
    int64_t max_error_raw; /* raw ns when it was set */
};

void visor_kernel_init(struct visor_kernel *kernel, int64_t raw, int64_t real);

/* Let true time pass up to `to` (not before kernel->at). */
void visor_kernel_advance(struct visor_kernel *kernel, int64_t to);

/* Ask for a rate in ppb; the nearest that frequency and tick can express comes into force. Returns
 * it in ppb. */
double visor_kernel_set_frequency(struct visor_kernel *kernel, double ppb);

/* Step REALTIME; as settimeofday does, it marks the clock as not synchronised. */
void visor_kernel_step(struct visor_kernel *kernel, int64_t ns);

/* The counter jumps by `ns` (>= 0), and REALTIME with it. */
void visor_kernel_jump(struct visor_kernel *kernel, int64_t ns);

void visor_kernel_set_status(struct visor_kernel *kernel, bool synchronized, double max_error);

/* maxerror now, s: it grows by 500 us a second, and from 16 s on the clock is not synchronised.
 * Negative if it is not. */
double visor_kernel_max_error(const struct visor_kernel *kernel);

/* Rate of REALTIME against true time less 1, s/s. */
double visor_kernel_total_rate(const struct visor_kernel *kernel);

#endif
