/* A world small enough for unit tests of the engine: one perfect reference clock (or none), a
 * kernel clock that does as it is told, and everything that the engine says, counted. */
#ifndef VISOR_TESTS_PUPPET_H
#define VISOR_TESTS_PUPPET_H

#include "config/config.h"
#include "engine/engine.h"
#include "wire/ntp.h"

#include <stdlib.h>
#include <string.h>

#define PUPPET_KINDS 96

struct puppet {
    struct visor_config *config;
    struct visor_engine *engine;
    int64_t now;          /* raw, ns */
    int64_t utc_at_0;     /* true UTC when raw was 0, ns */
    int64_t moved;        /* ns: leap seconds of true UTC so far */
    int64_t leap_at;      /* raw time of a leap second of true UTC; 0: none */
    int64_t leap_ns;      /* and what it moves UTC by */
    int64_t gap;          /* CLOCK_REALTIME - (raw + utc_at_0), ns, without the slew */
    int64_t slewed_from;  /* raw */
    double frequency_ppb; /* of CLOCK_REALTIME against raw */
    double drift_ppb;     /* of raw against true UTC, + : it gains */
    enum visor_leap armed, hint;
    bool silent; /* the reference clock gives nothing */
    bool lame;   /* the kernel forgets its leap second */
    int64_t kernel_leap_raw;
    struct visor_view view;
    struct visor_action_status status;
    struct visor_action_answer answer;
    struct visor_action_resolve asked; /* the last name */
    struct visor_address sent_to;      /* the last request */
    int asks, sends;
    int frequencies, statuses; /* that the kernel was given */
    int drifts;                /* writes of the drift file, and its last frequency */
    double drift_ppm;
    int chronyd_asked[128]; /* by command: one that obeys at once */
    double chronyd_correction_s;
    struct visor_event_sent sent; /* what the last SEND was */
    struct visor_action_send request;
    int messages[PUPPET_KINDS], steps, records[8];
    struct visor_message last[PUPPET_KINDS];
    struct visor_record last_record[8];
    bool fatal;
};

static inline int64_t puppet_real(const struct puppet *p)
{
    double slewed = (double)(p->now - p->slewed_from) * p->frequency_ppb * 1e-9;

    return p->now + p->utc_at_0 + p->gap + (int64_t)slewed;
}

/* Since raw was 0. */
static inline double puppet_true_seconds(const struct puppet *p)
{
    return (double)p->now * 1e-9 * (1.0 - p->drift_ppb * 1e-9);
}

static inline int64_t puppet_utc(const struct puppet *p)
{
    return p->now - (int64_t)((double)p->now * p->drift_ppb * 1e-9) + p->utc_at_0 +
           (p->leap_at != 0 && p->now >= p->leap_at ? p->leap_ns : 0);
}

/* From now on raw gains so much, without a jump. */
static inline void puppet_drift(struct puppet *p, double ppb)
{
    int64_t moved = puppet_utc(p);

    p->drift_ppb = ppb;
    moved -= puppet_utc(p);
    p->utc_at_0 += moved;
    p->gap -= moved;
}

/* Of CLOCK_REALTIME, s, + : it is ahead. */
static inline double puppet_error(const struct puppet *p)
{
    return (double)(puppet_real(p) - puppet_utc(p)) * 1e-9;
}

static inline void puppet_rebase(struct puppet *p)
{
    p->gap = puppet_real(p) - p->now - p->utc_at_0;
    p->slewed_from = p->now;
}

static inline struct visor_reading puppet_reading(const struct puppet *p)
{
    return (struct visor_reading){{p->now}, {puppet_real(p)}, 100, p->frequency_ppb};
}

static inline void puppet_drain(struct puppet *p);

static inline void puppet_give(struct puppet *p, struct visor_event *event)
{
    event->now = puppet_reading(p);
    visor_engine_handle(p->engine, event);
    puppet_drain(p);
}

static inline void puppet_applied(struct puppet *p, enum visor_clock_action action)
{
    struct visor_event event = {.kind = VISOR_EVENT_APPLIED};

    event.applied.action = action;
    event.applied.frequency_ppb = p->frequency_ppb;
    event.applied.after = puppet_reading(p);
    puppet_give(p, &event);
}

static inline void puppet_measure(struct puppet *p, uint32_t refclock)
{
    struct visor_event event = {.kind = VISOR_EVENT_REFCLOCK};

    event.refclock.refclock = refclock;
    event.refclock.kind = p->silent ? VISOR_REFCLOCK_FAILED : VISOR_REFCLOCK_TIME;
    event.refclock.error = p->silent ? 11 : 0;
    event.refclock.stamp = (struct visor_stamp){{p->now}, 10, VISOR_STAMPER_KERNEL, 0, 0};
    event.refclock.reference.ns = puppet_utc(p);
    event.refclock.leap = p->hint == VISOR_LEAP_INSERT   ? VISOR_LEAP_HINT_INSERT
                          : p->hint == VISOR_LEAP_DELETE ? VISOR_LEAP_HINT_DELETE
                                                         : VISOR_LEAP_HINT_NONE;
    puppet_give(p, &event);
}

/* A chronyd that keeps CLOCK_REALTIME, and does as it is asked. */
static inline void puppet_chronyd(struct puppet *p, const struct visor_action_chronyd *question)
{
    struct visor_event event = {.kind = VISOR_EVENT_CHRONYD, .chronyd = {.token = question->token}};

    p->chronyd_asked[question->command]++;
    if (question->command == VISOR_CMDMON_DOFFSET2)
        p->chronyd_correction_s -= question->number;
    if (question->command == VISOR_CMDMON_MAKESTEP) {
        p->gap += (int64_t)(p->chronyd_correction_s * 1e9);
        p->chronyd_correction_s = 0.0;
    }
    event.chronyd.correction_s = p->chronyd_correction_s;
    puppet_give(p, &event);
}

static inline void puppet_perform(struct puppet *p, const struct visor_action *action)
{
    switch (action->kind) {
    case VISOR_ACTION_FREQUENCY:
        puppet_rebase(p);
        p->frequency_ppb = action->frequency.frequency_ppb;
        p->frequencies++;
        puppet_applied(p, VISOR_CLOCK_FREQUENCY);
        break;
    case VISOR_ACTION_STEP:
        p->gap += action->step.offset_ns;
        p->steps++;
        puppet_applied(p, VISOR_CLOCK_STEP);
        break;
    case VISOR_ACTION_STATUS:
        p->status = action->status;
        p->statuses++;
        p->armed = action->status.leap;
        puppet_applied(p, VISOR_CLOCK_STATUS);
        break;
    case VISOR_ACTION_PUBLISH:
        p->view = action->view;
        break;
    case VISOR_ACTION_LOG:
        p->messages[action->message.kind]++;
        p->last[action->message.kind] = action->message;
        break;
    case VISOR_ACTION_FATAL:
        p->fatal = true;
        break;
    case VISOR_ACTION_RECORD:
        p->records[action->record.kind]++;
        p->last_record[action->record.kind] = action->record;
        break;
    case VISOR_ACTION_DRIFT:
        p->drifts++;
        p->drift_ppm = action->drift.frequency_ppm;
        break;
    case VISOR_ACTION_ANSWER:
        p->answer = action->answer;
        break;
    case VISOR_ACTION_RESOLVE:
        p->asked = action->resolve;
        p->asks++;
        break;
    case VISOR_ACTION_SEND:
        p->sent =
            (struct visor_event_sent){.source = action->send.source, .token = action->send.token};
        p->sent_to = action->send.to;
        p->request = action->send;
        p->sends++;
        break;
    case VISOR_ACTION_CHRONYD:
        puppet_chronyd(p, &action->chronyd);
        break;
    case VISOR_ACTION_MEASURE:
        puppet_measure(p, action->refclock);
        break;
    default:
        break;
    }
}

static inline void puppet_drain(struct puppet *p)
{
    struct visor_action action;

    while (visor_engine_next(p->engine, &action))
        puppet_perform(p, &action);
}

/* The kernel's own leap second, when CLOCK_REALTIME comes to the end of the day. */
static inline void puppet_kernel_leap(struct puppet *p, int64_t before)
{
    int64_t day = INT64_C(86400) * VISOR_NS_PER_S, real = puppet_real(p);
    int64_t edge = p->armed == VISOR_LEAP_DELETE ? VISOR_NS_PER_S : 0;

    if (p->lame || (p->armed != VISOR_LEAP_INSERT && p->armed != VISOR_LEAP_DELETE) ||
        (before + edge) / day == (real + edge) / day)
        return;
    p->gap += p->armed == VISOR_LEAP_DELETE ? VISOR_NS_PER_S : -VISOR_NS_PER_S;
    p->armed = VISOR_LEAP_NONE;
    p->kernel_leap_raw = p->now;
}

static inline void puppet_go(struct puppet *p, int64_t to)
{
    int64_t before = puppet_real(p);

    p->now = to;
    puppet_kernel_leap(p, before);
}

/* Let time pass until `seconds` of raw time, never more than a quarter of a second at once. */
static inline void puppet_run(struct puppet *p, double seconds)
{
    int64_t until = (int64_t)(seconds * 1e9);
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};

    while (p->now < until) {
        int64_t next = visor_engine_deadline(p->engine).ns;
        bool due = next <= p->now + VISOR_NS_PER_S / 4 && next <= until;

        if (due)
            puppet_go(p, next > p->now ? next : p->now + 1);
        else
            puppet_go(p, p->now + VISOR_NS_PER_S / 4 < until ? p->now + VISOR_NS_PER_S / 4 : until);
        if (due || p->now == until)
            puppet_give(p, &timer);
    }
}

/* A server of stratum 1, 100 us away, answers the last request at once; `kiss`: with that
 * kiss-o'-death, unless it is 0. */
static inline void puppet_answer(struct puppet *p, uint32_t kiss)
{
    struct visor_event event = {.kind = VISOR_EVENT_PACKET};
    struct visor_ntp_header request, header = {.version = 4,
                                               .mode = VISOR_NTP_MODE_SERVER,
                                               .stratum = 1,
                                               .poll = 6,
                                               .precision = -24,
                                               .refid = 0x47505300};
    struct visor_ntp_layout layout;
    uint8_t data[VISOR_NTP_HEADER];

    if (kiss) {
        header.leap = VISOR_LEAP_UNSYNCHRONIZED;
        header.stratum = 0;
        header.refid = kiss;
    }
    visor_ntp_read(&request, &layout, p->request.data, p->request.size);
    header.origin = request.transmit;
    puppet_go(p, p->now + 100000);
    header.receive = header.transmit = visor_ntp_from_wall((visor_wall){puppet_utc(p)});
    header.reference = header.receive - (UINT64_C(10) << 32);
    puppet_go(p, p->now + 100000);
    visor_ntp_write(&header, data, sizeof(data));
    event.packet = (struct visor_event_packet){
        .source = p->request.source, .peer = p->sent_to, .data = data, .size = sizeof(data)};
    event.packet.received = (struct visor_stamp){{p->now}, 1000, VISOR_STAMPER_DAEMON, 0, 0};
    puppet_give(p, &event);
}

static inline void puppet_reply(struct puppet *p)
{
    puppet_answer(p, 0);
}

static inline void puppet_command(struct puppet *p, enum visor_command_kind kind, double first,
                                  double second)
{
    struct visor_event event = {.kind = VISOR_EVENT_COMMAND};

    event.command.kind = kind;
    event.command.token = 7;
    event.command.number[0] = first;
    event.command.number[1] = second;
    puppet_give(p, &event);
}

/* `config`: taken over. `utc_s`: true UTC at the start; CLOCK_REALTIME is wrong by `wrong_s`. */
static inline void puppet_init(struct puppet *p, struct visor_config *config, int64_t utc_s,
                               double wrong_s)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    struct visor_event start = {.kind = VISOR_EVENT_START};

    memset(p, 0, sizeof(*p));
    p->config = config;
    p->now = VISOR_NS_PER_S;
    p->utc_at_0 = utc_s * VISOR_NS_PER_S;
    p->gap = (int64_t)(wrong_s * 1e9);
    p->engine = visor_engine_new(config, seed);
    start.start.clock_settable = true;
    start.start.precision_s = 1e-7;
    puppet_give(p, &start);
}

static inline void puppet_done(struct puppet *p)
{
    visor_engine_free(p->engine);
    visor_config_free(p->config);
}

/* A configuration with `refclocks` perfect reference clocks, read once a second. */
static inline struct visor_config *puppet_config(size_t refclocks)
{
    struct visor_config *config = visor_config_new();

    config->refclocks = calloc(refclocks + 1, sizeof(config->refclocks[0]));
    config->refclock_count = refclocks;
    for (size_t i = 0; i < refclocks; i++) {
        visor_refclock_config_init(&config->refclocks[i]);
        config->refclocks[i].driver = VISOR_REFCLOCK_SHM;
        config->refclocks[i].poll = 2;
    }
    return config;
}

#endif
