/* Shared by the files of the scenario reader. */
#ifndef VISOR_SIM_STATEMENT_H
#define VISOR_SIM_STATEMENT_H

#include "sim/reader.h"
#include "sim/scenario.h"

struct visor_script {
    struct visor_scenario *scenario;
    struct visor_reader_place place;
    struct visor_network_model *network; /* of the statement being read */
    struct visor_server_model *server;
    struct visor_scenario_host *host; /* indented lines belong to it; NULL: none */
    uint32_t host_line;
    const char *block; /* its chrony.conf lines so far, in the text */
    size_t block_size;
};

/* Index by name, or VISOR_SCENARIO_NONE. `member`: 0 for a whole group of hosts, n for name<n>. */
uint32_t visor_script_server(const struct visor_scenario *scenario, const char *name);
uint32_t visor_script_network(const struct visor_scenario *scenario, const char *name);
uint32_t visor_script_host(const struct visor_scenario *scenario, const char *name,
                           uint32_t *member);

/* Complain about the next word, suggesting the nearest of `words`. */
void visor_script_unknown(struct visor_script *script, const char *reason, const char *const *words,
                          size_t count);

uint32_t visor_script_device(const struct visor_scenario *scenario, const char *name);

void visor_statement_at(struct visor_script *script);
void visor_statement_expect(struct visor_script *script);

#endif
