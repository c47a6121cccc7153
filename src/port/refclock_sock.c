/* SOCK: samples that other programs send to a datagram socket in the file system. */
#include "port/refclock.h"
#include "port/socket.h"
#include "wire/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Whatever is not a socket is not ours to remove. */
static int remove_stale(const char *path)
{
    struct stat status;

    if (lstat(path, &status))
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return -EADDRINUSE;
    return unlink(path) ? -errno : 0;
}

static int sock_open(struct visor_refclock_device *device)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int error;

    if (strlen(device->path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, device->path, strlen(device->path) + 1);
    error = remove_stale(device->path);
    if (error)
        return error;
    device->fd = visor_socket_open(AF_UNIX, SOCK_DGRAM);
    if (device->fd < 0)
        return device->fd;
    if (bind(device->fd, (const struct sockaddr *)&address, sizeof(address)))
        return -errno;
    device->listens = true;
    return 0;
}

static void sock_done(struct visor_refclock_device *device)
{
    (void)remove_stale(device->path);
}

static void fill(const struct visor_sock_sample *sample, struct visor_refclock_measured *out)
{
    int64_t part;

    out->stamp_ns = sample->system.ns;
    out->reference = sample->reference;
    out->error_ns = 500; /* a stamp in microseconds, cut off */
    out->leap = sample->leap < 0 || sample->leap > 2 ? VISOR_LEAP_HINT_UNSYNCHRONIZED
                                                     : (enum visor_leap_hint)sample->leap;
    if (!sample->pulse)
        return;
    /* The pulse's own moment: when the source's second was whole. */
    part = sample->reference.ns % VISOR_NS_PER_S;
    if (part >= VISOR_NS_PER_S / 2)
        part -= VISOR_NS_PER_S;
    if (part < -VISOR_NS_PER_S / 2)
        part += VISOR_NS_PER_S;
    out->kind = VISOR_REFCLOCK_PULSE;
    out->stamp_ns -= part;
}

static int sock_readable(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    uint8_t data[VISOR_SOCK_SIZE_64 + 16]; /* longer ones must be seen to be longer */
    struct visor_sock_sample sample;
    ssize_t size = recv(device->fd, data, sizeof(data), MSG_DONTWAIT);

    if (size < 0)
        return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
    if (visor_sock_read(data, (size_t)size, &sample) != VISOR_SOCK_OK)
        return -EBADMSG;
    fill(&sample, out);
    return 0;
}

const struct visor_refclock_ops visor_refclock_sock = {
    .name = "SOCK", .open = sock_open, .handle_readable = sock_readable, .done = sock_done};
