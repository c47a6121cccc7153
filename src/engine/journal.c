/* What chronyd logs of its regression is told of our filter as far as it has the same: offset and
 * rate of the source against the clock as it goes, their deviations, and how well the last sample
 * was foreseen. */
#include "engine/journal.h"

#include "base/math.h"

#include <string.h>

struct visor_line visor_journal_clock(const struct visor_engine *e)
{
    return e->known ? e->line
                    : (struct visor_line){.at = e->now.raw,
                                          .offset_ns = visor_reading_offset_ns(&e->now),
                                          .rate = e->now.frequency_ppb * 1e-9};
}

double visor_journal_residual(const struct visor_line *line, const struct visor_point *point)
{
    return visor_seconds_from_ns(visor_ns_diff(point->offset_ns, line->offset_ns)) - line->phase -
           line->rate * visor_seconds_from_ns(visor_mono_diff(point->at, line->at));
}

int visor_journal_runs(const struct visor_filter *filter)
{
    int runs = 0;
    bool above = false;

    for (unsigned int i = 0; i < filter->count; i++) {
        bool now =
            visor_journal_residual(&filter->line, &visor_filter_entry(filter, i)->point) > 0.0;

        if (i == 0 || now != above)
            runs++;
        above = now;
    }
    return runs;
}

double visor_journal_score(const struct visor_engine *e, const struct visor_source *source)
{
    for (int i = 0; i < e->source_count && e->leader; i++)
        if (e->sources[i].id == e->leader && e->sources[i].candidate.score > 0.0 &&
            source->candidate.score > 0.0)
            return e->sources[i].candidate.score / source->candidate.score;
    return 1.0;
}

static void name(const struct visor_source *source, const struct visor_engine *e, char text[46])
{
    struct visor_message described = {.source = source->id};

    if (!source->refclock && source->resolved) {
        visor_address_print(&source->association.remote, text, 46);
        return;
    }
    visor_source_describe(source, e->origins, &described);
    memcpy(text, described.name, 45);
    text[45] = '\0';
}

void visor_journal_statistics(struct visor_engine *e, const struct visor_source *source,
                              const struct visor_line *before, int samples)
{
    const struct visor_filter *filter = &source->filter;
    struct visor_line clock = visor_journal_clock(e);
    struct visor_record_statistics *s;
    double deviation = visor_math_sqrt(filter->line.p11);
    double old = visor_math_sqrt(before->p11);

    if (!(e->config->logs & VISOR_LOG_STATISTICS) || filter->count < 3)
        return;
    s = &visor_engine_record(e, VISOR_RECORD_STATISTICS)->statistics;
    name(source, e, s->name);
    s->sd = visor_filter_deviation(filter);
    s->offset = visor_line_diff(&filter->line, &clock, filter->line.at);
    s->offset_sd = visor_math_sqrt(filter->line.p00);
    s->frequency_ppm = (filter->line.rate - clock.rate) * 1e6;
    s->skew_ppm = deviation * 1e6;
    s->stress = old > 0.0 ? (filter->line.rate - before->rate) / old : 0.0;
    if (s->stress < 0.0)
        s->stress = -s->stress;
    s->samples = filter->count;
    s->base_sample = samples + 1 - filter->count;
    if (s->base_sample < 0)
        s->base_sample = 0;
    s->runs = visor_journal_runs(filter);
    s->asymmetry = filter->noise.asymmetry;
}

void visor_journal_selection(struct visor_engine *e)
{
    if (!(e->config->logs & VISOR_LOG_SELECTION))
        return;
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];
        struct visor_record_selection *s;

        if (source->id == 0)
            continue;
        s = &visor_engine_record(e, VISOR_RECORD_SELECTION)->selection;
        name(source, e, s->name);
        s->state = source->candidate.state ? (char)source->candidate.state : 'M';
        s->authenticated =
            !source->refclock && source->resolved && source->association.config.key ? 'Y' : 'N';
        s->options = source->options;
        s->effective_options = visor_source_options(source);
        s->reach = visor_source_reach(source);
        s->score = visor_journal_score(e, source);
        s->lo = source->candidate.low;
        s->hi = source->candidate.high;
        if (source->filter.count > 0)
            s->last_sample = visor_seconds_from_ns(visor_mono_diff(e->now.raw, source->last_at));
    }
}
