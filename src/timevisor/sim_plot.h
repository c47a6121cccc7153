/* A drawing of one host's run: true error and published bound over time, trust, and events. */
#ifndef VISOR_TIMEVISOR_SIM_PLOT_H
#define VISOR_TIMEVISOR_SIM_PLOT_H

#include "sim/world.h"

#include <stdio.h>

struct visor_plot;

/* Watches host `name` (NULL: the first) of `world` from now on: the world's observer is taken. NULL
 * without memory, or if there is no such host. */
struct visor_plot *visor_plot_new(struct visor_world *world, const char *name);
void visor_plot_free(struct visor_plot *plot); /* NULL allowed */

/* Write what was seen as SVG. False if writing failed. */
bool visor_plot_write(const struct visor_plot *plot, FILE *to);

#endif
