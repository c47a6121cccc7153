/* What is done at an emergency level (emergency.c says which it is), and when it is over. Only what
 * is safe for everybody is done by itself: more sources, more questions, and silence instead of a
 * time that may be wrong. What is stepped stays within `stall` and `emergency backward`. */
#include "engine/core.h"

#include "base/math.h"

#define NEXT_NS      (5 * VISOR_NS_PER_S) /* after which those that were taken have had their chance */
#define AGAIN_NS     (300 * VISOR_NS_PER_S)  /* to ask all again; twice as long each time, … */
#define LONGEST_NS   (3600 * VISOR_NS_PER_S) /* … up to this: public servers are others' */
#define BURST_GOOD   4
#define BURST_TOTAL  8
#define BURST_FEW    2 /* for who has never answered, or does so anyway */
#define MORE_A_POOL  2
#define ASKED_ENOUGH 4
#define RIGHT_S      0.01 /* what is left to be slewed of a clock that is called right */

enum stage { STAGE_BACKUP, STAGE_OFFLINE, STAGE_POOL, STAGES };

/* ---- what is so ---- */

static double size_of_stop(struct visor_engine *e)
{
    const struct visor_disruption *d = visor_disruption_treated(e);

    return d && d->sized ? visor_math_size(d->size_s) : 0.0;
}

static bool is_offline(const struct visor_engine *e, const struct visor_source *source)
{
    return source->resolved ? !source->association.online
                            : e->origins[source->origin].config.offline;
}

/* Nobody misses what was never meant to answer yet: a machine that starts with all its sources
 * offline waits for `online`. */
static bool has_sources(const struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];

        if (source->id != 0 && !(visor_source_options(source) & VISOR_SELECT_NOSELECT) &&
            (e->known || source->refclock || !is_offline(e, source) ||
             e->origins[source->origin].config.backup))
            return true;
    }
    return false;
}

/* A clock that was never measured is not in need as long as its sources are only slow: each is
 * given a few polls, at its own pace. */
static bool has_asked(const struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];

        if (source->id != 0 && !source->refclock && !source->lent && source->resolved &&
            source->association.online && !e->origins[source->origin].config.iburst &&
            source->association.polls <= ASKED_ENOUGH)
            return false;
    }
    return true;
}

/* With `local`, or on a standard, our own clock is what is followed. */
static struct visor_emergency_facts facts_of(struct visor_engine *e)
{
    bool slow = !e->known && !has_asked(e);
    struct visor_emergency_facts facts = {
        .now = e->now.raw,
        .known = e->known,
        .stopped = e->known && e->trust == VISOR_TRUST_DISRUPTED,
        .leaderless = e->leader == 0 && !e->local.active && !e->standard && has_sources(e) && !slow,
        .error_s = -1.0,
        .limit_s = visor_config_emergency_limit(e->config),
    };

    if (facts.stopped)
        facts.error_s = size_of_stop(e);
    else if (e->known)
        facts.error_s = visor_discipline_settled_s(e, e->now.raw) +
                        visor_math_size(visor_discipline_remaining(e));
    return facts;
}

/* Is there reason for the level still, or does it only last? */
static bool holds(const struct visor_emergency *emergency)
{
    return emergency->level != VISOR_EMERGENCY_NORMAL &&
           emergency->confirmed.ns == emergency->judged.ns;
}

/* ---- what is told ---- */

static void tell_level(struct visor_engine *e)
{
    const struct visor_emergency *emergency = &e->emergency;
    struct visor_message *message =
        visor_engine_log(e, VISOR_MESSAGE_EMERGENCY,
                         emergency->level == VISOR_EMERGENCY_NORMAL ? VISOR_SEVERITY_INFO
                         : emergency->level == VISOR_EMERGENCY_RED  ? VISOR_SEVERITY_ERROR
                                                                    : VISOR_SEVERITY_WARNING);

    message->count[0] = (int64_t)emergency->level;
    message->count[1] = (int64_t)emergency->cause;
    message->number[0] = visor_emergency_newest(&e->emergency)->error_s;
    visor_emergency_newest(&e->emergency)->utc =
        e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real;
}

static void tell_rescue(struct visor_engine *e, enum visor_rescue rescue, int count, double size_s)
{
    struct visor_emergency_record *record = visor_emergency_newest(&e->emergency);
    struct visor_message *message =
        visor_engine_log(e, VISOR_MESSAGE_RESCUE, VISOR_SEVERITY_WARNING);

    message->count[0] = (int64_t)rescue;
    message->count[1] = count;
    message->number[0] = size_s;
    if (record)
        record->rescues |= 1u << rescue;
}

/* ---- more sources ---- */

static int take_offline(struct visor_engine *e, bool backup)
{
    int taken = 0;

    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0 || source->refclock || source->lent || !is_offline(e, source) ||
            e->origins[source->origin].config.backup != backup)
            continue;
        visor_command_set_online(e, source, true);
        if (source->resolved)
            visor_association_start_burst(&source->association, BURST_GOOD, BURST_TOTAL,
                                          e->now.raw);
        source->lent = true;
        taken++;
    }
    return taken;
}

static int widen_pools(struct visor_engine *e)
{
    int taken = 0;

    for (int i = 0; i < e->origin_count; i++) {
        const struct visor_origin *origin = &e->origins[i];
        struct visor_source *source;

        if (!origin->used || !origin->named || origin->config.kind != VISOR_SOURCE_POOL)
            continue;
        for (int j = 0; j < MORE_A_POOL && (source = visor_sources_extend(e, (uint32_t)i)); j++) {
            source->lent = source->extra = true;
            taken++;
        }
        visor_names_retry(e, (uint32_t)i);
    }
    return taken;
}

/* Somebody has set the offline ones so, and pools are others' servers: while the clock itself is
 * well, only those are taken that are meant for it. */
static bool may_take(const struct visor_engine *e, int stage)
{
    return stage == STAGE_BACKUP || e->emergency.level > VISOR_EMERGENCY_YELLOW ||
           e->emergency.cause != VISOR_CAUSE_SOURCES;
}

/* One kind after the other, each with time to answer. */
static void take_sources(struct visor_engine *e)
{
    struct visor_rescuing *r = &e->rescue;
    int taken = 0;

    while (taken == 0 && r->stage < STAGES && !visor_mono_before(e->now.raw, r->next_at) &&
           may_take(e, r->stage)) {
        enum visor_rescue how = r->stage == STAGE_BACKUP    ? VISOR_RESCUE_BACKUP
                                : r->stage == STAGE_OFFLINE ? VISOR_RESCUE_ONLINE
                                                            : VISOR_RESCUE_POOL;

        taken = r->stage == STAGE_POOL ? widen_pools(e) : take_offline(e, r->stage == STAGE_BACKUP);
        if (r->stage == STAGE_POOL) /* last, since chronyd's offline ones cannot be given back */
            visor_chronyd_rescue(e, true);
        r->stage++;
        r->lent += taken;
        if (taken > 0)
            tell_rescue(e, how, taken, 0.0);
        if (taken > 0 || r->stage == STAGE_OFFLINE) /* the ordinary ones have a chance, too */
            r->next_at = visor_mono_add(e->now.raw, NEXT_NS);
    }
}

static bool others_serve(const struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && !e->sources[i].lent &&
            visor_source_reach(&e->sources[i]) != 0 &&
            visor_select_agrees(e->sources[i].candidate.state))
            return true;
    return false;
}

static void give_back(struct visor_engine *e)
{
    int returned = 0;

    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0 || !source->lent)
            continue;
        source->lent = false;
        returned++;
        if (source->extra)
            visor_sources_remove(e, source);
        else
            visor_command_set_online(e, source, false);
    }
    e->rescue.lent = 0;
    if (returned > 0)
        tell_rescue(e, VISOR_RESCUE_RETURN, returned, 0.0);
    visor_follow_update(e);
}

/* ---- everybody is asked ---- */

/* Who answers as it is and has said enough is asked once more: if the sources only contradict one
 * another, more of the same does not help. */
static void ask(struct visor_engine *e, struct visor_source *source)
{
    struct visor_association *a = &source->association;
    bool heard = (a->reach & 1) != 0 && source->filter.count >= BURST_GOOD;

    if (!source->resolved || !a->online)
        return;
    visor_association_start_burst(a, heard ? 1 : BURST_GOOD,
                                  heard || a->total_valid == 0 ? BURST_FEW : BURST_TOTAL,
                                  e->now.raw);
}

static void resync(struct visor_engine *e)
{
    struct visor_rescuing *r = &e->rescue;

    if (visor_mono_before(e->now.raw, r->ask_at))
        return;
    if (e->trust == VISOR_TRUST_SYNCHRONIZED && e->emergency.cause == VISOR_CAUSE_ERROR)
        return; /* the time is known, and the clock on its way there */
    r->ask_ns = r->ask_ns == 0 ? AGAIN_NS : 2 * r->ask_ns < LONGEST_NS ? 2 * r->ask_ns : LONGEST_NS;
    r->ask_at = visor_mono_add(e->now.raw, r->ask_ns);
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && !e->sources[i].refclock)
            ask(e, &e->sources[i]);
    visor_names_refresh(e);
    visor_chronyd_rescue(e, false);
    tell_rescue(e, VISOR_RESCUE_RESYNC, 0, 0.0);
}

/* ---- red ---- */

/* One that is proven not to go by our clock, and has told the time since this machine stopped. */
static bool has_sound_witness(const struct visor_engine *e)
{
    static const enum visor_witness_kind kinds[] = {VISOR_WITNESS_RTC, VISOR_WITNESS_PHC,
                                                    VISOR_WITNESS_VMCLOCK};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct visor_witness *w = &e->disruptions.witnesses[kinds[i]];

        if (w->known && !w->pending && visor_witness_class(w) == VISOR_WITNESS_INDEPENDENT &&
            visor_mono_before(e->disrupted_at, w->ours.raw) &&
            (e->disruptions.shifted || visor_mono_before(w->jumped_at, e->disrupted_at)))
            return true;
    }
    return false;
}

/* The estimate is where the witness says already (disruption.c), or the witness saw no jump at all.
 * It makes the clock usable; the bound stays infinite until a source has spoken. */
static bool reset(struct visor_engine *e)
{
    double remaining;
    bool slews;

    if (!e->known || e->trust != VISOR_TRUST_DISRUPTED || !has_sound_witness(e))
        return false;
    remaining = visor_discipline_remaining(e);
    slews = !visor_disruption_explains(e, remaining);
    if (visor_math_size(remaining) > RIGHT_S && !visor_chronyd_correct(e, !slews) && e->settable) {
        if (slews)
            visor_discipline_slew(e);
        else
            visor_discipline_step(e, remaining);
    }
    tell_rescue(e, VISOR_RESCUE_RESET, 0, remaining);
    return true;
}

static void set_quarantine(struct visor_engine *e, bool on)
{
    if (e->rescue.quarantined == on)
        return;
    e->rescue.quarantined = on;
    if (on) /* while its sources answer, it is soon well again */
        visor_chronyd_forget(e);
    tell_rescue(e, on ? VISOR_RESCUE_QUARANTINE : VISOR_RESCUE_RELEASE, 0, 0.0);
    visor_publish_view(e);
    visor_discipline_status(e, true);
}

static void handle_red(struct visor_engine *e)
{
    struct visor_rescuing *r = &e->rescue;

    if (!e->emergency.red_now)
        r->reset = false;
    else if (!r->reset)
        r->reset = reset(e);
    set_quarantine(e, e->emergency.red_now && !r->reset);
}

/* ---- and when it is over ---- */

static void look_for_recovery(struct visor_engine *e)
{
    const struct visor_disruptions *all = &e->disruptions;
    const struct visor_disruption *d = visor_disruption_treated(e);
    struct visor_message *message;

    if (all->open)
        e->rescue.recovering = true;
    if (!e->rescue.recovering || all->open || e->trust != VISOR_TRUST_SYNCHRONIZED ||
        e->step_pending || !d || visor_math_size(visor_discipline_remaining(e)) > RIGHT_S)
        return;
    e->rescue.recovering = false;
    message = visor_engine_log(e, VISOR_MESSAGE_RECOVERED, VISOR_SEVERITY_INFO);
    message->count[0] = (int64_t)d->kind;
    message->count[1] = visor_ns_from_seconds(d->error_s);
    message->number[0] = d->size_s;
    message->number[1] = visor_seconds_from_ns(
        visor_mono_diff(e->now.raw, d->invalidated ? e->disrupted_at : d->raw));
}

void visor_rescue_timer(struct visor_engine *e)
{
    struct visor_emergency_facts facts;

    look_for_recovery(e);
    if (e->step_pending)
        return; /* what is wrong is just being corrected */
    facts = facts_of(e);
    if (visor_emergency_judge(&e->emergency, &facts)) {
        tell_level(e);
        e->rescue.next_at = e->now.raw;
        if (e->emergency.level == VISOR_EMERGENCY_NORMAL) {
            e->rescue.stage = STAGE_BACKUP;
            e->rescue.ask_ns = 0;
            e->rescue.ask_at = e->now.raw;
        }
    }
    if (!e->config->emergency_off) {
        if (holds(&e->emergency))
            take_sources(e);
        if (holds(&e->emergency) && e->emergency.level >= VISOR_EMERGENCY_ORANGE)
            resync(e);
        handle_red(e);
    }
    if (e->rescue.lent > 0 && e->emergency.level == VISOR_EMERGENCY_NORMAL && others_serve(e))
        give_back(e);
}

visor_mono visor_rescue_deadline(const struct visor_engine *e)
{
    visor_mono deadline = visor_emergency_deadline(&e->emergency);
    visor_mono next = e->rescue.next_at;

    if (e->emergency.level != VISOR_EMERGENCY_NORMAL && e->rescue.stage < STAGES &&
        visor_mono_before(e->emergency.judged, next) && visor_mono_before(next, deadline))
        deadline = next;
    return deadline;
}
