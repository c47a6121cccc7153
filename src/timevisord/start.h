/* The daemon's beginning and end. */
#ifndef VISOR_TIMEVISORD_START_H
#define VISOR_TIMEVISORD_START_H

#include "timevisord/daemon.h"

/* Opens what the daemon needs; `options`, `config`, `log` and `helper` are there. 0 or -errno. */
int visor_start(struct visor_daemon *daemon);

/* The START event, with what the last run left. */
void visor_start_engine(struct visor_daemon *daemon);

/* The STOP event, and everything closed that visor_start() opened, and the helper. */
void visor_stop(struct visor_daemon *daemon);

#endif
