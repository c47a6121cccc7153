/* A host's real-time clock as its driver would report it to the daemon: the second's edges, and
 * coarse readings where edges stay away. Internal to the world.
 *
 * It follows the physical machine (true time, with its own offset and rate), or, as an emulator may
 * have it, the guest's own CLOCK_REALTIME. A pause that swallows an edge swallows those after it
 * too, until the driver has noticed and switched them on again. */
#ifndef VISOR_SIM_CHIP_H
#define VISOR_SIM_CHIP_H

#include "sim/world.h"

#define VISOR_CHIP_READ_NS 240000000 /* between coarse readings, while edges stay away */

/* Nothing happens where the host has none. False without memory. */
bool visor_chip_start(struct visor_host *host, struct visor_world *world);

/* Its happening is due, and the host runs. */
void visor_chip_tick(struct visor_host *host, struct visor_world *world);

/* The kernel is to copy its clock to it, as Linux does: every 11 minutes, at the half of a second,
 * if it is not late and the clock is synchronised. */
void visor_chip_copy(struct visor_host *host, struct visor_world *world);

#endif
