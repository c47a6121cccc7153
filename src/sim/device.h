/* Reference clocks of a host as its drivers would report them: PHC, PPS, SHM, SOCK and RTC.
 * Internal to the world. Pulses and the samples of SHM, SOCK and RTC belong to the true second that
 * passed last, so they come once a second; a PHC is read at the moment. */
#ifndef VISOR_SIM_DEVICE_H
#define VISOR_SIM_DEVICE_H

#include "sim/world.h"

/* Devices for the refclock directives of the host's configuration. False without memory. */
bool visor_device_init(struct visor_host *host, const struct visor_world *world);

/* Read the device of directive `refclock`, now. */
void visor_device_measure(struct visor_host *host, struct visor_world *world, uint32_t refclock,
                          struct visor_event_refclock *event);

#endif
