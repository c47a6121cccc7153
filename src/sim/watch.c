#include "sim/watch.h"

#include "sim/host.h"

#define LATE_NS  10000000 /* the daemon tells of nothing less … */
#define LEAST_NS 1000000  /* … and of no theft below this */

static bool has(const struct visor_host *host, enum visor_witness_kind kind)
{
    return host->model->watches & 1u << kind;
}

static void plan(struct visor_host *host, struct visor_world *world)
{
    struct visor_watch *watch = &host->watch;

    watch->planned_raw = host->kernel.raw + VISOR_NS_PER_S;
    if (!visor_heap_push(&world->heap, &watch->happening,
                         world->now + (int64_t)(1e9 / (1.0 + host->kernel.rate))))
        world->out_of_memory = true;
}

bool visor_watch_start(struct visor_host *host, struct visor_world *world)
{
    if (host->model->watches == 0)
        return true;
    visor_rng_init(&host->watch.rng, visor_world_seed(world->seed, host->name, "watch"));
    plan(host, world);
    return !world->out_of_memory;
}

static void tell(struct visor_host *host, struct visor_world *world, enum visor_witness_kind kind,
                 int64_t amount, visor_wall time)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    event.witness = (struct visor_event_witness){
        .kind = kind,
        .stamp = {.raw = {host->kernel.raw}, .by = VISOR_STAMPER_DAEMON},
        .earliest = time,
        .latest = time,
        .marker = host->watch.markers[kind],
        .amount_ns = amount,
        .independent = true,
    };
    visor_host_handle(host, world, &event);
}

static void tell_markers(struct visor_host *host, struct visor_world *world)
{
    static const enum visor_witness_kind marked[] = {VISOR_WITNESS_BOOTTIME,
                                                     VISOR_WITNESS_CANCELLED_TIMER,
                                                     VISOR_WITNESS_VMCLOCK, VISOR_WITNESS_VMGENID};
    struct visor_watch *watch = &host->watch;

    for (size_t i = 0; i < sizeof(marked) / sizeof(marked[0]); i++) {
        if (!has(host, marked[i]) ||
            (watch->introduced && watch->told[marked[i]] == watch->markers[marked[i]]))
            continue;
        watch->told[marked[i]] = watch->markers[marked[i]];
        tell(host, world, marked[i], 0, (visor_wall){0});
    }
}

static void tell_amounts(struct visor_host *host, struct visor_world *world, int64_t late)
{
    struct visor_watch *watch = &host->watch;
    int64_t stolen = watch->stolen_ns - watch->stolen_told_ns;

    if (has(host, VISOR_WITNESS_STEAL) && (stolen >= LEAST_NS || !watch->introduced)) {
        watch->stolen_told_ns = watch->stolen_ns;
        tell(host, world, VISOR_WITNESS_STEAL, stolen, (visor_wall){0});
    }
    if (has(host, VISOR_WITNESS_TIMER) && (late >= LATE_NS || !watch->introduced))
        tell(host, world, VISOR_WITNESS_TIMER, watch->introduced ? late : 0, (visor_wall){0});
}

void visor_watch_woke(struct visor_host *host, struct visor_world *world)
{
    if (host->running && has(host, VISOR_WITNESS_BOOTTIME))
        tell_markers(host, world);
}

void visor_watch_tick(struct visor_host *host, struct visor_world *world)
{
    struct visor_watch *watch = &host->watch;

    visor_host_advance(host, world, world->now);
    if (host->running) {
        tell_markers(host, world);
        tell_amounts(host, world, host->kernel.raw - watch->planned_raw);
        if (has(host, VISOR_WITNESS_PHC))
            tell(host, world, VISOR_WITNESS_PHC, 0,
                 visor_wall_add(visor_world_utc(world, world->now),
                                visor_ns_from_seconds(host->model->phc_noise *
                                                      visor_rng_normal(&watch->rng))));
        watch->introduced = true;
    }
    plan(host, world);
}
