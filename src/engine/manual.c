/* What is typed becomes a line and goes the way of every other: to the view and to the clock. */
#include "engine/manual.h"

#include "base/math.h"
#include "engine/core.h"

#define OFFSET_LIMIT  9.2e9          /* s: what int64_t of ns holds */
#define RATE_LIMIT    0.1            /* what a clock can be steered by */
#define SEPARATION_NS VISOR_NS_PER_S /* two times typed in one second are a mistake */
#define TYPED_S       0.5            /* how exact they are */
#define OBEYED_S      1e-3           /* but to this the clock does as it is told */
#define OPEN_S        1e9            /* nothing bounds the error */

static visor_wall held_utc(const struct visor_engine *e)
{
    return e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real;
}

static bool in_range(double value, double limit)
{
    return value > -limit && value < limit; /* not so: NaN */
}

static double held_rate(const struct visor_engine *e)
{
    return e->known ? e->line.rate : e->steer.base_ppb * 1e-9;
}

/* The clock by hand. What synchronises us, if anything does, keeps its merits. */
static void hold(struct visor_engine *e, visor_wall utc, double rate, double deviation)
{
    struct visor_line before = e->line;

    if (!e->known) {
        e->low = -OPEN_S;
        e->high = OPEN_S;
        e->renew_at = (visor_mono){INT64_MAX};
    }
    e->line = (struct visor_line){
        .at = e->now.raw,
        .offset_ns = visor_ns_diff(utc.ns, e->now.raw.ns),
        .rate = rate,
        .p00 = OBEYED_S * OBEYED_S,
        .p11 = deviation * deviation,
    };
    if (e->known) { /* what the sources allowed stays where it was */
        double moved = visor_line_diff(&e->line, &before, e->now.raw);
        double grown = visor_follow_grown(e, e->now.raw);

        e->low -= grown + moved;
        e->high += grown - moved;
    }
    e->sure_at = e->now.raw;
    e->known = true;
    visor_publish_moved(e);
}

/* Least squares through two or more; fills the residuals. Returns the slope. */
static double regress(struct visor_manual *manual, double *at_newest, double *span)
{
    const struct visor_manual_entry *newest = &manual->entries[manual->count - 1];
    double x[VISOR_MANUAL_MAX] = {0}, y[VISOR_MANUAL_MAX], n = (double)manual->count, slope;
    double mean_x = 0.0, mean_y = 0.0, xx = 0.0, xy = 0.0;

    for (size_t i = 0; i < manual->count; i++) {
        x[i] = visor_seconds_from_ns(visor_mono_diff(manual->entries[i].at, newest->at));
        y[i] =
            visor_seconds_from_ns(visor_ns_diff(manual->entries[i].offset_ns, newest->offset_ns));
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (size_t i = 0; i < manual->count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    slope = xy / xx; /* they are a second apart or more */
    for (size_t i = 0; i < manual->count; i++)
        manual->entries[i].residual = y[i] - mean_y - slope * (x[i] - mean_x);
    *at_newest = mean_y - slope * mean_x;
    *span = -x[0];
    return slope;
}

/* Times that tell a rate no clock has contradict one another: then the newest alone counts. */
static bool learn_rate(struct visor_manual *manual, double *rate, double *deviation,
                       double *at_newest)
{
    double span, slope, at;

    manual->entries[0].residual = 0.0;
    if (manual->count < 2)
        return false;
    slope = regress(manual, &at, &span);
    if (!in_range(slope, RATE_LIMIT))
        return false;
    *rate = slope;
    *at_newest = at;
    if (TYPED_S / span < *deviation)
        *deviation = TYPED_S / span;
    return true;
}

/* Set the clock by the entries: the rate by all of them, the time by the newest as it was typed, or
 * by the line where nothing was typed now. Returns the change of the rate. */
static double set_clock(struct visor_engine *e, bool typed)
{
    struct visor_manual *manual = &e->manual;
    const struct visor_manual_entry *newest = &manual->entries[manual->count - 1];
    double before = held_rate(e), rate = before, deviation = e->rate_deviation, offset = 0.0;
    visor_wall held = held_utc(e), utc;
    double since = visor_seconds_from_ns(visor_mono_diff(e->now.raw, newest->at));
    struct visor_message *message;
    bool found = learn_rate(manual, &rate, &deviation, &offset);

    utc = visor_wall_add((visor_wall){newest->at.ns}, newest->offset_ns);
    utc = visor_wall_add(utc, visor_mono_diff(e->now.raw, newest->at));
    utc = visor_wall_add(utc, visor_ns_from_seconds(rate * since + (typed ? 0.0 : offset)));
    message = visor_engine_log(e, VISOR_MESSAGE_MANUAL, VISOR_SEVERITY_INFO);
    message->number[0] = visor_seconds_from_ns(visor_wall_diff(utc, held));
    message->number[1] = (rate - before) * 1e6;
    message->count[0] = found;
    hold(e, utc, rate, deviation);
    visor_discipline_correct(e);
    visor_publish_view(e);
    return rate - before;
}

static void drop(struct visor_manual *manual, size_t index)
{
    for (size_t i = index; i + 1 < manual->count; i++)
        manual->entries[i] = manual->entries[i + 1];
    manual->count--;
}

static enum visor_answer set_time(struct visor_engine *e, double utc_s, double number[3])
{
    struct visor_manual *manual = &e->manual;
    struct visor_manual_entry *entry;
    double offset, size;
    int64_t typed;

    if (!manual->enabled)
        return VISOR_ANSWER_NOT_ENABLED;
    size = utc_s < 0.0 ? -utc_s : utc_s;
    if (!(size < OFFSET_LIMIT) ||
        (manual->count > 0 &&
         visor_mono_diff(e->now.raw, manual->entries[manual->count - 1].at) < SEPARATION_NS))
        return VISOR_ANSWER_BAD_SAMPLE;
    typed = visor_ns_from_seconds(utc_s);
    offset = visor_seconds_from_ns(visor_ns_diff(typed, held_utc(e).ns));
    if (manual->count == VISOR_MANUAL_MAX)
        drop(manual, 0);
    entry = &manual->entries[manual->count++];
    *entry = (struct visor_manual_entry){
        .at = e->now.raw, .offset_ns = visor_ns_diff(typed, e->now.raw.ns), .original = offset};
    number[0] = offset;
    number[1] = set_clock(e, true) * 1e6;
    number[2] = e->line.rate * 1e6;
    return VISOR_ANSWER_OK;
}

static enum visor_answer delete_entry(struct visor_engine *e, double index)
{
    if (!(index >= 0.0) || index >= (double)e->manual.count)
        return VISOR_ANSWER_BAD_SAMPLE;
    drop(&e->manual, (size_t)index);
    if (e->manual.count > 0)
        set_clock(e, false);
    return VISOR_ANSWER_OK;
}

static enum visor_answer shift(struct visor_engine *e, double offset, double rate)
{
    bool by_rate = rate != 0.0;
    struct visor_message *message;
    double deviation = e->known ? visor_math_sqrt(e->line.p11) : e->rate_deviation;

    if (!in_range(offset, OFFSET_LIMIT) || !in_range(held_rate(e) + rate, RATE_LIMIT))
        return VISOR_ANSWER_INVALID;
    message = visor_engine_log(e, by_rate ? VISOR_MESSAGE_DFREQ : VISOR_MESSAGE_DOFFSET,
                               VISOR_SEVERITY_INFO);
    message->number[0] = by_rate ? rate * 1e6 : offset;
    hold(e, visor_wall_add(held_utc(e), visor_ns_from_seconds(offset)), held_rate(e) + rate,
         deviation);
    visor_discipline_slew(e);
    visor_publish_view(e);
    return VISOR_ANSWER_OK;
}

enum visor_answer visor_manual_command(struct visor_engine *e,
                                       const struct visor_event_command *command, double number[3])
{
    double value = command->number[0];

    switch (command->kind) {
    case VISOR_COMMAND_SETTIME:
        return set_time(e, value, number);
    case VISOR_COMMAND_MANUAL_DELETE:
        return delete_entry(e, value);
    case VISOR_COMMAND_DFREQ:
        return shift(e, 0.0, value * 1e-6);
    case VISOR_COMMAND_DOFFSET:
        return shift(e, value, 0.0);
    default:
        if (value == 2.0)
            e->manual.count = 0;
        else
            e->manual.enabled = value != 0.0;
        return VISOR_ANSWER_OK;
    }
}

void visor_manual_status(const struct visor_engine *e, struct visor_manual_status *status)
{
    *status = (struct visor_manual_status){.enabled = e->manual.enabled, .count = e->manual.count};
    for (size_t i = 0; i < e->manual.count; i++) {
        const struct visor_manual_entry *entry = &e->manual.entries[i];
        visor_wall told = {visor_ns_add(entry->at.ns, entry->offset_ns)};
        visor_wall now = e->known ? visor_line_utc(&e->line, entry->at) : told;

        status->samples[i] = (struct visor_manual_sample){
            .when = now,
            .slewed_offset = visor_seconds_from_ns(visor_wall_diff(told, now)),
            .original_offset = entry->original,
            .residual = entry->residual};
    }
}
