/* What a sample says against the published interval. It may be the source that jumped, or our own
 * counter; until newer samples of others have refuted it, the bound must hold in both cases. */
#include "engine/core.h"

#include "base/math.h"

#define ALIKE 0.1 /* of a jump */
#define KNOWN 4   /* samples, to know one's own jump from noise */

/* It may be the rate that changed since the source's last good sample, perhaps half of that time
 * ago: the error goes on growing. What is off may be off by as much more as the sample is. */
static void allow_for_rate(struct visor_engine *e, struct visor_source *source, visor_mono at,
                           double off, double reach)
{
    double since = visor_seconds_from_ns(visor_mono_diff(at, source->filter.line.at)), rate;

    if (source->filter.count == 0 || since <= 0.0 ||
        visor_math_size(off) / since >= VISOR_RATE_CHANGE_MOST)
        return;
    rate = 2.0 * (visor_math_size(off) + reach) / since;
    if (rate > source->doubt_rate)
        source->doubt_rate = rate;
    e->drift = e->calm_drift + visor_doubt_rate(e);
}

bool visor_doubt_hear(struct visor_engine *e, struct visor_source *source,
                      const struct visor_sample *sample)
{
    double before = source->doubt_s, aged, off, reach;

    if (!e->known || e->trust == VISOR_TRUST_DISRUPTED || /* nothing is published */
        visor_source_options(source) & VISOR_SELECT_NOSELECT)
        return false;
    aged = visor_seconds_from_ns(visor_mono_diff(sample->at, e->sure_at));
    off = visor_seconds_from_ns(
        visor_wall_diff(sample->reference, visor_line_utc(&e->line, sample->at)));
    reach = visor_sample_reach(sample, !source->refclock, visor_filter_deviation(&source->filter));
    source->heard_off_s = off;
    source->heard_reach_s = reach;
    if (off - reach <= e->high + e->calm_drift * visor_math_size(aged) &&
        off + reach >= e->low - e->calm_drift * visor_math_size(aged)) {
        /* What is too wide to refute the other story leaves it open. */
        if (visor_math_size(off - source->doubt_off_s) <= reach + source->doubt_reach_s &&
            source->proof < VISOR_SOURCE_PROOF)
            return false;
        source->doubt_s = source->doubt_rate = 0.0;
        return before > 0.0;
    }
    if (before == 0.0 ||
        visor_math_size(off - source->doubt_off_s) > 0.1 * visor_math_size(off) + reach) {
        source->doubt_since = sample->at;
        source->doubt_off_s = off;
        source->doubt_reach_s = reach;
    }
    source->doubt_s = visor_math_size(off) + reach;
    allow_for_rate(e, source, sample->at, off, reach);
    return true;
}

bool visor_doubt_suspect(struct visor_engine *e, struct visor_source *source, double jump_s)
{
    if (visor_source_options(source) & VISOR_SELECT_NOSELECT)
        return false;
    if (source->doubt_s == 0.0) {
        source->doubt_since = source->last_at;
        source->doubt_off_s = jump_s;
        source->doubt_reach_s = 0.0;
    }
    if (source->doubt_s < 2.0 * visor_math_size(jump_s))
        source->doubt_s = 2.0 * visor_math_size(jump_s);
    allow_for_rate(e, source, source->last_at, jump_s, 0.0);
    return true;
}

bool visor_doubt_refuted(const struct visor_source *s, const struct visor_source *other)
{
    return other->doubt_s == 0.0 && visor_math_size(other->heard_off_s - s->doubt_off_s) >
                                        other->heard_reach_s + s->doubt_reach_s;
}

/* Both have jumped by as much, as far as each can tell. */
static bool jumped_alike(const struct visor_source *a, const struct visor_source *b)
{
    double noise = visor_filter_deviation(&a->filter) + visor_filter_deviation(&b->filter);

    return visor_math_size(a->jump_s - b->jump_s) <=
           ALIKE * visor_math_size(a->jump_s) + VISOR_SURE_DEVIATIONS * noise;
}

/* Was it our counter that jumped? Another source has seen it, too, and none that was heard since
 * denies it. */
static bool is_ours(const struct visor_engine *e, const struct visor_source *source)
{
    bool ours = false;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *other = &e->sources[i];

        if (other == source || other->id == 0 ||
            visor_mono_before(other->last_at, source->doubt_since) ||
            visor_source_options(other) & VISOR_SELECT_NOSELECT)
            continue;
        if (!visor_mono_before(other->jumped_at, source->fitted_at) && jumped_alike(other, source))
            ours = true;
        else if (other->filter.suspect_count == 0 && other->doubt_s == 0.0 &&
                 other->filter.count >= KNOWN)
            return false;
    }
    return ours;
}

void visor_doubt_jumped(struct visor_engine *e, const struct visor_source *source)
{
    if (source->doubt_s <= 0.0 || !is_ours(e, source))
        return;
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && visor_mono_before(e->sources[i].last_at, source->doubt_since))
            e->sources[i].missed_s = source->jump_s;
}

/* Do as many of the sources heard since then say the same as say otherwise? */
static bool stands(const struct visor_engine *e, const struct visor_source *s)
{
    int against = 0, witnesses = 0;

    if (s->id == 0 || s->doubt_s <= 0.0)
        return false;
    for (int j = 0; j < e->source_count; j++) {
        const struct visor_source *other = &e->sources[j];

        if (other->id == 0 || other->last_at.ns == INT64_MIN ||
            visor_mono_before(other->last_at, s->doubt_since))
            continue;
        against += other->doubt_s > 0.0;
        witnesses += visor_doubt_refuted(s, other);
    }
    return against >= witnesses;
}

double visor_doubt_size(const struct visor_engine *e)
{
    double worst = 0.0;

    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].doubt_s > worst && stands(e, &e->sources[i]))
            worst = e->sources[i].doubt_s;
    return worst;
}

double visor_doubt_rate(const struct visor_engine *e)
{
    double worst = 0.0;

    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].doubt_rate > worst && stands(e, &e->sources[i]))
            worst = e->sources[i].doubt_rate;
    return worst;
}
