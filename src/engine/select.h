/* Which sources are right: the largest set of intervals with a point in common (Marzullo 1984;
 * RFC 5905, 11.2.1), which must be a majority; then which of these to follow, and how they are
 * combined. Pure: candidates in, states out. */
#ifndef VISOR_ENGINE_SELECT_H
#define VISOR_ENGINE_SELECT_H

#include "engine/status.h"

struct visor_candidate {
    double low, high; /* sure interval of the offset, s, all against one common time scale */
    double distance;  /* s: root distance, half of high - low or more */
    double waiting;   /* s: the part of it that comes only of the wait for the next sample */
    double age;       /* s: of its last sample, when this was drawn up */
    double score;     /* out: lower is better, s */
    uint32_t options; /* effective: enum visor_select_option bits */
    uint8_t stratum;
    bool usable;   /* in: may take part (samples, reach, distance, jitter are in order) */
    bool newcomer; /* in: it has samples, but too few to lead: it votes only */
    bool suspect;  /* in: its last sample did not fit: it may not lead while others can */
    bool faulty;   /* in: and that is known to be its own fault: silence, another path */
    bool silent;   /* in: it has not answered for longer than chance allows */
    bool selected; /* in: it led until now */
    enum visor_select_state state; /* in: why it is not usable; out: the verdict */
};

struct visor_selection_limits {
    int min_sources;
    double combine_limit, reselect_distance, stratum_weight;
};

enum visor_selection_result {
    VISOR_SELECTION_OK,
    VISOR_SELECTION_NONE,         /* nothing usable */
    VISOR_SELECTION_NO_MAJORITY,  /* `agreeing` of `usable` agree */
    VISOR_SELECTION_TOO_FEW,      /* fewer than minsources agree */
    VISOR_SELECTION_NOT_REQUIRED, /* no required source among them */
};

struct visor_selection {
    enum visor_selection_result result;
    int best; /* index of the candidate to lead; -1: none */
    int usable, agreeing, combined;
    double low, high; /* what all agreeing sources allow */
};

/* Is it wrong, or worse than the configuration allows? */
bool visor_select_is_bad(enum visor_select_state state);

/* Does a candidate in this state agree with the majority? */
bool visor_select_agrees(enum visor_select_state state);

/* Where an interval begins or ends. */
struct visor_edge {
    double at;
    bool closes;
};

/* `edges` is scratch space for 2 * count of them, owned by the caller. */
void visor_select(struct visor_candidate *candidates, int count, struct visor_edge *edges,
                  const struct visor_selection_limits *limits, struct visor_selection *selection);

#endif
