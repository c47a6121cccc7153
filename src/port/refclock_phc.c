/* PHC: clocks of network cards and hypervisors, /dev/ptpN.
 *
 * A reading is a pair of the device's time and the raw counter's, by the best way that the device
 * and the kernel have: a cross timestamp made in hardware; windows of raw stamps around each
 * reading (Linux 6.12); windows of REALTIME stamps; single REALTIME stamps; reading the clock
 * ourselves. With `extpps` the device stamps the pulses at one of its pins, and the readings only
 * say what those stamps are on the raw counter. On kernels before 6.7 all descriptors of a device
 * share one queue of such stamps, so one refclock a device is all that works there. */
#include "port/readings.h"
#include "port/refclock.h"

#include "engine/combine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/ptp_clock.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "port/socket.h"

#define READINGS          VISOR_READINGS_MAX
#define PRECISE_BUDGET_NS 300000 /* for repeated cross timestamps, some of which cost 1 ms each */
#define RETRY_BEST        256    /* readings after which a better way is tried again */
#define SECONDS_MAX       INT64_C(9200000000)
#define MAP_MAX_NS        (64 * VISOR_NS_PER_S)
#define MAP_MIN_NS        (VISOR_NS_PER_S / 10)
#define RATE_MAX          0.2

enum method { PRECISE, EXTENDED_RAW, EXTENDED, PLAIN, OURSELVES, METHODS };

struct readings {
    struct visor_readings_one list[READINGS];
    size_t count;
    bool on_raw;
};

static bool has(const struct visor_refclock_device *device, const char *name)
{
    char value[VISOR_REFCLOCK_PATH_MAX];

    return visor_refclock_device_option(device, name, value) != NULL;
}

/* INT64_MIN: no time. */
static int64_t ns_of(const struct ptp_clock_time *time)
{
    if (time->sec > SECONDS_MAX || time->sec < -SECONDS_MAX || time->nsec >= VISOR_NS_PER_S)
        return INT64_MIN;
    return time->sec * VISOR_NS_PER_S + time->nsec;
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now))
        return INT64_MIN;
    return ns_of(&(struct ptp_clock_time){.sec = now.tv_sec, .nsec = (unsigned)now.tv_nsec});
}

static int add(struct readings *readings, int64_t before, int64_t device, int64_t after)
{
    if (before == INT64_MIN || device == INT64_MIN || after == INT64_MIN)
        return -EBADMSG;
    readings->list[readings->count++] = (struct visor_readings_one){before, device, after};
    return 0;
}

/* ---- five ways to read ---- */

static int read_precise(int fd, size_t wanted, struct readings *readings)
{
    int64_t begin = read_clock(CLOCK_MONOTONIC_RAW);
    int error = 0;

    readings->on_raw = true;
    while (error == 0 && readings->count < wanted) {
        struct ptp_sys_offset_precise offset;
        int64_t raw;

        memset(&offset, 0, sizeof(offset));
        if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &offset))
            return readings->count ? 0 : -errno;
        raw = ns_of(&offset.sys_monoraw);
        error = add(readings, raw, ns_of(&offset.device), raw);
        if (read_clock(CLOCK_MONOTONIC_RAW) - begin > PRECISE_BUDGET_NS)
            break;
    }
    return error;
}

static int read_extended(int fd, struct readings *readings, clockid_t id)
{
    struct ptp_sys_offset_extended offset;
    int error = 0;

    memset(&offset, 0, sizeof(offset));
    offset.n_samples = READINGS;
    offset.rsv[0] =
        (unsigned)id; /* `clockid` in the headers of Linux 6.12; was to be zero before */
    readings->on_raw = id == CLOCK_MONOTONIC_RAW;
    if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &offset))
        return -errno;
    for (unsigned i = 0; error == 0 && i < offset.n_samples && i < READINGS; i++)
        error = add(readings, ns_of(&offset.ts[i][0]), ns_of(&offset.ts[i][1]),
                    ns_of(&offset.ts[i][2]));
    return error;
}

static int read_plain(int fd, struct readings *readings)
{
    struct ptp_sys_offset offset;
    int error = 0;

    memset(&offset, 0, sizeof(offset));
    offset.n_samples = READINGS;
    readings->on_raw = false;
    if (ioctl(fd, PTP_SYS_OFFSET, &offset))
        return -errno;
    for (unsigned i = 0; error == 0 && i < offset.n_samples && i < READINGS; i++)
        error = add(readings, ns_of(&offset.ts[2 * i]), ns_of(&offset.ts[2 * i + 1]),
                    ns_of(&offset.ts[2 * i + 2]));
    return error;
}

static int read_ourselves(int fd, struct readings *readings)
{
    clockid_t id = (clockid_t)(~(unsigned)fd << 3 | 3); /* the dynamic clock of a descriptor */
    int error = 0;

    readings->on_raw = true;
    for (int i = 0; error == 0 && i < READINGS; i++) {
        int64_t before = read_clock(CLOCK_MONOTONIC_RAW), there;

        errno = EBADMSG;
        there = read_clock(id);
        if (there == INT64_MIN)
            return -errno;
        error = add(readings, before, there, read_clock(CLOCK_MONOTONIC_RAW));
    }
    return error;
}

/* A local standard is followed from reading to reading by a filter of its own: one is enough. */
static int read_by(enum method method, const struct visor_refclock_device *device,
                   struct readings *readings)
{
    int fd = device->fd;

    readings->count = 0;
    switch (method) {
    case PRECISE:
        return read_precise(fd, device->config->local ? 1 : READINGS, readings);
    case EXTENDED_RAW:
        return read_extended(fd, readings, CLOCK_MONOTONIC_RAW);
    case EXTENDED:
        return read_extended(fd, readings, CLOCK_REALTIME);
    case PLAIN:
        return read_plain(fd, readings);
    case OURSELVES:
    case METHODS:
        break;
    }
    return read_ourselves(fd, readings);
}

/* From the way that worked last downward; of all errors the first one tells most. */
static int read_best(struct visor_refclock_device *device, struct readings *readings)
{
    int best = has(device, "nocrossts") ? EXTENDED_RAW : PRECISE, first = -EOPNOTSUPP;

    if (device->method < best || device->method_age >= RETRY_BEST) {
        device->method = best;
        device->method_age = 0;
    }
    device->method_age++;
    for (int method = device->method; method < METHODS; method++) {
        int error;

        if (device->listens && (method == EXTENDED || method == PLAIN))
            continue; /* stamps of pulses are converted by raw readings only */
        error = read_by((enum method)method, device, readings);
        if (error == 0 && readings->count > 0) {
            device->method = method;
            return 0;
        }
        if (first == -EOPNOTSUPP || first == -EINVAL || first == -ENOTTY)
            first = error ? error : -EBADMSG;
    }
    device->method = best;
    return first;
}

/* ---- opening ---- */

static int open_checked(const char *path, int flags)
{
    struct ptp_clock_caps capabilities;
    int fd = visor_refclock_open(path, flags), error;

    if (fd < 0)
        return fd;
    memset(&capabilities, 0, sizeof(capabilities));
    if (ioctl(fd, PTP_CLOCK_GETCAPS, &capabilities) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

static int open_by_interface(const char *name, int flags)
{
    struct ethtool_ts_info info;
    struct ifreq request;
    char path[32];
    int fd, error;

    if (strlen(name) >= sizeof(request.ifr_name))
        return -ENODEV;
    fd = visor_socket_open(AF_INET, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    memset(&info, 0, sizeof(info));
    memset(&request, 0, sizeof(request));
    info.cmd = ETHTOOL_GET_TS_INFO;
    strcpy(request.ifr_name, name);
    request.ifr_data = (char *)&info;
    error = ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
    close(fd);
    if (error)
        return error;
    if (info.phc_index < 0)
        return -ENODEV;
    snprintf(path, sizeof(path), "/dev/ptp%d", info.phc_index);
    return open_checked(path, flags);
}

static int set_pulses(struct visor_refclock_device *device, bool enable)
{
    struct ptp_pin_desc pin;
    struct ptp_extts_request request;

    memset(&pin, 0, sizeof(pin));
    memset(&request, 0, sizeof(request));
    request.index = (unsigned)visor_refclock_device_number(device, "channel", 0, 10);
    request.flags = !enable                ? 0
                    : has(device, "clear") ? PTP_ENABLE_FEATURE | PTP_FALLING_EDGE
                                           : PTP_ENABLE_FEATURE | PTP_RISING_EDGE;
    pin.index = (unsigned)visor_refclock_device_number(device, "pin", 0, 10);
    pin.func = enable ? PTP_PF_EXTTS : PTP_PF_NONE;
    pin.chan = request.index;
    if ((int)pin.index >= 0 && ioctl(device->fd, PTP_PIN_SETFUNC, &pin))
        return -errno;
    return ioctl(device->fd, PTP_EXTTS_REQUEST, &request) ? -errno : 0;
}

static int phc_open(struct visor_refclock_device *device)
{
    bool pulses = has(device, "extpps");
    int flags = pulses ? O_RDWR : O_RDONLY;
    int fd = device->path[0] == '/' ? open_checked(device->path, flags)
                                    : open_by_interface(device->path, flags);

    if (fd < 0)
        return fd;
    device->fd = fd;
    device->method = PRECISE;
    device->method_age = 0;
    device->window_count = 0;
    device->listens = pulses;
    return pulses ? set_pulses(device, true) : 0;
}

static void phc_done(struct visor_refclock_device *device)
{
    if (has(device, "extpps"))
        (void)set_pulses(device, false);
}

/* ---- measuring ---- */

/* Median of the narrowest windows of the last readings; -1 when there are none. */
static int64_t usual_window(const struct visor_refclock_device *device)
{
    double windows[VISOR_REFCLOCK_WINDOWS];
    size_t count = device->window_count < VISOR_REFCLOCK_WINDOWS ? device->window_count
                                                                 : VISOR_REFCLOCK_WINDOWS;

    if (count == 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        windows[i] = (double)device->windows[i];
    return (int64_t)visor_combine_median(windows, count);
}

static void note_map(struct visor_refclock_device *device, const struct visor_readings_pair *pair)
{
    int64_t raw = pair->system_ns - device->map.raw_ns, phc;
    bool far = __builtin_sub_overflow(pair->device_ns, device->map.phc_ns, &phc);
    double rate = !far && raw > 0 ? ((double)phc - (double)raw) / (double)raw : 0.0;

    if (!device->map.known || far || raw > MAP_MAX_NS || rate > RATE_MAX || rate < -RATE_MAX)
        device->map.rate = 0.0;
    else if (raw < MAP_MIN_NS)
        return;
    else
        device->map.rate = rate;
    device->map.raw_ns = pair->system_ns;
    device->map.phc_ns = pair->device_ns;
    device->map.error_ns = pair->error_ns;
    device->map.known = true;
}

static int phc_measure(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    struct visor_readings_pair pair;
    struct readings readings;
    int error;

    readings.count = 0;
    error = read_best(device, &readings);
    if (error)
        return error;
    if (!visor_readings_combine(readings.list, readings.count, usual_window(device), &pair))
        return -EAGAIN;
    device->windows[device->window_count++ % VISOR_REFCLOCK_WINDOWS] = pair.narrowest_ns;
    if (device->listens) {
        note_map(device, &pair);
        return -EAGAIN;
    }
    out->on_raw = readings.on_raw;
    out->stamp_ns = pair.system_ns;
    out->reference.ns = pair.device_ns;
    out->error_ns = pair.error_ns;
    out->dispersion_s = pair.dispersion_s;
    return 0;
}

static int phc_readable(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    struct pollfd ready = {.fd = device->fd, .events = POLLIN};
    struct ptp_extts_event pulse;
    int64_t there, away;
    ssize_t size;

    /* O_NONBLOCK does not work with these, and another descriptor may have taken the event. */
    if (poll(&ready, 1, 0) != 1)
        return -EAGAIN;
    size = read(device->fd, &pulse, sizeof(pulse));
    if (size < 0)
        return -errno;
    there = size == sizeof(pulse) ? ns_of(&pulse.t) : INT64_MIN;
    if (there == INT64_MIN)
        return -EBADMSG;
    if ((int)pulse.index != visor_refclock_device_number(device, "channel", 0, 10) ||
        !device->map.known)
        return -EAGAIN;
    if (__builtin_sub_overflow(there, device->map.phc_ns, &away) || away > MAP_MAX_NS ||
        away < -MAP_MAX_NS)
        return -EAGAIN;
    out->kind = VISOR_REFCLOCK_PULSE;
    out->on_raw = true;
    out->stamp_ns = device->map.raw_ns + (int64_t)((double)away / (1.0 + device->map.rate));
    out->error_ns = device->map.error_ns;
    return 0;
}

static const char *const options[] = {"nocrossts", "extpps", "pin=", "channel=", "clear", NULL};

const struct visor_refclock_ops visor_refclock_phc = {.name = "PHC",
                                                      .options = options,
                                                      .open = phc_open,
                                                      .measure = phc_measure,
                                                      .handle_readable = phc_readable,
                                                      .done = phc_done};
