/* What this machine would notice of what can happen to it, how soon, and by whom: from who looks
 * how often (the adapters know that), and from what each is proven to be (the engine knows). */
#ifndef VISOR_ENGINE_COVERAGE_H
#define VISOR_ENGINE_COVERAGE_H

#include "engine/event.h"

struct visor_engine;

enum visor_happening {
    VISOR_HAPPENS_LONG_PAUSE,  /* of a second or more, in which our clocks stood still */
    VISOR_HAPPENS_PAUSE,       /* the same, of 50 ms or more */
    VISOR_HAPPENS_MIGRATION,   /* to another host: the counter's rate may be another one */
    VISOR_HAPPENS_RESTORE,     /* from a snapshot, or a clone's start */
    VISOR_HAPPENS_SUSPEND,     /* by this machine's own kernel */
    VISOR_HAPPENS_STARVATION,  /* it did not get its CPU */
    VISOR_HAPPENS_STEP,        /* somebody else has stepped CLOCK_REALTIME */
    VISOR_HAPPENS_CLOCKSOURCE, /* the kernel counts by something else from now on */
    VISOR_HAPPENINGS
};

/* A witness that is there and works. */
struct visor_lookout {
    enum visor_witness_kind kind;
    int64_t within_ns; /* it notices in that time; 0: at once */
    int64_t long_ns;   /* a jump of a second or more, if that is sooner; else 0 */
    bool timed;        /* it tells the time (vmclock: may) */
};

struct visor_coverage {
    int64_t within_ns; /* by the quickest; VISOR_NS_MAX: nobody would notice */
    uint32_t by;       /* bits 1 << enum visor_witness_kind; NEAR stands for all sources */
};

/* Of those lookouts that tell the time only those count that are in use and not proven to be
 * derived from our own clock. */
void visor_engine_coverage(const struct visor_engine *engine, const struct visor_lookout *lookouts,
                           size_t count, struct visor_coverage coverage[VISOR_HAPPENINGS]);

#endif
