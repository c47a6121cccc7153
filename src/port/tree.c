/* Reads files and folders below a root. Their meaning is the caller's. */
#include "port/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool join(const char *root, const char *path, char full[VISOR_TREE_PATH_MAX])
{
    int length = snprintf(full, VISOR_TREE_PATH_MAX, "%s%s", root, path);

    return length > 0 && length < VISOR_TREE_PATH_MAX;
}

int visor_tree_read(const char *root, const char *path, char *text, size_t size)
{
    char full[VISOR_TREE_PATH_MAX];
    struct stat status;
    size_t filled = 0;
    int fd;

    text[0] = 0;
    if (!join(root, path, full))
        return -ENAMETOOLONG;
    fd = open(full, O_RDONLY | O_NONBLOCK | O_NOCTTY); /* a FIFO or terminal must not stop us */
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    while (filled < size - 1) {
        ssize_t got = read(fd, text + filled, size - 1 - filled);

        if (got <= 0)
            break;
        filled += (size_t)got;
    }
    close(fd);
    text[filled] = 0;
    for (size_t i = 0; i < filled; i++)
        if (text[i] == 0)
            text[i] = '\n';
    return (int)filled;
}

void visor_tree_trim(char *to, size_t size, const char *from)
{
    size_t length;

    while (isspace((unsigned char)*from))
        from++;
    length = strlen(from);
    while (length > 0 && isspace((unsigned char)from[length - 1]))
        length--;
    if (length > size - 1)
        length = size - 1;
    memmove(to, from, length);
    to[length] = 0;
}

const char *visor_tree_next_line(const char *text, char *line, size_t size)
{
    size_t length, copied;

    if (!text || !*text)
        return NULL;
    length = strcspn(text, "\n");
    copied = length < size - 1 ? length : size - 1;
    memcpy(line, text, copied);
    line[copied] = 0;
    return text + length + (text[length] ? 1 : 0);
}

bool visor_tree_line(const char *root, const char *path, char *line, size_t size)
{
    char text[512];

    line[0] = 0;
    if (visor_tree_read(root, path, text, sizeof(text)) <= 0)
        return false;
    text[strcspn(text, "\n")] = 0;
    visor_tree_trim(line, size, text);
    return line[0] != 0;
}

bool visor_tree_exists(const char *root, const char *path)
{
    char full[VISOR_TREE_PATH_MAX];

    return join(root, path, full) && access(full, F_OK) == 0;
}

bool visor_tree_readable(const char *root, const char *path)
{
    char full[VISOR_TREE_PATH_MAX];

    return join(root, path, full) && access(full, R_OK) == 0;
}

bool visor_tree_link(const char *root, const char *path, char *name, size_t size)
{
    char full[VISOR_TREE_PATH_MAX], target[VISOR_TREE_PATH_MAX];
    const char *last;
    ssize_t length;

    name[0] = 0;
    if (!join(root, path, full))
        return false;
    length = readlink(full, target, sizeof(target) - 1);
    if (length < 0)
        return false;
    target[length] = 0;
    last = strrchr(target, '/');
    visor_tree_trim(name, size, last ? last + 1 : target);
    return true;
}

/* Keeps the first `limit` names in order, so that the result is the same on every file system. */
static size_t insert(struct visor_tree_name *names, size_t count, size_t limit, const char *name)
{
    size_t at = count;

    if (count == limit) {
        if (limit == 0 || strcmp(name, names[limit - 1].text) >= 0)
            return count;
        at = limit - 1;
    }
    for (; at > 0 && strcmp(names[at - 1].text, name) > 0; at--)
        names[at] = names[at - 1];
    snprintf(names[at].text, sizeof(names[at].text), "%s", name);
    return count < limit ? count + 1 : count;
}

size_t visor_tree_list(const char *root, const char *folder, const char *pattern,
                       struct visor_tree_name *names, size_t limit, size_t *more)
{
    char full[VISOR_TREE_PATH_MAX];
    const struct dirent *entry;
    size_t count = 0, seen = 0;
    DIR *dir;

    if (!join(root, folder, full) || !(dir = opendir(full)))
        return 0;
    while ((entry = readdir(dir))) {
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0 ||
            strlen(entry->d_name) >= sizeof(names->text))
            continue;
        seen++;
        count = insert(names, count, limit, entry->d_name);
    }
    closedir(dir);
    if (more)
        *more += seen - count;
    return count;
}
