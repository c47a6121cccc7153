/* chronyc at the daemon's door: its sockets, and the daemon as the host that answers want
 * (chronyc.h). */
#ifndef VISOR_TIMEVISORD_REMOTE_H
#define VISOR_TIMEVISORD_REMOTE_H

#include "config/config.h"

#include <stddef.h>

struct visor_daemon;
struct visor_remote;

#define VISOR_REMOTE_FDS 3

/* Opens the UDP sockets, unless the daemon only observes beside another one. What cannot be had is
 * logged. Needs the daemon's server, clock and engine when it is asked, not now. NULL without
 * memory. */
struct visor_remote *visor_remote_new(struct visor_daemon *daemon);
void visor_remote_free(struct visor_remote *remote); /* NULL allowed */

/* The UNIX socket: to be called as the user that the daemon runs as. */
void visor_remote_open_path(struct visor_remote *remote);

/* Descriptors to poll for reading; and one that is readable. */
size_t visor_remote_fds(const struct visor_remote *remote, int fds[VISOR_REMOTE_FDS]);
void visor_remote_handle(struct visor_remote *remote, int fd);

#endif
