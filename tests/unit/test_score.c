#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/score.h"

static void test_score_add__statistics_start_when_told(void **state)
{
    struct visor_score_limits limits = {.from = 100.0, .error = 1e-3, .frequency = 5e-4};
    struct visor_score score;

    (void)state;
    visor_score_init(&score, &limits);
    for (int i = 0; i < 300; i++) {
        struct visor_score_sample sample = {
            .seconds = i,
            .error = i < 50  ? 0.1
                     : i % 2 ? 3e-4
                             : -1e-4,
            .published = i >= 20,
            .estimate = 2e-5,
            .bound = i == 250 ? -1.0 : 1e-4,
        };

        visor_score_add(&score, &sample);
    }
    assert_true(visor_score_sync(&score) == 50.0);
    assert_true(score.first_published == 20.0);
    assert_int_equal(score.clock.count, 200);
    assert_true(fabs(visor_moments_rms(&score.clock) - sqrt(5e-8)) < 1e-12);
    assert_true(score.clock.largest == 3e-4);
    assert_int_equal(score.since_first - score.bounded, 1);
    assert_true(fabs(visor_histogram_quantile(&score.bounds, 0.5) / 1e-4 - 1.0) < 0.06);
    assert_true(fabs(visor_histogram_quantile(&score.clock_errors, 0.25) / 1e-4 - 1.0) < 0.06);
    assert_true(fabs(visor_histogram_quantile(&score.clock_errors, 0.75) / 3e-4 - 1.0) < 0.06);
}

static void test_score_sync__is_negative_while_out_of_limits(void **state)
{
    struct visor_score_limits limits = {.error = 1e-3, .frequency = 5e-4};
    struct visor_score score;
    struct visor_score_sample sample = {.error = 1.0};

    (void)state;
    visor_score_init(&score, &limits);
    assert_true(visor_score_sync(&score) < 0.0);
    visor_score_add(&score, &sample);
    assert_true(visor_score_sync(&score) < 0.0);
    sample = (struct visor_score_sample){.seconds = 7.0, .rate = 1e-3};
    visor_score_add(&score, &sample);
    assert_true(visor_score_sync(&score) < 0.0);
    sample = (struct visor_score_sample){.seconds = 8.0};
    visor_score_add(&score, &sample);
    assert_true(visor_score_sync(&score) == 8.0);
}

static void test_histogram_quantile__is_right_over_many_orders_of_magnitude(void **state)
{
    struct visor_score_limits limits = {.error = 1.0, .frequency = 1.0};

    (void)state;
    for (double size = 1e-9; size < 1e5; size *= 7.7) {
        struct visor_score score;
        struct visor_score_sample sample = {.error = -size};

        visor_score_init(&score, &limits);
        for (int i = 0; i < 10; i++)
            visor_score_add(&score, &sample);
        assert_true(fabs(visor_histogram_quantile(&score.clock_errors, 0.5) / size - 1.0) < 0.016);
        visor_histogram_merge(&score.bounds, &score.clock_errors);
        assert_int_equal(score.bounds.count, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_add__statistics_start_when_told),
        cmocka_unit_test(test_score_sync__is_negative_while_out_of_limits),
        cmocka_unit_test(test_histogram_quantile__is_right_over_many_orders_of_magnitude),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
