/* The drift file, as chronyd reads and writes it. */
#include "timevisord/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0)
        return -errno;
    length = read(fd, text, size - 1);
    if (length < 0)
        length = -errno;
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

bool visor_daemon_read_drift(const char *path, double *drift_ppm, double *skew_ppm)
{
    char text[128], *end;

    if (!path[0] || read_file(path, text, sizeof(text)) <= 0)
        return false;
    *drift_ppm = strtod(text, &end);
    if (end == text)
        return false;
    *skew_ppm = strtod(end, &end);
    /* NaN fails both */
    return *drift_ppm > -1e6 && *drift_ppm < 1e6 && *skew_ppm >= 0.0 && *skew_ppm < 1e6;
}

/* Into a new file that then takes the old one's place: a full disk leaves the old one as it is. */
int visor_daemon_write_drift(const char *path, const struct visor_action_drift *drift)
{
    char text[64], temporary[VISOR_CONFIG_NAME_MAX + 8];
    int length =
        snprintf(text, sizeof(text), "%20.6f %20.6f\n", drift->frequency_ppm, drift->skew_ppm);
    int fd, error = 0;

    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    if (length < 0 || (size_t)length >= sizeof(text) || write(fd, text, (size_t)length) != length)
        error = errno ? -errno : -EIO;
    if (close(fd) && !error)
        error = -errno;
    if (!error && rename(temporary, path))
        error = -errno;
    if (error)
        unlink(temporary);
    return error;
}
