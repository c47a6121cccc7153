/* Replay of a record through the engine. Where the record comes from, and what is said about a
 * difference, is left to others. */
#include "engine/replay.h"

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

struct replay {
    struct visor_engine *engine;
    struct visor_config *config, *previous; /* the engine may look back until the event is over */
    visor_replay_parse *parse;
    struct visor_replay_result *result;
};

/* The configuration of a record with what its loader had added. NULL: it cannot be had. */
static struct visor_config *restore(const struct replay *replay,
                                    const struct visor_recording_config *recorded)
{
    struct visor_config *config = replay->parse(recorded->text, recorded->size);
    struct visor_leap_entry *leaps = NULL;

    if (!config)
        return NULL;
    if (recorded->leap_count) {
        leaps = malloc(recorded->leap_count * sizeof(*leaps));
        if (!leaps) {
            visor_config_free(config);
            return NULL;
        }
        memcpy(leaps, recorded->leaps, recorded->leap_count * sizeof(*leaps));
    }
    free(config->leaps);
    config->leaps = leaps;
    config->leap_count = recorded->leap_count;
    config->mode = recorded->mode;
    config->clock_precision = recorded->clock_precision;
    return config;
}

static bool take_config(struct replay *replay, struct visor_recording_entry *entry)
{
    struct visor_config *config = restore(replay, &entry->config);

    if (!config)
        return false;
    visor_config_free(replay->previous);
    replay->previous = replay->config;
    replay->config = config;
    entry->event.config = config;
    return true;
}

static void compare(struct visor_replay_result *result, const struct visor_recording_entry *entry,
                    uint64_t digest)
{
    if (digest != entry->digest && result->different++ == 0) {
        result->first_index = result->events;
        result->first_kind = entry->event.kind;
        result->first_at = entry->event.now.raw;
        result->recorded = entry->digest;
        result->replayed = digest;
    }
    result->events++;
}

static void replay_events(struct replay *replay, struct visor_reader *reader,
                          struct visor_recording_entry *entry)
{
    struct visor_replay_result *result = replay->result;

    for (;;) {
        struct visor_action action;
        uint64_t digest = visor_recording_digest_begin();

        result->verdict = visor_recording_read_event(reader, entry);
        if (result->verdict != VISOR_RECORDING_OK)
            return;
        if (entry->event.kind == VISOR_EVENT_CONFIG && !take_config(replay, entry)) {
            result->config_refused = true;
            return;
        }
        visor_engine_handle(replay->engine, &entry->event);
        while (visor_engine_next(replay->engine, &action))
            digest = visor_recording_digest(digest, &action);
        compare(result, entry, digest);
    }
}

void visor_replay(const uint8_t *data, size_t size, visor_replay_parse *parse,
                  struct visor_replay_result *result)
{
    struct visor_reader reader = visor_reader_over(data, size);
    struct visor_recording_entry *entry = calloc(1, sizeof(*entry));
    struct replay replay = {.parse = parse, .result = result};
    struct visor_recording_header header;

    *result = (struct visor_replay_result){.verdict = VISOR_RECORDING_FOREIGN};
    result->no_memory = !entry;
    if (!entry)
        return;
    result->verdict = visor_recording_read_header(&reader, &header, entry->leaps);
    if (result->verdict == VISOR_RECORDING_OK) {
        replay.config = restore(&replay, &header.config);
        result->config_refused = !replay.config;
    }
    if (replay.config) {
        replay.engine = visor_engine_new(replay.config, header.seed);
        result->no_memory = !replay.engine;
    }
    if (replay.engine)
        replay_events(&replay, &reader, entry);
    visor_engine_free(replay.engine);
    visor_config_free(replay.config);
    visor_config_free(replay.previous);
    free(entry);
}
