/* What the scenario expects of a host, checked as it runs. Internal to the world. */
#ifndef VISOR_SIM_EXPECTATION_H
#define VISOR_SIM_EXPECTATION_H

#include "sim/world.h"

/* At a whole second. */
void visor_expectation_check(struct visor_host *host, const struct visor_world *world,
                             const struct visor_score_sample *sample);

/* At the end. */
void visor_expectation_finish(struct visor_host *host, const struct visor_world *world);

#endif
