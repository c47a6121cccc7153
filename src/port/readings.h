/* One good pair of two clocks from a handful of readings of the form system, device, system. Pure.
 *
 * The device was read somewhere in the window between the two system stamps, so half the window
 * bounds the error, and the windows that interrupts and bus traffic have widened say so
 * themselves. Readings are weighted by that, on top of the scatter that the narrow ones show. */
#ifndef VISOR_PORT_READINGS_H
#define VISOR_PORT_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_READINGS_MAX 25

struct visor_readings_one {
    int64_t before_ns, device_ns, after_ns;
};

struct visor_readings_pair {
    int64_t system_ns, device_ns;
    int64_t narrowest_ns; /* window */
    int64_t error_ns;     /* half of it: bound of the systematic error */
    double dispersion_s;  /* standard error of the pair, as far as it is random */
};

/* `usual_ns`: narrowest window seen in the recent past; this time's if there is none (negative).
 * False: no reading is sane (a window is negative: the system clock was stepped backward), or none
 * agrees with the others. */
bool visor_readings_combine(const struct visor_readings_one *readings, size_t count,
                            int64_t usual_ns, struct visor_readings_pair *pair);

#endif
