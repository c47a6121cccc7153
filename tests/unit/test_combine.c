/* Robust combination: efficiency with normal noise, outliers, slopes, few points. */
#include "engine/combine.h"

#include "base/math.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RUNS 2000

/* RMS of the combined value about the true line, over RUNS polls of `count` normal points. */
static double rms_of(size_t count, double slope, size_t wild, double wild_size, bool level)
{
    struct visor_combine_point points[VISOR_COMBINE_MAX];
    struct visor_rng rng;
    double sum = 0;

    visor_rng_init(&rng, 7 + count + wild);
    for (int run = 0; run < RUNS; run++) {
        struct visor_combined c;
        double off;

        for (size_t i = 0; i < count; i++) {
            points[i] = (struct visor_combine_point){.x = (double)i, .sigma = 1e-9};
            points[i].y = slope * points[i].x + visor_rng_normal(&rng);
        }
        for (size_t i = 0; i < wild; i++) /* spread over the poll */
            points[(i * 7 + (size_t)run) % count].y += wild_size;
        c = visor_combine(points, count, level, 0);
        off = c.y - slope * c.x;
        sum += off * off;
    }
    return sqrt(sum / RUNS);
}

static void test_combine__is_as_good_as_the_mean(void **state)
{
    (void)state;
    assert_true(rms_of(16, 0, 0, 0, true) < 1.06 / 4);
    assert_true(rms_of(16, 1e3, 0, 0, false) < 1.06 / 4);
    assert_true(rms_of(64, 0, 0, 0, true) < 1.05 / 8);
    assert_true(rms_of(256, 0, 0, 0, true) < 1.05 / 16);
    assert_true(rms_of(4, 0, 0, 0, true) < 1.15 / 2);
    assert_true(rms_of(1, 0, 0, 0, true) < 1.05);
}

static void test_combine__leaves_outliers_out(void **state)
{
    (void)state;
    assert_true(rms_of(16, 0, 5, 1e6, true) < 1.25 / sqrt(11));
    assert_true(rms_of(16, 0, 3, 1e6, true) < 1.15 / sqrt(13));
    assert_true(rms_of(16, 5e2, 3, -1e6, false) < 1.15 / sqrt(13));
    assert_true(rms_of(64, -3, 16, 100, false) < 1.15 / sqrt(48));
    assert_true(rms_of(5, 0, 1, 1e6, true) < 1.0);
}

static void test_combine__weighs_by_what_is_known(void **state)
{
    struct visor_combine_point points[8];
    struct visor_combined c;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        points[i] = (struct visor_combine_point){(double)i, i < 6 ? 0.001 * (double)(i % 2) : 5.0,
                                                 i < 6 ? 1e-3 : 5.0};
    c = visor_combine(points, 8, true, 0);
    assert_true(fabs(c.y) < 0.003);
}

static void test_combine__tells_its_own_error(void **state)
{
    struct visor_combine_point points[20];
    struct visor_rng rng;
    double told = 0, scatter = 0, inner = 0;

    (void)state;
    visor_rng_init(&rng, 99);
    for (int run = 0; run < RUNS; run++) {
        struct visor_combined c;

        for (size_t i = 0; i < 20; i++)
            points[i] = (struct visor_combine_point){(double)i, visor_rng_normal(&rng), 0};
        c = visor_combine(points, 20, true, 0);
        told += c.variance / RUNS;
        scatter += c.scatter * c.scatter / RUNS;
        inner += c.inner / RUNS;
    }
    assert_true(fabs(told * 20 - 1) < 0.05);
    assert_true(fabs(scatter - 1) < 0.05);
    assert_true(inner > 0.40 && inner < 0.50); /* normal noise within +-0.84 deviations: 0.46 */
}

static void test_combine__survives_equal_times_and_values(void **state)
{
    struct visor_combine_point points[12] = {0};
    struct visor_combined c;

    (void)state;
    c = visor_combine(points, 12, false, 0);
    assert_int_equal(c.used, 12);
    assert_true(c.y == 0 && c.scatter == 0);
    points[3].y = 9e9;
    for (size_t i = 0; i < 12; i++)
        points[i].sigma = 1e-10;
    c = visor_combine(points, 12, false, 0);
    assert_int_equal(c.used, 11);
    assert_true(c.y == 0);
}

static void test_median__of_odd_and_even(void **state)
{
    double odd[] = {5, 1, 9}, even[] = {4, 1, 3, 2}, one[] = {7};

    (void)state;
    assert_true(visor_combine_median(odd, 3) == 5);
    assert_true(visor_combine_median(even, 4) == 2.5);
    assert_true(visor_combine_median(one, 1) == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combine__is_as_good_as_the_mean),
        cmocka_unit_test(test_combine__leaves_outliers_out),
        cmocka_unit_test(test_combine__weighs_by_what_is_known),
        cmocka_unit_test(test_combine__tells_its_own_error),
        cmocka_unit_test(test_combine__survives_equal_times_and_values),
        cmocka_unit_test(test_median__of_odd_and_even),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
