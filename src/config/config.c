/* chrony's defaults, and the life of a configuration. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

void visor_source_config_init(struct visor_source_config *source)
{
    *source = (struct visor_source_config){
        .port = 123,
        .minpoll = 6,
        .maxpoll = 10,
        .presend = 100,
        .ntsport = 4460,
        .max_delay = 3.0,
        .max_delay_dev_ratio = 10.0,
        .asymmetry = 1.0,
        .min_samples = -1,
        .max_samples = -1,
        .max_unreach = 100000,
        .poll_target = 8,
        .max_sources = 4,
    };
}

void visor_refclock_config_init(struct visor_refclock_config *refclock)
{
    *refclock = (struct visor_refclock_config){
        .poll = 4,
        .filter_length = 64,
        .max_lock_age = 2,
        .rate = 1.0,
        .delay = 1e-9,
        .min_samples = -1,
        .max_samples = -1,
        .max_unreach = 100000,
    };
}

struct visor_config *visor_config_new(void)
{
    struct visor_config *config = malloc(sizeof(*config));

    if (!config)
        return NULL;
    *config = (struct visor_config){
        .combine_limit = 3.0,
        .max_distance = 3.0,
        .max_jitter = 1.0,
        .reselect_distance = 1e-4,
        .stratum_weight = 1e-3,
        .max_stratum = 16,
        .min_sources = 1,
        .min_samples = 6,
        .refresh = 1209600,
        .auth_mode = VISOR_AUTH_MODE_MIX,
        .correction_time_ratio = 3.0,
        .drift_interval = 3600,
        .max_clock_error = 1.0,
        .max_drift = 500000.0,
        .max_update_skew = 1000.0,
        .max_slew_rate = 1e6 / 12.0,
        .port = 123,
        .acquisition_port = -1,
        .client_log = true,
        .client_log_limit = 524288,
        .local_stratum = 10,
        .local_distance = 1.0,
        .ratelimit = {.interval = 3, .burst = 8, .leak = 2},
        .cmd_ratelimit = {.interval = -4, .burst = 8, .leak = 2},
        .nts_ratelimit = {.interval = 6, .burst = 8, .leak = 2},
        .hwts_timeout_us = 1000,
        .max_tx_buffers = 256,
        .bind_cmd_any = true,
        .cmd_port = 323,
        .log_banner = 32,
        .log_change = 1.0,
    };
    return config;
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
    free(config);
}
