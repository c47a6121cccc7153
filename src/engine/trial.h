/* Has the counter another rate since it jumped? A pause keeps it and a migration does not. The line
 * goes on at the old one, and one through the samples since the jump alone, as if nothing was known
 * of the rate, is kept beside it in struct visor_filter until it is as sure. */
#ifndef VISOR_ENGINE_TRIAL_H
#define VISOR_ENGINE_TRIAL_H

#include "engine/filter.h"

/* `first`: the first sample since the jump. It is not taken yet. */
void visor_trial_begin(struct visor_filter *filter, const struct visor_filter_entry *first);

/* By all samples since the jump and the noise as it is known now, which is learnt from the same
 * ones. */
void visor_trial_run(struct visor_filter *filter);

/* Does it explain what the line cannot? Then it was the rate that changed. */
bool visor_trial_fits(const struct visor_filter *filter, const struct visor_point *point);

/* A sample was taken: is the rate surely another one than the line's? The trial is over when it
 * knows enough. */
bool visor_trial_contradicts(struct visor_filter *filter);

/* Variance of a rate that may be another one than the line's, (s/s)^2. */
double visor_trial_freed(const struct visor_line *line);

#endif
