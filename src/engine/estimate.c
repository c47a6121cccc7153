/* The Kalman filter of one line. Which points it sees, and what becomes of a point that does not
 * fit, is the filter's business (filter.c). */
#include "engine/estimate.h"

#include "base/math.h"

/* A residual beyond this many deviations counts as if it were noisier (Huber's weight). */
#define HUBER         3.0

#define PRODUCT_LEAST 1e-200
#define PRODUCT_MOST  1e200

/* The parts of visor_line_take() are inline: learning the noise takes each stored point some dozen
 * times a sample, which is most of what a sample costs. */
static inline double variance_of(const struct visor_noise *noise, const struct visor_point *point)
{
    double spread = noise->coupling * point->excess_s;

    return noise->white * noise->white + spread * spread + point->variance;
}

double visor_noise_variance(const struct visor_noise *noise, const struct visor_point *point)
{
    return variance_of(noise, point);
}

struct visor_line visor_line_from(const struct visor_point *point, const struct visor_noise *noise,
                                  double rate, double rate_deviation)
{
    return (struct visor_line){
        .at = point->at,
        .offset_ns = point->offset_ns,
        .phase = -noise->asymmetry * point->excess_s,
        .rate = rate,
        .p00 = variance_of(noise, point),
        .p11 = rate_deviation * rate_deviation,
    };
}

static inline void move(struct visor_line *line, visor_mono to, double wander)
{
    double dt = visor_seconds_from_ns(visor_mono_diff(to, line->at));
    double q = wander * wander * (dt < 0.0 ? -dt : dt);

    line->phase += line->rate * dt;
    line->p00 += dt * (2.0 * line->p01 + dt * line->p11) + q * dt * dt / 3.0;
    line->p01 += dt * line->p11 + q * dt / 2.0;
    line->p11 += q;
    line->at = to;
}

void visor_line_move(struct visor_line *line, visor_mono to, double wander)
{
    move(line, to, wander);
}

void visor_line_turn(struct visor_line *line, visor_mono now, double change)
{
    line->offset_ns = visor_ns_diff(
        line->offset_ns,
        visor_ns_from_seconds(change * visor_seconds_from_ns(visor_mono_diff(now, line->at))));
    line->rate += change;
}

static inline double innovation_of(const struct visor_line *line, const struct visor_point *point,
                                   const struct visor_noise *noise, double *variance)
{
    double measured = visor_seconds_from_ns(visor_ns_diff(point->offset_ns, line->offset_ns));

    *variance = line->p00 + variance_of(noise, point);
    return measured - noise->asymmetry * point->excess_s - line->phase;
}

double visor_line_innovation(const struct visor_line *line, const struct visor_point *point,
                             const struct visor_noise *noise, double *variance)
{
    return innovation_of(line, point, noise, variance);
}

double visor_cost_value(const struct visor_cost *cost)
{
    return cost->squares + visor_math_log(cost->product);
}

static void add_cost(struct visor_cost *cost, double square, double variance)
{
    if (!cost)
        return;
    cost->squares += square;
    cost->product *= variance;
    if (cost->product < PRODUCT_LEAST || cost->product > PRODUCT_MOST) {
        cost->squares += visor_math_log(cost->product);
        cost->product = 1.0;
    }
}

void visor_line_take(struct visor_line *line, const struct visor_point *point,
                     const struct visor_noise *noise, struct visor_cost *cost)
{
    double variance, innovation, inverse, square, k0, k1, p00, p01;

    move(line, point->at, noise->wander);
    innovation = innovation_of(line, point, noise, &variance);
    inverse = 1.0 / variance;
    square = innovation * innovation * inverse;
    if (square > HUBER * HUBER) {
        double ratio = visor_math_sqrt(square);

        square = HUBER * (2.0 * ratio - HUBER);
        variance *= ratio / HUBER; /* the gain shrinks, the point is heard but not obeyed */
        inverse *= HUBER / ratio;
    }
    add_cost(cost, square, variance);
    k0 = line->p00 * inverse;
    k1 = line->p01 * inverse;
    p00 = line->p00;
    p01 = line->p01;
    line->phase += k0 * innovation;
    line->rate += k1 * innovation;
    line->p00 = p00 - k0 * p00;
    line->p01 = p01 - k0 * p01;
    line->p11 -= k1 * p01;
}

visor_wall visor_line_utc(const struct visor_line *line, visor_mono raw)
{
    double dt = visor_seconds_from_ns(visor_mono_diff(raw, line->at));

    return visor_wall_add((visor_wall){visor_ns_add(raw.ns, line->offset_ns)},
                          visor_ns_from_seconds(line->phase + line->rate * dt));
}

double visor_line_diff(const struct visor_line *line, const struct visor_line *other,
                       visor_mono raw)
{
    double dt = visor_seconds_from_ns(visor_mono_diff(raw, line->at));
    double other_dt = visor_seconds_from_ns(visor_mono_diff(raw, other->at));

    return visor_seconds_from_ns(visor_ns_diff(line->offset_ns, other->offset_ns)) +
           (line->phase + line->rate * dt) - (other->phase + other->rate * other_dt);
}
