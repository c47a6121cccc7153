/* The old ways, as simple as they are: no filter, no second source, no bound. */
#include "sim/legacy.h"

#include "wire/ntp.h"

/* As guest tools do: forward by a step, backward by a slew only. */
static void follow(struct visor_host *host, struct visor_world *world)
{
    struct visor_host *physical = visor_world_host_of(world, host->model->legacy.target);
    int64_t ahead;

    visor_host_advance(physical, world, world->now);
    ahead = physical->kernel.real - host->kernel.real;
    if (ahead > visor_ns_from_seconds(host->model->legacy.threshold)) {
        visor_kernel_step(&host->kernel, ahead);
        host->score.steps++;
        host->score.stepped += visor_seconds_from_ns(ahead);
    } else {
        host->kernel.slewing = visor_seconds_from_ns(ahead);
    }
}

static void ask(struct visor_host *host, struct visor_world *world)
{
    struct visor_ntp_header request = {.version = 4, .mode = VISOR_NTP_MODE_CLIENT};
    uint8_t data[VISOR_NTP_HEADER];

    request.transmit = visor_ntp_from_wall((visor_wall){host->kernel.real});
    visor_ntp_write(&request, data, sizeof(data));
    host->score.sent++;
    visor_host_transmit(host, world, host->model->legacy.target, 0, data, sizeof(data));
}

void visor_legacy_tick(struct visor_host *host, struct visor_world *world)
{
    const struct visor_scenario_legacy *legacy = &host->model->legacy;
    double late = 1e-3 * visor_rng_exponential(&host->rng);

    visor_host_advance(host, world, world->now);
    host->running = true;
    if (legacy->kind == VISOR_LEGACY_FOLLOWS)
        follow(host, world);
    else
        ask(host, world);
    if (!visor_heap_push(&world->heap, &host->timer,
                         world->now + visor_ns_from_seconds(legacy->every + late)))
        world->out_of_memory = true;
}

void visor_legacy_receive(struct visor_host *host, struct visor_world *world,
                          const struct visor_parcel *parcel)
{
    struct visor_ntp_header reply;
    struct visor_ntp_layout layout;
    visor_wall now;
    int64_t offset;
    double seconds;

    visor_host_advance(host, world, world->now);
    host->score.received++;
    if (!visor_ntp_read(&reply, &layout, parcel->data, parcel->size) ||
        reply.leap == VISOR_LEAP_UNSYNCHRONIZED || reply.stratum == 0)
        return;
    now.ns = host->kernel.real;
    offset = (visor_wall_diff(visor_ntp_to_wall(reply.receive), visor_ntp_to_wall(reply.origin)) +
              visor_wall_diff(visor_ntp_to_wall(reply.transmit), now)) /
             2;
    seconds = visor_seconds_from_ns(offset);
    if (seconds > host->model->legacy.threshold || seconds < -host->model->legacy.threshold) {
        visor_kernel_step(&host->kernel, offset);
        host->score.steps++;
        host->score.stepped += seconds < 0.0 ? -seconds : seconds;
    } else {
        host->kernel.slewing = seconds;
    }
}
