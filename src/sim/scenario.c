/* Life of a scenario: growing lists and their defaults. */
#include "sim/scenario.h"

#include <stdlib.h>
#include <string.h>

#define START_S INT64_C(1767225600) /* 2026-01-01 00:00:00 UTC */

void visor_scenario_init(struct visor_scenario *scenario)
{
    *scenario = (struct visor_scenario){
        .duration = 10000.0,
        .seed = 1,
        .repeat = 1,
        .start_s = START_S,
        .limits = {.error = 1e-3, .frequency = 5e-4},
    };
}

void visor_scenario_done(struct visor_scenario *scenario)
{
    for (size_t i = 0; i < scenario->config_count; i++) {
        visor_config_free(scenario->configs[i].config);
        free(scenario->configs[i].text);
    }
    free(scenario->configs);
    free(scenario->networks);
    free(scenario->servers);
    free(scenario->hosts);
    free(scenario->devices);
    free(scenario->mishaps);
    free(scenario->expects);
    *scenario = (struct visor_scenario){0};
}

/* Room for one more element; lists grow by a power of two, so the count says when. */
static bool room(void *list, size_t count, size_t size)
{
    void **items = list;
    void *more;

    if (count & (count - 1))
        return true;
    more = realloc(*items, (count ? count * 2 : 1) * size);
    if (more)
        *items = more;
    return more != NULL;
}

static void set_name(char *to, size_t size, const char *name)
{
    size_t length = strlen(name);

    if (length >= size)
        length = size - 1;
    memcpy(to, name, length);
    to[length] = '\0';
}

struct visor_scenario_network *visor_scenario_add_network(struct visor_scenario *scenario,
                                                          const char *name)
{
    struct visor_scenario_network *network;

    if (scenario->network_count >= VISOR_SCENARIO_NETWORKS_MAX ||
        !room(&scenario->networks, scenario->network_count, sizeof(*network)))
        return NULL;
    network = &scenario->networks[scenario->network_count++];
    *network = (struct visor_scenario_network){
        .model = {.delay = {1e-4, 1e-4}, .congestion_factor = 1.0},
    };
    set_name(network->name, sizeof(network->name), name);
    return network;
}

struct visor_scenario_server *visor_scenario_add_server(struct visor_scenario *scenario,
                                                        const char *name, uint32_t network)
{
    struct visor_scenario_server *server;

    if (scenario->server_count >= VISOR_SCENARIO_SERVERS_MAX ||
        !room(&scenario->servers, scenario->server_count, sizeof(*server)))
        return NULL;
    server = &scenario->servers[scenario->server_count++];
    *server = (struct visor_scenario_server){
        .network = network,
        .model = {.stratum = 1, .dispersion = 1e-6, .precision = -23},
    };
    set_name(server->name, sizeof(server->name), name);
    return server;
}

struct visor_scenario_host *visor_scenario_add_host(struct visor_scenario *scenario,
                                                    const char *name,
                                                    enum visor_oscillator_kind kind)
{
    struct visor_scenario_host *host;

    if (scenario->host_count >= VISOR_SCENARIO_HOSTS_MAX ||
        !room(&scenario->hosts, scenario->host_count, sizeof(*host)))
        return NULL;
    host = &scenario->hosts[scenario->host_count++];
    *host = (struct visor_scenario_host){
        .count = 1, .network = VISOR_SCENARIO_NONE, .kind = kind, .offset = 0.1};
    visor_oscillator_model_init(&host->oscillator, kind);
    set_name(host->name, sizeof(host->name), name);
    return host;
}

struct visor_scenario_device *visor_scenario_add_device(struct visor_scenario *scenario,
                                                        const char *name, uint32_t host)
{
    struct visor_scenario_device *device;

    if (scenario->device_count >= VISOR_SCENARIO_DEVICES_MAX ||
        !room(&scenario->devices, scenario->device_count, sizeof(*device)))
        return NULL;
    device = &scenario->devices[scenario->device_count++];
    *device = (struct visor_scenario_device){
        .host = host, .reading = 1e-6, .follows = VISOR_SCENARIO_NONE};
    set_name(device->name, sizeof(device->name), name);
    return device;
}

bool visor_scenario_add_mishap(struct visor_scenario *scenario,
                               const struct visor_scenario_mishap *mishap)
{
    if (scenario->mishap_count >= VISOR_SCENARIO_MISHAPS_MAX ||
        !room(&scenario->mishaps, scenario->mishap_count, sizeof(*mishap)))
        return false;
    scenario->mishaps[scenario->mishap_count++] = *mishap;
    return true;
}

const char *visor_scenario_mishap_name(enum visor_mishap_kind kind)
{
    static const char *const names[VISOR_MISHAP_KINDS] = {
        [VISOR_MISHAP_PAUSE] = "pause",
        [VISOR_MISHAP_SUSPEND] = "suspend",
        [VISOR_MISHAP_STALL] = "stall",
        [VISOR_MISHAP_MIGRATE] = "migrate",
        [VISOR_MISHAP_RESTORE] = "restore",
        [VISOR_MISHAP_STEAL] = "steal",
        [VISOR_MISHAP_IO] = "io",
        [VISOR_MISHAP_RATE] = "rate",
        [VISOR_MISHAP_JUMP] = "jump",
        [VISOR_MISHAP_STEP] = "step",
        [VISOR_MISHAP_SLEW] = "slew",
        [VISOR_MISHAP_FREQUENCY] = "frequency",
        [VISOR_MISHAP_RESTART] = "restart",
        [VISOR_MISHAP_SERVER_STEP] = "step",
        [VISOR_MISHAP_SERVER_FREQUENCY] = "frequency",
        [VISOR_MISHAP_SERVER_FREEZE] = "freeze",
        [VISOR_MISHAP_SERVER_DIE] = "die",
        [VISOR_MISHAP_SERVER_RETURN] = "return",
        [VISOR_MISHAP_SERVER_UNSYNC] = "unsynchronized",
        [VISOR_MISHAP_SERVER_REPAIR] = "repair",
        [VISOR_MISHAP_DEVICE_FAIL] = "fail",
        [VISOR_MISHAP_DEVICE_RETURN] = "return",
        [VISOR_MISHAP_DEVICE_STEP] = "step",
        [VISOR_MISHAP_DEVICE_FREEZE] = "freeze",
        [VISOR_MISHAP_DELAY] = "delay",
        [VISOR_MISHAP_DELAY_UP] = "delay-up",
        [VISOR_MISHAP_DELAY_DOWN] = "delay-down",
        [VISOR_MISHAP_JITTER] = "jitter",
        [VISOR_MISHAP_LOSS] = "loss",
        [VISOR_MISHAP_CUT] = "cut",
        [VISOR_MISHAP_RESTORE_PATH] = "restore-path",
    };

    return kind < VISOR_MISHAP_KINDS ? names[kind] : NULL;
}

bool visor_scenario_add_expect(struct visor_scenario *scenario,
                               const struct visor_scenario_expect *expect)
{
    if (scenario->expect_count >= VISOR_SCENARIO_EXPECTS_MAX ||
        !room(&scenario->expects, scenario->expect_count, sizeof(*expect)))
        return false;
    scenario->expects[scenario->expect_count++] = *expect;
    return true;
}

bool visor_scenario_own_config(struct visor_scenario *scenario, struct visor_config *config,
                               const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    if (!copy || !room(&scenario->configs, scenario->config_count, sizeof(*scenario->configs))) {
        free(copy);
        return false;
    }
    memcpy(copy, text, size);
    scenario->configs[scenario->config_count++] =
        (struct visor_scenario_config){.config = config, .text = copy, .size = size};
    return true;
}

const struct visor_scenario_config *
visor_scenario_find_config(const struct visor_scenario *scenario, const struct visor_config *config)
{
    for (size_t i = 0; i < scenario->config_count; i++)
        if (scenario->configs[i].config == config)
            return &scenario->configs[i];
    return NULL;
}
