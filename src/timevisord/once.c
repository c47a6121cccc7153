/* The tasks that end by themselves. The engine only observes meanwhile; the one step, or the slew
 * of initstepslew, is made here by the view that it published. */
#include "timevisord/once.h"

#include "port/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POLLS_MAX   7                    /* a source: chronyd gives up then */
#define GRACE_NS    (2 * VISOR_NS_PER_S) /* for the last reply; a burst waits no longer for one */
#define SAMPLES_MIN 3
#define SLEW_MAX_S  60.0 /* a longer slew is left to the engine */

enum outcome { WAITING, MEASURED, HOPELESS };

static void finish(struct visor_daemon *daemon, int status)
{
    daemon->status = status;
    daemon->ended = true;
}

/* Can this source still come to enough samples? */
static bool is_promising(const struct visor_source_status *source)
{
    int polls = source->total_tx < POLLS_MAX ? (int)source->total_tx : POLLS_MAX;

    if (source->refclock)
        return source->samples < SAMPLES_MIN;
    if (!source->resolved)
        return source->resolve_result != VISOR_RESOLVE_FAILED;
    return source->online && source->send_error == 0 && polls < POLLS_MAX &&
           POLLS_MAX - polls + source->samples >= SAMPLES_MIN;
}

static bool is_hopeless(const struct visor_daemon *daemon, const struct visor_reading *now,
                        bool *heard)
{
    struct visor_status *status = malloc(sizeof(*status));
    bool hopeless = true;

    if (!status)
        return false;
    visor_engine_status(daemon->engine, now, status);
    *heard = true; /* nothing is under way any more */
    for (size_t i = 0; i < status->source_count; i++) {
        hopeless = hopeless && !is_promising(&status->sources[i]);
        *heard = *heard && status->sources[i].reach & 1;
    }
    free(status);
    return hopeless;
}

/* `offset_ns`: estimate - clock. */
static enum outcome measure(struct visor_daemon *daemon, int64_t *offset_ns)
{
    struct visor_daemon_once *once = &daemon->once;
    struct visor_reading now;
    bool heard;

    if (daemon->clock.ops->read(&daemon->clock, &now))
        return WAITING;
    if (daemon->view.trust == VISOR_TRUST_SYNCHRONIZED) {
        *offset_ns = visor_wall_diff(visor_view_utc(&daemon->view, now.raw), now.real);
        return MEASURED;
    }
    if (!is_hopeless(daemon, &now, &heard))
        once->hopeless_at.ns = INT64_MAX;
    else if (heard)
        return HOPELESS;
    else if (once->hopeless_at.ns == INT64_MAX)
        once->hopeless_at = visor_mono_add(now.raw, GRACE_NS);
    return visor_mono_before(now.raw, once->hopeless_at) ? WAITING : HOPELESS;
}

static int step(struct visor_daemon *daemon, int64_t offset_ns)
{
    int error = daemon->clock.ops->step(&daemon->clock, offset_ns);

    if (error)
        visor_log_write(daemon->log, VISOR_SEVERITY_ERROR, _("Could not step system clock : %s"),
                        strerror(-error));
    return error;
}

/* -q and -Q. */
static void set_or_print(struct visor_daemon *daemon)
{
    bool set = daemon->options.task == VISOR_TASK_SET_ONCE;
    int64_t offset_ns;

    switch (measure(daemon, &offset_ns)) {
    case WAITING:
        return;
    case MEASURED:
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "System clock wrong by %.6f seconds (%s)",
                        visor_seconds_from_ns(offset_ns), set ? "step" : "ignored");
        finish(daemon, set && step(daemon, offset_ns) ? 1 : 0);
        return;
    case HOPELESS:
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        "No suitable source for synchronisation");
        finish(daemon, 1);
        return;
    }
}

/* ---- initstepslew ---- */

static double magnitude(int64_t ns)
{
    return visor_seconds_from_ns(ns < 0 ? -ns : ns);
}

/* At the highest rate allowed, and then as it ran before. */
static void begin_slew(struct visor_daemon *daemon, int64_t offset_ns)
{
    struct visor_daemon_once *once = &daemon->once;
    double rate = daemon->config->max_slew_rate * 1e-6;
    double time = magnitude(offset_ns) / rate;
    struct visor_reading now;

    daemon->ended = true;
    if (!(time <= SLEW_MAX_S) || daemon->clock.ops->read(&daemon->clock, &now))
        return;
    once->base_ppb = now.frequency_ppb;
    if (daemon->clock.ops->set_frequency(&daemon->clock,
                                         once->base_ppb + (offset_ns < 0 ? -rate : rate) * 1e9))
        return;
    visor_daemon_note(daemon);
    once->slew_end = visor_mono_add(now.raw, visor_ns_from_seconds(time));
    daemon->ended = false;
}

static void end_slew(struct visor_daemon *daemon)
{
    if (visor_mono_before(visor_clock_raw(), daemon->once.slew_end))
        return;
    daemon->clock.ops->set_frequency(&daemon->clock, daemon->once.base_ppb);
    visor_daemon_note(daemon);
    daemon->ended = true;
}

static void look_at_initstep(struct visor_daemon *daemon)
{
    int64_t offset_ns;
    bool large;

    if (daemon->once.slew_end.ns != INT64_MAX) {
        end_slew(daemon);
        return;
    }
    switch (measure(daemon, &offset_ns)) {
    case WAITING:
        return;
    case HOPELESS:
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "No suitable source for initstepslew");
        daemon->ended = true;
        return;
    case MEASURED:
        break;
    }
    large = magnitude(offset_ns) > daemon->config->initstep_threshold;
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO,
                    "System's initial offset : %.6f seconds %s of true (%s)", magnitude(offset_ns),
                    offset_ns < 0 ? "fast" : "slow", large ? "step" : "slew");
    if (large) {
        step(daemon, offset_ns);
        visor_daemon_note(daemon);
        daemon->ended = true;
    } else {
        begin_slew(daemon, offset_ns);
    }
}

/* The servers of the directive, asked in quick succession, and nothing else. */
static struct visor_config *make_config(const struct visor_config *config)
{
    struct visor_config *made = visor_config_new();

    if (!made)
        return NULL;
    made->sources = calloc(config->initstep_count, sizeof(*made->sources));
    if (!made->sources) {
        visor_config_free(made);
        return NULL;
    }
    made->mode = VISOR_MODE_OBSERVE;
    made->emergency_off = true; /* a few questions, and then the daemon proper begins */
    made->max_distance = config->max_distance;
    made->max_clock_error = config->max_clock_error;
    made->clock_precision = config->clock_precision;
    for (size_t i = 0; i < config->initstep_count; i++) {
        struct visor_source_config *source = &made->sources[made->source_count++];

        visor_source_config_init(source);
        source->kind = VISOR_SOURCE_SERVER;
        source->iburst = true;
        source->maxpoll = source->minpoll;
        memcpy(source->name, config->initstep_names[i], sizeof(source->name));
    }
    return made;
}

static struct visor_engine *make_engine(const struct visor_config *config)
{
    uint64_t seed[4];

    if (!config || getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return NULL;
    return visor_engine_new(config, seed);
}

void visor_once_initstep(struct visor_daemon *daemon)
{
    struct visor_event event = {.kind = VISOR_EVENT_START,
                                .start = {.precision_s = daemon->precision_s}};
    struct visor_engine *engine = daemon->engine, *initial;
    struct visor_recorder *recorder = daemon->recorder;
    struct visor_view view = daemon->view;
    struct visor_config *config;

    if (!daemon->config->initstep_count || !daemon->settable ||
        daemon->options.task != VISOR_TASK_RUN)
        return;
    config = make_config(daemon->config);
    initial = make_engine(config);
    if (initial) {
        daemon->engine = initial;
        daemon->recorder = NULL; /* the record is the other engine's */
        daemon->once.initstep = true;
        visor_daemon_handle(daemon, &event);
        visor_daemon_run(daemon);
        daemon->once.initstep = daemon->ended = false;
        daemon->once.slew_end.ns = daemon->once.hopeless_at.ns = INT64_MAX;
        daemon->engine = engine;
        daemon->recorder = recorder;
        daemon->view = view; /* not synchronised, so far as this engine knows */
        daemon->queue.first = daemon->queue.count = daemon->queue.applied = 0;
        daemon->epoch++; /* what was asked for it is not for this one */
        visor_net_close_all(daemon->net);
    }
    visor_engine_free(initial);
    visor_config_free(config);
}

/* ---- the loop's questions ---- */

static visor_mono limit_of(const struct visor_daemon *daemon)
{
    if (!daemon->options.timeout_s)
        return (visor_mono){INT64_MAX};
    return visor_mono_add(daemon->started, daemon->options.timeout_s * VISOR_NS_PER_S);
}

visor_mono visor_once_deadline(const struct visor_daemon *daemon)
{
    const visor_mono all[] = {daemon->once.hopeless_at, daemon->once.slew_end, limit_of(daemon)};
    visor_mono earliest = {INT64_MAX};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (visor_mono_before(all[i], earliest))
            earliest = all[i];
    return earliest;
}

void visor_once_look(struct visor_daemon *daemon)
{
    if (daemon->ended)
        return;
    if (daemon->once.initstep) {
        look_at_initstep(daemon);
        return;
    }
    if (daemon->options.task != VISOR_TASK_RUN)
        set_or_print(daemon);
    if (!daemon->ended && daemon->options.timeout_s &&
        !visor_mono_before(visor_clock_raw(), limit_of(daemon))) {
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "Timeout reached");
        finish(daemon, daemon->view.trust != VISOR_TRUST_SYNCHRONIZED);
    }
}
