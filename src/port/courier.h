/* Carries questions to a chronyd's command socket and its answers back, without waiting. Each
 * question has a socket of its own: so a chronyd that was restarted meanwhile, or a directory that
 * was made anew, needs no thought. */
#ifndef VISOR_PORT_COURIER_H
#define VISOR_PORT_COURIER_H

#include "engine/action.h"
#include "engine/event.h"

struct visor_courier {
    char path[108], own[108]; /* chronyd's socket and ours beside it; "": none */
    int fd;                   /* -1: no question is out */
    struct visor_action_chronyd asked;
};

void visor_courier_init(struct visor_courier *courier, const char *path);
void visor_courier_done(struct visor_courier *courier);

/* An answer to the last question is no longer waited for. 0, or -errno: -EACCES where we have no
 * right to the socket or its directory, -ENOENT and -ECONNREFUSED where there is no chronyd. */
int visor_courier_ask(struct visor_courier *courier, const struct visor_action_chronyd *question);

int visor_courier_fd(const struct visor_courier *courier); /* to be polled for reading; -1: none */

/* True: an answer came. */
bool visor_courier_take(struct visor_courier *courier, struct visor_event_chronyd *event);

#endif
