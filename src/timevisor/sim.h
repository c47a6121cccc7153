/* Parts of `timevisor sim`: running a series of worlds, and showing what came out. */
#ifndef VISOR_TIMEVISOR_SIM_H
#define VISOR_TIMEVISOR_SIM_H

#include "sim/outcome.h"

#include <stdio.h>

struct visor_series {
    const struct visor_scenario *scenario;
    uint64_t seed; /* of the first run; the n-th has seed + n */
    uint32_t runs;
    uint32_t jobs;                  /* processes */
    struct visor_outcome *outcomes; /* runs * hosts, by run, then host */
    size_t count;
    size_t hosts;              /* in a run */
    bool log;                  /* print what happens as it happens; needs jobs 1 */
    const char *plot, *record; /* draw or record (not both) the first run to this file */
    const char *watched;       /* of this host; NULL: the first */
};

/* Run them all. 0, or -errno; `outcomes` is then complete and freed by visor_series_done. */
int visor_series_run(struct visor_series *series);
void visor_series_done(struct visor_series *series);

struct visor_sim_options {
    const char *file; /* of the scenario, for messages */
    bool json;
};

/* Print a series. True if nothing was violated and all that was expected came true. */
bool visor_sim_report(const struct visor_series *series, const struct visor_sim_options *options,
                      FILE *to);

struct visor_sim_random {
    uint64_t seed; /* of the first world */
    uint32_t count, jobs;
    bool json;
};

/* Run random worlds; print what failed, and a sum. 0, or -errno. */
int visor_sim_random(const struct visor_sim_random *job, FILE *to, bool *good);

/* Worlds of one fault each, `count` seeds with every set of witnesses: print what is told of the
 * fault. `good`: as it was, wherever the witnesses can know. 0, or -errno. */
int visor_sim_confusion(const struct visor_sim_random *job, FILE *to, bool *good);

/* Replay a recording and print whether all actions are the same. 0, or -errno; a recording that
 * cannot be read says so on stderr and is not good. */
int visor_sim_replay(const char *path, bool json, FILE *to, bool *good);

/* From now on print what the engines of this world say and what happens to it. */
void visor_sim_log(struct visor_world *world);

#endif
