/* The sure interval of one source: where UTC is by all of its samples together, if it is honest. It
 * is kept in struct visor_filter. */
#ifndef VISOR_ENGINE_INTERVAL_H
#define VISOR_ENGINE_INTERVAL_H

#include "engine/filter.h"

/* By how much a sample missed the line, and what of it its noise does not explain; s. */
struct visor_miss {
    double by_s, slack_s;
};

/* The newest sample was taken into the line, which was `before` at that moment. `drift`: what the
 * line's rate may have been wrong by since the sample before, s/s. */
void visor_interval_take(struct visor_filter *filter, const struct visor_line *before,
                         const struct visor_filter_entry *entry, double drift,
                         const struct visor_miss *miss);

/* Nothing is sure any more, until the next sample. */
void visor_interval_forget(struct visor_filter *filter);

/* How an interval grows: the counter was measured `until` then, to within `measured`, s/s; since
 * then it may have run otherwise by `drift`. */
struct visor_growth {
    visor_mono until;
    double measured, drift;
};

/* The interval at `raw`, relative to the line at raw. */
void visor_interval_at(const struct visor_filter *filter, visor_mono raw,
                       const struct visor_growth *growth, double *low, double *high);

#endif
