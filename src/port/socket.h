/* Sockets as the daemon uses them everywhere: non-blocking, closed on exec, made without flags that
 * older kernels and simulators refuse; and addresses to and from the C library's form. */
#ifndef VISOR_PORT_SOCKET_H
#define VISOR_PORT_SOCKET_H

#include "base/address.h"

#include <sys/socket.h>

/* A new socket, or -errno. `type`: SOCK_DGRAM or SOCK_STREAM. */
int visor_socket_open(int domain, int type);

/* A UDP socket bound to `local` (family NONE: not bound; port 0: any) and `device` (NULL or "":
 * any; failing to bind to it is an error). An IPv6 socket takes IPv6 only. The address may be one
 * that the machine does not have yet. Without SO_REUSEADDR, which on Linux would let two daemons
 * share a UDP port and lose packets to each other unnoticed. Or -errno. */
int visor_socket_open_udp(enum visor_family family, const struct visor_address *local,
                          const char *device);

/* Length of the written form; 0 for family NONE. */
socklen_t visor_socket_address_write(const struct visor_address *address,
                                     struct sockaddr_storage *to);

/* False: neither IPv4 nor IPv6. An IPv4 address mapped into IPv6 is given as IPv4. */
bool visor_socket_address_read(const struct sockaddr *from, struct visor_address *address);

/* Has the kernel a route to this address, and may we use it? Nothing is sent. */
bool visor_socket_routed(const struct visor_address *address);

/* setsockopt with an int; 0 or -errno. */
int visor_socket_set(int fd, int level, int option, int value);

#endif
