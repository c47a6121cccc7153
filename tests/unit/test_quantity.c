#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/profile.h"
#include "timevisor/cli.h"
#include "timevisor/quantity.h"

static void test_print__three_digits_and_the_unit_that_fits(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0.0, "0 ns"},         {7e-9, "7 ns"},         {134.4e-6, "134 µs"}, {9.994e-6, "9.99 µs"},
        {9.996e-6, "10.0 µs"}, {0.9996e-3, "1.00 ms"}, {2.1e-3, "2.10 ms"},  {2.1, "2.10 s"},
        {119.0, "119 s"},      {121.0, "2 min"},       {7300.0, "2 h"},      {172800.0, "2 d"},
        {-2.1e-3, "-2.10 ms"},
    };
    char text[VISOR_QUANTITY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(visor_quantity_print(cases[i].seconds, text), cases[i].text);
    assert_string_equal(visor_quantity_print((double)INFINITY, text), "unknown");
    assert_string_equal(visor_quantity_print((double)NAN, text), "unknown");
    assert_string_equal(visor_quantity_print_signed(2.1e-3, text), "+2.10 ms");
    assert_string_equal(visor_quantity_print_signed(-2.1e-3, text), "-2.10 ms");
    assert_string_equal(visor_quantity_print_age(64.0, text), "64 s");
    assert_string_equal(visor_quantity_print_age(1024.0, text), "17 min");
}

static void test_parse__takes_units_and_bare_seconds(void **state)
{
    double seconds;

    (void)state;
    assert_true(visor_quantity_parse("100ms", &seconds) && fabs(seconds - 0.1) < 1e-12);
    assert_true(visor_quantity_parse("50 us", &seconds) && fabs(seconds - 50e-6) < 1e-12);
    assert_true(visor_quantity_parse("50µs", &seconds) && fabs(seconds - 50e-6) < 1e-12);
    assert_true(visor_quantity_parse("2min", &seconds) && fabs(seconds - 120.0) < 1e-9);
    assert_true(visor_quantity_parse("1.5", &seconds) && fabs(seconds - 1.5) < 1e-12);
    assert_false(visor_quantity_parse("", &seconds));
    assert_false(visor_quantity_parse("ms", &seconds));
    assert_false(visor_quantity_parse("1m", &seconds));
    assert_false(visor_quantity_parse("-1s", &seconds));
    assert_false(visor_quantity_parse("nan", &seconds));
    assert_false(visor_quantity_parse("1s2", &seconds));
}

static void test_take__within_its_limits_or_not_at_all(void **state)
{
    double seconds = 7.0;

    (void)state;
    assert_true(visor_cli_take_time("gap", "2s", 1.0, 10.0, &seconds));
    assert_true(seconds >= 2.0 && seconds <= 2.0);
    assert_false(visor_cli_take_time("gap", "999ms", 1.0, 10.0, &seconds));
    assert_false(visor_cli_take_time("gap", "11s", 1.0, 10.0, &seconds));
    assert_false(visor_cli_take_time("gap", "soon", 1.0, 10.0, &seconds));
    assert_true(seconds >= 2.0 && seconds <= 2.0); /* what was refused changes nothing */
}

static void test_take__a_profile_by_its_name(void **state)
{
    const struct visor_profile *first = visor_cli_take_profile(visor_profile_at(0)->name);

    (void)state;
    assert_ptr_equal(first, visor_profile_at(0));
    assert_null(visor_cli_take_profile("none such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__three_digits_and_the_unit_that_fits),
        cmocka_unit_test(test_parse__takes_units_and_bare_seconds),
        cmocka_unit_test(test_take__within_its_limits_or_not_at_all),
        cmocka_unit_test(test_take__a_profile_by_its_name),
    };

    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
