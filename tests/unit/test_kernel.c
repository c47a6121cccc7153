#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/kernel.h"

#define S VISOR_NS_PER_S

static void test_kernel_advance__counter_and_realtime_run_at_their_rates(void **state)
{
    struct visor_kernel kernel;

    (void)state;
    visor_kernel_init(&kernel, 5, 1000);
    kernel.rate = 1e-4;
    visor_kernel_set_frequency(&kernel, -100000.0);
    for (int i = 1; i <= 100; i++)
        visor_kernel_advance(&kernel, i * S);
    assert_true(llabs(kernel.raw - (5 + 100 * S + 10000000)) <= 1);
    assert_true(llabs(kernel.real - (1000 + 100 * S - 1000)) <= 2);
    kernel.frozen = true;
    visor_kernel_advance(&kernel, 200 * S);
    assert_true(llabs(kernel.raw - (5 + 100 * S + 10000000)) <= 1);
    kernel.frozen = false;
    visor_kernel_advance(&kernel, 201 * S);
    assert_true(llabs(kernel.raw - (5 + 101 * S + 10100000)) <= 1);
}

/* Many short ways are as long as one. */
static void test_kernel_advance__loses_no_parts_of_a_nanosecond(void **state)
{
    struct visor_kernel one, many;

    (void)state;
    visor_kernel_init(&one, 0, 0);
    one.rate = -3.3e-5;
    many = one;
    visor_kernel_advance(&one, 777777);
    for (int i = 0; i <= 777777; i += 7)
        visor_kernel_advance(&many, i);
    visor_kernel_advance(&many, 777777);
    assert_true(llabs(one.raw - many.raw) <= 1);
}

static void test_kernel_set_frequency__is_what_adjtimex_can_express(void **state)
{
    struct visor_kernel kernel;

    (void)state;
    visor_kernel_init(&kernel, 0, 0);
    assert_true(fabs(visor_kernel_set_frequency(&kernel, 1234.5678) - 1234.5678) <= 0.5 / 65.536);
    assert_int_equal(kernel.tick, 10000);
    assert_true(fabs(visor_kernel_set_frequency(&kernel, -83333333.3) + 83333333.3) <= 0.01);
    assert_int_equal(kernel.tick, 10000 - 833);
    assert_true(fabs(visor_kernel_set_frequency(&kernel, 3e8) - 100500000.0) < 1e-3);
    assert_true(fabs(visor_kernel_set_frequency(&kernel, -3e8) + 100500000.0) < 1e-3);
}

static void test_kernel_advance__ends_a_foreign_slew_in_time(void **state)
{
    struct visor_kernel kernel;

    (void)state;
    visor_kernel_init(&kernel, 0, 0);
    kernel.slewing = -0.001;
    visor_kernel_advance(&kernel, S);
    assert_true(llabs(kernel.real - (S - 500000)) <= 2);
    assert_true(fabs(visor_kernel_total_rate(&kernel) + 500e-6) < 1e-12);
    visor_kernel_advance(&kernel, 10 * S);
    assert_true(llabs(kernel.real - (10 * S - 1000000)) <= 2);
    assert_true(kernel.slewing == 0.0 && kernel.raw == 10 * S);
}

static void test_kernel_max_error__grows_and_ends(void **state)
{
    struct visor_kernel kernel;

    (void)state;
    visor_kernel_init(&kernel, 0, 0);
    assert_true(visor_kernel_max_error(&kernel) < 0.0);
    visor_kernel_set_status(&kernel, true, 0.01);
    visor_kernel_advance(&kernel, 10 * S);
    assert_true(fabs(visor_kernel_max_error(&kernel) - 0.015) < 1e-9);
    visor_kernel_advance(&kernel, 40000 * S);
    assert_true(visor_kernel_max_error(&kernel) < 0.0);
    visor_kernel_set_status(&kernel, true, 0.01);
    visor_kernel_step(&kernel, -5 * S);
    assert_true(visor_kernel_max_error(&kernel) < 0.0 && kernel.real == 39995 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_advance__counter_and_realtime_run_at_their_rates),
        cmocka_unit_test(test_kernel_advance__loses_no_parts_of_a_nanosecond),
        cmocka_unit_test(test_kernel_set_frequency__is_what_adjtimex_can_express),
        cmocka_unit_test(test_kernel_advance__ends_a_foreign_slew_in_time),
        cmocka_unit_test(test_kernel_max_error__grows_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
