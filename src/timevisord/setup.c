/* Finds and loads the configuration. The language itself is config/'s. */
#include "timevisord/setup.h"

#include "config/parse.h"
#include "config/print.h"
#include "port/configfile.h"
#include "port/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASSIST_PID_FILE "/run/timevisor/assist.pid"

const char *visor_setup_path(const struct visor_options *options)
{
    static const char *const paths[] = {"/etc/timevisor/timevisord.conf", "/etc/chrony/chrony.conf",
                                        "/etc/chrony.conf"};

    if (options->config)
        return options->config;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (!access(paths[i], R_OK))
            return paths[i];
    return paths[0];
}

/* Every argument is one line. NULL without memory. */
static char *join_directives(const struct visor_options *options)
{
    size_t size = 1;
    char *text, *end;

    for (int i = 0; i < options->directive_count; i++)
        size += strlen(options->directives[i]) + 1;
    text = malloc(size);
    if (!text)
        return NULL;
    end = text;
    for (int i = 0; i < options->directive_count; i++) {
        end = stpcpy(end, options->directives[i]);
        *end++ = '\n';
    }
    *end = '\0';
    return text;
}

void visor_setup_log(const struct visor_diagnoses *diagnoses, struct visor_log *log)
{
    static const enum visor_severity severities[] = {
        [VISOR_DIAGNOSIS_NOTICE] = VISOR_SEVERITY_INFO,
        [VISOR_DIAGNOSIS_WARNING] = VISOR_SEVERITY_WARNING,
        [VISOR_DIAGNOSIS_ERROR] = VISOR_SEVERITY_ERROR,
    };
    char text[VISOR_DIAGNOSIS_TEXT];

    for (size_t i = 0; i < diagnoses->count; i++)
        visor_log_write(log, severities[diagnoses->items[i].severity], "%s",
                        visor_diagnosis_print(&diagnoses->items[i], gettext, text, sizeof(text)));
}

static int load(const struct visor_options *options, struct visor_config *config,
                struct visor_diagnoses *diagnoses)
{
    char *text;
    int result;

    if (!options->directive_count)
        return visor_config_parse_into(config, visor_setup_path(options), NULL,
                                       &visor_configfile_loader, diagnoses);
    text = join_directives(options);
    if (!text)
        return -1;
    result = visor_config_parse_into(config, NULL, text, &visor_configfile_loader, diagnoses);
    free(text);
    return result;
}

bool visor_setup_print(const struct visor_config *config)
{
    size_t size = visor_config_print(config, VISOR_CONFIG_FORM_FILE, NULL, 0);
    char *text = malloc(size + 1);
    bool printed = false;

    if (text) {
        visor_config_print(config, VISOR_CONFIG_FORM_FILE, text, size + 1);
        printed = fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    }
    free(text);
    return printed;
}

/* What a chronyd that reads the same configuration has for itself: its files, and samples that only
 * one can take. */
static void leave_to_chronyd(struct visor_config *config, struct visor_log *log)
{
    size_t kept = 0;

    config->logs = 0;
    config->dumpdir[0] = config->rtcfile[0] = '\0';
    if (!strcmp(config->pidfile, VISOR_CONFIG_PID_FILE))
        strcpy(config->pidfile, ASSIST_PID_FILE);
    for (size_t i = 0; i < config->refclock_count; i++) {
        const struct visor_refclock_config *refclock = &config->refclocks[i];

        if (refclock->driver != VISOR_REFCLOCK_SHM && refclock->driver != VISOR_REFCLOCK_SOCK)
            config->refclocks[kept++] = *refclock;
        else
            visor_log_write(
                log, VISOR_SEVERITY_WARNING,
                _("refclock %s %s is left to chronyd: its samples can be taken only once"),
                visor_config_driver_name(refclock->driver), refclock->parameter);
    }
    config->refclock_count = kept;
}

struct visor_config *visor_setup_config(const struct visor_options *options, struct visor_log *log)
{
    struct visor_config *config = visor_config_new();
    struct visor_diagnoses diagnoses;

    if (!config)
        return NULL;
    visor_diagnoses_init(&diagnoses);
    if (options->task == VISOR_TASK_PRINT_ONCE)
        visor_config_set_client_only(config);
    if (load(options, config, &diagnoses)) {
        visor_config_free(config);
        config = NULL;
    }
    visor_setup_log(&diagnoses, log);
    visor_diagnoses_done(&diagnoses);
    if (!config)
        return NULL;
    if (options->restarted)
        visor_config_set_restarted(config);
    if (options->observe || options->task == VISOR_TASK_SET_ONCE) {
        if (options->observe && (options->assist || config->mode == VISOR_MODE_ASSIST))
            visor_log_write(log, VISOR_SEVERITY_WARNING, "%s",
                            _("-x: the clock is only observed, and chronyd is not assisted; leave "
                              "-x out for that"));
        config->mode = VISOR_MODE_OBSERVE;
    } else if (options->assist)
        config->mode = VISOR_MODE_ASSIST;
    if (config->mode == VISOR_MODE_ASSIST)
        leave_to_chronyd(config, log);
    return config;
}
