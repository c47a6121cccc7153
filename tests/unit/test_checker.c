#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/checker.h"

#define S VISOR_NS_PER_S

static void test_checker_compare__without_a_fault_there_is_no_excuse(void **state)
{
    struct visor_checker checker;

    (void)state;
    visor_checker_init(&checker);
    assert_true(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, S, -1e-3, 1e-3));
    assert_false(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, 2 * S, -1.1e-3, 1e-3));
    assert_true(visor_checker_clean(&checker));
    visor_checker_blame(&checker, VISOR_VIOLATION_BOUND, 2 * S, -1.1e-3, 1e-3);
    visor_checker_blame(&checker, VISOR_VIOLATION_STEP, 3 * S, 1.0, 0.0);
    assert_false(visor_checker_clean(&checker));
    assert_int_equal(checker.first, VISOR_VIOLATION_BOUND);
    assert_int_equal(checker.first_at, 2 * S);
    assert_int_equal(checker.violations[VISOR_VIOLATION_STEP], 1);
}

static void test_checker_exchange__ends_the_excuse_when_it_shows_the_fault(void **state)
{
    struct visor_exchange before = {9 * S, {500}, {600}};
    struct visor_exchange wide = {11 * S, {150}, {600}};
    struct visor_exchange shows = {12 * S, {500}, {600}};
    struct visor_checker checker;

    (void)state;
    visor_checker_init(&checker);
    visor_checker_fault(&checker, 10 * S, 5);
    assert_true(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, 10 * S, 4.0, 1.0));
    visor_checker_exchange(&checker, &before, (visor_wall){100}, (visor_wall){200});
    visor_checker_exchange(&checker, &wide, (visor_wall){100}, (visor_wall){200});
    assert_true(checker.excused);
    assert_true(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, 12 * S, 4.0, 1.0));
    visor_checker_exchange(&checker, &shows, (visor_wall){100}, (visor_wall){200});
    assert_false(checker.excused);
    assert_false(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, 13 * S, 4.0, 1.0));
    assert_int_equal(checker.windows[VISOR_VIOLATION_BOUND].count, 1);
    assert_int_equal(checker.windows[VISOR_VIOLATION_BOUND].longest_ns, 3 * S);
    assert_true(checker.windows[VISOR_VIOLATION_BOUND].worst == 4.0);
}

static void test_checker_exchange__patience_runs_out(void **state)
{
    struct visor_exchange wide = {11 * S, {150}, {600}};
    struct visor_checker checker;

    (void)state;
    visor_checker_init(&checker);
    visor_checker_fault(&checker, 10 * S, 3);
    for (int i = 0; i < 3; i++) {
        visor_checker_exchange(&checker, &wide, (visor_wall){100}, (visor_wall){200});
        assert_true(checker.excused);
    }
    visor_checker_exchange(&checker, &wide, (visor_wall){100}, (visor_wall){200});
    assert_false(checker.excused);
}

static void test_checker_compare__a_foreign_slew_excuses_the_kernel_only(void **state)
{
    struct visor_checker checker;

    (void)state;
    visor_checker_init(&checker);
    checker.clock_excused = true;
    assert_true(visor_checker_compare(&checker, VISOR_VIOLATION_KERNEL, S, 2.0, 1.0));
    assert_false(visor_checker_compare(&checker, VISOR_VIOLATION_BOUND, S, 2.0, 1.0));
    visor_checker_silence(&checker, VISOR_VIOLATION_KERNEL, 4 * S);
    assert_int_equal(checker.windows[VISOR_VIOLATION_KERNEL].total_ns, 3 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checker_compare__without_a_fault_there_is_no_excuse),
        cmocka_unit_test(test_checker_exchange__ends_the_excuse_when_it_shows_the_fault),
        cmocka_unit_test(test_checker_exchange__patience_runs_out),
        cmocka_unit_test(test_checker_compare__a_foreign_slew_excuses_the_kernel_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
