/* The daemon's end of the control socket. It takes requests, checks who asks, and sends replies; it
 * never blocks and holds at most VISOR_CONTROL_CLIENTS connections, the least recently used giving
 * way to a new one.
 *
 *     count = visor_control_fds(control, fds, MAX);   add to the poll set
 *     visor_control_handle(control, fds, count);      after poll
 *     while (visor_control_next(control, &call))
 *         visor_control_reply(control, call.token, VISOR_CONTROL_OK, json);   now or later
 */
#ifndef VISOR_PORT_CONTROL_H
#define VISOR_PORT_CONTROL_H

#include "wire/control.h"

#include <poll.h>
#include <sys/types.h>

#define VISOR_CONTROL_CLIENTS 16
#define VISOR_CONTROL_FDS     (VISOR_CONTROL_CLIENTS + 1)

/* Where the daemon that keeps the clock listens, and the one that only observes. */
#define VISOR_CONTROL_PATH         "/run/timevisor/timevisord.sock"
#define VISOR_CONTROL_OBSERVE_PATH "/run/timevisor/observe.sock"

struct visor_control;

struct visor_control_call {
    uint32_t token; /* of the reply */
    struct visor_control_request request;
};

/* Makes the socket (mode 0666; its folder, 0755, where that is missing) and listens. A socket that
 * nobody listens on is replaced. Writes are taken from root and `owner`. 0 or -errno: -EADDRINUSE
 * means that another daemon answers there. */
int visor_control_new(const char *path, uid_t owner, struct visor_control **control);
void visor_control_free(struct visor_control *control); /* removes the socket; NULL allowed */

/* What to poll, VISOR_CONTROL_FDS at most; returns how many. */
size_t visor_control_fds(struct visor_control *control, struct pollfd *fds, size_t max);

/* Accepts, reads and writes where poll said so; unknown descriptors are passed over. */
void visor_control_handle(struct visor_control *control, const struct pollfd *fds, size_t count);

/* Next request to be answered; false: none. Unlawful ones were refused already. */
bool visor_control_next(struct visor_control *control, struct visor_control_call *call);

/* `json`: text, NULL for none. Copied; a client that has gone is passed over. */
void visor_control_reply(struct visor_control *control, uint32_t token,
                         enum visor_control_result result, const char *json);

#endif
