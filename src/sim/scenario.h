/* A scenario as data: what is in the world, what happens to it and what is expected of it.
 * scenario_parse.h reads the text form (docs/simulation.md), chaos.h makes random ones. Names are
 * resolved to indices already. */
#ifndef VISOR_SIM_SCENARIO_H
#define VISOR_SIM_SCENARIO_H

#include "config/config.h"
#include "sim/network.h"
#include "sim/oscillator.h"
#include "sim/score.h"
#include "sim/server.h"

#include <stddef.h>
#include <stdint.h>

#define VISOR_SCENARIO_NAME_MAX     32
#define VISOR_SCENARIO_TITLE_MAX    160
#define VISOR_SCENARIO_NETWORKS_MAX 1000
#define VISOR_SCENARIO_SERVERS_MAX  10000
#define VISOR_SCENARIO_HOSTS_MAX    100000     /* with `count` */
#define VISOR_SCENARIO_NONE         UINT32_MAX /* an index that is not set */

enum visor_stamping { VISOR_STAMPING_KERNEL, VISOR_STAMPING_DAEMON, VISOR_STAMPING_HARDWARE };

struct visor_scenario_network {
    char name[VISOR_SCENARIO_NAME_MAX];
    struct visor_network_model model;
};

struct visor_scenario_server {
    char name[VISOR_SCENARIO_NAME_MAX];
    uint32_t network;
    struct visor_server_model model;
};

struct visor_scenario_host {
    char name[VISOR_SCENARIO_NAME_MAX]; /* with count > 1: the n-th is called name1 … namen */
    uint32_t count;
    uint32_t network; /* its own access link, besides the server's; NONE: none */
    enum visor_oscillator_kind kind;
    struct visor_oscillator_model oscillator;
    bool frequency_given; /* else it is drawn from the tolerance */
    bool offset_given;    /* else it is drawn from +-offset */
    double offset;        /* s, REALTIME - UTC at the start */
    double start;         /* s, when the daemon starts */
    bool drift_known;     /* a drift file with the true frequency of the start */
    enum visor_stamping stamping;
    const struct visor_config *config; /* owned by the scenario; shared by `count` hosts */
};

struct visor_scenario {
    char title[VISOR_SCENARIO_TITLE_MAX];
    double duration; /* s */
    uint64_t seed;
    uint32_t repeat;
    int64_t start_s; /* UTC at the start, s since 1970 */
    struct visor_score_limits limits;

    struct visor_scenario_network *networks;
    size_t network_count;
    struct visor_scenario_server *servers;
    size_t server_count;
    struct visor_scenario_host *hosts;
    size_t host_count;
    struct visor_config **configs;
    size_t config_count;
};

void visor_scenario_init(struct visor_scenario *scenario); /* empty, with the defaults */
void visor_scenario_done(struct visor_scenario *scenario);

/* Append one with the defaults; NULL without memory or at the limit. */
struct visor_scenario_network *visor_scenario_add_network(struct visor_scenario *scenario,
                                                          const char *name);
struct visor_scenario_server *visor_scenario_add_server(struct visor_scenario *scenario,
                                                        const char *name, uint32_t network);
struct visor_scenario_host *visor_scenario_add_host(struct visor_scenario *scenario,
                                                    const char *name,
                                                    enum visor_oscillator_kind kind);

/* The scenario owns `config` from now on. False without memory (the caller still owns it). */
bool visor_scenario_own_config(struct visor_scenario *scenario, struct visor_config *config);

#endif
