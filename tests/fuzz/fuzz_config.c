/* Configuration text: nothing crashes, sentences are always whole, and what is taken is printed so
 * that it is taken again as the same. */
#include "base/assert.h"
#include "config/parse.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct visor_config *config)
{
    size_t length = visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, NULL, 0);
    char *text = malloc(length + 1);

    VISOR_ASSERT(visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, text, length + 1) == length);
    VISOR_ASSERT(strlen(text) == length);
    return text;
}

struct world {
    const char *text;
    int files; /* still to be given */
};

/* Any file that is asked for is the input itself, for the first few. */
static enum visor_load read_file(void *context, const char *path, size_t limit, char **text,
                                 size_t *size)
{
    struct world *world = context;

    (void)path;
    if (world->files-- <= 0)
        return VISOR_LOAD_MISSING;
    *size = strlen(world->text);
    if (*size > limit)
        return VISOR_LOAD_LARGE;
    *text = strdup(world->text);
    return VISOR_LOAD_OK;
}

static enum visor_load list(void *context, const char *pattern, struct visor_paths *paths)
{
    (void)context;
    return visor_paths_add(paths, pattern) ? VISOR_LOAD_OK : VISOR_LOAD_FAILED;
}

static enum visor_load list_dir(void *context, const char *directory, const char *suffix,
                                struct visor_paths *paths)
{
    (void)suffix;
    return list(context, directory, paths);
}

static void say_all(struct visor_diagnoses *diagnoses)
{
    char text[VISOR_DIAGNOSIS_TEXT];

    for (size_t i = 0; i < diagnoses->count; i++) {
        visor_diagnosis_print(&diagnoses->items[i], NULL, text, sizeof(text));
        VISOR_ASSERT(strlen(text) < sizeof(text) - 1);
    }
    visor_diagnoses_done(diagnoses);
}

static void there_and_back(struct visor_config *config, struct visor_diagnoses *diagnoses)
{
    char *text = print(config), *second;
    struct visor_config *again;

    VISOR_ASSERT(!visor_config_parse_text("again", text, strlen(text), NULL, &again, diagnoses));
    second = print(again);
    VISOR_ASSERT(strcmp(text, second) == 0);
    visor_config_free(again);
    free(second);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct world world = {text, 6};
    struct visor_loader loader = {&world, read_file, list, list_dir};
    struct visor_diagnoses diagnoses;
    struct visor_config *config;
    struct visor_source_config source;

    memcpy(text, data, size);
    text[size] = '\0';
    visor_diagnoses_init(&diagnoses);
    if (!visor_config_parse_text("f", text, size, NULL, &config, &diagnoses))
        there_and_back(config, &diagnoses);
    visor_config_free(config);
    say_all(&diagnoses);
    visor_config_parse_text("f", text, size, &loader, &config, &diagnoses);
    visor_config_free(config);
    visor_config_parse_source(text, &source, &diagnoses);
    say_all(&diagnoses);
    free(text);
    return 0;
}
