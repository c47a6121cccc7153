/* Puts the daemon together and takes it apart. */
#include "timevisord/start.h"

#include "port/configfile.h"
#include "port/text.h"
#include "timevisord/dumps.h"
#include "timevisord/once.h"
#include "timevisord/reload.h"
#include "timevisord/rtc.h"
#include "timevisord/rules.h"
#include "timevisord/setup.h"
#include "timevisord/signals.h"
#include "timevisord/witnesses.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The engine's whole randomness. Without the kernel's there is no safe cookie to be had. */
static bool draw_seed(uint64_t seed[4])
{
    return getrandom(seed, 4 * sizeof(seed[0]), 0) == (ssize_t)(4 * sizeof(seed[0]));
}

/* Under clknetsim the clocks make small steps at every reading until a program has waited for the
 * first time, so that it can find their precision; afterwards they show the true time. */
static void settle_clock(struct visor_daemon *daemon)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    struct pollfd timer = {.fd = daemon->timer, .events = POLLIN};
    uint64_t times;

    if (daemon->timer < 0 || timerfd_settime(daemon->timer, 0, &soon, NULL) ||
        poll(&timer, 1, 100) != 1 || read(daemon->timer, &times, sizeof(times)) < 0)
        return; /* it is nothing that the daemon needs */
}

static void start_clock(struct visor_daemon *daemon)
{
    int error = 0;

    daemon->precision_s = visor_clock_precision();
    settle_clock(daemon);
    visor_stamps_init(&daemon->stamps);
    if (daemon->options.dry_run)
        visor_clock_init_dry_run(&daemon->clock);
    else
        visor_clock_init(&daemon->clock);
    if (daemon->config->mode != VISOR_MODE_DISCIPLINE &&
        daemon->options.task != VISOR_TASK_SET_ONCE)
        return;
    error = visor_clock_take(&daemon->clock);
    daemon->settable = error == 0;
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("The clock cannot be set (%s): only observing it"), strerror(-error));
}

/* A device that is not there is waited for; one that cannot be understood is an error to correct.
 */
static int make_devices(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    char reason[256];

    daemon->devices = calloc(config->refclock_count + 1, sizeof(*daemon->devices));
    if (!daemon->devices)
        return -ENOMEM;
    for (size_t i = 0; i < config->refclock_count; i++) {
        if (!visor_refclock_device_init(&daemon->devices[i], &config->refclocks[i], (uint32_t)i,
                                        reason, sizeof(reason))) {
            visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("refclock %s : %s"),
                            config->refclocks[i].parameter, reason);
            return -EINVAL;
        }
        daemon->device_count++;
    }
    return 0;
}

static int open_timer(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

    return timer < 0 ? -1 : timer;
}

/* Without its key a source is not asked, and says so only to who looks. */
static void tell_missing_keys(const struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;

    for (size_t i = 0; i < config->source_count; i++) {
        const struct visor_source_config *source = &config->sources[i];

        if (source->key && !visor_keys_find(daemon->keys, source->key))
            visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                            _("Key %u used by source %s is missing: add it to %s"),
                            (unsigned int)source->key, source->name,
                            config->keyfile[0] ? config->keyfile : "keyfile");
    }
}

int visor_daemon_load_keys(struct visor_daemon *daemon)
{
    struct visor_diagnoses diagnoses;
    struct visor_keys *keys;

    if (!daemon->config->keyfile[0]) {
        tell_missing_keys(daemon);
        return 0;
    }
    visor_diagnoses_init(&diagnoses);
    keys = visor_keys_load(daemon->config->keyfile, &visor_configfile_loader, &diagnoses);
    visor_setup_log(&diagnoses, daemon->log);
    visor_diagnoses_done(&diagnoses);
    if (!keys)
        return -ENOMEM;
    visor_keys_free(daemon->keys);
    daemon->keys = keys;
    daemon->server.keys = keys;
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "Loaded %zu symmetric keys",
                    visor_keys_count(keys));
    tell_missing_keys(daemon);
    return 0;
}

/* Until the engine knows better: REALTIME, and that nobody vouches for it. */
static void start_view(struct visor_daemon *daemon)
{
    struct visor_reading now;

    if (daemon->clock.ops->read(&daemon->clock, &now))
        return;
    daemon->view = (struct visor_view){.version = 1,
                                       .raw = now.raw,
                                       .utc = now.real,
                                       .rate_ppb = now.frequency_ppb,
                                       .bound_ns = VISOR_NS_MAX,
                                       .leap = VISOR_LEAP_UNSYNCHRONIZED};
}

static void open_server(struct visor_daemon *daemon)
{
    int error = visor_server_open(&daemon->server);

    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not open NTP port %d : %s"),
                        daemon->config->port, strerror(-error));
}

int visor_start(struct visor_daemon *daemon)
{
    struct visor_reading now;
    uint64_t seed[4], server_seed[4];
    int error;

    if (!visor_clock_read_kernel(&now))
        daemon->started = now.raw;

    error = visor_daemon_open_control(daemon, geteuid());
    if (error)
        return error;
    daemon->once.hopeless_at.ns = daemon->once.slew_end.ns = INT64_MAX;
    daemon->timer = open_timer();
    visor_courier_init(&daemon->courier, daemon->config->chronyd_socket);
    visor_signals_init(daemon->timer);
    start_clock(daemon);
    if (daemon->options.set_from_rtc)
        visor_rtc_service_set_clock(daemon);
    daemon->net = visor_net_new(daemon->config, &daemon->stamps);
    daemon->logfile = visor_logfile_new(daemon->config, daemon->log);
    if (!daemon->net || !daemon->logfile)
        return -ENOMEM;
    daemon->hwstamp = visor_hwstamp_new(daemon->config, &daemon->stamps, daemon->log);
    visor_net_use_hwstamp(daemon->net, daemon->hwstamp);
    error = make_devices(daemon);
    if (error)
        return error;
    visor_daemon_open_segment(daemon);
    visor_net_restrict(daemon->net, daemon->options.only);
    if (!draw_seed(seed) || !draw_seed(server_seed))
        return -EIO;
    visor_daemon_load_keys(daemon);
    start_view(daemon);
    error =
        visor_server_init(&daemon->server, daemon->config, daemon->keys, daemon->net, server_seed);
    if (error)
        return error;
    daemon->server.silent =
        daemon->config->mode != VISOR_MODE_DISCIPLINE && !daemon->options.observe;
    open_server(daemon);
    daemon->rules = visor_rules_new(daemon);
    daemon->remote = visor_remote_new(daemon);
    if (!daemon->rules || !daemon->remote)
        return -ENOMEM;
    daemon->rtc = visor_rtc_service_new(daemon);
    daemon->witnesses = visor_witnesses_new(daemon);
    daemon->engine = visor_engine_new(daemon->config, seed);
    if (daemon->engine && daemon->config->record[0])
        daemon->recorder =
            visor_recorder_new(daemon->config->record, seed, daemon->config, daemon->log);
    return daemon->engine ? 0 : -ENOMEM;
}

static bool read_drift(const struct visor_daemon *daemon, struct visor_drift *drift)
{
    const char *path = daemon->config->driftfile;

    if (visor_daemon_read_drift(path, drift))
        return true;
    if (path[0] && access(path, F_OK) == 0)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        "Could not read valid frequency and skew from driftfile %s", path);
    return false;
}

void visor_start_engine(struct visor_daemon *daemon)
{
    struct visor_event event = {
        .kind = VISOR_EVENT_START,
        .start = {.clock_settable = daemon->settable, .precision_s = daemon->precision_s}};
    struct visor_drift drift = {0};

    visor_remote_open_path(daemon->remote);
    visor_once_initstep(daemon);
    event.start.drift_known = read_drift(daemon, &drift);
    event.start.drift_ppm = drift.frequency_ppm;
    event.start.skew_ppm = drift.skew_ppm;
    visor_daemon_handle(daemon, &event);
    visor_reload_announce(daemon);
    visor_dumps_read(daemon);
    if (daemon->reload_wanted)
        visor_reload_sources(daemon);
}

void visor_stop(struct visor_daemon *daemon)
{
    struct visor_event event = {.kind = VISOR_EVENT_STOP};

    if (daemon->engine && daemon->options.task == VISOR_TASK_RUN) {
        visor_daemon_handle(daemon, &event);
        if (daemon->config->dumpdir[0])
            visor_dumps_write(daemon);
    }
    visor_daemon_close_segment(daemon);
    visor_recorder_free(daemon->recorder);
    visor_rtc_service_free(daemon->rtc);
    visor_witnesses_free(daemon->witnesses);
    visor_engine_free(daemon->engine);
    visor_control_free(daemon->control);
    visor_remote_free(daemon->remote);
    visor_rules_free(daemon->rules);
    visor_server_done(&daemon->server);
    visor_net_free(daemon->net);
    visor_hwstamp_free(daemon->hwstamp);
    visor_keys_free(daemon->keys);
    visor_logfile_free(daemon->logfile);
    for (size_t i = 0; i < daemon->device_count; i++)
        visor_refclock_device_done(&daemon->devices[i]);
    free(daemon->devices);
    visor_helper_free(daemon->helper);
    visor_courier_done(&daemon->courier);
    free(daemon->queue.events);
    if (daemon->timer >= 0)
        close(daemon->timer);
}
