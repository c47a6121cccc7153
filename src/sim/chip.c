#include "sim/chip.h"

#include "base/math.h"
#include "sim/host.h"

#define READINGS 32
#define LATE_NS  VISOR_NS_PER_S /* later it finds that the next one's alarm has passed */
#define PUT_OFF  1000000        /* ns: an edge later than this was waited for */
#define REARM_NS VISOR_NS_PER_S /* the first edge after switching on is not to be trusted */

/* What it shows now. */
static visor_wall shows(const struct visor_host *host, const struct visor_world *world)
{
    const struct visor_scenario_rtc *model = &host->model->rtc;
    double away = model->offset + model->frequency * visor_seconds_from_ns(world->now);

    if (model->derived)
        return (visor_wall){host->kernel.real};
    return visor_wall_add(visor_world_utc(world, world->now), visor_ns_from_seconds(away));
}

static int64_t into_second(visor_wall time)
{
    int64_t rest = time.ns % VISOR_NS_PER_S;

    return rest < 0 ? rest + VISOR_NS_PER_S : rest;
}

/* True ns of the first edge after `at`, by how it runs now. */
static int64_t edge_after(const struct visor_host *host, const struct visor_world *world,
                          int64_t at)
{
    const struct visor_scenario_rtc *model = &host->model->rtc;
    double rate = model->derived ? visor_kernel_total_rate(&host->kernel) : model->frequency;
    visor_wall then = visor_wall_add(shows(host, world), at - world->now);
    double wait = (double)(VISOR_NS_PER_S - into_second(then)) / (1.0 + rate);

    return at + (int64_t)wait + 1;
}

static void plan(struct visor_host *host, struct visor_world *world)
{
    struct visor_chip *chip = &host->chip;
    int64_t edge =
        edge_after(host, world, world->now > chip->armed_at ? world->now : chip->armed_at);

    /* Once the daemon knows that they agree with the edges, readings between edges tell nothing
     * new. */
    chip->awaits_edge = (world->now >= chip->armed_at && chip->read >= READINGS) ||
                        edge - world->now <= VISOR_CHIP_READ_NS;
    chip->planned = chip->awaits_edge ? edge : world->now + VISOR_CHIP_READ_NS;
    if (!visor_heap_push(&world->heap, &chip->happening, chip->planned))
        world->out_of_memory = true;
}

bool visor_chip_start(struct visor_host *host, struct visor_world *world)
{
    if (!host->model->rtc.exists)
        return true;
    visor_rng_init(&host->chip.rng, visor_world_seed(world->seed, host->name, "rtc"));
    host->chip.armed_at = world->now + REARM_NS;
    plan(host, world);
    return !world->out_of_memory;
}

static void tell(struct visor_host *host, struct visor_world *world, bool edge)
{
    visor_wall time = shows(host, world), second;
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    int64_t late = into_second(time);

    if (!edge || late > PUT_OFF)
        late = 0; /* nobody knows */
    else
        late -= visor_ns_from_seconds(host->model->rtc.noise * visor_rng_normal(&host->chip.rng));
    second = (visor_wall){time.ns - into_second(time)};
    event.witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_RTC,
        .stamp = {.raw = {host->kernel.raw - late}, .by = VISOR_STAMPER_KERNEL},
        .earliest = second,
        .latest = visor_wall_add(second, edge ? 0 : VISOR_NS_PER_S),
    };
    if (event.witness.stamp.raw.ns > host->kernel.raw)
        event.witness.stamp.raw.ns = host->kernel.raw;
    visor_host_handle(host, world, &event);
}

void visor_chip_tick(struct visor_host *host, struct visor_world *world)
{
    struct visor_chip *chip = &host->chip;
    bool edge = chip->awaits_edge && world->now - chip->planned < LATE_NS;

    visor_host_advance(host, world, world->now);
    if (edge && into_second(shows(host, world)) > VISOR_NS_PER_S / 2) {
        plan(host, world); /* the clock that it is derived from was slowed down */
        return;
    }
    if (chip->awaits_edge && !edge) /* they stay away from now on */
        chip->armed_at = world->now + REARM_NS;
    if (host->running) {
        chip->read += !edge;
        tell(host, world, edge);
    }
    plan(host, world);
}
