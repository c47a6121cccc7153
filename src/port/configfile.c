/* The parser's loader on the real file system: open, glob, readdir. What the files mean is left
 * to the config floor. */
#include "port/configfile.h"
#include "port/file.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static enum visor_load load_of(int error)
{
    if (error == ENOENT || error == ENOTDIR)
        return VISOR_LOAD_MISSING;
    if (error == EACCES || error == EPERM)
        return VISOR_LOAD_DENIED;
    return error == EFBIG ? VISOR_LOAD_LARGE : VISOR_LOAD_FAILED;
}

static enum visor_load read_file(void *context, const char *path, size_t limit, char **text,
                                 size_t *size)
{
    int error = visor_file_read(path, limit, text, size);

    (void)context;
    return error ? load_of(-error) : VISOR_LOAD_OK;
}

static enum visor_load list_glob(void *context, const char *pattern, struct visor_paths *paths)
{
    glob_t found;
    enum visor_load load = VISOR_LOAD_OK;
    int result = glob(pattern, GLOB_NOMAGIC | GLOB_ERR, NULL, &found);

    (void)context;
    if (result != 0)
        return result == GLOB_NOMATCH ? VISOR_LOAD_MISSING : VISOR_LOAD_FAILED;
    for (size_t i = 0; i < found.gl_pathc && load == VISOR_LOAD_OK; i++)
        if (!visor_paths_add(paths, found.gl_pathv[i]))
            load = VISOR_LOAD_FAILED;
    globfree(&found);
    return load;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);

    return length >= end && strcmp(name + length - end, suffix) == 0;
}

static enum visor_load list_dir(void *context, const char *directory, const char *suffix,
                                struct visor_paths *paths)
{
    DIR *open = opendir(directory);
    enum visor_load load = VISOR_LOAD_OK;
    struct dirent *entry;

    (void)context;
    if (!open)
        return load_of(errno);
    while (load == VISOR_LOAD_OK && (entry = readdir(open)) != NULL) {
        char path[4096];
        int length;

        if (entry->d_name[0] == '.' || !ends_in(entry->d_name, suffix))
            continue;
        length = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof(path) || !visor_paths_add(paths, path))
            load = VISOR_LOAD_FAILED;
    }
    closedir(open);
    return load;
}

const struct visor_loader visor_configfile_loader = {
    .read_file = read_file, .list_glob = list_glob, .list_dir = list_dir};
