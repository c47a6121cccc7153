/* The counter's rate changes by an amount that is known (temperature compensation): everything that
 * was learnt is turned, so that it looks as if the new rate had always been the rate. The phase at
 * this moment stays. */
#include "engine/core.h"

static void turn_point(struct visor_point *point, visor_mono now, double change)
{
    double moved = change * visor_seconds_from_ns(visor_mono_diff(point->at, now));

    point->offset_ns = visor_ns_add(point->offset_ns, visor_ns_from_seconds(moved));
}

static void turn_filter(struct visor_filter *filter, visor_mono now, double change)
{
    for (unsigned int i = 0; i < filter->count; i++)
        turn_point(&filter->entries[(filter->first + i) % VISOR_FILTER_SAMPLES].point, now, change);
    for (unsigned int i = 0; i < filter->suspect_count; i++)
        turn_point(&filter->suspects[i].point, now, change);
    visor_line_turn(&filter->prior, now, change);
    visor_line_turn(&filter->line, now, change);
    visor_line_turn(&filter->trial, now, change);
    visor_line_turn(&filter->trial_prior, now, change);
    filter->prior_rate += change;
}

void visor_sources_turn(struct visor_engine *e, const struct visor_event_rate *event)
{
    double change = event->change_ppb * 1e-9;

    if (!(change > -1e-3 && change < 1e-3))
        return;
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0)
            turn_filter(&e->sources[i].filter, e->now.raw, change);
    e->rate += change;
    if (e->known) {
        visor_line_turn(&e->line, e->now.raw, change);
        visor_discipline_slew(e);
    } else if (e->settable) {
        visor_discipline_rate(e, e->steer.base_ppb + event->change_ppb);
        visor_discipline_run_at(e, e->steer.base_ppb);
        e->steer.wanted_ppb = e->steer.base_ppb;
    }
    visor_publish_view(e);
}
