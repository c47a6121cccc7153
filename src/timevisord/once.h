/* -q and -Q: measure the clock once, set it or only say so, and end. And -t, the time limit. */
#ifndef VISOR_TIMEVISORD_ONCE_H
#define VISOR_TIMEVISORD_ONCE_H

#include "timevisord/daemon.h"

/* After every wake-up: ends the daemon when its task is done, hopeless, or out of time. */
void visor_once_look(struct visor_daemon *daemon);

/* When the time limit ends; INT64_MAX: there is none. */
visor_mono visor_once_deadline(const struct visor_daemon *daemon);

#endif
