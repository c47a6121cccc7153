/* A loader with files in memory, for tests of the parser. */
#ifndef VISOR_TESTS_MEMORY_LOADER_H
#define VISOR_TESTS_MEMORY_LOADER_H

#include "config/loader.h"

#include <stdlib.h>
#include <string.h>

struct memory_file {
    const char *path, *text;
};

static enum visor_load memory_read(void *context, const char *path, size_t limit, char **text,
                                   size_t *size)
{
    for (const struct memory_file *file = context; file->path; file++) {
        if (strcmp(file->path, path) != 0)
            continue;
        *size = strlen(file->text);
        if (*size > limit)
            return VISOR_LOAD_LARGE;
        *text = malloc(*size + 1);
        memcpy(*text, file->text, *size + 1);
        return VISOR_LOAD_OK;
    }
    return VISOR_LOAD_MISSING;
}

/* Knows a star at the end only. */
static enum visor_load memory_glob(void *context, const char *pattern, struct visor_paths *paths)
{
    const char *star = strchr(pattern, '*');

    if (!star)
        return visor_paths_add(paths, pattern) ? VISOR_LOAD_OK : VISOR_LOAD_FAILED;
    for (const struct memory_file *file = context; file->path; file++)
        if (strncmp(file->path, pattern, (size_t)(star - pattern)) == 0)
            visor_paths_add(paths, file->path);
    return paths->count ? VISOR_LOAD_OK : VISOR_LOAD_MISSING;
}

static enum visor_load memory_dir(void *context, const char *directory, const char *suffix,
                                  struct visor_paths *paths)
{
    size_t length = strlen(directory), end = strlen(suffix);

    for (const struct memory_file *file = context; file->path; file++) {
        size_t whole = strlen(file->path);

        if (strncmp(file->path, directory, length) == 0 && file->path[length] == '/' &&
            !strchr(file->path + length + 1, '/') && whole > end &&
            strcmp(file->path + whole - end, suffix) == 0)
            visor_paths_add(paths, file->path);
    }
    return VISOR_LOAD_OK;
}

static inline struct visor_loader memory_loader(const struct memory_file *files)
{
    return (struct visor_loader){(void *)(uintptr_t)files, memory_read, memory_glob, memory_dir};
}

#endif
