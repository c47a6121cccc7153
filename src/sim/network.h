/* How long packets travel, and whether they arrive. A network has two directions: UP from client
 * to server and DOWN back. Each packet takes base delay + queueing; during a congestion epoch the
 * queues are longer and loss is higher. Every path (client, server) draws from a stream of its
 * own, so that one more host does not change what the others see. */
#ifndef VISOR_SIM_NETWORK_H
#define VISOR_SIM_NETWORK_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum visor_direction { VISOR_UP, VISOR_DOWN };

enum visor_jitter_kind {
    VISOR_JITTER_NONE,
    VISOR_JITTER_CONSTANT,
    VISOR_JITTER_UNIFORM,     /* 0 … 2 mean */
    VISOR_JITTER_EXPONENTIAL, /* M/M/1 waiting: the usual model of one queue */
    VISOR_JITTER_GAMMA,       /* shape k >= 1: a chain of queues; mean is k times the scale */
    VISOR_JITTER_PARETO,      /* shape a > 1 (Lomax): heavy tail; mean is scale / (a - 1) */
    VISOR_JITTER_KINDS,
};

struct visor_jitter {
    enum visor_jitter_kind kind;
    double mean; /* s */
    double shape;
};

struct visor_network_model {
    double delay[2]; /* s each way */
    struct visor_jitter jitter[2];
    double loss[2]; /* probability each way */
    double reorder; /* probability that a packet is held back behind later ones */
    double congestion_every, congestion_lasts; /* s, mean gap and mean length; every 0: never */
    double congestion_factor;                  /* times the jitter */
    double congestion_loss;                    /* additional probability */
};

/* What has been changed by scenario events, on a network or on one server's path. */
struct visor_network_change {
    double delay[2]; /* s more (a route change, a VPN) */
    double jitter;   /* times the jitter; 1 */
    double loss;     /* additional probability */
    bool down;       /* nothing passes */
};

struct visor_network {
    struct visor_network_model model;
    struct visor_network_change change;
    struct visor_rng rng;         /* of the congestion epochs */
    int64_t epoch_from, epoch_to; /* current or next epoch, true ns */
};

struct visor_path {
    struct visor_rng rng[2];
};

const char *visor_jitter_name(enum visor_jitter_kind kind); /* NULL past the end */

void visor_network_init(struct visor_network *network, const struct visor_network_model *model,
                        uint64_t seed);
void visor_network_change_init(struct visor_network_change *change); /* no change */
void visor_path_init(struct visor_path *path, uint64_t seed);

/* One-way travel time in ns of a packet sent at true time `at` (not before that of the last call
 * for the same network), or -1 if it is lost. `change`: of the server's path, besides the
 * network's own. */
int64_t visor_network_travel(struct visor_network *network, struct visor_path *path,
                             const struct visor_network_change *change,
                             enum visor_direction direction, int64_t at);

double visor_jitter_draw(const struct visor_jitter *jitter, struct visor_rng *rng); /* s, >= 0 */

#endif
