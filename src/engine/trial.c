#include "engine/trial.h"

#include "base/assert.h"
#include "base/math.h"

#define CAUTION 4.0  /* deviations within which a trial explains what the line cannot */
#define VERDICT 4.5  /* deviations between trial and line that are no chance */
#define TRIFLE  1e-7 /* s/s: or it matters no more */
#define ENOUGH  2.0  /* times the line's deviation of the rate: the trial is over */

/* What an unknown counter has; but a line that does not know its own rate to VISOR_RATE_CHANGE_MOST
 * knows nothing. */
double visor_trial_freed(const struct visor_line *line)
{
    return line->p11 > VISOR_RATE_CHANGE_MOST * VISOR_RATE_CHANGE_MOST
               ? line->p11
               : VISOR_RATE_FREE * VISOR_RATE_FREE;
}

VISOR_RARE void visor_trial_begin(struct visor_filter *filter,
                                  const struct visor_filter_entry *first)
{
    filter->trial_prior = (struct visor_line){
        .at = first->point.at,
        .offset_ns = first->point.offset_ns,
        .rate = filter->line.rate,
        .p00 = 1.0,
        .p11 = visor_trial_freed(&filter->line),
    };
    filter->on_trial = true;
}

VISOR_RARE void visor_trial_run(struct visor_filter *filter)
{
    filter->trial = filter->trial_prior;
    for (unsigned int i = 0; i < filter->count; i++) {
        const struct visor_point *point = &visor_filter_entry(filter, i)->point;

        if (!visor_mono_before(point->at, filter->trial_prior.at))
            visor_line_take(&filter->trial, point, &filter->noise, NULL);
    }
}

bool visor_trial_fits(const struct visor_filter *filter, const struct visor_point *point)
{
    struct visor_line trial = filter->trial;
    double innovation, variance;

    if (!filter->on_trial)
        return false;
    visor_line_move(&trial, point->at, filter->noise.wander);
    innovation = visor_line_innovation(&trial, point, &filter->noise, &variance);
    return innovation * innovation <= CAUTION * CAUTION * variance;
}

bool visor_trial_contradicts(struct visor_filter *filter)
{
    double apart, variance;

    if (!filter->on_trial)
        return false;
    visor_trial_run(filter);
    apart = filter->trial.rate - filter->line.rate;
    variance = filter->trial.p11;
    if (apart * apart > VERDICT * VERDICT * variance)
        return true;
    filter->on_trial = variance > ENOUGH * ENOUGH * filter->line.p11 && variance > TRIFLE * TRIFLE;
    return false;
}
