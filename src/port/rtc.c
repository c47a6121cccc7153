/* Reads, sets and listens to /dev/rtc. What the edges say about the RTC is engine/rtc.c's. */
#include "port/rtc.h"

#include "config/drift.h"
#include "port/clock.h"
#include "port/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LATENCY_NS   100000               /* of an interrupt and our waking up, ordinarily */
#define MISSING_NS   (3 * VISOR_NS_PER_S) /* no edge for so long: it will not come */
#define RETRY_MIN_NS VISOR_NS_PER_S
#define RETRY_MAX_NS (64 * VISOR_NS_PER_S)
#define READ_TRIES   5
#define SLOW_NS      5000000 /* a reading that took so long says little */
#define ADJTIME_MAX  4096

/* Without udev there is no link to the first of them. */
#define USUAL "/dev/rtc"
#define FIRST "/dev/rtc0"

static int open_device(const char *path, bool write)
{
    int fd = open(path, write ? O_RDWR : O_RDONLY);

    if (fd < 0 && write && (errno == EACCES || errno == EROFS))
        fd = open(path, O_RDONLY);
    return fd;
}

int visor_rtc_open(const char *path, bool write)
{
    int fd = open_device(path, write);

    if (fd < 0 && errno == ENOENT && strcmp(path, USUAL) == 0)
        fd = open_device(FIRST, write);
    if (fd < 0)
        return -errno;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK); /* an edge that was announced may have gone */
    return fd;
}

int visor_rtc_interrupts(int fd, bool on)
{
    return ioctl(fd, on ? RTC_UIE_ON : RTC_UIE_OFF, 0) < 0 ? -errno : 0;
}

int visor_rtc_edge(int fd)
{
    unsigned long data = 0;
    ssize_t size = read(fd, &data, sizeof(data));

    if (size < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    return size == sizeof(data) && (data & RTC_UF) ? 1 : 0;
}

/* As timegm(), which looks at the time zone's file each time. */
static int64_t utc_seconds(const struct rtc_time *rtc)
{
    int64_t month = (rtc->tm_mon + 10) % 12; /* from March on: the leap day is the last */
    int64_t year = rtc->tm_year + 1900 - (rtc->tm_mon < 2);
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 +
                   rtc->tm_mday - 1 - 719468;

    return ((days * 24 + rtc->tm_hour) * 60 + rtc->tm_min) * 60 + rtc->tm_sec;
}

static int seconds_of(const struct rtc_time *rtc, bool utc, int64_t *seconds)
{
    struct tm tm = {.tm_sec = rtc->tm_sec,
                    .tm_min = rtc->tm_min,
                    .tm_hour = rtc->tm_hour,
                    .tm_mday = rtc->tm_mday,
                    .tm_mon = rtc->tm_mon,
                    .tm_year = rtc->tm_year,
                    .tm_isdst = -1};
    time_t time;

    if (rtc->tm_mon < 0 || rtc->tm_mon > 11 || rtc->tm_mday < 1 || rtc->tm_mday > 31 ||
        rtc->tm_hour < 0 || rtc->tm_hour > 23 || rtc->tm_min < 0 || rtc->tm_min > 59 ||
        rtc->tm_sec < 0 || rtc->tm_sec > 60 || rtc->tm_year < 0 || rtc->tm_year > 300)
        return -EBADMSG;
    if (utc) {
        *seconds = utc_seconds(rtc);
        return 0;
    }
    errno = 0;
    time = mktime(&tm);
    if (time == (time_t)-1 && errno != 0)
        return -EBADMSG;
    *seconds = time;
    return 0;
}

int visor_rtc_read(int fd, bool utc, bool settled, int64_t *seconds)
{
    int64_t last = INT64_MIN;

    for (int try = 0; try < READ_TRIES; try++) {
        struct rtc_time rtc;
        int error;

        memset(&rtc, 0, sizeof(rtc));
        if (ioctl(fd, RTC_RD_TIME, &rtc) < 0)
            return -errno;
        error = seconds_of(&rtc, utc, seconds);
        if (error || !settled || *seconds == last)
            return error;
        last = *seconds;
    }
    return -EAGAIN;
}

int visor_rtc_set(int fd, bool utc, int64_t seconds)
{
    time_t time = seconds;
    struct rtc_time rtc;
    struct tm tm;

    if (!(utc ? gmtime_r(&time, &tm) : localtime_r(&time, &tm)))
        return -EOVERFLOW;
    rtc = (struct rtc_time){.tm_sec = tm.tm_sec,
                            .tm_min = tm.tm_min,
                            .tm_hour = tm.tm_hour,
                            .tm_mday = tm.tm_mday,
                            .tm_mon = tm.tm_mon,
                            .tm_year = tm.tm_year,
                            .tm_wday = tm.tm_wday,
                            .tm_yday = tm.tm_yday,
                            .tm_isdst = tm.tm_isdst};
    return ioctl(fd, RTC_SET_TIME, &rtc) < 0 ? -errno : 0;
}

bool visor_rtc_keeps_utc(const char *hwclockfile, bool otherwise)
{
    bool utc = otherwise;
    size_t size;
    char *text;

    if (!hwclockfile[0] || visor_file_read(hwclockfile, ADJTIME_MAX, &text, &size))
        return otherwise;
    utc = visor_adjtime_is_utc(text, size, otherwise);
    free(text);
    return utc;
}

/* ---- the device ---- */

void visor_rtc_device_init(struct visor_rtc_device *device, const char *path, bool utc, bool write)
{
    *device = (struct visor_rtc_device){
        .utc = utc, .write = write, .fd = -1, .next = {INT64_MAX}, .peek_at = {INT64_MAX}};
    snprintf(device->path, sizeof(device->path), "%s", path);
}

void visor_rtc_device_done(struct visor_rtc_device *device)
{
    visor_rtc_device_stop(device);
    if (device->fd >= 0)
        close(device->fd);
    device->fd = -1;
}

void visor_rtc_device_stop(struct visor_rtc_device *device)
{
    if (device->armed)
        (void)visor_rtc_interrupts(device->fd, false);
    device->armed = false;
    device->next.ns = device->peek_at.ns = INT64_MAX;
}

static void fail(struct visor_rtc_device *device, int error, visor_mono now)
{
    visor_rtc_device_done(device);
    device->error = -error;
    device->retry_ns = device->retry_ns == 0 ? RETRY_MIN_NS : 2 * device->retry_ns;
    if (device->retry_ns > RETRY_MAX_NS)
        device->retry_ns = RETRY_MAX_NS;
    device->next = visor_mono_add(now, device->retry_ns);
}

void visor_rtc_device_want(struct visor_rtc_device *device, visor_mono at)
{
    if (device->armed)
        return;
    if (device->error == 0 || visor_mono_before(device->next, at))
        device->next = at; /* not sooner than the back-off */
}

int visor_rtc_device_fd(const struct visor_rtc_device *device)
{
    return device->armed ? device->fd : -1;
}

visor_mono visor_rtc_device_deadline(const struct visor_rtc_device *device)
{
    return visor_mono_before(device->peek_at, device->next) ? device->peek_at : device->next;
}

void visor_rtc_device_peek(struct visor_rtc_device *device, int64_t ns)
{
    device->peek_ns = ns;
}

static void peek_later(struct visor_rtc_device *device, visor_mono now)
{
    if (device->peek_ns > 0)
        device->peek_at = visor_mono_add(now, device->peek_ns);
}

static void arm(struct visor_rtc_device *device, visor_mono now)
{
    int error;

    if (device->fd < 0)
        device->fd = visor_rtc_open(device->path, device->write);
    if (device->fd < 0) {
        error = device->fd;
        device->fd = -1;
        fail(device, error, now);
        return;
    }
    error = visor_rtc_interrupts(device->fd, true);
    if (error) {
        fail(device, error, now);
        return;
    }
    device->armed = true;
    device->heard = device->ahead = false;
    device->skip = 1;
    device->next = visor_mono_add(now, MISSING_NS);
    peek_later(device, now);
}

bool visor_rtc_device_readable(struct visor_rtc_device *device, struct visor_rtc_edge *edge)
{
    struct visor_reading now;
    int error = visor_clock_read_kernel(&now), got;

    if (error || !device->armed)
        return false;
    got = visor_rtc_edge(device->fd);
    if (got < 0) {
        fail(device, got, now.raw);
        return false;
    }
    if (got == 0)
        return false;
    device->next = visor_mono_add(now.raw, MISSING_NS);
    peek_later(device, now.raw);
    if (device->skip > 0) {
        device->skip--;
        return false;
    }
    error = visor_rtc_read(device->fd, device->utc, false, &edge->seconds);
    if (error) {
        fail(device, error, now.raw);
        return false;
    }
    device->error = 0;
    device->retry_ns = 0;
    device->seconds = edge->seconds;
    device->heard = true;
    device->ahead = false;
    edge->stamp =
        (struct visor_stamp){.raw = now.raw, .error_ns = LATENCY_NS, .by = VISOR_STAMPER_DAEMON};
    return true;
}

/* Where no disruption is, the last edge's second or the next: */
static bool expected(const struct visor_rtc_device *device, int64_t seconds)
{
    return seconds == device->seconds || seconds == device->seconds + 1;
}

/* The time between edges; the stamp is up to a second into the RTC's second. A reading costs dozens
 * of accesses, each an exit to the hypervisor: what was expected is not read twice. */
static bool read_coarse(struct visor_rtc_device *device, struct visor_rtc_edge *edge)
{
    visor_mono before = visor_clock_raw(), after;

    if (visor_rtc_read(device->fd, device->utc, false, &edge->seconds))
        return false;
    if (!expected(device, edge->seconds) &&
        visor_rtc_read(device->fd, device->utc, true, &edge->seconds))
        return false;
    after = visor_clock_raw();
    edge->stamp =
        (struct visor_stamp){.raw = after, .error_ns = VISOR_NS_PER_S, .by = VISOR_STAMPER_DAEMON};
    return visor_mono_diff(after, before) < SLOW_NS;
}

static bool peek(struct visor_rtc_device *device, visor_mono now, struct visor_rtc_edge *edge)
{
    bool read;

    if (!device->armed || visor_mono_before(now, device->peek_at))
        return false;
    peek_later(device, now);
    read = read_coarse(device, edge);
    /* The RTC has moved on without telling, or was set: the alarm that makes the edges is off. So
     * it is if it moved on by one and its edge has not come by the next look. */
    if (read &&
        (!expected(device, edge->seconds) || (device->ahead && edge->seconds != device->seconds)))
        device->next = now;
    device->ahead = read && device->heard && edge->seconds != device->seconds;
    return read;
}

bool visor_rtc_device_tick(struct visor_rtc_device *device, visor_mono now,
                           struct visor_rtc_edge *edge)
{
    bool told = peek(device, now, edge), missing = device->armed;

    if (visor_mono_before(now, device->next))
        return told;
    if (missing) {
        /* After a pause the alarm that makes the edges has passed unseen. */
        device->missed++;
        visor_rtc_device_stop(device);
        told = told || read_coarse(device, edge);
        device->seconds = edge->seconds;
    }
    arm(device, now);
    return told;
}
