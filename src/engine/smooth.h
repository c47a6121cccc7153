/* `smoothtime`: what clients are served is continuous. When the estimate moves, the served time
 * stays where it was and comes after it along a curve: the rate of its difference changes by no
 * more than max-wander and is no more than max-freq, so that several such servers, and clients with
 * long poll intervals, stay together. Three stages bring offset and rate to zero in the shortest
 * time: one of full wander, one of full rate, one of full wander the other way. */
#ifndef VISOR_ENGINE_SMOOTH_H
#define VISOR_ENGINE_SMOOTH_H

#include "config/config.h"
#include "engine/status.h"
#include "wire/view.h"

#define VISOR_SMOOTH_STAGES 3

struct visor_smooth {
    double max_frequency, max_wander; /* s/s, s/s^2; 0: off */
    bool leap_only, active;
    visor_mono updated;       /* when the stages begin */
    double offset, frequency; /* served - UTC at that moment: s, and its rate, s/s */
    struct visor_smooth_stage {
        double length, wander; /* s, s/s^2 */
    } stages[VISOR_SMOOTH_STAGES];
};

void visor_smooth_init(struct visor_smooth *smooth, const struct visor_config *config);
static inline bool visor_smooth_enabled(const struct visor_smooth *smooth)
{
    return smooth->max_frequency > 0.0;
}

/* Begin, with no difference; false: it has begun already, or is not enabled. */
bool visor_smooth_activate(struct visor_smooth *smooth, visor_mono now);
/* No difference any more: the served time jumps to UTC. */
void visor_smooth_reset(struct visor_smooth *smooth, visor_mono now);

/* The estimate of UTC has moved by `offset` and its rate by `frequency`. */
void visor_smooth_move(struct visor_smooth *smooth, visor_mono now, double offset,
                       double frequency);

/* The stage under way, for the view; it holds until the deadline. */
struct visor_smoothing visor_smooth_view(const struct visor_smooth *smooth, visor_mono now);
visor_mono visor_smooth_deadline(const struct visor_smooth *smooth, visor_mono now);

void visor_smooth_status(const struct visor_smooth *smooth, visor_mono now,
                         struct visor_smoothing_status *status);

#endif
