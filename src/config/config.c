/* The life of a configuration. Its defaults are those of the option tables, and the few that no
 * single row can tell. */
#include "config/config.h"
#include "config/option.h"
#include "wire/segment.h"

#include <stdlib.h>
#include <string.h>

static void set_text(char *to, size_t size, const char *text)
{
    visor_diagnosis_copy(to, size, text);
}

struct visor_config *visor_config_new(void)
{
    struct visor_config *config = calloc(1, sizeof(*config));

    if (!config)
        return NULL;
    visor_options_set_defaults(&visor_directives, config);
    visor_options_set_defaults(&visor_local_options, config);
    visor_options_set_defaults(&visor_witness_options, config);
    visor_options_set_defaults(&visor_ratelimit_options, &config->ratelimit);
    visor_options_set_defaults(&visor_cmdratelimit_options, &config->cmd_ratelimit);
    config->local_wait_unsynced = 0.0;
    config->drift_interval = 3600;
    config->max_change_delay = -1;
    config->hwts_timeout_us = 1000;
    config->open_commands = VISOR_OPEN_DEFAULT;
    config->bind_cmd_any = true;
    visor_address_parse("127.0.0.1", &config->bind_cmd_address4);
    visor_address_parse("::1", &config->bind_cmd_address6);
    set_text(config->bind_cmd_path, sizeof(config->bind_cmd_path), VISOR_CONFIG_COMMAND_SOCKET);
    set_text(config->pidfile, sizeof(config->pidfile), VISOR_CONFIG_PID_FILE);
    set_text(config->clock_segment, sizeof(config->clock_segment), VISOR_SEGMENT_PATH);
    return config;
}

const char *visor_config_refid(const struct visor_config *config, size_t index, char refid[5])
{
    const struct visor_refclock_config *refclock = &config->refclocks[index];

    if (refclock->refid[0]) {
        memcpy(refid, refclock->refid, 5);
        return refid;
    }
    memcpy(refid, visor_config_driver_name(refclock->driver), 3);
    refid[3] = (char)('0' + index % 10);
    if (index >= 10)
        refid[2] = (char)('0' + index / 10 % 10);
    refid[4] = '\0';
    return refid;
}

void visor_config_free(struct visor_config *config)
{
    if (!config)
        return;
    free(config->sources);
    free(config->refclocks);
    free(config->hwtimestamps);
    free(config->access);
    free(config->cmd_access);
    free(config->broadcasts);
    for (size_t i = 0; i < config->sourcedir_count; i++)
        free(config->sourcedirs[i]);
    free(config->sourcedirs);
    free(config->leaps);
    free(config->initstep_names);
    free(config->tempcomp_points);
    free(config->hooks);
    free(config->holds);
    free(config);
}
