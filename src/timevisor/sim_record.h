/* Recording a simulated host, as the daemon's `record` directive does with a real one. */
#ifndef VISOR_TIMEVISOR_SIM_RECORD_H
#define VISOR_TIMEVISOR_SIM_RECORD_H

#include "sim/world.h"

#include <stdio.h>

struct visor_sim_recorder;

/* Record host `name` (NULL: the first) of `world` to `to` until the world ends or its daemon
 * restarts: the world's observer is taken. NULL without memory, or if there is no such host. */
struct visor_sim_recorder *visor_sim_recorder_new(struct visor_world *world, const char *name,
                                                  FILE *to);

/* False if not all could be written. */
bool visor_sim_recorder_free(struct visor_sim_recorder *recorder);

#endif
