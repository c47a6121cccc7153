/* From the estimate to the clock and the kernel's idea of it: start and stop, steps and slews, what
 * others do to the clock, status. The estimate itself is follow.c's, the view publish.c's. */
#include "engine/core.h"

#include "base/math.h"

#include <string.h>

#define DRIFT_DEFAULT                                                                              \
    2e-4 /* s/s: uncertainty of an unknown counter; emulated ones are off by 700 ppm */
#define DRIFT_AGAIN_NS   (300 * VISOR_NS_PER_S) /* for another rate */
#define DRIFT_STALE      1e-6   /* s/s: how far the rate may be from a drift file's by now */
#define SLEW_LATE_S      15.0   /* how late we may come to end a slew */
#define KERNEL_GROWTH    4.9e-4 /* s/s: it lets maxerror grow by 500 ppm itself */
#define ANSWER_S         2.0 /* that sources are given to say what they think of a foreign step */
#define INTERFERENCE_NS  (64 * VISOR_NS_PER_S)
#define FOREIGN_SLEW     5e-4 /* s/s, of adjtime() */
#define FOREIGN_LOOK_S   1.0
#define ASK_LEAST_S      0.01
#define FOREIGN_LASTS_NS (16 * VISOR_NS_PER_S) /* an adjtime() that has only begun goes on */
#define STATUS_EVERY_NS  (64 * VISOR_NS_PER_S)

/* ---- start and stop ---- */

void visor_discipline_start(struct visor_engine *e, const struct visor_event_start *start)
{
    const struct visor_config *config = e->config;

    e->settable = start->clock_settable && config->mode == VISOR_MODE_DISCIPLINE;
    e->precision_s = start->precision_s > 0.0 ? start->precision_s : 1e-7;
    if (config->clock_precision > 0.0)
        e->precision_s = config->clock_precision;
    e->precision = 0;
    while (e->precision > -30 && visor_math_exp2i(e->precision) > e->precision_s * 1.4142)
        e->precision--;
    e->rate = e->now.frequency_ppb * 1e-9;
    e->rate_deviation =
        DRIFT_DEFAULT + visor_math_size(e->rate); /* a slew may have been cut short */
    if (start->drift_known) {
        e->rate = -start->drift_ppm * 1e-6;
        e->rate_deviation = start->skew_ppm * 1e-6 + DRIFT_STALE;
    }
    e->updated = (visor_mono){INT64_MIN};
    e->asked_at = e->foreign_at = e->restarted_at = e->interfered_at = e->step_told_at =
        (visor_mono){INT64_MIN};
    e->drift_saved = e->now.raw;
    e->saved_rate = e->rate;
    e->makestep_threshold = config->makestep_threshold;
    e->makestep_limit = config->makestep_limit;
    e->max_update_skew = config->max_update_skew;
    e->reselect_distance = config->reselect_distance;
    e->max_change_delay = config->max_change_delay;
    e->max_change_ignore = config->max_change_ignore;
    visor_fallback_init(&e->fallback, config);
    visor_discipline_rate(e, e->rate * 1e9);
    e->kernel_status_at = (visor_mono){INT64_MIN};
    visor_leap_init(e);
    visor_publish_init(e);
    e->manual.enabled = config->manual;
    e->started_at = e->now.raw;
    visor_discipline_watch(e);
    visor_discipline_status(e, true); /* what a former daemon claimed may hold no more */
    if (start->drift_known) {
        struct visor_message *message =
            visor_engine_log(e, VISOR_MESSAGE_FREQUENCY_INITIAL, VISOR_SEVERITY_INFO);

        memcpy(message->name, config->driftfile, sizeof(message->name) - 1);
        message->number[0] = start->drift_ppm;
        message->number[1] = start->skew_ppm;
        if (e->settable)
            visor_discipline_run_at(e, e->steer.base_ppb);
    }
    visor_publish_view(e);
}

void visor_discipline_save_drift(struct visor_engine *e)
{
    struct visor_action_drift *drift;

    if (!e->known)
        return;
    drift = &visor_engine_push(e, VISOR_ACTION_DRIFT)->drift;
    drift->frequency_ppm = -e->line.rate * 1e6;
    drift->skew_ppm = visor_math_sqrt(e->line.p11) * 1e6;
    e->drift_saved = e->now.raw;
    e->saved_rate = e->line.rate;
}

bool visor_discipline_drift_due(const struct visor_engine *e)
{
    int64_t since = visor_mono_diff(e->now.raw, e->drift_saved);

    return since >= (int64_t)e->config->drift_interval * VISOR_NS_PER_S ||
           (since >= DRIFT_AGAIN_NS && e->line.p11 < DRIFT_STALE * DRIFT_STALE &&
            visor_math_size(e->line.rate - e->saved_rate) > DRIFT_STALE);
}

void visor_discipline_halt(struct visor_engine *e)
{
    if (!e->settable || !e->steer.slewing)
        return;
    e->steer.slewing = false;
    e->steer.wanted_ppb = e->steer.base_ppb;
    visor_discipline_run_at(e, e->steer.base_ppb);
}

void visor_discipline_stop(struct visor_engine *e)
{
    visor_discipline_save_drift(e);
    visor_discipline_halt(e);
    e->stopping = true;
}

/* ---- what is known ---- */

double visor_discipline_remaining(const struct visor_engine *e)
{
    return visor_seconds_from_ns(visor_line_utc(&e->line, e->now.raw).ns - e->now.real.ns) -
           e->leap.owed_s;
}

double visor_discipline_settled_s(const struct visor_engine *e, visor_mono raw)
{
    return (-e->low > e->high ? -e->low : e->high) + visor_follow_grown(e, raw);
}

int64_t visor_discipline_bound_ns(const struct visor_engine *e, visor_mono raw)
{
    double bound;

    if (!e->known || e->trust == VISOR_TRUST_DISRUPTED || e->rescue.quarantined)
        return VISOR_NS_MAX;
    bound = visor_discipline_settled_s(e, raw) + visor_doubt_size(e);
    if (bound > 1e6)
        return VISOR_NS_MAX;
    return visor_ns_from_seconds(bound) + 2;
}

void visor_discipline_run_at(struct visor_engine *e, double ppb)
{
    e->frequencies_pending++;
    visor_engine_push(e, VISOR_ACTION_FREQUENCY)->frequency.frequency_ppb = ppb;
}

/* ---- kernel status ---- */

/* A kernel that is told that its clock is synchronised copies it to the RTC now and then: not while
 * we measure that. */
static bool measures_rtc(const struct visor_config *config)
{
    for (size_t i = 0; i < config->refclock_count; i++)
        if (config->refclocks[i].driver == VISOR_REFCLOCK_RTC)
            return true;
    return config->rtcfile[0] != 0;
}

/* How fast REALTIME is led away from where it is now, beyond what the kernel lets its maxerror grow
 * by itself, s/s: whoever is starved of processor time ends a slew too late. */
static double slew_excess(const struct visor_engine *e)
{
    double rate = visor_math_size(e->steer.wanted_ppb - e->steer.base_ppb) * 1e-9;

    return e->steer.slewing && rate > KERNEL_GROWTH ? rate - KERNEL_GROWTH : 0.0;
}

static bool foreign_lasts(const struct visor_engine *e)
{
    return e->foreign_at.ns != INT64_MIN &&
           visor_mono_diff(e->now.raw, e->foreign_at) < FOREIGN_LASTS_NS;
}

void visor_discipline_status(struct visor_engine *e, bool force)
{
    struct visor_action_status *status = &e->kernel_status;
    bool synchronized =
        e->trust == VISOR_TRUST_SYNCHRONIZED && !e->rescue.quarantined && !measures_rtc(e->config);
    int64_t bound = visor_discipline_bound_ns(e, e->now.raw);
    bool system = e->config->leap_mode == VISOR_LEAP_MODE_SYSTEM;
    double remaining, error, covered;
    int64_t since = visor_mono_diff(e->now.raw, e->kernel_status_at);

    if (!e->settable)
        return;
    remaining = e->known ? visor_discipline_remaining(e) : 0.0;
    error =
        bound == VISOR_NS_MAX ? 16.0 : visor_seconds_from_ns(bound) + visor_math_size(remaining);
    error += SLEW_LATE_S * slew_excess(e);
    if (foreign_lasts(e)) /* and what that moves before we look again */
        error += FOREIGN_SLEW * FOREIGN_LOOK_S;
    if (e->known && e->drift > KERNEL_GROWTH && error < 16.0) /* the kernel would grow too slowly */
        error += (e->drift - KERNEL_GROWTH) *
                 visor_seconds_from_ns(visor_mono_diff(e->renew_at, e->now.raw));
    /* the kernel lets it grow at the end of each of its seconds */
    covered =
        status->max_error_s + (since > VISOR_NS_PER_S
                                   ? KERNEL_GROWTH * visor_seconds_from_ns(since - VISOR_NS_PER_S)
                                   : 0.0);
    if (!force && synchronized == status->synchronized && e->kernel_status_at.ns != INT64_MIN &&
        since < STATUS_EVERY_NS && error <= covered)
        return;
    *status = (struct visor_action_status){
        .synchronized = synchronized,
        .max_error_s = error,
        .est_error_s = e->known ? visor_math_sqrt(e->line.p00) : 16.0,
        .leap = system ? e->leap.announced : VISOR_LEAP_NONE,
        .tai_offset_s = system ? e->leap.tai_offset_s : 0,
    };
    e->kernel_status_at = e->now.raw;
    visor_engine_push(e, VISOR_ACTION_STATUS)->status = *status;
}

/* ---- the clock ---- */

void visor_discipline_step(struct visor_engine *e, double remaining_s)
{
    struct visor_message *message;

    e->step_pending = true;
    e->disruptions.proven &= e->disruptions.open; /* that is done; else sources say what is left */
    e->disruptions.owed_s = e->disruptions.owed_error_s = 0.0;
    e->disruptions.stepped_s += remaining_s;
    e->steer.slewing = false;
    visor_engine_push(e, VISOR_ACTION_STEP)->step.offset_ns = visor_ns_from_seconds(remaining_s);
    message = visor_engine_log(e, VISOR_MESSAGE_STEPPED, VISOR_SEVERITY_WARNING);
    message->number[0] = remaining_s;
}

void visor_discipline_rate(struct visor_engine *e, double ppb)
{
    double limit = e->config->max_drift * 1e3;
    bool beyond = visor_math_size(ppb) > limit;

    if (beyond && !e->rate_limited)
        visor_engine_log(e, VISOR_MESSAGE_FREQUENCY_LIMITED, VISOR_SEVERITY_WARNING)->number[0] =
            -ppb * 1e-3;
    e->rate_limited = beyond;
    e->steer.base_ppb = beyond ? ppb < 0.0 ? -limit : limit : ppb;
}

/* Somebody stepped our clock, and since then sources contradict the estimate by as much. */
static bool step_may_be_right(const struct visor_engine *e)
{
    return foreign_lasts(e) &&
           visor_doubt_size(e) > visor_math_size(visor_discipline_remaining(e)) / 2.0;
}

/* What remains is not allowed to be corrected, or nobody knows since the disruption what it is:
 * only the slew under way goes on. */
static bool holds_still(const struct visor_engine *e)
{
    return e->change_held || (e->trust == VISOR_TRUST_DISRUPTED && !e->disruptions.shifted) ||
           step_may_be_right(e);
}

void visor_discipline_slew(struct visor_engine *e)
{
    double before = e->steer.wanted_ppb, wanted, tolerance, remaining;

    if (!e->settable || !e->known || e->step_pending)
        return;
    remaining =
        holds_still(e) ? visor_steer_pending(&e->steer, e->now.raw) : visor_discipline_remaining(e);
    if (e->rate_deviation * 1e6 <= e->max_update_skew)
        visor_discipline_rate(e, e->line.rate * 1e9);
    e->steer.apart_ppb = visor_math_size(e->line.rate * 1e9 - e->steer.base_ppb);
    tolerance = 0.02 * visor_math_sqrt(e->line.p00);
    wanted = visor_steer_plan(&e->steer, e->config, &e->now, remaining, e->update_interval_s,
                              tolerance > 1e-9 ? tolerance : 1e-9);
    if (wanted != before || e->steer.frequency_ppb - wanted > 1.0 ||
        wanted - e->steer.frequency_ppb > 1.0)
        visor_discipline_run_at(e, wanted);
}

static bool change_too_large(const struct visor_engine *e, double offset)
{
    return e->max_change_delay == 0 && visor_math_size(offset) > e->config->max_change;
}

/* maxchange: false when the update must not be carried out. */
static bool change_allowed(struct visor_engine *e, double offset)
{
    struct visor_message *message;

    e->change_held = change_too_large(e, offset);
    if (!e->change_held) {
        e->max_change_delay -= e->max_change_delay > 0; /* below 0 it is off */
        return true;
    }
    if (e->max_change_ignore != 0) {
        if (e->max_change_ignore > 0)
            e->max_change_ignore--;
        message = visor_engine_log(e, VISOR_MESSAGE_CHANGE_IGNORED, VISOR_SEVERITY_WARNING);
    } else {
        message = &visor_engine_push(e, VISOR_ACTION_FATAL)->message;
        memset(message, 0, sizeof(*message));
        message->kind = VISOR_MESSAGE_TOO_LARGE;
        message->severity = VISOR_SEVERITY_ERROR;
    }
    message->number[0] = offset;
    message->number[1] = e->config->max_change;
    return false;
}

static void tell_wrong(struct visor_engine *e, double offset)
{
    if (visor_math_size(offset) > e->config->log_change)
        visor_engine_log(e, VISOR_MESSAGE_WRONG_BY, VISOR_SEVERITY_WARNING)->number[0] = offset;
}

static bool wants_step(struct visor_engine *e, double remaining)
{
    return (e->makestep_limit != 0 && visor_math_size(remaining) > e->makestep_threshold) ||
           visor_disruption_steps(e, remaining);
}

/* What a slew under way removes was allowed, and said, before. */
void visor_discipline_correct(struct visor_engine *e)
{
    double remaining = visor_discipline_remaining(e);
    double offset = remaining - visor_steer_pending(&e->steer, e->now.raw);
    bool step;

    if (!change_allowed(e, offset))
        return;
    tell_wrong(e, offset);
    step = wants_step(e, remaining);
    if (e->makestep_limit > 0)
        e->makestep_limit--;
    if (visor_chronyd_correct(e, step))
        return;
    if (!e->settable) {
        if (step)
            visor_engine_log(e, VISOR_MESSAGE_STEP_FAILED, VISOR_SEVERITY_WARNING);
        return;
    }
    if (step && !e->step_pending)
        visor_discipline_step(e, remaining);
    else
        visor_discipline_slew(e);
}

/* ---- events ---- */

/* Somebody stepped our clock. It may be one who knows more: a guest agent that sets the clock after
 * a pause which our counter has not seen. So the sources are asked at once, and what they and the
 * witnesses say decides. Until then the clock is left alone; what is small is brought back gently.
 */
static void ask_about(struct visor_engine *e, double change)
{
    if (!e->known || !e->settable || holds_still(e))
        return;
    tell_wrong(e, -change);
    e->asked_at = e->now.raw;
    visor_sources_verify(e, NULL);
    if (visor_math_size(change) > ASK_LEAST_S || wants_step(e, visor_discipline_remaining(e)))
        visor_discipline_run_at(e, visor_steer_wait(&e->steer, e->now.raw, ANSWER_S));
}

static bool waits(const struct visor_engine *e)
{
    return e->steer.slewing && e->steer.wanted_ppb == e->steer.base_ppb &&
           !visor_steer_due(&e->steer, e->now.raw);
}

static bool was_told(const struct visor_engine *e, visor_mono at)
{
    return at.ns != INT64_MIN && visor_mono_diff(e->now.raw, at) < INTERFERENCE_NS;
}

/* A slow slew shows as one small step after the other. */
static bool foreign_goes_on(const struct visor_engine *e, double change)
{
    return foreign_lasts(e) && was_told(e, e->step_told_at) &&
           visor_math_size(change) <= 2.0 * FOREIGN_SLEW * FOREIGN_LOOK_S;
}

void visor_discipline_watch(struct visor_engine *e)
{
    double change;
    bool goes_on;
    double ours = e->steer.frequency_ppb;
    struct visor_message *message;

    if (e->step_pending || e->frequencies_pending > 0)
        return; /* what was found is our own, perhaps */
    switch (visor_steer_watch(&e->steer, &e->now, &change)) {
    case VISOR_FOREIGN_NONE:
        if (foreign_lasts(e))
            visor_discipline_status(e, false);
        return;
    case VISOR_FOREIGN_STEP:
        goes_on = foreign_goes_on(e, change);
        e->foreign_at = e->now.raw;
        if (visor_chronyd_may_step(e, change))
            break;
        if (!goes_on) {
            message = visor_engine_log(e, VISOR_MESSAGE_FOREIGN_STEP, VISOR_SEVERITY_WARNING);
            message->number[0] = change;
            e->step_told_at = e->now.raw;
        }
        visor_evidence_set(e, change);
        e->change_held |= change_too_large(e, change);
        ask_about(e, change);
        break;
    case VISOR_FOREIGN_FREQUENCY:
        if (!e->settable)
            return; /* observing: whoever steers does so by right */
        if (was_told(e, e->interfered_at))
            break; /* it goes on */
        e->interfered_at = e->now.raw;
        message = visor_engine_log(e, VISOR_MESSAGE_FOREIGN_FREQUENCY, VISOR_SEVERITY_WARNING);
        message->number[0] = ours + change;
        message->number[1] = ours;
        break;
    case VISOR_FOREIGN_LEAP:
        visor_leap_kernel_stepped(e);
        break;
    }
    if (!e->known)
        visor_publish_view(e); /* we know nothing better than this clock */
    else if (!waits(e))
        visor_discipline_slew(e);
    visor_discipline_status(e, false);
}

void visor_discipline_applied(struct visor_engine *e, const struct visor_event_applied *applied)
{
    if (applied->action == VISOR_CLOCK_STATUS)
        return;
    if (applied->action == VISOR_CLOCK_FREQUENCY && e->frequencies_pending > 0)
        e->frequencies_pending--;
    visor_steer_applied(&e->steer, applied);
    e->now = applied->after;
    if (applied->error != 0) {
        struct visor_message *message =
            visor_engine_log(e,
                             applied->action == VISOR_CLOCK_STEP ? VISOR_MESSAGE_STEP_FAILED
                                                                 : VISOR_MESSAGE_CLOCK_NOT_SETTABLE,
                             VISOR_SEVERITY_ERROR);

        message->count[0] = applied->error;
    }
    if (applied->action == VISOR_CLOCK_STEP) {
        e->step_pending = false;
        visor_discipline_slew(e);
        visor_publish_view(e);
        visor_discipline_status(e, true);
    }
}

void visor_discipline_timer(struct visor_engine *e)
{
    visor_leap_timer(e);
    if (e->known && !visor_mono_before(e->now.raw, e->renew_at)) {
        visor_follow_renew(e);
        visor_publish_view(e);
        visor_discipline_status(e, false);
    }
    if (e->known && !visor_mono_before(e->now.raw, visor_follow_fallback_deadline(e)))
        visor_follow_fall_back(e);
    visor_publish_timer(e);
    if (visor_steer_due(&e->steer, e->now.raw)) {
        bool was_fast = slew_excess(e) > 0.0;

        visor_discipline_slew(e);
        if (was_fast)
            visor_discipline_status(e, true);
    }
}

visor_mono visor_discipline_deadline(const struct visor_engine *e)
{
    visor_mono deadline = visor_leap_deadline(e);

    if (e->known && visor_mono_before(e->renew_at, deadline))
        deadline = e->renew_at;
    if (e->known && visor_mono_before(visor_follow_fallback_deadline(e), deadline))
        deadline = visor_follow_fallback_deadline(e);
    if (visor_mono_before(e->publish_at, deadline))
        deadline = e->publish_at;
    if (e->steer.slewing && e->settable && visor_mono_before(e->steer.slew_end, deadline))
        return e->steer.slew_end;
    return deadline;
}
