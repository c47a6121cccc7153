/* Hands events to the engine and carries out its actions, in order. What it learns on the way
 * (stamps of what was sent, what the clock really did) becomes events for afterwards: the engine is
 * never called from within its own drain. */
#include "timevisord/daemon.h"

#include "port/text.h"
#include "timevisord/alarm.h"
#include "timevisord/auth.h"
#include "timevisord/messages.h"
#include "timevisord/witnesses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 4096

static bool make_room(struct visor_daemon_queue *queue)
{
    size_t size = queue->size ? 2 * queue->size : 16;
    struct visor_event *events;

    if (queue->first > 0) {
        memmove(queue->events, queue->events + queue->first,
                queue->count * sizeof(queue->events[0]));
        queue->first = 0;
    }
    if (queue->count < queue->size)
        return true;
    events = size > QUEUE_MAX ? NULL : realloc(queue->events, size * sizeof(*events));
    if (!events)
        return false;
    queue->events = events;
    queue->size = size;
    return true;
}

void visor_daemon_queue(struct visor_daemon *daemon, const struct visor_event *event)
{
    struct visor_daemon_queue *queue = &daemon->queue;
    size_t place = queue->count;

    if (!make_room(queue)) {
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("An event was lost: no memory"));
        return;
    }
    if (event->kind == VISOR_EVENT_APPLIED)
        place = queue->applied++;
    memmove(&queue->events[place + 1], &queue->events[place],
            (queue->count - place) * sizeof(queue->events[0]));
    queue->events[place] = *event;
    queue->count++;
}

bool visor_daemon_note(struct visor_daemon *daemon)
{
    struct visor_reading now = {.frequency_ppb = daemon->clock.kernel_ppb};

    return !visor_clock_read_pair(&now) && visor_stamps_note(&daemon->stamps, &now);
}

bool visor_daemon_look(struct visor_daemon *daemon)
{
    struct visor_reading now;

    return !visor_clock_look(&daemon->clock, &now) && visor_stamps_note(&daemon->stamps, &now);
}

static void perform_send(struct visor_daemon *daemon, const struct visor_action_send *send)
{
    struct visor_event event = {.kind = VISOR_EVENT_SENT,
                                .sent = {.source = send->source, .token = send->token}};
    uint8_t packet[VISOR_PACKET_MAX];
    size_t size = send->size;

    memcpy(packet, send->data, size);
    if (send->key)
        size = visor_auth_sign(daemon->keys, send->key, packet, size, sizeof(packet));
    event.sent.error =
        size ? -visor_net_send(daemon->net, send, packet, size, &event.sent.sent) : ENOKEY;
    visor_daemon_queue(daemon, &event);
}

/* Every change of the clock: readings before and after, and the event that says what it did. */
static void perform_clock(struct visor_daemon *daemon, const struct visor_action *action)
{
    struct visor_event event = {.kind = VISOR_EVENT_APPLIED};
    struct visor_event_applied *applied = &event.applied;
    const struct visor_clock_ops *ops = daemon->clock.ops;
    struct visor_reading before;
    int error;

    visor_daemon_note(daemon);
    error = ops->read(&daemon->clock, &before);
    switch (action->kind) {
    case VISOR_ACTION_FREQUENCY:
        applied->action = VISOR_CLOCK_FREQUENCY;
        error = error ? error : ops->set_frequency(&daemon->clock, action->frequency.frequency_ppb);
        break;
    case VISOR_ACTION_STEP:
        applied->action = VISOR_CLOCK_STEP;
        error = error ? error : ops->step(&daemon->clock, action->step.offset_ns);
        visor_witnesses_stepped(daemon->witnesses);
        break;
    default:
        applied->action = VISOR_CLOCK_STATUS;
        error = error ? error : ops->set_status(&daemon->clock, &action->status);
        break;
    }
    if (ops->read(&daemon->clock, &applied->after))
        return; /* no clock to be read: nothing can be said */
    applied->error = -error;
    applied->frequency_ppb = applied->after.frequency_ppb;
    if (!error && applied->action == VISOR_CLOCK_STEP) {
        int64_t raw = visor_mono_diff(applied->after.raw, before.raw);

        applied->stepped_ns = visor_wall_diff(applied->after.real, before.real) - raw -
                              visor_ns_from_seconds((double)raw * before.frequency_ppb * 1e-18);
    }
    visor_daemon_note(daemon);
    visor_daemon_queue(daemon, &event);
}

static void perform_resolve(struct visor_daemon *daemon, const struct visor_action_resolve *resolve)
{
    struct visor_helper_request request = {
        .work = VISOR_HELPER_RESOLVE, .query = resolve->query, .family = resolve->family};
    struct visor_event event = {.kind = VISOR_EVENT_RESOLVED};

    if (!request.family)
        request.family = daemon->options.only;
    memcpy(request.name, resolve->name, sizeof(request.name));
    if (!visor_helper_ask(daemon->helper, &request))
        return;
    event.resolved.query = resolve->query;
    event.resolved.result = VISOR_RESOLVE_TRY_AGAIN;
    visor_daemon_queue(daemon, &event);
}

static void perform_drift(struct visor_daemon *daemon, const struct visor_action_drift *action)
{
    /* The file is about the counter without compensation. */
    struct visor_drift drift = {action->frequency_ppm + daemon->tempcomp.applied_ppm,
                                action->skew_ppm};
    int error;

    if (!daemon->config->driftfile[0] || daemon->config->mode == VISOR_MODE_ASSIST)
        return; /* beside chronyd it is chronyd's */
    error = visor_daemon_write_drift(daemon->config->driftfile, &drift);
    if (error && !daemon->drift_failed)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, _("Could not write %s : %s"),
                        daemon->config->driftfile, strerror(-error));
    daemon->drift_failed = error != 0;
}

static void perform_measure(struct visor_daemon *daemon, uint32_t index)
{
    struct visor_event event = {.kind = VISOR_EVENT_REFCLOCK};

    if (index >= daemon->device_count)
        return;
    visor_refclock_device_measure(&daemon->devices[index], &daemon->stamps, &event.refclock);
    visor_daemon_queue(daemon, &event);
}

/* Why it could not be asked is an answer, too. */
static void perform_chronyd(struct visor_daemon *daemon,
                            const struct visor_action_chronyd *question)
{
    struct visor_event event = {.kind = VISOR_EVENT_CHRONYD, .chronyd = {.token = question->token}};

    event.chronyd.error = -visor_courier_ask(&daemon->courier, question);
    if (event.chronyd.error)
        visor_daemon_queue(daemon, &event);
}

static void perform_message(struct visor_daemon *daemon, const struct visor_message *message)
{
    char text[VISOR_MESSAGES_TEXT_MAX];

    if (visor_messages_print(message, text, sizeof(text))[0])
        visor_log_write(daemon->log, message->severity, "%s", text);
    visor_alarm_raise(daemon, message);
}

static void perform(struct visor_daemon *daemon, const struct visor_action *action)
{
    switch (action->kind) {
    case VISOR_ACTION_SEND:
        perform_send(daemon, &action->send);
        break;
    case VISOR_ACTION_CLOSE:
        visor_net_close(daemon->net, action->source);
        break;
    case VISOR_ACTION_FREQUENCY:
    case VISOR_ACTION_STEP:
    case VISOR_ACTION_STATUS:
        perform_clock(daemon, action);
        break;
    case VISOR_ACTION_PUBLISH:
        daemon->view = action->view;
        visor_daemon_publish(daemon);
        break;
    case VISOR_ACTION_RESOLVE:
        perform_resolve(daemon, &action->resolve);
        break;
    case VISOR_ACTION_LOG:
        perform_message(daemon, &action->message);
        break;
    case VISOR_ACTION_FATAL:
        perform_message(daemon, &action->message);
        daemon->ended = true;
        daemon->status = 1;
        break;
    case VISOR_ACTION_RECORD:
        visor_logfile_write(daemon->logfile, &action->record);
        break;
    case VISOR_ACTION_DRIFT:
        perform_drift(daemon, &action->drift);
        break;
    case VISOR_ACTION_MEASURE:
        perform_measure(daemon, action->refclock);
        break;
    case VISOR_ACTION_CHRONYD:
        perform_chronyd(daemon, &action->chronyd);
        break;
    case VISOR_ACTION_ANSWER:
        if (daemon->answer && daemon->answer->token == action->answer.token)
            *daemon->answer = action->answer;
        break;
    }
}

static void handle_one(struct visor_daemon *daemon, struct visor_event *event)
{
    uint64_t digest = visor_recording_digest_begin();
    struct visor_action action;

    if (daemon->clock.ops->read(&daemon->clock, &event->now))
        return;
    visor_engine_handle(daemon->engine, event);
    while (visor_engine_next(daemon->engine, &action)) {
        if (daemon->recorder)
            digest = visor_recording_digest(digest, &action);
        perform(daemon, &action);
    }
    if (daemon->recorder)
        visor_recorder_write(daemon->recorder, event, digest);
}

void visor_daemon_handle(struct visor_daemon *daemon, struct visor_event *event)
{
    struct visor_daemon_queue *queue = &daemon->queue;

    handle_one(daemon, event);
    while (queue->count) {
        struct visor_event next = queue->events[queue->first++];

        queue->count--;
        if (next.kind == VISOR_EVENT_APPLIED)
            queue->applied--;
        handle_one(daemon, &next);
    }
}

void visor_daemon_command(struct visor_daemon *daemon, const struct visor_event_command *command,
                          struct visor_action_answer *answer)
{
    struct visor_event event = {.kind = VISOR_EVENT_COMMAND, .command = *command};

    *answer = (struct visor_action_answer){.token = ++daemon->token, .answer = VISOR_ANSWER_FAILED};
    event.command.token = answer->token;
    daemon->answer = answer;
    visor_daemon_handle(daemon, &event);
    daemon->answer = NULL;
}
