/* Packets between hosts: requests to a host that serves, answered by the real engine/serve, and
 * symmetric packets between peers. Internal to the world. */
#ifndef VISOR_SIM_VISIT_H
#define VISOR_SIM_VISIT_H

#include "sim/host.h"

/* Does the host's configuration open its server? */
bool visor_visit_serves(const struct visor_host *host);

/* A packet comes to the server socket of host parcel->target; the parcel is dropped or sent on. */
void visor_visit_arrive(struct visor_world *world, struct visor_parcel *parcel);

/* Travel time of a packet between parcel's client and its target, ns, or -1: lost. */
int64_t visor_visit_travel(struct visor_world *world, struct visor_host *client, uint32_t target,
                           enum visor_direction direction);

#endif
