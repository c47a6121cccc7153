/* A host: its clocks advanced to the moment, the real engine fed with events, and the engine's
 * actions carried out on the world. Internal to the world. */
#ifndef VISOR_SIM_HOST_H
#define VISOR_SIM_HOST_H

#include "sim/parcel.h"

/* False without memory. */
bool visor_host_init(struct visor_host *host, struct visor_world *world,
                     const struct visor_scenario_host *model, const char *name);
void visor_host_done(struct visor_host *host);

/* Let its clocks run up to true time `at`, sampling every whole second on the way. */
void visor_host_advance(struct visor_host *host, struct visor_world *world, int64_t at);

/* Hand one event to the engine at world->now, carry out what it wants, and set its timer. */
void visor_host_handle(struct visor_host *host, struct visor_world *world,
                       struct visor_event *event);

/* May it run at world->now? If not, `happening` is queued for later. Theft and heavy I/O are
 * decided here; `parcel` (NULL: none) keeps the kernel's stamp through the latter. */
bool visor_host_ready(struct visor_host *host, struct visor_world *world,
                      struct visor_happening *happening, struct visor_parcel *parcel);

/* The daemon ends; it starts again at true time `at`. */
void visor_host_restart(struct visor_host *host, struct visor_world *world, int64_t at);

void visor_host_start(struct visor_host *host, struct visor_world *world);
void visor_host_receive(struct visor_host *host, struct visor_world *world,
                        struct visor_parcel *parcel);

/* Carry out one action (carry.c). */
void visor_host_carry(struct visor_host *host, struct visor_world *world,
                      const struct visor_action *action);

/* Send a packet to a target on behalf of the engine's `source` (carry.c). */
void visor_host_transmit(struct visor_host *host, struct visor_world *world, uint32_t target,
                         uint32_t source, const uint8_t *data, size_t size);

/* Compare what is published with the truth, now. */
void visor_host_check(struct visor_host *host, struct visor_world *world);

/* A stamp of a packet that comes now. */
struct visor_stamp visor_host_stamp(struct visor_host *host);

struct visor_reading visor_host_reading(const struct visor_host *host);

#endif
