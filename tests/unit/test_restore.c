/* Samples into an engine and out again, and a rate that changes by a known amount. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define S       VISOR_NS_PER_S
#define SAMPLES 12
#define WALL    (INT64_C(1790000000) * S)

/* An engine with one reference clock and no history. */
struct world {
    struct visor_config *config;
    struct visor_engine *engine;
    struct visor_view view;
    double frequency_ppb; /* last asked for */
};

static void hand(struct world *world, struct visor_event *event, int64_t raw)
{
    struct visor_action action;

    event->now = (struct visor_reading){.raw = {raw}, .real = {WALL + raw}};
    visor_engine_handle(world->engine, event);
    while (visor_engine_next(world->engine, &action)) {
        if (action.kind == VISOR_ACTION_PUBLISH)
            world->view = action.view;
        if (action.kind == VISOR_ACTION_FREQUENCY)
            world->frequency_ppb = action.frequency.frequency_ppb;
    }
}

static int setup(void **state)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    static struct world world;
    struct visor_event event = {.kind = VISOR_EVENT_START,
                                .start = {.clock_settable = true, .precision_s = 1e-9}};

    world = (struct world){.config = visor_config_new()};
    world.config->refclocks = calloc(1, sizeof(*world.config->refclocks));
    world.config->refclock_count = 1;
    visor_refclock_config_init(&world.config->refclocks[0]);
    world.config->refclocks[0].driver = VISOR_REFCLOCK_SHM;
    world.engine = visor_engine_new(world.config, seed);
    hand(&world, &event, 0);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    visor_engine_free(world->engine);
    visor_config_free(world->config);
    return 0;
}

/* UTC is 3 ms ahead of WALL + raw at raw 0, and gains 5 ppm. */
static int64_t utc_at(int64_t raw)
{
    return WALL + raw + 3000000 + raw / 200000;
}

static void restore(struct world *world, uint32_t source, int64_t last)
{
    struct visor_sample samples[SAMPLES];
    struct visor_event event = {
        .kind = VISOR_EVENT_RESTORE,
        .restore = {
            .source = source, .reach = 255, .reach_size = 8, .count = SAMPLES, .samples = samples}};

    for (int64_t i = 0; i < SAMPLES; i++) {
        int64_t raw = last - (SAMPLES - 1 - i) * 16 * S;

        samples[i] =
            (struct visor_sample){.at = {raw}, .reference = {utc_at(raw)}, .dispersion_s = 1e-8};
    }
    hand(world, &event, 200 * S);
}

static void test_restore__the_estimate_is_there_at_once(void **state)
{
    struct world *world = *state;

    restore(world, 1, 199 * S);
    assert_int_equal(world->view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_in_range(visor_view_utc(&world->view, (visor_mono){200 * S}).ns - WALL,
                    utc_at(200 * S) - WALL - 50, utc_at(200 * S) - WALL + 50);
    assert_true(world->view.rate_ppb > 4999.0 && world->view.rate_ppb < 5001.0);
}

static void test_restore__what_does_not_fit_is_left_out(void **state)
{
    struct world *world = *state;
    struct visor_sample samples[SAMPLES];

    restore(world, 77, 199 * S); /* no such source */
    assert_int_equal(visor_engine_samples(world->engine, 1, samples, SAMPLES), 0);
    restore(world, 1, 205 * S); /* the last lies in the future */
    assert_int_equal(visor_engine_samples(world->engine, 1, samples, SAMPLES), SAMPLES - 1);
    restore(world, 1, 199 * S); /* it has samples already */
    assert_int_equal(visor_engine_samples(world->engine, 1, samples, SAMPLES), SAMPLES - 1);
}

static void test_samples__the_newest_as_they_were_given(void **state)
{
    struct world *world = *state;
    struct visor_sample samples[SAMPLES];

    restore(world, 1, 199 * S);
    assert_int_equal(visor_engine_samples(world->engine, 1, samples, 3), 3);
    assert_int_equal(samples[2].at.ns, 199 * S);
    assert_int_equal(samples[2].reference.ns, utc_at(199 * S));
    assert_int_equal(samples[0].at.ns, 167 * S);
    assert_int_equal(visor_engine_samples(world->engine, 9, samples, 3), 0);
}

static void test_rate__turns_what_was_learnt_and_keeps_the_phase(void **state)
{
    struct world *world = *state;
    struct visor_event event = {.kind = VISOR_EVENT_RATE, .rate = {.change_ppb = 2000.0}};
    struct visor_sample samples[SAMPLES];
    double rate;
    int64_t utc;

    restore(world, 1, 199 * S);
    rate = world->view.rate_ppb;
    utc = visor_view_utc(&world->view, (visor_mono){200 * S}).ns;
    hand(world, &event, 200 * S);
    assert_true(world->view.rate_ppb - rate > 1999.9 && world->view.rate_ppb - rate < 2000.1);
    assert_in_range(visor_view_utc(&world->view, (visor_mono){200 * S}).ns - utc + 1, 0, 2);
    /* the samples lie on a line of the new rate through the same moment */
    visor_engine_samples(world->engine, 1, samples, SAMPLES);
    assert_in_range(utc_at(samples[0].at.ns) - samples[0].reference.ns -
                        (200 * S - samples[0].at.ns) / 500000 + 2,
                    0, 4);
}

static void test_rate__before_any_sample_it_steers_alone(void **state)
{
    struct world *world = *state;
    struct visor_event event = {.kind = VISOR_EVENT_RATE, .rate = {.change_ppb = -700.0}};

    hand(world, &event, S);
    assert_true(world->frequency_ppb == -700.0);
    event.rate.change_ppb = 1e9; /* no thermometer says that */
    hand(world, &event, 2 * S);
    assert_true(world->frequency_ppb == -700.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restore__the_estimate_is_there_at_once),
        TEST(test_restore__what_does_not_fit_is_left_out),
        TEST(test_samples__the_newest_as_they_were_given),
        TEST(test_rate__turns_what_was_learnt_and_keeps_the_phase),
        TEST(test_rate__before_any_sample_it_steers_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
