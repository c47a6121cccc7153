/* RTC as a reference clock: its second edges, or, where the device has no such interrupts, its time
 * read at any moment, which is half a second off on average. */
#include "port/clock.h"
#include "port/refclock.h"
#include "port/rtc.h"

#include <errno.h>

#define LATENCY_NS 100000               /* of an interrupt and our waking up, ordinarily */
#define MISSING_NS (4 * VISOR_NS_PER_S) /* without an edge: switch the interrupts on again */

static bool keeps_utc(const struct visor_refclock_device *device)
{
    char value[VISOR_REFCLOCK_PATH_MAX];

    return visor_refclock_device_option(device, "utc", value) != NULL;
}

static int rtc_open(struct visor_refclock_device *device)
{
    struct visor_reading now;
    int error = visor_clock_read_kernel(&now);

    if (error)
        return error;
    device->fd = visor_rtc_open(device->path, false);
    if (device->fd < 0)
        return device->fd;
    device->listens = visor_rtc_interrupts(device->fd, true) == 0;
    device->skip = 1; /* the first one after switching on may be bogus */
    device->heard = now.raw;
    return 0;
}

static void rtc_done(struct visor_refclock_device *device)
{
    if (device->listens)
        (void)visor_rtc_interrupts(device->fd, false);
}

/* The clock is asked once a dpoll. With edges there is nothing to tell, but a look at whether they
 * still come: after a pause of the machine they may not. */
static int rtc_measure(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    struct visor_reading now;
    int64_t seconds;
    int error;

    error = visor_clock_read_kernel(&now);
    if (error)
        return error;
    if (device->listens) {
        if (visor_mono_diff(now.raw, device->heard) < MISSING_NS)
            return -EAGAIN;
        device->heard = now.raw;
        device->skip = 1;
        (void)visor_rtc_interrupts(device->fd, false);
        error = visor_rtc_interrupts(device->fd, true);
        return error ? error : -EAGAIN;
    }
    error = visor_rtc_read(device->fd, keeps_utc(device), true, &seconds);
    if (error == 0)
        error = visor_clock_read_kernel(&now);
    if (error)
        return error;
    out->on_raw = true;
    out->stamp_ns = now.raw.ns;
    out->reference.ns = seconds * VISOR_NS_PER_S + VISOR_NS_PER_S / 2;
    out->dispersion_s = 0.2887; /* evenly spread over a second */
    return 0;
}

static int rtc_readable(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    struct visor_reading now;
    int64_t seconds;
    int error = visor_clock_read_kernel(&now), edge;

    if (error)
        return error;
    edge = visor_rtc_edge(device->fd);
    if (edge < 0)
        return edge;
    if (edge == 0)
        return -EAGAIN;
    device->heard = now.raw;
    if (device->skip > 0) {
        device->skip--;
        return -EAGAIN;
    }
    error = visor_rtc_read(device->fd, keeps_utc(device), false, &seconds);
    if (error)
        return error;
    out->on_raw = true;
    out->stamp_ns = now.raw.ns;
    out->reference.ns = seconds * VISOR_NS_PER_S;
    out->error_ns = LATENCY_NS;
    return 0;
}

static const char *const options[] = {"utc", NULL};

const struct visor_refclock_ops visor_refclock_rtc = {.name = "RTC",
                                                      .options = options,
                                                      .open = rtc_open,
                                                      .measure = rtc_measure,
                                                      .handle_readable = rtc_readable,
                                                      .done = rtc_done};
