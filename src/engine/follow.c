/* From the sources' lines to one estimate: whom to follow (select.c judges), what they say together
 * and within what, and what is told of it. The order is fixed: select, combine, publish, steer; so
 * that what is served is never later than what is steered. */
#include "engine/core.h"

#include "base/math.h"

#define DISPUTED       3.0  /* deviations of the rates */
#define MISSED         3.0  /* deviations of a rate that is just being learnt */
#define DISPUTE_LEAST  1e-6 /* s/s: rates so close are not worth a dispute */
#define BIAS_SHARE     0.1  /* of a root distance: how asymmetric a path is taken to be */
#define FORESEEN       1.25 /* times the time that the next sample should take */
#define BENT           0.2  /* of its square: by so much the growth increases along a chord, … */
#define CHORDS         8.0  /* … or for this part of the time foreseen */
#define MEASURES_FROM  8    /* samples, by which its noise is known */
#define MEASURES_NOISE 2.0  /* times the source's noise: a noisier one sees less */
#define ASKED_ENOUGH   3    /* requests without an answer */
#define FORGIVEN       8    /* good samples after which a fault is news again */

/* ---- who ---- */

/* What the rate of a source is off by if the counter changed it since: so say those that have begun
 * anew since this one was heard. */
static double missed_rate(const struct visor_engine *e, const struct visor_source *source)
{
    double worst = 0.0;

    if (!visor_mono_before(source->last_at, e->restarted_at))
        return 0.0;
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_filter *other = &e->sources[i].filter;
        double apart;

        if (e->sources[i].id == 0 || other->count == 0 ||
            !visor_mono_before(source->last_at, e->sources[i].restarted_at))
            continue;
        apart = visor_math_size(other->line.rate - source->filter.line.rate) +
                MISSED * visor_math_sqrt(other->line.p11);
        if (apart < VISOR_RATE_CHANGE_MOST && apart > worst)
            worst = apart;
    }
    return worst;
}

/* A sample of `other` that fitted says by how much the counter ran meanwhile as well as one of the
 * source itself would have. */
static bool measures(const struct visor_source *other, const struct visor_source *source)
{
    return visor_select_agrees(other->candidate.state) && other->fault == VISOR_FAULT_NONE &&
           other->doubt_s == 0.0 && !other->filter.on_trial &&
           other->filter.count >= MEASURES_FROM &&
           visor_filter_expected(&other->filter) <=
               MEASURES_NOISE * visor_filter_expected(&source->filter);
}

/* How far the counter was measured, for each source: by itself or by those that agreed with it when
 * they were last looked at. */
static void measure(struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        source->measured_until = source->filter.until;
        for (int j = 0; j < e->source_count; j++) {
            const struct visor_source *other = &e->sources[j];

            if (other->id != 0 && visor_mono_before(source->measured_until, other->vouched_at) &&
                measures(other, source))
                source->measured_until = other->vouched_at;
        }
    }
}

/* The counter wanders as one, whoever watches it. */
static void share_wander(struct visor_engine *e)
{
    double samples = 0.0, sum = 0.0;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];
        double n = source->filter.count;

        if (source->id == 0 || !visor_select_agrees(source->candidate.state) ||
            source->fault != VISOR_FAULT_NONE || source->filter.on_trial)
            continue;
        samples += n;
        sum += n * source->filter.noise.wander;
    }
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id != 0)
            source->wander =
                samples > 0.0 ? visor_filter_shared_wander(&source->filter, sum / samples, samples)
                              : visor_filter_cautious_wander(&source->filter);
    }
}

/* Unreachable sources go on voting with their ageing intervals, so that the first one to come back
 * cannot say what it likes; but with nobody in reach nothing is selected. */
static int nominate(struct visor_engine *e)
{
    struct visor_line base = {.at = e->now.raw, .offset_ns = visor_reading_offset_ns(&e->now)};
    int n = 0;
    bool reached = false;

    if (e->rare)
        visor_authmode_apply(e);
    measure(e);
    share_wander(e);
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        if (!source->refclock && !source->resolved) {
            source->candidate = (struct visor_candidate){.state = VISOR_STATE_NO_SAMPLES};
            continue;
        }
        visor_source_nominate(source, &base, e->config, e->now.raw, missed_rate(e, source));
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

    for (int i = 0; i < e->source_count; i++) {
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

VISOR_RARE static void lose(struct visor_engine *e, const struct visor_selection *selection)
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
    for (int i = 0; i < e->source_count; i++)
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
    double apart = visor_math_size(line->rate - leader->rate);
    double allowed = DISPUTED * visor_math_sqrt(line->p11 + leader->p11);

    return apart > allowed + DISPUTE_LEAST ? apart : 0.0;
}

/* Weighted mean of the followed lines. What a path's asymmetry may hide does not average out with
 * more samples, so it enters the weights. `*dispute`: by how much the rate may be another one,
 * going by those left out and those on trial. */
static struct visor_line combine(const struct visor_engine *e, const struct visor_source *leader,
                                 double *dispute)
{
    struct visor_line base = leader->filter.line;
    double weight = 0.0, phase = 0.0, variance = 0.0, rate_weight = 0.0, rate = 0.0, cross = 0.0;

    *dispute = 0.0;

    visor_line_move(&base, e->now.raw, leader->filter.noise.wander);
    for (int i = 0; i < e->source_count; i++) {
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

double visor_follow_grown(const struct visor_engine *e, visor_mono raw)
{
    return e->drift * visor_seconds_from_ns(visor_mono_diff(raw, e->sure_at));
}

/* How fast the bound has grown on average, so long after the line was measured: the faster the
 * longer, since the rate wanders. */
static double growth_after(const struct visor_engine *e, double aged)
{
    double walked = e->wander * e->wander * VISOR_WALK * aged;

    return visor_source_growth(e->line.p11 + walked, e->config);
}

/* A chord of that curve. */
void visor_follow_foresee(struct visor_engine *e, double seconds)
{
    double aged = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at));
    double growth = growth_after(e, aged), whole = FORESEEN * seconds + 1.0, until = whole;
    double walk =
        VISOR_RATE_DEVIATIONS * VISOR_RATE_DEVIATIONS * VISOR_WALK * e->wander * e->wander;

    if (BENT * growth * growth < walk * until)
        until = BENT * growth * growth / walk;
    if (until < whole / CHORDS)
        until = whole / CHORDS;
    e->calm_drift =
        (growth_after(e, aged + until) * (aged + until) - growth * aged) / until + e->unrest;
    e->drift = e->calm_drift + visor_doubt_rate(e);
    e->renew_at = visor_mono_add(e->now.raw, visor_ns_from_seconds(until));
}

static void keep_grown(struct visor_engine *e)
{
    double grown = visor_follow_grown(e, e->now.raw);

    e->low -= grown;
    e->high += grown;
    e->root_dispersion_s += grown;
    e->sure_at = e->now.raw;
}

void visor_follow_renew(struct visor_engine *e)
{
    keep_grown(e);
    visor_follow_foresee(e, visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at)));
}

/* One counter has one rate: a source that tries another one, and is not outvoted, makes the bound
 * grow faster whoever leads. */
static double unrest_of(const struct visor_engine *e, const struct visor_source *leader)
{
    double worst = visor_filter_unrest(&leader->filter, e->update_interval_s);

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];
        double unrest;

        if (source->id == 0 || !source->filter.on_trial || !source->candidate.usable ||
            source->candidate.state == VISOR_STATE_FALSETICKER)
            continue;
        unrest = visor_filter_unrest(&source->filter, e->update_interval_s);
        if (unrest > worst)
            worst = unrest;
    }
    return worst;
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
    e->sure_at = e->now.raw;
    e->known = true;
    e->rate = line.rate;
    e->rate_deviation = visor_math_sqrt(line.p11) + 1e-8;
    e->wander = leader->wander;
    e->unrest = unrest_of(e, leader) + dispute;
    visor_follow_foresee(e, e->update_interval_s);
}

/* Nothing was heard for so long that the mean rate is better knowledge than the last one. */
void visor_follow_fall_back(struct visor_engine *e)
{
    double rate, change;

    if (!visor_fallback_take(&e->fallback, &rate))
        return;
    change = rate - e->line.rate;
    keep_grown(e);
    visor_line_turn(&e->line, e->now.raw, change);
    e->line.p11 += change * change;
    e->rate = rate;
    e->fallen_back = true;
    if (e->trust == VISOR_TRUST_SYNCHRONIZED)
        e->trust = VISOR_TRUST_HOLDOVER;
    visor_follow_foresee(e, visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->line.at)));
    visor_discipline_slew(e);
    visor_publish_view(e);
    visor_discipline_status(e, true);
}

visor_mono visor_follow_fallback_deadline(const struct visor_engine *e)
{
    double due = visor_fallback_due(&e->fallback);

    if (e->updated.ns == INT64_MIN || due < 0.0)
        return (visor_mono){INT64_MAX};
    return visor_mono_add(e->updated, visor_ns_from_seconds(due));
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
    e->followed = leader->id;
    e->trust = VISOR_TRUST_SYNCHRONIZED;
    visor_fallback_learn(&e->fallback, e->line.rate, since);
    e->fallen_back = false;
    e->updated = e->now.raw;
    e->updates++;
}

/* `bound_ns`: how far the clock can have been off until now. */
static void record_tracking(struct visor_engine *e, const struct visor_source *leader,
                            double offset, int64_t bound_ns)
{
    struct visor_record_tracking *tracking;

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
    tracking->max_error =
        visor_seconds_from_ns(bound_ns) + visor_math_size(visor_discipline_remaining(e));
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

/* Who is not followed votes all the same: is the estimate outside what the majority allows? */
static bool contradicts(const struct visor_engine *e, const struct visor_selection *selection)
{
    double at = e->known ? visor_discipline_remaining(e) + e->leap.owed_s : 0.0;

    return e->known && (at < selection->low || at > selection->high);
}

/* How far from the estimate UTC can be, were it not for doubt, s. */
static double sure_reach(const struct visor_engine *e)
{
    double aged = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->sure_at));

    return (-e->low > e->high ? -e->low : e->high) + e->calm_drift * aged;
}

static void follow(struct visor_engine *e, struct visor_source *leader,
                   const struct visor_selection *selection)
{
    struct visor_line before = e->line;
    int64_t bound_ns = visor_discipline_bound_ns(e, e->now.raw);
    double offset, reach = sure_reach(e);
    bool fresh = false, had = e->known;

    for (int i = 0; i < e->source_count; i++)
        if (followed(&e->sources[i])) {
            fresh |= e->sources[i].fresh;
            e->sources[i].fresh = false;
        }
    if (!fresh && !contradicts(e, selection))
        return;
    adopt(e, leader, selection);
    account(e, leader);
    offset = had ? visor_line_diff(&e->line, &before, e->now.raw) : visor_discipline_remaining(e);
    if (had && !e->disruptions.open && visor_math_size(offset) > reach)
        visor_disruption_found(e);
    visor_disruption_settle(e, offset);
    e->last_offset_s = offset;
    learn_rms(e, visor_math_size(offset));
    visor_publish_moved(e);
    visor_leap_update(e);
    if (!visor_mono_before(leader->last_at, e->asked_at))
        visor_discipline_correct(e);
    visor_publish_view(e);
    record_tracking(e, leader, offset,
                    bound_ns == VISOR_NS_MAX ? visor_discipline_bound_ns(e, e->now.raw) : bound_ns);
    visor_discipline_status(e, false);
    if (visor_discipline_drift_due(e))
        visor_discipline_save_drift(e);
}

/* Where no reply came yet. A kiss-o'-death is one, too: who sent it is asked rarely or never again.
 * A peer is not asked again before its next poll: its first reply comes soon, or late. */
static bool may_still_answer(const struct visor_association *a)
{
    uint64_t enough = a->config.kind == VISOR_SOURCE_PEER ? 1 : ASKED_ENOUGH;

    return a->online && !a->kissed && a->total_tx + a->sends_failed < enough;
}

/* At the start the first source with samples enough must not lead before each of the others has
 * answered once, with which it can contradict, or has been asked often enough, were it in vain for
 * want of a route. */
static bool others_are_coming(const struct visor_engine *e)
{
    if (e->updates > 0)
        return false;
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id != 0 && !s->refclock && s->resolved &&
            s->candidate.state == VISOR_STATE_NO_SAMPLES && may_still_answer(&s->association))
            return true;
    }
    return false;
}

static int choose(struct visor_engine *e, struct visor_selection *selection)
{
    struct visor_selection_limits limits = {
        .min_sources = e->config->min_sources,
        .combine_limit = e->config->combine_limit,
        .reselect_distance = e->reselect_distance,
        .stratum_weight = e->config->stratum_weight,
    };
    int n = nominate(e);

    *selection = (struct visor_selection){.best = -1};
    if (others_are_coming(e) || visor_disruption_waits(e))
        return -1;
    visor_select(e->candidates, n, e->edges, &limits, selection);
    for (int i = 0; i < n; i++)
        e->sources[e->candidate_source[i]].candidate = e->candidates[i];
    return n;
}

/* Whoever has aged too much to vote has not been refuted: between samples nobody is chosen. */
void visor_follow_complain(struct visor_engine *e)
{
    struct visor_selection selection;

    if (choose(e, &selection) >= 0 && selection.best < 0)
        tell_failure(e, &selection);
}

void visor_follow_update(struct visor_engine *e)
{
    struct visor_selection selection;
    int n = choose(e, &selection);

    if (n < 0)
        return;
    if (selection.result != VISOR_SELECTION_NO_MAJORITY) /* there nobody knows who is wrong */
        for (int i = 0; i < n; i++)
            tell_state(e, &e->sources[e->candidate_source[i]]);
    if (selection.best < 0) {
        lose(e, &selection);
        return;
    }
    e->combined = selection.combined;
    lead(e, &e->sources[e->candidate_source[selection.best]]);
    follow(e, &e->sources[e->candidate_source[selection.best]], &selection);
}
