/* From what the engine says to the helper's work: it takes no decision, and waits for nothing. */
#include "timevisord/alarm.h"

#include "port/text.h"
#include "timevisord/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void ask(struct visor_daemon *daemon, enum visor_helper_work work, size_t index,
                const struct visor_occasion *occasion)
{
    struct visor_helper_request request = {.work = work, .query = (uint32_t)index};
    int error;

    if (occasion)
        request.occasion = *occasion;
    error = visor_helper_ask(daemon->helper, &request);
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR,
                        _("The helper takes no request for hooks: %s"), strerror(-error));
}

static void run_hooks(struct visor_daemon *daemon, enum visor_hook_event event)
{
    daemon->occasion.event = event;
    for (size_t i = 0; i < daemon->config->hook_count; i++)
        if (daemon->config->hooks[i].events & 1u << event)
            ask(daemon, VISOR_HELPER_HOOK, i, &daemon->occasion);
}

static void take_disruption(struct visor_daemon *daemon, const struct visor_message *message)
{
    daemon->occasion.kind = (uint32_t)message->count[0];
    daemon->occasion.size_s = message->number[0];
    daemon->occasion.error_s = message->number[1] < 0.0 ? 0.0 : message->number[1];
    daemon->occasion.sized = message->number[1] >= 0.0;
}

void visor_alarm_raise(struct visor_daemon *daemon, const struct visor_message *message)
{
    static const enum visor_hook_event levels[] = {
        [VISOR_EMERGENCY_NORMAL] = VISOR_HOOK_NORMAL,
        [VISOR_EMERGENCY_YELLOW] = VISOR_HOOK_YELLOW,
        [VISOR_EMERGENCY_ORANGE] = VISOR_HOOK_ORANGE,
        [VISOR_EMERGENCY_RED] = VISOR_HOOK_RED,
    };

    if (daemon->options.task != VISOR_TASK_RUN)
        return;
    switch (message->kind) {
    case VISOR_MESSAGE_DISRUPTION:
        take_disruption(daemon, message);
        if (daemon->config->hold_count > 0)
            ask(daemon, VISOR_HELPER_HOLD, 0, NULL); /* first: it is the more urgent */
        run_hooks(daemon, VISOR_HOOK_DISRUPTION);
        break;
    case VISOR_MESSAGE_RECOVERED:
        take_disruption(daemon, message);
        daemon->occasion.error_s = visor_seconds_from_ns(message->count[1]);
        if (daemon->config->hold_count > 0)
            ask(daemon, VISOR_HELPER_RELEASE, 0, NULL);
        run_hooks(daemon, VISOR_HOOK_RECOVERED);
        break;
    case VISOR_MESSAGE_EMERGENCY:
        daemon->occasion.level = (uint32_t)message->count[0];
        daemon->occasion.cause = (uint32_t)message->count[1];
        run_hooks(daemon, levels[message->count[0]]);
        break;
    default:
        break;
    }
}

/* ---- how it went ---- */

static const char *reason_of(const struct visor_outcome *outcome)
{
    if (outcome->status == EDEADLK)
        return _("timevisord itself is in it");
    if (outcome->status == EROFS)
        return _(
            "control groups are read-only for this service: set ProtectControlGroups=no in its "
            "unit");
    return strerror(outcome->status);
}

static void report_hook(struct visor_daemon *daemon, const char *command,
                        const struct visor_outcome *outcome)
{
    struct visor_log *log = daemon->log;

    switch (outcome->kind) {
    case VISOR_OUTCOME_DONE:
        visor_log_write(log, outcome->status ? VISOR_SEVERITY_WARNING : VISOR_SEVERITY_INFO,
                        _("Hook \"%s\" ended after %.2f s with status %d%s%s"), command,
                        outcome->seconds, outcome->status, outcome->text[0] ? ": " : "",
                        outcome->text);
        break;
    case VISOR_OUTCOME_SIGNALED:
        visor_log_write(log, VISOR_SEVERITY_WARNING,
                        _("Hook \"%s\" was ended after %.2f s by signal %d%s%s"), command,
                        outcome->seconds, outcome->status, outcome->text[0] ? ": " : "",
                        outcome->text);
        break;
    case VISOR_OUTCOME_LATE:
        visor_log_write(log, VISOR_SEVERITY_ERROR,
                        _("Hook \"%s\" had not ended after %.0f s and was killed%s%s"), command,
                        outcome->seconds, outcome->text[0] ? ": " : "", outcome->text);
        break;
    case VISOR_OUTCOME_BUSY:
        visor_log_write(log, VISOR_SEVERITY_ERROR,
                        _("Hook \"%s\" was not run: too many are running"), command);
        break;
    case VISOR_OUTCOME_NOBODY:
        visor_log_write(
            log, VISOR_SEVERITY_ERROR,
            _("Hook \"%s\" was not run: there is no helper process; restart timevisord"), command);
        break;
    default:
        visor_log_write(log, VISOR_SEVERITY_ERROR, _("Hook \"%s\" could not be run: %s"), command,
                        strerror(outcome->status));
        break;
    }
}

static void report_hold(struct visor_daemon *daemon, const struct visor_hold_config *hold,
                        const struct visor_outcome *outcome)
{
    struct visor_log *log = daemon->log;

    switch (outcome->kind) {
    case VISOR_OUTCOME_DONE:
        visor_log_write(log, VISOR_SEVERITY_INFO, _("%s was held for %.2f s"), hold->cgroup,
                        outcome->seconds);
        break;
    case VISOR_OUTCOME_LATE:
        visor_log_write(log, VISOR_SEVERITY_WARNING,
                        _("%s was released after %.0f s although the time is not right yet"),
                        hold->cgroup, outcome->seconds);
        break;
    case VISOR_OUTCOME_LEFT:
        visor_log_write(log, VISOR_SEVERITY_WARNING,
                        _("%s was still frozen, and its keeper gone: it is released"),
                        hold->cgroup);
        break;
    case VISOR_OUTCOME_NOBODY:
        visor_log_write(log, VISOR_SEVERITY_ERROR,
                        _("%s was not held: there is no helper process; restart timevisord"),
                        hold->cgroup);
        break;
    default:
        visor_log_write(log, VISOR_SEVERITY_ERROR, _("%s could not be held: %s"), hold->cgroup,
                        reason_of(outcome));
        break;
    }
}

void visor_alarm_report(struct visor_daemon *daemon, const struct visor_helper_reply *reply)
{
    const struct visor_config *config = daemon->config;

    if (reply->work == VISOR_HELPER_HOOK && reply->query < config->hook_count)
        report_hook(daemon, config->hooks[reply->query].command, &reply->outcome);
    else if (reply->work == VISOR_HELPER_HOLD && reply->query < config->hold_count)
        report_hold(daemon, &config->holds[reply->query], &reply->outcome);
}
