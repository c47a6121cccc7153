/* The engine's own counter, made of the raw one and a steadier clock. */
#include "engine/counter.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S VISOR_NS_PER_S

/* True time t; a raw counter whose rate swings by 100 ppm in 1000 s; a local clock that runs 2000
 * ppm fast, steadily, and is 0.4 s and some years off. */
static visor_mono raw_at(double t)
{
    double w = 6.283185307179586 / 1000;

    return (visor_mono){(int64_t)((t + 1e-4 / w * (1 - cos(w * t))) * 1e9)};
}

static visor_wall local_time(double t)
{
    return (visor_wall){INT64_C(1600000000) * S + (int64_t)((0.4 + 1.002 * t) * 1e9)};
}

struct world {
    struct visor_counter counter;
    struct visor_rng rng;
    double noise;
};

static bool follow(struct world *w, double t, double lag)
{
    struct visor_sample sample = {
        .at = raw_at(t - lag), .reference = local_time(t - lag), .dispersion_s = w->noise};

    sample.reference.ns += (int64_t)(w->noise * 1e9 * visor_rng_normal(&w->rng));
    return visor_counter_follow(&w->counter, &sample, raw_at(t), 4);
}

static void begin(struct world *w, double noise)
{
    visor_counter_init(&w->counter, true);
    visor_rng_init(&w->rng, 1);
    w->noise = noise;
}

/* Seconds by which the made counter has left a steady line through its values at `from`. */
static double made_at(const struct world *w, double t)
{
    return (double)visor_counter_from_raw(&w->counter, raw_at(t)).ns * 1e-9;
}

static void test_follow__makes_a_steady_counter(void **state)
{
    struct world w;
    double first = 0, slope = 0, worst = 0;

    (void)state;
    begin(&w, 1e-7);
    for (double t = 0; t < 5000; t += 4) {
        follow(&w, t, 1.5);
        if (t == 100)
            first = made_at(&w, t);
        if (t == 3100)
            slope = (made_at(&w, t) - first) / 3000;
        if (t > 3100) {
            double off = made_at(&w, t) - first - slope * (t - 100);

            worst = fabs(off) > worst ? fabs(off) : worst;
        }
    }
    assert_true(fabs(slope - 1) < 1e-4); /* the raw counter's own rate when it began */
    assert_true(worst < 5e-6);           /* the raw counter alone: 30 ms */
}

static void test_follow__is_continuous_and_goes_both_ways(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 1e-6);
    for (double t = 0; t < 400; t += 4) {
        visor_mono before, raw = raw_at(t);

        before = visor_counter_from_raw(&w.counter, raw);
        follow(&w, t, 1.5);
        assert_in_range(visor_counter_from_raw(&w.counter, raw).ns, before.ns, before.ns + 1);
        for (int i = -3; i <= 3; i++) {
            visor_mono at = visor_mono_add(raw, i * S);
            visor_mono back =
                visor_counter_to_raw(&w.counter, visor_counter_from_raw(&w.counter, at));

            assert_true(back.ns - at.ns <= 1 && back.ns - at.ns >= -1);
        }
    }
}

static void test_follow__a_jump_of_the_local_clock_is_not_followed(void **state)
{
    struct visor_sample sample = {.dispersion_s = 1e-7};
    struct world w;
    double before, rate;

    (void)state;
    begin(&w, 1e-7);
    for (double t = 0; t < 100; t += 4)
        follow(&w, t, 0);
    before = made_at(&w, 200);
    rate = w.counter.rate;
    sample.at = raw_at(100);
    sample.reference = visor_wall_add(local_time(100), 3 * S);
    assert_false(visor_counter_follow(&w.counter, &sample, raw_at(100), 4));
    assert_true(w.counter.rate == rate);
    assert_true(fabs(made_at(&w, 200) - before) < 1e-9);
    visor_counter_lose(&w.counter);
    assert_false(follow(&w, 104, 0));
    assert_false(follow(&w, 108, 0));
    assert_true(follow(&w, 112, 0));
}

static void test_events_and_actions__change_their_stamps_and_rates(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_PACKET};
    struct visor_action action = {.kind = VISOR_ACTION_FREQUENCY};
    struct visor_counter c;

    (void)state;
    visor_counter_init(&c, true);
    c.raw.ns = 100 * S;
    c.made.ns = 200 * S;
    c.rate = 1e-3;
    c.before = -1e-3;
    event.now = (struct visor_reading){.raw = {110 * S}, .frequency_ppb = 1e6};
    event.packet.received.raw.ns = 90 * S;
    visor_counter_read_event(&c, &event);
    assert_int_equal(event.now.raw.ns, 210 * S + S / 100);
    assert_true(fabs(event.now.frequency_ppb) < 1e-6); /* as fast as the made counter */
    assert_int_equal(event.packet.received.raw.ns, 190 * S + S / 100);
    action.frequency.frequency_ppb = 0;
    visor_counter_write_action(&c, &action);
    assert_true(fabs(action.frequency.frequency_ppb - 1e6) < 1e-6);
    action = (struct visor_action){.kind = VISOR_ACTION_PUBLISH, .view.raw = {210 * S + S / 100}};
    visor_counter_write_action(&c, &action);
    assert_int_equal(action.view.raw.ns, 110 * S);
    assert_true(fabs(action.view.rate_ppb - 1e6) < 1e-6);
    assert_int_equal(visor_counter_to_raw(&c, (visor_mono){INT64_MAX}).ns, INT64_MAX);
    assert_int_equal(visor_counter_from_raw(&c, (visor_mono){INT64_MIN}).ns, INT64_MIN);
}

static void test_not_in_use__changes_nothing(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_TIMER,
                                .now = {.raw = {77}, .frequency_ppb = 5}};
    struct visor_counter c;

    (void)state;
    visor_counter_init(&c, false);
    c.rate = 1;
    visor_counter_read_event(&c, &event);
    assert_int_equal(event.now.raw.ns, 77);
    assert_true(event.now.frequency_ppb == 5);
    assert_int_equal(visor_counter_to_raw(&c, (visor_mono){78}).ns, 78);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follow__makes_a_steady_counter),
        cmocka_unit_test(test_follow__is_continuous_and_goes_both_ways),
        cmocka_unit_test(test_follow__a_jump_of_the_local_clock_is_not_followed),
        cmocka_unit_test(test_events_and_actions__change_their_stamps_and_rates),
        cmocka_unit_test(test_not_in_use__changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
