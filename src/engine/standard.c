/* The local standard: a reference clock with the option `local`, which has no right time but a
 * steady oscillator. It is read on the raw counter, before the engine's own counter is made of it;
 * it is never selected. */
#include "engine/core.h"

#include "base/math.h"

#include <string.h>

static const struct visor_refclock_config *config_of(const struct visor_engine *e)
{
    return &e->config->refclocks[e->standard_index];
}

void visor_standard_init(struct visor_engine *e)
{
    const struct visor_config *config = e->config;

    visor_counter_init(&e->counter, false);
    for (size_t i = 0; i < config->refclock_count && !e->standard; i++) {
        if (!config->refclocks[i].local)
            continue;
        e->standard_index = (uint32_t)i;
        e->standard = visor_refclock_new(&config->refclocks[i], (uint32_t)i, e->precision_s);
        e->counter.in_use = e->standard != NULL;
    }
}

void visor_standard_done(struct visor_engine *e)
{
    visor_refclock_free(e->standard);
}

static struct visor_source *entry_of(struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && e->sources[i].refclock && !e->sources[i].clock)
            return &e->sources[i];
    return NULL;
}

static struct visor_message *tell(struct visor_engine *e, enum visor_message_kind kind,
                                  enum visor_severity severity)
{
    struct visor_message *message = visor_engine_log(e, kind, severity);

    visor_refclock_refid_text(config_of(e), e->standard_index, message->name);
    return message;
}

static void record(struct visor_engine *e, const struct visor_record_refclock *line, visor_wall at)
{
    struct visor_record *place;

    if (!(e->config->logs & VISOR_LOG_REFCLOCKS))
        return;
    place = visor_engine_record(e, VISOR_RECORD_REFCLOCK);
    place->refclock = *line;
    place->at = at;
}

static struct visor_prediction predict(const struct visor_engine *e, visor_mono now)
{
    struct visor_prediction prediction = {.at = now};

    if (e->counter.following)
        prediction.rate_ppb = e->counter.local_rate * 1e9;
    return prediction;
}

static void take(struct visor_engine *e, const struct visor_event *event)
{
    struct visor_refclock_context context = {.now = event->now,
                                             .prediction = predict(e, event->now.raw)};
    struct visor_refclock_taken taken =
        visor_refclock_take(e->standard, &event->refclock, &context);

    if (taken.failed)
        tell(e, VISOR_MESSAGE_REFCLOCK_FAILED, VISOR_SEVERITY_WARNING)->count[0] =
            event->refclock.error;
    if (taken.back)
        tell(e, VISOR_MESSAGE_REFCLOCK_BACK, VISOR_SEVERITY_INFO);
    if (taken.verdict == VISOR_REFCLOCK_LOST_LOCK)
        visor_counter_lose(&e->counter);
    if (taken.logged)
        record(e, &taken.record, taken.at);
}

/* The clock's frequency and readings are told per count: they change with the counter. */
static void rebase_clock(struct visor_engine *e, double ppb_before, double wanted_before,
                         const struct visor_reading *now)
{
    struct visor_reading reading = *now;

    visor_counter_read_reading(&e->counter, &reading);
    reading.raw = e->now.raw; /* it may have been held back */
    e->now = reading;
    if (!e->steer.started)
        return;
    e->steer.last = reading;
    e->steer.frequency_ppb = visor_counter_ppb_from_raw(&e->counter, ppb_before);
    e->steer.wanted_ppb = visor_counter_ppb_from_raw(&e->counter, wanted_before);
}

static void poll(struct visor_engine *e, const struct visor_reading *now)
{
    struct visor_prediction prediction = predict(e, now->raw);
    struct visor_refclock_polled polled = visor_refclock_poll(e->standard, now, &prediction);
    struct visor_source *entry = entry_of(e);
    double ppb = visor_counter_ppb_to_raw(&e->counter, e->steer.frequency_ppb);
    double wanted = visor_counter_ppb_to_raw(&e->counter, e->steer.wanted_ppb);

    if (entry)
        entry->reach = (uint8_t)(entry->reach << 1 | (polled.reached ? 1 : 0));
    if (!polled.sampled)
        return;
    record(e, &polled.record, polled.at);
    if (entry) {
        entry->last_at = visor_counter_from_raw(&e->counter, polled.sample.at);
        entry->last_offset_s = polled.record.offset;
        entry->last_delay_s = polled.sample.delay_s;
        entry->last_dispersion_s = polled.sample.dispersion_s;
    }
    if (!visor_counter_follow(&e->counter, &polled.sample, now->raw,
                              visor_math_exp2i(config_of(e)->poll)))
        return;
    rebase_clock(e, ppb, wanted, now);
    visor_publish_view(e);
    visor_discipline_slew(e);
}

bool visor_standard_handle(struct visor_engine *e, const struct visor_event *event)
{
    bool ours = e->standard && event->kind == VISOR_EVENT_REFCLOCK &&
                event->refclock.refclock == e->standard_index;
    unsigned due;

    if (!e->standard || !e->started || event->kind == VISOR_EVENT_APPLIED)
        return ours;
    if (ours)
        take(e, event);
    due = visor_refclock_due(e->standard, event->now.raw);
    if (due & VISOR_REFCLOCK_POLL)
        poll(e, &event->now);
    if (due & VISOR_REFCLOCK_MEASURE)
        visor_engine_push(e, VISOR_ACTION_MEASURE)->refclock = e->standard_index;
    return ours;
}

visor_mono visor_standard_deadline(const struct visor_engine *e)
{
    return e->standard ? visor_refclock_deadline(e->standard) : (visor_mono){INT64_MAX};
}
