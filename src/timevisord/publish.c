/* The view for other processes: the clock segment. What goes wrong is said once, until it is right
 * again or goes wrong in another way. */
#include "port/text.h"
#include "timevisord/daemon.h"
#include "timevisord/process.h"

#include <errno.h>
#include <string.h>

#define RETRY_NS            (16 * VISOR_NS_PER_S)
#define CLOCKBOUND_EVERY_NS VISOR_NS_PER_S /* its clients expect that */

static void complain(struct visor_daemon *daemon, int error)
{
    const char *path = daemon->config->clock_segment;

    if (error == daemon->segment_error)
        return;
    daemon->segment_error = error;
    if (error == -EAGAIN)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("Another timevisord writes the clock segment %s"), path);
    else if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("Could not write the clock segment %s : %s"), path, strerror(-error));
}

/* A vmclock that is not to be a witness is none for readers either. */
static int open_clock_segment(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    bool off = config->witness_vmclock == VISOR_WITNESS_OFF;

    return visor_segment_open(&daemon->segment, config->clock_segment, off ? "" : NULL);
}

void visor_daemon_open_segment(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    int error;

    if (daemon->options.task != VISOR_TASK_RUN || visor_process_simulated())
        return;
    if (config->clock_segment[0])
        complain(daemon, open_clock_segment(daemon));
    if (!config->clockbound_segment[0])
        return;
    error = visor_clockbound_open(&daemon->clockbound, config->clockbound_segment);
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("Could not write the ClockBound segment %s : %s"),
                        config->clockbound_segment, strerror(-error));
}

void visor_daemon_close_segment(struct visor_daemon *daemon)
{
    if (daemon->segment.path[0])
        visor_segment_close(&daemon->segment);
    if (daemon->clockbound.path[0])
        visor_clockbound_close(&daemon->clockbound);
}

/* The move of the machine that the vmclock told holds for these clients, too. */
static void publish_clockbound(struct visor_daemon *daemon)
{
    const struct visor_segment_file *segment = &daemon->segment;
    bool heeded = segment->path[0] && segment->vmclock, marked = heeded && segment->marked;
    struct visor_view view = daemon->view;

    if (heeded && segment->publisher.last.trust == VISOR_TRUST_DISRUPTED) {
        view.trust = VISOR_TRUST_DISRUPTED;
        view.bound_ns = VISOR_NS_MAX;
    }
    visor_clockbound_publish(&daemon->clockbound, &view, marked ? &segment->marker : NULL);
}

/* A disk that was full, a directory that was not there yet: that passes. */
static void open_again(struct visor_daemon *daemon, visor_mono now)
{
    const char *path = daemon->config->clock_segment;

    if (daemon->segment_error == 0 || !path[0] || visor_mono_before(now, daemon->segment_retry))
        return;
    daemon->segment_retry = visor_mono_add(now, RETRY_NS);
    complain(daemon, open_clock_segment(daemon));
}

void visor_daemon_publish(struct visor_daemon *daemon)
{
    visor_mono now = visor_clock_raw();

    if (!daemon->segment.path[0])
        open_again(daemon, now);
    if (daemon->segment.path[0])
        complain(daemon, visor_segment_publish(&daemon->segment, &daemon->view, now));
    if (!daemon->clockbound.path[0])
        return;
    publish_clockbound(daemon);
    daemon->clockbound_due = visor_mono_add(now, CLOCKBOUND_EVERY_NS);
}

visor_mono visor_daemon_publish_deadline(const struct visor_daemon *daemon)
{
    visor_mono due = daemon->segment.path[0] ? daemon->segment.due : (visor_mono){INT64_MAX};

    if (daemon->clockbound.path[0] && visor_mono_before(daemon->clockbound_due, due))
        due = daemon->clockbound_due;
    return due;
}
