/* Files as a whole, with plain open, write and rename, so that simulators which preload the C
 * library see them. What is in them is left to the config floor's codecs. */
#include "port/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor of a file whose reading cannot block, or -errno. */
static int open_regular(const char *path)
{
    struct stat status;
    int fd;

    if (stat(path, &status) != 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode) && strcmp(path, "/dev/null") != 0)
        return -EINVAL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int grow(char **buffer, size_t *room)
{
    char *bigger = realloc(*buffer, 2 * *room);

    if (!bigger)
        return -ENOMEM;
    *buffer = bigger;
    *room *= 2;
    return 0;
}

static int read_all(int fd, size_t limit, char **text, size_t *size)
{
    size_t room = 4096, at = 0;
    int error = 0;

    *text = malloc(room);
    if (!*text)
        return -ENOMEM;
    while (!error) {
        ssize_t got = read(fd, *text + at, room - 1 - at);

        if (got == 0)
            break;
        if (got < 0) {
            error = errno == EINTR ? 0 : -errno;
            continue;
        }
        at += (size_t)got;
        if (at > limit)
            error = -EFBIG;
        else if (at == room - 1)
            error = grow(text, &room);
    }
    if (error) {
        free(*text);
        *text = NULL;
        return error;
    }
    (*text)[at] = '\0';
    *size = at;
    return 0;
}

int visor_file_read(const char *path, size_t limit, char **text, size_t *size)
{
    int fd = open_regular(path), error;

    if (fd < 0)
        return fd;
    error = read_all(fd, limit, text, size);
    close(fd);
    return error;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

static int open_new(const char *path, mode_t mode)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, mode);

    /* left by somebody who was killed between the two */
    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, flags, mode);
    return fd < 0 ? -errno : fd;
}

int visor_file_replace(const char *path, const void *data, size_t size, mode_t mode)
{
    char temporary[PATH_MAX];
    int fd, error;

    if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    fd = open_new(temporary, mode);
    if (fd < 0)
        return fd;
    error = write_all(fd, data, size);
    if (!error && fdatasync(fd) != 0 && errno != EINVAL)
        error = -errno;
    if (close(fd) != 0 && !error)
        error = -errno;
    if (!error && rename(temporary, path) != 0)
        error = -errno;
    if (error)
        unlink(temporary);
    return error;
}

static int make_one(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat status;

    if (mkdir(path, mode) == 0)
        return uid != (uid_t)-1 && chown(path, uid, gid) != 0 ? -errno : 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &status) != 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int visor_file_make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    char parents[PATH_MAX];
    size_t length = strlen(path);
    struct stat status;

    if (length >= sizeof(parents))
        return -ENAMETOOLONG;
    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    memcpy(parents, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        int error;

        if (parents[i] != '/')
            continue;
        parents[i] = '\0';
        error = make_one(parents, 0755, (uid_t)-1, (gid_t)-1);
        if (error)
            return error;
        parents[i] = '/';
    }
    return make_one(path, mode, uid, gid);
}

int visor_file_make_parent(const char *path)
{
    char directory[PATH_MAX];
    char *slash;

    if ((size_t)snprintf(directory, sizeof(directory), "%s", path) >= sizeof(directory))
        return -ENAMETOOLONG;
    slash = strrchr(directory, '/');
    if (!slash || slash == directory)
        return 0;
    *slash = '\0';
    return visor_file_make_directory(directory, 0755, (uid_t)-1, (gid_t)-1);
}
