/* PPS: the kernel's stamps of pulses (RFC 2783), by ioctl, so that no library is needed. */
#include "port/refclock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <string.h>
#include <sys/ioctl.h>

static int edge_of(const struct visor_refclock_device *device)
{
    char value[VISOR_REFCLOCK_PATH_MAX];

    return visor_refclock_device_option(device, "clear", value) ? PPS_CAPTURECLEAR
                                                                : PPS_CAPTUREASSERT;
}

static int set_up(struct visor_refclock_device *device)
{
    struct pps_kparams parameters;
    int capabilities = 0, edge = edge_of(device);

    memset(&parameters, 0, sizeof(parameters));
    if (ioctl(device->fd, PPS_GETCAP, &capabilities) ||
        ioctl(device->fd, PPS_GETPARAMS, &parameters))
        return -errno;
    if (!(capabilities & edge))
        return -EOPNOTSUPP;
    /* Setting needs CAP_SYS_TIME; most often it is already as it should be. */
    if ((parameters.mode & edge) && (parameters.mode & PPS_TSFMT_TSPEC))
        return 0;
    parameters.api_version = PPS_API_VERS;
    parameters.mode |= edge | PPS_TSFMT_TSPEC;
    return ioctl(device->fd, PPS_SETPARAMS, &parameters) ? -errno : 0;
}

static int pps_open(struct visor_refclock_device *device)
{
    int fd = visor_refclock_open(device->path, O_RDWR), error;

    if (fd == -EACCES || fd == -EROFS)
        fd = visor_refclock_open(device->path, O_RDONLY);
    if (fd < 0)
        return fd;
    device->fd = fd;
    device->sequence = 0;
    error = set_up(device);
    return error;
}

static int pps_measure(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    struct pps_fdata data;
    const struct pps_ktime *stamp;
    uint32_t sequence;

    memset(&data, 0, sizeof(data)); /* a timeout of zero: do not wait */
    if (ioctl(device->fd, PPS_FETCH, &data))
        return -errno;
    if (edge_of(device) == PPS_CAPTURECLEAR) {
        sequence = data.info.clear_sequence;
        stamp = &data.info.clear_tu;
    } else {
        sequence = data.info.assert_sequence;
        stamp = &data.info.assert_tu;
    }
    if (sequence == device->sequence || (stamp->sec == 0 && stamp->nsec == 0))
        return -EAGAIN;
    device->sequence = sequence;
    if (stamp->sec < 0 || stamp->sec > INT64_MAX / VISOR_NS_PER_S - 1 || stamp->nsec < 0 ||
        stamp->nsec >= VISOR_NS_PER_S)
        return -EBADMSG;
    out->kind = VISOR_REFCLOCK_PULSE;
    out->stamp_ns = stamp->sec * VISOR_NS_PER_S + stamp->nsec;
    return 0;
}

static const char *const options[] = {"clear", NULL};

const struct visor_refclock_ops visor_refclock_pps = {
    .name = "PPS", .options = options, .open = pps_open, .measure = pps_measure};
