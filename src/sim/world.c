/* Making a world of a scenario, and the loop that lets things happen in order. */
#include "sim/world.h"
#include "sim/chip.h"

#include "sim/expectation.h"
#include "sim/legacy.h"
#include "sim/mishap.h"
#include "sim/visit.h"
#include "sim/watch.h"

#include <stdlib.h>
#include <string.h>

visor_wall visor_world_utc(const struct visor_world *world, int64_t at)
{
    return (visor_wall){world->scenario->start_s * VISOR_NS_PER_S + at};
}

/* FNV-1a over both words, then mixed with the seed. */
uint64_t visor_world_seed(uint64_t seed, const char *name, const char *purpose)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct visor_rng rng;

    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    hash *= UINT64_C(0x100000001b3);
    for (const char *c = purpose; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    visor_rng_init(&rng, seed);
    visor_rng_init(&rng, visor_rng_next(&rng) ^ hash);
    return visor_rng_next(&rng);
}

struct visor_address visor_world_address(uint32_t target)
{
    uint32_t index = (target & (VISOR_TARGET_IS_HOST - 1)) + 1;

    return (struct visor_address){
        .bytes = {10, (uint8_t)((target & VISOR_TARGET_IS_HOST ? 128 : 1) + (index >> 16)),
                  (uint8_t)(index >> 8), (uint8_t)index},
        .family = VISOR_FAMILY_IPV4,
    };
}

bool visor_world_target(const struct visor_address *address, uint32_t *target)
{
    const uint8_t *b = address->bytes;
    uint32_t low = (uint32_t)b[2] << 8 | b[3];

    if (address->family != VISOR_FAMILY_IPV4 || b[0] != 10 || b[1] == 0)
        return false;
    *target = b[1] >= 128 ? VISOR_TARGET_IS_HOST | ((uint32_t)(b[1] - 128) << 16 | low)
                          : ((uint32_t)(b[1] - 1) << 16 | low);
    if ((*target & (VISOR_TARGET_IS_HOST - 1)) == 0)
        return false;
    (*target)--;
    return true;
}

struct visor_host *visor_world_host(const struct visor_world *world, uint32_t group,
                                    uint32_t member)
{
    size_t first = 0;

    for (size_t i = 0; i < group; i++)
        first += world->scenario->hosts[i].count;
    return &world->hosts[first + member];
}

struct visor_host *visor_world_host_of(const struct visor_world *world, uint32_t target)
{
    return &world->hosts[target & (VISOR_TARGET_IS_HOST - 1)];
}

uint32_t visor_world_target_of(const struct visor_world *world, const struct visor_host *host)
{
    return VISOR_TARGET_IS_HOST | (uint32_t)(host - world->hosts);
}

/* ---- life ---- */

static bool make_things(struct visor_world *world)
{
    const struct visor_scenario *s = world->scenario;

    world->networks = calloc(s->network_count + 1, sizeof(*world->networks));
    world->servers = calloc(s->server_count + 1, sizeof(*world->servers));
    if (!world->networks || !world->servers)
        return false;
    for (size_t i = 0; i < s->network_count; i++)
        visor_network_init(&world->networks[i], &s->networks[i].model,
                           visor_world_seed(world->seed, s->networks[i].name, "network"));
    for (size_t i = 0; i < s->server_count; i++)
        visor_server_init(&world->servers[i], &s->servers[i].model,
                          visor_world_seed(world->seed, s->servers[i].name, "server"));
    return true;
}

/* The n-th of several is called name<n>. */
static void number_name(char to[VISOR_SCENARIO_NAME_MAX], const char *name, uint32_t number)
{
    char digits[12];
    size_t length = strlen(name), at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    if (length > VISOR_SCENARIO_NAME_MAX - 1 - (sizeof(digits) - at))
        length = VISOR_SCENARIO_NAME_MAX - 1 - (sizeof(digits) - at);
    memcpy(to, name, length);
    memcpy(to + length, digits + at, sizeof(digits) - at);
    to[length + sizeof(digits) - at] = '\0';
}

static bool make_hosts(struct visor_world *world)
{
    const struct visor_scenario *s = world->scenario;
    size_t count = 0;

    for (size_t i = 0; i < s->host_count; i++)
        count += s->hosts[i].count;
    world->hosts = calloc(count + 1, sizeof(*world->hosts));
    if (!world->hosts)
        return false;
    for (size_t i = 0; i < s->host_count; i++) {
        for (uint32_t n = 1; n <= s->hosts[i].count; n++) {
            struct visor_host *host = &world->hosts[world->host_count++];
            char name[VISOR_SCENARIO_NAME_MAX];

            if (s->hosts[i].count > 1)
                number_name(name, s->hosts[i].name, n);
            else
                memcpy(name, s->hosts[i].name, sizeof(name));
            if (!visor_host_init(host, world, &s->hosts[i], name))
                return false;
        }
    }
    return true;
}

struct visor_world *visor_world_new(const struct visor_scenario *scenario, uint64_t seed)
{
    struct visor_world *world = calloc(1, sizeof(*world));

    if (!world)
        return NULL;
    world->scenario = scenario;
    world->seed = seed;
    world->end = visor_ns_from_seconds(scenario->duration);
    visor_heap_init(&world->heap);
    if (make_things(world) && make_hosts(world) && visor_mishap_init(world))
        return world;
    visor_world_free(world);
    return NULL;
}

static void free_parcels(struct visor_world *world)
{
    struct visor_happening *happening;

    while ((happening = visor_heap_pop(&world->heap)))
        if (happening->kind >= VISOR_HAPPENING_REQUEST)
            visor_parcel_drop(world, happening->owner);
    while (world->parcels) {
        struct visor_parcel *next = world->parcels->next;

        free(world->parcels);
        world->parcels = next;
    }
}

void visor_world_free(struct visor_world *world)
{
    if (!world)
        return;
    free_parcels(world);
    for (size_t i = 0; i < world->host_count; i++)
        visor_host_done(&world->hosts[i]);
    visor_heap_done(&world->heap);
    free(world->answers);
    free(world->waiting);
    free(world->hosts);
    free(world->servers);
    free(world->networks);
    free(world);
}

/* ---- what happens ---- */

static void request(struct visor_world *world, struct visor_parcel *parcel)
{
    struct visor_server *server = &world->servers[parcel->target];
    struct visor_server_reply reply;
    int64_t travel = -1;

    if (visor_server_answer(server, world->now, visor_world_utc(world, world->now), parcel->data,
                            parcel->size, &reply))
        travel = visor_visit_travel(world, parcel->host, parcel->target, VISOR_DOWN);
    if (travel < 0) {
        visor_parcel_drop(world, parcel);
        return;
    }
    parcel->left_at = reply.leaves;
    parcel->size = reply.size;
    memcpy(parcel->data, reply.data, reply.size);
    visor_parcel_post(world, parcel, VISOR_HAPPENING_REPLY, parcel->left_at + travel);
}

static void resolved(struct visor_world *world, struct visor_parcel *parcel)
{
    struct visor_event event = {.kind = VISOR_EVENT_RESOLVED};

    event.resolved.query = parcel->query;
    event.resolved.result = VISOR_RESOLVE_FAILED;
    if (parcel->target != VISOR_SCENARIO_NONE) {
        event.resolved.result = VISOR_RESOLVE_OK;
        event.resolved.count = 1;
        event.resolved.addresses[0] = visor_world_address(parcel->target);
    }
    visor_host_handle(parcel->host, world, &event);
}

/* Something that has come to a host; it may have to wait, or be lost. */
static void arrive(struct visor_world *world, struct visor_parcel *parcel)
{
    struct visor_host *host = parcel->host;

    if (host->running && parcel->began_at >= host->lost_before) {
        if (!visor_host_ready(host, world, &parcel->happening, parcel))
            return;
        if (visor_legacy_is(host))
            visor_legacy_receive(host, world, parcel);
        else if (parcel->happening.kind == VISOR_HAPPENING_REPLY)
            visor_host_receive(host, world, parcel);
        else
            resolved(world, parcel);
    }
    visor_parcel_drop(world, parcel);
}

static void start(struct visor_host *host, struct visor_world *world)
{
    if (visor_legacy_is(host))
        visor_legacy_tick(host, world);
    else
        visor_host_start(host, world);
}

static void tick(struct visor_host *host, struct visor_world *world)
{
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};

    if (visor_legacy_is(host))
        visor_legacy_tick(host, world);
    else
        visor_host_handle(host, world, &timer);
}

static void happen(struct visor_world *world, struct visor_happening *happening)
{
    struct visor_host *host = happening->owner;

    switch ((enum visor_happening_kind)happening->kind) {
    case VISOR_HAPPENING_START:
        if (visor_host_ready(host, world, happening, NULL))
            start(host, world);
        break;
    case VISOR_HAPPENING_TIMER:
        if (host->running && visor_host_ready(host, world, happening, NULL))
            tick(host, world);
        break;
    case VISOR_HAPPENING_CHIP:
        if (visor_host_ready(host, world, happening, NULL))
            visor_chip_tick(host, world);
        break;
    case VISOR_HAPPENING_COPY:
        if (visor_host_ready(host, world, happening, NULL))
            visor_chip_copy(host, world);
        break;
    case VISOR_HAPPENING_WATCH:
        if (visor_host_ready(host, world, happening, NULL))
            visor_watch_tick(host, world);
        break;
    case VISOR_HAPPENING_RESUME:
        visor_mishap_resume(world, host);
        break;
    case VISOR_HAPPENING_MISHAP:
        visor_mishap_happen(world, happening->owner);
        break;
    case VISOR_HAPPENING_REQUEST:
        request(world, happening->owner);
        break;
    case VISOR_HAPPENING_VISIT:
        visor_visit_arrive(world, happening->owner);
        break;
    case VISOR_HAPPENING_REPLY:
    case VISOR_HAPPENING_NAME:
        arrive(world, happening->owner);
        break;
    }
}

bool visor_world_run(struct visor_world *world)
{
    struct visor_happening *first;

    while ((first = visor_heap_first(&world->heap)) && first->at <= world->end &&
           !world->out_of_memory) {
        visor_heap_pop(&world->heap);
        world->now = first->at;
        happen(world, first);
    }
    world->now = world->end;
    for (size_t i = 0; i < world->host_count; i++) {
        struct visor_host *host = &world->hosts[i];

        visor_host_advance(host, world, world->end);
        visor_checker_silence(&host->checker, VISOR_VIOLATION_BOUND, world->end);
        visor_checker_silence(&host->checker, VISOR_VIOLATION_KERNEL, world->end);
        visor_expectation_finish(host, world);
    }
    return !world->out_of_memory;
}
