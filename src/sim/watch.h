/* What a host watches of itself besides its real-time clock: markers of its hypervisor and kernel,
 * a PHC, how late its timers are, and what was stolen from it. Internal to the world.
 *
 * The faults count the markers up (mishap.c); here they are looked at, once a second. */
#ifndef VISOR_SIM_WATCH_H
#define VISOR_SIM_WATCH_H

#include "sim/world.h"

/* Nothing happens where the host watches nothing. False without memory. */
bool visor_watch_start(struct visor_host *host, struct visor_world *world);

/* Its happening is due, and the host runs. */
void visor_watch_tick(struct visor_host *host, struct visor_world *world);
/* It was suspended, and runs again: what its kernel counts of that is looked at before anything
 * else. */
void visor_watch_woke(struct visor_host *host, struct visor_world *world);

#endif
