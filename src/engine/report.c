/* The status model, made from the engine's state. */
#include "engine/core.h"

#include "config/profile.h"

#include "base/math.h"
#include "engine/journal.h"

#include <string.h>

static void report_filter(const struct visor_engine *e, const struct visor_source *source,
                          struct visor_source_status *out)
{
    const struct visor_filter *filter = &source->filter;
    struct visor_line line = filter->line;
    struct visor_line base = visor_journal_clock(e);

    if (filter->count == 0)
        return;
    visor_line_move(&line, e->now.raw, filter->noise.wander);
    out->estimated_offset = visor_line_diff(&line, &base, e->now.raw);
    if (visor_filter_newest(filter)->point.at.ns == source->last_at.ns)
        out->last_offset = visor_journal_residual(&base, &visor_filter_newest(filter)->point);
    out->estimated_error = visor_math_sqrt(line.p00);
    out->samples = filter->count;
    out->runs = visor_journal_runs(filter);
    out->span = visor_seconds_from_ns(visor_mono_diff(visor_filter_newest(filter)->point.at,
                                                      visor_filter_entry(filter, 0)->point.at));
    out->frequency_ppm = (filter->line.rate - e->line.rate) * 1e6;
    out->skew_ppm = visor_math_sqrt(line.p11) * 1e6;
    out->sd = visor_filter_deviation(filter);
    out->asymmetry = filter->noise.asymmetry;
    out->bound_ns = visor_ns_from_seconds(source->candidate.distance);
    out->last_sample_age = visor_seconds_from_ns(visor_mono_diff(e->now.raw, source->last_at));
    out->selected_age = source->candidate.age;
}

static void report_source(const struct visor_engine *e, const struct visor_source *source,
                          struct visor_source_status *out)
{
    memset(out, 0, sizeof(*out));
    out->last_sample_age = out->selected_age = -1.0;
    out->bound_ns = VISOR_NS_MAX;
    out->id = source->id;
    out->refclock = source->refclock;
    out->refid = visor_source_refid(source);
    if (source->refclock) {
        visor_refclock_refid_text(source->clock_config, source->origin, out->name);
        out->send_error = source->clock ? visor_refclock_error(source->clock) : 0;
        out->poll = source->clock_config->poll;
        out->resolved = out->online = true;
        out->reach = source->reach;
    } else {
        memcpy(out->name, e->origins[source->origin].config.name, sizeof(out->name));
        out->kind = e->origins[source->origin].config.kind;
        out->resolved = source->resolved;
        out->resolve_result = e->origins[source->origin].result;
        if (source->resolved)
            visor_association_status(&source->association, out);
    }
    out->state = source->candidate.state ? source->candidate.state : VISOR_STATE_NO_SAMPLES;
    out->fault = source->fault;
    out->options = source->options;
    out->effective_options = visor_source_options(source);
    out->stratum = source->stratum;
    out->leap = source->filter.count > 0 ? source->leap
                : out->total_valid > 0   ? out->remote_leap
                                         : VISOR_LEAP_UNSYNCHRONIZED;
    out->last_offset = out->last_raw_offset = source->last_offset_s;
    out->last_delay = source->last_delay_s;
    out->last_dispersion = source->last_dispersion_s;
    out->lo = source->candidate.low;
    out->hi = source->candidate.high;
    out->score = visor_journal_score(e, source);
    out->total_good = source->total_good;
    report_filter(e, source, out);
}

/* By now: the view is of the last update. */
static double root_dispersion(const struct visor_engine *e)
{
    double age = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->view.raw));

    return visor_seconds_from_ns(e->view.root_dispersion_ns) +
           e->view.dispersion_rate_ppb * 1e-9 * age;
}

static void report_tracking(struct visor_engine *e, struct visor_tracking *out)
{
    /* who leads now may not have been followed yet: the reference is the last one that was */
    const struct visor_source *leader =
        e->followed && e->view.refid == e->refid ? visor_sources_find(e, e->followed) : NULL;
    int64_t bound = visor_discipline_bound_ns(e, e->now.raw);

    out->source = e->leader;
    out->refid = e->view.refid;
    out->stratum = e->view.stratum;
    out->leap = e->view.leap == VISOR_LEAP_UNSYNCHRONIZED ? e->view.leap : e->leap.announced;
    out->reference = e->view.reference;
    if (leader && !leader->refclock)
        out->address = leader->association.remote;
    if (leader && leader->refclock)
        visor_refclock_refid_text(leader->clock_config, leader->origin, out->name);
    else if (leader)
        memcpy(out->name, e->origins[leader->origin].config.name, sizeof(out->name));
    out->estimate_bound_ns = out->bound_ns = bound;
    out->bound_growth_ppb = e->view.growth_ppb;
    out->trust = e->rescue.quarantined ? e->view.trust : e->trust;
    out->verified = e->view.verified;
    out->epoch = e->epoch;
    out->tai_offset_s = e->leap.tai_offset_s;
    out->kernel_frequency_ppb = e->now.frequency_ppb;
    out->steps = e->steer.steps;
    out->foreign_changes = e->steer.foreign_changes;
    out->last_foreign_s = e->steer.last_foreign_s;
    out->frequency_ppm = (e->known ? e->line.rate : e->steer.base_ppb * 1e-9) * 1e6;
    if (!e->known)
        return;
    out->offset = visor_discipline_remaining(e);
    if (bound != VISOR_NS_MAX)
        out->bound_ns = visor_ns_add(
            out->bound_ns, visor_ns_from_seconds(out->offset < 0.0 ? -out->offset : out->offset));
    out->last_offset = e->last_offset_s;
    out->rms_offset = e->rms_offset_s;
    out->skew_ppm = visor_math_sqrt(e->line.p11) * 1e6;
    out->root_delay = e->root_delay_s;
    out->root_dispersion = root_dispersion(e);
    out->update_interval = e->update_interval_s;
    if (leader) {
        out->residual_frequency_ppm = (leader->filter.line.rate - e->line.rate) * 1e6;
        out->wander_ppb = leader->filter.noise.wander * 1e9;
    }
}

static void count_activity(const struct visor_source *source, struct visor_status *status)
{
    bool burst = source->resolved && source->association.burst.total > 0;

    if (source->refclock)
        return;
    if (!source->resolved)
        status->unresolved++;
    else if (burst && source->association.burst.then_offline)
        status->burst_offline++;
    else if (burst)
        status->burst_online++;
    else if (source->association.online)
        status->online++;
    else
        status->offline++;
}

static void report_witnesses(const struct visor_engine *e, struct visor_status *status)
{
    const struct visor_disruptions *d = &e->disruptions;

    for (int kind = 0; kind < VISOR_WITNESS_KINDS; kind++) {
        const struct visor_witness *witness = &d->witnesses[kind];

        if (!(d->heard & 1u << kind))
            continue;
        status->witnesses[status->witness_count++] = (struct visor_witness_status){
            .kind = (enum visor_witness_kind)kind,
            .what = visor_witness_class(witness),
            .readings = witness->readings,
            .jumps = witness->jumps,
            .sets = witness->sets,
            .noise_s = witness->noise_s,
            .age_s = visor_seconds_from_ns(visor_mono_diff(e->now.raw, witness->ours.raw)),
        };
    }
    for (uint32_t i = 0; i < d->count && i < VISOR_DISRUPTIONS; i++)
        status->disruptions[status->disruption_count++] =
            d->list[(d->count - 1 - i) % VISOR_DISRUPTIONS];
}

static void report_assist(const struct visor_engine *e, struct visor_assist_status *out)
{
    const struct visor_assist *a = &e->assist;

    out->state = a->state;
    out->error = a->error;
    memcpy(out->socket, e->config->chronyd_socket, sizeof(out->socket));
    out->heard = a->heard;
    out->synchronized = a->synchronized;
    out->correction_s = a->correction_s;
    out->heard_age_s = visor_seconds_from_ns(visor_mono_diff(e->now.raw, a->heard_at));
    out->busy = a->reset || a->burst || a->correct;
    for (uint32_t i = 0; i < a->deed_count && i < VISOR_ASSIST_DEEDS; i++)
        out->deeds[out->deed_count++] = a->deeds[(a->deed_count - 1 - i) % VISOR_ASSIST_DEEDS];
}

static void report_emergency(const struct visor_engine *e, struct visor_emergency_status *out)
{
    const struct visor_emergency *emergency = &e->emergency;

    out->level = emergency->level;
    out->cause = emergency->cause;
    out->limit_s = visor_config_emergency_limit(e->config);
    if (e->config->emergency_profile > 0 && !(e->config->emergency_limit > 0.0))
        out->profile = visor_profile_at(e->config->emergency_profile - 1)->name;
    out->quarantined = e->rescue.quarantined;
    out->lent = e->rescue.lent;
    out->by_hand = e->config->emergency_off;
    for (uint32_t i = 0; i < emergency->count && i < VISOR_EMERGENCIES; i++)
        out->list[out->count++] = emergency->list[(emergency->count - 1 - i) % VISOR_EMERGENCIES];
    if (out->count > 0)
        out->since = out->list[0].raw;
}

void visor_engine_status(const struct visor_engine *engine, const struct visor_reading *now,
                         struct visor_status *status)
{
    struct visor_engine at = *engine; /* the same engine a moment later; its tables are shared */

    at.now = *now;
    visor_counter_read_reading(&at.counter, &at.now);
    memset(status, 0, sizeof(*status));
    status->now = *now;
    status->utc = at.known ? visor_line_utc(&at.line, at.now.raw) : now->real;
    status->mode = at.config->mode;
    status->clock_settable = at.settable;
    report_tracking(&at, &status->tracking);
    visor_manual_status(&at, &status->manual);
    visor_counter_write_tracking(&at.counter, &status->tracking);
    visor_smooth_status(&at.smooth, at.now.raw, &status->smoothing);
    report_witnesses(&at, status);
    report_assist(&at, &status->assist);
    report_emergency(&at, &status->emergency);
    for (int i = 0; i < at.source_count && status->source_count < VISOR_SOURCES_MAX; i++) {
        if (at.sources[i].id == 0)
            continue;
        report_source(&at, &at.sources[i], &status->sources[status->source_count++]);
        count_activity(&at.sources[i], status);
    }
}
