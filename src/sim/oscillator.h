/* What a counter really ticks at: the fractional frequency error of an oscillator, second by
 * second of true time. Positive runs fast. The path is the same whatever its host does, so that
 * two policies can be compared on the same noise.
 *
 *     y(t) = frequency + ageing t + walk(t) + temperature (T(t) - T0) + white noise
 *
 * The walk is random-walk FM; flicker FM, between the two, is left out: over the 1 s to 1 day that
 * matter here the sum of white and random-walk FM brackets it (docs/simulation.md gives the
 * sources of the figures and the Allan deviations that come out). */
#ifndef VISOR_SIM_OSCILLATOR_H
#define VISOR_SIM_OSCILLATOR_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum visor_oscillator_kind {
    VISOR_OSCILLATOR_PERFECT,
    VISOR_OSCILLATOR_QUARTZ,
    VISOR_OSCILLATOR_TCXO,
    VISOR_OSCILLATOR_OCXO,
    VISOR_OSCILLATOR_RUBIDIUM,
    VISOR_OSCILLATOR_CAESIUM,
    VISOR_OSCILLATOR_MASER,
    VISOR_OSCILLATOR_OPTICAL,
    VISOR_OSCILLATOR_KINDS,
};

struct visor_oscillator_model {
    double frequency;   /* s/s at the start */
    double tolerance;   /* s/s, deviation of `frequency` among many such oscillators */
    double white;       /* Allan deviation at 1 s of the white FM */
    double wander;      /* random-walk FM, s/s per sqrt(s) */
    double ageing;      /* s/s per second */
    double temperature; /* s/s per K, seen from outside (a TCXO's or OCXO's is what is left) */
    double daily;       /* K, amplitude of the room's daily cycle */
    double load;        /* K by which a busy processor (or a higher CPU frequency) warms it */
    double load_period; /* s, mean length of a busy and of an idle phase; 0: always idle */
    double lag;         /* s, thermal time constant between processor and oscillator */
};

struct visor_oscillator {
    struct visor_oscillator_model model;
    struct visor_rng rng;
    double walk;       /* s/s */
    double slow;       /* s/s, everything but white noise, held for a few steps */
    double warmth;     /* K above the idle temperature */
    int64_t seconds;   /* steps taken */
    int64_t load_ends; /* step at which the phase of load changes */
    double phase;      /* of the daily cycle, radians */
    bool busy;
};

/* Name of a kind ("quartz", …) and the figures of a typical one; NULL and false past the end. */
const char *visor_oscillator_name(enum visor_oscillator_kind kind);
void visor_oscillator_model_init(struct visor_oscillator_model *model,
                                 enum visor_oscillator_kind kind);

void visor_oscillator_init(struct visor_oscillator *oscillator,
                           const struct visor_oscillator_model *model, uint64_t seed);

/* Add to its frequency from now on. */
void visor_oscillator_shift(struct visor_oscillator *oscillator, double frequency);

/* Mean fractional frequency error of the next true second. */
double visor_oscillator_step(struct visor_oscillator *oscillator);

#endif
