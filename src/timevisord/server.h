/* The NTP server of the daemon: who may ask, how often, and the reply by the published view. */
#ifndef VISOR_TIMEVISORD_SERVER_H
#define VISOR_TIMEVISORD_SERVER_H

#include "config/keys.h"
#include "engine/access.h"
#include "engine/clients.h"
#include "engine/exchanges.h"
#include "port/net.h"
#include "wire/view.h"

#define VISOR_SERVER_TOKENS     64 /* replies whose kernel stamp may still come */
#define VISOR_SERVER_BROADCASTS 16

struct visor_server {
    const struct visor_config *config;
    struct visor_net *net;
    const struct visor_keys *keys;
    struct visor_access *access;
    struct visor_clients *clients;
    struct visor_exchanges *exchanges;
    struct visor_rng rng;
    uint64_t receive[VISOR_SERVER_TOKENS]; /* of the last replies, by token */
    uint32_t token;
    struct visor_server_latency {
        int64_t least_ns, before_ns; /* of the last replies, and of those before them */
        uint32_t count;
    } latency[2]; /* learnt: from making a reply to its leaving; plain and keyed */
    visor_mono broadcast_at[VISOR_SERVER_BROADCASTS];
    bool silent; /* only observing: no port is to be bound */
};

/* `config` and `keys` are borrowed until the next configure(). 0 or -errno. */
int visor_server_init(struct visor_server *server, const struct visor_config *config,
                      const struct visor_keys *keys, struct visor_net *net, const uint64_t seed[4]);
void visor_server_done(struct visor_server *server);

/* A new configuration, or new access rules: replaces access and limits. 0 or -errno. */
int visor_server_configure(struct visor_server *server, const struct visor_config *config,
                           const struct visor_keys *keys);

/* Replaces the access rules alone; `access` becomes the server's. */
void visor_server_set_access(struct visor_server *server, struct visor_access *access);

/* Open or close the port as access rules, peers and broadcasts want it. 0 or -errno of a port that
 * is wanted and cannot be had. */
int visor_server_open(struct visor_server *server);

/* True: the datagram was a request, answered or refused; else it is the engine's. */
bool visor_server_handle(struct visor_server *server, const struct visor_view *view,
                         const struct visor_datagram *datagram);

/* The kernel's stamp of a reply. */
void visor_server_sent(struct visor_server *server, const struct visor_net_sent *sent);

/* Broadcasts: when the next is due, and send what is. */
visor_mono visor_server_deadline(const struct visor_server *server);
void visor_server_tick(struct visor_server *server, const struct visor_view *view, visor_mono now);

#endif
