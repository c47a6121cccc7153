/* The drivers of kernel devices (PHC, PPS, RTC) over a device that this file plays: the linker
 * turns their ioctl() and clock_gettime() to it, and the descriptor is a FIFO, which can be read.
 */
#include "port/clock.h"
#include "port/refclock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>
#include <linux/rtc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define AHEAD_NS INT64_C(37000000250) /* the PHC's time - REALTIME: TAI, and 250 ns wrong */

enum way { PRECISE, EXTENDED_RAW, EXTENDED, PLAIN, OURSELVES, WAYS };

static struct {
    bool works[WAYS]; /* ways of reading the PHC */
    int error;        /* of those that do not, and of everything else that is refused */
    bool absurd;      /* its time is no time */
    int asked[WAYS];
    struct ptp_extts_request pulses;
    struct ptp_pin_desc pin;
    struct pps_kparams parameters;
    struct pps_fdata pulse;
    bool interrupts; /* of the RTC: may be switched on */
    int64_t rtc_s;
} world;

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __real_clock_gettime(clockid_t id, struct timespec *time);
int __wrap_clock_gettime(clockid_t id, struct timespec *time);

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;

    __real_clock_gettime(id, &now);
    return now.tv_sec * VISOR_NS_PER_S + now.tv_nsec;
}

static struct ptp_clock_time ptp_time(int64_t ns)
{
    struct ptp_clock_time time = {.sec = ns / VISOR_NS_PER_S,
                                  .nsec = (uint32_t)(ns % VISOR_NS_PER_S)};

    if (world.absurd)
        time.nsec = 1000000000;
    return time;
}

static int64_t phc_ns(void)
{
    return clock_ns(CLOCK_REALTIME) + AHEAD_NS;
}

static int refuse(void)
{
    errno = world.error;
    return -1;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
    int64_t now;

    if (id >= 0)
        return __real_clock_gettime(id, time);
    world.asked[OURSELVES]++;
    if (!world.works[OURSELVES])
        return refuse();
    now = phc_ns();
    *time = (struct timespec){now / VISOR_NS_PER_S, now % VISOR_NS_PER_S};
    return 0;
}

static int read_precise(struct ptp_sys_offset_precise *offset)
{
    world.asked[PRECISE]++;
    if (!world.works[PRECISE])
        return refuse();
    offset->device = ptp_time(phc_ns());
    offset->sys_realtime = ptp_time(clock_ns(CLOCK_REALTIME));
    offset->sys_monoraw = ptp_time(clock_ns(CLOCK_MONOTONIC_RAW));
    return 0;
}

static int read_extended(struct ptp_sys_offset_extended *offset)
{
    enum way way = offset->rsv[0] == CLOCK_MONOTONIC_RAW ? EXTENDED_RAW : EXTENDED;
    clockid_t id = way == EXTENDED ? CLOCK_REALTIME : CLOCK_MONOTONIC_RAW;

    world.asked[way]++;
    if (!world.works[way])
        return refuse();
    for (unsigned i = 0; i < offset->n_samples; i++) {
        offset->ts[i][0] = ptp_time(clock_ns(id));
        offset->ts[i][1] = ptp_time(phc_ns());
        offset->ts[i][2] = ptp_time(clock_ns(id));
    }
    return 0;
}

static int read_plain(struct ptp_sys_offset *offset)
{
    world.asked[PLAIN]++;
    if (!world.works[PLAIN])
        return refuse();
    for (unsigned i = 0; i <= 2 * offset->n_samples; i++)
        offset->ts[i] = ptp_time(i % 2 ? phc_ns() : clock_ns(CLOCK_REALTIME));
    return 0;
}

static int read_rtc(struct rtc_time *rtc)
{
    time_t seconds = world.rtc_s;
    struct tm parts;

    gmtime_r(&seconds, &parts);
    *rtc = (struct rtc_time){.tm_sec = parts.tm_sec,
                             .tm_min = parts.tm_min,
                             .tm_hour = parts.tm_hour,
                             .tm_mday = parts.tm_mday,
                             .tm_mon = world.absurd ? 12 : parts.tm_mon,
                             .tm_year = parts.tm_year};
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    switch (request) {
    case PTP_CLOCK_GETCAPS:
        return 0;
    case PTP_SYS_OFFSET_PRECISE:
        return read_precise(argument);
    case PTP_SYS_OFFSET_EXTENDED:
        return read_extended(argument);
    case PTP_SYS_OFFSET:
        return read_plain(argument);
    case PTP_PIN_SETFUNC:
        world.pin = *(struct ptp_pin_desc *)argument;
        return 0;
    case PTP_EXTTS_REQUEST:
        world.pulses = *(struct ptp_extts_request *)argument;
        return 0;
    case PPS_GETCAP:
        *(int *)argument = PPS_CAPTUREASSERT | PPS_CAPTURECLEAR | PPS_TSFMT_TSPEC;
        return 0;
    case PPS_GETPARAMS:
        *(struct pps_kparams *)argument = world.parameters;
        return 0;
    case PPS_SETPARAMS:
        world.parameters = *(struct pps_kparams *)argument;
        return world.error ? refuse() : 0;
    case PPS_FETCH:
        *(struct pps_fdata *)argument = world.pulse;
        return world.error ? refuse() : 0;
    case RTC_UIE_ON:
        errno = EINVAL;
        return world.interrupts ? 0 : -1;
    case RTC_UIE_OFF:
        return 0;
    case RTC_RD_TIME:
        return world.error ? refuse() : read_rtc(argument);
    default:
        return __real_ioctl(fd, request, argument);
    }
}

struct rig {
    struct visor_refclock_config config;
    struct visor_refclock_device device;
    struct visor_stamps stamps;
    struct visor_event_refclock event;
    char folder[64], path[80];
    int end; /* the FIFO's other one */
};

static void open_rig(struct rig *rig, enum visor_refclock_driver driver, const char *options)
{
    char reason[128] = "";

    memset(&world, 0, sizeof(world));
    memset(rig, 0, sizeof(*rig));
    strcpy(rig->folder, "/tmp/visor-device-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    snprintf(rig->path, sizeof(rig->path), "%s/device", rig->folder);
    assert_int_equal(mkfifo(rig->path, 0600), 0);
    rig->end = open(rig->path, O_RDWR);
    assert_true(rig->end >= 0);
    visor_refclock_config_init(&rig->config);
    rig->config.driver = driver;
    snprintf(rig->config.parameter, sizeof(rig->config.parameter), "%s%s", rig->path, options);
    visor_stamps_init(&rig->stamps);
    if (!visor_refclock_device_init(&rig->device, &rig->config, 0, reason, sizeof(reason)))
        fail_msg("%s", reason);
}

static void close_rig(struct rig *rig)
{
    visor_refclock_device_done(&rig->device);
    close(rig->end);
    unlink(rig->path);
    rmdir(rig->folder);
}

static int measure(struct rig *rig)
{
    visor_refclock_device_measure(&rig->device, &rig->stamps, &rig->event);
    return rig->event.kind == VISOR_REFCLOCK_FAILED ? rig->event.error : 0;
}

/* What the event says of the PHC, against REALTIME: it was taken within the last moments, and a
 * busy machine may have stopped us between any two readings. */
static void is_right(struct rig *rig)
{
    struct visor_reading now;
    int64_t offset;

    assert_int_equal(visor_clock_read_kernel(&now), 0);
    offset = visor_wall_diff(rig->event.reference, now.real) +
             visor_mono_diff(now.raw, rig->event.stamp.raw);
    assert_true(offset > AHEAD_NS - VISOR_NS_PER_S / 10);
    assert_true(offset < AHEAD_NS + VISOR_NS_PER_S / 10);
}

/* ---- PHC ---- */

static void test_phc__takes_the_best_way_that_works(void **state)
{
    struct rig rig;

    (void)state;
    for (int best = 0; best < WAYS; best++) {
        open_rig(&rig, VISOR_REFCLOCK_PHC, "");
        world.error = EOPNOTSUPP;
        for (int way = best; way < WAYS; way++)
            world.works[way] = true;
        while (measure(&rig) == EAGAIN)
            ; /* REALTIME stamps need a reading before and after them */
        assert_int_equal(rig.event.kind, VISOR_REFCLOCK_TIME);
        is_right(&rig);
        assert_true(world.asked[best] > 0);
        for (int way = best + 1; way < WAYS; way++)
            assert_int_equal(world.asked[way], 0);
        memset(world.asked, 0, sizeof(world.asked));
        measure(&rig); /* it remembers */
        for (int way = 0; way < best; way++)
            assert_int_equal(world.asked[way], 0);
        close_rig(&rig);
    }
}

static void test_phc__falls_back_and_comes_back(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, "");
    world.error = EOPNOTSUPP;
    world.works[PRECISE] = world.works[OURSELVES] = true;
    assert_int_equal(measure(&rig), 0);
    world.works[PRECISE] = false;
    assert_int_equal(measure(&rig), 0);
    is_right(&rig);
    world.works[PRECISE] = true;
    memset(world.asked, 0, sizeof(world.asked));
    for (int i = 0; i < 300; i++)
        assert_int_equal(measure(&rig), 0);
    assert_true(world.asked[PRECISE] > 0);
    close_rig(&rig);
}

static void test_phc__without_cross_timestamps_if_told_so(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, ":nocrossts");
    world.error = EOPNOTSUPP;
    world.works[PRECISE] = world.works[EXTENDED_RAW] = true;
    assert_int_equal(measure(&rig), 0);
    assert_int_equal(world.asked[PRECISE], 0);
    close_rig(&rig);
}

static void test_phc__nonsense_and_vanishing_are_survived(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, "");
    world.error = EOPNOTSUPP;
    world.works[PRECISE] = world.works[EXTENDED] = true;
    assert_int_equal(measure(&rig), 0);
    world.absurd = true;
    assert_int_equal(measure(&rig), EBADMSG);
    world.absurd = false;
    assert_int_equal(measure(&rig), 0); /* it was not even closed */
    memset(world.works, 0, sizeof(world.works));
    world.error = ENODEV;
    assert_int_equal(measure(&rig), ENODEV);
    assert_int_equal(visor_refclock_device_fd(&rig.device), -1);
    world.works[PRECISE] = true;
    assert_int_equal(measure(&rig), ENODEV); /* too early to try again */
    rig.device.retry_at.ns = INT64_MIN;
    assert_int_equal(measure(&rig), 0);
    close_rig(&rig);
}

static void test_phc__pulses_at_a_pin(void **state)
{
    struct ptp_extts_event pulse = {.index = 2};
    struct rig rig;
    int64_t at;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, ":extpps:pin=1:channel=2:clear");
    world.works[PRECISE] = true;
    assert_int_equal(measure(&rig), EAGAIN); /* readings only map its time */
    assert_int_equal(world.pulses.index, 2);
    assert_int_equal(world.pulses.flags, PTP_ENABLE_FEATURE | PTP_FALLING_EDGE);
    assert_true(world.pin.index == 1 && world.pin.func == PTP_PF_EXTTS && world.pin.chan == 2);
    assert_int_equal(visor_refclock_device_fd(&rig.device), rig.device.fd);
    assert_false(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    at = clock_ns(CLOCK_MONOTONIC_RAW);
    pulse.t = ptp_time(phc_ns());
    assert_int_equal(write(rig.end, &pulse, sizeof(pulse)), sizeof(pulse));
    assert_true(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    assert_int_equal(rig.event.kind, VISOR_REFCLOCK_PULSE);
    assert_true(rig.event.stamp.raw.ns > at - VISOR_NS_PER_S / 10);
    assert_true(rig.event.stamp.raw.ns < at + VISOR_NS_PER_S / 10);
    pulse.index = 0; /* another channel's */
    assert_int_equal(write(rig.end, &pulse, sizeof(pulse)), sizeof(pulse));
    assert_false(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    close_rig(&rig);
    assert_int_equal(world.pulses.flags, 0);
}

/* ---- PPS ---- */

static struct pps_ktime pps_time(int64_t ns)
{
    return (struct pps_ktime){.sec = ns / VISOR_NS_PER_S, .nsec = (int32_t)(ns % VISOR_NS_PER_S)};
}

static void test_pps__a_pulse_once(void **state)
{
    int64_t raw, real;
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PPS, "");
    assert_int_equal(measure(&rig), EAGAIN);
    assert_true(world.parameters.mode & PPS_CAPTUREASSERT);
    raw = clock_ns(CLOCK_MONOTONIC_RAW);
    real = clock_ns(CLOCK_REALTIME);
    world.pulse.info.assert_tu = pps_time(real);
    world.pulse.info.assert_sequence = 1;
    assert_int_equal(measure(&rig), 0);
    assert_int_equal(rig.event.kind, VISOR_REFCLOCK_PULSE);
    assert_true(rig.event.stamp.raw.ns > raw - VISOR_NS_PER_S / 10);
    assert_true(rig.event.stamp.raw.ns < raw + VISOR_NS_PER_S / 10);
    assert_int_equal(measure(&rig), EAGAIN);
    world.pulse.info.assert_sequence = 2;
    world.pulse.info.assert_tu.nsec = -1;
    assert_int_equal(measure(&rig), EBADMSG);
    world.error = ENODEV;
    assert_int_equal(measure(&rig), ENODEV);
    close_rig(&rig);
}

static void test_pps__the_other_edge(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PPS, ":clear");
    assert_int_equal(measure(&rig), EAGAIN);
    assert_true(world.parameters.mode & PPS_CAPTURECLEAR);
    world.pulse.info.assert_tu = pps_time(clock_ns(CLOCK_REALTIME));
    world.pulse.info.assert_sequence = 1;
    assert_int_equal(measure(&rig), EAGAIN);
    world.pulse.info.clear_tu = pps_time(clock_ns(CLOCK_REALTIME));
    world.pulse.info.clear_sequence = 1;
    assert_int_equal(measure(&rig), 0);
    close_rig(&rig);
}

static void test_pps__what_may_not_be_set_is_retried(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PPS, "");
    world.error = EPERM;
    assert_int_equal(measure(&rig), EPERM);
    world.error = 0;
    rig.device.retry_at.ns = INT64_MIN;
    assert_int_equal(measure(&rig), EAGAIN);
    close_rig(&rig);
}

/* ---- RTC ---- */

static void edge(struct rig *rig)
{
    unsigned long data = RTC_UF;

    world.rtc_s++;
    assert_int_equal(write(rig->end, &data, sizeof(data)), sizeof(data));
}

static void test_rtc__its_edges(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_RTC, ":utc");
    world.interrupts = true;
    world.rtc_s = 1790000000;
    assert_int_equal(measure(&rig), EAGAIN);
    assert_true(visor_refclock_device_fd(&rig.device) >= 0);
    edge(&rig);
    assert_false(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    edge(&rig); /* the first one after switching on is not trusted */
    assert_true(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    assert_int_equal(rig.event.kind, VISOR_REFCLOCK_TIME);
    assert_true(rig.event.reference.ns == INT64_C(1790000002) * VISOR_NS_PER_S);
    world.absurd = true;
    edge(&rig);
    assert_true(visor_refclock_device_readable(&rig.device, &rig.stamps, &rig.event));
    assert_int_equal(rig.event.kind, VISOR_REFCLOCK_FAILED);
    close_rig(&rig);
}

static void test_rtc__without_interrupts_its_time(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_RTC, ":utc");
    world.rtc_s = 1790000000;
    assert_int_equal(measure(&rig), 0);
    assert_true(rig.event.reference.ns ==
                INT64_C(1790000000) * VISOR_NS_PER_S + VISOR_NS_PER_S / 2);
    assert_true(rig.event.dispersion_s > 0.2);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phc__takes_the_best_way_that_works),
        cmocka_unit_test(test_phc__falls_back_and_comes_back),
        cmocka_unit_test(test_phc__without_cross_timestamps_if_told_so),
        cmocka_unit_test(test_phc__nonsense_and_vanishing_are_survived),
        cmocka_unit_test(test_phc__pulses_at_a_pin),
        cmocka_unit_test(test_pps__a_pulse_once),
        cmocka_unit_test(test_pps__the_other_edge),
        cmocka_unit_test(test_pps__what_may_not_be_set_is_retried),
        cmocka_unit_test(test_rtc__its_edges),
        cmocka_unit_test(test_rtc__without_interrupts_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
