/* The view for other processes: the clock segment. What goes wrong is said once, until it is right
 * again or goes wrong in another way. */
#include "port/text.h"
#include "timevisord/daemon.h"
#include "timevisord/process.h"

#include <errno.h>
#include <string.h>

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

void visor_daemon_open_segment(struct visor_daemon *daemon)
{
    if (!daemon->config->clock_segment[0] || daemon->options.task != VISOR_TASK_RUN ||
        visor_process_simulated())
        return;
    complain(daemon, visor_segment_open(&daemon->segment, daemon->config->clock_segment, NULL));
}

void visor_daemon_publish(struct visor_daemon *daemon)
{
    if (daemon->segment.path[0])
        complain(daemon, visor_segment_publish(&daemon->segment, &daemon->view, visor_clock_raw()));
}

visor_mono visor_daemon_publish_deadline(const struct visor_daemon *daemon)
{
    return daemon->segment.path[0] ? daemon->segment.due : (visor_mono){INT64_MAX};
}
