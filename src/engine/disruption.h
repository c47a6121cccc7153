/* What has stopped or moved this machine, its clock or a source: one record for each disruption,
 * and what its witnesses are known to be. */
#ifndef VISOR_ENGINE_DISRUPTION_H
#define VISOR_ENGINE_DISRUPTION_H

#include "engine/kind.h"
#include "engine/witness.h"

#define VISOR_DISRUPTIONS   16
#define VISOR_WITNESS_KINDS (VISOR_WITNESS_READBACK + 1)

struct visor_disruption {
    enum visor_disruption_kind kind; /* may change until it is judged */
    uint32_t possible;               /* bits 1 << kind: what contradicts nothing that is known */
    visor_mono raw;                  /* when it was noticed */
    visor_wall utc;                  /* the estimate then, before it was corrected */
    bool sized;
    /* + : our counter was left behind; CLOCK_SET: the clock was set forward; SERVER: its time went
     * ahead; STARVATION: so long we did not run. +- */
    double size_s, error_s;
    uint32_t evidence;      /* bits 1 << enum visor_witness_kind: who saw it */
    uint32_t silent;        /* who would have seen something of it, and did not */
    bool judged;            /* no more evidence is taken */
    bool settled;           /* sources have been measured since */
    double settled_after_s; /* since what was published was taken back for it */

    /* for evidence.c */
    uint32_t seen;           /* bits 1 << enum visor_sign */
    bool invalidated;        /* what was published was taken back for it */
    bool asked;              /* all sources, once more */
    bool contradicted;       /* the sources do not say what the witness says */
    visor_mono since;        /* who was heard later knows of it */
    visor_mono fitted;       /* when the source that found it fitted last */
    visor_mono last;         /* its last sign */
    double late_s, stolen_s; /* sums */
};

struct visor_disruptions {
    struct visor_witness witnesses[VISOR_WITNESS_KINDS];
    uint64_t markers[VISOR_WITNESS_KINDS];
    uint32_t heard;                                  /* bits: has said anything */
    struct visor_disruption list[VISOR_DISRUPTIONS]; /* ring; `count` ever */
    uint32_t count;
    uint32_t treated; /* number of the record, from 1, that the rest is about; 0: none */
    bool open;        /* it is not settled */
    bool proven;      /* its witness is independent of our clock: `stall` governs */
    bool shifted;     /* the estimate has gone where a witness says */
    double maybe_s, maybe_error_s; /* it came to that, or the witness was set; 0: no such doubt */
    double stepped_s;              /* of it, so far */
    double owed_s, owed_error_s;   /* of earlier ones, proven, and not yet corrected */
    bool resorted;                 /* until the sources speak, a witness tells the time */
    bool step_waits;        /* the clock is to be corrected by the witness's word, when … */
    visor_mono until;       /* … no source has answered by then */
    bool anew;              /* they were asked once more, since it was disrupted again … */
    bool answered;          /* a source has, since … */
    visor_mono answered_at; /* … then */
    visor_mono look_at;     /* when to see whether enough have answered */
    double stolen_s;        /* lately, and belonging to no record yet … */
    visor_mono stolen_at;   /* … when it was told */
};

#endif
