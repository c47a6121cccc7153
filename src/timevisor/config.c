/* timevisor config: is a configuration good, and what would this machine's own sources be in it? */
#include "config/parse.h"
#include "port/configfile.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/own.h"
#include "timevisor/table.h"

#include <getopt.h>
#include <jansson.h>
#include <string.h>

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor config check [--json] FILE...\n"
            "       timevisor config own\n\n"
            "check  names every mistake by file, line and word, and the nearest right word\n"
            "own    prints a configuration of the sources that this machine's files name\n"
            "       (chrony.conf, timesyncd.conf, ntp.conf, DHCP)\n\n"
            "Exit status: 0 good, 1 there are mistakes.\n"),
          out);
}

static const char *severity_name(enum visor_diagnosis_severity severity)
{
    return severity == VISOR_DIAGNOSIS_ERROR     ? "error"
           : severity == VISOR_DIAGNOSIS_WARNING ? "warning"
                                                 : "notice";
}

static void print_diagnosis(const struct visor_diagnosis *diagnosis, bool colored)
{
    char text[VISOR_DIAGNOSIS_TEXT];
    enum visor_color color = diagnosis->severity == VISOR_DIAGNOSIS_ERROR     ? VISOR_BAD
                             : diagnosis->severity == VISOR_DIAGNOSIS_WARNING ? VISOR_WARN
                                                                              : VISOR_DIM;

    printf("%s%s%s\n", visor_table_color(color, colored),
           visor_diagnosis_print(diagnosis, gettext, text, sizeof(text)),
           visor_table_color(VISOR_PLAIN, colored));
}

static json_t *diagnosis_json(const struct visor_diagnosis *diagnosis)
{
    char text[VISOR_DIAGNOSIS_TEXT];

    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "severity",
                     severity_name(diagnosis->severity), "file", diagnosis->file, "line",
                     (int)diagnosis->line, "column", (int)diagnosis->column, "word",
                     diagnosis->word, "suggestion", diagnosis->suggestion, "message",
                     visor_diagnosis_print(diagnosis, NULL, text, sizeof(text)));
}

/* Returns the number of errors. */
static size_t check_file(const char *path, json_t *list)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config;
    bool colored = visor_table_wants_color(stdout);
    size_t errors;

    visor_diagnoses_init(&diagnoses);
    visor_config_load(path, &visor_configfile_loader, &config, &diagnoses);
    for (size_t i = 0; i < diagnoses.count; i++) {
        if (list)
            json_array_append_new(list, diagnosis_json(&diagnoses.items[i]));
        else
            print_diagnosis(&diagnoses.items[i], colored);
    }
    errors = diagnoses.errors;
    if (!list && !errors)
        printf(_("%s: good (%zu sources, %zu reference clocks)\n"), path, config->source_count,
               config->refclock_count);
    visor_config_free(config);
    visor_diagnoses_done(&diagnoses);
    return errors;
}

static int check(char **files, bool as_json)
{
    json_t *list = as_json ? json_array() : NULL;
    size_t errors = 0;

    for (; *files; files++)
        errors += check_file(*files, list);
    if (list) {
        json_dumpf(list, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(list);
    }
    return errors ? VISOR_CLI_NO : VISOR_CLI_YES;
}

int visor_cli_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool as_json = false;
    int option, count;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) == 'j')
        as_json = true;
    if (option == 'h') {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    count = argc - optind; /* getopt has put all words behind the options */
    if (option == -1 && count >= 2 && !strcmp(argv[optind], "check"))
        return check(argv + optind + 1, as_json);
    if (option == -1 && count == 1 && !as_json && !strcmp(argv[optind], "own")) {
        visor_own_print(stdout);
        return VISOR_CLI_YES;
    }
    print_usage(stderr);
    return VISOR_CLI_USAGE;
}
