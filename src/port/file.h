/* Small files as a whole: read with a limit, replaced so that a reader sees the old or the new. */
#ifndef VISOR_PORT_FILE_H
#define VISOR_PORT_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Reads a regular file (or /dev/null) into heap memory with a zero byte behind it that `size` does
 * not count. 0, or -errno: -EFBIG over `limit` bytes, -EINVAL for what is not a regular file. */
int visor_file_read(const char *path, size_t limit, char **text, size_t *size);

/* Writes `path`.tmp and renames it. 0, or -errno with the old file untouched and nothing left
 * behind: disk full, read-only directory and the like. A planted link is not followed. */
int visor_file_replace(const char *path, const void *data, size_t size, mode_t mode);

/* Makes a directory and its parents, parents with 0755. 0 also if it is there; -errno. Where the
 * owner is given ((uid_t)-1: not), a directory that is made here gets it. */
int visor_file_make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* The directory that a file is to lie in, mode 0755, ours, unless it is there. 0 or -errno. */
int visor_file_make_parent(const char *path);

#endif
