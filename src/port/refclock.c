/* The part that reference clock drivers share: their parameter and its options, opening again with
 * back-off, and making events of what they measured. */
#include "port/refclock.h"

#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MIN_NS VISOR_NS_PER_S
#define RETRY_MAX_NS (64 * VISOR_NS_PER_S)

static const struct visor_refclock_ops *ops_of(enum visor_refclock_driver driver)
{
    switch (driver) {
    case VISOR_REFCLOCK_PPS:
        return &visor_refclock_pps;
    case VISOR_REFCLOCK_SHM:
        return &visor_refclock_shm;
    case VISOR_REFCLOCK_SOCK:
        return &visor_refclock_sock;
    case VISOR_REFCLOCK_PHC:
        return &visor_refclock_phc;
    case VISOR_REFCLOCK_RTC:
        return &visor_refclock_rtc;
    }
    return NULL;
}

/* ---- parameter: PATH[:option[=value]]… ---- */

/* Next option of the parameter; its name's length is `name`, the whole's `size`. */
static const char *next_option(const char *parameter, const char *last, size_t *name, size_t *size)
{
    const char *at = strchr(last ? last : parameter, ':');

    if (!at)
        return NULL;
    at++;
    *size = strcspn(at, ":");
    *name = strcspn(at, "=:");
    return at;
}

static bool allowed(const char *const *options, const char *name, size_t length, bool valued)
{
    for (; options && *options; options++) {
        bool wants = strchr(*options, '=') != NULL;

        if (strlen(*options) - (wants ? 1 : 0) == length && strncmp(*options, name, length) == 0)
            return wants == valued;
    }
    return false;
}

const char *visor_refclock_device_option(const struct visor_refclock_device *device,
                                         const char *name, char *value)
{
    const char *parameter = device->config->parameter, *at = NULL;
    size_t length, size;

    while ((at = next_option(parameter, at, &length, &size))) {
        size_t skip = length < size ? length + 1 : length;

        if (length != strlen(name) || strncmp(at, name, length) != 0)
            continue;
        snprintf(value, VISOR_REFCLOCK_PATH_MAX, "%.*s", (int)(size - skip), at + skip);
        return value;
    }
    return NULL;
}

int visor_refclock_device_number(const struct visor_refclock_device *device, const char *name,
                                 int otherwise, int base)
{
    char value[VISOR_REFCLOCK_PATH_MAX];

    if (!visor_refclock_device_option(device, name, value))
        return otherwise;
    return (int)strtol(value, NULL, base);
}

static bool number_valid(const char *text, size_t size)
{
    char copy[16], *end;
    long value;

    if (size == 0 || size >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
    errno = 0;
    value = strtol(copy, &end, 10);
    return *end == 0 && errno == 0 && value >= -1 && value <= 1000000;
}

static bool check_options(const struct visor_refclock_ops *ops, const char *parameter, char *reason,
                          size_t reason_size)
{
    const char *at = NULL;
    size_t length, size;

    while ((at = next_option(parameter, at, &length, &size))) {
        bool valued = length < size;

        if (!allowed(ops->options, at, length, valued)) {
            snprintf(reason, reason_size, "the %s driver has no option '%.*s'", ops->name,
                     (int)size, at);
            return false;
        }
        if (valued && !number_valid(at + length + 1, size - length - 1)) {
            snprintf(reason, reason_size, "'%.*s' is not a number", (int)(size - length - 1),
                     at + length + 1);
            return false;
        }
    }
    return true;
}

bool visor_refclock_device_init(struct visor_refclock_device *device,
                                const struct visor_refclock_config *config, uint32_t index,
                                char *reason, size_t size)
{
    char nowhere[1];

    if (!reason)
        reason = nowhere, size = sizeof(nowhere);
    memset(device, 0, sizeof(*device));
    device->ops = ops_of(config->driver);
    device->config = config;
    device->index = index;
    device->fd = -1;
    device->retry_at.ns = INT64_MIN;
    snprintf(device->path, sizeof(device->path), "%.*s", (int)strcspn(config->parameter, ":"),
             config->parameter);
    if (!device->ops) {
        snprintf(reason, size, "unknown reference clock driver");
        return false;
    }
    if (!device->path[0]) {
        snprintf(reason, size, "the %s driver wants a %s", device->ops->name,
                 config->driver == VISOR_REFCLOCK_SHM ? "unit number" : "path");
        return false;
    }
    if (config->driver == VISOR_REFCLOCK_SHM && !number_valid(device->path, strlen(device->path))) {
        snprintf(reason, size, "'%s' is not a unit number", device->path);
        return false;
    }
    return check_options(device->ops, config->parameter, reason, size);
}

/* ---- opening ---- */

int visor_refclock_open(const char *path, int flags)
{
    int fd = open(path, flags);

    if (fd < 0)
        return -errno;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static void close_device(struct visor_refclock_device *device)
{
    if (device->is_open && device->ops->done)
        device->ops->done(device);
    if (device->fd >= 0)
        close(device->fd);
    device->fd = -1;
    device->is_open = device->listens = false;
    device->map.known = false;
}

static void back_off(struct visor_refclock_device *device, int error, visor_mono now)
{
    close_device(device);
    device->error = error;
    device->retry_ns = device->retry_ns == 0 ? RETRY_MIN_NS : device->retry_ns * 2;
    if (device->retry_ns > RETRY_MAX_NS)
        device->retry_ns = RETRY_MAX_NS;
    device->retry_at = visor_mono_add(now, device->retry_ns);
}

/* 0, or -errno of this attempt, or of the last one while it is too early for another. */
static int ensure_open(struct visor_refclock_device *device, visor_mono now)
{
    int error;

    if (device->is_open)
        return 0;
    if (visor_mono_before(now, device->retry_at))
        return -device->error;
    error = device->ops->open(device);
    if (error == 0) {
        device->is_open = true;
        return 0;
    }
    back_off(device, -error, now);
    return error;
}

void visor_refclock_device_done(struct visor_refclock_device *device)
{
    close_device(device);
}

/* ---- events ---- */

static void fill_failed(const struct visor_refclock_device *device, int error,
                        struct visor_event_refclock *event)
{
    *event = (struct visor_event_refclock){
        .refclock = device->index, .kind = VISOR_REFCLOCK_FAILED, .error = -error};
}

/* Of errors that open descriptors give, those after which the device may well be all right. */
static bool passing(int error)
{
    return error == -EAGAIN || error == -EINTR || error == -ESTALE || error == -EBUSY ||
           error == -ETIMEDOUT || error == -EBADMSG;
}

static void fill_measured(const struct visor_refclock_device *device, struct visor_stamps *stamps,
                          const struct visor_refclock_measured *measured,
                          struct visor_event_refclock *event)
{
    struct visor_stamp stamp = {.raw = {measured->stamp_ns}, .by = VISOR_STAMPER_KERNEL};
    struct visor_reading reading;

    if (!measured->on_raw) {
        /* A reading after the measurement, so that the stamp lies between two. */
        visor_clock_note(stamps, &reading);
        if (!visor_stamps_convert(stamps, (visor_wall){measured->stamp_ns}, &stamp)) {
            fill_failed(device, -EAGAIN, event);
            return;
        }
    }
    stamp.error_ns += measured->error_ns;
    *event = (struct visor_event_refclock){
        .refclock = device->index,
        .kind = measured->kind,
        .stamp = stamp,
        .reference = measured->reference,
        .dispersion_s = measured->dispersion_s,
        .leap = measured->leap,
    };
}

static void fill_result(struct visor_refclock_device *device, struct visor_stamps *stamps,
                        int error, const struct visor_refclock_measured *measured,
                        struct visor_event_refclock *event)
{
    struct visor_reading now;

    if (error == 0) {
        device->retry_ns = 0;
        fill_measured(device, stamps, measured, event);
        return;
    }
    if (!passing(error) && visor_clock_read_kernel(&now) == 0)
        back_off(device, -error, now.raw);
    fill_failed(device, error, event);
}

void visor_refclock_device_measure(struct visor_refclock_device *device,
                                   struct visor_stamps *stamps, struct visor_event_refclock *event)
{
    struct visor_refclock_measured measured = {.kind = VISOR_REFCLOCK_TIME};
    struct visor_reading now;
    int error = visor_clock_note(stamps, &now);

    if (error == 0)
        error = ensure_open(device, now.raw);
    if (error != 0) {
        fill_failed(device, error, event);
        return;
    }
    error = device->ops->measure ? device->ops->measure(device, &measured) : -EAGAIN;
    fill_result(device, stamps, error, &measured, event);
}

int visor_refclock_device_fd(const struct visor_refclock_device *device)
{
    return device->is_open && device->listens ? device->fd : -1;
}

bool visor_refclock_device_readable(struct visor_refclock_device *device,
                                    struct visor_stamps *stamps, struct visor_event_refclock *event)
{
    struct visor_refclock_measured measured = {.kind = VISOR_REFCLOCK_TIME};
    int error;

    if (visor_refclock_device_fd(device) < 0)
        return false;
    error = device->ops->handle_readable(device, &measured);
    if (error == -EAGAIN)
        return false;
    fill_result(device, stamps, error, &measured, event);
    return true;
}

visor_mono visor_refclock_device_deadline(const struct visor_refclock_device *device)
{
    if (device->is_open || device->ops->measure)
        return (visor_mono){INT64_MAX};
    return device->retry_at;
}

bool visor_refclock_device_tick(struct visor_refclock_device *device, visor_mono now,
                                struct visor_event_refclock *event)
{
    int error;

    if (visor_mono_before(now, visor_refclock_device_deadline(device)))
        return false;
    error = ensure_open(device, now);
    if (error != 0)
        fill_failed(device, error, event);
    return error != 0;
}
