/* What was seen, collected into records. Signs of one disruption come one after the other: a marker
 * at once, an RTC within a second, sources when they are heard next. A record stays open for them,
 * and is then judged (kind.c) by all that was seen and by all who kept silent. */
#include "engine/core.h"

#include "base/math.h"

#define DEVICES_NS (2 * VISOR_NS_PER_S)  /* by then every device has spoken */
#define JUDGE_NS   (40 * VISOR_NS_PER_S) /* and by then all sources that ever will */
#define SLOW_NS    (8 * VISOR_NS_PER_S)  /* until a clock that fell behind is surely seen */
#define AGAIN_NS   (10 * VISOR_NS_PER_S) /* what comes within this belongs to one episode */
#define SURELY_S   0.05                  /* a jump that no clock with a sharp edge overlooks */
#define LATE_S     0.05
#define SOURCE_S   0.02 /* less may be the rate, which has changed since it was heard last */
#define SET_S      1e-3
#define SET_ERROR  3e-4
#define SAME       0.1
#define ENOUGH     4 /* samples, to know one's own jump from noise */

#define TIMED                                                                                      \
    (1u << VISOR_WITNESS_RTC | 1u << VISOR_WITNESS_VMCLOCK | 1u << VISOR_WITNESS_PHC |             \
     1u << VISOR_WITNESS_TSC | 1u << VISOR_WITNESS_NEAR)
#define OFTEN                                                                                      \
    (1u << VISOR_WITNESS_TIMER | 1u << VISOR_WITNESS_STEAL | 1u << VISOR_WITNESS_SOURCES |         \
     1u << VISOR_WITNESS_READBACK)

static const struct {
    enum visor_witness_kind by;
    enum visor_sign sign;
} SILENT[] = {
    {VISOR_WITNESS_VMCLOCK, VISOR_SIGN_MOVED},      {VISOR_WITNESS_VMGENID, VISOR_SIGN_FORKED},
    {VISOR_WITNESS_BOOTTIME, VISOR_SIGN_SUSPENDED}, {VISOR_WITNESS_CANCELLED_TIMER, VISOR_SIGN_SET},
    {VISOR_WITNESS_TIMER, VISOR_SIGN_LATE},         {VISOR_WITNESS_STEAL, VISOR_SIGN_STOLEN}};

static struct visor_disruption *newest(struct visor_engine *e)
{
    struct visor_disruptions *all = &e->disruptions;

    return all->count ? &all->list[(all->count - 1) % VISOR_DISRUPTIONS] : NULL;
}

static bool has(const struct visor_disruption *d, enum visor_sign sign)
{
    return d->seen & 1u << sign;
}

/* ---- who says that it was not our counter ---- */

/* A clock that follows neither our counter nor REALTIME, and is read often, fits our counter still,
 * and has not taken a new start in between. */
static bool counter_is_well(const struct visor_engine *e, const struct visor_disruption *d)
{
    const struct visor_disruptions *all = &e->disruptions;

    if (visor_math_size(d->size_s) < SURELY_S)
        return false;
    for (int kind = 0; kind < VISOR_WITNESS_KINDS; kind++) {
        const struct visor_witness *w = &all->witnesses[kind];

        if (w->known && !w->pending && w->late == 0 &&
            visor_witness_class(w) == VISOR_WITNESS_INDEPENDENT &&
            visor_mono_before(visor_mono_add(d->since, SLOW_NS), w->ours.raw) &&
            visor_mono_before(w->jumped_at, d->fitted) && visor_mono_before(w->begun_at, d->fitted))
            return true;
    }
    return false;
}

/* Sources heard since then: those whose time went with d->size_s, and those that saw nothing. */
static void poll_sources(const struct visor_engine *e, const struct visor_disruption *d, int *moved,
                         int *stayed)
{
    *moved = *stayed = 0;
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];
        bool jumped = !visor_mono_before(s->jumped_at, d->since);

        if (s->id == 0 || !visor_mono_before(d->since, s->last_at) ||
            visor_source_options(s) & VISOR_SELECT_NOSELECT)
            continue;
        *moved += jumped && visor_math_size(s->jump_s - d->size_s) <
                                SAME * visor_math_size(d->size_s) + s->last_delay_s;
        *stayed += !jumped && s->filter.suspect_count == 0 && s->doubt_s == 0.0 &&
                   s->filter.count >= ENOUGH;
    }
}

/* Whose jump was it? What nobody knows stays open. */
static void attribute(const struct visor_engine *e, const struct visor_disruption *d,
                      struct visor_signs *signs)
{
    int moved, stayed;

    if (d->evidence & TIMED) {
        signs->missed |= 1u << VISOR_SIGN_SOURCE;
        *(d->contradicted ? &signs->seen : &signs->missed) |= 1u << VISOR_SIGN_WITNESS;
        return;
    }
    signs->missed |= 1u << VISOR_SIGN_WITNESS;
    poll_sources(e, d, &moved, &stayed);
    if (counter_is_well(e, d) || (stayed > 1 && stayed > moved))
        signs->seen |= 1u << VISOR_SIGN_SOURCE;
    else if (d->invalidated || (moved > 1 && moved > stayed))
        signs->missed |= 1u << VISOR_SIGN_SOURCE;
}

static struct visor_signs signs_of(const struct visor_engine *e, struct visor_disruption *d)
{
    bool waited = visor_mono_diff(e->now.raw, d->raw) >= DEVICES_NS;
    struct visor_signs signs = {.seen = d->seen};

    if (has(d, VISOR_SIGN_LATE) && d->stolen_s >= d->late_s / 2.0)
        signs.seen |= 1u << VISOR_SIGN_STOLEN;
    if (has(d, VISOR_SIGN_PARTED))
        attribute(e, d, &signs);
    d->silent = 0;
    for (size_t i = 0; i < sizeof(SILENT) / sizeof(SILENT[0]); i++)
        if (waited && e->disruptions.heard & 1u << SILENT[i].by &&
            !(signs.seen & 1u << SILENT[i].sign)) {
            signs.missed |= 1u << SILENT[i].sign;
            d->silent |= 1u << SILENT[i].by;
        }
    return signs;
}

/* ---- records ---- */

static void look_at(struct visor_engine *e, struct visor_disruption *d)
{
    struct visor_signs signs = signs_of(e, d);

    d->possible = visor_kind_possible(&signs);
    d->kind = visor_kind_of(&signs);
}

static void judge(struct visor_engine *e, struct visor_disruption *d)
{
    struct visor_message *message;

    look_at(e, d);
    d->judged = true;
    message = visor_engine_log(e, VISOR_MESSAGE_JUDGED, VISOR_SEVERITY_INFO);
    message->count[0] = (int64_t)d->kind + 256 * (int64_t)d->possible;
    message->count[1] = d->evidence;
    message->number[0] = d->size_s;
    message->number[1] = d->sized ? d->error_s : -1.0;
}

/* A starved machine has late timers for long; of what else is seen then only the last of them can
 * be a sign, and nobody who was heard before it knows. */
static void begin_at_last(struct visor_disruption *d)
{
    d->utc = visor_wall_add(d->utc, visor_mono_diff(d->last, d->raw));
    d->raw = d->since = d->fitted = d->last;
}

struct visor_disruption *visor_evidence_note(struct visor_engine *e, enum visor_witness_kind by,
                                             enum visor_sign sign)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = newest(e);

    if (d && !d->judged && d->evidence & 1u << by & ~OFTEN)
        judge(e, d); /* it has seen one more */
    if (!d || d->judged) {
        d = &all->list[all->count++ % VISOR_DISRUPTIONS];
        *d = (struct visor_disruption){
            .raw = e->now.raw,
            .since = e->now.raw,
            .fitted = e->now.raw,
            .utc = e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real,
        };
    }
    if (d->seen == 1u << VISOR_SIGN_LATE && sign != VISOR_SIGN_LATE)
        begin_at_last(d);
    d->evidence |= 1u << by;
    d->seen |= 1u << sign;
    d->last = e->now.raw;
    look_at(e, d);
    return d;
}

static void size(struct visor_disruption *d, double size_s, double error_s)
{
    d->sized = true;
    d->size_s = size_s;
    d->error_s = error_s;
}

/* One that was heard late tells of the same jump again; two servers do not make the same one. */
static bool is_the_same(const struct visor_disruption *d, double jump_s)
{
    return has(d, VISOR_SIGN_PARTED) && d->kind != VISOR_DISRUPTION_SERVER &&
           visor_math_size(jump_s - d->size_s) <= SAME * visor_math_size(d->size_s);
}

/* What is no longer than the way may be the way's: it has become longer on one side. */
void visor_evidence_source(struct visor_engine *e, const struct visor_source *source, double jump_s,
                           bool rate)
{
    struct visor_disruption *d;

    if (!e->known || visor_math_size(jump_s) <= source->last_delay_s ||
        visor_math_size(jump_s) < (rate ? SURELY_S : SOURCE_S))
        return;
    d = newest(e);
    if (d && d->judged && is_the_same(d, jump_s))
        return;
    d = visor_evidence_note(e, VISOR_WITNESS_SOURCES, VISOR_SIGN_PARTED);
    if (visor_mono_before(source->doubt_since, d->since))
        d->since = source->doubt_since;
    if (visor_mono_before(source->fitted_at, d->fitted))
        d->fitted = source->fitted_at;
    if (!d->sized || !(d->evidence & TIMED || d->invalidated))
        size(d, jump_s, visor_filter_deviation(&source->filter) + source->last_delay_s / 2.0);
    look_at(e, d);
}

void visor_evidence_set(struct visor_engine *e, double change_s)
{
    struct visor_disruption *d;

    if (visor_math_size(change_s) < SET_S)
        return;
    d = visor_evidence_note(e, VISOR_WITNESS_READBACK, VISOR_SIGN_SET);
    if (!has(d, VISOR_SIGN_PARTED) && !has(d, VISOR_SIGN_SUSPENDED))
        size(d, d->sized ? d->size_s + change_s : change_s, d->error_s + SET_ERROR);
}

static void take_stolen(struct visor_engine *e, struct visor_disruption *d)
{
    struct visor_disruptions *all = &e->disruptions;

    if (all->stolen_s > 0.0 && visor_mono_diff(e->now.raw, all->stolen_at) < DEVICES_NS) {
        d->stolen_s += all->stolen_s;
        d->evidence |= 1u << VISOR_WITNESS_STEAL;
    }
    all->stolen_s = 0.0;
}

void visor_evidence_starved(struct visor_engine *e, const struct visor_event_witness *event)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_disruption *d = newest(e);
    double amount = visor_seconds_from_ns(event->amount_ns);

    if (event->kind == VISOR_WITNESS_STEAL) {
        if (amount <= 0.0)
            return;
        all->stolen_s =
            amount +
            (visor_mono_diff(e->now.raw, all->stolen_at) < DEVICES_NS ? all->stolen_s : 0.0);
        all->stolen_at = e->now.raw;
        if (d && !d->judged && has(d, VISOR_SIGN_LATE))
            take_stolen(e, d);
        return;
    }
    if (amount < LATE_S)
        return;
    d = visor_evidence_note(e, VISOR_WITNESS_TIMER, VISOR_SIGN_LATE);
    d->late_s += amount;
    take_stolen(e, d);
    if (!has(d, VISOR_SIGN_PARTED) && !d->invalidated)
        size(d, d->late_s, d->error_s + 1e-3);
    look_at(e, d);
}

/* ---- time ---- */

/* Most that can be asked have been heard (all, while the kind is not known), and none is in the
 * middle of making up its mind. */
static bool enough_heard(const struct visor_engine *e, const struct visor_disruption *d)
{
    int asked = 0, heard = 0;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];

        if (s->id == 0 || visor_source_reach(s) == 0 ||
            visor_source_options(s) & VISOR_SELECT_NOSELECT)
            continue;
        if (s->filter.suspect_count > 0)
            return false;
        asked++;
        heard += visor_mono_before(d->since, s->last_at);
    }
    return heard == asked || (d->kind != VISOR_DISRUPTION_UNKNOWN && 2 * heard > asked);
}

/* When it is ripe whatever happens; before, when `enough_heard`. */
static visor_mono judge_at(const struct visor_disruption *d)
{
    if (d->seen == 1u << VISOR_SIGN_LATE)
        return visor_mono_add(d->last, AGAIN_NS);
    return visor_mono_add(d->raw, JUDGE_NS);
}

static visor_mono earliest(const struct visor_disruption *d)
{
    bool slow = has(d, VISOR_SIGN_PARTED) && !d->invalidated;

    if (d->seen == 1u << VISOR_SIGN_LATE)
        return judge_at(d);
    return visor_mono_add(d->raw, slow ? AGAIN_NS : DEVICES_NS);
}

void visor_evidence_timer(struct visor_engine *e)
{
    struct visor_disruption *d = newest(e);

    if (!d || d->judged || visor_mono_before(e->now.raw, earliest(d)))
        return;
    look_at(e, d);
    if (!visor_mono_before(e->now.raw, judge_at(d)) ||
        (d->invalidated ? d->settled : enough_heard(e, d)))
        judge(e, d);
    else if (!d->asked) { /* who was heard just before was not asked */
        d->asked = true;
        visor_sources_verify(e, NULL);
    }
}

visor_mono visor_evidence_deadline(const struct visor_engine *e)
{
    const struct visor_disruptions *all = &e->disruptions;
    const struct visor_disruption *d =
        all->count ? &all->list[(all->count - 1) % VISOR_DISRUPTIONS] : NULL;

    if (!d || d->judged)
        return (visor_mono){INT64_MAX};
    return visor_mono_before(e->now.raw, earliest(d)) ? earliest(d) : judge_at(d);
}
