/* From the sources' lines to one estimate, to the view, to the clock. The order is fixed: select,
 * combine, publish, steer; so that what is served is never later than what is steered. */
#include "engine/core.h"

#include "base/math.h"

#include <string.h>

#define DRIFT_DEFAULT   1e-4   /* s/s: uncertainty of an unknown counter */
#define DISPUTE_LEAST   1e-6   /* s/s: rates so close are not worth a dispute */
#define BIAS_SHARE      0.1    /* of a root distance: how asymmetric a path is taken to be */
#define KERNEL_GROWTH   4.9e-4 /* s/s: it lets maxerror grow by 500 ppm itself */
#define FORGIVEN        8      /* good samples after which a fault is news again */
#define STATUS_EVERY_NS (64 * VISOR_NS_PER_S)

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

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
    e->rate_deviation = DRIFT_DEFAULT + size_of(e->rate); /* a slew may have been cut short */
    if (start->drift_known) {
        e->rate = -start->drift_ppm * 1e-6;
        e->rate_deviation = start->skew_ppm * 1e-6 + 1e-7;
    }
    e->updated = (visor_mono){INT64_MIN};
    e->last_request = (visor_mono){INT64_MIN};
    e->drift_saved = e->now.raw;
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
            visor_engine_push(e, VISOR_ACTION_FREQUENCY)->frequency.frequency_ppb =
                e->steer.base_ppb;
    }
    visor_publish_view(e);
}

static void save_drift(struct visor_engine *e)
{
    struct visor_action_drift *drift;

    if (!e->known)
        return;
    drift = &visor_engine_push(e, VISOR_ACTION_DRIFT)->drift;
    drift->frequency_ppm = -e->line.rate * 1e6;
    drift->skew_ppm = visor_math_sqrt(e->line.p11) * 1e6;
    e->drift_saved = e->now.raw;
}

void visor_discipline_stop(struct visor_engine *e)
{
    save_drift(e);
    if (e->settable && e->steer.slewing)
        visor_engine_push(e, VISOR_ACTION_FREQUENCY)->frequency.frequency_ppb = e->steer.base_ppb;
    e->stopping = true;
}

/* ---- what is known ---- */

double visor_discipline_remaining(const struct visor_engine *e)
{
    return visor_seconds_from_ns(visor_line_utc(&e->line, e->now.raw).ns - e->now.real.ns) -
           e->leap.owed_s;
}

int64_t visor_discipline_bound_ns(const struct visor_engine *e, visor_mono raw)
{
    double aged, low, high, bound;

    if (!e->known)
        return VISOR_NS_MAX;
    aged = visor_seconds_from_ns(visor_mono_diff(raw, e->line.at));
    low = -e->low + e->drift * aged;
    high = e->high + e->drift * aged;
    bound = (low > high ? low : high) + visor_doubt_size(e);
    if (bound > 1e6)
        return VISOR_NS_MAX;
    return visor_ns_from_seconds(bound) + 2;
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

void visor_discipline_status(struct visor_engine *e, bool force)
{
    struct visor_action_status *status = &e->kernel_status;
    bool synchronized = e->trust == VISOR_TRUST_SYNCHRONIZED && !measures_rtc(e->config);
    int64_t bound = visor_discipline_bound_ns(e, e->now.raw);
    bool system = e->config->leap_mode == VISOR_LEAP_MODE_SYSTEM;
    double remaining, error, covered;
    int64_t since = visor_mono_diff(e->now.raw, e->kernel_status_at);

    if (!e->settable)
        return;
    remaining = e->known ? visor_discipline_remaining(e) : 0.0;
    error = bound == VISOR_NS_MAX ? 16.0 : visor_seconds_from_ns(bound) + size_of(remaining);
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
    e->steer.slewing = false;
    visor_engine_push(e, VISOR_ACTION_STEP)->step.offset_ns = visor_ns_from_seconds(remaining_s);
    message = visor_engine_log(e, VISOR_MESSAGE_STEPPED, VISOR_SEVERITY_WARNING);
    message->number[0] = remaining_s;
}

void visor_discipline_rate(struct visor_engine *e, double ppb)
{
    double limit = e->config->max_drift * 1e3;
    bool beyond = size_of(ppb) > limit;

    if (beyond && !e->rate_limited)
        visor_engine_log(e, VISOR_MESSAGE_FREQUENCY_LIMITED, VISOR_SEVERITY_WARNING)->number[0] =
            -ppb * 1e-3;
    e->rate_limited = beyond;
    e->steer.base_ppb = beyond ? ppb < 0.0 ? -limit : limit : ppb;
}

void visor_discipline_slew(struct visor_engine *e)
{
    double before = e->steer.wanted_ppb, wanted, tolerance, remaining;

    if (!e->settable || !e->known || e->step_pending)
        return;
    remaining =
        e->change_held ? visor_steer_pending(&e->steer, e->now.raw) : visor_discipline_remaining(e);
    if (e->rate_deviation * 1e6 <= e->max_update_skew)
        visor_discipline_rate(e, e->line.rate * 1e9);
    tolerance = 0.02 * visor_math_sqrt(e->line.p00);
    wanted = visor_steer_plan(&e->steer, e->config, &e->now, remaining, e->update_interval_s,
                              tolerance > 1e-9 ? tolerance : 1e-9);
    if (wanted != before || e->steer.frequency_ppb - wanted > 1.0 ||
        wanted - e->steer.frequency_ppb > 1.0)
        visor_engine_push(e, VISOR_ACTION_FREQUENCY)->frequency.frequency_ppb = wanted;
}

static bool change_too_large(const struct visor_engine *e, double offset)
{
    return e->max_change_delay == 0 && size_of(offset) > e->config->max_change;
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
    if (size_of(offset) > e->config->log_change)
        visor_engine_log(e, VISOR_MESSAGE_WRONG_BY, VISOR_SEVERITY_WARNING)->number[0] = offset;
}

static bool wants_step(const struct visor_engine *e, double remaining)
{
    return e->makestep_limit != 0 && size_of(remaining) > e->makestep_threshold;
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

/* ---- selection ---- */

/* Unreachable sources go on voting with their ageing intervals, so that the first one to come back
 * cannot say what it likes; but with nobody in reach nothing is selected. */
static int nominate(struct visor_engine *e)
{
    struct visor_line base = {.at = e->now.raw, .offset_ns = visor_reading_offset_ns(&e->now)};
    int n = 0;
    bool reached = false;

    visor_authmode_apply(e);
    for (int i = 0; i < e->source_limit; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        if (!source->refclock && !source->resolved) {
            source->candidate = (struct visor_candidate){.state = VISOR_STATE_NO_SAMPLES};
            continue;
        }
        visor_source_nominate(source, &base, e->config, e->now.raw);
        source->candidate.selected = source->id == e->leader;
        reached |= source->candidate.usable && visor_source_reach(source) != 0;
        e->candidates[n] = source->candidate;
        e->candidate_source[n++] = i;
    }
    for (int i = 0; i < n && !reached; i++)
        if (e->candidates[i].usable) {
            e->candidates[i].usable = false;
            e->candidates[i].state = VISOR_STATE_STALE;
        }
    visor_local_exclude(e, n);
    return n;
}

static void complain(struct visor_engine *e, struct visor_source *source,
                     enum visor_complaint complaint, enum visor_message_kind kind, double limit)
{
    struct visor_message *message;

    if (source->complaints & complaint)
        return;
    source->complaints |= complaint;
    message = visor_engine_log(e, kind, VISOR_SEVERITY_WARNING);
    visor_source_describe(source, e->origins, message);
    message->number[0] = limit;
    message->count[0] = (int64_t)limit;
}

static void tell_state(struct visor_engine *e, struct visor_source *source)
{
    switch (source->candidate.state) {
    case VISOR_STATE_FALSETICKER:
        complain(e, source, VISOR_COMPLAINT_FALSETICKER, VISOR_MESSAGE_FALSETICKER, 0.0);
        break;
    case VISOR_STATE_DISTANT:
        complain(e, source, VISOR_COMPLAINT_DISTANT, VISOR_MESSAGE_DISTANT,
                 e->config->max_distance);
        break;
    case VISOR_STATE_JITTERY:
        complain(e, source, VISOR_COMPLAINT_JITTERY, VISOR_MESSAGE_JITTERY, e->config->max_jitter);
        break;
    case VISOR_STATE_STRATUM:
        if (source->stratum > e->config->max_stratum)
            complain(e, source, VISOR_COMPLAINT_STRATUM, VISOR_MESSAGE_STRATUM_HIGH,
                     e->config->max_stratum);
        else
            complain(e, source, VISOR_COMPLAINT_STRATUM, VISOR_MESSAGE_STRATUM_LOW,
                     e->config->min_stratum);
        break;
    case VISOR_STATE_SELECTED:
    case VISOR_STATE_COMBINED:
        if (source->proof >= FORGIVEN)
            source->complaints = 0;
        break;
    default:
        break;
    }
}

/* Why nothing was selected, each reason once until something is. A daemon that has only just been
 * started and has no sample yet says nothing. */
static void tell_failure(struct visor_engine *e, const struct visor_selection *selection)
{
    static const enum visor_message_kind kinds[] = {
        [VISOR_SELECTION_NONE] = VISOR_MESSAGE_NO_SELECTABLE,
        [VISOR_SELECTION_NO_MAJORITY] = VISOR_MESSAGE_NO_MAJORITY,
        [VISOR_SELECTION_TOO_FEW] = VISOR_MESSAGE_NOT_ENOUGH,
        [VISOR_SELECTION_NOT_REQUIRED] = VISOR_MESSAGE_NO_REQUIRED,
    };
    enum visor_message_kind kind = kinds[selection->result];
    struct visor_message *message;
    int unreachable = 0;
    bool settled = e->leader != 0;

    for (int i = 0; i < e->source_limit; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id == 0 || (!s->refclock && !s->resolved))
            continue;
        unreachable += visor_source_reach(s) == 0;
        settled |= (s->refclock ? s->reach_size : s->association.reach_size) >= 8;
    }
    if (e->complaints & 1u << selection->result ||
        (selection->result == VISOR_SELECTION_NONE && !settled))
        return;
    e->complaints |= 1u << selection->result;
    message = visor_engine_log(e, kind, VISOR_SEVERITY_WARNING);
    message->count[0] =
        selection->result == VISOR_SELECTION_NONE ? unreachable : selection->agreeing;
    message->count[1] = selection->usable;
}

static void lose(struct visor_engine *e, const struct visor_selection *selection)
{
    tell_failure(e, selection);
    e->leader = 0;
    e->combined = 0;
    if (e->trust == VISOR_TRUST_SYNCHRONIZED) {
        e->trust = VISOR_TRUST_HOLDOVER;
        visor_engine_log(e, VISOR_MESSAGE_HOLDOVER, VISOR_SEVERITY_WARNING);
        visor_publish_view(e);
        visor_discipline_status(e, true);
    }
}

static void lead(struct visor_engine *e, struct visor_source *source)
{
    e->complaints = 0;
    if (e->leader == source->id)
        return;
    e->leader = source->id;
    for (int i = 0; i < e->source_limit; i++)
        e->sources[i].complaints &= ~(uint32_t)VISOR_COMPLAINT_FALSETICKER;
    visor_source_describe(source, e->origins,
                          visor_engine_log(e, VISOR_MESSAGE_SELECTED, VISOR_SEVERITY_INFO));
}

static bool followed(const struct visor_source *source)
{
    return source->id != 0 && (source->candidate.state == VISOR_STATE_SELECTED ||
                               source->candidate.state == VISOR_STATE_COMBINED);
}

static bool agrees(const struct visor_source *source)
{
    return source->id != 0 && source->candidate.usable &&
           source->candidate.state != VISOR_STATE_FALSETICKER &&
           source->candidate.state != VISOR_STATE_TRUSTED_OTHERS;
}

/* By how much the rate of a source is off the leader's beyond what chance allows, s/s: one counter
 * has one rate, so one of the two is wrong, even if their times agree for the moment. */
static double rate_dispute(const struct visor_line *line, const struct visor_line *leader)
{
    double apart = size_of(line->rate - leader->rate);
    double allowed = VISOR_RATE_DEVIATIONS * visor_math_sqrt(line->p11 + leader->p11);

    return apart > allowed + DISPUTE_LEAST ? apart : 0.0;
}

/* Weighted mean of the followed lines. What a path's asymmetry may hide does not average out with
 * more samples, so it enters the weights. `*dispute`: largest of the rates left out. */
static struct visor_line combine(const struct visor_engine *e, const struct visor_source *leader,
                                 double *dispute)
{
    struct visor_line base = leader->filter.line;
    double weight = 0.0, phase = 0.0, variance = 0.0, rate_weight = 0.0, rate = 0.0, cross = 0.0;

    *dispute = 0.0;

    visor_line_move(&base, e->now.raw, leader->filter.noise.wander);
    for (int i = 0; i < e->source_limit; i++) {
        const struct visor_source *source = &e->sources[i];
        struct visor_line line = source->filter.line;
        double bias, w, apart;

        if (!agrees(source))
            continue;
        apart = rate_dispute(&line, &leader->filter.line);
        if (apart > *dispute)
            *dispute = apart;
        if (apart > 0.0 || !followed(source))
            continue;
        visor_line_move(&line, e->now.raw, source->filter.noise.wander);
        bias = BIAS_SHARE * source->candidate.distance;
        w = 1.0 / (line.p00 + bias * bias + 1e-24);
        phase += w * visor_line_diff(&line, &base, e->now.raw);
        variance += w * w * line.p00;
        cross += w * line.p01;
        weight += w;
        w = 1.0 / (line.p11 + 1e-30);
        rate += w * line.rate;
        rate_weight += w;
    }
    base.phase += phase / weight;
    base.rate = rate / rate_weight;
    base.p00 = variance / (weight * weight);
    base.p01 = cross / weight;
    base.p11 = 1.0 / rate_weight;
    return base;
}

/* Growth of the bound that holds for twice `seconds` from now; renewed if nothing is heard by then,
 * since a wandering rate makes an error grow faster than linearly. */
static void foresee(struct visor_engine *e, double seconds)
{
    double aged = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at));
    double rate = e->line.p11 + e->wander * e->wander * (aged + 2.0 * seconds);

    e->calm_drift = e->config->max_clock_error * 1e-6 +
                    VISOR_RATE_DEVIATIONS * visor_math_sqrt(rate) + e->unrest;
    e->drift = e->calm_drift + visor_doubt_rate(e);
    e->renew_at = visor_mono_add(e->now.raw, visor_ns_from_seconds(2.0 * seconds + 1.0));
}

/* All agreeing sources allow [low, high]: the estimate lies in it, and is wrong by no more. */
static void adopt(struct visor_engine *e, const struct visor_source *leader,
                  const struct visor_selection *selection)
{
    double dispute;
    struct visor_line line = combine(e, leader, &dispute);
    double at =
        visor_seconds_from_ns(visor_ns_diff(line.offset_ns, visor_reading_offset_ns(&e->now))) +
        line.phase;
    double low = selection->low - at, high = selection->high - at;

    if (low > 0.0)
        line.phase += low;
    else if (high < 0.0)
        line.phase += high;
    e->high = high - (low > 0.0 ? low : high < 0.0 ? high : 0.0);
    e->low = low - (low > 0.0 ? low : high < 0.0 ? high : 0.0);
    e->line = line;
    e->known = true;
    e->rate = line.rate;
    e->rate_deviation = visor_math_sqrt(line.p11) + 1e-8;
    e->wander = visor_filter_cautious_wander(&leader->filter);
    e->unrest = visor_filter_unrest(&leader->filter, e->update_interval_s) + dispute;
    foresee(e, e->update_interval_s);
}

/* Nothing was heard for so long that the mean rate is better knowledge than the last one. */
static void fall_back(struct visor_engine *e)
{
    double rate, change;

    if (!visor_fallback_take(&e->fallback, &rate))
        return;
    change = rate - e->line.rate;
    visor_line_turn(&e->line, e->now.raw, change);
    e->line.p11 += change * change;
    e->rate = rate;
    e->fallen_back = true;
    if (e->trust == VISOR_TRUST_SYNCHRONIZED)
        e->trust = VISOR_TRUST_HOLDOVER;
    foresee(e, visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at)));
    visor_discipline_slew(e);
    visor_publish_view(e);
    visor_discipline_status(e, true);
}

static visor_mono fallback_deadline(const struct visor_engine *e)
{
    double due = visor_fallback_due(&e->fallback);

    return e->updated.ns == INT64_MIN || due < 0.0
               ? (visor_mono){INT64_MAX}
               : visor_mono_add(e->updated, visor_ns_from_seconds(due));
}

static void account(struct visor_engine *e, const struct visor_source *leader)
{
    double since = e->updated.ns == INT64_MIN
                       ? 0.0
                       : visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->updated));
    const struct visor_filter_entry *newest = visor_filter_newest(&leader->filter);
    double bound;

    e->update_interval_s = visor_source_interval(leader);
    e->root_delay_s =
        newest->root_delay_s + (leader->refclock ? newest->delay_s : leader->filter.min_delay_s);
    bound = -e->low > e->high ? -e->low : e->high;
    e->root_dispersion_s = bound - e->root_delay_s / 2.0;
    if (e->root_dispersion_s < newest->root_dispersion_s)
        e->root_dispersion_s = newest->root_dispersion_s;
    e->stratum = (uint8_t)(leader->stratum + 1);
    e->refid = visor_source_reference(leader);
    e->trust = VISOR_TRUST_SYNCHRONIZED;
    visor_fallback_learn(&e->fallback, e->line.rate, since);
    e->fallen_back = false;
    e->updated = e->now.raw;
    e->updates++;
}

static void record_tracking(struct visor_engine *e, const struct visor_source *leader,
                            double offset)
{
    struct visor_record_tracking *tracking;
    int64_t bound = visor_discipline_bound_ns(e, e->now.raw);

    if (!(e->config->logs & VISOR_LOG_TRACKING))
        return;
    tracking = &visor_engine_record(e, VISOR_RECORD_TRACKING)->tracking;
    if (leader->refclock)
        visor_refclock_refid_text(leader->clock_config, leader->origin, tracking->name);
    else
        visor_address_print(&leader->association.remote, tracking->name, sizeof(tracking->name));
    tracking->stratum = e->view.stratum;
    tracking->frequency_ppm = e->line.rate * 1e6;
    tracking->skew_ppm = visor_math_sqrt(e->line.p11) * 1e6;
    tracking->offset = offset;
    tracking->leap = e->leap.announced;
    tracking->combined = e->combined;
    tracking->offset_sd = visor_math_sqrt(e->line.p00);
    tracking->remaining = visor_discipline_remaining(e) - offset;
    tracking->root_delay = e->root_delay_s;
    tracking->root_dispersion = e->root_dispersion_s;
    tracking->max_error = visor_seconds_from_ns(bound) + size_of(visor_discipline_remaining(e));
}

/* Mean square of the last offsets; as long as they shrink, at the start, the last one alone. */
static void learn_rms(struct visor_engine *e, double offset)
{
    if (e->rms_settled) {
        e->rms_offset_s =
            visor_math_sqrt(0.9 * e->rms_offset_s * e->rms_offset_s + 0.1 * offset * offset);
        return;
    }
    e->rms_settled = e->rms_offset_s > 0.0 && offset > e->rms_offset_s;
    e->rms_offset_s = offset;
}

static void follow(struct visor_engine *e, struct visor_source *leader,
                   const struct visor_selection *selection)
{
    struct visor_line before = e->line;
    double offset;
    bool fresh = false, had = e->known;

    for (int i = 0; i < e->source_limit; i++)
        if (followed(&e->sources[i])) {
            fresh |= e->sources[i].fresh;
            e->sources[i].fresh = false;
        }
    if (!fresh)
        return;
    adopt(e, leader, selection);
    account(e, leader);
    offset = had ? visor_line_diff(&e->line, &before, e->now.raw) : visor_discipline_remaining(e);
    e->last_offset_s = offset;
    learn_rms(e, size_of(offset));
    visor_publish_moved(e);
    visor_leap_update(e);
    visor_discipline_correct(e);
    visor_publish_view(e);
    record_tracking(e, leader, offset);
    visor_discipline_status(e, false);
    if (visor_mono_diff(e->now.raw, e->drift_saved) >=
        (int64_t)e->config->drift_interval * VISOR_NS_PER_S)
        save_drift(e);
}

/* At the start the first source with samples enough must not lead before the others, which answer
 * as well, have had the same chance to contradict it. */
static bool others_are_coming(const struct visor_engine *e)
{
    if (e->updates > 0)
        return false;
    for (int i = 0; i < e->source_limit; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id != 0 && !s->refclock && s->resolved && s->association.online &&
            s->candidate.state == VISOR_STATE_NO_SAMPLES && s->association.reach != 0 &&
            s->association.reach_size < 8)
            return true;
    }
    return false;
}

void visor_discipline_update(struct visor_engine *e)
{
    struct visor_selection_limits limits = {
        .min_sources = e->config->min_sources,
        .combine_limit = e->config->combine_limit,
        .reselect_distance = e->reselect_distance,
        .stratum_weight = e->config->stratum_weight,
    };
    struct visor_selection selection;
    int n = nominate(e);

    if (others_are_coming(e))
        return;
    visor_select(e->candidates, n, e->order, &limits, &selection);
    for (int i = 0; i < n; i++) {
        struct visor_source *source = &e->sources[e->candidate_source[i]];

        source->candidate = e->candidates[i];
        if (selection.result != VISOR_SELECTION_NO_MAJORITY) /* there nobody knows who is wrong */
            tell_state(e, source);
    }
    if (selection.best < 0) {
        lose(e, &selection);
        return;
    }
    e->combined = selection.combined;
    lead(e, &e->sources[e->candidate_source[selection.best]]);
    follow(e, &e->sources[e->candidate_source[selection.best]], &selection);
}

/* ---- events ---- */

/* Somebody stepped our clock, not the time: it goes back as `makestep` would have it. */
static void undo(struct visor_engine *e, double change)
{
    double remaining;

    if (!e->known || !e->settable || e->change_held)
        return;
    tell_wrong(e, -change);
    remaining = visor_discipline_remaining(e);
    if (wants_step(e, remaining))
        visor_discipline_step(e, remaining);
}

void visor_discipline_watch(struct visor_engine *e)
{
    double change;
    double ours = e->steer.frequency_ppb;
    struct visor_message *message;

    if (e->step_pending)
        return;
    switch (visor_steer_watch(&e->steer, &e->now, &change)) {
    case VISOR_FOREIGN_NONE:
        return;
    case VISOR_FOREIGN_STEP:
        message = visor_engine_log(e, VISOR_MESSAGE_FOREIGN_STEP, VISOR_SEVERITY_WARNING);
        message->number[0] = change;
        e->change_held |= change_too_large(e, change);
        undo(e, change);
        break;
    case VISOR_FOREIGN_FREQUENCY:
        if (!e->settable)
            return; /* observing: whoever steers does so by right */
        message = visor_engine_log(e, VISOR_MESSAGE_FOREIGN_FREQUENCY, VISOR_SEVERITY_WARNING);
        message->number[0] = ours + change;
        message->number[1] = ours;
        break;
    case VISOR_FOREIGN_LEAP:
        visor_leap_kernel_stepped(e);
        break;
    }
    if (e->known)
        visor_discipline_slew(e);
    else
        visor_publish_view(e); /* we know nothing better than this clock */
    visor_discipline_status(e, false);
}

void visor_discipline_applied(struct visor_engine *e, const struct visor_event_applied *applied)
{
    if (applied->action == VISOR_CLOCK_STATUS)
        return;
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
        foresee(e, visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at)));
        visor_publish_view(e);
        visor_discipline_status(e, false);
    }
    if (e->known && !visor_mono_before(e->now.raw, fallback_deadline(e)))
        fall_back(e);
    visor_publish_timer(e);
    if (visor_steer_due(&e->steer, e->now.raw))
        visor_discipline_slew(e);
}

visor_mono visor_discipline_deadline(const struct visor_engine *e)
{
    visor_mono deadline = visor_leap_deadline(e);

    if (e->known && visor_mono_before(e->renew_at, deadline))
        deadline = e->renew_at;
    if (e->known && visor_mono_before(fallback_deadline(e), deadline))
        deadline = fallback_deadline(e);
    if (visor_mono_before(e->publish_at, deadline))
        deadline = e->publish_at;
    if (e->steer.slewing && e->settable && visor_mono_before(e->steer.slew_end, deadline))
        return e->steer.slew_end;
    return deadline;
}
