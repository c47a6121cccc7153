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
#define SAME_NS    (10 * VISOR_NS_PER_S) /* witnesses of one disruption speak within this */
#define STALL_STEP 0.01                  /* s: what `stall auto` steps, forward only */

static struct visor_disruption *newest(struct visor_engine *e)
{
    struct visor_disruptions *d = &e->disruptions;

    return d->count ? &d->list[(d->count - 1) % VISOR_DISRUPTIONS] : NULL;
}

/* A new record, or the one that is going on. */
static struct visor_disruption *record(struct visor_engine *e, enum visor_witness_kind by)
{
    struct visor_disruptions *d = &e->disruptions;
    struct visor_disruption *last = newest(e);

    if (last && visor_mono_diff(e->now.raw, last->raw) < SAME_NS && !(last->evidence & 1u << by)) {
        last->evidence |= 1u << by;
        return last;
    }
    last = &d->list[d->count++ % VISOR_DISRUPTIONS];
    *last = (struct visor_disruption){
        .raw = e->now.raw,
        .utc = e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real,
        .evidence = 1u << by,
    };
    return last;
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

/* Nothing that was measured before `now` tells the time any more. */
static void invalidate(struct visor_engine *e)
{
    e->epoch++;
    e->disrupted_at = e->now.raw;
    e->disruptions.open = true;
    e->disruptions.shifted = e->disruptions.step_waits = false;
    e->disruptions.look_at = visor_mono_add(e->now.raw, OTHERS_NS);
    if (e->trust != VISOR_TRUST_UNKNOWN)
        e->trust = VISOR_TRUST_DISRUPTED;
    visor_publish_view(e);
    visor_discipline_status(e, true);
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0)
            rebase(e, &e->sources[i]);
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

static void jumped(struct visor_engine *e, enum visor_witness_kind by, double jump_s,
                   double error_s)
{
    struct visor_disruption *d = record(e, by);
    bool first = !e->disruptions.open || visor_mono_before(d->raw, e->disrupted_at);

    if (d->kind == VISOR_DISRUPTION_UNKNOWN && jump_s > 0.0)
        d->kind = VISOR_DISRUPTION_STALL;
    if (first || d->raw.ns == e->now.raw.ns)
        invalidate(e);
    e->disruptions.proven = true;
    size(d, jump_s, error_s);
    say(e, d);
    visor_publish_view(e);
}

/* That it jumped was told before, now it is told by how much: once, whatever comes then. */
static void measured(struct visor_engine *e, double jump_s, double error_s)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = newest(e);

    if (!all->open || !d || all->shifted)
        return; /* the sources were faster */
    size(d, jump_s, error_s);
    all->shifted = all->step_waits = e->known;
    all->until = visor_mono_add(e->now.raw, ALONE_NS);
    if (e->known)
        shift_estimate(e, jump_s, error_s);
    visor_publish_view(e);
}

static void tells_time(struct visor_engine *e, const struct visor_event_witness *event)
{
    struct visor_witness *witness = &e->disruptions.witnesses[event->kind];
    double jump_s, error_s;

    switch (visor_witness_take(witness, event, &e->now, &jump_s, &error_s)) {
    case VISOR_WITNESS_JUMPED:
        if (visor_witness_class(witness) == VISOR_WITNESS_INDEPENDENT)
            jumped(e, event->kind, jump_s, error_s);
        break;
    case VISOR_WITNESS_MEASURED:
        measured(e, jump_s, error_s);
        break;
    case VISOR_WITNESS_SET:
    case VISOR_WITNESS_NOTHING:
        break;
    }
}

static enum visor_disruption_kind kind_of(enum visor_witness_kind by,
                                          enum visor_disruption_kind known)
{
    switch (by) {
    case VISOR_WITNESS_VMGENID:
        return VISOR_DISRUPTION_RESTORE;
    case VISOR_WITNESS_BOOTTIME:
        return VISOR_DISRUPTION_SUSPEND;
    default: /* vmclock's marker moves with a restore, too */
        return known == VISOR_DISRUPTION_RESTORE ? known : VISOR_DISRUPTION_MIGRATION;
    }
}

/* A counter of generations, disruptions or suspended time that has moved on. */
static void marked(struct visor_engine *e, const struct visor_event_witness *event)
{
    struct visor_disruptions *all = &e->disruptions;
    uint64_t before = all->markers[event->kind];
    struct visor_disruption *d;

    all->markers[event->kind] = event->marker;
    if (!(all->heard & 1u << event->kind) || before == event->marker)
        return;
    d = record(e, event->kind);
    d->kind = kind_of(event->kind, d->kind);
    if (event->kind == VISOR_WITNESS_BOOTTIME && !d->sized) { /* by whole seconds, mostly */
        d->sized = true;
        d->size_s = visor_seconds_from_ns((int64_t)(event->marker - before));
        d->error_s = 1.0;
    }
    if (d->raw.ns == e->now.raw.ns) {
        invalidate(e);
        say(e, d);
    }
}

void visor_disruption_witness(struct visor_engine *e, const struct visor_event_witness *event)
{
    if (event->earliest.ns != 0 && event->latest.ns >= event->earliest.ns)
        tells_time(e, event);
    if (event->kind == VISOR_WITNESS_VMCLOCK || event->kind == VISOR_WITNESS_VMGENID ||
        event->kind == VISOR_WITNESS_BOOTTIME)
        marked(e, event);
    e->disruptions.heard |= 1u << event->kind;
}

bool visor_disruption_spans(const struct visor_engine *e, const struct visor_sample *sample)
{
    return e->disrupted_at.ns != INT64_MIN &&
           visor_mono_before(visor_mono_add(sample->at, -visor_ns_from_seconds(sample->delay_s)),
                             e->disrupted_at);
}

/* The first to answer may be a liar: all that were in reach are waited for, or, longer, most of
 * them. */
bool visor_disruption_waits(const struct visor_engine *e)
{
    int64_t since = visor_mono_diff(e->now.raw, e->disrupted_at);
    int asked = 0, answered = 0;

    if (e->trust != VISOR_TRUST_DISRUPTED)
        return false;
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id == 0 || visor_source_reach(s) == 0 ||
            visor_source_options(s) & VISOR_SELECT_NOSELECT)
            continue;
        asked++;
        answered += s->filter.count > 0;
    }
    return answered < asked && (since < OTHERS_NS || (since < MOST_NS && 2 * answered <= asked));
}

void visor_disruption_settle(struct visor_engine *e, double moved_s)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = newest(e);

    if (!all->open || !d)
        return;
    all->open = all->step_waits = false;
    d->settled = true;
    d->settled_after_s = visor_seconds_from_ns(visor_mono_diff(e->now.raw, d->raw));
    d->size_s = all->shifted ? d->size_s + moved_s : moved_s;
    d->error_s = visor_seconds_from_ns(visor_discipline_bound_ns(e, e->now.raw));
    if (visor_math_size(d->size_s) < STALL_STEP && d->sized)
        d->kind = VISOR_DISRUPTION_WITNESS;
    d->sized = true;
    visor_engine_log(e, VISOR_MESSAGE_SETTLED, VISOR_SEVERITY_INFO)->number[0] = d->size_s;
}

/* `stall`: what a witness has proven may be stepped, forward; whoever reads this clock has lost
 * that time already. */
bool visor_disruption_steps(const struct visor_engine *e, double remaining_s)
{
    const struct visor_disruptions *all = &e->disruptions;
    const struct visor_disruption *d =
        all->count ? &all->list[(all->count - 1) % VISOR_DISRUPTIONS] : NULL;
    double least = e->config->stall == VISOR_STALL_STEP ? 0.0 : STALL_STEP;

    return d && all->proven && visor_mono_diff(e->now.raw, d->raw) < SAME_NS &&
           e->config->stall != VISOR_STALL_SLEW && remaining_s > least &&
           remaining_s < d->size_s + d->error_s + STALL_STEP;
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
    if (e->trust == VISOR_TRUST_DISRUPTED && !visor_mono_before(e->now.raw, all->look_at)) {
        all->look_at.ns = INT64_MAX;
        if (visor_mono_diff(e->now.raw, e->disrupted_at) < MOST_NS)
            all->look_at = visor_mono_add(e->disrupted_at, MOST_NS);
        visor_follow_update(e);
    }
}

visor_mono visor_disruption_deadline(const struct visor_engine *e)
{
    const struct visor_disruptions *all = &e->disruptions;

    if (all->open && all->step_waits)
        return all->until;
    return all->open && e->trust == VISOR_TRUST_DISRUPTED ? all->look_at : (visor_mono){INT64_MAX};
}
