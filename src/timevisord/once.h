/* What ends by itself: -q and -Q (measure the clock once, set it or only say so), -t (a time
 * limit), and initstepslew (measure once, set, and then go on). */
#ifndef VISOR_TIMEVISORD_ONCE_H
#define VISOR_TIMEVISORD_ONCE_H

#include "timevisord/daemon.h"

/* After every wake-up: ends the loop when its task is done, hopeless, or out of time. */
void visor_once_look(struct visor_daemon *daemon);

/* When look() has something to do without an event; INT64_MAX: never. */
visor_mono visor_once_deadline(const struct visor_daemon *daemon);

/* initstepslew, if it is wanted: before the START event. Runs the loop with an engine of its own
 * until the clock is set or there is no hope. Serves and answers meanwhile. */
void visor_once_initstep(struct visor_daemon *daemon);

#endif
