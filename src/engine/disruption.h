/* What has stopped or moved this machine: one record for each disruption, and what its witnesses
 * are known to be. */
#ifndef VISOR_ENGINE_DISRUPTION_H
#define VISOR_ENGINE_DISRUPTION_H

#include "engine/message.h"
#include "engine/witness.h"

#define VISOR_DISRUPTIONS   16
#define VISOR_WITNESS_KINDS (VISOR_WITNESS_NEAR + 1)

struct visor_disruption {
    enum visor_disruption_kind kind;
    visor_mono raw; /* when it was noticed */
    visor_wall utc; /* the estimate then, before it was corrected */
    bool sized;
    double size_s, error_s; /* + : our counter was left behind; +- */
    uint32_t evidence;      /* bits 1 << enum visor_witness_kind */
    bool settled;           /* sources have been measured since */
    double settled_after_s; /* since it was noticed */
};

struct visor_disruptions {
    struct visor_witness witnesses[VISOR_WITNESS_KINDS];
    uint64_t markers[VISOR_WITNESS_KINDS];
    uint32_t heard;                                  /* bits: has said anything */
    struct visor_disruption list[VISOR_DISRUPTIONS]; /* ring; `count` ever */
    uint32_t count;
    bool open;          /* the newest is not settled */
    bool proven;        /* its witness is independent of our clock: `stall` governs */
    bool shifted;       /* the estimate has gone where a witness says */
    bool step_waits;    /* the clock is to be corrected by the witness's word, when … */
    visor_mono until;   /* … no source has answered by then */
    visor_mono look_at; /* when to see whether enough have answered */
};

#endif
