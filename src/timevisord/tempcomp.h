/* `tempcomp`: the counter's rate as a function of a temperature sensor. */
#ifndef VISOR_TIMEVISORD_TEMPCOMP_H
#define VISOR_TIMEVISORD_TEMPCOMP_H

#include "timevisord/daemon.h"

#define VISOR_TEMPCOMP_MAX_PPM 10.0 /* beyond: the sensor or the coefficients are wrong */

/* ppm by which the clock has to run faster at a temperature (in the sensor's unit): the polynomial,
 * or the line through the two nearest points. */
double visor_tempcomp_at(const struct visor_config *config, double temperature);

/* When the sensor is to be read next; INT64_MAX: never. And read it, if it is due: what has changed
 * is told to the engine. */
visor_mono visor_tempcomp_deadline(const struct visor_daemon *daemon);
void visor_tempcomp_tick(struct visor_daemon *daemon, visor_mono now);

#endif
