/* The engine's dispatcher: one event in, actions out. */
#include "engine/engine.h"

#include <stdlib.h>

struct visor_engine {
    const struct visor_config *config;
};

struct visor_engine *visor_engine_new(const struct visor_config *config, const uint64_t seed[4])
{
    struct visor_engine *engine = calloc(1, sizeof(*engine));

    (void)seed;
    if (engine)
        engine->config = config;
    return engine;
}

void visor_engine_free(struct visor_engine *engine)
{
    free(engine);
}

void visor_engine_handle(struct visor_engine *engine, const struct visor_event *event)
{
    if (event->kind == VISOR_EVENT_CONFIG)
        engine->config = event->config;
}

bool visor_engine_next(struct visor_engine *engine, struct visor_action *action)
{
    (void)engine;
    (void)action;
    return false;
}

visor_mono visor_engine_deadline(const struct visor_engine *engine)
{
    (void)engine;
    return (visor_mono){INT64_MAX};
}

void visor_engine_status(const struct visor_engine *engine, const struct visor_reading *now,
                         struct visor_status *status)
{
    *status = (struct visor_status){.now = *now, .mode = engine->config->mode};
}
