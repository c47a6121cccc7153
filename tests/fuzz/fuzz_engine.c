/* The engine under bytes: each few of them are an event, or say how the world answers an action.
 * Replies may fit the last request; readings and clocks may jump; commands and configurations come
 * at any time. Whatever happens, the engine ends with finite numbers, sane views, few actions for
 * an event, and deadlines that lie ahead. */
#include "base/assert.h"
#include "config/parse.h"
#include "engine/engine.h"
#include "engine/status.h"
#include "wire/ntp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX  400
#define ACTIONS_MAX 2000 /* for one event */
#define ANSWERS     64   /* to clock actions of one event */
#define QUERIES     8
#define BEGIN_S     INT64_C(1700000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const CONFIGS[] = {
    "server 192.0.2.1 iburst minpoll 0 maxpoll 4\nserver 192.0.2.2 iburst xleave\n"
    "server 192.0.2.3 minpoll -2 maxpoll 10\nmakestep 1.0 -1\nallow\nrtcsync\n",
    "pool p.example iburst maxsources 3\npeer 192.0.2.4 xleave\nserver 2001:db8::1 prefer trust\n"
    "makestep 0.1 3\nlocal stratum 10 orphan\nallow\nratelimit interval 1\nmaxchange 100 1 3\n"
    "smoothtime 400 0.01\nmaxupdateskew 10\nmanual\n",
    "refclock PHC /dev/ptp0 poll 0 dpoll -2\nrefclock PPS /dev/pps0 lock NMEA\n"
    "refclock SHM 0 refid NMEA noselect offset 0.1\nserver 192.0.2.1 burst minsamples 4 maxsamples "
    "8\n"
    "minsources 1\nreselectdist 0\nfallbackdrift 4 6\ninitstepslew 1 192.0.2.1\nleapsecmode slew\n"
    "maxslewrate 1000\ncorrtimeratio 10\n",
};
enum { CONFIG_COUNT = sizeof(CONFIGS) / sizeof(CONFIGS[0]) };

struct fuzzed {
    struct visor_engine *engine;
    struct visor_config *configs[CONFIG_COUNT];
    struct visor_reading now;
    struct visor_action_send sent; /* the last request */
    struct visor_event answers[ANSWERS];
    size_t answer_count;
    uint32_t queries[QUERIES];
    size_t query_count;
    bool ended;
    const uint8_t *data;
    size_t size, at;
};

static uint8_t next(struct fuzzed *f)
{
    return f->at < f->size ? f->data[f->at++] : 0;
}

/* Of any size below 2^48 ns (three days). */
static int64_t span(struct fuzzed *f)
{
    int64_t ns = (int64_t)next(f) + 1;

    return ns << (next(f) % 40);
}

static int64_t any_span(struct fuzzed *f)
{
    int64_t ns = span(f);

    return next(f) & 1 ? -ns : ns;
}

static void take_view(const struct visor_view *view)
{
    VISOR_ASSERT(view->bound_ns >= 0 && isfinite(view->rate_ppb));
    VISOR_ASSERT(isfinite(view->growth_ppb) && view->growth_ppb >= 0.0);
    VISOR_ASSERT(view->stratum <= 16 && view->root_dispersion_ns >= 0);
    VISOR_ASSERT(visor_view_bound_ns(view, visor_mono_add(view->raw, VISOR_NS_PER_S)) >=
                 view->bound_ns);
}

/* The clock does as it is told, or refuses, or does half of it; the answer waits for its turn. */
static void apply(struct fuzzed *f, enum visor_clock_action what, double frequency, int64_t step)
{
    struct visor_event *event = &f->answers[f->answer_count++];
    uint8_t how = next(f);

    VISOR_ASSERT(f->answer_count < ANSWERS);
    if (how >= 254)
        step = how == 254 ? step / 2 : 0;
    f->now.real = visor_wall_add(f->now.real, step);
    *event = (struct visor_event){.kind = VISOR_EVENT_APPLIED,
                                  .applied = {.action = what,
                                              .error = how == 255,
                                              .frequency_ppb = frequency,
                                              .stepped_ns = step,
                                              .after = f->now}};
}

static void carry(struct fuzzed *f, const struct visor_action *action)
{
    switch (action->kind) {
    case VISOR_ACTION_SEND:
        VISOR_ASSERT(action->send.size >= VISOR_NTP_HEADER);
        f->sent = action->send;
        break;
    case VISOR_ACTION_FREQUENCY:
        VISOR_ASSERT(fabs(action->frequency.frequency_ppb) < 1e9);
        apply(f, VISOR_CLOCK_FREQUENCY, action->frequency.frequency_ppb, 0);
        break;
    case VISOR_ACTION_STEP:
        apply(f, VISOR_CLOCK_STEP, 0.0, action->step.offset_ns);
        break;
    case VISOR_ACTION_STATUS:
        VISOR_ASSERT(action->status.max_error_s >= 0.0 && action->status.est_error_s >= 0.0);
        apply(f, VISOR_CLOCK_STATUS, 0.0, 0);
        break;
    case VISOR_ACTION_PUBLISH:
        take_view(&action->view);
        break;
    case VISOR_ACTION_RESOLVE:
        f->queries[f->query_count++ % QUERIES] = action->resolve.query;
        break;
    case VISOR_ACTION_FATAL:
        f->ended = true;
        break;
    default:
        break;
    }
}

static void handle(struct fuzzed *f, struct visor_event *event)
{
    struct visor_action action;
    int actions = 0;

    event->now = f->now;
    visor_engine_handle(f->engine, event);
    while (visor_engine_next(f->engine, &action)) {
        VISOR_ASSERT(++actions < ACTIONS_MAX);
        carry(f, &action);
    }
}

/* An event, and what the clock answers to what comes of it. */
static void give(struct fuzzed *f, struct visor_event *event)
{
    handle(f, event);
    for (size_t i = 0; i < f->answer_count; i++) {
        struct visor_event answer = f->answers[i];

        handle(f, &answer);
    }
    f->answer_count = 0;
}

static void pass_time(struct fuzzed *f)
{
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};
    int64_t ns = span(f);
    int rounds = 0;

    f->now.raw = visor_mono_add(f->now.raw, ns);
    f->now.real = visor_wall_add(f->now.real, ns);
    do {
        VISOR_ASSERT(++rounds < 100); /* the daemon would spin */
        give(f, &timer);
    } while (!f->ended && !visor_mono_before(f->now.raw, visor_engine_deadline(f->engine)));
}

/* A reply to the last request, whose server is right but for a span; or just bytes. */
static void come_packet(struct fuzzed *f)
{
    uint8_t data[160] = {0}, how = next(f);
    struct visor_event event = {.kind = VISOR_EVENT_PACKET};
    struct visor_event_packet *packet = &event.packet;
    struct visor_ntp_header request, reply;
    struct visor_ntp_layout layout;
    visor_wall server = visor_wall_add(f->now.real, how & 1 ? 0 : any_span(f));

    packet->received = (struct visor_stamp){f->now.raw, next(f), (enum visor_stamper)(how >> 1 & 3),
                                            next(f), next(f)};
    packet->data = data;
    packet->size = VISOR_NTP_HEADER;
    packet->auth = (enum visor_auth)(how % 3 == 2 && how & 8 ? 2 : 0);
    packet->source = how & 16 ? f->sent.source : how >> 6;
    packet->peer = f->sent.to;
    if (how & 32 || !visor_ntp_read(&request, &layout, f->sent.data, f->sent.size)) {
        packet->size += 4u * (next(f) % 28);
        for (size_t i = 0; i < packet->size; i++)
            data[i] = next(f);
    } else {
        reply = (struct visor_ntp_header){.version = request.version,
                                          .mode = request.mode == 3 ? 4 : request.mode,
                                          .stratum = next(f) % 18,
                                          .poll = request.poll,
                                          .precision = -20,
                                          .root_delay = next(f),
                                          .root_dispersion = (uint32_t)next(f) << (next(f) % 24),
                                          .refid = next(f),
                                          .origin = request.transmit};
        reply.reference = reply.receive = reply.transmit = visor_ntp_from_wall(server);
        visor_ntp_write(&reply, data, sizeof(data));
    }
    give(f, &event);
}

static void come_sent(struct fuzzed *f)
{
    struct visor_event event = {
        .kind = VISOR_EVENT_SENT,
        .sent = {.source = f->sent.source, .token = f->sent.token + (next(f) == 255)}};

    event.sent.sent = (struct visor_stamp){visor_mono_add(f->now.raw, -(int64_t)next(f)), next(f),
                                           (enum visor_stamper)(next(f) & 3), 0, 0};
    event.sent.error = next(f) > 250 ? 101 : 0;
    give(f, &event);
}

static void come_refclock(struct fuzzed *f)
{
    uint8_t how = next(f);
    struct visor_event event = {
        .kind = VISOR_EVENT_REFCLOCK,
        .refclock = {.refclock = how & 3,
                     .kind = (enum visor_refclock_sample_kind)((how >> 2) % 3),
                     .stamp = {.raw = f->now.raw, .error_ns = next(f), .by = VISOR_STAMPER_KERNEL},
                     .dispersion_s = next(f) * 1e-7,
                     .leap = (enum visor_leap_hint)(how >> 4 & 3),
                     .error = 5}};

    event.refclock.reference = visor_wall_add(f->now.real, any_span(f));
    give(f, &event);
}

static void come_witness(struct fuzzed *f)
{
    uint8_t how = next(f);
    struct visor_event event = {
        .kind = VISOR_EVENT_WITNESS,
        .witness = {.kind = (enum visor_witness_kind)(how % 10),
                    .stamp = {.raw = f->now.raw, .error_ns = next(f), .by = VISOR_STAMPER_DAEMON},
                    .marker = next(f),
                    .independent = how & 128}};

    if (how & 64) {
        event.witness.earliest = visor_wall_add(f->now.real, any_span(f));
        event.witness.latest = visor_wall_add(event.witness.earliest, span(f));
    }
    give(f, &event);
}

static void come_resolved(struct fuzzed *f)
{
    struct visor_event event = {.kind = VISOR_EVENT_RESOLVED};
    uint8_t how = next(f);

    event.resolved.query = f->queries[how % QUERIES];
    event.resolved.result = (enum visor_resolve_result)(next(f) % 3);
    event.resolved.count = event.resolved.result == VISOR_RESOLVE_OK ? how >> 4 : 0;
    for (size_t i = 0; i < event.resolved.count; i++) {
        event.resolved.addresses[i].family = next(f) & 1 ? VISOR_FAMILY_IPV4 : VISOR_FAMILY_IPV6;
        event.resolved.addresses[i].bytes[3] = next(f) & 15;
    }
    give(f, &event);
}

static void come_command(struct fuzzed *f)
{
    struct visor_event event = {
        .kind = VISOR_EVENT_COMMAND,
        .command = {.kind = (enum visor_command_kind)(next(f) % (VISOR_COMMAND_OFFSET + 1)),
                    .token = 7}};

    event.command.match.id = next(f) & 7;
    for (int i = 0; i < 7; i++)
        event.command.number[i] = (double)any_span(f) * 1e-9;
    event.command.source = &f->configs[0]->sources[next(f) % 3];
    give(f, &event);
}

static void come_other(struct fuzzed *f, uint8_t which)
{
    struct visor_event event = {.kind = VISOR_EVENT_CONFIG};
    struct visor_status *status; /* too large for a stack */

    if (which == 9) {
        event.config = f->configs[next(f) % CONFIG_COUNT];
        give(f, &event);
    } else if (which == 10) {
        event.kind = VISOR_EVENT_RATE;
        event.rate.change_ppb = (double)any_span(f) * 1e-9;
        give(f, &event);
    } else if (which == 11) { /* somebody else steps the clock */
        f->now.real = visor_wall_add(f->now.real, any_span(f));
    } else {
        status = malloc(sizeof(*status));
        VISOR_ASSERT(status);
        visor_engine_status(f->engine, &f->now, status);
        VISOR_ASSERT(!isnan(status->tracking.offset));
        free(status);
    }
}

static void run(struct fuzzed *f)
{
    for (int events = 0; events < EVENTS_MAX && f->at < f->size && !f->ended; events++) {
        uint8_t which = next(f) % 14;

        if (which < 3)
            pass_time(f);
        else if (which == 3)
            come_sent(f);
        else if (which == 4 || which == 12)
            come_packet(f);
        else if (which == 5)
            come_refclock(f);
        else if (which == 6)
            come_witness(f);
        else if (which == 7)
            come_resolved(f);
        else if (which == 8)
            come_command(f);
        else
            come_other(f, which);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    struct fuzzed *f = calloc(1, sizeof(*f));
    struct visor_event start = {.kind = VISOR_EVENT_START};
    uint8_t first;

    VISOR_ASSERT(f);
    f->data = data;
    f->size = size;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        struct visor_diagnoses diagnoses;

        visor_diagnoses_init(&diagnoses);
        VISOR_ASSERT(visor_config_parse_text("f", CONFIGS[i], strlen(CONFIGS[i]), NULL,
                                             &f->configs[i], &diagnoses) == 0);
        visor_diagnoses_done(&diagnoses);
    }
    first = next(f);
    f->now = (struct visor_reading){.raw = {VISOR_NS_PER_S}, .real = {BEGIN_S * VISOR_NS_PER_S}};
    f->engine = visor_engine_new(f->configs[first % CONFIG_COUNT], seed);
    VISOR_ASSERT(f->engine);
    start.start = (struct visor_event_start){.drift_known = first & 64,
                                             .drift_ppm = 3.0,
                                             .skew_ppm = 1.0,
                                             .clock_settable = !(first & 128),
                                             .precision_s = 3e-8};
    give(f, &start);
    run(f);
    start = (struct visor_event){.kind = VISOR_EVENT_STOP};
    give(f, &start);
    visor_engine_free(f->engine);
    for (int i = 0; i < CONFIG_COUNT; i++)
        visor_config_free(f->configs[i]);
    free(f);
    return 0;
}
