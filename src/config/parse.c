/* From text to configuration: lines to directives, then what has to fit together at the end. The
 * meaning of each directive is in directives.c and its neighbours. */
#include "config/parse.h"
#include "config/leap.h"
#include "config/option.h"
#include "config/tables.h"

#include <string.h>

static void run_line(struct visor_parser *parser, const char *line, size_t size)
{
    const struct visor_option *directive;
    const char *word;

    parser->failed = false;
    if (!visor_words_split(&parser->words, line, size)) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0,
                              size > VISOR_WORDS_LINE_MAX
                                  ? N_("the line is longer than 2047 characters")
                                  : N_("there is a zero byte in the line; is this a text file?"),
                              NULL, NULL);
        return;
    }
    word = visor_words_take(&parser->words);
    if (!word)
        return;
    directive = visor_options_find(&visor_directives, word);
    if (!directive) {
        visor_parser_unknown(parser, 0, N_("'%w' is not a directive"), &visor_directives);
        return;
    }
    if (parser->lenient && directive->special != visor_directive_source) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0,
                              N_("'%w' does not belong here: only server, pool and peer do"), NULL,
                              NULL);
        return;
    }
    parser->directive = directive->name;
    if (visor_option_take(parser, directive, &visor_directives, parser->config))
        visor_parser_end(parser);
}

void visor_parser_run(struct visor_parser *parser, const char *file, const char *text, size_t size)
{
    struct visor_parser inner = *parser;
    size_t at = 0;

    inner.outer = parser;
    inner.file = file;
    inner.line = 0;
    while (at < size && !inner.full) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;

        inner.line++;
        run_line(&inner, text + at, length);
        at += length + 1;
    }
    parser->bytes = inner.bytes;
    parser->full = inner.full;
}

static void complain_at(struct visor_parser *parser, enum visor_diagnosis_severity severity,
                        const char *file, uint32_t line, const char *reason, const char *first)
{
    struct visor_parser place = *parser;

    place.file = file;
    place.line = line;
    place.words.count = 0;
    visor_parser_complain(&place, severity, 0, reason, first, NULL);
}

static bool has_refid(const struct visor_config *config, const char *refid)
{
    for (size_t i = 0; i < config->refclock_count; i++) {
        char own[5];

        if (strcmp(visor_config_refid(config, i, own), refid) == 0)
            return true;
    }
    return false;
}

static void check_refclocks(struct visor_parser *parser)
{
    const struct visor_config *config = parser->config;

    for (size_t i = 0; i < config->refclock_count; i++) {
        const struct visor_refclock_config *refclock = &config->refclocks[i];

        if (refclock->tai && !config->leapsectz[0] && !config->leapseclist[0] &&
            !config->leap_count)
            complain_at(parser, VISOR_DIAGNOSIS_ERROR, refclock->file, refclock->line,
                        N_("'%1' needs 'leapseclist' or 'leapsectz'"), "tai");
        if (refclock->driver == VISOR_REFCLOCK_RTC && (config->rtcsync || config->rtcfile[0]))
            complain_at(parser, VISOR_DIAGNOSIS_ERROR, refclock->file, refclock->line,
                        N_("'%1' cannot be used together with 'rtcsync' or 'rtcfile'"),
                        "refclock RTC");
        if (refclock->lock_refid[0] && !has_refid(config, refclock->lock_refid))
            complain_at(parser, VISOR_DIAGNOSIS_WARNING, refclock->file, refclock->line,
                        N_("there is no reference clock '%1' to lock to"), refclock->lock_refid);
    }
}

static void check_whole(struct visor_parser *parser)
{
    struct visor_config *config = parser->config;

    if (config->clock_precision > 0.0) {
        if (config->clock_precision < 1e-9)
            config->clock_precision = 1e-9;
        if (config->clock_precision > 1.0)
            config->clock_precision = 1.0;
    } else {
        config->clock_precision = 0.0;
    }
    if (config->rtcsync && config->rtcfile[0])
        complain_at(parser, VISOR_DIAGNOSIS_ERROR, parser->file, 0,
                    N_("'rtcfile' cannot be used together with 'rtcsync'"), NULL);
    if (!config->client_log && (config->ratelimit.enabled || config->cmd_ratelimit.enabled))
        complain_at(parser, VISOR_DIAGNOSIS_ERROR, parser->file, 0,
                    N_("'%1' cannot be used together with 'noclientlog'"),
                    config->ratelimit.enabled ? "ratelimit" : "cmdratelimit");
    for (size_t i = 0; i < config->source_count; i++)
        if (config->sources[i].key && !config->keyfile[0])
            complain_at(parser, VISOR_DIAGNOSIS_WARNING, config->sources[i].file,
                        config->sources[i].line,
                        N_("'key' without a 'keyfile': '%1' cannot be authenticated"),
                        config->sources[i].name);
    check_refclocks(parser);
}

static void load_leaps(struct visor_parser *parser)
{
    struct visor_config *config = parser->config;
    struct visor_leap_table table;

    if (config->leap_count) /* given by `leapsecond`, as in a recording */
        return;
    visor_leap_load(config->leapseclist, config->leapsectz, parser->loader, &table,
                    parser->diagnoses);
    config->leaps = table.entries;
    config->leap_count = table.count;
    config->leap_expires_s = table.expires_s;
}

static void finish(struct visor_parser *parser)
{
    parser->line = 0;
    parser->words.count = parser->words.next = 0;
    if (parser->loader) {
        visor_parser_load_sources(parser);
        load_leaps(parser);
        visor_parser_load_tempcomp(parser);
    }
    check_whole(parser);
}

int visor_config_parse_into(struct visor_config *config, const char *path, const char *text,
                            const struct visor_loader *loader, struct visor_diagnoses *diagnoses)
{
    size_t errors = diagnoses->errors;
    struct visor_parser parser = {.config = config, .loader = loader, .diagnoses = diagnoses};

    parser.file = path ? path : "";
    if (path)
        visor_parser_run_file(&parser, path);
    if (text)
        visor_parser_run(&parser, N_("command line"), text, strlen(text));
    finish(&parser);
    return diagnoses->errors == errors ? 0 : -1;
}

static int hand_over(struct visor_config *new, int result, struct visor_config **config)
{
    if (result == 0) {
        *config = new;
        return 0;
    }
    visor_config_free(new);
    *config = NULL;
    return -1;
}

static struct visor_config *new_config(const char *file, struct visor_diagnoses *diagnoses)
{
    struct visor_config *config = visor_config_new();
    struct visor_parser parser = {.diagnoses = diagnoses, .file = file};

    if (!config)
        visor_parser_complain(&parser, VISOR_DIAGNOSIS_ERROR, 0, N_("out of memory"), NULL, NULL);
    return config;
}

int visor_config_load(const char *path, const struct visor_loader *loader,
                      struct visor_config **config, struct visor_diagnoses *diagnoses)
{
    struct visor_config *new = new_config(path, diagnoses);

    return hand_over(new, new ? visor_config_parse_into(new, path, NULL, loader, diagnoses) : -1,
                     config);
}

int visor_config_parse_text(const char *file, const char *text, size_t size,
                            const struct visor_loader *loader, struct visor_config **config,
                            struct visor_diagnoses *diagnoses)
{
    size_t errors = diagnoses->errors;
    struct visor_config *new = new_config(file, diagnoses);
    struct visor_parser parser = {
        .config = new, .loader = loader, .diagnoses = diagnoses, .file = file};

    if (new) {
        visor_parser_run(&parser, file, text, size);
        finish(&parser);
    }
    return hand_over(new, diagnoses->errors == errors ? 0 : -1, config);
}

int visor_config_parse_source(const char *line, struct visor_source_config *source,
                              struct visor_diagnoses *diagnoses)
{
    struct visor_parser parser = {.diagnoses = diagnoses, .file = N_("command")};
    const struct visor_option *directive = NULL;
    const char *word = NULL;

    if (visor_words_split(&parser.words, line, strlen(line)))
        word = visor_words_take(&parser.words);
    if (word)
        directive = visor_options_find(&visor_directives, word);
    if (!directive || directive->special != visor_directive_source) {
        visor_parser_complain(&parser, VISOR_DIAGNOSIS_ERROR, 0,
                              N_("'%w' is not one of server, pool and peer"), NULL, NULL);
        return -1;
    }
    parser.directive = directive->name;
    if (!visor_source_parse(&parser, source))
        return -1;
    source->file[0] = '\0';
    return 0;
}

void visor_config_set_client_only(struct visor_config *config)
{
    config->port = 0;
    config->cmd_port = 0;
    config->bind_cmd_path[0] = '\0';
    config->pidfile[0] = '\0';
    config->clock_segment[0] = config->clockbound_segment[0] = '\0';
}

void visor_config_set_restarted(struct visor_config *config)
{
    config->initstep_count = 0;
    if (config->makestep_limit > 0)
        config->makestep_limit = 0;
}
