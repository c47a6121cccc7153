/* Hosts as servers and peers. Who may ask is simplified to: a configuration with any `allow`
 * serves everybody. */
#include "sim/visit.h"

#include "engine/serve.h"

#include <string.h>

#define DEPARTURE_NS    10000 /* from the request's stamp to the reply's */
#define EXCHANGES_BYTES 4096

bool visor_visit_serves(const struct visor_host *host)
{
    const struct visor_config *config = host->model->config;

    for (size_t i = 0; i < config->access_count; i++)
        if (config->access[i].allow && config->port != 0)
            return true;
    return false;
}

/* ---- the way ---- */

static struct visor_route *route_to(struct visor_host *client, uint32_t target)
{
    for (size_t i = 0; i < client->route_count; i++)
        if (client->routes[i].target == target)
            return &client->routes[i];
    return NULL;
}

/* Over the target's network, and over the client's own where it has one and it is another. */
int64_t visor_visit_travel(struct visor_world *world, struct visor_host *client, uint32_t target,
                           enum visor_direction direction)
{
    static const struct visor_network_change unchanged = {.jitter = 1.0};
    const struct visor_network_change *change = &unchanged;
    struct visor_route *route = route_to(client, target);
    uint32_t own = client->model->network, far;
    int64_t way = 0, more = 0;

    if (target & VISOR_TARGET_IS_HOST) {
        far = visor_world_host_of(world, target)->model->network;
    } else {
        far = world->scenario->servers[target].network;
        change = &world->servers[target].change;
    }
    if (far != VISOR_SCENARIO_NONE)
        way = visor_network_travel(&world->networks[far], &route->path, change, direction,
                                   world->now);
    if (own != VISOR_SCENARIO_NONE && own != far)
        more = visor_network_travel(&world->networks[own], &route->path, &unchanged, direction,
                                    world->now);
    return way < 0 || more < 0 ? -1 : way + more;
}

/* ---- the server's side ---- */

static void answer(struct visor_world *world, struct visor_host *server,
                   struct visor_parcel *parcel)
{
    struct visor_serve_request request = {.data = parcel->data, .size = parcel->size, .port = 123};
    struct visor_serve_reply reply;
    struct visor_stamp sent = {.error_ns = 100, .by = VISOR_STAMPER_KERNEL};
    int64_t travel;

    visor_host_advance(server, world, world->now);
    request.received = visor_host_stamp(server);
    request.departure = visor_mono_add(request.received.raw, DEPARTURE_NS);
    if (!server->exchanges)
        server->exchanges = visor_exchanges_new(EXCHANGES_BYTES);
    if (!visor_visit_serves(server) || !server->published ||
        !visor_serve_answer(&server->view, &request, server->exchanges, &server->rng, &reply)) {
        visor_parcel_drop(world, parcel);
        return;
    }
    parcel->left_at = world->now + DEPARTURE_NS;
    sent.raw = visor_mono_add((visor_mono){server->kernel.raw}, DEPARTURE_NS);
    if (server->exchanges && reply.receive)
        visor_exchanges_sent(server->exchanges, reply.receive, sent);
    travel = visor_visit_travel(world, parcel->host, parcel->target, VISOR_DOWN);
    if (travel < 0) {
        visor_parcel_drop(world, parcel);
        return;
    }
    parcel->size = reply.size;
    memcpy(parcel->data, reply.data, reply.size);
    visor_parcel_post(world, parcel, VISOR_HAPPENING_REPLY, parcel->left_at + travel);
}

static bool has_peer(const struct visor_host *host)
{
    for (size_t i = 0; i < host->model->config->source_count; i++)
        if (host->model->config->sources[i].kind == VISOR_SOURCE_PEER)
            return true;
    return false;
}

/* Symmetric packets go to the engine, which knows its peers by their addresses. */
static void hand_over(struct visor_world *world, struct visor_host *host,
                      struct visor_parcel *parcel)
{
    struct visor_event event = {.kind = VISOR_EVENT_PACKET};

    visor_host_advance(host, world, world->now);
    event.packet.peer = visor_world_address(visor_world_target_of(world, parcel->host));
    event.packet.peer.port = VISOR_NTP_PORT;
    event.packet.received = visor_host_stamp(host);
    event.packet.data = parcel->data;
    event.packet.size = parcel->size;
    visor_host_handle(host, world, &event);
    visor_parcel_drop(world, parcel);
}

void visor_visit_arrive(struct visor_world *world, struct visor_parcel *parcel)
{
    struct visor_host *host = visor_world_host_of(world, parcel->target);
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;

    if (!host->running || !visor_ntp_read(&header, &layout, parcel->data, parcel->size)) {
        visor_parcel_drop(world, parcel);
        return;
    }
    if (!visor_host_ready(host, world, &parcel->happening, NULL))
        return;
    if (header.mode != VISOR_NTP_MODE_CLIENT && has_peer(host))
        hand_over(world, host, parcel);
    else
        answer(world, host, parcel);
}
