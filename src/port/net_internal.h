/* The table of NTP sockets, shared by net.c (opening, sending) and net_receive.c. */
#ifndef VISOR_PORT_NET_INTERNAL_H
#define VISOR_PORT_NET_INTERNAL_H

#include "port/net.h"
#include "wire/ptp.h"

#include <netinet/in.h>

#define NET_HEAD 48 /* what identifies a sent packet: its NTP header */
#define NET_FRAME                                                                                  \
    (VISOR_PTP_PREFIX + VISOR_PACKET_MAX + 128) /* a looped packet has its link and IP headers */
#define NET_CONTROL 320

enum net_role { NET_UNUSED, NET_CLIENT, NET_SHARED, NET_SERVER, NET_PTP, NET_IDLE };

struct net_socket {
    enum net_role role;
    int fd;
    enum visor_family family;
    uint32_t source;  /* NET_CLIENT */
    uint64_t serial;  /* no two sockets that were ever opened have the same; never 0 */
    bool stamping;    /* transmit stamps can be had */
    bool awaited;     /* the last request's has not come yet */
    bool held;        /* left out of the poll set: see visor_net_poll() */
    visor_mono asked; /* when the last request left; meaningful if held */
};

/* A sent packet whose kernel stamp may still come. */
struct net_pending {
    uint64_t serial; /* of its socket, which may be closed by now; 0: free */
    bool stamped;    /* a card's stamp has come */
    uint32_t source, token;
    size_t size;
    uint8_t head[NET_HEAD];
};

/* Where a shared socket's requests went, to know whose reply it is. */
struct net_target {
    uint32_t source;
    bool peer; /* symmetric mode: requests come from there too */
    struct visor_address to;
};

struct visor_net {
    const struct visor_config *config;
    struct visor_stamps *stamps;
    const struct visor_hwstamp *hwstamp; /* NULL: none */
    enum visor_family only;
    struct net_socket sockets[VISOR_NET_SOCKETS_MAX];
    size_t socket_count;         /* entries used so far; some may be free again */
    uint64_t opened;             /* sockets so far */
    struct net_pending *pending; /* a ring, in the order of sending */
    size_t pending_count, pending_next;
    uint16_t sequence; /* of PTP messages */
    int waits_in_vain;
    struct net_target targets[VISOR_NET_SOCKETS_MAX];
    size_t target_count;

    struct visor_datagram datagrams[VISOR_NET_BATCH];
    uint8_t frames[VISOR_NET_BATCH][NET_FRAME];
    _Alignas(8) uint8_t controls[VISOR_NET_BATCH][NET_CONTROL];
    struct sockaddr_storage names[VISOR_NET_BATCH];
    bool single;  /* recvmmsg does not work here */
    bool stamped; /* the last reply had the kernel's stamp of its arrival */
};

/* NULL: not (or no longer) one of ours. */
struct net_socket *visor_net_find(struct visor_net *net, int fd);

/* Entry `back` of the ring, from the newest: 0 … pending_count - 1. What is looked for is nearly
 * always among the first. */
static inline struct net_pending *visor_net_pending(struct visor_net *net, size_t back)
{
    return &net->pending[(net->pending_next + net->pending_count - 1 - back) % net->pending_count];
}

#endif
