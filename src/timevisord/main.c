/* The daemon's entry: from the command line to the exit status. */
#include "port/file.h"
#include "port/sandbox.h"
#include "port/text.h"
#include "timevisord/process.h"
#include "timevisord/setup.h"
#include "timevisord/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHRONYD_PIDFILE "/run/chrony/chronyd.pid" /* the default, and not ours when observing */

static void say(struct visor_daemon *daemon, const char *what, int error)
{
    visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "%s : %s", what, strerror(-error));
}

/* "": none is to be written. */
static const char *pidfile_of(const struct visor_daemon *daemon)
{
    bool owner = daemon->config->mode == VISOR_MODE_DISCIPLINE && !daemon->options.dry_run;

    return owner || strcmp(daemon->config->pidfile, CHRONYD_PIDFILE) != 0 ? daemon->config->pidfile
                                                                          : "";
}

static void refuse(struct visor_daemon *daemon)
{
    pid_t pid = visor_process_holder(pidfile_of(daemon));
    char name[32];

    if (!pid || !visor_process_name(pid, name, sizeof(name)))
        snprintf(name, sizeof(name), "timevisord");
    visor_log_write(daemon->log, VISOR_SEVERITY_FATAL,
                    _("Another %s may already be running (pid=%d), check %s"), name, (int)pid,
                    pidfile_of(daemon));
}

/* True: said so. Asked while the PID file is ours: daemons that start at once would take one
 * another's questions for a rival. */
static bool has_rival(struct visor_daemon *daemon)
{
    char name[96];

    if (daemon->config->mode != VISOR_MODE_DISCIPLINE || daemon->options.dry_run ||
        !visor_process_rival(name, sizeof(name)))
        return false;
    visor_log_write(daemon->log, VISOR_SEVERITY_FATAL,
                    _("The clock is kept by %s: stop it first, or observe (-x)"), name);
    return true;
}

/* False: where it was told to write it cannot. */
static bool start_log(struct visor_daemon *daemon)
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
        visor_log_write(daemon->log, VISOR_SEVERITY_FATAL, _("Could not open log file %s : %s"),
                        options->log_file, strerror(-error));
    return error == 0;
}

static const char *user_of(const struct visor_daemon *daemon)
{
    if (daemon->options.user)
        return daemon->options.user;
    return daemon->config->user[0] ? daemon->config->user : daemon->assistant;
}

/* Directories that files will be written to belong to the user that will write them. */
static void make_directories(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    int error = 0;

    if (user_of(daemon)[0])
        visor_process_find_user(user_of(daemon), &uid, &gid);
    if (config->logs && config->logdir[0])
        error = visor_file_make_directory(config->logdir, 0755, uid, gid);
    if (error)
        say(daemon, config->logdir, error);
    error = config->dumpdir[0] ? visor_file_make_directory(config->dumpdir, 0750, uid, gid) : 0;
    if (error)
        say(daemon, config->dumpdir, error);
}

static void take_privileges(struct visor_daemon *daemon)
{
    const struct visor_options *options = &daemon->options;
    int error = options->lock_memory ? visor_process_lock_memory() : 0;

    if (error)
        say(daemon, _("Could not lock memory"), error);
    error = options->priority > 0 ? visor_process_set_priority(options->priority) : 0;
    if (error)
        say(daemon, _("Could not set the priority"), error);
}

/* False: the daemon would run with rights that it was told to give up. */
static bool drop_privileges(struct visor_daemon *daemon)
{
    const char *user = user_of(daemon);
    int error = 0;

    if (user[0] && geteuid() == 0)
        error = visor_process_drop(user, daemon->settable, daemon->config->bind_acq_device[0]);
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_FATAL, _("Could not become user %s : %s"), user,
                        error == -ENOENT ? _("no such user") : strerror(-error));
    return error == 0;
}

static bool enter_sandbox(struct visor_daemon *daemon)
{
    int error = visor_sandbox_enter(daemon->options.filter);

    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_FATAL, _("Could not filter system calls : %s"),
                        strerror(-error));
    else if (daemon->options.filter)
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, _("System calls are filtered (level %d)"),
                        daemon->options.filter);
    return error == 0;
}

static void tell_ready(struct visor_daemon *daemon, int parent)
{
    visor_process_started(parent, NULL);
    visor_process_notify("READY=1");
    if (daemon->options.notify_fd < 0)
        return;
    if (write(daemon->options.notify_fd, "\n", 1) != 1)
        say(daemon, "-N", -errno);
    close(daemon->options.notify_fd);
}

static bool run(struct visor_daemon *daemon, int parent)
{
    int error = visor_start(daemon);

    if (error) {
        visor_log_write(daemon->log, VISOR_SEVERITY_FATAL, _("Could not start: %s"),
                        strerror(-error));
        return false;
    }
    if (!drop_privileges(daemon) || !enter_sandbox(daemon))
        return false;
    visor_start_engine(daemon);
    tell_ready(daemon, parent);
    visor_daemon_run(daemon);
    visor_process_notify("STOPPING=1");
    return true;
}

static bool prepare(struct visor_daemon *daemon)
{
    if (has_rival(daemon))
        return false;
    daemon->helper = visor_helper_new(VISOR_HELPER_PROCESS, daemon->config);
    make_directories(daemon);
    take_privileges(daemon);
    return daemon->helper;
}

static int run_alone(struct visor_daemon *daemon, int parent)
{
    int error;
    bool fine;

    if (daemon->config->mode == VISOR_MODE_ASSIST)
        visor_file_make_parent(pidfile_of(daemon)); /* no other daemon has made it for us */
    error = visor_process_write_pidfile(pidfile_of(daemon));
    if (error == -EAGAIN) { /* it was started at the same time */
        refuse(daemon);
        visor_process_started(parent, visor_log_last(daemon->log));
        return 1;
    }
    if (error)
        say(daemon, daemon->config->pidfile, error);
    fine = prepare(daemon) && run(daemon, parent);
    if (!fine)
        visor_process_started(parent, visor_log_last(daemon->log));
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "chronyd exiting");
    visor_stop(daemon);
    visor_process_remove_pidfile(pidfile_of(daemon));
    return fine ? daemon->status : 1;
}

static int start(struct visor_daemon *daemon)
{
    int parent = -1;

    daemon->config = visor_setup_config(&daemon->options, daemon->log);
    if (!daemon->config)
        return 1;
    if (daemon->config->mode == VISOR_MODE_ASSIST)
        visor_process_find_owner(daemon->config->chronyd_socket, daemon->assistant,
                                 sizeof(daemon->assistant));
    if (daemon->options.task == VISOR_TASK_PRINT_CONFIG)
        return visor_setup_print(daemon->config) ? 0 : 1;
    if (visor_process_holder(pidfile_of(daemon))) {
        refuse(daemon);
        return 1;
    }
    if (!start_log(daemon)) /* before it is in another directory, and nobody reads what it says */
        return 1;
    if (!daemon->options.foreground) {
        parent = visor_process_detach();
        if (parent < 0)
            return 1;
    }
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "timevisord version %s starting",
                    VISOR_VERSION);
    return run_alone(daemon, parent);
}

int main(int argc, char **argv)
{
    struct visor_daemon *daemon = calloc(1, sizeof(*daemon));
    int status;

    visor_text_init();
    if (!daemon)
        return 1;
    daemon->timer = -1;
    visor_options_read(&daemon->options, argc, argv);
    switch (daemon->options.task) {
    case VISOR_TASK_HELP:
        visor_options_print_help();
        break;
    case VISOR_TASK_VERSION:
        visor_options_print_version();
        break;
    default:
        daemon->log = visor_log_new();
        break;
    }
    if (!daemon->log || daemon->options.task == VISOR_TASK_REFUSE) {
        status =
            daemon->options.task != VISOR_TASK_HELP && daemon->options.task != VISOR_TASK_VERSION;
    } else {
        status = start(daemon);
    }
    visor_config_free(daemon->config);
    visor_log_free(daemon->log);
    free(daemon);
    return status;
}
