/* What witnesses say about our counter, and what follows. The order is fixed: first what was
 * published is taken back, then everybody is asked, then the clock is corrected.
 *
 * A jump makes all older samples useless for the time and not for the rate: each source's line
 * begins anew at the old rate, which is on trial, since a migration changes it and a pause does
 * not. */
#include "engine/core.h"

#include "base/math.h"

#define BURST_GOOD  4
#define BURST_TOTAL 8
#define ALONE_NS                                                                                   \
    VISOR_NS_PER_S /* that the sources are left before a witness's word alone moves the clock */
#define OTHERS_NS  VISOR_NS_PER_S
#define MOST_NS    (10 * VISOR_NS_PER_S)
#define AGAIN_NS   (128 * VISOR_NS_PER_S) /* those that are silent are asked again, if politely */
#define STALL_NS   (10 * VISOR_NS_PER_S)  /* for so long `stall` governs what is left of it */
#define SLEWED     0.1                    /* share of a jump */
#define STALL_STEP 0.01                   /* s: what `stall auto` steps, forward only */

/* The record that is being treated. */
struct visor_disruption *visor_disruption_treated(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;

    return all->treated == 0 || all->count - all->treated >= VISOR_DISRUPTIONS
               ? NULL
               : &all->list[(all->treated - 1) % VISOR_DISRUPTIONS];
}

static void rebase(struct visor_engine *e, struct visor_source *source)
{
    source->doubt_s = source->doubt_rate = source->doubt_off_s = 0.0;
    source->jumped_at = e->now.raw;
    source->fresh = false;
    source->thinned = 0;
    visor_filter_rebase(&source->filter);
    if (source->refclock && source->clock) {
        visor_refclock_begin_anew(source->clock, e->now.raw);
    } else if (!source->refclock && source->resolved && source->association.online) {
        visor_association_start_burst(&source->association, BURST_GOOD, BURST_TOTAL, e->now.raw);
    }
}

static void rebase_all(struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0)
            rebase(e, &e->sources[i]);
}

/* While all is disrupted nobody is judged anew. */
static void remember_liars(struct visor_engine *e)
{
    if (e->trust == VISOR_TRUST_DISRUPTED)
        return;
    for (int i = 0; i < e->source_count; i++)
        e->sources[i].lied = e->sources[i].candidate.state == VISOR_STATE_FALSETICKER;
}

/* What an earlier disruption was proven to be and the clock has not yet been stepped by, is still
 * to be corrected beside the next one: the estimate has gone there already. */
static void carry_over(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;
    const struct visor_disruption *d = visor_disruption_treated(e);

    if (!all->proven || visor_mono_diff(e->now.raw, e->disrupted_at) >= STALL_NS) {
        all->owed_s = all->owed_error_s = 0.0;
    } else if (d && (d->settled || all->shifted)) {
        all->owed_s += d->size_s;
        all->owed_error_s += d->error_s;
    }
}

/* Nothing that was measured before `now` tells the time any more. */
static void invalidate(struct visor_engine *e, struct visor_disruption *d)
{
    for (int kind = 0; kind < VISOR_WITNESS_KINDS; kind++)
        if (!(d->evidence & 1u << kind))
            visor_witness_doubt(&e->disruptions.witnesses[kind]);
    d->invalidated = true;
    carry_over(e);
    e->disruptions.treated = e->disruptions.count;
    e->epoch++;
    e->disrupted_at = e->now.raw;
    e->disruptions.open = true;
    e->disruptions.proven = e->disruptions.shifted = e->disruptions.step_waits =
        e->disruptions.resorted = false;
    e->disruptions.maybe_s = e->disruptions.maybe_error_s = e->disruptions.stepped_s = 0.0;
    e->disruptions.look_at = visor_mono_add(e->now.raw, OTHERS_NS);
    e->disruptions.answered = e->disruptions.anew = false;
    remember_liars(e);
    if (e->trust != VISOR_TRUST_UNKNOWN)
        e->trust = VISOR_TRUST_DISRUPTED;
    visor_publish_view(e);
    visor_discipline_status(e, true);
    visor_chronyd_disrupted(e);
    rebase_all(e);
}

static void say(struct visor_engine *e, const struct visor_disruption *d)
{
    struct visor_message *message =
        visor_engine_log(e, VISOR_MESSAGE_DISRUPTION, VISOR_SEVERITY_WARNING);

    message->count[0] = (int64_t)d->kind;
    message->count[1] = d->evidence;
    message->number[0] = d->size_s;
    message->number[1] = d->sized ? d->error_s : -1.0;
}

/* The estimate goes where a witness says, until the sources say it better. */
static void shift_estimate(struct visor_engine *e, double jump_s, double error_s)
{
    e->line.offset_ns = visor_ns_add(e->line.offset_ns, visor_ns_from_seconds(jump_s));
    e->line.p00 += error_s * error_s;
    e->low -= error_s;
    e->high += error_s;
}

static void size(struct visor_disruption *d, double jump_s, double error_s)
{
    d->sized = true;
    d->size_s = jump_s;
    d->error_s = error_s;
}

/* The witness is independent of our clock, and it is not its own readings that came late. */
static bool proves(double jump_s, double error_s)
{
    return visor_math_size(jump_s) > error_s;
}

static void jumped(struct visor_engine *e, enum visor_witness_kind by, double jump_s,
                   double error_s)
{
    struct visor_disruption *d = visor_evidence_note(e, by, VISOR_SIGN_PARTED);
    bool news;

    news = !d->invalidated;
    if (news || (!d->settled && !e->disruptions.shifted)) /* by what the estimate has gone, stays */
        size(d, jump_s, error_s);
    if (news)
        invalidate(e, d);
    e->disruptions.proven |= proves(jump_s, error_s);
    if (news)
        say(e, d);
    visor_publish_view(e);
}

/* That it jumped was told before, now it is told by how much: once, whatever comes then. */
static void measured(struct visor_engine *e, double jump_s, double error_s)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = visor_disruption_treated(e);

    if (!all->open || !d || all->shifted)
        return; /* the sources were faster */
    all->proven |= proves(jump_s, error_s);
    size(d, jump_s, error_s);
    all->shifted = all->step_waits = e->known;
    all->until = visor_mono_add(e->now.raw, ALONE_NS);
    if (e->known)
        shift_estimate(e, jump_s, error_s);
    visor_publish_view(e);
}

/* Or the witness was set: only the sources can tell. */
static void may_have_jumped(struct visor_engine *e, enum visor_witness_kind by, double jump_s,
                            double error_s)
{
    struct visor_disruption *d = visor_evidence_note(e, by, VISOR_SIGN_PARTED);
    bool news = !d->invalidated;

    if (news) {
        size(d, jump_s / 2.0, jump_s / 2.0 + error_s);
        invalidate(e, d);
        say(e, d);
        visor_publish_view(e);
    }
    e->disruptions.maybe_s = jump_s;
    e->disruptions.maybe_error_s = error_s;
}

static void tells_time(struct visor_engine *e, const struct visor_event_witness *event)
{
    struct visor_witness *witness = &e->disruptions.witnesses[event->kind];
    struct visor_trusted utc = {e->line, visor_discipline_bound_ns(e, e->now.raw)};
    double jump_s, error_s;

    switch (visor_witness_take(witness, event, &e->now,
                               e->trust == VISOR_TRUST_SYNCHRONIZED ? &utc : NULL, &jump_s,
                               &error_s)) {
    case VISOR_WITNESS_JUMPED:
        if (visor_witness_class(witness) == VISOR_WITNESS_INDEPENDENT)
            jumped(e, event->kind, jump_s, error_s);
        break;
    case VISOR_WITNESS_MEASURED:
        if (visor_witness_class(witness) == VISOR_WITNESS_INDEPENDENT)
            measured(e, jump_s, error_s);
        break;
    case VISOR_WITNESS_UNSURE:
        if (visor_witness_class(witness) == VISOR_WITNESS_INDEPENDENT ||
            visor_witness_class(witness) == VISOR_WITNESS_UNPROVEN)
            may_have_jumped(e, event->kind, jump_s, error_s);
        break;
    case VISOR_WITNESS_SET:
    case VISOR_WITNESS_NOTHING:
        break;
    }
    visor_resort_look(e, witness, event->kind);
}

static enum visor_sign sign_of(enum visor_witness_kind by)
{
    return by == VISOR_WITNESS_VMGENID       ? VISOR_SIGN_FORKED
           : by == VISOR_WITNESS_BOOTTIME    ? VISOR_SIGN_SUSPENDED
           : by == VISOR_WITNESS_CLOCKSOURCE ? VISOR_SIGN_NONE
                                             : VISOR_SIGN_MOVED;
}

/* A counter of generations, disruptions or suspended time that has moved on; or the kernel counts
 * by something else, at a rate that nobody knows yet. */
static void marked(struct visor_engine *e, const struct visor_event_witness *event)
{
    struct visor_disruptions *all = &e->disruptions;
    uint64_t before = all->markers[event->kind];
    struct visor_disruption *d;

    all->markers[event->kind] = event->marker;
    if (!(all->heard & 1u << event->kind) || before == event->marker)
        return;
    d = visor_evidence_note(e, event->kind, sign_of(event->kind));
    if (!d->invalidated && !(d->seen & (1u << VISOR_SIGN_PARTED | 1u << VISOR_SIGN_SET))) {
        d->sized = false; /* that timers were late tells nothing of the counter */
        d->size_s = d->error_s = 0.0;
    }
    if (event->kind == VISOR_WITNESS_BOOTTIME && !d->invalidated) /* by whole seconds, mostly */
        size(d, visor_seconds_from_ns((int64_t)(event->marker - before)), 1.0);
    if (!d->invalidated) {
        invalidate(e, d);
        say(e, d);
    }
    /* The host's word that this machine stood still: by how much is for others to say. What it was
     * suspended for the kernel has added itself. */
    e->disruptions.proven |=
        event->kind == VISOR_WITNESS_VMCLOCK || event->kind == VISOR_WITNESS_VMGENID;
}

void visor_disruption_witness(struct visor_engine *e, const struct visor_event_witness *event)
{
    double amount = visor_seconds_from_ns(event->amount_ns);

    if (event->earliest.ns != 0 && event->latest.ns >= event->earliest.ns)
        tells_time(e, event);
    switch (event->kind) {
    case VISOR_WITNESS_VMCLOCK:
    case VISOR_WITNESS_VMGENID:
    case VISOR_WITNESS_BOOTTIME:
    case VISOR_WITNESS_CLOCKSOURCE:
        marked(e, event);
        break;
    case VISOR_WITNESS_TIMER:
    case VISOR_WITNESS_STEAL:
        visor_evidence_starved(e, event);
        break;
    case VISOR_WITNESS_TSC:
        if (event->independent && visor_math_size(amount) >= STALL_STEP)
            jumped(e, event->kind, amount, STALL_STEP);
        break;
    default: /* REALTIME is read back with every event */
        break;
    }
    e->disruptions.heard |= 1u << event->kind;
}

bool visor_disruption_spans(const struct visor_engine *e, const struct visor_sample *sample)
{
    return e->disrupted_at.ns != INT64_MIN &&
           visor_mono_before(visor_mono_add(sample->at, -visor_ns_from_seconds(sample->delay_s)),
                             e->disrupted_at);
}

/* No source has yet said what the time is. */
static bool is_unsettled(const struct visor_engine *e)
{
    return e->trust == VISOR_TRUST_DISRUPTED || e->disruptions.resorted;
}

static bool speaks(const struct visor_source *s)
{
    return s->id != 0 && s->filter.count > 0 && !(visor_source_options(s) & VISOR_SELECT_NOSELECT);
}

/* Does one that has not been lying say that UTC has gone on by more than another said before? This
 * machine may have stood still once more while they were asked. */
static bool is_overtaken(const struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++)
        for (int j = 0; speaks(&e->sources[i]) && j < e->source_count; j++)
            if (speaks(&e->sources[j]) && !e->sources[j].lied &&
                visor_mono_before(e->sources[i].last_at, e->sources[j].last_at) &&
                e->sources[j].candidate.low > e->sources[i].candidate.high)
                return true;
    return false;
}

/* Once: who then says the same again is outvoted, or not. */
static void ask_anew(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;

    e->disrupted_at = e->now.raw;
    all->anew = true;
    all->answered = false;
    all->look_at = visor_mono_add(e->now.raw, OTHERS_NS);
    rebase_all(e);
}

/* Sources in reach, and how many of them have answered since the disruption. Who was outvoted
 * before it does not count, unless nobody else is there. */
static int count_answers(const struct visor_engine *e, int *answered)
{
    int asked[2] = {0, 0}, heard[2] = {0, 0};

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id == 0 || visor_source_reach(s) == 0 ||
            visor_source_options(s) & VISOR_SELECT_NOSELECT)
            continue;
        asked[s->lied]++;
        heard[s->lied] += s->filter.count > 0;
    }
    *answered = heard[asked[false] == 0];
    return asked[asked[false] == 0];
}

/* The first to answer may be a liar: all that were in reach are waited for, for a second from then
 * (a starved machine hears nobody for long, and then all at once), or, longer, most of them; but
 * until one of them has answered in any case. */
bool visor_disruption_waits(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;
    int64_t since = visor_mono_diff(e->now.raw, e->disrupted_at);
    int asked, answered;

    if (!is_unsettled(e))
        return false;
    asked = count_answers(e, &answered);
    if (answered > 0 && !all->answered) {
        all->answered = true;
        all->answered_at = e->now.raw;
        all->look_at = visor_mono_add(e->now.raw, OTHERS_NS);
    }
    if (!all->anew && is_overtaken(e)) {
        ask_anew(e);
        return true;
    }
    return answered < asked &&
           (answered == 0 || since < OTHERS_NS ||
            (all->answered && visor_mono_diff(e->now.raw, all->answered_at) < OTHERS_NS) ||
            (since < MOST_NS && 2 * answered <= asked));
}

void visor_disruption_settle(struct visor_engine *e, double moved_s)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = visor_disruption_treated(e);
    double size_s;

    if (!all->open || !d)
        return;
    all->open = all->step_waits = all->resorted = false;
    size_s = all->shifted ? d->size_s + moved_s : moved_s;
    d->settled = true;
    d->settled_after_s = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->disrupted_at));
    d->contradicted = d->sized && visor_math_size(size_s) < STALL_STEP;
    d->evidence |= 1u << VISOR_WITNESS_SOURCES;
    all->proven |= all->maybe_s > 0.0 &&
                   visor_math_size(size_s - all->maybe_s) <= all->maybe_error_s + STALL_STEP;
    if (!d->judged && visor_math_size(size_s) >= STALL_STEP)
        d->seen |= 1u << VISOR_SIGN_PARTED;
    size(d, size_s, visor_discipline_settled_s(e, e->now.raw));
    for (int kind = 0; kind < VISOR_WITNESS_KINDS; kind++)
        visor_witness_told(&all->witnesses[kind], size_s, d->error_s);
    visor_engine_log(e, VISOR_MESSAGE_SETTLED, VISOR_SEVERITY_INFO)->number[0] = d->size_s;
}

/* Nobody but the sources has seen it. What they contradicted was published with doubt, so it was
 * true; but what was published before that does not hold for later, and the past is not as the
 * estimate says now. */
void visor_disruption_found(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d =
        all->count ? &all->list[(all->count - 1) % VISOR_DISRUPTIONS] : NULL;

    e->epoch++;
    if (!d || d->judged || d->invalidated || d->kind == VISOR_DISRUPTION_SERVER ||
        !(d->evidence & 1u << VISOR_WITNESS_SOURCES))
        return;
    all->treated = all->count;
    all->stepped_s = 0.0;
    d->settled = true;
    d->settled_after_s = visor_seconds_from_ns(visor_mono_diff(e->now.raw, d->raw));
    e->rescue.recovering = true;
    say(e, d);
}

/* What a slew may have added to it since: one that was begun by a part of what happened. */
static double slewed_s(const struct visor_engine *e, double size_s)
{
    double most = SLEWED * visor_math_size(size_s);
    double since = visor_seconds_from_ns(visor_mono_diff(e->now.raw, e->disrupted_at));
    double slewed = e->config->max_slew_rate * 1e-6 * since;

    return slewed < most ? slewed : most;
}

/* Beyond that it is an older error, which is makestep's affair. Forward, since whoever reads this
 * clock has lost that time already; backward, where time would come twice, only with `emergency
 * backward`. */
bool visor_disruption_explains(struct visor_engine *e, double remaining_s)
{
    const struct visor_disruption *d = visor_disruption_treated(e);
    double least = e->config->stall == VISOR_STALL_STEP ? 0.0 : STALL_STEP, most, size_s;

    if (!d || e->config->stall == VISOR_STALL_SLEW)
        return false;
    /* what was slewed meanwhile the other way is not owed any more */
    size_s = d->size_s +
             ((remaining_s < 0.0) == (e->disruptions.owed_s < 0.0) ? e->disruptions.owed_s : 0.0) -
             e->disruptions.stepped_s;
    most = d->error_s + e->disruptions.owed_error_s + STALL_STEP + slewed_s(e, size_s);
    if ((remaining_s < 0.0) != (size_s < 0.0))
        return false; /* by the sources it was the other way, or less than was stepped */
    if (remaining_s < 0.0)
        return e->config->emergency_backward && -remaining_s > least &&
               -remaining_s < most - size_s;
    return remaining_s > least && remaining_s < most + size_s;
}

/* `stall`: what a witness has proven may be stepped. The record may be older than the jump: it
 * begins with the first sign, and a starved machine has many. */
bool visor_disruption_steps(struct visor_engine *e, double remaining_s)
{
    return e->disruptions.proven && visor_mono_diff(e->now.raw, e->disrupted_at) < STALL_NS &&
           visor_disruption_explains(e, remaining_s);
}

void visor_disruption_timer(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;

    if (!all->open)
        return;
    if (all->step_waits && !visor_mono_before(e->now.raw, all->until)) {
        all->step_waits = false;
        visor_discipline_correct(e);
    }
    if (is_unsettled(e) && !visor_mono_before(e->now.raw, all->look_at)) {
        bool waited = visor_mono_diff(e->now.raw, e->disrupted_at) >= MOST_NS;

        all->look_at = waited ? visor_mono_add(e->now.raw, AGAIN_NS)
                              : visor_mono_add(e->disrupted_at, MOST_NS);
        if (waited)
            visor_sources_verify(e, NULL);
        visor_follow_update(e);
    }
}

visor_mono visor_disruption_deadline(const struct visor_engine *e)
{
    const struct visor_disruptions *all = &e->disruptions;

    if (all->open && all->step_waits)
        return all->until;
    return all->open && is_unsettled(e) ? all->look_at : (visor_mono){INT64_MAX};
}
