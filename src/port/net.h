/* NTP's UDP sockets: one for every request of a client (a fresh random port), a shared one with
 * `acquisitionport`, and the server's. Datagrams come with the address they were sent to and with
 * the best stamp there is, already on the raw counter. */
#ifndef VISOR_PORT_NET_H
#define VISOR_PORT_NET_H

#include "engine/action.h"
#include "engine/event.h"
#include "port/stamp.h"

#include <poll.h>

#define VISOR_NET_SOCKETS_MAX                                                                      \
    224 /* every source, two servers, two shared, two of PTP, one keeps stamping on                \
         */
#define VISOR_NET_BATCH 16

struct visor_hwstamp;
struct visor_net;

struct visor_datagram {
    uint32_t
        source;  /* whose request it answers, by socket or, on a shared one, by address; else 0 */
    bool server; /* came to the server's port, or that of NTP over PTP */
    bool ptp;
    struct visor_address peer, local;
    struct visor_stamp received;
    const uint8_t *data; /* until the next visor_net_receive() */
    size_t size;
};

/* `token` as given; `source` 0: of a reply of the server. */
struct visor_net_sent {
    uint32_t source, token;
    struct visor_stamp sent;
};

/* Opens no socket yet. `config` is read now and on visor_net_configure() only. `stamps` is
 * borrowed: the converter, which net feeds with every reading it takes. NULL without memory. */
struct visor_net *visor_net_new(const struct visor_config *config, struct visor_stamps *stamps);
void visor_net_free(struct visor_net *net); /* NULL allowed */

/* Refuse a family altogether (-4, -6). */
void visor_net_restrict(struct visor_net *net, enum visor_family only);

/* Take stamps of network cards where there are any; borrowed. Before sockets are opened. */
void visor_net_use_hwstamp(struct visor_net *net, const struct visor_hwstamp *hwstamp);

/* The server's sockets. open: 0 when at least one family's is open (again), else the last -errno.
 */
int visor_net_open_server(struct visor_net *net);
/* Those of NTP over PTP, for all that is sent from or to its port, where it is configured. */
int visor_net_open_ptp(struct visor_net *net);
void visor_net_close_server(struct visor_net *net);
bool visor_net_serves(const struct visor_net *net);

/* Send `data` (the request with its MAC) as the action wants it. `sent`: the kernel's stamp
 * where it is there at once; else our own, raw, with the duration of the call as its error, and the
 * kernel's comes later, if at all. 0 or -errno. */
int visor_net_send(struct visor_net *net, const struct visor_action_send *send, const uint8_t *data,
                   size_t size, struct visor_stamp *sent);

/* Reply to a request from where it was sent to. `token` comes back with a kernel stamp if
 * `stamped`. 0 or -errno. */
int visor_net_reply(struct visor_net *net, const struct visor_datagram *request,
                    const uint8_t *data, size_t size, uint32_t token, bool stamped);

void visor_net_close(struct visor_net *net, uint32_t source);

/* The same for all sources. */
void visor_net_close_all(struct visor_net *net);

/* A new configuration takes the old one's place; open sockets stay as they are. */
void visor_net_configure(struct visor_net *net, const struct visor_config *config);

/* Has a source of ours sent to this address and port from the server's socket (symmetric mode)? */
bool visor_net_is_peer(const struct visor_net *net, const struct visor_address *address);

/* The sockets to poll: fills at most `size` entries and returns how many. `patient`: replies need
 * not wake anybody, since we shall soon be awake; sockets whose replies the kernel stamps are held
 * back and must then be read as visor_net_held() tells. */
size_t visor_net_poll(struct visor_net *net, bool patient, struct pollfd *fds, size_t size);

/* The next socket that was held back by the last poll, with `revents` of what may wait there; start
 * with `*at` 0. False: no more. */
bool visor_net_held(const struct visor_net *net, size_t *at, struct pollfd *fd);

/* Datagrams that wait on a polled socket, at most VISOR_NET_BATCH; 0: none (any more). `fd` may be
 * closed meanwhile: then there are none. */
size_t visor_net_receive(struct visor_net *net, int fd, const struct visor_datagram **datagrams);

/* A reply has come before the card's stamp of the request: waits for that, at most `hwtstimeout`.
 * True: receive_sent() has it. */
bool visor_net_await_sent(struct visor_net *net, int fd);

/* One transmit stamp of a socket whose poll reported POLLERR or POLLPRI. False: none there. */
bool visor_net_receive_sent(struct visor_net *net, int fd, struct visor_net_sent *sent);

#endif
