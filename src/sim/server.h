/* An NTP server that is a model and not a daemon: a clock with an error of its own, what it claims
 * about that error, and what can go wrong with it. It costs next to nothing, so that the host
 * under test gets the time. (A host with a `serve` line is the other kind: the real engine.) */
#ifndef VISOR_SIM_SERVER_H
#define VISOR_SIM_SERVER_H

#include "base/rng.h"
#include "base/time.h"
#include "sim/network.h"
#include "wire/view.h"

#include <stddef.h>

#define VISOR_SIM_PACKET_MAX 1280

struct visor_server_model {
    uint8_t stratum;   /* 1 */
    double offset;     /* s, constant error: server's clock - UTC */
    double error;      /* s, bound of its own wandering error; claimed, unless it lies */
    double dispersion; /* s, claimed besides `error` and an honest `offset` */
    double root_delay; /* s, claimed */
    double processing; /* s, mean time from receive to transmit */
    int precision;     /* log2 s */
    bool liar;         /* claims `dispersion` only, whatever its error */
    enum visor_leap leap;
};

struct visor_server {
    struct visor_server_model model;
    struct visor_rng rng;
    struct visor_network_change change; /* of the paths to it */
    uint32_t refid;
    double step;          /* s, added by scenario events */
    double frequency;     /* s/s, from `frequency_at` on: a clock that runs away */
    int64_t frequency_at; /* true ns */
    bool dead;            /* does not answer */
    bool frozen;          /* answers with the time at which it froze */
    int64_t frozen_at;
    bool unsynchronized; /* says so */
    double wander;       /* s, the wandering error now, within +-error */
    int64_t wander_at;   /* true ns */
};

void visor_server_init(struct visor_server *server, const struct visor_server_model *model,
                       uint64_t seed);

/* Server's clock less UTC at true time `at`, s. `at` must not go back. */
double visor_server_error(struct visor_server *server, int64_t at);

/* Does its claim (root delay / 2 + root dispersion) cover its error now? */
bool visor_server_honest(struct visor_server *server, int64_t at);

/* What it claims: the largest error of its time, s. */
double visor_server_claim(const struct visor_server *server);

struct visor_server_reply {
    int64_t leaves; /* true ns */
    size_t size;
    uint8_t data[VISOR_SIM_PACKET_MAX];
};

/* Answer a request that arrived at `at`, when UTC was `utc`. False: no reply. */
bool visor_server_answer(struct visor_server *server, int64_t at, visor_wall utc,
                         const uint8_t *request, size_t size, struct visor_server_reply *reply);

#endif
