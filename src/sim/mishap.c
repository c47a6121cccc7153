/* Faults. What a fault does to the truth of published bounds is told to the host's checker here,
 * and only here. */
#include "sim/mishap.h"

#include "sim/watch.h"

#include <stdlib.h>

#define PATIENCE 8 /* exchanges a source that may fail to show a fault */

/* ---- hosts ---- */

static void fault(struct visor_host *host, const struct visor_world *world)
{
    visor_checker_fault(&host->checker, world->now, PATIENCE * ((uint32_t)host->route_count + 1));
}

static void hold(struct visor_host *host, struct visor_world *world, int64_t ns)
{
    int64_t until = world->now + ns;

    if (until > host->busy_until)
        host->busy_until = until;
    if (!visor_heap_push(&world->heap, &host->resume, host->busy_until))
        world->out_of_memory = true;
}

static void pause(struct visor_host *host, struct visor_world *world, double seconds)
{
    if (!host->kernel.frozen)
        host->paused_at = world->now;
    host->kernel.frozen = true;
    hold(host, world, visor_ns_from_seconds(seconds));
}

/* Its kernel knows that it was suspended, and for how long, by a clock of whole seconds. */
static void wake(struct visor_host *host)
{
    int64_t slept = host->suspend_ns;

    if (slept == 0)
        return;
    host->suspend_ns = 0;
    host->watch.markers[VISOR_WITNESS_BOOTTIME] += (uint64_t)slept;
    visor_kernel_step(&host->kernel, slept);
    host->lost_ns -= slept;
}

static void change_rate(struct visor_host *host, double by)
{
    visor_oscillator_shift(&host->oscillator, by);
    host->kernel.rate += by;
}

/* `maxclockerror` promises to bear so much, as a room that gets warmer makes of it. */
static bool is_allowed_for(const struct visor_host *host, double change)
{
    return (change < 0.0 ? -change : change) <= host->model->config->max_clock_error * 1e-6;
}

void visor_mishap_resume(struct visor_world *world, struct visor_host *host)
{
    int64_t real, lost; /* by CLOCK_REALTIME */

    visor_host_advance(host, world, world->now);
    if (!host->kernel.frozen)
        return;
    host->kernel.frozen = false;
    real = host->kernel.real;
    visor_kernel_jump(&host->kernel, host->resume_jump);
    lost = world->now - host->paused_at - (host->kernel.real - real);
    *(lost > 0 ? &host->lost_ns : &host->won_ns) += lost > 0 ? lost : -lost;
    change_rate(host, host->resume_rate);
    host->resume_jump = 0;
    host->resume_rate = 0.0;
    wake(host);
    fault(host, world);
    visor_watch_woke(host, world);
}

static void migrate(struct visor_host *host, struct visor_world *world, const double number[3])
{
    int64_t down = visor_ns_from_seconds(number[0]);

    host->resume_jump = down + visor_ns_from_seconds(number[1]);
    host->resume_rate = number[2];
    host->watch.markers[VISOR_WITNESS_VMCLOCK]++;
    pause(host, world, number[0]);
}

static void foreign_slew(struct visor_host *host, double seconds)
{
    host->kernel.slewing += seconds;
    host->checker.clock_excused = true;
}

static void happen_to_host(struct visor_host *host, struct visor_world *world,
                           const struct visor_scenario_mishap *mishap)
{
    const double *number = mishap->number;
    int64_t lasts = world->now + visor_ns_from_seconds(number[1]);

    visor_host_advance(host, world, world->now);
    switch (mishap->kind) {
    case VISOR_MISHAP_RESTORE:
        host->lost_before = world->now + 1;
        host->watch.markers[VISOR_WITNESS_VMCLOCK]++;
        host->watch.markers[VISOR_WITNESS_VMGENID]++;
        pause(host, world, number[0]);
        break;
    case VISOR_MISHAP_SUSPEND:
        host->suspend_ns = visor_ns_from_seconds(number[0]) / VISOR_NS_PER_S * VISOR_NS_PER_S;
        pause(host, world, number[0]);
        break;
    case VISOR_MISHAP_PAUSE:
        pause(host, world, number[0]);
        break;
    case VISOR_MISHAP_STALL:
        host->checker.clock_excused = true; /* a slew under way goes on, and nobody ends it */
        hold(host, world, visor_ns_from_seconds(number[0]));
        break;
    case VISOR_MISHAP_MIGRATE:
        migrate(host, world, number);
        break;
    case VISOR_MISHAP_STEAL:
        host->steal_share = number[0];
        host->steal_until = lasts;
        host->steal_burst = number[2];
        break;
    case VISOR_MISHAP_IO:
        host->io_latency = number[0];
        host->io_until = lasts;
        break;
    case VISOR_MISHAP_RATE:
        change_rate(host, number[0]);
        if (!is_allowed_for(host, number[0]))
            fault(host, world);
        break;
    case VISOR_MISHAP_JUMP:
        visor_kernel_jump(&host->kernel, visor_ns_from_seconds(number[0]));
        host->won_ns += visor_ns_from_seconds(number[0]);
        fault(host, world);
        break;
    case VISOR_MISHAP_STEP:
        visor_kernel_step(&host->kernel, visor_ns_from_seconds(number[0]));
        host->watch.markers[VISOR_WITNESS_CANCELLED_TIMER]++;
        break;
    case VISOR_MISHAP_SLEW:
        foreign_slew(host, number[0]);
        break;
    case VISOR_MISHAP_FREQUENCY:
        visor_kernel_set_frequency(&host->kernel, number[0] * 1e9);
        host->checker.clock_excused = true;
        break;
    case VISOR_MISHAP_RESTART:
        visor_host_restart(host, world, world->now + visor_ns_from_seconds(number[0]));
        break;
    default:
        break;
    }
}

/* ---- servers and networks ---- */

static void run_away(struct visor_server *server, int64_t now, double frequency)
{
    server->step += server->frequency * visor_seconds_from_ns(now - server->frequency_at);
    server->frequency = frequency;
    server->frequency_at = now;
}

static void happen_to_server(struct visor_server *server, int64_t now,
                             const struct visor_scenario_mishap *mishap)
{
    switch (mishap->kind) {
    case VISOR_MISHAP_SERVER_STEP:
        server->step += mishap->number[0];
        break;
    case VISOR_MISHAP_SERVER_FREQUENCY:
        run_away(server, now, mishap->number[0]);
        break;
    case VISOR_MISHAP_SERVER_FREEZE:
        server->frozen_at = server->frozen ? server->frozen_at : now;
        server->frozen = true;
        break;
    case VISOR_MISHAP_SERVER_DIE:
        server->dead = true;
        break;
    case VISOR_MISHAP_SERVER_RETURN:
        server->dead = false;
        break;
    case VISOR_MISHAP_SERVER_UNSYNC:
        server->unsynchronized = true;
        break;
    case VISOR_MISHAP_SERVER_REPAIR:
        run_away(server, now, 0.0);
        server->step = 0.0;
        server->dead = server->frozen = server->unsynchronized = false;
        break;
    default:
        break;
    }
}

static void happen_to_path(struct visor_network_change *change,
                           const struct visor_scenario_mishap *mishap)
{
    double x = mishap->number[0];

    switch (mishap->kind) {
    case VISOR_MISHAP_DELAY:
        change->delay[VISOR_UP] = change->delay[VISOR_DOWN] = x;
        break;
    case VISOR_MISHAP_DELAY_UP:
        change->delay[VISOR_UP] = x;
        break;
    case VISOR_MISHAP_DELAY_DOWN:
        change->delay[VISOR_DOWN] = x;
        break;
    case VISOR_MISHAP_JITTER:
        change->jitter = x;
        break;
    case VISOR_MISHAP_LOSS:
        change->loss = x;
        break;
    case VISOR_MISHAP_CUT:
        change->down = true;
        break;
    case VISOR_MISHAP_RESTORE_PATH:
        visor_network_change_init(change);
        break;
    default:
        break;
    }
}

/* ---- schedule ---- */

static void happen_to_device(struct visor_device *device, int64_t now,
                             const struct visor_scenario_mishap *mishap)
{
    switch (mishap->kind) {
    case VISOR_MISHAP_DEVICE_FAIL:
        device->failed = true;
        break;
    case VISOR_MISHAP_DEVICE_RETURN:
        device->failed = device->frozen = false;
        device->step = 0.0;
        break;
    case VISOR_MISHAP_DEVICE_STEP:
        device->step += mishap->number[0];
        break;
    case VISOR_MISHAP_DEVICE_FREEZE:
        device->frozen = true;
        device->frozen_at = now;
        break;
    default:
        break;
    }
}

/* The same device of all hosts of its group. */
static void happen_to_devices(struct visor_world *world, const struct visor_scenario_mishap *mishap)
{
    const struct visor_scenario_device *model = &world->scenario->devices[mishap->index];
    const struct visor_scenario_host *group = &world->scenario->hosts[model->host];

    for (uint32_t i = 0; i < group->count; i++) {
        struct visor_host *host = visor_world_host(world, model->host, i);

        for (size_t d = 0; d < group->config->refclock_count; d++)
            if (host->devices[d].model == model)
                happen_to_device(&host->devices[d], world->now, mishap);
    }
}

static void happen_to_group(struct visor_world *world, const struct visor_scenario_mishap *mishap)
{
    for (uint32_t i = 0; i < world->scenario->hosts[mishap->index].count; i++)
        if (mishap->member == 0 || mishap->member == i + 1)
            happen_to_host(visor_world_host(world, mishap->index, i), world, mishap);
}

static void happen(struct visor_world *world, const struct visor_scenario_mishap *mishap)
{
    if (world->observer.mishap)
        world->observer.mishap(world->observer.context, mishap, world->now);
    switch (mishap->target) {
    case VISOR_TARGET_HOST:
        happen_to_group(world, mishap);
        break;
    case VISOR_TARGET_SERVER:
        happen_to_server(&world->servers[mishap->index], world->now, mishap);
        happen_to_path(&world->servers[mishap->index].change, mishap);
        break;
    case VISOR_TARGET_DEVICE:
        happen_to_devices(world, mishap);
        break;
    case VISOR_TARGET_NETWORK:
        happen_to_path(&world->networks[mishap->index].change, mishap);
        break;
    }
}

void visor_mishap_happen(struct visor_world *world, struct visor_waiting *waiting)
{
    struct visor_scenario_mishap mishap = *waiting->mishap;
    int64_t again = world->now + visor_ns_from_seconds(mishap.every);

    if (mishap.target == VISOR_TARGET_HOST && mishap.member == VISOR_SCENARIO_ANY)
        mishap.member = 1 + (uint32_t)(visor_rng_uniform(&world->dice) *
                                       world->scenario->hosts[mishap.index].count);
    happen(world, &mishap);
    if (mishap.every > 0.0 && again <= visor_ns_from_seconds(mishap.until) &&
        !visor_heap_push(&world->heap, &waiting->happening, again))
        world->out_of_memory = true;
}

bool visor_mishap_init(struct visor_world *world)
{
    const struct visor_scenario *s = world->scenario;

    world->waiting = calloc(s->mishap_count + 1, sizeof(*world->waiting));
    if (!world->waiting)
        return false;
    visor_rng_init(&world->dice, visor_world_seed(world->seed, "any", "mishap"));
    for (size_t i = 0; i < s->mishap_count; i++) {
        struct visor_waiting *waiting = &world->waiting[i];

        *waiting = (struct visor_waiting){
            .happening = {.slot = VISOR_HEAP_OUT, .kind = VISOR_HAPPENING_MISHAP, .owner = waiting},
            .mishap = &s->mishaps[i],
        };
        if (!visor_heap_push(&world->heap, &waiting->happening,
                             visor_ns_from_seconds(s->mishaps[i].at)))
            return false;
    }
    return true;
}
