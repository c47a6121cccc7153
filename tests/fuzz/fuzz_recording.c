/* Any bytes as a record: read, and given to an engine. */
#include "engine/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct visor_config *parse(const char *text, size_t size)
{
    struct visor_config *config = visor_config_new();

    (void)text;
    (void)size;
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_replay_result result;

    visor_replay(data, size, parse, &result);
    return 0;
}
