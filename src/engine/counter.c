/* The arithmetic of the engine's own counter. Reading the local clock is standard.c's. */
#include "engine/counter.h"

#include <string.h>

#define NEVER_NS     (INT64_C(1) << 61) /* sentinels beyond that are no times */
#define CATCH_UP_MAX 1e-3 /* s/s: a greater misfit is a jump of the local clock, not followed */
#define RATE_MAX     0.2

void visor_counter_init(struct visor_counter *counter, bool in_use)
{
    memset(counter, 0, sizeof(*counter));
    counter->in_use = in_use;
}

static bool is_time(const struct visor_counter *counter, visor_mono at)
{
    return counter->in_use && at.ns < NEVER_NS && at.ns > -NEVER_NS;
}

visor_mono visor_counter_from_raw(const struct visor_counter *counter, visor_mono raw)
{
    int64_t away;

    if (!is_time(counter, raw))
        return raw;
    away = visor_mono_diff(raw, counter->raw);
    return visor_mono_add(
        counter->made, away + visor_ns_from_seconds((double)away * 1e-9 *
                                                    (away < 0 ? counter->before : counter->rate)));
}

visor_mono visor_counter_to_raw(const struct visor_counter *counter, visor_mono made)
{
    int64_t away;
    double rate;

    if (!is_time(counter, made))
        return made;
    away = visor_mono_diff(made, counter->made);
    rate = away < 0 ? counter->before : counter->rate;
    return visor_mono_add(
        counter->raw, away - visor_ns_from_seconds((double)away * 1e-9 * (rate / (1.0 + rate))));
}

double visor_counter_ppb_from_raw(const struct visor_counter *counter, double ppb)
{
    return counter->in_use ? (ppb - counter->rate * 1e9) / (1.0 + counter->rate) : ppb;
}

double visor_counter_ppb_to_raw(const struct visor_counter *counter, double ppb)
{
    return counter->in_use ? ppb * (1.0 + counter->rate) + counter->rate * 1e9 : ppb;
}

void visor_counter_read_reading(const struct visor_counter *counter, struct visor_reading *reading)
{
    if (!counter->in_use)
        return;
    reading->raw = visor_counter_from_raw(counter, reading->raw);
    reading->frequency_ppb = visor_counter_ppb_from_raw(counter, reading->frequency_ppb);
}

void visor_counter_read_event(const struct visor_counter *counter, struct visor_event *event)
{
    if (!counter->in_use)
        return;
    visor_counter_read_reading(counter, &event->now);
    switch (event->kind) {
    case VISOR_EVENT_PACKET:
        event->packet.received.raw = visor_counter_from_raw(counter, event->packet.received.raw);
        break;
    case VISOR_EVENT_SENT:
        event->sent.sent.raw = visor_counter_from_raw(counter, event->sent.sent.raw);
        break;
    case VISOR_EVENT_REFCLOCK:
        event->refclock.stamp.raw = visor_counter_from_raw(counter, event->refclock.stamp.raw);
        break;
    case VISOR_EVENT_WITNESS:
        event->witness.stamp.raw = visor_counter_from_raw(counter, event->witness.stamp.raw);
        break;
    case VISOR_EVENT_APPLIED:
        visor_counter_read_reading(counter, &event->applied.after);
        event->applied.frequency_ppb =
            visor_counter_ppb_from_raw(counter, event->applied.frequency_ppb);
        break;
    default: /* the others carry no stamps, or were before the counter was made */
        break;
    }
}

void visor_counter_write_view(const struct visor_counter *counter, struct visor_view *view)
{
    if (!counter->in_use)
        return;
    view->raw = visor_counter_to_raw(counter, view->raw);
    view->verified = visor_counter_to_raw(counter, view->verified);
    view->smoothing.start = visor_counter_to_raw(counter, view->smoothing.start);
    view->rate_ppb = visor_counter_ppb_to_raw(counter, view->rate_ppb);
}

void visor_counter_write_action(const struct visor_counter *counter, struct visor_action *action)
{
    if (!counter->in_use)
        return;
    if (action->kind == VISOR_ACTION_FREQUENCY)
        action->frequency.frequency_ppb =
            visor_counter_ppb_to_raw(counter, action->frequency.frequency_ppb);
    if (action->kind == VISOR_ACTION_PUBLISH)
        visor_counter_write_view(counter, &action->view);
    if (action->kind == VISOR_ACTION_DRIFT) /* the file's sign is the opposite */
        action->drift.frequency_ppm =
            -1e-3 * visor_counter_ppb_to_raw(counter, -1e3 * action->drift.frequency_ppm);
}

void visor_counter_write_tracking(const struct visor_counter *counter,
                                  struct visor_tracking *tracking)
{
    if (!counter->in_use)
        return;
    tracking->verified = visor_counter_to_raw(counter, tracking->verified);
    tracking->frequency_ppm =
        1e-3 * visor_counter_ppb_to_raw(counter, 1e3 * tracking->frequency_ppm);
    tracking->kernel_frequency_ppb =
        visor_counter_ppb_to_raw(counter, tracking->kernel_frequency_ppb);
}

/* ---- following ---- */

void visor_counter_lose(struct visor_counter *counter)
{
    counter->known = counter->two = counter->following = false;
}

static visor_wall local_at(const struct visor_counter *counter, visor_mono now)
{
    int64_t since = visor_mono_diff(now, counter->last);
    double seconds = visor_seconds_from_ns(since);

    return visor_wall_add(
        counter->last_local,
        since + visor_ns_from_seconds(seconds *
                                      (counter->local_rate + counter->trend * seconds / 2.0)));
}

/* From here on the made counter keeps its present rate against the local clock. */
static void anchor(struct visor_counter *counter, visor_mono now)
{
    counter->anchor = visor_counter_from_raw(counter, now);
    counter->anchor_local = local_at(counter, now);
    counter->base = (1.0 + counter->local_rate) / (1.0 + counter->rate) - 1.0;
    counter->following = true;
}

/* Rate and trend from the last two intervals. A change of rate that is no greater than the noise of
 * the samples is not believed to go on. */
static void extrapolate(struct visor_counter *counter, double rate, double interval, double noise)
{
    double change = rate - counter->mean_rate, doubt = 6.0 * noise * noise / (interval * interval);

    counter->trend = 0.0;
    if (counter->two && change * change > doubt)
        counter->trend = change / interval * (1.0 - doubt / (change * change));
    counter->mean_rate = rate;
    counter->two = true;
    counter->local_rate = rate + counter->trend * interval / 2.0;
}

/* False: it is the first sample, or no clock runs like that. */
static bool measure(struct visor_counter *counter, const struct visor_sample *sample)
{
    int64_t raw = visor_mono_diff(sample->at, counter->last), local;
    bool usable = counter->known && raw > 0 &&
                  !__builtin_sub_overflow(sample->reference.ns, counter->last_local.ns, &local);
    double rate = usable ? ((double)local - (double)raw) / (double)raw : 0.0;

    counter->known = true;
    counter->last = sample->at;
    counter->last_local = sample->reference;
    if (!usable || !(rate < RATE_MAX && rate > -RATE_MAX)) {
        counter->following = counter->two = false;
        return false;
    }
    extrapolate(counter, rate, visor_seconds_from_ns(raw), sample->dispersion_s);
    return true;
}

bool visor_counter_follow(struct visor_counter *counter, const struct visor_sample *sample,
                          visor_mono now, double interval_s)
{
    double gone, behind, rate;
    visor_mono made;

    if (!measure(counter, sample))
        return false;
    if (!counter->following) {
        anchor(counter, now);
        return false;
    }
    made = visor_counter_from_raw(counter, now);
    gone = visor_seconds_from_ns(visor_wall_diff(local_at(counter, now), counter->anchor_local)) /
           (1.0 + counter->base);
    behind = gone - visor_seconds_from_ns(visor_mono_diff(made, counter->anchor));
    if (!(behind < CATCH_UP_MAX * interval_s && behind > -CATCH_UP_MAX * interval_s)) {
        anchor(counter, now);
        return false;
    }
    counter->before = counter->rate;
    counter->raw = now;
    counter->made = made;
    rate = counter->local_rate +
           counter->trend * (visor_seconds_from_ns(visor_mono_diff(now, counter->last)) +
                             interval_s / 2.0); /* on average until the next one */
    counter->rate = (1.0 + rate) / (1.0 + counter->base) - 1.0 + behind / interval_s;
    return true;
}
