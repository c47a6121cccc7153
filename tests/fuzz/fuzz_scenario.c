/* Scenario files: whatever is written, the reader ends with a scenario or with a diagnosis, and a
 * small scenario makes a world that can be run. */
#include "base/assert.h"
#include "sim/script.h"
#include "sim/world.h"

#define HOSTS_MAX    20
#define DURATION_MAX 100.0

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct visor_scenario *scenario)
{
    size_t hosts = 0;
    struct visor_world *world;

    for (size_t i = 0; i < scenario->host_count; i++)
        hosts += scenario->hosts[i].count;
    if (hosts > HOSTS_MAX)
        return;
    if (scenario->duration > DURATION_MAX)
        scenario->duration = DURATION_MAX;
    for (size_t i = 0; i < scenario->mishap_count; i++)
        if (scenario->mishaps[i].every > 0.0 && scenario->mishaps[i].every < 1.0)
            return;
    world = visor_world_new(scenario, scenario->seed);
    VISOR_ASSERT(world);
    VISOR_ASSERT(visor_world_run(world));
    visor_world_free(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;

    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    if (visor_script_read(&scenario, "f", (const char *)data, size, &diagnoses))
        run(&scenario);
    else
        VISOR_ASSERT(diagnoses.errors > 0);
    visor_diagnoses_done(&diagnoses);
    visor_scenario_done(&scenario);
    return 0;
}
