/* The last resort: after a disruption, as long as no source has answered, a witness that is proven
 * to be independent of our clock tells the time. How far it was ahead of UTC is known from before,
 * and to within what; nothing is trusted that was not measured: the status is holdover, and the
 * bound is all that may have changed meanwhile. */
#include "engine/core.h"

#include "base/math.h"

#define AGAIN_S 16.0 /* the rate is not known, either: it is read again and again */
#define RATE_S  5e-5 /* s/s: that a migration may have changed the rate by, one deviation */
#define SURE    8.0  /* deviations, of what the witness itself says */
#define WORTH   0.9  /* a reading that is hardly better is none */

/* A machine that moved sees the RTC of its new host. Who says that it did not? */
static bool may_have_moved(struct visor_engine *e)
{
    return !(e->disruptions.heard & 1u << VISOR_WITNESS_VMCLOCK) ||
           visor_disruption_treated(e)->evidence & 1u << VISOR_WITNESS_VMCLOCK;
}

static bool is_wanted(struct visor_engine *e)
{
    const struct visor_disruptions *all = &e->disruptions;

    return e->known && all->open && visor_disruption_treated(e) &&
           (e->trust == VISOR_TRUST_DISRUPTED ||
            (all->resorted && e->trust == VISOR_TRUST_HOLDOVER));
}

/* Our own rate was kept, and may be the better guide: as long as the witness does not deny it, the
 * estimate stays, within what both allow. */
static bool confirms(struct visor_engine *e, visor_mono raw, visor_wall utc, double noise_s,
                     double error_s)
{
    double grown = visor_follow_grown(e, raw);
    double off = visor_seconds_from_ns(visor_wall_diff(utc, visor_line_utc(&e->line, raw)));

    if (visor_math_size(off) > noise_s)
        return false;
    visor_line_move(&e->line, raw, e->wander);
    e->low = e->low - grown > off - error_s ? e->low - grown : off - error_s;
    e->high = e->high + grown < off + error_s ? e->high + grown : off + error_s;
    e->sure_at = raw;
    e->root_dispersion_s = -e->low > e->high ? -e->low : e->high;
    visor_follow_foresee(e, AGAIN_S);
    return true;
}

static void adopt(struct visor_engine *e, visor_mono raw, visor_wall utc, double noise_s,
                  double error_s)
{
    e->line.at = raw;
    e->line.offset_ns = visor_ns_diff(utc.ns, raw.ns);
    e->line.phase = 0.0;
    e->line.p00 = noise_s * noise_s;
    e->line.p01 = 0.0;
    if (may_have_moved(e) && e->line.p11 < RATE_S * RATE_S)
        e->line.p11 = RATE_S * RATE_S;
    e->low = -error_s;
    e->high = error_s;
    e->sure_at = raw;
    e->root_delay_s = 0.0;
    e->root_dispersion_s = error_s;
    visor_follow_foresee(e, AGAIN_S);
}

/* The estimate is wherever the witness said until now, if it has said anything. */
static void resize(struct visor_engine *e, double moved_s, double error_s)
{
    struct visor_disruption *d = visor_disruption_treated(e);

    d->size_s = e->disruptions.shifted ? d->size_s + moved_s : moved_s;
    d->sized = true;
    d->error_s = error_s;
    e->disruptions.shifted = true;
}

/* The first time it is news. */
static void begin(struct visor_engine *e, enum visor_witness_kind kind, double moved_s,
                  double error_s)
{
    struct visor_disruptions *all = &e->disruptions;
    struct visor_message *message;

    all->proven = all->resorted = true;
    all->step_waits = false;
    e->trust = VISOR_TRUST_HOLDOVER;
    message = visor_engine_log(e, VISOR_MESSAGE_RESORTED, VISOR_SEVERITY_WARNING);
    message->count[1] = 1u << kind;
    message->number[0] = moved_s;
    message->number[1] = error_s;
}

void visor_resort_look(struct visor_engine *e, const struct visor_witness *witness,
                       enum visor_witness_kind kind)
{
    struct visor_line before = e->line;
    visor_mono raw;
    visor_wall utc;
    double error_s, noise_s, moved_s;
    bool first = !e->disruptions.resorted;

    if (!is_wanted(e) || visor_witness_class(witness) != VISOR_WITNESS_INDEPENDENT ||
        !visor_witness_utc(witness, e->disrupted_at, &raw, &utc, &error_s) ||
        !visor_mono_before(e->disrupted_at, raw))
        return;
    noise_s = error_s / SURE;
    /* An RTC was seen a whole second off after a stop, on the same host (docs/lab.md). */
    if (may_have_moved(e) || kind == VISOR_WITNESS_RTC)
        error_s += e->config->witness_hosts;
    if (!first && error_s > WORTH * visor_discipline_settled_s(e, raw))
        return;
    if (first || !confirms(e, raw, utc, noise_s, error_s))
        adopt(e, raw, utc, noise_s, error_s);
    moved_s = visor_line_diff(&e->line, &before, e->now.raw);
    resize(e, moved_s, error_s);
    if (first)
        begin(e, kind, moved_s, error_s);
    visor_publish_moved(e);
    if (first)
        visor_discipline_correct(e);
    else
        visor_discipline_slew(e);
    visor_publish_view(e);
    visor_discipline_status(e, first);
}
