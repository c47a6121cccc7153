/* Things that go wrong, done to hosts, servers and networks. Internal to the world. */
#ifndef VISOR_SIM_MISHAP_H
#define VISOR_SIM_MISHAP_H

#include "sim/host.h"

/* Queue all mishaps of the scenario. False without memory. */
bool visor_mishap_init(struct visor_world *world);

void visor_mishap_happen(struct visor_world *world, struct visor_waiting *waiting);

/* A paused host goes on. */
void visor_mishap_resume(struct visor_world *world, struct visor_host *host);

#endif
