/* The sockets that chronyc talks to: UDP over IPv4 and IPv6 (`cmdport`, `bindcmdaddress`) and a
 * UNIX datagram socket. It moves bytes; what they mean is timevisord/cmdmon.c's affair.
 *
 * A family or a socket that cannot be had is logged and left out, never the end of the daemon. */
#ifndef VISOR_PORT_MONITOR_H
#define VISOR_PORT_MONITOR_H

#include "config/config.h"
#include "port/log.h"

#include <stddef.h>

#define VISOR_MONITOR_SOCKETS     3
#define VISOR_MONITOR_MESSAGE_MAX 1024

struct visor_monitor;

/* Where a request came from: pass it back unchanged with the reply. */
struct visor_monitor_peer {
    int fd;
    bool local;                  /* by the UNIX socket: full access */
    struct visor_address remote; /* UDP; else family NONE */
    struct visor_address own;    /* UDP: where it arrived, and the reply is sent from */
    char path[108];              /* UNIX: the asking socket's */
    size_t path_length;
};

/* Takes one request; returns the length of the reply in `reply` (VISOR_MONITOR_MESSAGE_MAX bytes),
 * or 0 for none. */
typedef size_t visor_monitor_handler(void *context, const struct visor_monitor_peer *peer,
                                     const uint8_t *request, size_t size, uint8_t *reply);

/* Opens the UDP sockets. `config` and `log` are borrowed for the call. `families`: 4, 6 or 0 for
 * both. NULL without memory. */
struct visor_monitor *visor_monitor_new(const struct visor_config *config, int families,
                                        struct visor_log *log);
void visor_monitor_free(struct visor_monitor *monitor); /* removes the UNIX socket's file */

/* Opens the UNIX socket (apart, since it belongs to the user that the daemon changes to). Its
 * directory is made 0770 if it is missing, and refused if others could write there. */
void visor_monitor_open_path(struct visor_monitor *monitor, const char *path,
                             struct visor_log *log);

/* The open sockets, to be polled for reading; at most VISOR_MONITOR_SOCKETS. Returns how many. */
size_t visor_monitor_fds(const struct visor_monitor *monitor, int *fds);

/* Reads one datagram from `fd` and answers through `handler`. */
void visor_monitor_handle(struct visor_monitor *monitor, int fd, visor_monitor_handler *handler,
                          void *context);

/* A reply that had to wait for the engine. */
void visor_monitor_send(struct visor_monitor *monitor, const struct visor_monitor_peer *peer,
                        const uint8_t *reply, size_t size);

#endif
