/* Connects the RTC's device (port/rtc.c) and its line (engine/rtc.c) with files, logs and commands.
 *
 * In a virtual machine its edges are handed to the engine too, as a witness: what stops the machine
 * does not stop its RTC. */
#include "timevisord/rtc.h"

#include "config/drift.h"
#include "engine/rtc.h"
#include "port/facts.h"
#include "port/file.h"
#include "port/rtc.h"
#include "port/rtcpoll.h"
#include "port/text.h"
#include "timevisord/signals.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_EDGES   8
#define FIRST_WAIT_NS (12 * VISOR_NS_PER_S)
#define SLEW_PPB      83333333.0 /* as chronyd slews at most */
#define SLEW_MIN_NS   VISOR_NS_PER_S
#define SWITCH_NS     (VISOR_NS_PER_S * 3 / 2)
#define PEEK_NS       (VISOR_NS_PER_S / 4) /* a stall shows within this and the reading's second */

struct visor_rtc_service {
    struct visor_daemon *daemon;
    struct visor_rtc_device device;
    struct visor_rtc rtc;
    bool failed;               /* said already */
    bool tracked;              /* for rtcfile */
    bool watched;              /* as a witness */
    struct visor_rtcpoll poll; /* while the device cannot be had */
    bool polled;               /* it gave the last reading */
    visor_mono track_at;
};

/* ---- files ---- */

static bool read_file(const char *path, struct visor_rtc_drift *drift)
{
    size_t size;
    char *text;
    bool read;

    if (!path[0] || visor_file_read(path, VISOR_DRIFT_TEXT, &text, &size))
        return false;
    read = visor_rtc_drift_read(text, size, drift);
    free(text);
    return read && drift->valid;
}

static int write_file(const char *path, const struct visor_rtc_drift *drift)
{
    char text[VISOR_DRIFT_TEXT];

    visor_rtc_drift_write(drift, text);
    return visor_file_replace(path, text, strlen(text), 0644);
}

static bool keeps_utc(const struct visor_config *config)
{
    return visor_rtc_keeps_utc(config->hwclockfile, config->rtc_on_utc);
}

/* ---- -s ---- */

static void note(struct visor_daemon *daemon, const char *text)
{
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "%s", text);
}

static bool step(struct visor_daemon *daemon, int64_t offset_ns)
{
    int error = daemon->settable ? daemon->clock.ops->step(&daemon->clock, offset_ns) : -EPERM;

    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not step system clock : %s"),
                        strerror(-error));
    visor_daemon_note(daemon);
    return error == 0;
}

/* The RTC's time of a moment ago, to half a second. False: there is none, or it cannot be. */
static bool set_coarse(struct visor_daemon *daemon, int64_t drift_file_s)
{
    const struct visor_config *config = daemon->config;
    struct visor_rtc_drift known = {0};
    struct visor_reading now;
    visor_wall utc;
    int64_t seconds, offset;
    int fd = visor_rtc_open(config->rtcdevice, false), error = fd;

    if (fd >= 0) {
        error = visor_rtc_read(fd, keeps_utc(config), true, &seconds);
        close(fd);
    }
    if (error >= 0)
        error = daemon->clock.ops->read(&daemon->clock, &now);
    if (error < 0) {
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not read RTC %s : %s"),
                        config->rtcdevice, strerror(-error));
        return false;
    }
    read_file(config->rtcfile, &known);
    utc = visor_wall_add(visor_rtc_utc(&known, seconds), VISOR_NS_PER_S / 2);
    if (utc.ns / VISOR_NS_PER_S < drift_file_s) {
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "%s",
                        "RTC time before last driftfile modification (ignored)");
        return false;
    }
    offset = visor_wall_diff(utc, now.real);
    if ((offset >= VISOR_NS_PER_S || offset <= -VISOR_NS_PER_S) && step(daemon, offset))
        note(daemon, "System time set from RTC");
    return true;
}

/* The clock was right when the drift file was written, and time does not run backward. */
static void set_from_file(struct visor_daemon *daemon, int64_t drift_file_s)
{
    struct visor_reading now;

    if (drift_file_s <= 0 || daemon->clock.ops->read(&daemon->clock, &now) ||
        now.real.ns / VISOR_NS_PER_S >= drift_file_s)
        return;
    if (step(daemon, drift_file_s * VISOR_NS_PER_S - now.real.ns))
        note(daemon, "System time restored from driftfile");
}

/* Sleep until `until`, or until a signal ends the daemon. */
static void sleep_until(struct visor_daemon *daemon, visor_mono until)
{
    struct visor_reading now;

    while (!visor_signals_ended() && !daemon->clock.ops->read(&daemon->clock, &now) &&
           visor_mono_before(now.raw, until))
        poll(NULL, 0, (int)(visor_mono_diff(until, now.raw) / 1000000) + 1);
}

static void slew(struct visor_daemon *daemon, int64_t offset_ns)
{
    struct visor_reading before, after;
    double size = (double)(offset_ns < 0 ? -offset_ns : offset_ns), rate;
    int64_t duration = (int64_t)(size * 1e9 / SLEW_PPB);

    if (!daemon->settable || daemon->clock.ops->read(&daemon->clock, &before))
        return;
    if (duration < SLEW_MIN_NS)
        duration = SLEW_MIN_NS;
    rate = (double)offset_ns * 1e9 / (double)duration;
    if (daemon->clock.ops->set_frequency(&daemon->clock, before.frequency_ppb + rate) == 0)
        sleep_until(daemon, visor_mono_add(before.raw, duration));
    if (daemon->clock.ops->read(&daemon->clock, &after) == 0)
        visor_stamps_note(&daemon->stamps, &after);
    daemon->clock.ops->set_frequency(&daemon->clock, before.frequency_ppb);
    visor_daemon_note(daemon);
}

/* Second edges in a row, as many as came in time. */
static size_t take_edges(struct visor_daemon *daemon, struct visor_rtc_sample *samples)
{
    struct visor_rtc_device device;
    struct visor_rtc_edge edge;
    struct visor_reading now;
    size_t count = 0;
    visor_mono until;

    if (daemon->clock.ops->read(&daemon->clock, &now))
        return 0;
    until = visor_mono_add(now.raw, FIRST_WAIT_NS);
    visor_rtc_device_init(&device, daemon->config->rtcdevice, keeps_utc(daemon->config), false);
    visor_rtc_device_want(&device, now.raw);
    while (count < FIRST_EDGES && visor_mono_before(now.raw, until) && !visor_signals_ended()) {
        struct pollfd ready;

        visor_rtc_device_tick(&device, now.raw, &edge);
        ready = (struct pollfd){.fd = visor_rtc_device_fd(&device), .events = POLLIN};
        if (poll(&ready, ready.fd < 0 ? 0 : 1, 500) == 1 &&
            visor_rtc_device_readable(&device, &edge))
            samples[count++] = (struct visor_rtc_sample){edge.stamp.raw, edge.seconds};
        if (daemon->clock.ops->read(&daemon->clock, &now))
            break;
    }
    visor_rtc_device_done(&device);
    return count;
}

/* What rtcfile knew about the RTC, and what the RTC says now, give the rest of the clock's error.
 */
static void set_fine(struct visor_daemon *daemon)
{
    struct visor_rtc_sample samples[FIRST_EDGES];
    struct visor_rtc_drift known;
    struct visor_reading now;
    struct visor_view view;
    double fast, expected, slow;
    size_t count;

    if (!read_file(daemon->config->rtcfile, &known)) {
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "%s", "No valid rtcfile coefficients");
        return;
    }
    count = take_edges(daemon, samples);
    if (daemon->clock.ops->read(&daemon->clock, &now))
        return;
    view = (struct visor_view){.raw = now.raw, .utc = now.real, .rate_ppb = now.frequency_ppb};
    if (count == 0 || !visor_rtc_fast(samples, count, &view, &fast))
        return;
    expected = known.fast_s +
               known.gain_ppm * 1e-6 * (double)(samples[count - 1].seconds - known.reference_s);
    slow = fast - expected;
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO,
                    "System clock off from RTC by %f seconds (slew)", -slow);
    if (slow < 1.0 && slow > -1.0)
        slew(daemon, visor_ns_from_seconds(slow));
    else
        step(daemon, visor_ns_from_seconds(slow));
}

void visor_rtc_service_set_clock(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    struct stat status;
    int64_t drift_file_s =
        config->driftfile[0] && stat(config->driftfile, &status) == 0 ? status.st_mtime : 0;

    if (!set_coarse(daemon, drift_file_s))
        set_from_file(daemon, drift_file_s);
    else if (config->rtcfile[0])
        set_fine(daemon);
}

/* ---- tracking ---- */

static void say_failure(struct visor_rtc_service *service)
{
    if (service->device.error && !service->failed && service->tracked)
        visor_log_write(service->daemon->log, VISOR_SEVERITY_ERROR,
                        "Could not open RTC device %s : %s", service->device.path,
                        strerror(service->device.error));
    service->failed = service->device.error != 0;
}

/* A real machine is not paused by anybody: its RTC jumps only when it is set. */
static bool watches(const struct visor_config *config)
{
    return config->witness_rtc == VISOR_WITNESS_ON ||
           (config->witness_rtc == VISOR_WITNESS_AUTO && visor_facts_is_virtual());
}

struct visor_rtc_service *visor_rtc_service_new(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    struct visor_rtc_service *service;
    bool watched = watches(config);
    struct visor_reading now;

    if ((!config->rtcfile[0] && !watched) || visor_clock_read_kernel(&now))
        return NULL;
    service = calloc(1, sizeof(*service));
    if (!service)
        return NULL;
    service->daemon = daemon;
    service->tracked = config->rtcfile[0] != 0;
    service->watched = watched;
    visor_rtc_init(&service->rtc, config->rtc_autotrim);
    visor_rtc_device_init(&service->device, config->rtcdevice, keeps_utc(config), service->tracked);
    visor_rtcpoll_init(&service->poll, NULL);
    if (watched)
        visor_rtc_device_peek(&service->device, PEEK_NS);
    visor_rtc_device_want(&service->device, now.raw);
    visor_rtc_service_tick(service, now.raw); /* opened while we still have the right */
    return service;
}

void visor_rtc_service_free(struct visor_rtc_service *service)
{
    if (!service)
        return;
    if (service->device.fd >= 0 && service->tracked)
        (void)visor_rtc_service_write(service);
    visor_rtc_device_done(&service->device);
    visor_rtcpoll_done(&service->poll);
    free(service);
}

int visor_rtc_service_fd(const struct visor_rtc_service *service)
{
    return service ? visor_rtc_device_fd(&service->device) : -1;
}

/* Somebody else holds the device, or it makes no interrupts. */
static bool must_poll(const struct visor_rtc_service *service)
{
    return service->watched && service->device.error != 0 && service->poll.error != ENOENT;
}

visor_mono visor_rtc_service_deadline(const struct visor_rtc_service *service)
{
    visor_mono device;

    if (!service)
        return (visor_mono){INT64_MAX};
    device = visor_rtc_device_deadline(&service->device);
    return must_poll(service) && visor_mono_before(visor_rtcpoll_deadline(&service->poll), device)
               ? visor_rtcpoll_deadline(&service->poll)
               : device;
}

bool visor_rtc_service_polls(const struct visor_rtc_service *service)
{
    return service && service->polled;
}

/* `width_ns`: how long after the second's edge the stamp can be. */
static void tell_engine(struct visor_rtc_service *service, const struct visor_rtc_edge *edge,
                        int64_t width_ns)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS,
                                .witness = {.kind = VISOR_WITNESS_RTC,
                                            .stamp = edge->stamp,
                                            .earliest = {edge->seconds * VISOR_NS_PER_S},
                                            .latest = {edge->seconds * VISOR_NS_PER_S + width_ns}}};

    visor_daemon_handle(service->daemon, &event);
}

static void write_log(const struct visor_rtc_service *service, const struct visor_rtc_edge *edge)
{
    const struct visor_rtc *rtc = &service->rtc;
    visor_wall utc = visor_view_utc(&service->daemon->view, edge->stamp.raw);
    struct visor_logfile_rtc record = {
        .at = utc,
        .fast_s = visor_seconds_from_ns(edge->seconds * VISOR_NS_PER_S - utc.ns),
        .valid = rtc->known,
        .estimated_fast_s = rtc->fast_s,
        .gain_ppm = rtc->gain * 1e6,
        .samples = (int)rtc->count,
        .runs = rtc->runs,
        .period_s = visor_rtc_period_s(rtc),
    };

    visor_logfile_write_rtc(service->daemon->logfile, &record);
}

static void save(struct visor_rtc_service *service, const struct visor_rtc_drift *drift)
{
    int error = write_file(service->daemon->config->rtcfile, drift);

    if (error)
        visor_log_write(service->daemon->log, VISOR_SEVERITY_ERROR, _("Could not write %s : %s"),
                        service->daemon->config->rtcfile, strerror(-error));
}

static void want_next(struct visor_rtc_service *service, visor_mono now)
{
    int period = visor_rtc_period_s(&service->rtc);

    /* as long as it takes to switch the interrupts on for each */
    if (service->watched && !visor_mono_before(now, service->track_at))
        service->track_at = visor_mono_add(now, period * VISOR_NS_PER_S + SWITCH_NS);
    if (service->device.armed && (period == 0 || service->watched))
        return; /* every edge */
    visor_rtc_device_stop(&service->device);
    visor_rtc_device_want(&service->device, visor_mono_add(now, period * VISOR_NS_PER_S));
}

static void track(struct visor_rtc_service *service, const struct visor_rtc_edge *edge)
{
    struct visor_rtc_drift drift;

    switch (visor_rtc_take(&service->rtc, edge->stamp.raw, edge->seconds, &service->daemon->view,
                           &drift)) {
    case VISOR_RTC_TRIM:
        visor_rtc_service_trim(service);
        break;
    case VISOR_RTC_SAVE:
        save(service, &drift);
        break;
    case VISOR_RTC_NOTHING:
        break;
    }
    write_log(service, edge);
}

void visor_rtc_service_readable(struct visor_rtc_service *service)
{
    struct visor_rtc_edge edge;

    if (!visor_rtc_device_readable(&service->device, &edge)) {
        say_failure(service);
        return;
    }
    say_failure(service);
    if (edge.seconds > INT64_MAX / VISOR_NS_PER_S - 1)
        return;
    if (service->tracked && !visor_mono_before(edge.stamp.raw, service->track_at))
        track(service, &edge);
    want_next(service, edge.stamp.raw);
    if (service->watched)
        tell_engine(service, &edge, 0);
}

/* There is always a way to read an RTC; it is as good a witness then, some seconds later. */
static void poll_instead(struct visor_rtc_service *service, visor_mono now)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    if (!service->daemon->engine)
        return; /* at the start; this needs no right that is given up */
    if (!must_poll(service)) {
        visor_rtcpoll_done(&service->poll);
        service->polled = false;
    } else if (visor_rtcpoll_look(&service->poll, now, &event.witness)) {
        if (!service->polled)
            visor_log_write(service->daemon->log, VISOR_SEVERITY_INFO,
                            _("The RTC is read by %s: its device cannot be used (%s)"),
                            service->poll.path, strerror(service->device.error));
        service->polled = true;
        visor_daemon_handle(service->daemon, &event);
    }
}

void visor_rtc_service_tick(struct visor_rtc_service *service, visor_mono now)
{
    struct visor_rtc_edge edge;

    if (!service)
        return;
    if (visor_rtc_device_tick(&service->device, now, &edge) && service->watched)
        tell_engine(service, &edge, VISOR_NS_PER_S);
    say_failure(service);
    poll_instead(service, now);
}

/* ---- chronyc ---- */

bool visor_rtc_service_report(const struct visor_rtc_service *service,
                              struct visor_cmdmon_rtc *report)
{
    if (!service || !service->tracked || service->device.fd < 0)
        return false;
    *report = (struct visor_cmdmon_rtc){
        .reference = {service->rtc.reference_s * VISOR_NS_PER_S},
        .samples = (uint16_t)service->rtc.count,
        .runs = (uint16_t)service->rtc.runs,
        .span = (uint32_t)visor_rtc_span_s(&service->rtc),
        .fast = service->rtc.fast_s,
        .gain_ppm = service->rtc.gain * 1e6,
    };
    return true;
}

enum visor_cmdmon_status visor_rtc_service_trim(struct visor_rtc_service *service)
{
    double fast = service ? service->rtc.fast_s : 0.0;
    struct visor_reading now;
    int64_t seconds;
    int error;

    if (!service || !service->tracked || service->device.fd < 0 || visor_clock_read_kernel(&now))
        return VISOR_CMDMON_NO_RTC;
    if (!visor_rtc_trim(&service->rtc, now.raw, &service->daemon->view, &seconds))
        return VISOR_CMDMON_SUCCESS; /* near enough */
    visor_log_write(service->daemon->log, VISOR_SEVERITY_INFO, "RTC wrong by %.3f seconds (step)",
                    fast);
    error = visor_rtc_set(service->device.fd, service->device.utc, seconds);
    if (error)
        visor_log_write(service->daemon->log, VISOR_SEVERITY_ERROR, "Could not set RTC time : %s",
                        strerror(-error));
    want_next(service, now.raw);
    return error ? VISOR_CMDMON_FAILED : VISOR_CMDMON_SUCCESS;
}

enum visor_cmdmon_status visor_rtc_service_write(struct visor_rtc_service *service)
{
    struct visor_rtc_drift drift;

    if (!service || !service->tracked || service->device.fd < 0)
        return VISOR_CMDMON_NO_RTC;
    if (!visor_rtc_drift(&service->rtc, &drift))
        return VISOR_CMDMON_SUCCESS; /* what the file has is the best that is known */
    return write_file(service->daemon->config->rtcfile, &drift) ? VISOR_CMDMON_BAD_RTC_FILE
                                                                : VISOR_CMDMON_SUCCESS;
}
