/* Reading a view: the line and its growing bound, in integers where it matters. */
#include "wire/view.h"

/* rate is split off, so that the large part stays an exact integer. */
visor_wall visor_view_utc(const struct visor_view *view, visor_mono raw)
{
    int64_t elapsed = visor_mono_diff(raw, view->raw);
    double extra = (double)elapsed * view->rate_ppb * 1e-9;

    return visor_wall_add(visor_wall_add(view->utc, elapsed), visor_ns_from_seconds(extra * 1e-9));
}

int64_t visor_view_bound_ns(const struct visor_view *view, visor_mono raw)
{
    int64_t elapsed = visor_mono_diff(raw, view->raw);
    double growth;

    if (view->bound_ns == VISOR_NS_MAX)
        return VISOR_NS_MAX;
    if (elapsed < 0)
        elapsed = visor_ns_diff(0, elapsed);
    growth = (double)elapsed * view->growth_ppb * 1e-9 + 1.0;
    if (growth >= (double)(VISOR_NS_MAX / 2) || view->bound_ns >= VISOR_NS_MAX / 2)
        return VISOR_NS_MAX;
    return view->bound_ns + (int64_t)growth + 1;
}

int64_t visor_view_smoothing_ns(const struct visor_view *view, visor_mono raw)
{
    const struct visor_smoothing *s = &view->smoothing;
    double t = visor_seconds_from_ns(visor_mono_diff(raw, s->start));

    if (!s->active)
        return 0;
    return visor_ns_from_seconds(s->offset + t * (s->frequency + t * s->wander / 2.0));
}
