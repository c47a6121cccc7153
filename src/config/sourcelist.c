/* Lists of sources compared, and source directories read again. */
#include "config/sourcelist.h"
#include "config/option.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>

#define SOURCE_TEXT 2048 /* all options of a source fit */

bool visor_source_config_same(const struct visor_source_config *a,
                              const struct visor_source_config *b)
{
    char first[SOURCE_TEXT], second[SOURCE_TEXT];

    if (strcmp(a->name, b->name) != 0)
        return false;
    visor_source_print(a, first, sizeof(first));
    visor_source_print(b, second, sizeof(second));
    return strcmp(first, second) == 0;
}

void visor_sourcelist_match(const struct visor_source_config *old, size_t old_count,
                            const struct visor_source_config *now, size_t now_count, int *place,
                            bool *taken)
{
    for (size_t j = 0; j < now_count; j++)
        taken[j] = false;
    for (size_t i = 0; i < old_count; i++) {
        place[i] = -1;
        for (size_t j = 0; j < now_count && place[i] < 0; j++)
            if (!taken[j] && visor_source_config_same(&old[i], &now[j])) {
                place[i] = (int)j;
                taken[j] = true;
            }
    }
}

void visor_sourcelist_load(const struct visor_config *config, const struct visor_loader *loader,
                           struct visor_source_config **sources, size_t *count,
                           struct visor_diagnoses *diagnoses)
{
    /* a configuration with nothing but the directories, and the places that are taken */
    struct visor_config only = {.sourcedirs = config->sourcedirs,
                                .sourcedir_count = config->sourcedir_count};
    struct visor_parser parser = {
        .config = &only, .loader = loader, .diagnoses = diagnoses, .file = "sourcedir"};
    size_t taken = 0;

    for (size_t i = 0; i < config->source_count; i++)
        taken += !config->sources[i].from_directory;
    parser.sources_limit = VISOR_CONFIG_SOURCES_MAX - taken;
    visor_parser_load_sources(&parser);
    *sources = only.sources;
    *count = only.source_count;
}
