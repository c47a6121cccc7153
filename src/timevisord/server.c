/* Answers NTP requests. Each reply is a pure function of the view (engine/serve.h); here are the
 * doors before it (access, rate, authentication) and the way out (MAC, socket, stamps). */
#include "timevisord/server.h"

#include "engine/serve.h"
#include "port/clock.h"
#include "timevisord/auth.h"

#include <errno.h>
#include <string.h>

#define MODE_MASK     7
#define EXCHANGES_MIN 4096 /* bytes */
#define LATENCIES     32

int visor_server_configure(struct visor_server *server, const struct visor_config *config,
                           const struct visor_keys *keys)
{
    struct visor_access *access = visor_access_new(config->access, config->access_count);

    if (!access)
        return -ENOMEM;
    visor_access_free(server->access);
    server->access = access;
    server->config = config;
    server->keys = keys;
    if (server->clients)
        visor_clients_configure(server->clients, config);
    for (size_t i = 0; i < VISOR_SERVER_BROADCASTS; i++)
        server->broadcast_at[i] = visor_clock_raw();
    return 0;
}

int visor_server_init(struct visor_server *server, const struct visor_config *config,
                      const struct visor_keys *keys, struct visor_net *net, const uint64_t seed[4])
{
    int error;

    *server = (struct visor_server){.net = net};
    memcpy(server->rng.state, seed, sizeof(server->rng.state));
    error = visor_server_configure(server, config, keys);
    if (error)
        return error;
    server->clients = visor_clients_new(config, &server->rng);
    if (!server->clients)
        return -ENOMEM;
    if (!config->client_log)
        return 0; /* interleaved mode is a memory of clients too */
    server->exchanges = visor_exchanges_new(config->client_log_limit / 4 > EXCHANGES_MIN
                                                ? config->client_log_limit / 4
                                                : EXCHANGES_MIN);
    return server->exchanges ? 0 : -ENOMEM;
}

void visor_server_done(struct visor_server *server)
{
    visor_access_free(server->access);
    visor_clients_free(server->clients);
    visor_exchanges_free(server->exchanges);
    *server = (struct visor_server){.config = NULL};
}

void visor_server_set_access(struct visor_server *server, struct visor_access *access)
{
    visor_access_free(server->access);
    server->access = access;
}

static bool is_wanted(const struct visor_server *server)
{
    const struct visor_config *config = server->config;

    if (server->silent || config->port == 0)
        return false;
    if (config->broadcast_count || visor_access_any(server->access, VISOR_FAMILY_IPV4) ||
        visor_access_any(server->access, VISOR_FAMILY_IPV6))
        return true;
    for (size_t i = 0; i < config->access_count; i++)
        if (config->access[i].allow && config->access[i].name[0])
            return true; /* a name that is still being looked up */
    for (size_t i = 0; i < config->source_count; i++)
        if (config->sources[i].kind == VISOR_SOURCE_PEER)
            return true;
    return false;
}

int visor_server_open(struct visor_server *server)
{
    int error = server->silent ? 0 : visor_net_open_ptp(server->net);

    if (is_wanted(server)) {
        int other = visor_net_open_server(server->net);

        return other ? other : error;
    }
    visor_net_close_server(server->net);
    return error;
}

/* Doors in chronyd's order: access, rate, keys. `kiss` is set where the client is to be told. */
static bool admit(struct visor_server *server, const struct visor_datagram *datagram,
                  uint32_t *kiss)
{
    if (!visor_access_allows(server->access, &datagram->peer))
        return false;
    switch (visor_clients_admit(server->clients, VISOR_SERVICE_NTP, &datagram->peer,
                                datagram->received.raw)) {
    case VISOR_LIMIT_PASS:
        return true;
    case VISOR_LIMIT_KISS:
        *kiss = VISOR_NTP_KISS_RATE;
        return true;
    case VISOR_LIMIT_DROP:
        break;
    }
    return false;
}

/* How long a reply surely takes: a transmit time that lies in the future makes a path look shorter
 * than it is, and the client's bound false. */
static int64_t sure_latency(const struct visor_server_latency *latency)
{
    int64_t least = latency->least_ns < latency->before_ns ? latency->least_ns : latency->before_ns;

    return least == INT64_MAX ? 0 : least - least / 4;
}

static void learn_latency(struct visor_server_latency *latency, int64_t ns)
{
    if (latency->count++ % LATENCIES == 0) {
        latency->before_ns = latency->count == 1 ? 0 : latency->least_ns;
        latency->least_ns = INT64_MAX;
    }
    latency->least_ns = ns < latency->least_ns ? ns : latency->least_ns;
}

static void answer(struct visor_server *server, const struct visor_view *view,
                   const struct visor_datagram *datagram, uint32_t kiss)
{
    visor_mono begin = visor_clock_raw();
    struct visor_server_latency *latency;
    uint32_t key;
    struct visor_serve_request request = {
        .data = datagram->data,
        .size = datagram->size,
        .port = datagram->peer.port,
        .auth = visor_auth_check(server->keys, datagram->data, datagram->size, &key),
        .received = datagram->received,
        .over_ptp = datagram->ptp,
        .kiss = kiss,
        .min_poll = visor_clients_min_poll(server->clients)};
    struct visor_serve_reply reply;
    bool remembered;

    latency = &server->latency[request.auth == VISOR_AUTH_VALID];
    request.departure = visor_mono_add(begin, sure_latency(latency));
    if (!visor_serve_answer(view, &request, server->exchanges, &server->rng, &reply))
        return;
    if (request.auth == VISOR_AUTH_VALID) {
        reply.size = visor_auth_sign(server->keys, key, reply.data, reply.size, sizeof(reply.data));
        if (!reply.size)
            return;
    }
    remembered = server->exchanges && reply.receive;
    if (remembered)
        server->receive[++server->token % VISOR_SERVER_TOKENS] = reply.receive;
    learn_latency(latency, visor_mono_diff(visor_clock_raw(), begin));
    if (visor_net_reply(server->net, datagram, reply.data, reply.size, server->token, remembered))
        return;
    visor_clients_count(server->clients, request.auth == VISOR_AUTH_VALID, reply.interleaved,
                        datagram->received.by, reply.tx);
}

bool visor_server_handle(struct visor_server *server, const struct visor_view *view,
                         const struct visor_datagram *datagram)
{
    uint32_t kiss = 0;

    switch (datagram->data[0] & MODE_MASK) {
    case VISOR_NTP_MODE_ACTIVE:
        if (visor_net_is_peer(server->net, &datagram->peer))
            return false;
        break;
    case VISOR_NTP_MODE_CLIENT:
        break;
    case VISOR_NTP_MODE_NONE: /* version 1 had no modes: port 123 tells servers */
        if ((datagram->data[0] >> 3 & 7) == 1 && datagram->peer.port != VISOR_NTP_PORT)
            break;
        return true;
    default:
        return false;
    }
    if (datagram->server && admit(server, datagram, &kiss))
        answer(server, view, datagram, kiss);
    return true;
}

void visor_server_sent(struct visor_server *server, const struct visor_net_sent *sent)
{
    uint64_t receive = server->receive[sent->token % VISOR_SERVER_TOKENS];

    if (server->exchanges && server->token - sent->token < VISOR_SERVER_TOKENS && receive)
        visor_exchanges_sent(server->exchanges, receive, sent->sent);
}

static size_t broadcast_count(const struct visor_server *server)
{
    size_t count = server->silent ? 0 : server->config->broadcast_count;

    return count < VISOR_SERVER_BROADCASTS ? count : VISOR_SERVER_BROADCASTS;
}

visor_mono visor_server_deadline(const struct visor_server *server)
{
    visor_mono earliest = {INT64_MAX};

    for (size_t i = 0; i < broadcast_count(server); i++)
        if (visor_mono_before(server->broadcast_at[i], earliest))
            earliest = server->broadcast_at[i];
    return earliest;
}

void visor_server_tick(struct visor_server *server, const struct visor_view *view, visor_mono now)
{
    for (size_t i = 0; i < broadcast_count(server); i++) {
        const struct visor_broadcast_config *broadcast = &server->config->broadcasts[i];
        struct visor_action_send send = {.to = broadcast->address, .from_server = true};
        struct visor_stamp sent;
        int8_t poll = 0;

        if (visor_mono_before(now, server->broadcast_at[i]))
            continue;
        server->broadcast_at[i] = visor_mono_add(now, broadcast->interval * VISOR_NS_PER_S);
        while (poll < 17 && 1 << (poll + 1) <= broadcast->interval)
            poll++;
        if (view->stratum == 0 || view->leap == VISOR_LEAP_UNSYNCHRONIZED)
            continue; /* nothing to tell */
        send.size = visor_serve_broadcast(view, visor_clock_raw(), poll, &server->rng, send.data);
        visor_net_send(server->net, &send, send.data, send.size, &sent);
    }
}
