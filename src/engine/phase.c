/* Requests to several sources lie evenly between one another, so that the counter is measured as
 * often as they are many: asked all at once, they leave a gap as long as a poll, in which the bound
 * grows and nothing is noticed. Each source, whenever it was heard, moves its next request towards
 * the middle between those of the others; in the long run nobody is asked more often for it. */
#include "engine/core.h"

#define MOVED_MOST  0.25 /* of its interval */
#define MOVED_LEAST 0.03 /* of its interval: jitter is no reason to move */
#define MOVED_FROM  8    /* samples: at the start it is in a hurry */

static bool takes_part(const struct visor_source *source)
{
    return source->id != 0 && !source->refclock && source->resolved &&
           source->association.config.kind != VISOR_SOURCE_PEER &&
           source->association.next.ns != INT64_MAX && visor_source_reach(source) != 0;
}

/* The requests of `other` that are the last before and the first after `at`, as it is now asked. */
static void narrow(const struct visor_source *other, visor_mono at, double *before, double *after)
{
    double interval = visor_association_interval(&other->association);
    double ahead = visor_seconds_from_ns(visor_mono_diff(other->association.next, at));

    ahead -= interval * (double)(int64_t)(ahead / interval);
    if (ahead < 0.0)
        ahead += interval;
    if (ahead < *after)
        *after = ahead;
    if (interval - ahead < *before)
        *before = interval - ahead;
}

void visor_phase_spread(struct visor_engine *e, struct visor_source *source)
{
    struct visor_association *a = &source->association;
    double interval = visor_association_interval(a), before = interval, after = interval, moved;

    if (!takes_part(source) || source->filter.taken < MOVED_FROM)
        return;
    for (int i = 0; i < e->source_count; i++)
        if (&e->sources[i] != source && takes_part(&e->sources[i]))
            narrow(&e->sources[i], a->next, &before, &after);
    moved = (after - before) / 2.0 / interval;
    moved = moved > MOVED_MOST ? MOVED_MOST : moved < -MOVED_MOST ? -MOVED_MOST : moved;
    if (moved > MOVED_LEAST || moved < -MOVED_LEAST)
        visor_association_move(a, visor_ns_from_seconds(moved * interval));
}
