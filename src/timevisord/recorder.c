/* A growing file of events. What they look like is engine/recording.c's. */
#include "timevisord/recorder.h"

#include "config/print.h"
#include "port/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE 65536
#define FLUSH_EVERY (10 * VISOR_NS_PER_S)

struct visor_recorder {
    struct visor_log *log;
    int fd; /* -1: the record has ended */
    int64_t written;
    visor_mono flushed;
    size_t used;
    uint8_t buffer[BUFFER_SIZE];
};

static void end(struct visor_recorder *recorder, int error)
{
    visor_log_write(recorder->log, VISOR_SEVERITY_WARNING, _("The record ends here : %s"),
                    strerror(error));
    close(recorder->fd);
    recorder->fd = -1;
}

static void write_bytes(struct visor_recorder *recorder, const uint8_t *data, size_t size)
{
    while (size && recorder->fd >= 0) {
        ssize_t written = write(recorder->fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            end(recorder, written < 0 ? errno : ENOSPC);
            return;
        }
        data += written;
        size -= (size_t)written;
        recorder->written += written;
    }
    if (recorder->fd >= 0 && recorder->written > VISOR_RECORDER_FILE_MAX)
        end(recorder, EFBIG);
}

static void flush(struct visor_recorder *recorder)
{
    write_bytes(recorder, recorder->buffer, recorder->used);
    recorder->used = 0;
}

/* The configuration as a record has it; `text` is the caller's to free. False without memory. */
static bool describe(const struct visor_config *config, struct visor_recording_config *described,
                     char **text)
{
    size_t size = visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, NULL, 0);

    *text = malloc(size + 1);
    if (!*text)
        return false;
    visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, *text, size + 1);
    *described = (struct visor_recording_config){.text = *text,
                                                 .size = size,
                                                 .mode = config->mode,
                                                 .clock_precision = config->clock_precision,
                                                 .leaps = config->leaps,
                                                 .leap_count = config->leap_count};
    return true;
}

static size_t room_for(const struct visor_recording_config *config)
{
    return VISOR_RECORDING_ENTRY_MAX + config->size + config->leap_count * 16;
}

static bool write_header(struct visor_recorder *recorder, const uint64_t seed[4],
                         const struct visor_config *config)
{
    struct visor_recording_header header = {{seed[0], seed[1], seed[2], seed[3]}, {0}};
    struct visor_writer writer = {0};
    uint8_t *bytes = NULL;
    char *text = NULL;
    bool done = describe(config, &header.config, &text);

    if (done)
        bytes = malloc(room_for(&header.config));
    if (bytes) {
        writer = visor_writer_over(bytes, room_for(&header.config));
        visor_recording_write_header(&writer, &header);
        done = !writer.failed;
        write_bytes(recorder, bytes, done ? writer.at : 0);
    }
    free(bytes);
    free(text);
    return done && bytes;
}

struct visor_recorder *visor_recorder_new(const char *path, const uint64_t seed[4],
                                          const struct visor_config *config, struct visor_log *log)
{
    struct visor_recorder *recorder = calloc(1, sizeof(*recorder));

    if (!recorder)
        return NULL;
    recorder->log = log;
    recorder->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (recorder->fd < 0)
        visor_log_write(log, VISOR_SEVERITY_WARNING, _("Could not open %s : %s"), path,
                        strerror(errno));
    else if (!write_header(recorder, seed, config))
        end(recorder, ENOMEM);
    if (recorder->fd >= 0)
        return recorder;
    free(recorder);
    return NULL;
}

void visor_recorder_free(struct visor_recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->fd >= 0)
        flush(recorder);
    if (recorder->fd >= 0)
        close(recorder->fd);
    free(recorder);
}

/* A new configuration is larger than the buffer may be. */
static void write_config(struct visor_recorder *recorder, const struct visor_event *event,
                         uint64_t digest)
{
    struct visor_recording_config config;
    struct visor_writer writer;
    char *text = NULL;
    uint8_t *bytes = NULL;

    flush(recorder);
    if (describe(event->config, &config, &text))
        bytes = malloc(room_for(&config));
    if (bytes) {
        writer = visor_writer_over(bytes, room_for(&config));
        visor_recording_write_event(&writer, event, &config, digest);
        if (!writer.failed)
            write_bytes(recorder, bytes, writer.at);
    }
    if (recorder->fd >= 0 && (!bytes || writer.failed))
        end(recorder, ENOMEM); /* an event is missing: what follows could not be replayed */
    free(bytes);
    free(text);
}

void visor_recorder_write(struct visor_recorder *recorder, const struct visor_event *event,
                          uint64_t digest)
{
    struct visor_writer writer;

    if (recorder->fd < 0)
        return;
    if (event->kind == VISOR_EVENT_CONFIG) {
        write_config(recorder, event, digest);
        return;
    }
    if (BUFFER_SIZE - recorder->used < VISOR_RECORDING_ENTRY_MAX)
        flush(recorder);
    writer = visor_writer_over(recorder->buffer + recorder->used, BUFFER_SIZE - recorder->used);
    visor_recording_write_event(&writer, event, NULL, digest);
    if (writer.failed) {
        end(recorder, EMSGSIZE);
        return;
    }
    recorder->used += writer.at;
    if (visor_mono_diff(event->now.raw, recorder->flushed) > FLUSH_EVERY) {
        flush(recorder);
        recorder->flushed = event->now.raw;
    }
}
