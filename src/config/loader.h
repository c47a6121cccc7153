/* How the parser gets at files. The OS's own is port/configfile.h; tests have one in memory. */
#ifndef VISOR_CONFIG_LOADER_H
#define VISOR_CONFIG_LOADER_H

#include <stdbool.h>
#include <stddef.h>

enum visor_load {
    VISOR_LOAD_OK,
    VISOR_LOAD_MISSING, /* no such file or directory */
    VISOR_LOAD_DENIED,  /* not permitted */
    VISOR_LOAD_LARGE,   /* more than `limit` bytes */
    VISOR_LOAD_FAILED,  /* anything else, also no memory */
};

/* Paths, each a heap string, the array too. */
struct visor_paths {
    char **items;
    size_t count;
};

struct visor_loader {
    void *context;
    /* Whole content of `path`: heap, one zero byte after it that `size` does not count. */
    enum visor_load (*read_file)(void *context, const char *path, size_t limit, char **text,
                                 size_t *size);
    /* Paths that match a shell pattern, sorted as glob(3) does; a pattern without wildcards gives
     * itself whether it exists or not. MISSING: no match. */
    enum visor_load (*list_glob)(void *context, const char *pattern, struct visor_paths *paths);
    /* Paths "directory/name" of the names that end in `suffix` and do not begin with a dot. A
     * directory that does not exist is empty. */
    enum visor_load (*list_dir)(void *context, const char *directory, const char *suffix,
                                struct visor_paths *paths);
};

void visor_paths_done(struct visor_paths *paths);

/* Appends a copy of `path`; false without memory. */
bool visor_paths_add(struct visor_paths *paths, const char *path);

#endif
