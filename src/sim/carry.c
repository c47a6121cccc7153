/* What an engine asks for, done to the simulated machine and network. Answers of the operating
 * system are queued; host.c hands them over when the engine's actions are drained. */
#include "sim/host.h"

#include "sim/device.h"
#include "sim/visit.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LATENCY_S   5e-3
#define DAEMON_LATENCY_S 1e-5 /* from the daemon's own stamp to the wire */

static struct visor_event *answer(struct visor_world *world, enum visor_event_kind kind)
{
    struct visor_event *event;

    if (world->answer_count == world->answer_room) {
        size_t room = world->answer_room ? world->answer_room * 2 : 16;
        struct visor_event *more = realloc(world->answers, room * sizeof(*more));

        if (!more) {
            world->out_of_memory = true;
            return NULL;
        }
        world->answers = more;
        world->answer_room = room;
    }
    event = &world->answers[world->answer_count++];
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    return event;
}

/* ---- network ---- */

/* The way to a target, made when it is first taken. */
static bool make_route(struct visor_host *host, struct visor_world *world, uint32_t target)
{
    const char *far = target & VISOR_TARGET_IS_HOST ? visor_world_host_of(world, target)->name
                                                    : world->scenario->servers[target].name;
    struct visor_route *routes;
    char name[2 * VISOR_SCENARIO_NAME_MAX];
    size_t length = strlen(host->name);

    for (size_t i = 0; i < host->route_count; i++)
        if (host->routes[i].target == target)
            return true;
    routes = realloc(host->routes, (host->route_count + 1) * sizeof(*routes));
    if (!routes) {
        world->out_of_memory = true;
        return false;
    }
    host->routes = routes;
    routes += host->route_count++;
    memcpy(name, host->name, length);
    strcpy(name + length, far);
    *routes = (struct visor_route){.target = target};
    visor_path_init(&routes->path, visor_world_seed(world->seed, name, "path"));
    return true;
}

static void tell_sent(struct visor_host *host, struct visor_world *world,
                      const struct visor_action_send *send, int error)
{
    struct visor_event *event = answer(world, VISOR_EVENT_SENT);
    bool daemon = host->model->stamping == VISOR_STAMPING_DAEMON;
    int64_t latency = visor_ns_from_seconds(DAEMON_LATENCY_S * visor_rng_exponential(&host->rng));

    if (!event)
        return;
    event->sent.source = send->source;
    event->sent.token = send->token;
    event->sent.error = error;
    event->sent.sent = (struct visor_stamp){
        .raw = {host->kernel.raw - (daemon ? 0 : latency)},
        .error_ns = visor_ns_from_seconds(DAEMON_LATENCY_S),
        .by = VISOR_STAMPER_DAEMON,
    };
    host->leaves_late_ns = daemon ? latency : 0;
    if (error || daemon)
        return;
    event = answer(world, VISOR_EVENT_SENT);
    if (!event)
        return;
    event->sent.source = send->source;
    event->sent.token = send->token;
    event->sent.sent = (struct visor_stamp){
        .raw = {host->kernel.raw}, .error_ns = 100, .by = VISOR_STAMPER_KERNEL};
    if (host->model->stamping == VISOR_STAMPING_HARDWARE) {
        event->sent.sent.error_ns = 20;
        event->sent.sent.by = VISOR_STAMPER_HARDWARE;
    }
}

static bool exists(const struct visor_world *world, uint32_t target)
{
    return target & VISOR_TARGET_IS_HOST ? (target & (VISOR_TARGET_IS_HOST - 1)) < world->host_count
                                         : target < world->scenario->server_count;
}

void visor_host_transmit(struct visor_host *host, struct visor_world *world, uint32_t target,
                         uint32_t source, const uint8_t *data, size_t size)
{
    struct visor_parcel *parcel;
    int64_t travel;

    if (!exists(world, target) || !make_route(host, world, target))
        return;
    travel = visor_visit_travel(world, host, target, VISOR_UP);
    parcel = travel < 0 ? NULL : visor_parcel_take(world);
    if (!parcel)
        return;
    parcel->host = host;
    parcel->target = target;
    parcel->source = source;
    parcel->began_at = world->now;
    parcel->began_raw = host->kernel.raw;
    parcel->size = size;
    memcpy(parcel->data, data, size);
    visor_parcel_post(world, parcel,
                      target & VISOR_TARGET_IS_HOST ? VISOR_HAPPENING_VISIT
                                                    : VISOR_HAPPENING_REQUEST,
                      world->now + host->leaves_late_ns + travel);
}

static void send(struct visor_host *host, struct visor_world *world,
                 const struct visor_action_send *send)
{
    uint32_t target;

    host->score.sent++;
    tell_sent(host, world, send, 0); /* first the stamp, then the packet leaves */
    if (visor_world_target(&send->to, &target))
        visor_host_transmit(host, world, target, send->from_server ? 0 : send->source, send->data,
                            send->size);
}

/* Names are those of servers and of hosts. */
static uint32_t look_up(const struct visor_world *world, const char *name)
{
    for (uint32_t i = 0; i < world->scenario->server_count; i++)
        if (strcmp(world->scenario->servers[i].name, name) == 0)
            return i;
    for (uint32_t i = 0; i < world->host_count; i++)
        if (strcmp(world->hosts[i].name, name) == 0)
            return VISOR_TARGET_IS_HOST | i;
    return VISOR_SCENARIO_NONE;
}

static void resolve(struct visor_host *host, struct visor_world *world,
                    const struct visor_action_resolve *resolve)
{
    struct visor_parcel *parcel = visor_parcel_take(world);

    if (!parcel)
        return;
    parcel->host = host;
    parcel->query = resolve->query;
    parcel->began_at = world->now;
    parcel->target = look_up(world, resolve->name);
    visor_parcel_post(world, parcel, VISOR_HAPPENING_NAME,
                      world->now + visor_ns_from_seconds(NAME_LATENCY_S));
}

static void measure(struct visor_host *host, struct visor_world *world, uint32_t refclock)
{
    struct visor_event *event = answer(world, VISOR_EVENT_REFCLOCK);

    if (event)
        visor_device_measure(host, world, refclock, &event->refclock);
}

/* ---- clock ---- */

static void tell_applied(struct visor_host *host, struct visor_world *world,
                         enum visor_clock_action action, int64_t stepped_ns)
{
    struct visor_event *event = answer(world, VISOR_EVENT_APPLIED);

    if (!event)
        return;
    event->applied.action = action;
    event->applied.frequency_ppb = host->kernel.applied * 1e9;
    event->applied.stepped_ns = stepped_ns;
    event->applied.after = visor_host_reading(host);
}

static void set_frequency(struct visor_host *host, struct visor_world *world, double ppb)
{
    visor_kernel_set_frequency(&host->kernel, ppb);
    host->frequency_set = true;
    tell_applied(host, world, VISOR_CLOCK_FREQUENCY, 0);
}

/* What a witness could prove: forward, no more than the machine has lost; backward, what its
 * counter has won, where that is allowed. */
static bool proven(const struct visor_host *host, int64_t ns)
{
    const struct visor_scenario_host *model = host->model;
    bool witness = (model->rtc.exists && !model->rtc.derived) ||
                   (model->watches & (1u << VISOR_WITNESS_PHC | 1u << VISOR_WITNESS_VMCLOCK |
                                      1u << VISOR_WITNESS_VMGENID)) != 0;

    if (!witness || model->config->stall == VISOR_STALL_SLEW)
        return false;
    return ns > 0 ? ns < host->lost_ns + VISOR_NS_PER_S / 10
                  : model->config->emergency_backward && -ns < host->won_ns + VISOR_NS_PER_S / 10;
}

/* What a step was for; by the word of a witness it may be a part only, and another step the rest.
 */
static void give_back(int64_t *of, int64_t ns)
{
    *of = *of > ns ? *of - ns : 0;
}

/* Leap seconds apart, only makestep, initstepslew and stall allow steps. */
static void step(struct visor_host *host, struct visor_world *world, int64_t ns)
{
    const struct visor_config *config = host->model->config;
    double size = visor_seconds_from_ns(ns < 0 ? -ns : ns);
    uint64_t steps = host->score.steps - host->steps_before; /* of this life of the daemon */
    bool allowed = size >= config->makestep_threshold * 0.999 &&
                   (config->makestep_limit < 0 || steps < (uint64_t)config->makestep_limit);

    if (!allowed && !proven(host, ns) && !(config->initstep_count > 0 && steps == 0))
        visor_checker_blame(&host->checker, VISOR_VIOLATION_STEP, world->now, size,
                            config->makestep_threshold);
    host->score.steps++;
    host->score.stepped += size;
    give_back(ns > 0 ? &host->lost_ns : &host->won_ns, ns > 0 ? ns : -ns);
    visor_kernel_step(&host->kernel, ns);
    tell_applied(host, world, VISOR_CLOCK_STEP, ns);
}

static void publish(struct visor_host *host, const struct visor_view *view)
{
    host->score.disruptions +=
        view->trust == VISOR_TRUST_DISRUPTED && host->view.trust != VISOR_TRUST_DISRUPTED;
    host->view = *view;
    host->published = true;
}

static void note_selection(struct visor_host *host, const struct visor_message *message)
{
    switch (message->kind) {
    case VISOR_MESSAGE_SELECTED:
        host->score.selections++;
        if (!visor_world_target(&message->address, &host->selected))
            host->selected = VISOR_SCENARIO_NONE;
        break;
    case VISOR_MESSAGE_NO_SELECTABLE:
    case VISOR_MESSAGE_NO_MAJORITY:
    case VISOR_MESSAGE_NOT_ENOUGH:
    case VISOR_MESSAGE_NO_REQUIRED:
    case VISOR_MESSAGE_HOLDOVER:
        host->selected = VISOR_SCENARIO_NONE;
        break;
    default:
        break;
    }
}

void visor_host_carry(struct visor_host *host, struct visor_world *world,
                      const struct visor_action *action)
{
    switch (action->kind) {
    case VISOR_ACTION_SEND:
        send(host, world, &action->send);
        break;
    case VISOR_ACTION_RESOLVE:
        resolve(host, world, &action->resolve);
        break;
    case VISOR_ACTION_FREQUENCY:
        set_frequency(host, world, action->frequency.frequency_ppb);
        break;
    case VISOR_ACTION_STEP:
        step(host, world, action->step.offset_ns);
        break;
    case VISOR_ACTION_STATUS:
        visor_kernel_set_status(&host->kernel, action->status.synchronized,
                                action->status.max_error_s);
        tell_applied(host, world, VISOR_CLOCK_STATUS, 0);
        break;
    case VISOR_ACTION_PUBLISH:
        publish(host, &action->view);
        break;
    case VISOR_ACTION_LOG:
        note_selection(host, &action->message);
        break;
    case VISOR_ACTION_DRIFT:
        host->drift_known = true;
        host->drift_ppm = action->drift.frequency_ppm;
        host->drift_skew_ppm = action->drift.skew_ppm;
        break;
    case VISOR_ACTION_FATAL: /* the daemon has exited */
        host->running = false;
        break;
    case VISOR_ACTION_MEASURE:
        measure(host, world, action->refclock);
        break;
    case VISOR_ACTION_CLOSE:
    case VISOR_ACTION_RECORD:
    case VISOR_ACTION_ANSWER:
    case VISOR_ACTION_CHRONYD: /* nobody is beside us: as if it were away */
        break;
    }
}
