/* The daemon's entry: from the command line to the exit status. */
#include "port/text.h"
#include "timevisord/process.h"
#include "timevisord/setup.h"
#include "timevisord/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void fail(struct visor_daemon *daemon, int parent)
{
    daemon->status = 1;
    visor_process_started(parent, visor_log_last(daemon->log));
}

/* False: said why. */
static bool may_own_clock(struct visor_daemon *daemon)
{
    const char *pidfile = daemon->config->pidfile;
    pid_t holder = visor_process_holder(pidfile);
    char name[96];

    if (holder) {
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR,
                        _("Another timevisord may already be running (pid=%d), check %s"),
                        (int)holder, pidfile);
        return false;
    }
    if (daemon->config->mode == VISOR_MODE_DISCIPLINE && !daemon->options.dry_run &&
        visor_process_rival(name, sizeof(name))) {
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR,
                        _("The clock is kept by %s: stop it first, or observe (-x)"), name);
        return false;
    }
    return true;
}

static void start_log(struct visor_daemon *daemon)
{
    static const enum visor_severity severities[] = {VISOR_SEVERITY_INFO, VISOR_SEVERITY_WARNING,
                                                     VISOR_SEVERITY_ERROR, VISOR_SEVERITY_FATAL};
    const struct visor_options *options = &daemon->options;
    int level = options->log_severity, error = 0;

    if (options->debug > 1 || level < 0)
        visor_log_set_severity(daemon->log, VISOR_SEVERITY_DEBUG);
    else
        visor_log_set_severity(daemon->log, severities[level < 3 ? level : 3]);
    if (options->log_file)
        error = visor_log_to_file(daemon->log, options->log_file);
    else if (!options->terminal)
        visor_log_to_syslog(daemon->log, "timevisord");
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not open %s : %s"),
                        options->log_file, strerror(-error));
}

/* Anything but -1: go on. */
static int detach(struct visor_daemon *daemon, int *parent)
{
    *parent = -1;
    if (daemon->options.foreground)
        return 0;
    *parent = visor_process_detach();
    return *parent < 0 ? -1 : 0;
}

static void run(struct visor_daemon *daemon, int parent)
{
    int error = visor_start(daemon);

    if (error) {
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not start: %s"),
                        strerror(-error));
        fail(daemon, parent);
        return;
    }
    visor_start_engine(daemon);
    visor_process_started(parent, NULL);
    visor_process_notify("READY=1");
    visor_daemon_run(daemon);
    visor_process_notify("STOPPING=1");
}

static int start(struct visor_daemon *daemon)
{
    int parent;

    daemon->config = visor_setup_config(&daemon->options, daemon->log);
    if (!daemon->config)
        return 1;
    if (!may_own_clock(daemon) || detach(daemon, &parent))
        return 1;
    start_log(daemon);
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "timevisord version %s starting",
                    VISOR_VERSION);
    daemon->helper = visor_helper_new(VISOR_HELPER_PROCESS);
    if (daemon->helper && !visor_process_write_pidfile(daemon->config->pidfile))
        run(daemon, parent);
    else
        fail(daemon, parent);
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "chronyd exiting");
    visor_stop(daemon);
    visor_process_remove_pidfile(daemon->config->pidfile);
    return daemon->status;
}

int main(int argc, char **argv)
{
    struct visor_daemon *daemon = calloc(1, sizeof(*daemon));
    int status;

    visor_text_init();
    if (!daemon)
        return 1;
    visor_options_read(&daemon->options, argc, argv);
    switch (daemon->options.task) {
    case VISOR_TASK_HELP:
        visor_options_print_help();
        return 0;
    case VISOR_TASK_VERSION:
        visor_options_print_version();
        return 0;
    case VISOR_TASK_REFUSE:
        return 1;
    default:
        break;
    }
    daemon->timer = -1;
    daemon->log = visor_log_new();
    if (!daemon->log)
        return 1;
    status = start(daemon);
    visor_config_free(daemon->config);
    visor_log_free(daemon->log);
    free(daemon);
    return status;
}
