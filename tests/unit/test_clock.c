/* The clock adapter: conversions, and the dry run's own clock. No test here sets a real clock. */
#include "port/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static double applied(double ppb, long *freq, long *tick)
{
    visor_clock_timex_from_ppb(ppb, freq, tick);
    return visor_clock_ppb_from_timex(*freq, *tick);
}

static void test_timex__frequency_alone_as_far_as_it_goes(void **state)
{
    long freq = 0, tick = 10000;

    (void)state;
    assert_true(applied(0.0, &freq, &tick) == 0.0);
    assert_int_equal(freq, 0);
    assert_true(applied(-12345.0, &freq, &tick) + 12345.0 < 0.01);
    assert_int_equal(tick, 10000);
    assert_int_equal(freq, -809042); /* -12.345 * 65536 */
    applied(499999.0, &freq, &tick);
    assert_int_equal(tick, 10000);
}

static void test_timex__tick_takes_the_rest_and_stays_while_it_can(void **state)
{
    long freq = 0, tick = 10000;
    double got = applied(83333333.0, &freq, &tick);

    (void)state;
    assert_int_equal(tick, 10833);
    assert_true(got > 83333332.9 && got < 83333333.1);
    assert_true(labs(freq) <= 32768000);
    applied(83000000.0, &freq, &tick); /* 300 ppm away: within reach of freq */
    assert_int_equal(tick, 10833);
    applied(100.0, &freq, &tick);
    assert_int_equal(tick, 10000);
}

static void test_timex__limits(void **state)
{
    long freq = 0, tick = 10000;

    (void)state;
    assert_true(applied(5e8, &freq, &tick) == 1e8 + 5e5);
    assert_int_equal(tick, 11000);
    assert_true(applied(-5e8, &freq, &tick) == -1e8 - 5e5);
    assert_int_equal(tick, 9000);
    assert_true(applied(0.0 / 0.0, &freq, &tick) <= 1e8 + 5e5);
}

static void test_setoffset__nanoseconds_are_never_negative(void **state)
{
    struct timeval at = visor_clock_setoffset_from_ns(-1);

    (void)state;
    assert_int_equal(at.tv_sec, -1);
    assert_int_equal(at.tv_usec, 999999999);
    at = visor_clock_setoffset_from_ns(-VISOR_NS_PER_S);
    assert_int_equal(at.tv_sec, -1);
    assert_int_equal(at.tv_usec, 0);
    at = visor_clock_setoffset_from_ns(INT64_C(100000000001));
    assert_int_equal(at.tv_sec, 100);
    assert_int_equal(at.tv_usec, 1);
}

static void test_read_kernel__both_clocks_belong_together(void **state)
{
    struct visor_reading first, second;
    int64_t raw, real;

    (void)state;
    assert_int_equal(visor_clock_read_kernel(&first), 0);
    assert_int_equal(visor_clock_read_kernel(&second), 0);
    raw = visor_mono_diff(second.raw, first.raw);
    real = visor_wall_diff(second.real, first.real);
    assert_true(first.width_ns >= 0 && raw >= 0);
    /* 20 % and the widths: any machine, also one that is slewing or busy */
    assert_true(llabs(real - raw) <= raw / 5 + first.width_ns + second.width_ns + 1000);
}

static void test_precision__is_a_clock_s(void **state)
{
    double precision = visor_clock_precision();

    (void)state;
    assert_true(precision > 0.0 && precision <= 0.01);
}

static void test_cost__of_a_reading(void **state)
{
    (void)state;
    assert_true(visor_clock_cost() > 0.0);
}

static void test_hz__is_one_that_kernels_have_if_any(void **state)
{
    unsigned hz = visor_clock_hz();

    (void)state;
    assert_true(hz == 0 || (hz >= 24 && hz <= 10000));
}

/* What the dry clock shows at a raw moment, by a reading and its rate. */
static double gained(const struct visor_reading *from, const struct visor_reading *to)
{
    return (double)(visor_wall_diff(to->real, from->real) - visor_mono_diff(to->raw, from->raw));
}

static void test_dry_run__steps_and_runs_as_told(void **state)
{
    struct visor_clock clock;
    struct visor_reading before, after, kernel;

    (void)state;
    visor_clock_init_dry_run(&clock);
    assert_int_equal(visor_clock_take(&clock), 0);
    assert_int_equal(clock.ops->read(&clock, &before), 0);
    assert_int_equal(clock.ops->step(&clock, -5000000000), 0);
    assert_int_equal(clock.ops->read(&clock, &after), 0);
    assert_true(gained(&before, &after) + 5e9 < 1e6 && gained(&before, &after) + 5e9 > -1e6);

    assert_int_equal(clock.ops->set_frequency(&clock, 50000000.0), 0);
    assert_int_equal(clock.ops->read(&clock, &before), 0);
    assert_true(before.frequency_ppb > 49999999.9 && before.frequency_ppb < 50000000.1);
    for (visor_mono end = visor_mono_add(before.raw, 2000000); visor_mono_before(after.raw, end);)
        clock.ops->read(&clock, &after);
    /* its rate, to a nanosecond: one line over the raw counter */
    assert_true(gained(&before, &after) - 0.05 * (double)visor_mono_diff(after.raw, before.raw) <
                2.0);
    assert_true(gained(&before, &after) - 0.05 * (double)visor_mono_diff(after.raw, before.raw) >
                -2.0);
    assert_int_equal(visor_clock_read_kernel(&kernel), 0);
    assert_true(visor_wall_diff(kernel.real, after.real) > 4000000000); /* the real one stayed */
}

static void test_dry_run__changing_the_rate_makes_no_step(void **state)
{
    struct visor_clock clock;
    struct visor_reading before, after;

    (void)state;
    visor_clock_init_dry_run(&clock);
    clock.ops->set_frequency(&clock, -100000000.0);
    clock.ops->read(&clock, &before);
    clock.ops->set_frequency(&clock, 100000000.0);
    clock.ops->read(&clock, &after);
    assert_true(gained(&before, &after) <=
                0.1 * (double)visor_mono_diff(after.raw, before.raw) + 2);
    assert_true(gained(&before, &after) >=
                -0.1 * (double)visor_mono_diff(after.raw, before.raw) - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timex__frequency_alone_as_far_as_it_goes),
        cmocka_unit_test(test_timex__tick_takes_the_rest_and_stays_while_it_can),
        cmocka_unit_test(test_timex__limits),
        cmocka_unit_test(test_setoffset__nanoseconds_are_never_negative),
        cmocka_unit_test(test_read_kernel__both_clocks_belong_together),
        cmocka_unit_test(test_precision__is_a_clock_s),
        cmocka_unit_test(test_cost__of_a_reading),
        cmocka_unit_test(test_hz__is_one_that_kernels_have_if_any),
        cmocka_unit_test(test_dry_run__steps_and_runs_as_told),
        cmocka_unit_test(test_dry_run__changing_the_rate_makes_no_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
