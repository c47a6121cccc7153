/* The RTC's device as its driver answers, ioctl by ioctl. */
#include "port/clock.h"
#include "port/rtc.h"

#include <linux/rtc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static struct {
    const int64_t *seconds; /* what the next readings say; the last is said for good */
    size_t count, next;
} said;

/* Stands in for the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list more;

    (void)fd;
    va_start(more, request);
    if (request == RTC_RD_TIME) {
        struct rtc_time *to = va_arg(more, struct rtc_time *);
        time_t time = said.seconds[said.next < said.count ? said.next : said.count - 1];
        struct tm tm;

        gmtime_r(&time, &tm);
        *to = (struct rtc_time){.tm_sec = tm.tm_sec,
                                .tm_min = tm.tm_min,
                                .tm_hour = tm.tm_hour,
                                .tm_mday = tm.tm_mday,
                                .tm_mon = tm.tm_mon,
                                .tm_year = tm.tm_year};
        said.next++;
    }
    va_end(more);
    return 0;
}

/* One that is armed, has heard the edge of second 1000, and is looked at now. */
static bool peeked(const int64_t *seconds, size_t count, struct visor_rtc_edge *edge)
{
    struct visor_rtc_device device;
    visor_mono now = visor_clock_raw();
    bool told;

    visor_rtc_device_init(&device, "/dev/null", true, false);
    visor_rtc_device_peek(&device, S / 4);
    visor_rtc_device_want(&device, now);
    assert_false(visor_rtc_device_tick(&device, now, edge));
    device.seconds = 1000;
    said.seconds = seconds;
    said.count = count;
    said.next = 0;
    told = visor_rtc_device_tick(&device, visor_mono_add(now, S / 4), edge);
    visor_rtc_device_done(&device);
    return told;
}

static void test_peek__reads_once_what_it_expects(void **state)
{
    const int64_t same = 1000, next = 1001;
    struct visor_rtc_edge edge;

    (void)state;
    assert_true(peeked(&same, 1, &edge));
    assert_int_equal(edge.seconds, 1000);
    assert_int_equal(said.next, 1);
    assert_true(peeked(&next, 1, &edge));
    assert_int_equal(edge.seconds, 1001);
    assert_int_equal(said.next, 1);
}

static void test_peek__what_it_does_not_expect_must_be_said_again(void **state)
{
    const int64_t jumped = 1007, torn[] = {1060, 1000}, never[] = {1060, 1, 2, 3, 4, 5, 6};
    struct visor_rtc_edge edge;

    (void)state;
    assert_true(peeked(&jumped, 1, &edge));
    assert_int_equal(edge.seconds, 1007);
    assert_int_equal(said.next, 3);
    assert_true(peeked(torn, 2, &edge));
    assert_int_equal(edge.seconds, 1000);
    assert_false(peeked(never, 7, &edge));
}

/* A pause that swallows the alarm behind an edge is seen by the second look that lacks it. */
static void test_peek__an_edge_that_does_not_come_is_not_waited_for(void **state)
{
    const int64_t next = 1001;
    struct visor_rtc_device device;
    struct visor_rtc_edge edge;
    visor_mono now = visor_clock_raw();

    (void)state;
    visor_rtc_device_init(&device, "/dev/null", true, false);
    visor_rtc_device_peek(&device, S / 4);
    visor_rtc_device_want(&device, now);
    visor_rtc_device_tick(&device, now, &edge);
    device.seconds = 1000;
    device.heard = true;
    said.seconds = &next;
    said.count = 1;
    now = visor_mono_add(now, S / 4);
    assert_true(visor_rtc_device_tick(&device, now, &edge));
    assert_int_equal(device.missed, 0); /* it may be on its way */
    now = visor_mono_add(now, S / 4);
    assert_true(visor_rtc_device_tick(&device, now, &edge));
    assert_int_equal(device.missed, 1);
    assert_true(device.armed && device.skip == 1); /* switched on again */
    device.seconds = 1000;
    for (int i = 0; i < 3; i++) { /* the first edge is not to be trusted: nor is one missed yet */
        now = visor_mono_add(now, S / 4);
        assert_true(visor_rtc_device_tick(&device, now, &edge));
    }
    assert_int_equal(device.missed, 1);
    visor_rtc_device_done(&device);
}

static void test_read__knows_the_calendar(void **state)
{
    /* 1970, ends of February, the last second of a year, an era later */
    const int64_t times[] = {0,         68169599,   951782400,  951868799, 951868800,
                             978307199, 1709164800, 4107542399, 4107542400};
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        said.seconds = &times[i];
        said.count = 1;
        assert_int_equal(visor_rtc_read(3, true, true, &seconds), 0);
        assert_int_equal(seconds, times[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__knows_the_calendar),
        cmocka_unit_test(test_peek__reads_once_what_it_expects),
        cmocka_unit_test(test_peek__what_it_does_not_expect_must_be_said_again),
        cmocka_unit_test(test_peek__an_edge_that_does_not_come_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
