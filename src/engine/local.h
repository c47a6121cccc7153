/* `local`: serving our own clock's time where there is none better, and `orphan`: a group of
 * servers that poll one another agrees on one of them to do so.
 *
 * A source in a group whose stratum is that of `local` serves nothing but its own clock. It is an
 * orphan and no source, unless there is no other; then the one with the smallest reference
 * identifier is followed, and who has the smallest itself follows nobody. */
#ifndef VISOR_ENGINE_LOCAL_H
#define VISOR_ENGINE_LOCAL_H

#include "config/config.h"

struct visor_engine;

struct visor_local {
    bool enabled, orphan;
    bool activated; /* our clock was good enough once */
    bool active;    /* out: serve it now */
    int stratum;
    int64_t reference_ns; /* age of a new reference time, 1 s and a little, random: it makes them
                             ours */
    double distance, activate;         /* s: root distance over which it is served; that it must
                                          have been under once (0: need not) */
    double wait_synced, wait_unsynced; /* s: since the last clock update, or since the start */
};

void visor_local_init(struct visor_local *local, const struct visor_config *config);

/* Decides about `active`. `synchronized`: there was a clock update, `since_s` ago, and the root
 * distance is `distance_s` now, growing by `growth` s/s; else it is since the start. Returns after
 * how many seconds to ask again, -1: not before the next update. */
double visor_local_judge(struct visor_local *local, bool synchronized, double since_s,
                         double distance_s, double growth);

/* Take orphans out of the `count` candidates of the engine, or choose one. */
void visor_local_exclude(struct visor_engine *e, int count);

#endif
