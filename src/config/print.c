/* Configuration to text: simple directives by their table, the others by their own functions. */
#include "config/print.h"
#include "config/tables.h"
#include "wire/segment.h"

#include <string.h>

static void put_name(struct visor_printer *printer, const char *name)
{
    visor_text_put(&printer->out, name);
}

static void put_word(struct visor_printer *printer, const char *word)
{
    visor_text_put_char(&printer->out, ' ');
    visor_text_put(&printer->out, word);
}

static void put_whole(struct visor_printer *printer, int64_t value)
{
    visor_text_put_char(&printer->out, ' ');
    visor_text_put_whole(&printer->out, value);
}

static void put_real(struct visor_printer *printer, double value)
{
    visor_text_put_char(&printer->out, ' ');
    visor_text_put_real(&printer->out, value);
}

static void put_end(struct visor_printer *printer)
{
    visor_text_put_char(&printer->out, '\n');
}

static bool differs(double a, double b)
{
    return a < b || a > b;
}

static bool number_of(const struct visor_option *option, const void *target, double *value)
{
    const char *from = (const char *)target + option->offset;

    switch (option->kind) {
    case VISOR_OPTION_INT:
    case VISOR_OPTION_CHOICE:
        *value = *(const int *)(const void *)from;
        return true;
    case VISOR_OPTION_PORT:
        *value = *(const uint16_t *)(const void *)from;
        return true;
    case VISOR_OPTION_UNSIGNED:
        *value = *(const uint32_t *)(const void *)from;
        return true;
    case VISOR_OPTION_SIZE:
        *value = (double)*(const uint64_t *)(const void *)from;
        return true;
    case VISOR_OPTION_REAL:
        *value = *(const double *)(const void *)from;
        return true;
    default:
        return false;
    }
}

/* The index-th word of a list with single spaces. */
static void put_choice(struct visor_printer *printer, const char *words, int index)
{
    for (; index > 0; index--)
        words = strchr(words, ' ') + 1;
    visor_text_put_char(&printer->out, ' ');
    for (; *words && *words != ' '; words++)
        visor_text_put_char(&printer->out, *words);
}

static bool is_set(const struct visor_option *option, const void *target)
{
    const char *from = (const char *)target + option->offset;
    double value;

    switch (option->kind) {
    case VISOR_OPTION_FLAG:
        return *(const bool *)from;
    case VISOR_OPTION_CLEAR:
        return !*(const bool *)from;
    case VISOR_OPTION_BITS:
        return (*(const uint32_t *)(const void *)from & option->bits) == option->bits;
    case VISOR_OPTION_TEXT:
        return strcmp(from, option->initial ? option->initial : "") != 0;
    case VISOR_OPTION_REFID:
        return from[0] != '\0';
    default:
        return number_of(option, target, &value) && differs(value, option->value);
    }
}

static void put_value(struct visor_printer *printer, const struct visor_option *option,
                      const void *target)
{
    double value;

    if (option->kind == VISOR_OPTION_TEXT || option->kind == VISOR_OPTION_REFID)
        put_word(printer, (const char *)target + option->offset);
    else if (!number_of(option, target, &value))
        return;
    else if (option->kind == VISOR_OPTION_CHOICE)
        put_choice(printer, option->text, (int)value);
    else if (option->kind == VISOR_OPTION_REAL)
        put_real(printer, value);
    else
        put_whole(printer, (int64_t)value);
}

void visor_options_print(struct visor_printer *printer, const struct visor_option_table *table,
                         const void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct visor_option *option = &table->rows[i];

        if (option->print) {
            option->print(printer, option->name, target);
        } else if (is_set(option, target)) {
            put_word(printer, option->name);
            put_value(printer, option, target);
        }
    }
}

static const char *const source_kinds[] = {
    [VISOR_SOURCE_SERVER] = "server", [VISOR_SOURCE_POOL] = "pool", [VISOR_SOURCE_PEER] = "peer"};

static void put_source(struct visor_printer *printer, const struct visor_source_config *source)
{
    put_name(printer, source_kinds[source->kind]);
    put_word(printer, source->name);
    visor_options_print(printer, &visor_source_options, source);
}

size_t visor_source_print(const struct visor_source_config *source, char *text, size_t size)
{
    struct visor_printer printer = {visor_text_over(text, size), VISOR_CONFIG_FORM_FILE};

    put_source(&printer, source);
    return printer.out.at;
}

size_t visor_config_print(const struct visor_config *config, enum visor_config_form form,
                          char *text, size_t size)
{
    struct visor_printer printer = {visor_text_over(text, size), form};

    for (size_t i = 0; i < visor_directives.count; i++) {
        const struct visor_option *option = &visor_directives.rows[i];

        if (option->print) {
            option->print(&printer, option->name, config);
        } else if (is_set(option, config)) {
            put_name(&printer, option->name);
            put_value(&printer, option, config);
            put_end(&printer);
        }
    }
    return printer.out.at;
}

PRINT(sources)
{
    const struct visor_config *from = config;

    (void)directive;
    for (size_t i = 0; i < from->source_count; i++) {
        if (from->sources[i].from_directory && printer->form == VISOR_CONFIG_FORM_FILE)
            continue;
        put_source(printer, &from->sources[i]);
        put_end(printer);
    }
}

PRINT(refclocks)
{
    const struct visor_config *from = config;

    for (size_t i = 0; i < from->refclock_count; i++) {
        put_name(printer, directive);
        put_word(printer, visor_config_driver_name(from->refclocks[i].driver));
        put_word(printer, from->refclocks[i].parameter);
        visor_options_print(printer, &visor_refclock_options, &from->refclocks[i]);
        put_end(printer);
    }
}

PRINT(sourcedirs)
{
    const struct visor_config *from = config;

    for (size_t i = 0; i < from->sourcedir_count && printer->form == VISOR_CONFIG_FORM_FILE; i++) {
        put_name(printer, directive);
        put_word(printer, from->sourcedirs[i]);
        put_end(printer);
    }
}

PRINT(initstepslew)
{
    const struct visor_config *from = config;

    if (!from->initstep_count && !differs(from->initstep_threshold, 0.0))
        return;
    put_name(printer, directive);
    put_real(printer, from->initstep_threshold);
    for (size_t i = 0; i < from->initstep_count; i++)
        put_word(printer, from->initstep_names[i]);
    put_end(printer);
}

static void put_address(struct visor_printer *printer, const char *directive,
                        const struct visor_address *address)
{
    char text[46];

    if (address->family == VISOR_FAMILY_NONE)
        return;
    put_name(printer, directive);
    put_word(printer, visor_address_print(address, text, sizeof(text)));
    put_end(printer);
}

PRINT(bindaddress)
{
    const struct visor_config *from = config;

    put_address(printer, directive, &from->bind_address4);
    put_address(printer, directive, &from->bind_address6);
}

PRINT(bindacqaddress)
{
    const struct visor_config *from = config;

    put_address(printer, directive, &from->bind_acq_address4);
    put_address(printer, directive, &from->bind_acq_address6);
}

static void put_path(struct visor_printer *printer, const char *directive, const char *path,
                     const char *normal, const char *none)
{
    if (strcmp(path, normal) == 0)
        return;
    put_name(printer, directive);
    put_word(printer, path[0] ? path : none);
    put_end(printer);
}

PRINT(bindcmdaddress)
{
    const struct visor_config *from = config;

    put_path(printer, directive, from->bind_cmd_path, VISOR_CONFIG_COMMAND_SOCKET, "/");
    if (from->bind_cmd_any)
        return;
    put_address(printer, directive, &from->bind_cmd_address4);
    put_address(printer, directive, &from->bind_cmd_address6);
}

PRINT(pidfile)
{
    put_path(printer, directive, ((const struct visor_config *)config)->pidfile,
             VISOR_CONFIG_PID_FILE, "/");
}

PRINT(clocksegment)
{
    put_path(printer, directive, ((const struct visor_config *)config)->clock_segment,
             VISOR_SEGMENT_PATH, "off");
}

PRINT(broadcast)
{
    const struct visor_config *from = config;
    char text[46];

    for (size_t i = 0; i < from->broadcast_count; i++) {
        put_name(printer, directive);
        put_whole(printer, from->broadcasts[i].interval);
        put_word(printer, visor_address_print(&from->broadcasts[i].address, text, sizeof(text)));
        put_whole(printer, from->broadcasts[i].address.port);
        put_end(printer);
    }
}

static void put_rules(struct visor_printer *printer, const struct visor_access_config *rules,
                      size_t count, const char *prefix)
{
    for (size_t i = 0; i < count; i++) {
        const struct visor_access_config *rule = &rules[i];
        char text[46];

        put_name(printer, prefix);
        put_name(printer, rule->allow ? "allow" : "deny");
        if (rule->all)
            put_word(printer, "all");
        if (rule->name[0])
            put_word(printer, rule->name);
        else if (rule->subnet.family != VISOR_FAMILY_NONE) {
            put_word(printer, visor_address_print(&rule->subnet, text, sizeof(text)));
            visor_text_put_char(&printer->out, '/');
            visor_text_put_whole(&printer->out, rule->prefix);
        }
        put_end(printer);
    }
}

PRINT(access)
{
    const struct visor_config *from = config;

    (void)directive;
    put_rules(printer, from->access, from->access_count, "");
}

PRINT(cmd_access)
{
    const struct visor_config *from = config;

    (void)directive;
    put_rules(printer, from->cmd_access, from->cmd_access_count, "cmd");
}

PRINT(driftfile)
{
    const struct visor_config *from = config;

    if (!from->driftfile[0])
        return;
    put_name(printer, directive);
    put_word(printer, from->driftfile);
    if (from->drift_interval != 3600) {
        put_word(printer, "interval");
        put_whole(printer, from->drift_interval);
    }
    put_end(printer);
}

PRINT(fallbackdrift)
{
    const struct visor_config *from = config;

    if (!from->fallback_drift_min && !from->fallback_drift_max)
        return;
    put_name(printer, directive);
    put_whole(printer, from->fallback_drift_min);
    put_whole(printer, from->fallback_drift_max);
    put_end(printer);
}

PRINT(makestep)
{
    const struct visor_config *from = config;

    if (!from->makestep_limit && !differs(from->makestep_threshold, 0.0))
        return;
    put_name(printer, directive);
    put_real(printer, from->makestep_threshold);
    put_whole(printer, from->makestep_limit);
    put_end(printer);
}

PRINT(maxchange)
{
    const struct visor_config *from = config;

    if (from->max_change_delay == -1 && !from->max_change_ignore && !differs(from->max_change, 0.0))
        return;
    put_name(printer, directive);
    put_real(printer, from->max_change);
    put_whole(printer, from->max_change_delay);
    put_whole(printer, from->max_change_ignore);
    put_end(printer);
}

PRINT(smoothtime)
{
    const struct visor_config *from = config;

    if (!differs(from->smooth_max_freq, 0.0) && !differs(from->smooth_max_wander, 0.0) &&
        !from->smooth_leap_only)
        return;
    put_name(printer, directive);
    put_real(printer, from->smooth_max_freq);
    put_real(printer, from->smooth_max_wander);
    if (from->smooth_leap_only)
        put_word(printer, "leaponly");
    put_end(printer);
}

PRINT(tempcomp)
{
    const struct visor_config *from = config;

    if (!from->tempcomp_file[0])
        return;
    put_name(printer, directive);
    put_word(printer, from->tempcomp_file);
    put_real(printer, from->tempcomp_interval);
    if (from->tempcomp_points_file[0]) {
        put_word(printer, from->tempcomp_points_file);
    } else {
        put_real(printer, from->tempcomp_t0);
        put_real(printer, from->tempcomp_k0);
        put_real(printer, from->tempcomp_k1);
        put_real(printer, from->tempcomp_k2);
    }
    put_end(printer);
}

PRINT(tempcomppoints)
{
    const struct visor_config *from = config;

    if (printer->form == VISOR_CONFIG_FORM_FILE && from->tempcomp_points_file[0])
        return;
    for (size_t i = 0; i < from->tempcomp_point_count; i++) {
        put_name(printer, directive);
        put_real(printer, from->tempcomp_points[i].temperature);
        put_real(printer, from->tempcomp_points[i].compensation_ppm);
        put_end(printer);
    }
}

PRINT(leapseconds)
{
    const struct visor_config *from = config;

    if (printer->form == VISOR_CONFIG_FORM_FILE && (from->leapseclist[0] || from->leapsectz[0]))
        return;
    for (size_t i = 0; i < from->leap_count; i++) {
        put_name(printer, directive);
        put_whole(printer, from->leaps[i].utc_s);
        put_whole(printer, from->leaps[i].tai_offset_s);
        put_end(printer);
    }
}

static void put_options(struct visor_printer *printer, const char *directive,
                        const struct visor_option_table *table, const void *target)
{
    put_name(printer, directive);
    visor_options_print(printer, table, target);
    put_end(printer);
}

PRINT(local)
{
    if (((const struct visor_config *)config)->local_enabled)
        put_options(printer, directive, &visor_local_options, config);
}

PRINT(witness)
{
    const struct visor_config *from = config;

    if (from->witness_rtc != VISOR_WITNESS_AUTO || from->witness_vmclock != VISOR_WITNESS_AUTO ||
        from->witness_vmgenid != VISOR_WITNESS_AUTO || from->witness_phc != VISOR_WITNESS_AUTO ||
        from->witness_cpu != VISOR_WITNESS_AUTO || from->witness_hosts != 1.0)
        put_options(printer, directive, &visor_witness_options, config);
}

PRINT(ratelimit)
{
    const struct visor_config *from = config;

    if (from->ratelimit.enabled)
        put_options(printer, directive, &visor_ratelimit_options, &from->ratelimit);
}

PRINT(cmdratelimit)
{
    const struct visor_config *from = config;

    if (from->cmd_ratelimit.enabled)
        put_options(printer, directive, &visor_cmdratelimit_options, &from->cmd_ratelimit);
}

PRINT(opencommands)
{
    if (((const struct visor_config *)config)->open_commands != VISOR_OPEN_DEFAULT)
        put_options(printer, directive, &visor_open_options, config);
}

PRINT(log)
{
    if (((const struct visor_config *)config)->logs)
        put_options(printer, directive, &visor_log_options, config);
}

PRINT(hwtimestamps)
{
    const struct visor_config *from = config;

    for (size_t i = 0; i < from->hwtimestamp_count; i++) {
        put_name(printer, directive);
        put_word(printer, from->hwtimestamps[i].interface);
        visor_options_print(printer, &visor_hwtimestamp_options, &from->hwtimestamps[i]);
        put_end(printer);
    }
}

PRINT(hwtstimeout)
{
    const struct visor_config *from = config;

    if (from->hwts_timeout_us == 1000)
        return;
    put_name(printer, directive);
    put_real(printer, from->hwts_timeout_us / 1e6);
    put_end(printer);
}
