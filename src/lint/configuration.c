/* chrony.conf as the daemon's own parser reads it. Files that it includes are not looked for: a
 * linted file may belong to another machine. */
#include "lint/scan.h"

#include "config/parse.h"

#include <stdlib.h>
#include <string.h>

static enum visor_load read_nothing(void *context, const char *path, size_t limit, char **text,
                                    size_t *size)
{
    (void)context, (void)path, (void)limit;
    *text = calloc(1, 1);
    *size = 0;
    return *text ? VISOR_LOAD_OK : VISOR_LOAD_FAILED;
}

static enum visor_load find_nothing(void *context, const char *pattern, struct visor_paths *paths)
{
    (void)context, (void)pattern;
    *paths = (struct visor_paths){.items = NULL};
    return VISOR_LOAD_OK;
}

static enum visor_load list_nothing(void *context, const char *directory, const char *suffix,
                                    struct visor_paths *paths)
{
    (void)suffix;
    return find_nothing(context, directory, paths);
}

/* Sound for chronyd, only not built here or of no use here. */
static bool is_our_own(const struct visor_diagnosis *diagnosis)
{
    return diagnosis->unsupported || diagnosis->line == 0;
}

static void report(struct visor_scan *scan, const struct visor_diagnosis *diagnosis)
{
    char sentence[VISOR_DIAGNOSIS_TEXT];

    if (is_our_own(diagnosis) || diagnosis->severity == VISOR_DIAGNOSIS_NOTICE)
        return;
    visor_diagnosis_print_reason(diagnosis, scan->lint->translate, sentence, sizeof(sentence));
    visor_scan_complain(
        scan, diagnosis->severity == VISOR_DIAGNOSIS_ERROR ? "TV-CHRONY-001" : "TV-CHRONY-002",
        diagnosis->line, diagnosis->column ? diagnosis->column : 1, "%s", sentence);
}

void visor_lint_configuration(struct visor_scan *scan)
{
    static const struct visor_loader nothing = {
        .read_file = read_nothing, .list_glob = find_nothing, .list_dir = list_nothing};
    struct visor_diagnoses diagnoses;
    struct visor_config *config;

    visor_diagnoses_init(&diagnoses);
    visor_config_parse_text("", scan->text, scan->size, &nothing, &config, &diagnoses);
    for (size_t i = 0; i < diagnoses.count; i++)
        report(scan, &diagnoses.items[i]);
    visor_config_free(config);
    visor_diagnoses_done(&diagnoses);
}
