/* The serving view: what is told to clients, to readers of the clock and in reports, at each moment
 * that it changes. It adds to the estimate what a server makes of it: `local`, time smoothing, and
 * the leap bits. */
#include "engine/core.h"

#include "base/math.h"

#define REFERENCE_STEP_NS (64 * VISOR_NS_PER_S)
#define SMOOTHING_SKEW    1e4 /* s: of max-wander, the skew at which time smoothing begins */

void visor_publish_init(struct visor_engine *e)
{
    visor_local_init(&e->local, e->config);
    e->local.reference_ns =
        VISOR_NS_PER_S + (int64_t)(visor_rng_next(&e->rng) % (uint64_t)(VISOR_NS_PER_S / 1000));
    visor_smooth_init(&e->smooth, e->config);
    e->continuous_epoch = (uint32_t)visor_rng_next(&e->rng) | 1;
    e->publish_at = (visor_mono){INT64_MAX};
}

static double dispersion_now(const struct visor_engine *e)
{
    return e->root_dispersion_s + visor_follow_grown(e, e->now.raw);
}

/* What the sources gave. */
static void describe_estimate(const struct visor_engine *e, struct visor_view *view)
{
    view->stratum = e->stratum;
    view->refid = e->refid;
    view->reference = visor_line_utc(&e->line, e->line.at);
    view->root_delay_ns = visor_ns_from_seconds(e->root_delay_s);
    view->root_dispersion_ns = visor_ns_from_seconds(dispersion_now(e));
    view->dispersion_rate_ppb = e->drift * 1e9;
}

/* Our own clock is the reference: nothing is better than it. */
static void describe_local(const struct visor_engine *e, struct visor_view *view)
{
    view->stratum = (uint8_t)e->local.stratum;
    view->refid = VISOR_NTP_REFID_LOCAL;
    view->reference = visor_wall_add(
        view->utc,
        -e->local.reference_ns - visor_mono_diff(view->raw, e->started_at) % REFERENCE_STEP_NS);
    view->orphan = e->local.orphan;
    if (view->leap != VISOR_LEAP_UNSYNCHRONIZED)
        view->leap = VISOR_LEAP_NONE;
}

static void earlier(visor_mono *deadline, visor_mono at)
{
    if (visor_mono_before(at, *deadline))
        *deadline = at;
}

/* Decides whether `local` holds, and when that may change. */
static void judge_local(struct visor_engine *e)
{
    bool synchronized = e->trust != VISOR_TRUST_UNKNOWN;
    visor_mono last = synchronized ? e->updated : e->started_at;
    double since = visor_seconds_from_ns(visor_mono_diff(e->now.raw, last));
    double distance = synchronized ? e->root_delay_s / 2.0 + dispersion_now(e) : 0.0;
    double again = visor_local_judge(&e->local, synchronized, since, distance, e->drift);

    if (again >= 0.0)
        earlier(&e->publish_at, visor_mono_add(e->now.raw, visor_ns_from_seconds(again) + 1));
}

/* A timescale that new views never move: it takes back whatever they do to what was told before. */
static void keep_continuous(struct visor_engine *e, visor_wall utc)
{
    int64_t moved = visor_wall_diff(utc, visor_view_utc(&e->view, e->now.raw));

    if (e->view.version != 0)
        e->continuous_ns = visor_ns_diff(e->continuous_ns, moved);
}

void visor_publish_view(struct visor_engine *e)
{
    struct visor_view *view = &e->view;
    visor_wall utc = e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real;

    keep_continuous(e, utc);
    *view = (struct visor_view){
        .version = 1,
        .raw = e->now.raw,
        .utc = utc,
        .rate_ppb = e->known ? e->line.rate * 1e9 : e->steer.frequency_ppb,
        .bound_ns = visor_discipline_bound_ns(e, e->now.raw),
        .growth_ppb = e->drift * 1e9,
        .epoch = e->epoch,
        .verified = e->known ? e->line.at : (visor_mono){0},
        .trust = e->trust,
        .leap = visor_leap_told(e),
        .tai_offset_s = (int16_t)e->leap.tai_offset_s,
        .precision = e->precision,
        .smoothing = visor_smooth_view(&e->smooth, e->now.raw),
        .continuous_ns = e->continuous_ns,
        .continuous_epoch = e->continuous_epoch,
    };
    e->publish_at = visor_smooth_deadline(&e->smooth, e->now.raw);
    judge_local(e);
    if (e->rescue.quarantined)
        view->trust = e->trust == VISOR_TRUST_DISRUPTED ? e->trust : VISOR_TRUST_UNKNOWN;
    else if (e->local.active)
        describe_local(e, view);
    else if (e->known && !e->fallen_back && e->trust != VISOR_TRUST_DISRUPTED)
        describe_estimate(e, view);
    if (view->stratum == 0)
        view->leap = VISOR_LEAP_UNSYNCHRONIZED;
    visor_engine_push(e, VISOR_ACTION_PUBLISH)->view = *view;
}

void visor_publish_timer(struct visor_engine *e)
{
    if (!visor_mono_before(e->now.raw, e->publish_at))
        visor_publish_view(e);
}

/* It begins when the rate is known so well that the curve's own rate is what counts. */
void visor_publish_moved(struct visor_engine *e)
{
    double moved = visor_seconds_from_ns(visor_wall_diff(visor_line_utc(&e->line, e->now.raw),
                                                         visor_view_utc(&e->view, e->now.raw)));

    if (e->smooth.active && !e->smooth.leap_only)
        visor_smooth_move(&e->smooth, e->now.raw, moved, e->line.rate - e->view.rate_ppb * 1e-9);
    else if (e->smooth.leap_only ||
             visor_math_sqrt(e->line.p11) < SMOOTHING_SKEW * e->smooth.max_wander)
        visor_publish_smooth(e);
}

void visor_publish_smooth(struct visor_engine *e)
{
    if (visor_smooth_activate(&e->smooth, e->now.raw))
        visor_engine_log(e, VISOR_MESSAGE_SMOOTHING, VISOR_SEVERITY_INFO)->count[0] =
            e->smooth.leap_only ? 2 : 1;
}
