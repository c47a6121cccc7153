/* Answers what timevisor(1) asks: the status model as JSON, and what the daemon knows of itself.
 * Commands go to the engine as events, and its answer goes back to who asked. */
#include "port/control.h"

#include "port/statusjson.h"
#include "port/text.h"
#include "timevisord/daemon.h"
#include "timevisord/process.h"
#include "timevisord/setup.h"
#include "timevisord/witnesses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int visor_daemon_open_control(struct visor_daemon *daemon, uid_t owner)
{
    const char *path = daemon->options.socket;
    bool owns_clock = daemon->config->mode == VISOR_MODE_DISCIPLINE && !daemon->options.dry_run;
    int error;

    if (!path)
        path = daemon->config->mode == VISOR_MODE_OBSERVE ? VISOR_CONTROL_OBSERVE_PATH
                                                          : VISOR_CONTROL_PATH;
    if (!*path || (!daemon->options.socket && visor_process_simulated()))
        return 0;
    error = visor_control_new(path, owner, &daemon->control);
    if (error == -EADDRINUSE && owns_clock) {
        visor_log_write(daemon->log, VISOR_SEVERITY_FATAL,
                        _("Another timevisord answers at %s: stop it first, or observe (-x)"),
                        path);
        return error;
    }
    if (error == -EADDRINUSE)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("Another timevisord answers at %s: timevisor(1) will not reach this one"),
                        path);
    else if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, _("No control socket at %s: %s"), path,
                        strerror(-error));
    return 0;
}

/* What is true of the process and not of the clock. */
static json_t *about_daemon(const struct visor_daemon *daemon, visor_mono now)
{
    bool process = visor_helper_carrier(daemon->helper) == VISOR_HELPER_PROCESS;

    return json_pack(
        "{s:s, s:i, s:f, s:s, s:b, s:s, s:s}", "version", VISOR_VERSION, "pid", (int)getpid(),
        "uptime_s", visor_seconds_from_ns(visor_mono_diff(now, daemon->started)), "helper",
        process ? "process" : "in-process", "dry_run", daemon->options.dry_run, "configuration",
        daemon->options.directive_count ? "" : visor_setup_path(&daemon->options), "clock_segment",
        daemon->segment_error ? "" : daemon->segment.path);
}

static char *print_status(struct visor_daemon *daemon)
{
    struct visor_status *status = malloc(sizeof(*status));
    struct visor_reading now;
    json_t *json = NULL, *detection = visor_witnesses_json(daemon->witnesses);
    char *text = NULL;

    if (status && !daemon->clock.ops->read(&daemon->clock, &now)) {
        visor_engine_status(daemon->engine, &now, status);
        json = visor_statusjson_write(status);
    }
    if (json && detection)
        json_object_set(json, "detection", detection);
    json_decref(detection);
    if (json && !json_object_set_new(json, "daemon", about_daemon(daemon, now.raw)))
        text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    free(status);
    return text;
}

#define BURST_GOOD  4
#define BURST_TOTAL 8

static const struct {
    enum visor_control_verb verb;
    enum visor_command_kind kind;
} commands[] = {
    {VISOR_CONTROL_ONLINE, VISOR_COMMAND_ONLINE},
    {VISOR_CONTROL_OFFLINE, VISOR_COMMAND_OFFLINE},
    {VISOR_CONTROL_BURST, VISOR_COMMAND_BURST},
    {VISOR_CONTROL_MAKESTEP, VISOR_COMMAND_MAKESTEP},
    {VISOR_CONTROL_REFRESH, VISOR_COMMAND_REFRESH},
    {VISOR_CONTROL_RESET, VISOR_COMMAND_RESET_SOURCES},
};

/* The command of a verb; false: there is none. */
static bool command_of(const struct visor_control_request *request,
                       struct visor_event_command *command)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].verb == request->verb) {
            *command = (struct visor_event_command){.kind = commands[i].kind,
                                                    .number = {BURST_GOOD, BURST_TOTAL}};
            return true;
        }
    return false;
}

static enum visor_control_result hand_over(struct visor_daemon *daemon,
                                           const struct visor_event_command *command)
{
    struct visor_action_answer answer;

    visor_daemon_command(daemon, command, &answer);
    return answer.answer == VISOR_ANSWER_OK               ? VISOR_CONTROL_OK
           : answer.answer == VISOR_ANSWER_NO_SUCH_SOURCE ? VISOR_CONTROL_BAD
                                                          : VISOR_CONTROL_FAILED;
}

/* Of all sources of that name: a pool's have one in common. */
static enum visor_control_result
hand_over_named(struct visor_daemon *daemon, struct visor_event_command *command, const char *name)
{
    struct visor_status *status = malloc(sizeof(*status));
    enum visor_control_result result = VISOR_CONTROL_BAD;
    struct visor_reading now;

    if (!status || daemon->clock.ops->read(&daemon->clock, &now)) {
        free(status);
        return VISOR_CONTROL_FAILED;
    }
    visor_engine_status(daemon->engine, &now, status);
    for (size_t i = 0; i < status->source_count; i++)
        if (!status->sources[i].refclock && !strcmp(status->sources[i].name, name)) {
            command->match.id = status->sources[i].id;
            result = hand_over(daemon, command);
        }
    free(status);
    return result;
}

static enum visor_control_result obey(struct visor_daemon *daemon,
                                      const struct visor_control_request *request)
{
    struct visor_event_command command;

    if (!command_of(request, &command))
        return VISOR_CONTROL_UNKNOWN;
    if (!request->argument[0] || visor_address_parse(request->argument, &command.match.address))
        return hand_over(daemon, &command);
    return hand_over_named(daemon, &command, request->argument);
}

void visor_daemon_take_control(struct visor_daemon *daemon, const struct pollfd *ready)
{
    struct visor_control_call call;

    visor_control_handle(daemon->control, ready, 1);
    while (visor_control_next(daemon->control, &call)) {
        char *text = NULL;

        if (call.request.verb != VISOR_CONTROL_STATUS) {
            visor_control_reply(daemon->control, call.token, obey(daemon, &call.request), "{}");
            continue;
        }
        text = print_status(daemon);
        visor_control_reply(daemon->control, call.token,
                            text ? VISOR_CONTROL_OK : VISOR_CONTROL_FAILED, text);
        free(text);
    }
}
