/* Travel times. Nothing here knows what is in a packet. */
#include "sim/network.h"

#include "base/math.h"
#include "base/time.h"

#define LONGEST_S 60.0 /* no queue holds a packet longer */

const char *visor_jitter_name(enum visor_jitter_kind kind)
{
    static const char *const names[VISOR_JITTER_KINDS] = {"none",        "constant", "uniform",
                                                          "exponential", "gamma",    "pareto"};

    return kind < VISOR_JITTER_KINDS ? names[kind] : NULL;
}

void visor_network_change_init(struct visor_network_change *change)
{
    *change = (struct visor_network_change){.jitter = 1.0};
}

static int64_t later(struct visor_network *network, double mean)
{
    return visor_ns_from_seconds(mean * visor_rng_exponential(&network->rng));
}

static void next_epoch(struct visor_network *network)
{
    network->epoch_from = network->epoch_to + later(network, network->model.congestion_every);
    network->epoch_to = network->epoch_from + later(network, network->model.congestion_lasts);
}

void visor_network_init(struct visor_network *network, const struct visor_network_model *model,
                        uint64_t seed)
{
    *network = (struct visor_network){.model = *model};
    visor_network_change_init(&network->change);
    visor_rng_init(&network->rng, seed);
    if (model->congestion_every > 0.0)
        next_epoch(network);
}

void visor_path_init(struct visor_path *path, uint64_t seed)
{
    visor_rng_init(&path->rng[VISOR_UP], seed);
    visor_rng_init(&path->rng[VISOR_DOWN], ~seed);
}

/* Marsaglia and Tsang (2000), for shape >= 1; mean 1. */
static double gamma_shaped(double shape, struct visor_rng *rng)
{
    double d = shape - 1.0 / 3.0, c = 1.0 / visor_math_sqrt(9.0 * d);

    for (;;) {
        double x = visor_rng_normal(rng), v = 1.0 + c * x, u;

        if (v <= 0.0)
            continue;
        v = v * v * v;
        u = 1.0 - visor_rng_uniform(rng);
        if (visor_math_log(u) < 0.5 * x * x + d - d * v + d * visor_math_log(v))
            return d * v / shape;
    }
}

/* Lomax by inversion: scale ((1 - u)^(-1/a) - 1); mean 1. */
static double pareto_shaped(double shape, struct visor_rng *rng)
{
    double power = visor_math_exp(visor_rng_exponential(rng) / shape);

    return (shape - 1.0) * (power - 1.0);
}

double visor_jitter_draw(const struct visor_jitter *jitter, struct visor_rng *rng)
{
    double s = 0.0;

    switch (jitter->kind) {
    case VISOR_JITTER_CONSTANT:
        s = jitter->mean;
        break;
    case VISOR_JITTER_UNIFORM:
        s = 2.0 * jitter->mean * visor_rng_uniform(rng);
        break;
    case VISOR_JITTER_EXPONENTIAL:
        s = jitter->mean * visor_rng_exponential(rng);
        break;
    case VISOR_JITTER_GAMMA:
        s = jitter->mean * gamma_shaped(jitter->shape, rng);
        break;
    case VISOR_JITTER_PARETO:
        s = jitter->mean * pareto_shaped(jitter->shape, rng);
        break;
    case VISOR_JITTER_NONE:
    case VISOR_JITTER_KINDS:
        break;
    }
    return s < LONGEST_S ? s : LONGEST_S;
}

static bool congested(struct visor_network *network, int64_t at)
{
    if (network->model.congestion_every <= 0.0)
        return false;
    while (at >= network->epoch_to)
        next_epoch(network);
    return at >= network->epoch_from;
}

int64_t visor_network_travel(struct visor_network *network, struct visor_path *path,
                             const struct visor_network_change *change,
                             enum visor_direction direction, int64_t at)
{
    const struct visor_network_model *m = &network->model;
    const struct visor_network_change *own = &network->change;
    struct visor_rng *rng = &path->rng[direction];
    double jitter = own->jitter * change->jitter, delay, kept;

    kept = (1.0 - m->loss[direction]) * (1.0 - own->loss) * (1.0 - change->loss);
    if (congested(network, at)) {
        jitter *= m->congestion_factor;
        kept *= 1.0 - m->congestion_loss;
    }
    if (own->down || change->down || (kept < 1.0 && visor_rng_uniform(rng) >= kept))
        return -1;
    delay = m->delay[direction] + own->delay[direction] + change->delay[direction] +
            jitter * visor_jitter_draw(&m->jitter[direction], rng);
    if (m->reorder > 0.0 && visor_rng_uniform(rng) < m->reorder)
        delay += delay * (1.0 + visor_rng_uniform(rng));
    return delay > 0.0 ? visor_ns_from_seconds(delay) : 0;
}
