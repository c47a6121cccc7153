/* UTC as a line over the raw counter, estimated from one source's samples: a two-state
 * filter (phase, frequency) with random-walk frequency noise, run over the stored samples.
 *
 * A queue only ever adds delay, so a sample is the worse the more its delay exceeds the smallest
 * one: if both queueing delays are exponential, the offset error is uniform in +-excess / 2 given
 * the excess, hence a deviation of coupling x excess with coupling = 1 / sqrt(12). Such a point is
 * silent as long as the line lies well between its walls, and pushes where it does not: the line
 * moves by the score of the point's true likelihood, uniform with normal noise on top (Masreliez's
 * filter; without excess it is Kalman's). The noise parameters are learnt by maximum likelihood
 * (filter.c). Pure functions, seconds throughout. */
#ifndef VISOR_ENGINE_ESTIMATE_H
#define VISOR_ENGINE_ESTIMATE_H

#include "base/time.h"

#include <stddef.h>

/* What the filter keeps of a sample. */
struct visor_point {
    visor_mono at;
    int64_t offset_ns; /* reference - raw, as measured */
    double excess_s;   /* delay above the smallest one known, >= 0 */
    double variance;   /* s^2: what precision, stamps and the reference itself contribute */
};

struct visor_noise {
    double wander;    /* random walk of frequency: s/s per sqrt(s) */
    double white;     /* s: noise that the delay does not show */
    double coupling;  /* s of offset noise a s of excess delay */
    double asymmetry; /* s of offset error a s of excess delay, -0.5 … 0.5 */
    double hidden_s;  /* what the smallest delay known probably still exceeds the true one by */
    bool walls;       /* that is known well enough for the errors to have limits */
};

/* The estimate: UTC(raw) = raw + offset_ns + phase + rate (raw - at), with its covariance. */
struct visor_line {
    visor_mono at;
    int64_t offset_ns;
    double phase, rate;   /* s, s/s */
    double p00, p01, p11; /* s^2, s^2/s, (s/s)^2 */
};

/* -2 log likelihood of the points that a line has taken. Widths are multiplied up, since a
 * logarithm for each point would be the dearest part of it. */
struct visor_cost {
    double squares; /* and logarithms, where the product left its range */
    double product;
};

static inline struct visor_cost visor_cost_begin(void)
{
    return (struct visor_cost){.product = 1.0};
}

double visor_cost_value(const struct visor_cost *cost);

/* Move the line to another raw time, its covariance growing by the wander. */
void visor_line_move(struct visor_line *line, visor_mono to, double wander);

/* Innovation of a point against a line already moved to it, s; and its variance in *variance. */
double visor_line_innovation(const struct visor_line *line, const struct visor_point *point,
                             const struct visor_noise *noise, double *variance);

/* Take the point into the line (moves it first), and its share into the cost (NULL: of no
 * interest). */
void visor_line_take(struct visor_line *line, const struct visor_point *point,
                     const struct visor_noise *noise, struct visor_cost *cost);

/* UTC by the line, and its seconds' difference from another line at the same raw time. */
/* Another rate from `now` on, as if it had always been so; the value at `now` stays. */
void visor_line_turn(struct visor_line *line, visor_mono now, double change);

visor_wall visor_line_utc(const struct visor_line *line, visor_mono raw);
double visor_line_diff(const struct visor_line *line, const struct visor_line *other,
                       visor_mono raw); /* line - other */

/* Variance of a point under the noise model, s^2. */
double visor_noise_variance(const struct visor_noise *noise, const struct visor_point *point);

#endif
