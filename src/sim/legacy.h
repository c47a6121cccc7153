/* Hosts that keep their time the old way, for comparison: a guest whose clock is set from its
 * physical machine every so often (guest tools), and a machine that asks one server every so often
 * and steps or slews by each answer (SNTP from a timer). Internal to the world. */
#ifndef VISOR_SIM_LEGACY_H
#define VISOR_SIM_LEGACY_H

#include "sim/host.h"

static inline bool visor_legacy_is(const struct visor_host *host)
{
    return host->model->legacy.kind != VISOR_LEGACY_NONE;
}

/* Its timer: the first time is when it starts. */
void visor_legacy_tick(struct visor_host *host, struct visor_world *world);

/* A reply to its question. */
void visor_legacy_receive(struct visor_host *host, struct visor_world *world,
                          const struct visor_parcel *parcel);

#endif
