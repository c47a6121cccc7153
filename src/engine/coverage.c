/* A table of who sees what, and the quickest of those that are there. */
#include "engine/coverage.h"

#include "engine/core.h"

#define FRESH_NS        (10 * VISOR_NS_PER_S) /* a witness that says the time has said it since */
#define LOST            2                     /* a source's answer, or the next: one may be lost */

#define SEES(happening) (1u << VISOR_HAPPENS_##happening)
#define JUMPS           (SEES(LONG_PAUSE) | SEES(PAUSE) | SEES(MIGRATION) | SEES(RESTORE) | SEES(SUSPEND))

static uint32_t sees(const struct visor_lookout *lookout)
{
    static const uint32_t by_word[VISOR_WITNESS_KINDS] = {
        [VISOR_WITNESS_VMCLOCK] = SEES(MIGRATION) | SEES(RESTORE),
        [VISOR_WITNESS_VMGENID] = SEES(RESTORE),
        [VISOR_WITNESS_TIMER] = SEES(STARVATION),
        [VISOR_WITNESS_STEAL] = SEES(STARVATION),
        [VISOR_WITNESS_CANCELLED_TIMER] = SEES(STEP),
        [VISOR_WITNESS_BOOTTIME] = SEES(SUSPEND),
        [VISOR_WITNESS_CLOCKSOURCE] = SEES(CLOCKSOURCE),
    };

    return by_word[lookout->kind] | (lookout->timed ? JUMPS : 0);
}

static bool tells_time(const struct visor_engine *e, const struct visor_lookout *lookout)
{
    const struct visor_witness *witness = &e->disruptions.witnesses[lookout->kind];
    enum visor_witness_class class = visor_witness_class(witness);

    return witness->known && class != VISOR_WITNESS_DERIVED && class != VISOR_WITNESS_NONSENSE &&
           visor_mono_diff(e->now.raw, witness->ours.raw) < FRESH_NS;
}

static void count(struct visor_coverage *coverage, enum visor_witness_kind kind, int64_t within_ns)
{
    coverage->by |= 1u << kind;
    if (within_ns < coverage->within_ns)
        coverage->within_ns = within_ns;
}

static void add(const struct visor_lookout *lookout, struct visor_coverage *coverage)
{
    uint32_t seen = sees(lookout);

    for (int i = 0; i < VISOR_HAPPENINGS; i++)
        if (seen & 1u << i)
            count(&coverage[i], lookout->kind,
                  i == VISOR_HAPPENS_LONG_PAUSE && lookout->long_ns ? lookout->long_ns
                                                                    : lookout->within_ns);
}

/* A source notices when it is asked next. */
static void add_sources(const struct visor_engine *e, struct visor_coverage *coverage)
{
    struct visor_lookout lookout = {
        .kind = VISOR_WITNESS_NEAR, .within_ns = VISOR_NS_MAX, .timed = true};

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];
        double interval = visor_source_interval(source);
        int64_t within;

        if (source->id == 0 || visor_source_reach(source) == 0 || source->filter.count == 0 ||
            (!source->refclock && !source->association.online) ||
            visor_source_options(source) & VISOR_SELECT_NOSELECT)
            continue;
        within = LOST * visor_ns_from_seconds(interval < 1.0 ? 1.0 : interval);
        if (within < lookout.within_ns)
            lookout.within_ns = within;
    }
    if (lookout.within_ns != VISOR_NS_MAX)
        add(&lookout, coverage);
}

void visor_engine_coverage(const struct visor_engine *e, const struct visor_lookout *lookouts,
                           size_t count_of, struct visor_coverage coverage[VISOR_HAPPENINGS])
{
    for (int i = 0; i < VISOR_HAPPENINGS; i++)
        coverage[i] = (struct visor_coverage){.within_ns = VISOR_NS_MAX};
    for (size_t i = 0; i < count_of; i++) {
        struct visor_lookout lookout = lookouts[i];

        lookout.timed = lookout.timed && tells_time(e, &lookout);
        add(&lookout, coverage);
    }
    add_sources(e, coverage);
}
