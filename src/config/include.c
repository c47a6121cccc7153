/* Files that configuration is spread over: `include`, `confdir`, `sourcedir`. Depth, size and
 * number are limited, so that a file that includes itself ends with a sentence. */
#include "config/number.h"
#include "config/tables.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX       10   /* as in chronyd */
#define DIRECTORIES_MAX 10   /* as in chronyd */
#define PATHS_MAX       1024 /* files of one pattern or directory */
#define FILE_BYTES_MAX  (1024 * 1024)
#define ALL_BYTES_MAX   (4 * 1024 * 1024)

void visor_paths_done(struct visor_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (struct visor_paths){.items = NULL};
}

bool visor_paths_add(struct visor_paths *paths, const char *path)
{
    char **items = realloc(paths->items, (paths->count + 1) * sizeof(*items));
    size_t size = strlen(path) + 1;

    if (!items)
        return false;
    paths->items = items;
    items[paths->count] = malloc(size);
    if (!items[paths->count])
        return false;
    memcpy(items[paths->count++], path, size);
    return true;
}

static const char *why(enum visor_load load)
{
    switch (load) {
    case VISOR_LOAD_MISSING:
        return N_("'%1' does not exist");
    case VISOR_LOAD_DENIED:
        return N_("'%1' may not be read");
    case VISOR_LOAD_LARGE:
        return N_("'%1' is larger than a configuration file may be (1 MiB)");
    default:
        return N_("'%1' cannot be read");
    }
}

static void complain(struct visor_parser *parser, const char *reason, const char *path)
{
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0, reason, path, NULL);
}

bool visor_parser_read(struct visor_parser *parser, const char *path, char **text, size_t *size)
{
    enum visor_load load;

    if (!parser->loader) {
        complain(parser, N_("'%1' cannot be read here"), path);
        return false;
    }
    load = parser->loader->read_file(parser->loader->context, path, FILE_BYTES_MAX, text, size);
    if (load == VISOR_LOAD_OK)
        return true;
    complain(parser, why(load), path);
    return false;
}

static bool is_open(const struct visor_parser *parser, const char *path)
{
    for (; parser && parser->depth; parser = parser->outer)
        if (strcmp(parser->file, path) == 0)
            return true;
    return false;
}

static const char *why_not(const struct visor_parser *parser, const char *path)
{
    if (is_open(parser, path))
        return N_("'%1' includes itself");
    if (parser->depth >= DEPTH_MAX)
        return N_("'%1' is the eleventh file in a chain of includes");
    return NULL;
}

void visor_parser_run_file(struct visor_parser *parser, const char *path)
{
    const char *reason = why_not(parser, path);
    char *text;
    size_t size;

    if (parser->full)
        return;
    if (reason) {
        complain(parser, reason, path);
        return;
    }
    if (!visor_parser_read(parser, path, &text, &size))
        return;
    if (size > ALL_BYTES_MAX - parser->bytes) {
        parser->full = true;
        complain(parser, N_("'%1' makes the configuration larger than 4 MiB; the rest is not read"),
                 path);
    } else {
        parser->bytes += size;
        parser->depth++;
        visor_parser_run(parser, path, text, size);
        parser->depth--;
    }
    free(text);
}

void visor_directive_include(struct visor_parser *parser, void *config)
{
    struct visor_paths paths = {.items = NULL};
    const char *pattern = visor_words_take(&parser->words);
    enum visor_load load;

    (void)config;
    if (!pattern) {
        visor_parser_missing(parser, "include", "PATTERN");
        return;
    }
    if (!visor_parser_end(parser))
        return;
    if (!parser->loader) {
        complain(parser, N_("'%1' cannot be read here"), pattern);
        return;
    }
    load = parser->loader->list_glob(parser->loader->context, pattern, &paths);
    if (load == VISOR_LOAD_OK && paths.count > PATHS_MAX)
        complain(parser, N_("'%1' names more than 1024 files"), pattern);
    else if (load == VISOR_LOAD_OK)
        for (size_t i = 0; i < paths.count; i++)
            visor_parser_run_file(parser, paths.items[i]);
    else if (load != VISOR_LOAD_MISSING)
        complain(parser, why(load), pattern);
    visor_paths_done(&paths);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int compare(const char *a, const char *b)
{
    return strcmp(base_name(a), base_name(b));
}

/* By their names without directory; stable. Directories are small and mostly in order. */
static void sort(struct visor_paths *paths)
{
    for (size_t i = 1; i < paths->count; i++) {
        char *item = paths->items[i];
        size_t at = i;

        for (; at > 0 && compare(paths->items[at - 1], item) > 0; at--)
            paths->items[at] = paths->items[at - 1];
        paths->items[at] = item;
    }
}

/* Adds those of `more` (one directory's, sorted) whose base name is not there yet. */
static bool merge(struct visor_paths *paths, const struct visor_paths *more)
{
    size_t known = paths->count, at = 0;

    for (size_t i = 0; i < more->count; i++) {
        while (at < known && compare(paths->items[at], more->items[i]) < 0)
            at++;
        if (at < known && compare(paths->items[at], more->items[i]) == 0)
            continue;
        if (paths->count >= PATHS_MAX || !visor_paths_add(paths, more->items[i]))
            return false;
    }
    sort(paths);
    return true;
}

static bool search_one(struct visor_parser *parser, const char *directory, const char *suffix,
                       struct visor_paths *paths)
{
    struct visor_paths more = {.items = NULL};
    enum visor_load load;
    bool good = true;

    load = parser->loader->list_dir(parser->loader->context, directory, suffix, &more);
    if (load != VISOR_LOAD_OK && load != VISOR_LOAD_MISSING) {
        complain(parser, why(load), directory);
        good = false;
    } else if (more.count) {
        sort(&more);
        good = merge(paths, &more);
        if (!good)
            complain(parser, N_("'%1' holds more than 1024 files"), directory);
    }
    visor_paths_done(&more);
    return good;
}

bool visor_parser_search(struct visor_parser *parser, const char *dirs, const char *suffix,
                         struct visor_paths *paths)
{
    struct visor_words words;
    const char *directory;

    if (!parser->loader) {
        complain(parser, N_("'%1' cannot be read here"), dirs);
        return false;
    }
    visor_words_split(&words, dirs, strlen(dirs));
    while ((directory = visor_words_take(&words)) != NULL)
        if (!search_one(parser, directory, suffix, paths))
            return false;
    return true;
}

/* The words that are left, a space between; false: complained. */
static bool take_directories(struct visor_parser *parser, char *dirs)
{
    size_t at = 0;
    const char *word;

    if (!visor_words_left(&parser->words)) {
        visor_parser_missing(parser, parser->directive, "DIRECTORY…");
        return false;
    }
    if (visor_words_left(&parser->words) > DIRECTORIES_MAX) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, DIRECTORIES_MAX + 1,
                              N_("'%w' is one directory too many for '%1': at most 10"),
                              parser->directive, NULL);
        return false;
    }
    while ((word = visor_words_take(&parser->words)) != NULL) {
        if (at)
            dirs[at++] = ' ';
        memcpy(dirs + at, word, strlen(word));
        at += strlen(word);
    }
    dirs[at] = '\0';
    return true;
}

void visor_directive_confdir(struct visor_parser *parser, void *config)
{
    struct visor_paths paths = {.items = NULL};
    char dirs[VISOR_WORDS_LINE_MAX + 1];

    (void)config;
    if (!take_directories(parser, dirs))
        return;
    if (visor_parser_search(parser, dirs, ".conf", &paths))
        for (size_t i = 0; i < paths.count; i++)
            visor_parser_run_file(parser, paths.items[i]);
    visor_paths_done(&paths);
}

void visor_directive_sourcedir(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;
    char dirs[VISOR_WORDS_LINE_MAX + 1], **new, *copy;

    if (!take_directories(parser, dirs))
        return;
    copy = malloc(strlen(dirs) + 1);
    new = copy ? visor_parser_append(parser, (void **)&to->sourcedirs, &to->sourcedir_count,
                                     sizeof(*to->sourcedirs), VISOR_CONFIG_LIST_MAX)
               : NULL;
    if (!new) {
        free(copy);
        return;
    }
    memcpy(copy, dirs, strlen(dirs) + 1);
    *new = copy;
}

/* chronyd wants every line of a .sources file to be ended: an unended one may be half-written. */
static size_t ended_size(struct visor_parser *parser, const char *path, const char *text,
                         size_t size)
{
    size_t ended = size;

    while (ended && text[ended - 1] != '\n')
        ended--;
    if (ended < size)
        complain(parser, N_("the last line of '%1' has no end and is not taken"), path);
    return ended;
}

void visor_parser_load_sources(struct visor_parser *parser)
{
    struct visor_config *config = parser->config;

    parser->lenient = true;
    for (size_t i = 0; i < config->sourcedir_count; i++) {
        struct visor_paths paths = {.items = NULL};
        size_t first = config->source_count;

        visor_parser_search(parser, config->sourcedirs[i], ".sources", &paths);
        for (size_t j = 0; j < paths.count; j++) {
            char *text;
            size_t size;

            if (!visor_parser_read(parser, paths.items[j], &text, &size))
                continue;
            visor_parser_run(parser, paths.items[j], text,
                             ended_size(parser, paths.items[j], text, size));
            free(text);
        }
        visor_paths_done(&paths);
        for (size_t j = first; j < config->source_count; j++)
            config->sources[j].from_directory = true;
    }
    parser->lenient = false;
}
