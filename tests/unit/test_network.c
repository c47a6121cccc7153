#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/network.h"

enum { MANY = 200000 };

/* Mean and variance of each kind of queue are what its parameters say. */
static void test_jitter_draw__has_the_moments_of_its_kind(void **state)
{
    const struct {
        struct visor_jitter jitter;
        double deviation; /* in means */
    } cases[] = {
        {{VISOR_JITTER_CONSTANT, 1e-3, 0.0}, 0.0},    {{VISOR_JITTER_UNIFORM, 1e-3, 0.0}, 0.57735},
        {{VISOR_JITTER_EXPONENTIAL, 1e-3, 0.0}, 1.0}, {{VISOR_JITTER_GAMMA, 1e-3, 4.0}, 0.5},
        {{VISOR_JITTER_PARETO, 1e-3, 6.0}, 1.22474},
    };
    struct visor_rng rng;

    (void)state;
    visor_rng_init(&rng, 9);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        double sum = 0.0, square = 0.0, mean;

        for (int i = 0; i < MANY; i++) {
            double x = visor_jitter_draw(&cases[c].jitter, &rng);

            assert_true(x >= 0.0);
            sum += x;
            square += x * x;
        }
        mean = sum / MANY;
        assert_true(fabs(mean / 1e-3 - 1.0) < 0.02);
        assert_true(fabs(sqrt(fmax(0.0, square / MANY - mean * mean)) / 1e-3 - cases[c].deviation) <
                    0.08);
    }
}

static struct visor_network network_of(const struct visor_network_model *model)
{
    struct visor_network network;

    visor_network_init(&network, model, 11);
    return network;
}

static void test_network_travel__loses_the_share_it_should(void **state)
{
    struct visor_network_model model = {.delay = {1e-3, 2e-3}, .loss = {0.33, 0.0}};
    struct visor_network network = network_of(&model);
    struct visor_network_change change;
    struct visor_path path;
    int lost = 0;

    (void)state;
    visor_network_change_init(&change);
    visor_path_init(&path, 1);
    for (int i = 0; i < MANY; i++) {
        int64_t way = visor_network_travel(&network, &path, &change, VISOR_UP, i);

        lost += way < 0;
        assert_true(way < 0 || way == 1000000);
        assert_int_equal(visor_network_travel(&network, &path, &change, VISOR_DOWN, i), 2000000);
    }
    assert_true(fabs((double)lost / MANY - 0.33) < 0.01);
}

static void test_network_travel__follows_changes_of_network_and_path(void **state)
{
    struct visor_network_model model = {.delay = {1e-3, 1e-3}};
    struct visor_network network = network_of(&model);
    struct visor_network_change change;
    struct visor_path path;

    (void)state;
    visor_network_change_init(&change);
    visor_path_init(&path, 1);
    network.change.delay[VISOR_UP] = 4e-3;
    change.delay[VISOR_UP] = 1e-3;
    assert_int_equal(visor_network_travel(&network, &path, &change, VISOR_UP, 0), 6000000);
    assert_int_equal(visor_network_travel(&network, &path, &change, VISOR_DOWN, 0), 1000000);
    change.down = true;
    assert_true(visor_network_travel(&network, &path, &change, VISOR_UP, 0) < 0);
}

/* Epochs of congestion take their share of the time, and make the queues longer. */
static void test_network_travel__has_epochs_of_congestion(void **state)
{
    struct visor_network_model model = {
        .jitter = {{VISOR_JITTER_CONSTANT, 1e-3, 0.0}, {VISOR_JITTER_CONSTANT, 1e-3, 0.0}},
        .congestion_every = 300.0,
        .congestion_lasts = 100.0,
        .congestion_factor = 10.0,
    };
    struct visor_network network = network_of(&model);
    struct visor_network_change change;
    struct visor_path path;
    int congested = 0;

    (void)state;
    visor_network_change_init(&change);
    visor_path_init(&path, 1);
    for (int64_t i = 0; i < MANY; i++) {
        int64_t way =
            visor_network_travel(&network, &path, &change, VISOR_UP, i * INT64_C(1000000000));

        assert_true(way == 1000000 || way == 10000000);
        congested += way == 10000000;
    }
    assert_true(fabs((double)congested / MANY - 0.25) < 0.03);
}

static void test_network_travel__reorders(void **state)
{
    struct visor_network_model model = {.delay = {1e-3, 1e-3}, .reorder = 0.1};
    struct visor_network network = network_of(&model);
    struct visor_network_change change;
    struct visor_path path;
    int64_t last = 0;
    int overtaken = 0;

    (void)state;
    visor_network_change_init(&change);
    visor_path_init(&path, 1);
    for (int64_t i = 0; i < 10000; i++) {
        int64_t arrives =
            i * 100000 + visor_network_travel(&network, &path, &change, VISOR_UP, i * 100000);

        overtaken += arrives < last;
        last = arrives;
    }
    assert_in_range(overtaken, 500, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter_draw__has_the_moments_of_its_kind),
        cmocka_unit_test(test_network_travel__loses_the_share_it_should),
        cmocka_unit_test(test_network_travel__follows_changes_of_network_and_path),
        cmocka_unit_test(test_network_travel__has_epochs_of_congestion),
        cmocka_unit_test(test_network_travel__reorders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
