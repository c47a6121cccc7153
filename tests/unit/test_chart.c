#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "timevisor/chart.h"

static char text[3 * VISOR_CHART_VALUES + 1];

static void test_draw__spans_at_least_a_decade(void **state)
{
    struct visor_chart chart = {.count = 0};

    (void)state;
    assert_string_equal(visor_chart_draw(&chart, 10, false, text), "");
    visor_chart_add(&chart, 1e-4);
    visor_chart_add(&chart, 1e-4);
    assert_string_equal(visor_chart_draw(&chart, 10, false, text), "__");
    visor_chart_add(&chart, 1e-2);
    visor_chart_add(&chart, 1e-3);
    assert_string_equal(visor_chart_draw(&chart, 10, false, text), "__#=");
    visor_chart_add(&chart, (double)INFINITY);
    visor_chart_add(&chart, 0.0);
    assert_string_equal(visor_chart_draw(&chart, 3, false, text), "_x_");
    assert_string_equal(visor_chart_draw(&chart, 0, false, text), "");
}

static void test_draw__keeps_the_newest(void **state)
{
    struct visor_chart chart = {.count = 0};

    (void)state;
    for (int i = 0; i < VISOR_CHART_VALUES; i++)
        visor_chart_add(&chart, 1.0);
    visor_chart_add(&chart, 100.0);
    assert_string_equal(visor_chart_draw(&chart, 2, true, text), "▁█");
    assert_int_equal(chart.count, VISOR_CHART_VALUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draw__spans_at_least_a_decade),
        cmocka_unit_test(test_draw__keeps_the_newest),
    };

    return cmocka_run_group_tests_name("chart", tests, NULL, NULL);
}
