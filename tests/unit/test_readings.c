/* Readings of a device's clock: normal noise, one-sided delays, wide windows, nonsense. */
#include "port/readings.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RUNS   2000
#define OFFSET INT64_C(37000000123)

/* `noise`: of the device's own stamps, `delay`: mean of what is added on either side, ns. */
static void make(struct visor_rng *rng, double noise, double delay, struct visor_readings_one *list)
{
    int64_t at = INT64_C(1700000000000000000);

    for (size_t i = 0; i < VISOR_READINGS_MAX; i++) {
        int64_t out = 500 + (int64_t)(delay * visor_rng_exponential(rng));
        int64_t back = 500 + (int64_t)(delay * visor_rng_exponential(rng));

        list[i].before_ns = at;
        list[i].device_ns = at + out + OFFSET + (int64_t)round(noise * visor_rng_normal(rng));
        list[i].after_ns = at + out + back;
        at += out + back + 50;
    }
}

static double error_of(const struct visor_readings_pair *pair)
{
    return (double)(pair->device_ns - pair->system_ns - OFFSET);
}

static void rms(double noise, double delay, double *error, double *stated)
{
    struct visor_readings_one list[VISOR_READINGS_MAX];
    struct visor_readings_pair pair;
    struct visor_rng rng;

    visor_rng_init(&rng, 5);
    *error = *stated = 0;
    for (int i = 0; i < RUNS; i++) {
        make(&rng, noise, delay, list);
        assert_true(visor_readings_combine(list, VISOR_READINGS_MAX, -1, &pair));
        *error += error_of(&pair) * error_of(&pair) / RUNS;
        *stated += pair.dispersion_s * pair.dispersion_s * 1e18 / RUNS;
    }
    *error = sqrt(*error);
    *stated = sqrt(*stated);
}

static void test_combine__averages_normal_noise(void **state)
{
    double error, stated;

    (void)state;
    rms(1000, 0, &error, &stated);
    assert_true(error < 1000 / sqrt(VISOR_READINGS_MAX) * 1.1);
    assert_true(stated > error * 0.7 && stated < error * 1.4);
}

static void test_combine__is_seldom_too_sure(void **state)
{
    struct visor_readings_one list[VISOR_READINGS_MAX];
    struct visor_readings_pair pair;
    struct visor_rng rng;
    int bold = 0;

    (void)state;
    visor_rng_init(&rng, 8);
    for (int i = 0; i < RUNS; i++) {
        make(&rng, 100000, 100, list); /* windows differ, but the noise is elsewhere */
        assert_true(visor_readings_combine(list, VISOR_READINGS_MAX, -1, &pair));
        bold += pair.dispersion_s < 0.5 * 100e-6 / sqrt(VISOR_READINGS_MAX);
    }
    assert_true(bold < RUNS / 50);
}

static void test_combine__uses_the_narrow_windows(void **state)
{
    double error, stated;

    (void)state;
    rms(0, 1000, &error, &stated); /* a plain mean has 1000 / sqrt(2 * 25) = 141 */
    assert_true(error < 85);
    assert_true(stated > error * 0.5 && stated < error * 2.5);
}

static void test_combine__is_unsure_when_all_windows_are_wider_than_usual(void **state)
{
    struct visor_readings_one list[VISOR_READINGS_MAX];
    struct visor_readings_pair usual, wide;
    struct visor_rng rng;

    (void)state;
    visor_rng_init(&rng, 6);
    make(&rng, 0, 0, list);
    assert_true(visor_readings_combine(list, VISOR_READINGS_MAX, -1, &usual));
    assert_int_equal(usual.narrowest_ns, 1000);
    assert_int_equal(usual.error_ns, 500);
    for (size_t i = 0; i < VISOR_READINGS_MAX; i++) {
        list[i].after_ns += 5000 * (int64_t)(i + 1);
        for (size_t j = i + 1; j < VISOR_READINGS_MAX; j++) {
            list[j].before_ns += 5000 * (int64_t)(i + 1);
            list[j].device_ns += 5000 * (int64_t)(i + 1);
            list[j].after_ns += 5000 * (int64_t)(i + 1);
        }
    }
    assert_true(visor_readings_combine(list, VISOR_READINGS_MAX, usual.narrowest_ns, &wide));
    assert_true(wide.dispersion_s > 10 * usual.dispersion_s);
    assert_true(wide.narrowest_ns == 6000);
}

static void test_combine__leaves_out_what_cannot_be(void **state)
{
    struct visor_readings_one list[VISOR_READINGS_MAX];
    struct visor_readings_pair pair;
    struct visor_rng rng;

    (void)state;
    visor_rng_init(&rng, 7);
    make(&rng, 2, 20, list);
    list[3].device_ns += 1000000000;
    list[9].device_ns = INT64_MIN;
    list[12].after_ns = list[12].before_ns - 1;
    assert_true(visor_readings_combine(list, VISOR_READINGS_MAX, -1, &pair));
    assert_true(fabs(error_of(&pair)) < 10);
}

static void test_combine__refuses_only_nonsense(void **state)
{
    const struct visor_readings_one bad[] = {{10, 10, 9}, {INT64_MAX, 0, INT64_MIN}};
    const struct visor_readings_one one = {1000, 51, 1100};
    struct visor_readings_pair pair;

    (void)state;
    assert_false(visor_readings_combine(bad, 2, -1, &pair));
    assert_false(visor_readings_combine(bad, 0, -1, &pair));
    assert_true(visor_readings_combine(&one, 1, -1, &pair));
    assert_int_equal(pair.system_ns, 1050);
    assert_int_equal(pair.device_ns, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combine__averages_normal_noise),
        cmocka_unit_test(test_combine__is_seldom_too_sure),
        cmocka_unit_test(test_combine__uses_the_narrow_windows),
        cmocka_unit_test(test_combine__is_unsure_when_all_windows_are_wider_than_usual),
        cmocka_unit_test(test_combine__leaves_out_what_cannot_be),
        cmocka_unit_test(test_combine__refuses_only_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
