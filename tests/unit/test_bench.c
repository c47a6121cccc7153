/* What readings of the time cost: that all is measured and drawn. How quick they are is not tested.
 */
#include "timevisor/bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_cost__all_ways_are_measured(void **state)
{
    struct visor_bench_clock clocks[3] = {
        {.name = "vdso", .way = VISOR_BENCH_CALL, .kernel = CLOCK_REALTIME},
        {.name = "syscall", .way = VISOR_BENCH_SYSCALL, .kernel = CLOCK_REALTIME},
        {.name = "tsc", .way = VISOR_BENCH_TSC}};

    (void)state;
    assert_true(visor_bench_cost(clocks, visor_bench_has_tsc() ? 3 : 2));
    assert_true(fabs(clocks[0].ratio - 1.0) < 1e-12);
    for (int i = 0; i < (visor_bench_has_tsc() ? 3 : 2); i++) {
        assert_true(clocks[i].best_ns > 0.0);
        assert_true(clocks[i].median_ns >= clocks[i].best_ns);
        assert_true(clocks[i].p999_ns > 0.0);
        assert_true(clocks[i].ratio > 0.0);
    }
}

static void test_cores__each_is_measured_against_the_first(void **state)
{
    struct visor_bench_cores cores;

    (void)state;
    visor_bench_cores(&cores);
    assert_true(cores.pairs < sysconf(_SC_NPROCESSORS_ONLN));
    assert_int_equal(cores.pairs > 0, cores.exchanges > 0);
    assert_int_equal(cores.pairs > 0, cores.worst > 0);
    assert_int_equal(cores.backward, 0);
}

static void test_timer__lateness_is_sorted_and_the_tick_known(void **state)
{
    struct visor_bench_timer timer;

    (void)state;
    assert_true(visor_bench_timer(&timer));
    assert_true(timer.median_ns > 0.0);
    assert_true(timer.p99_ns >= timer.median_ns);
    assert_true(timer.worst_ns >= timer.p99_ns);
    assert_true(timer.tick_ns >= 1e6);
    assert_true(timer.tick_ns <= 1e7 + 1.0);
}

static void test_draw__a_bar_for_each(void **state)
{
    struct visor_bench_clock clocks[2] = {
        {.name = "quick one", .median_ns = 25.0, .p999_ns = 80.0, .ratio = 1.0},
        {.name = "slow one", .median_ns = 2500.0, .p999_ns = 900.0, .ratio = 100.0}};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    visor_bench_draw(clocks, 2, out);
    fclose(out);
    assert_non_null(strstr(text, "quick one"));
    assert_non_null(strstr(text, "2500.0 ns"));
    assert_null(strstr(text, "nan"));
    assert_memory_equal(text, "<svg ", 5);
    assert_string_equal(text + size - 7, "</svg>\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost__all_ways_are_measured),
        cmocka_unit_test(test_cores__each_is_measured_against_the_first),
        cmocka_unit_test(test_timer__lateness_is_sorted_and_the_tick_known),
        cmocka_unit_test(test_draw__a_bar_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
