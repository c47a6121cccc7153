/* The configuration is immutable, so that a reload makes another one; what it shares with the old
 * one (all but the list of sources) changes hands. */
#include "timevisord/reload.h"

#include "config/sourcelist.h"
#include "port/configfile.h"
#include "timevisord/daemon.h"
#include "timevisord/messages.h"
#include "timevisord/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct visor_source_status *find_by_name(const struct visor_status *status,
                                                      const char *name)
{
    for (size_t i = 0; i < status->source_count; i++)
        if (strcmp(status->sources[i].name, name) == 0)
            return &status->sources[i];
    return NULL;
}

static void announce(const struct visor_daemon *daemon, const struct visor_status *status,
                     const struct visor_source_config *config)
{
    const struct visor_source_status *source = find_by_name(status, config->name);
    struct visor_message message = {.kind = VISOR_MESSAGE_SOURCE_ADDED,
                                    .count = {(int64_t)config->kind}};
    char text[VISOR_MESSAGES_TEXT_MAX];

    if (!source)
        return;
    message.source = source->id;
    message.address = source->address;
    memcpy(message.name, config->name, sizeof message.name - 1);
    visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "%s",
                    visor_messages_print(&message, text, sizeof text));
}

void visor_reload_announce(const struct visor_daemon *daemon)
{
    struct visor_status *status;
    struct visor_reading now;

    if (daemon->config->sourcedir_count == 0 || visor_clock_read_kernel(&now))
        return;
    status = malloc(sizeof *status);
    if (!status)
        return;
    visor_engine_status(daemon->engine, &now, status);
    for (size_t i = 0; i < daemon->config->source_count; i++)
        if (daemon->config->sources[i].from_directory)
            announce(daemon, status, &daemon->config->sources[i]);
    free(status);
}

/* The old sources but those of directories, and these as they are now. */
static struct visor_source_config *merge(const struct visor_config *old,
                                         const struct visor_source_config *fresh,
                                         size_t fresh_count, size_t *count)
{
    struct visor_source_config *all = calloc(old->source_count + fresh_count + 1, sizeof *all);

    *count = 0;
    for (size_t i = 0; all && i < old->source_count; i++)
        if (!old->sources[i].from_directory)
            all[(*count)++] = old->sources[i];
    for (size_t i = 0; all && i < fresh_count; i++)
        all[(*count)++] = fresh[i];
    return all;
}

/* Everybody who has borrowed the old configuration is given the new one. */
static void hand_over(struct visor_daemon *daemon, struct visor_config *config)
{
    struct visor_event event = {.kind = VISOR_EVENT_CONFIG, .config = config};
    struct visor_config *old = daemon->config;

    daemon->config = config;
    daemon->server.config = config;
    visor_net_configure(daemon->net, config);
    visor_logfile_set_config(daemon->logfile, config);
    visor_daemon_handle(daemon, &event);
    free(old->sources);
    free(old);
}

int visor_reload_sources(struct visor_daemon *daemon)
{
    struct visor_config *config = malloc(sizeof *config);
    struct visor_source_config *fresh = NULL, *all = NULL;
    struct visor_diagnoses diagnoses;
    size_t fresh_count = 0, count = 0;

    if (daemon->once.initstep) { /* the engine that has these sources is not at work yet */
        free(config);
        daemon->reload_wanted = true;
        return 0;
    }
    if (!config)
        return -ENOMEM;
    visor_diagnoses_init(&diagnoses);
    visor_sourcelist_load(daemon->config, &visor_configfile_loader, &fresh, &fresh_count,
                          &diagnoses);
    visor_setup_log(&diagnoses, daemon->log);
    visor_diagnoses_done(&diagnoses);
    all = merge(daemon->config, fresh, fresh_count, &count);
    free(fresh);
    if (!all) {
        free(config);
        return -ENOMEM;
    }
    *config = *daemon->config;
    config->sources = all;
    config->source_count = count;
    hand_over(daemon, config);
    return 0;
}
