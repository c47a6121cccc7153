/* Simulated reference clocks. A directive without a device in the scenario finds none, as on a
 * machine that has none. */
#include "sim/device.h"

#include "sim/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A directive's parameter without its :options. */
static bool fits(const char *parameter, const char *device)
{
    size_t length = strlen(device);

    return strncmp(parameter, device, length) == 0 &&
           (parameter[length] == '\0' || parameter[length] == ':');
}

static const struct visor_scenario_device *
find(const struct visor_host *host, const struct visor_world *world, const char *parameter)
{
    const struct visor_scenario *s = world->scenario;

    for (size_t i = 0; i < s->device_count; i++)
        if (&s->hosts[s->devices[i].host] == host->model && fits(parameter, s->devices[i].name))
            return &s->devices[i];
    return NULL;
}

bool visor_device_init(struct visor_host *host, const struct visor_world *world)
{
    const struct visor_config *config = host->model->config;

    host->devices = calloc(config->refclock_count + 1, sizeof(*host->devices));
    if (!host->devices)
        return false;
    for (size_t i = 0; i < config->refclock_count; i++) {
        struct visor_device *device = &host->devices[i];
        char name[2 * VISOR_SCENARIO_NAME_MAX + 8];
        size_t length = strlen(host->name);

        device->model = find(host, world, config->refclocks[i].parameter);
        if (!device->model)
            continue;
        memcpy(name, host->name, length);
        strcpy(name + length, device->model->name);
        visor_rng_init(&device->rng, visor_world_seed(world->seed, name, "device"));
        device->last_second = -1;
    }
    return true;
}

/* Time of the device's reference less UTC, s. */
static double error_of(struct visor_device *device, struct visor_world *world, int64_t at)
{
    const struct visor_scenario_device *model = device->model;
    double error = model->offset + device->step;

    if (model->noise > 0.0)
        error += model->noise * visor_rng_normal(&device->rng);
    if (model->follows != VISOR_SCENARIO_NONE) {
        struct visor_host *host = visor_world_host(world, model->follows, 0);

        visor_host_advance(host, world, at);
        error +=
            (double)visor_wall_diff((visor_wall){host->kernel.real}, visor_world_utc(world, at)) *
            1e-9;
    }
    if (device->frozen)
        error -= visor_seconds_from_ns(at - device->frozen_at);
    return error;
}

static void fail(struct visor_event_refclock *event, int error)
{
    event->kind = VISOR_REFCLOCK_FAILED;
    event->error = error;
}

static void read_now(struct visor_host *host, struct visor_world *world,
                     struct visor_device *device, struct visor_event_refclock *event)
{
    double reading = device->model->reading;

    event->kind = VISOR_REFCLOCK_TIME;
    event->stamp.raw.ns +=
        visor_ns_from_seconds(reading * 0.1 * (visor_rng_uniform(&device->rng) - 0.5));
    event->stamp.error_ns = visor_ns_from_seconds(reading * 0.5);
    event->dispersion_s = reading * 0.5;
    event->reference = visor_wall_add(visor_world_utc(world, world->now),
                                      visor_ns_from_seconds(error_of(device, world, world->now)));
    (void)host;
}

/* What came with the last whole second, once. */
static void read_second(struct visor_host *host, struct visor_world *world,
                        struct visor_device *device, bool pulse, struct visor_event_refclock *event)
{
    int64_t second = world->now / VISOR_NS_PER_S;
    double error = error_of(device, world, second * VISOR_NS_PER_S);

    if (second == device->last_second || host->second_at != second) {
        fail(event, EAGAIN);
        return;
    }
    device->last_second = second;
    event->kind = pulse ? VISOR_REFCLOCK_PULSE : VISOR_REFCLOCK_TIME;
    event->stamp.raw.ns = host->second_raw;
    event->stamp.error_ns = 100;
    event->dispersion_s = 1e-7;
    event->reference = visor_world_utc(world, second * VISOR_NS_PER_S);
    if (pulse) /* the pulse is late where the reference is slow */
        event->stamp.raw.ns -= visor_ns_from_seconds(error);
    else
        event->reference = visor_wall_add(event->reference, visor_ns_from_seconds(error));
}

void visor_device_measure(struct visor_host *host, struct visor_world *world, uint32_t refclock,
                          struct visor_event_refclock *event)
{
    const struct visor_config *config = host->model->config;
    struct visor_device *device;

    *event = (struct visor_event_refclock){.refclock = refclock};
    if (refclock >= config->refclock_count) {
        fail(event, ENODEV);
        return;
    }
    device = &host->devices[refclock];
    event->stamp.raw.ns = host->kernel.raw;
    event->stamp.by = VISOR_STAMPER_KERNEL;
    if (!device->model)
        fail(event, ENOENT);
    else if (device->failed)
        fail(event, EIO);
    else if (config->refclocks[refclock].driver == VISOR_REFCLOCK_PHC)
        read_now(host, world, device, event);
    else
        read_second(host, world, device, config->refclocks[refclock].driver == VISOR_REFCLOCK_PPS,
                    event);
}
