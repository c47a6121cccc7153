/* Samples to files and back. A file holds local times of CLOCK_REALTIME as it ran when the file was
 * written; the engine wants the raw counter. The way back is right as long as nobody touched the
 * clock in between, which is what -r asks the user to be sure of. */
#include "timevisord/dumps.h"

#include "config/dump.h"
#include "port/file.h"
#include "port/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE (VISOR_CONFIG_NAME_MAX + VISOR_DUMP_NAME_TEXT)

static struct visor_status *read_status(const struct visor_daemon *daemon,
                                        struct visor_reading *now)
{
    struct visor_status *status = malloc(sizeof(*status));

    if (status && daemon->clock.ops->read((struct visor_clock *)&daemon->clock, now)) {
        free(status);
        return NULL;
    }
    if (status)
        visor_engine_status(daemon->engine, now, status);
    return status;
}

static void path_of(const struct visor_daemon *daemon, const struct visor_source_status *source,
                    char path[PATH_SIZE])
{
    char name[VISOR_DUMP_NAME_TEXT];

    visor_dump_file_name(source->refclock ? NULL : &source->address, source->name, name);
    snprintf(path, PATH_SIZE, "%s/%s", daemon->config->dumpdir, name);
}

/* REALTIME at a raw moment, had it always run as it does now; and the reverse. */
static int64_t local_of(const struct visor_reading *now, visor_mono raw)
{
    int64_t age = visor_mono_diff(now->raw, raw);

    return visor_ns_diff(visor_ns_diff(now->real.ns, age),
                         visor_ns_from_seconds((double)age * now->frequency_ppb * 1e-18));
}

static visor_mono raw_of(const struct visor_reading *now, int64_t local_ns)
{
    double ratio = now->frequency_ppb * 1e-9;
    int64_t age = visor_ns_diff(now->real.ns, local_ns);

    return visor_mono_add(
        now->raw,
        visor_ns_diff(visor_ns_from_seconds((double)age * (ratio / (1.0 + ratio)) * 1e-9), age));
}

/* ---- writing ---- */

/* Polls that the reach register tells of. */
static int polls_of(const struct visor_source_status *source)
{
    int polls = source->total_tx < 8 ? (int)source->total_tx : 8;

    while (polls < 8 && source->reach >> polls)
        polls++;
    return polls;
}

static void fill(const struct visor_engine *engine, const struct visor_source_status *source,
                 const struct visor_reading *now, struct visor_dump *dump)
{
    struct visor_sample samples[VISOR_DUMP_SAMPLES_MAX];

    *dump = (struct visor_dump){.authenticated = source->key != 0,
                                .reach = source->reach,
                                .reach_size = polls_of(source),
                                .stratum = source->stratum,
                                .leap = (int)source->leap};
    snprintf(dump->name, sizeof(dump->name), "%s", source->refclock ? "." : source->name);
    dump->count = visor_engine_samples(engine, source->id, samples, VISOR_DUMP_SAMPLES_MAX);
    for (size_t i = 0; i < dump->count; i++) {
        int64_t local = local_of(now, samples[i].at);
        double offset = visor_seconds_from_ns(visor_ns_diff(samples[i].reference.ns, local));

        dump->samples[i] =
            (struct visor_dump_sample){.at_ns = local,
                                       .offset = offset,
                                       .original_offset = offset,
                                       .delay = samples[i].delay_s,
                                       .dispersion = samples[i].dispersion_s,
                                       .root_delay = samples[i].root_delay_s,
                                       .root_dispersion = samples[i].root_dispersion_s};
    }
}

int visor_dumps_write(struct visor_daemon *daemon)
{
    struct visor_dump *dump = malloc(sizeof(*dump));
    struct visor_reading now;
    struct visor_status *status = dump ? read_status(daemon, &now) : NULL;
    int result = status ? 0 : -ENOMEM;

    if (!daemon->config->dumpdir[0])
        result = -EINVAL;
    for (size_t i = 0; result != -EINVAL && status && i < status->source_count; i++) {
        char path[PATH_SIZE], text[VISOR_DUMP_TEXT];
        size_t size;
        int error;

        fill(daemon->engine, &status->sources[i], &now, dump);
        size = visor_dump_write(dump, text, sizeof(text));
        if (size == 0)
            continue;
        path_of(daemon, &status->sources[i], path);
        error = visor_file_replace(path, text, size, 0644);
        if (error && !result) {
            visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, _("Could not write %s : %s"), path,
                            strerror(-error));
            result = error;
        }
    }
    free(status);
    free(dump);
    return result;
}

/* ---- reading ---- */

static void give(struct visor_daemon *daemon, const struct visor_source_status *source,
                 const struct visor_dump *dump, const struct visor_reading *now)
{
    struct visor_sample samples[VISOR_DUMP_SAMPLES_MAX];
    struct visor_event event = {.kind = VISOR_EVENT_RESTORE,
                                .restore = {.source = source->id,
                                            .reach = (uint8_t)dump->reach,
                                            .reach_size = dump->reach_size,
                                            .count = dump->count,
                                            .samples = samples}};

    for (size_t i = 0; i < dump->count; i++) {
        const struct visor_dump_sample *from = &dump->samples[i];

        samples[i] = (struct visor_sample){
            .at = raw_of(now, from->at_ns),
            .reference = {visor_ns_add(from->at_ns, visor_ns_from_seconds(from->offset))},
            .delay_s = from->delay,
            .dispersion_s = from->dispersion,
            .root_delay_s = from->root_delay,
            .root_dispersion_s = from->root_dispersion,
            .stratum = (uint8_t)dump->stratum,
            .leap = (enum visor_leap)dump->leap};
    }
    visor_daemon_handle(daemon, &event);
}

static bool is_of(const struct visor_dump *dump, const struct visor_source_status *source)
{
    return dump->authenticated == (source->key != 0) &&
           strcmp(dump->name, source->refclock ? "." : source->name) == 0;
}

static void read_one(struct visor_daemon *daemon, const struct visor_source_status *source,
                     const struct visor_reading *now)
{
    struct visor_dump *dump = malloc(sizeof(*dump));
    char path[PATH_SIZE], address[46], *text = NULL;
    const char *name = source->name;
    size_t size;

    path_of(daemon, source, path);
    if (!dump || visor_file_read(path, VISOR_DUMP_TEXT, &text, &size)) {
        free(dump);
        return; /* none, or none that could be ours */
    }
    if (!source->refclock)
        name = visor_address_print(&source->address, address, sizeof(address));
    if (visor_dump_read(text, size, now->real.ns, dump) && is_of(dump, source)) {
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "Loaded dump file for %s", name);
        give(daemon, source, dump, now);
    } else {
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "Could not load dump file for %s",
                        name);
    }
    unlink(path);
    free(text);
    free(dump);
}

/* Old samples must not come back at a later start. */
static void remove_rest(const struct visor_daemon *daemon)
{
    DIR *directory = opendir(daemon->config->dumpdir);
    const struct dirent *entry;
    char path[PATH_SIZE + 256];

    while (directory && (entry = readdir(directory))) {
        if (!visor_dump_is_file_name(entry->d_name))
            continue;
        snprintf(path, sizeof(path), "%s/%s", daemon->config->dumpdir, entry->d_name);
        unlink(path);
    }
    if (directory)
        closedir(directory);
}

void visor_dumps_read(struct visor_daemon *daemon)
{
    struct visor_reading now;
    struct visor_status *status;

    if (daemon->dumps_done || daemon->once.initstep || !daemon->config->dumpdir[0])
        return;
    status = read_status(daemon, &now);
    if (!status)
        return;
    for (size_t i = 0; daemon->options.reload_dumps && i < status->source_count; i++)
        if (status->sources[i].resolved || status->sources[i].refclock)
            read_one(daemon, &status->sources[i], &now);
    daemon->dumps_done = status->unresolved == 0 || !daemon->options.reload_dumps;
    if (daemon->dumps_done)
        remove_rest(daemon);
    free(status);
}
