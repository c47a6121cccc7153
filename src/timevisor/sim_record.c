/* The digest is of the actions as the engine gives them, before the world carries them out. */
#include "timevisor/sim_record.h"

#include "engine/recording.h"

#include <stdlib.h>
#include <string.h>

struct visor_sim_recorder {
    const struct visor_host *host;
    FILE *to;
    uint64_t digest;
    bool failed, ended;
};

static void write_out(struct visor_sim_recorder *recorder, const struct visor_writer *writer)
{
    if (writer->failed || fwrite(writer->data, 1, writer->at, recorder->to) != writer->at)
        recorder->failed = true;
}

static void write_header(struct visor_sim_recorder *recorder, const struct visor_world *world)
{
    const struct visor_config *config = recorder->host->model->config;
    const struct visor_scenario_config *text = visor_scenario_find_config(world->scenario, config);
    size_t room = (text ? text->size : 0) + 256;
    uint8_t *data = malloc(room);
    struct visor_writer writer = visor_writer_over(data, room);
    struct visor_recording_header header = {
        .config = {.mode = config->mode, .clock_precision = config->clock_precision}};

    if (!data || !text) {
        recorder->failed = true;
        free(data);
        return;
    }
    header.config.text = text->text;
    header.config.size = text->size;
    memcpy(header.seed, recorder->host->engine_seed, sizeof(header.seed));
    visor_recording_write_header(&writer, &header);
    write_out(recorder, &writer);
    free(data);
}

static void begin(void *context, const struct visor_host *host, const struct visor_event *event)
{
    struct visor_sim_recorder *recorder = context;

    if (host != recorder->host)
        return;
    if (event->kind == VISOR_EVENT_START && recorder->digest != 0)
        recorder->ended = true; /* another daemon */
    recorder->digest = visor_recording_digest_begin();
}

static void take(void *context, const struct visor_host *host, int64_t at,
                 const struct visor_action *action)
{
    struct visor_sim_recorder *recorder = context;

    (void)at;
    if (host == recorder->host)
        recorder->digest = visor_recording_digest(recorder->digest, action);
}

static void end(void *context, const struct visor_host *host, const struct visor_event *event)
{
    struct visor_sim_recorder *recorder = context;
    uint8_t data[VISOR_RECORDING_ENTRY_MAX];
    struct visor_writer writer = visor_writer_over(data, sizeof(data));

    if (host != recorder->host || recorder->ended)
        return;
    visor_recording_write_event(&writer, event, NULL, recorder->digest);
    write_out(recorder, &writer);
}

struct visor_sim_recorder *visor_sim_recorder_new(struct visor_world *world, const char *name,
                                                  FILE *to)
{
    struct visor_sim_recorder *recorder = calloc(1, sizeof(*recorder));

    for (size_t i = 0; recorder && i < world->host_count && !recorder->host; i++)
        if (!name || strcmp(name, world->hosts[i].name) == 0)
            recorder->host = &world->hosts[i];
    if (!recorder || !recorder->host) {
        free(recorder);
        return NULL;
    }
    recorder->to = to;
    write_header(recorder, world);
    world->observer = (struct visor_observer){
        .context = recorder, .action = take, .event = begin, .handled = end};
    return recorder;
}

bool visor_sim_recorder_free(struct visor_sim_recorder *recorder)
{
    bool good = recorder && !recorder->failed;

    free(recorder);
    return good;
}
