/* Bringing CLOCK_REALTIME to the estimate: at which frequency it should run now and until when, or
 * by how much to step. It also knows where the clock must be if nobody else touched it. Pure: the
 * caller turns the plan into actions and feeds back what was really applied. */
#ifndef VISOR_ENGINE_STEER_H
#define VISOR_ENGINE_STEER_H

#include "config/config.h"
#include "engine/event.h"

struct visor_steer {
    struct visor_reading last; /* last reading that was as expected */
    bool started;
    double frequency_ppb; /* really in force, as read back */
    double wanted_ppb;    /* what we last asked for */
    double base_ppb;      /* the estimate's rate: what is wanted when nothing remains */
    double apart_ppb;     /* how far that rate has gone from there, too unsure to be taken */
    bool slewing;
    visor_mono slew_end; /* valid while slewing */
    uint32_t steps, foreign_changes;
    double last_foreign_s;
    double leap_s; /* 0, or the step that the kernel will make by itself: it is nobody's fault */
};

enum visor_foreign {
    VISOR_FOREIGN_NONE,
    VISOR_FOREIGN_STEP,
    VISOR_FOREIGN_FREQUENCY,
    VISOR_FOREIGN_LEAP
};

/* Compare a reading with what was expected. `change`: s stepped by somebody else, or ppb. */
enum visor_foreign visor_steer_watch(struct visor_steer *steer, const struct visor_reading *now,
                                     double *change);

/* Take over what the clock adapter really did. */
void visor_steer_applied(struct visor_steer *steer, const struct visor_event_applied *applied);

/* Frequency for removing `remaining_s` (estimate - REALTIME) gently, at most at the configured
 * slew rate; sets slewing and slew_end. `interval_s`: time between updates;
 * `tolerance_s`: what is not worth a correction. */
double visor_steer_plan(struct visor_steer *steer, const struct visor_config *config,
                        const struct visor_reading *now, double remaining_s, double interval_s,
                        double tolerance_s);

/* Frequency for leaving the clock as it is for `seconds`: then it is due again. */
double visor_steer_wait(struct visor_steer *steer, visor_mono now, double seconds);

/* What the slew under way has still to remove, s; 0 when there is none. */
double visor_steer_pending(const struct visor_steer *steer, visor_mono now);

/* True once the planned slew has run its time. */
bool visor_steer_due(const struct visor_steer *steer, visor_mono now);

#endif
