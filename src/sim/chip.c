#include "sim/chip.h"

#include "base/math.h"
#include "sim/host.h"

#define READINGS 32
#define LATE_NS  VISOR_NS_PER_S /* later it finds that the next one's alarm has passed */
#define PUT_OFF  1000000        /* ns: an edge later than this was waited for */
#define REARM_NS VISOR_NS_PER_S /* the first edge after switching on is not to be trusted */
#define COPY_NS  (659 * VISOR_NS_PER_S)
#define IN_TIME  20000000 /* ns beside the half of a second */

/* What it shows now. */
static visor_wall shows(const struct visor_host *host, const struct visor_world *world)
{
    const struct visor_scenario_rtc *model = &host->model->rtc;
    double away = model->offset + model->frequency * visor_seconds_from_ns(world->now);

    if (model->derived)
        return (visor_wall){host->kernel.real};
    return visor_wall_add(visor_world_utc(world, world->now),
                          visor_ns_from_seconds(away) + host->chip.set_ns);
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

/* When CLOCK_REALTIME will get there, as it now runs. */
static void await_copy(struct visor_host *host, struct visor_world *world)
{
    double wait = (double)(host->chip.copy_at - host->kernel.real);

    wait /= 1.0 + visor_kernel_total_rate(&host->kernel);
    if (!visor_heap_push(&world->heap, &host->chip.copying, world->now + (int64_t)wait + 1))
        world->out_of_memory = true;
}

/* At a half of a second of CLOCK_REALTIME, so many seconds on. */
static void plan_copy(struct visor_host *host, struct visor_world *world, int64_t after_ns)
{
    int64_t into = into_second((visor_wall){host->kernel.real});

    host->chip.copy_at = host->kernel.real + after_ns + VISOR_NS_PER_S / 2 - into;
    await_copy(host, world);
}

bool visor_chip_start(struct visor_host *host, struct visor_world *world)
{
    if (!host->model->rtc.exists)
        return true;
    visor_rng_init(&host->chip.rng, visor_world_seed(world->seed, host->name, "rtc"));
    host->chip.armed_at = world->now + REARM_NS;
    plan(host, world);
    if (host->model->rtc.copied != VISOR_COPIED_NEVER && !host->model->rtc.derived)
        plan_copy(host, world, VISOR_NS_PER_S);
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
    bool stays_away = world->now - chip->planned >= LATE_NS;
    bool edge = chip->awaits_edge && !stays_away;

    visor_host_advance(host, world, world->now);
    if (edge && into_second(shows(host, world)) > VISOR_NS_PER_S / 2) {
        if (host->model->rtc.derived) { /* the clock that it is derived from was slowed down */
            plan(host, world);
            return;
        }
        edge = false; /* the daemon has looked by itself since we went on */
    }
    if (chip->awaits_edge && stays_away)
        chip->armed_at = world->now + REARM_NS;
    if (host->running) {
        chip->read += !edge;
        tell(host, world, edge);
    }
    plan(host, world);
}

/* It is written the second that began half a second ago, and begins the next one half a second
 * later, or when it would have done so anyway. */
static void copy(struct visor_host *host, struct visor_world *world)
{
    visor_wall time = shows(host, world), real = {host->kernel.real};

    host->chip.set_ns += host->model->rtc.copied == VISOR_COPIED_WHOLE
                             ? (real.ns - into_second(real)) - (time.ns - into_second(time))
                             : real.ns - time.ns;
    visor_heap_remove(&world->heap, &host->chip.happening);
    plan(host, world);
}

void visor_chip_copy(struct visor_host *host, struct visor_world *world)
{
    int64_t late;

    visor_host_advance(host, world, world->now);
    if (host->kernel.real < host->chip.copy_at - IN_TIME) { /* it was slewed, or set back */
        await_copy(host, world);
        return;
    }
    late = into_second((visor_wall){host->kernel.real}) - VISOR_NS_PER_S / 2;
    if (visor_kernel_max_error(&host->kernel) < 0.0 || late > IN_TIME || late < -IN_TIME) {
        plan_copy(host, world, 2 * VISOR_NS_PER_S);
        return;
    }
    copy(host, world);
    plan_copy(host, world, COPY_NS);
}
