#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/oscillator.h"

#include <stdlib.h>

enum { SECONDS = 1 << 17 };

/* Overlapping Allan deviation of phases x[0 … count] at 1 s spacing, IEEE 1139. */
static double deviation(const double *x, int count, int m)
{
    double sum = 0.0;
    int n = 0;

    for (int i = 0; i + 2 * m <= count; i++, n++) {
        double d = x[i + 2 * m] - 2.0 * x[i + m] + x[i];

        sum += d * d;
    }
    return sqrt(sum / (2.0 * n)) / m;
}

static double *run(const struct visor_oscillator_model *model, uint64_t seed)
{
    double *x = calloc(SECONDS + 1, sizeof(*x));
    struct visor_oscillator oscillator;

    assert_non_null(x);
    visor_oscillator_init(&oscillator, model, seed);
    for (int i = 0; i < SECONDS; i++)
        x[i + 1] = x[i] + visor_oscillator_step(&oscillator);
    return x;
}

static void test_oscillator_step__white_noise_falls_with_the_root_of_time(void **state)
{
    struct visor_oscillator_model model = {.white = 1e-9};
    double *x = run(&model, 1);

    (void)state;
    assert_true(fabs(deviation(x, SECONDS, 1) / 1e-9 - 1.0) < 0.02);
    assert_true(fabs(deviation(x, SECONDS, 100) / 1e-10 - 1.0) < 0.1);
    free(x);
}

/* Random-walk FM of step q a second: sigma(tau) = q sqrt(tau / 3). */
static void test_oscillator_step__walk_rises_with_the_root_of_time(void **state)
{
    struct visor_oscillator_model model = {.wander = 1e-9};
    double *x = run(&model, 2);

    (void)state;
    for (int m = 4; m <= 1024; m *= 4)
        assert_true(fabs(deviation(x, SECONDS, m) / (1e-9 * sqrt(m / 3.0)) - 1.0) < 0.2);
    free(x);
}

static void test_oscillator_step__daily_cycle_and_ageing_are_where_they_belong(void **state)
{
    struct visor_oscillator_model model = {
        .frequency = 1e-6, .ageing = 1e-12, .temperature = 1e-7, .daily = 2.0};
    struct visor_oscillator oscillator;
    double lowest = 1.0, highest = -1.0, y = 0.0;

    (void)state;
    visor_oscillator_init(&oscillator, &model, 3);
    assert_true(fabs(visor_oscillator_step(&oscillator) - 1e-6) < 1e-9);
    for (int i = 1; i < 86400; i++) {
        y = visor_oscillator_step(&oscillator);
        lowest = fmin(lowest, y);
        highest = fmax(highest, y);
    }
    assert_true(fabs(highest - lowest - 4e-7) < 1e-7);
    assert_true(fabs(y - 1e-6 - 86400 * 1e-12) < 2e-9);
}

static void test_oscillator_step__a_busy_processor_warms_it_slowly(void **state)
{
    struct visor_oscillator_model model = {
        .temperature = 1e-7, .load = 10.0, .load_period = 2000.0, .lag = 300.0};
    struct visor_oscillator oscillator;
    double highest = 0.0, jump = 0.0, last = 0.0;

    (void)state;
    visor_oscillator_init(&oscillator, &model, 5);
    for (int i = 0; i < 100000; i++) {
        double y = visor_oscillator_step(&oscillator);

        highest = fmax(highest, y);
        jump = fmax(jump, fabs(y - last));
        last = y;
    }
    assert_true(highest > 0.9e-6 && highest <= 1e-6);
    assert_true(jump < 0.06e-6 && jump > 0.0);
}

/* Better kinds are better at 1 s and at 1000 s, and the path is the seed's. */
static void test_oscillator_model__kinds_are_in_order_and_repeatable(void **state)
{
    double last[2] = {1.0, 1.0};

    (void)state;
    for (int kind = VISOR_OSCILLATOR_QUARTZ; kind < VISOR_OSCILLATOR_KINDS; kind++) {
        struct visor_oscillator_model model;
        double *x, *again;

        visor_oscillator_model_init(&model, (enum visor_oscillator_kind)kind);
        x = run(&model, 7);
        again = run(&model, 7);
        assert_memory_equal(x, again, SECONDS * sizeof(*x));
        if (kind != VISOR_OSCILLATOR_RUBIDIUM && kind != VISOR_OSCILLATOR_CAESIUM)
            assert_true(deviation(x, SECONDS, 1) < last[0]);
        assert_true(deviation(x, SECONDS, 1000) < last[1]);
        last[0] = deviation(x, SECONDS, 1);
        last[1] = deviation(x, SECONDS, 1000);
        free(x);
        free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oscillator_step__white_noise_falls_with_the_root_of_time),
        cmocka_unit_test(test_oscillator_step__walk_rises_with_the_root_of_time),
        cmocka_unit_test(test_oscillator_step__daily_cycle_and_ageing_are_where_they_belong),
        cmocka_unit_test(test_oscillator_step__a_busy_processor_warms_it_slowly),
        cmocka_unit_test(test_oscillator_model__kinds_are_in_order_and_repeatable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
