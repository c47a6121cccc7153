/* The filter of one line. Which points it sees, and what becomes of a point that does not
 * fit, is the filter's business (filter.c). */
#include "engine/estimate.h"

#include "base/math.h"

/* A residual beyond this many deviations counts as if it were noisier (Huber's weight). */
#define HUBER         3.0
#define HUBER_SCORE   3.283098 /* density / tail of the normal distribution there */
#define HUBER_BEND    (HUBER_SCORE * (HUBER_SCORE - HUBER)) /* information there */
#define WALL          1.7320508075688772 /* half the width of a uniform distribution, deviations */
#define WALL_LEAST    0.3 /* deviations of the rest: narrower, it is as good as normal */
#define SILENT        4.0 /* deviations: a wall that is farther away pushes no more */
#define TWO_PI        6.283185307179586

#define PRODUCT_LEAST 1e-200
#define PRODUCT_MOST  1e200

/* The parts of visor_line_take() are inline: learning the noise takes each stored point some dozen
 * times a sample, which is most of what a sample costs. */
static inline double spread_of(const struct visor_noise *noise, const struct visor_point *point)
{
    return noise->coupling * (point->excess_s + noise->hidden_s);
}

/* Of what the delay does not show. */
static inline double normal_variance(const struct visor_noise *noise,
                                     const struct visor_point *point)
{
    return noise->white * noise->white + point->variance;
}

double visor_noise_variance(const struct visor_noise *noise, const struct visor_point *point)
{
    double spread = spread_of(noise, point);

    return normal_variance(noise, point) + spread * spread;
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
                                   const struct visor_noise *noise)
{
    double measured = visor_seconds_from_ns(visor_ns_diff(point->offset_ns, line->offset_ns));

    return measured - noise->asymmetry * (point->excess_s + noise->hidden_s) - line->phase;
}

double visor_line_innovation(const struct visor_line *line, const struct visor_point *point,
                             const struct visor_noise *noise, double *variance)
{
    *variance = line->p00 + visor_noise_variance(noise, point);
    return innovation_of(line, point, noise);
}

double visor_cost_value(const struct visor_cost *cost)
{
    return cost->squares + visor_math_log(cost->product);
}

static void add_cost(struct visor_cost *cost, double square, double variance)
{
    cost->squares += square;
    cost->product *= variance;
    if (cost->product < PRODUCT_LEAST || cost->product > PRODUCT_MOST) {
        cost->squares += visor_math_log(cost->product);
        cost->product = 1.0;
    }
}

/* What a point says of the phase: first and second derivative of its log likelihood, and -2 log of
 * that as square + log(variance). */
struct pull {
    double score, information;
    double square, variance;
};

static struct pull pull_of_normal(double innovation, double variance)
{
    double square = innovation * innovation / variance;

    if (square > HUBER * HUBER) {
        double ratio = visor_math_sqrt(square);

        square = HUBER * (2.0 * ratio - HUBER);
        variance *= ratio / HUBER; /* the gain shrinks, the point is heard but not obeyed */
    }
    return (struct pull){innovation / variance, 1.0 / variance, square, variance};
}

/* Uniform within +-wall, with normal noise of `deviation` on top. */
static struct pull pull_of_walls(double innovation, double deviation, double wall)
{
    double side = innovation < 0.0 ? -1.0 : 1.0, width = 2.0 * wall;
    double near = (side * innovation - wall) / deviation;
    double far = (side * innovation + wall) / deviation;
    double share, at_near, at_far = 0.0, score, bend;

    if (near < -SILENT)
        return (struct pull){0.0, 0.0, 0.0, width * width / TWO_PI};
    if (near > HUBER) /* pushes no harder from there on */
        return (struct pull){side * HUBER_SCORE / deviation,
                             HUBER_BEND * HUBER / (near * deviation * deviation),
                             HUBER * HUBER + 2.0 * HUBER_SCORE * (near - HUBER),
                             HUBER_SCORE * HUBER_SCORE * width * width};
    share = visor_math_tail(near, &at_near);
    if (far < SILENT)
        share -= visor_math_tail(far, &at_far);
    score = (at_near - at_far) / (share * deviation);
    bend = (near * at_near - far * at_far) / (share * deviation * deviation);
    width /= share;
    return (struct pull){side * score, score * score - bend, 0.0, width * width / TWO_PI};
}

void visor_line_take(struct visor_line *line, const struct visor_point *point,
                     const struct visor_noise *noise, struct visor_cost *cost)
{
    double innovation, normal, p00, p01, spread = spread_of(noise, point);
    struct pull pull;

    move(line, point->at, noise->wander);
    innovation = innovation_of(line, point, noise);
    normal = line->p00 + normal_variance(noise, point);
    if (!noise->walls || WALL * WALL * spread * spread < WALL_LEAST * WALL_LEAST * normal)
        pull = pull_of_normal(innovation, normal + spread * spread);
    else
        pull = pull_of_walls(innovation, visor_math_sqrt(normal), WALL * spread);
    if (cost)
        add_cost(cost, pull.square, pull.variance);
    p00 = line->p00;
    p01 = line->p01;
    line->phase += p00 * pull.score;
    line->rate += p01 * pull.score;
    line->p00 -= p00 * p00 * pull.information;
    line->p01 -= p00 * p01 * pull.information;
    line->p11 -= p01 * p01 * pull.information;
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
