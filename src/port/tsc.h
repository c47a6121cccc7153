/* The TSC against CLOCK_MONOTONIC_RAW, so that readers of the clock segment need not ask the
 * kernel.
 *
 * Only where the kernel's own clocksource is the TSC: then the two are one counter, a straight line
 * for ever, and jump together. It is learnt from pairs of readings; the longer ago the first, the
 * better the rate is known. A pair that misses the line, or another clocksource, starts anew. */
#ifndef VISOR_PORT_TSC_H
#define VISOR_PORT_TSC_H

#include "base/time.h"

/* One reading of both: the raw counter was read somewhere in [tsc, tsc + width]. */
struct visor_tsc_pair {
    uint64_t tsc, width;
    visor_mono raw;
};

struct visor_tsc_line {
    uint64_t tsc;      /* at `raw` */
    uint64_t period;   /* ns a tick, 2^-48; 0: there is no line */
    int64_t error_ns;  /* at `raw` */
    double growth_ppb; /* of the error, with raw time since */
};

struct visor_tsc {
    int source; /* descriptor of the kernel's word for its clocksource; -1: none */
    bool any;
    struct visor_tsc_pair first, last;
    uint64_t period;
    double period_ppb; /* how wrong it can be */
};

void visor_tsc_init(struct visor_tsc *tsc); /* before privileges are dropped */
void visor_tsc_done(struct visor_tsc *tsc);

/* The narrowest of a few; false: this CPU has no TSC. */
bool visor_tsc_pair_read(struct visor_tsc_pair *pair);

/* Takes a pair into account. False: there is no line yet, or no more. Pure. */
bool visor_tsc_note(struct visor_tsc *tsc, const struct visor_tsc_pair *pair);

/* The line with its anchor carried to `raw`, which is at most hours from the last pair. Pure. */
struct visor_tsc_line visor_tsc_line_at(const struct visor_tsc *tsc, visor_mono raw);

/* Looks at the clocksource, reads a pair and notes it. False: no line. */
bool visor_tsc_look(struct visor_tsc *tsc);

#endif
