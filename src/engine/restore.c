/* Samples out of the engine and back into it: a restarted daemon goes on where the last one was. */
#include "engine/core.h"

/* What the filter keeps, as a sample; the part of its noise that the delay shows is in there. */
static struct visor_sample sample_of(const struct visor_source *source,
                                     const struct visor_filter_entry *entry)
{
    return (struct visor_sample){
        .at = entry->point.at,
        .reference = {visor_ns_add(entry->point.at.ns, entry->point.offset_ns)},
        .delay_s = entry->delay_s,
        .dispersion_s = entry->dispersion_s,
        .root_delay_s = entry->root_delay_s,
        .root_dispersion_s = entry->root_dispersion_s,
        .stratum = source->stratum,
        .leap = source->leap,
    };
}

size_t visor_engine_samples(const struct visor_engine *e, uint32_t id, struct visor_sample *samples,
                            size_t max)
{
    const struct visor_source *source = visor_sources_find((struct visor_engine *)e, id);
    size_t count = source ? source->filter.count : 0, skip;

    skip = count > max ? count - max : 0;
    for (size_t i = skip; i < count; i++)
        samples[i - skip] = sample_of(source, visor_filter_entry(&source->filter, (unsigned int)i));
    return count - skip;
}

static void restore_reach(struct visor_source *source, const struct visor_event_restore *restore)
{
    int size = restore->reach_size < 0 ? 0 : restore->reach_size > 8 ? 8 : restore->reach_size;

    if (source->refclock) {
        source->reach = restore->reach;
        source->reach_size = (uint8_t)size;
    } else {
        source->association.reach = restore->reach;
        source->association.reach_size = size;
    }
}

void visor_sources_restore(struct visor_engine *e, const struct visor_event_restore *restore)
{
    struct visor_source *source = visor_sources_find(e, restore->source);
    double jump;

    if (!source || source->filter.count || restore->count == 0)
        return;
    for (size_t i = 0; i < restore->count; i++) {
        const struct visor_sample *sample = &restore->samples[i];

        if (visor_mono_before(e->now.raw, sample->at) ||
            (source->filter.count &&
             !visor_mono_before(visor_filter_newest(&source->filter)->point.at, sample->at)))
            continue;
        visor_filter_take(&source->filter, sample, visor_source_measured_drift(source, sample->at),
                          &jump);
        source->last_at = sample->at;
        source->last_delay_s = sample->delay_s;
        source->last_dispersion_s = sample->dispersion_s;
        source->stratum = sample->stratum;
        source->leap = sample->leap;
    }
    restore_reach(source, restore);
    source->fresh = source->filter.count > 0;
    visor_follow_update(e);
}
