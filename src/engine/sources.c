/* The table of sources at work: polls, packets and samples. A sample goes through its source's
 * filter here; their addresses are names.c's, what all filters together say is discipline.c's. */
#include "engine/core.h"

#include "base/math.h"
#include "config/sourcelist.h"
#include "engine/journal.h"

#include <string.h>

#define VERIFY_EVERY_NS (16 * VISOR_NS_PER_S)
#define OVERLOOKED      30.0 /* deviations: more than any filter takes for noise */

/* ---- lookup ---- */

static struct visor_source *each(struct visor_engine *e, int *at)
{
    for (; *at < e->source_count; (*at)++)
        if (e->sources[*at].id != 0)
            return &e->sources[(*at)++];
    return NULL;
}

struct visor_source *visor_sources_find(struct visor_engine *e, uint32_t id)
{
    struct visor_source *source;

    for (int at = 0; (source = each(e, &at));)
        if (source->id == id)
            return source;
    return NULL;
}

static struct visor_source *find_refclock(struct visor_engine *e, uint32_t index)
{
    struct visor_source *source;

    for (int at = 0; (source = each(e, &at));)
        if (source->refclock && source->origin == index)
            return source;
    return NULL;
}

static struct visor_source *take_place(struct visor_engine *e)
{
    int place = 0;

    while (place < e->source_count && e->sources[place].id != 0)
        place++;
    if (place == e->source_limit)
        return NULL;
    if (place == e->source_count)
        e->source_count++;
    visor_source_init(&e->sources[place], ++e->last_id, e->config);
    return &e->sources[place];
}

static void tell(struct visor_engine *e, const struct visor_source *source,
                 enum visor_message_kind kind, enum visor_severity severity, int64_t count)
{
    struct visor_message *message = visor_engine_log(e, kind, severity);

    visor_source_describe(source, e->origins, message);
    message->count[0] = count;
}

/* ---- what the engine expects of a source ---- */

/* Before anything was measured the rate is the drift file's, and this machine may have been moved
 * since that was written. */
void visor_sources_expect(const struct visor_engine *e, struct visor_source *source)
{
    visor_filter_expect(&source->filter, e->rate, e->rate_deviation);
    source->filter.hearsay = !e->known;
}

struct visor_prediction visor_sources_predict(const struct visor_engine *e,
                                              const struct visor_source *source)
{
    const struct visor_filter *filter = &source->filter;
    struct visor_prediction prediction = {.at = e->now.raw, .rate_ppb = e->rate * 1e9};

    if (filter->count >= 3 && visor_math_size(filter->line.rate) <= VISOR_RATE_MOST) {
        prediction.known = true;
        prediction.utc = visor_line_utc(&filter->line, e->now.raw);
        prediction.rate_ppb = filter->line.rate * 1e9;
        prediction.deviation_s = visor_filter_deviation(filter);
        prediction.min_delay_s = filter->min_delay_s;
    }
    return prediction;
}

static struct visor_association_context context_of(const struct visor_engine *e,
                                                   const struct visor_source *source)
{
    return (struct visor_association_context){
        .now = e->now,
        .prediction = visor_sources_predict(e, source),
        .view = &e->view,
        .over_ptp =
            e->config->ptp_port > 0 && source->association.config.port == e->config->ptp_port,
        .serving = e->config->port != 0 && e->config->access_count > 0,
        .precision = e->precision,
        .max_clock_error_ppm = e->config->max_clock_error,
        .pressed = source->id == e->leader ? visor_source_patience(source) : 0,
    };
}

/* ---- origins ---- */

static struct visor_origin *new_origin(struct visor_engine *e,
                                       const struct visor_source_config *config, bool named)
{
    struct visor_origin *origin = e->origins;

    while (origin < e->origins + e->origin_count && origin->used)
        origin++;
    if (origin == e->origins + e->origin_limit)
        return NULL;
    if (origin == e->origins + e->origin_count)
        e->origin_count++;
    *origin = (struct visor_origin){.config = *config,
                                    .used = true,
                                    .named = named,
                                    .query = ++e->last_query,
                                    .resolve_at = {INT64_MAX},
                                    .replaced = {INT64_MIN}};
    return origin;
}

struct visor_source *visor_sources_extend(struct visor_engine *e, uint32_t origin)
{
    struct visor_source *source = take_place(e);

    if (!source)
        return NULL;
    source->origin = origin;
    source->options = e->origins[origin].config.select_options;
    return source;
}

enum visor_answer visor_sources_add(struct visor_engine *e,
                                    const struct visor_source_config *config, int index)
{
    struct visor_address address;
    bool literal = visor_address_parse(config->name, &address);
    int wanted = config->kind == VISOR_SOURCE_POOL && !literal ? config->max_sources : 1, made = 0;
    struct visor_origin *origin;

    address.port = config->port;
    if (literal && visor_names_find(e, &address))
        return VISOR_ANSWER_EXISTS;
    origin = new_origin(e, config, !literal);
    if (!origin)
        return VISOR_ANSWER_TOO_MANY;
    origin->index = index;
    origin->config.offline |= config->backup; /* until it is needed */
    for (; made < wanted; made++) {
        struct visor_source *source = visor_sources_extend(e, (uint32_t)(origin - e->origins));

        if (!source)
            break;
        if (literal)
            visor_names_give(e, source, &address);
        if (made == 0 && e->started)
            tell(e, source, VISOR_MESSAGE_SOURCE_ADDED, VISOR_SEVERITY_INFO, (int)config->kind);
    }
    if (made == 0) {
        origin->used = false;
        return VISOR_ANSWER_TOO_MANY;
    }
    if (!literal)
        origin->resolve_at = e->now.raw;
    visor_names_plan(e);
    visor_authmode_apply(e);
    return VISOR_ANSWER_OK;
}

void visor_sources_remove(struct visor_engine *e, struct visor_source *source)
{
    struct visor_source *other;
    uint32_t origin = source->origin;

    if (source->refclock) {
        visor_refclock_free(source->clock);
        source->id = 0;
        return;
    }
    if (source->resolved)
        visor_engine_push(e, VISOR_ACTION_CLOSE)->source = source->id;
    if (e->leader == source->id)
        e->leader = 0;
    source->id = 0;
    for (int at = 0; (other = each(e, &at));)
        if (!other->refclock && other->origin == origin)
            return;
    e->origins[origin].used = false;
    visor_names_plan(e);
}

void visor_sources_delete(struct visor_engine *e, struct visor_source *source)
{
    tell(e, source, VISOR_MESSAGE_SOURCE_REMOVED, VISOR_SEVERITY_INFO, VISOR_SOURCE_SERVER);
    visor_sources_remove(e, source);
    visor_follow_update(e);
}

/* ---- life ---- */

static void start_refclock(struct visor_engine *e, uint32_t index)
{
    const struct visor_refclock_config *config = &e->config->refclocks[index];
    struct visor_source *source = take_place(e);

    if (!source)
        return;
    source->refclock = true;
    source->origin = index;
    source->clock_config = config;
    source->options = config->select_options;
    if (e->standard && e->standard_index == index) { /* it is no source, but shown as one */
        source->options = VISOR_SELECT_NOSELECT;
        return;
    }
    source->clock = visor_refclock_new(config, index, e->precision_s);
    visor_filter_init(&source->filter, false,
                      config->max_samples > 0 ? config->max_samples : VISOR_FILTER_SAMPLES);
    visor_sources_expect(e, source);
    if (!source->clock)
        source->id = 0;
}

/* One that cannot be had is told: it stands in a file that somebody wrote. */
static void add_configured(struct visor_engine *e, size_t i)
{
    const struct visor_source_config *config = &e->config->sources[i];
    enum visor_answer answer = visor_sources_add(e, config, (int)i);
    struct visor_message *message;

    if (answer == VISOR_ANSWER_OK)
        return;
    message = visor_engine_log(e, VISOR_MESSAGE_SOURCE_REFUSED, VISOR_SEVERITY_WARNING);
    memcpy(message->name, config->name, sizeof(message->name) - 1);
    message->count[0] = (int64_t)answer;
}

void visor_sources_start(struct visor_engine *e)
{
    for (uint32_t i = 0; i < e->config->refclock_count; i++)
        start_refclock(e, i);
    for (size_t i = 0; i < e->config->source_count; i++)
        add_configured(e, i);
}

void visor_sources_done(struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && e->sources[i].refclock)
            visor_refclock_free(e->sources[i].clock);
}

/* No other source is of the same origin. */
static bool is_last(struct visor_engine *e, const struct visor_source *source)
{
    struct visor_source *other;

    for (int at = 0; (other = each(e, &at));)
        if (other != source && !other->refclock && other->origin == source->origin)
            return false;
    return true;
}

/* A new configuration: sources that it no longer names go, new ones come, the rest stay as they
 * are, with all they have learnt. Reference clocks keep what they were started with. */
void visor_sources_configure(struct visor_engine *e, const struct visor_config *config)
{
    int place[VISOR_CONFIG_SOURCES_MAX];
    bool taken[VISOR_CONFIG_SOURCES_MAX];
    struct visor_source *source;

    visor_sourcelist_match(e->config->sources, e->config->source_count, config->sources,
                           config->source_count, place, taken);
    for (int at = 0; (source = each(e, &at));) {
        const struct visor_origin *origin = &e->origins[source->origin];

        if (source->refclock || origin->index < 0 || place[origin->index] >= 0)
            continue;
        if (origin->config.kind != VISOR_SOURCE_POOL || is_last(e, source))
            tell(e, source, VISOR_MESSAGE_SOURCE_REMOVED, VISOR_SEVERITY_INFO,
                 (int)origin->config.kind);
        visor_sources_remove(e, source);
    }
    for (int i = 0; i < e->origin_count; i++)
        if (e->origins[i].used && e->origins[i].index >= 0)
            e->origins[i].index = place[e->origins[i].index];
    e->config = config;
    for (size_t i = 0; i < config->source_count; i++)
        if (!taken[i])
            add_configured(e, i);
    for (int at = 0; (source = each(e, &at));)
        if (source->refclock && source->origin < config->refclock_count)
            source->clock_config = &config->refclocks[source->origin];
    visor_follow_update(e);
}

void visor_sources_verify(struct visor_engine *e, const struct visor_source *except)
{
    struct visor_source *source;

    for (int at = 0; (source = each(e, &at));) {
        if (source == except || source->refclock || !source->resolved ||
            !source->association.online || source->association.burst.total > 0)
            continue;
        if (source->last_at.ns != INT64_MIN &&
            visor_mono_diff(e->now.raw, source->last_at) > VERIFY_EVERY_NS)
            visor_association_start_burst(&source->association, 1, 2, e->now.raw);
    }
}

/* ---- samples ---- */

static void adapt_poll(struct visor_engine *e, struct visor_source *source)
{
    struct visor_association *a = &source->association;
    double shortest = visor_math_exp2i(a->minpoll), longest = visor_math_exp2i(a->maxpoll);
    double wanted = source->wanted_interval_s;

    if (source->refclock || source->filter.count < 3)
        return;
    wanted =
        visor_source_adapt(source, wanted > shortest ? wanted : shortest, a->config.poll_target);
    wanted = wanted < shortest ? shortest : wanted > longest ? longest : wanted;
    source->wanted_interval_s = wanted;
    visor_association_set_interval(a, wanted, e->now.raw);
    visor_phase_spread(e, source);
}

/* The source says that it, or our counter, has jumped: ask it again at once, and the others. */
static void look_closer(struct visor_engine *e, struct visor_source *source)
{
    if (!source->refclock && source->association.burst.total == 0)
        visor_association_start_burst(&source->association, VISOR_FILTER_SUSPECTS,
                                      2 * VISOR_FILTER_SUSPECTS, e->now.raw);
    visor_sources_verify(e, source);
}

/* A jump that the leader, heard since, could not have overlooked was the source's own: the counter
 * has kept its rate, and there is nothing to try. */
static bool is_its_own(struct visor_engine *e, const struct visor_source *source)
{
    const struct visor_source *leader = visor_sources_find(e, e->leader);

    return leader && leader != source && leader->fault == VISOR_FAULT_NONE &&
           leader->filter.suspect_count == 0 && leader->doubt_s == 0.0 &&
           visor_math_size(source->doubt_off_s) >
               OVERLOOKED * visor_filter_deviation(&leader->filter) &&
           visor_mono_before(leader->jumped_at, source->doubt_since) &&
           visor_mono_before(source->doubt_since, leader->last_at) &&
           visor_doubt_refuted(source, leader);
}

static void use_sample(struct visor_engine *e, struct visor_source *source,
                       const struct visor_sample *sample)
{
    struct visor_line before = source->filter.line;
    int samples = source->filter.count;
    enum visor_filter_verdict verdict;
    double jump;
    bool doubted;

    doubted = visor_doubt_hear(e, source, sample);
    verdict = visor_filter_take(&source->filter, sample,
                                visor_source_measured_drift(source, sample->at), &jump);
    if (verdict == VISOR_FILTER_JUMPED || verdict == VISOR_FILTER_RESTARTED) {
        source->jumped_at = e->now.raw;
        source->jump_s = jump;
        visor_evidence_source(e, source, jump, verdict == VISOR_FILTER_RESTARTED);
    }
    if (source->filter.on_trial && is_its_own(e, source))
        source->filter.on_trial = false;
    if (verdict != VISOR_FILTER_SUSPECT)
        source->missed_s = 0.0;
    switch (verdict) {
    case VISOR_FILTER_SUSPECT:
        doubted |= visor_doubt_suspect(e, source, jump);
        look_closer(e, source);
        break;
    case VISOR_FILTER_JUMPED:
        tell(e, source, VISOR_MESSAGE_JUMP_BELIEVED, VISOR_SEVERITY_WARNING, 0);
        e->queue[(e->queue_first + e->queue_count - 1) % VISOR_QUEUE].message.number[0] = jump;
        source->fresh = true;
        source->proof = VISOR_SOURCE_PROOF;
        visor_doubt_jumped(e, source);
        source->wanted_interval_s = 0.0; /* what jumps once may jump again */
        adapt_poll(e, source);
        break;
    case VISOR_FILTER_RESTARTED: /* the counter's rate may have changed: for all of them */
        source->restarted_at = e->restarted_at = e->now.raw;
        doubted |= visor_doubt_suspect(e, source, jump);
        visor_sources_verify(e, source);
        __attribute__((fallthrough));
    case VISOR_FILTER_TAKEN:
        if (verdict == VISOR_FILTER_TAKEN && source->doubt_s == 0.0) {
            source->fitted_at = sample->at;
            visor_source_vouch(source, e->config);
        }
        source->fresh = true;
        source->proof++;
        adapt_poll(e, source);
        break;
    }
    visor_journal_statistics(e, source, &before, samples);
    visor_follow_update(e);
    source->bad = visor_select_is_bad(source->candidate.state) ? source->bad + 1 : 0;
    if (doubted) {
        visor_publish_view(e);
        visor_discipline_status(e, true);
    }
    visor_journal_selection(e);
}

static void take_sample(struct visor_engine *e, struct visor_source *source,
                        struct visor_sample *sample)
{
    sample->reference = visor_wall_add(sample->reference, visor_leap_shift_ns(e, sample->at));
    source->stratum = sample->stratum;
    source->leap = sample->leap;
    source->last_at = sample->at;
    source->last_delay_s = sample->delay_s;
    source->last_dispersion_s = sample->dispersion_s;
    source->last_offset_s = visor_seconds_from_ns(visor_ns_diff(visor_sample_offset_ns(sample),
                                                                visor_reading_offset_ns(&e->now))) +
                            visor_seconds_from_ns(visor_mono_diff(e->now.raw, sample->at)) *
                                (e->steer.frequency_ppb * 1e-9);
    source->total_good++;
    if (e->known && (visor_leap_is_close(e, sample->reference) ||
                     visor_leap_is_close(e, visor_line_utc(&e->line, e->now.raw))))
        return; /* one of us may not have made it yet */
    if (visor_disruption_spans(e, sample))
        return;
    visor_source_shift(source, sample->shift_s);
    if (visor_source_thin(source, sample))
        use_sample(e, source, sample);
}

static void do_without(struct visor_engine *e, struct visor_source *source, uint32_t polls)
{
    struct visor_sample sample; /* of an earlier poll: this one brought none */

    if (visor_source_thin_end(source, polls, &sample))
        use_sample(e, source, &sample);
}

/* A single reading of a device, long before its poll ends, or an exchange too slow to be a sample,
 * may show that the counter has jumped. */
static void doubt_reading(struct visor_engine *e, struct visor_source *source,
                          const struct visor_sample *reading)
{
    if (visor_disruption_spans(e, reading) || !visor_doubt_hear(e, source, reading))
        return;
    if (source->doubt_s > 0.0 && source->refclock)
        visor_refclock_hurry(source->clock);
    visor_publish_view(e);
    visor_discipline_status(e, true);
}

static void record_measurement(struct visor_engine *e, const struct visor_source *source)
{
    const struct visor_association_reply *last = &source->association.last;
    bool raw = !last->valid || !last->synced;
    struct visor_record *record;

    if (!(e->config->logs & (VISOR_LOG_MEASUREMENTS | VISOR_LOG_RAWMEASUREMENTS)) ||
        (raw && !(e->config->logs & VISOR_LOG_RAWMEASUREMENTS)))
        return;
    record = visor_engine_record(e, VISOR_RECORD_MEASUREMENT);
    visor_association_record(&source->association, &record->measurement);
    record->measurement.raw = raw;
}

static void handle_kiss(struct visor_engine *e, const struct visor_source *source)
{
    tell(e, source, VISOR_MESSAGE_KOD, VISOR_SEVERITY_WARNING, source->association.last.kiss);
}

void visor_sources_packet(struct visor_engine *e, const struct visor_event_packet *packet)
{
    struct visor_source *source =
        packet->source ? visor_sources_find(e, packet->source) : visor_names_find(e, &packet->peer);
    struct visor_association_context context;
    enum visor_association_verdict verdict;
    struct visor_sample sample;

    if (!source || source->refclock || !source->resolved)
        return;
    source->stirred = true;
    context = context_of(e, source);
    verdict = visor_association_handle_packet(&source->association, packet, &context, &sample);
    if (visor_association_take_close(&source->association))
        visor_engine_push(e, VISOR_ACTION_CLOSE)->source = source->id;
    if (verdict == VISOR_VERDICT_NOT_FOR_US || verdict == VISOR_VERDICT_MALFORMED)
        return;
    record_measurement(e, source);
    if (verdict == VISOR_VERDICT_KISS)
        handle_kiss(e, source);
    if (verdict == VISOR_VERDICT_UNSYNCHRONIZED)
        source->leap = VISOR_LEAP_UNSYNCHRONIZED;
    if (source->association.reach != 0)
        source->idle_polls = 0;
    if (verdict == VISOR_VERDICT_TEST_B || verdict == VISOR_VERDICT_TEST_C)
        source->rejected++;
    else if (verdict == VISOR_VERDICT_SAMPLE)
        source->rejected = 0;
    if (verdict == VISOR_VERDICT_SAMPLE)
        take_sample(e, source, &sample);
    else if (visor_verdict_measured(verdict) && !source->association.last.interleaved)
        doubt_reading(e, source, &sample);
    else if (source->association.answered)
        do_without(e, source, source->association.polls);
}

void visor_sources_sent(struct visor_engine *e, const struct visor_event_sent *sent)
{
    struct visor_source *source = visor_sources_find(e, sent->source);

    if (!source || source->refclock || !source->resolved)
        return;
    source->stirred = true;
    visor_association_handle_sent(&source->association, sent, e->now.raw);
}

/* ---- reference clocks ---- */

/* Of pulses that our own estimate completed: with `local` alone it is no better than that, and once
 * they keep the estimate themselves it stays what it was. */
static uint8_t pulse_stratum(const struct visor_engine *e, const struct visor_source *source)
{
    if (e->trust == VISOR_TRUST_SYNCHRONIZED)
        return source->id == e->leader ? source->stratum : 0;
    return (uint8_t)(e->local.active && e->local.stratum > 0 ? e->local.stratum - 1 : 0);
}

static void poll_refclock(struct visor_engine *e, struct visor_source *source)
{
    struct visor_prediction prediction = visor_sources_predict(e, source);
    struct visor_refclock_polled polled = visor_refclock_poll(source->clock, &e->now, &prediction);

    source->reach = (uint8_t)(source->reach << 1 | (polled.reached ? 1 : 0));
    source->reach_size = (uint8_t)(source->reach_size < 8 ? source->reach_size + 1 : 8);
    source->idle_polls = source->reach ? 0 : source->idle_polls + 1;
    if (!polled.sampled) {
        visor_follow_update(e);
        return;
    }
    if (e->config->logs & VISOR_LOG_REFCLOCKS) {
        struct visor_record *record = visor_engine_record(e, VISOR_RECORD_REFCLOCK);

        record->refclock = polled.record;
        record->at = polled.at;
    }
    if (polled.pulses)
        polled.sample.stratum = pulse_stratum(e, source);
    take_sample(e, source, &polled.sample);
}

static void serve_refclock(struct visor_engine *e, struct visor_source *source)
{
    unsigned int due = visor_refclock_due(source->clock, e->now.raw);

    if (due & VISOR_REFCLOCK_POLL)
        poll_refclock(e, source);
    if (due & VISOR_REFCLOCK_MEASURE)
        visor_engine_push(e, VISOR_ACTION_MEASURE)->refclock = source->origin;
}

static const struct visor_refclock *lock_of(struct visor_engine *e,
                                            const struct visor_refclock_config *config)
{
    struct visor_source *source;

    if (config->lock_refid[0] == '\0')
        return NULL;
    for (int at = 0; (source = each(e, &at));) {
        char text[5];

        if (!source->refclock)
            continue;
        visor_refclock_refid_text(source->clock_config, source->origin, text);
        if (strcmp(text, config->lock_refid) == 0)
            return source->clock;
    }
    return NULL;
}

void visor_sources_refclock(struct visor_engine *e, const struct visor_event_refclock *event)
{
    struct visor_source *source = find_refclock(e, event->refclock);
    struct visor_refclock_context context;
    struct visor_refclock_taken taken;

    if (!source)
        return;
    context = (struct visor_refclock_context){
        .now = e->now,
        .prediction = {.known = e->known, .at = e->now.raw, .rate_ppb = e->rate * 1e9},
        .reference = e->trust == VISOR_TRUST_SYNCHRONIZED || e->local.active,
        .leap = e->leap.announced,
        .lock = lock_of(e, source->clock_config),
        .leaps = e->config->leaps,
        .leap_count = e->config->leap_count,
    };
    context.prediction.utc = e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real;
    context.distance_s = e->root_delay_s / 2.0 + e->root_dispersion_s;
    taken = visor_refclock_take(source->clock, event, &context);
    if (taken.failed)
        tell(e, source, VISOR_MESSAGE_REFCLOCK_FAILED, VISOR_SEVERITY_WARNING, event->error);
    if (taken.back)
        tell(e, source, VISOR_MESSAGE_REFCLOCK_BACK, VISOR_SEVERITY_INFO, 0);
    if (taken.verdict == VISOR_REFCLOCK_LOST_LOCK)
        visor_filter_reset(&source->filter);
    if (taken.verdict == VISOR_REFCLOCK_TAKEN)
        doubt_reading(e, source, &taken.sample);
    if (taken.logged && e->config->logs & VISOR_LOG_REFCLOCKS) {
        struct visor_record *record = visor_engine_record(e, VISOR_RECORD_REFCLOCK);

        record->refclock = taken.record;
        record->at = taken.at;
    }
    serve_refclock(e, source);
}

/* ---- time ---- */

/* Who leads and is out of reach is lost, at once where that is no chance. With nobody selected,
 * each poll is an occasion to say so. */
static void count_idle(struct visor_engine *e, struct visor_source *source, bool polled)
{
    bool idle = source->association.reach == 0;

    if (idle)
        source->idle_polls = (int)source->association.unreached;
    if (idle && (source->idle_polls == 8 ||
                 (source->id == e->leader && source->fault == VISOR_FAULT_SILENT)))
        visor_follow_update(e);
    else if (polled && e->leader == 0)
        visor_follow_complain(e);
}

/* Requests to different sources are sent apart from one another. All that must wait are told at
 * once, so that nobody wakes up only to be put off. */
static void keep_apart(struct visor_engine *e)
{
    struct visor_source *other;
    int asked = 0;

    if (e->trust == VISOR_TRUST_DISRUPTED)
        return; /* now every moment counts */
    for (int at = 0; (other = each(e, &at));)
        asked += !other->refclock && other->resolved && other->association.online;
    for (int at = 0; (other = each(e, &at));)
        if (!other->refclock && other->resolved)
            visor_association_defer(&other->association, e->now.raw,
                                    visor_association_separation_ns(&other->association, asked));
}

static void serve_association(struct visor_engine *e, struct visor_source *source)
{
    struct visor_association *a = &source->association;
    struct visor_association_context context;
    struct visor_action *action;
    uint32_t polls = a->polls;
    bool send;

    if (visor_mono_before(e->now.raw, visor_association_deadline(a)))
        return;
    source->stirred = true;
    context = context_of(e, source);
    action = visor_engine_push(e, VISOR_ACTION_SEND);
    send = visor_association_handle_timer(a, &context, &action->send);
    if (!send)
        e->queue_count--;
    if (visor_association_take_close(a)) {
        struct visor_action *close;

        if (send) { /* CLOSE goes first */
            struct visor_action *last = visor_engine_push(e, VISOR_ACTION_SEND);

            *last = *action;
            close = action;
            close->kind = VISOR_ACTION_CLOSE;
        } else {
            close = visor_engine_push(e, VISOR_ACTION_CLOSE);
        }
        close->source = source->id;
    }
    if (send)
        keep_apart(e);
    if (a->polls != polls)
        do_without(e, source, polls); /* if the last one was in vain */
    count_idle(e, source, a->polls != polls);
}

/* Faults are noticed by time as well as by samples: silence has no event of its own but a request
 * that is given up. */
static void judge(struct visor_engine *e, struct visor_source *source)
{
    enum visor_source_fault fault = visor_source_judge(source, e->now.raw);

    if (fault != VISOR_FAULT_NONE)
        source->proof = 0;
    if (fault == source->fault || (fault == VISOR_FAULT_NONE && source->proof < VISOR_SOURCE_PROOF))
        return;
    if (source->fault == VISOR_FAULT_NONE && source->id == e->leader && source->filter.count > 0) {
        tell(e, source, VISOR_MESSAGE_SOURCE_LEFT, VISOR_SEVERITY_INFO, fault);
        source->announced = true;
    }
    if (fault == VISOR_FAULT_NONE && source->announced) {
        tell(e, source, VISOR_MESSAGE_SOURCE_BACK, VISOR_SEVERITY_INFO, 0);
        source->announced = false;
    }
    source->fault = fault;
    visor_follow_update(e);
}

void visor_sources_timer(struct visor_engine *e)
{
    struct visor_source *source;

    visor_names_timer(e);
    for (int at = 0; (source = each(e, &at));) {
        if (source->refclock)
            serve_refclock(e, source);
        else if (source->resolved)
            serve_association(e, source);
        else
            continue;
        if (e->rare || source->refclock || source->stirred)
            judge(e, source);
        source->stirred = false;
    }
}

static void earlier(visor_mono *deadline, visor_mono at)
{
    if (visor_mono_before(at, *deadline))
        *deadline = at;
}

visor_mono visor_sources_deadline(const struct visor_engine *e)
{
    visor_mono deadline = e->resolve_at;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        if (source->refclock)
            earlier(&deadline, visor_refclock_deadline(source->clock));
        else if (source->resolved)
            earlier(&deadline, visor_association_deadline(&source->association));
    }
    return deadline;
}
