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

void visor_daemon_open_control(struct visor_daemon *daemon, uid_t owner)
{
    const char *path = daemon->options.socket;
    int error;

    if (!path)
        path = daemon->config->mode == VISOR_MODE_OBSERVE ? VISOR_CONTROL_OBSERVE_PATH
                                                          : VISOR_CONTROL_PATH;
    if (!*path || (!daemon->options.socket && visor_process_simulated()))
        return;
    error = visor_control_new(path, owner, &daemon->control);
    if (error == -EADDRINUSE)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("Another timevisord answers at %s: timevisor(1) will not reach this one"),
                        path);
    else if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, _("No control socket at %s: %s"), path,
                        strerror(-error));
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

void visor_daemon_take_control(struct visor_daemon *daemon, const struct pollfd *ready)
{
    struct visor_control_call call;

    visor_control_handle(daemon->control, ready, 1);
    while (visor_control_next(daemon->control, &call)) {
        char *text = NULL;

        if (call.request.verb != VISOR_CONTROL_STATUS) {
            visor_control_reply(daemon->control, call.token, VISOR_CONTROL_UNKNOWN, NULL);
            continue;
        }
        text = print_status(daemon);
        visor_control_reply(daemon->control, call.token,
                            text ? VISOR_CONTROL_OK : VISOR_CONTROL_FAILED, text);
        free(text);
    }
}
