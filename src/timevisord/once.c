/* The tasks that end by themselves. The engine only observes meanwhile; the one step of -q is made
 * here, by the view that it published. */
#include "timevisord/once.h"

#include "port/text.h"

#include <stdlib.h>
#include <string.h>

#define POLLS_MAX 8 /* unanswered ones a source: chronyd gives up then */

static void finish(struct visor_daemon *daemon, int status)
{
    daemon->status = status;
    daemon->ended = true;
}

static void set_clock(struct visor_daemon *daemon, bool step)
{
    struct visor_reading now;
    int64_t offset;
    int error;

    if (daemon->clock.ops->read(&daemon->clock, &now))
        return;
    offset = visor_wall_diff(visor_view_utc(&daemon->view, now.raw), now.real);
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "System clock wrong by %.6f seconds (%s)",
                    visor_seconds_from_ns(offset), step ? "step" : "ignored");
    error = step ? daemon->clock.ops->step(&daemon->clock, offset) : 0;
    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not step system clock : %s"),
                        strerror(-error));
    finish(daemon, error ? 1 : 0);
}

/* Can any source still be expected to answer? */
static bool is_hopeless(const struct visor_daemon *daemon)
{
    struct visor_status *status = malloc(sizeof(*status));
    bool hopeless = true;
    struct visor_reading now;

    if (!status || daemon->clock.ops->read((struct visor_clock *)&daemon->clock, &now)) {
        free(status);
        return false;
    }
    visor_engine_status(daemon->engine, &now, status);
    if (status->unresolved)
        hopeless = false;
    for (size_t i = 0; i < status->source_count && hopeless; i++) {
        const struct visor_source_status *source = &status->sources[i];

        if (source->refclock || (source->online && source->total_tx < POLLS_MAX) || source->reach)
            hopeless = false;
    }
    free(status);
    return hopeless;
}

visor_mono visor_once_deadline(const struct visor_daemon *daemon)
{
    if (!daemon->options.timeout_s)
        return (visor_mono){INT64_MAX};
    return visor_mono_add(daemon->started, daemon->options.timeout_s * VISOR_NS_PER_S);
}

void visor_once_look(struct visor_daemon *daemon)
{
    bool set = daemon->options.task == VISOR_TASK_SET_ONCE;
    struct visor_reading now;

    if (daemon->ended)
        return;
    if (set || daemon->options.task == VISOR_TASK_PRINT_ONCE) {
        if (daemon->view.trust == VISOR_TRUST_SYNCHRONIZED) {
            set_clock(daemon, set);
            return;
        }
        if (is_hopeless(daemon)) {
            visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                            "No suitable source for synchronisation");
            finish(daemon, 1);
            return;
        }
    }
    if (!visor_clock_read_kernel(&now) &&
        !visor_mono_before(now.raw, visor_once_deadline(daemon))) {
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "Timeout reached");
        finish(daemon, daemon->view.trust != VISOR_TRUST_SYNCHRONIZED);
    }
}
