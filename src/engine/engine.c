/* The engine's dispatcher and its queue of actions. What an event means is decided in sources.c,
 * discipline.c and command.c. */
#include "engine/core.h"

#include "base/math.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_SOURCES   16   /* room for sources that are added by command */
#define PATIENCE        32.0 /* parts of a poll interval */
#define PATIENCE_MOST_S 0.5
#define GENTLE_PPB      1000.0 /* a slew that is a nanosecond off if it ends a millisecond late */

static int count_sources(const struct visor_config *config)
{
    int n = SPARE_SOURCES + (int)config->refclock_count;

    for (size_t i = 0; i < config->source_count; i++)
        n += config->sources[i].kind == VISOR_SOURCE_POOL ? config->sources[i].max_sources : 1;
    return n < VISOR_SOURCES_MAX ? n : VISOR_SOURCES_MAX;
}

static bool allocate(struct visor_engine *e)
{
    size_t n = (size_t)e->source_limit;

    e->sources = calloc(n, sizeof(*e->sources));
    e->candidates = calloc(n, sizeof(*e->candidates));
    e->candidate_source = calloc(n, sizeof(*e->candidate_source));
    e->edges = calloc(2 * n, sizeof(*e->edges));
    e->origins = calloc((size_t)e->origin_limit, sizeof(*e->origins));
    e->queue = calloc(VISOR_QUEUE, sizeof(*e->queue));
    return e->sources && e->candidates && e->candidate_source && e->edges && e->origins && e->queue;
}

struct visor_engine *visor_engine_new(const struct visor_config *config, const uint64_t seed[4])
{
    struct visor_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->config = config;
    e->disrupted_at.ns = INT64_MIN;
    visor_emergency_init(&e->emergency);
    memcpy(e->rng.state, seed, sizeof(e->rng.state));
    if ((seed[0] | seed[1] | seed[2] | seed[3]) == 0)
        visor_rng_init(&e->rng, 1);
    e->source_limit = count_sources(config);
    e->origin_limit = (int)config->source_count + SPARE_SOURCES;
    e->resolve_at.ns = INT64_MAX;
    if (!allocate(e)) {
        visor_engine_free(e);
        return NULL;
    }
    return e;
}

void visor_engine_free(struct visor_engine *e)
{
    if (!e)
        return;
    if (e->sources)
        visor_sources_done(e);
    visor_standard_done(e);
    free(e->sources);
    free(e->candidates);
    free(e->candidate_source);
    free(e->edges);
    free(e->origins);
    free(e->queue);
    free(e);
}

struct visor_action *visor_engine_push(struct visor_engine *e, enum visor_action_kind kind)
{
    struct visor_action *action;

    if (e->queue_count == 0)
        e->queue_first = 0; /* stay in the same few pages */
    if (e->queue_count == VISOR_QUEUE) {
        e->lost_actions++;
        e->queue_count--;
    }
    action = &e->queue[(e->queue_first + e->queue_count++) % VISOR_QUEUE];
    action->kind = kind;
    return action;
}

struct visor_message *visor_engine_log(struct visor_engine *e, enum visor_message_kind kind,
                                       enum visor_severity severity)
{
    struct visor_action *action = visor_engine_push(e, VISOR_ACTION_LOG);

    memset(&action->message, 0, sizeof(action->message));
    action->message.kind = kind;
    action->message.severity = severity;
    return &action->message;
}

struct visor_record *visor_engine_record(struct visor_engine *e, enum visor_record_kind kind)
{
    struct visor_action *action = visor_engine_push(e, VISOR_ACTION_RECORD);

    memset(&action->record, 0, sizeof(action->record));
    action->record.kind = kind;
    action->record.at = e->known ? visor_line_utc(&e->line, e->now.raw) : e->now.real;
    return &action->record;
}

static void start(struct visor_engine *e, const struct visor_event_start *event)
{
    if (e->started)
        return;
    visor_discipline_start(e, event);
    visor_chronyd_start(e);
    visor_standard_init(e);
    visor_sources_start(e);
    e->started = true;
}

static void dispatch(struct visor_engine *e, const struct visor_event *event)
{
    switch (event->kind) {
    case VISOR_EVENT_START:
        start(e, &event->start);
        break;
    case VISOR_EVENT_PACKET:
        visor_sources_packet(e, &event->packet);
        break;
    case VISOR_EVENT_SENT:
        visor_sources_sent(e, &event->sent);
        break;
    case VISOR_EVENT_REFCLOCK:
        visor_sources_refclock(e, &event->refclock);
        break;
    case VISOR_EVENT_RESOLVED:
        visor_names_resolved(e, &event->resolved);
        break;
    case VISOR_EVENT_APPLIED:
        visor_discipline_applied(e, &event->applied);
        break;
    case VISOR_EVENT_CONFIG:
        visor_sources_configure(e, event->config);
        break;
    case VISOR_EVENT_COMMAND:
        visor_command_handle(e, &event->command);
        break;
    case VISOR_EVENT_RESTORE:
        visor_sources_restore(e, &event->restore);
        break;
    case VISOR_EVENT_RATE:
        visor_sources_turn(e, &event->rate);
        break;
    case VISOR_EVENT_STOP:
        visor_discipline_stop(e);
        break;
    case VISOR_EVENT_WITNESS:
        visor_disruption_witness(e, &event->witness);
        break;
    case VISOR_EVENT_CHRONYD:
        visor_chronyd_answered(e, &event->chronyd);
        break;
    case VISOR_EVENT_TIMER:
        break;
    }
}

/* The event as the engine sees it: on its own counter. */
static void handle(struct visor_engine *e, const struct visor_event *event,
                   const struct visor_event *outside)
{
    visor_mono last = e->now.raw;
    bool done, watched;

    e->now = event->now;
    e->rare = event->kind != VISOR_EVENT_PACKET && event->kind != VISOR_EVENT_TIMER &&
              event->kind != VISOR_EVENT_SENT && event->kind != VISOR_EVENT_APPLIED;
    if (e->started && e->now.raw.ns < last.ns)
        e->now.raw = last;
    watched = e->started && event->kind != VISOR_EVENT_APPLIED;
    if (watched && event->kind != VISOR_EVENT_WITNESS)
        visor_discipline_watch(e);
    done = visor_standard_handle(e, outside);
    if (!done)
        dispatch(e, event);
    if (watched && event->kind == VISOR_EVENT_WITNESS) /* it may tell why the clock was stepped */
        visor_discipline_watch(e);
    /* that a request has left makes nothing due */
    if (e->started && !e->stopping && event->kind != VISOR_EVENT_SENT) {
        visor_sources_timer(e);
        visor_disruption_timer(e);
        visor_evidence_timer(e);
        visor_chronyd_timer(e);
        visor_discipline_timer(e);
        visor_rescue_timer(e);
    }
}

void visor_engine_handle(struct visor_engine *e, const struct visor_event *event)
{
    struct visor_event ours;

    if (!e->counter.in_use) {
        handle(e, event, event);
        return;
    }
    ours = *event;
    visor_counter_read_event(&e->counter, &ours);
    handle(e, &ours, event);
}

/* Bytes of an action that mean anything: a packet is mostly room, and the others are small. */
static size_t size_of(const struct visor_action *action)
{
    _Static_assert(sizeof(struct visor_action_resolve) >= sizeof(struct visor_record) &&
                       sizeof(struct visor_action_resolve) >= sizeof(struct visor_message) &&
                       sizeof(struct visor_action_resolve) >= sizeof(struct visor_view),
                   "RESOLVE is the largest but for SEND");
    return action->kind == VISOR_ACTION_SEND
               ? offsetof(struct visor_action, send.data) + action->send.size
               : offsetof(struct visor_action, resolve) + sizeof(action->resolve);
}

bool visor_engine_next(struct visor_engine *e, struct visor_action *action)
{
    if (e->queue_count == 0)
        return false;
    memcpy(action, &e->queue[e->queue_first], size_of(&e->queue[e->queue_first]));
    visor_counter_write_action(&e->counter, action);
    e->queue_first = (e->queue_first + 1) % VISOR_QUEUE;
    e->queue_count--;
    return true;
}

visor_mono visor_engine_deadline(const struct visor_engine *e)
{
    visor_mono sources, clock, settling, chronyd;

    if (!e->started || e->stopping)
        return (visor_mono){INT64_MAX};
    sources = visor_sources_deadline(e);
    clock = visor_discipline_deadline(e);
    settling = visor_disruption_deadline(e);
    chronyd = visor_assist_deadline(&e->assist);
    if (visor_mono_before(settling, clock))
        clock = settling;
    settling = visor_evidence_deadline(e);
    if (visor_mono_before(settling, clock))
        clock = settling;
    if (visor_mono_before(chronyd, clock))
        clock = chronyd;
    settling = visor_rescue_deadline(e);
    if (visor_mono_before(settling, clock))
        clock = settling;
    sources =
        visor_counter_to_raw(&e->counter, visor_mono_before(sources, clock) ? sources : clock);
    clock = visor_standard_deadline(e);
    return visor_mono_before(sources, clock) ? sources : clock;
}

bool visor_engine_hurries(const struct visor_engine *e)
{
    return e->started && e->settable && e->steer.slewing &&
           visor_math_size(e->steer.wanted_ppb - e->steer.base_ppb) > GENTLE_PPB;
}

int64_t visor_engine_patience(const struct visor_engine *e)
{
    double patience = e->update_interval_s / PATIENCE;

    if (!e->started || e->stopping || e->trust != VISOR_TRUST_SYNCHRONIZED || e->step_pending)
        return 0;
    return visor_ns_from_seconds(patience < PATIENCE_MOST_S ? patience : PATIENCE_MOST_S);
}
