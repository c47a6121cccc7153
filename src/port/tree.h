/* Bounded, never blocking reading of files below a root folder: this machine's own files (root "")
 * or a recorded tree of another one's. */
#ifndef VISOR_PORT_TREE_H
#define VISOR_PORT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define VISOR_TREE_PATH_MAX 512
#define VISOR_TREE_FILE_MAX 65536
#define VISOR_TREE_LIST_MAX 64

/* Up to size - 1 bytes of a regular file as a string (NUL bytes become newlines). Number of bytes,
 * or -errno: not there, no file, no right. */
int visor_tree_read(const char *root, const char *path, char *text, size_t size);

/* Its first line, without the newline and surrounding space. False and "" if there is none. */
bool visor_tree_line(const char *root, const char *path, char *line, size_t size);

bool visor_tree_exists(const char *root, const char *path);
bool visor_tree_readable(const char *root, const char *path);
/* Name of what a symbolic link points to, without folders; false if it is no link. */
bool visor_tree_link(const char *root, const char *path, char *name, size_t size);

/* Names in a folder that match the shell's `pattern`, in ascending order. Returns how many of
 * `names` are filled; `*more` (may be NULL) is raised by those that did not fit. */
struct visor_tree_name {
    char text[64];
};
size_t visor_tree_list(const char *root, const char *folder, const char *pattern,
                       struct visor_tree_name *names, size_t limit, size_t *more);

/* Cut to fit and trimmed of space at both ends. */
void visor_tree_trim(char *to, size_t size, const char *from);

/* Next line of a text read before: copies it (cut), returns the rest or NULL at the end. */
const char *visor_tree_next_line(const char *text, char *line, size_t size);

#endif
