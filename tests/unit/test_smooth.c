#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/smooth.h"
#include "puppet.h"

#define MAX_FREQUENCY 400e-6
#define MAX_WANDER    1e-9

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

static struct visor_smooth make(void)
{
    struct visor_smooth smooth = {.max_frequency = MAX_FREQUENCY, .max_wander = MAX_WANDER};

    visor_smooth_activate(&smooth, (visor_mono){0});
    return smooth;
}

/* Follow the curve to its end through the views that are published; checks that it is continuous,
 * within both limits, and ends at nothing. Returns its length, s. */
static double follow(const struct visor_smooth *smooth, double offset, double frequency)
{
    visor_mono now = smooth->updated;
    double limit = size_of(frequency) > MAX_FREQUENCY ? size_of(frequency) : MAX_FREQUENCY;
    int views = 0;

    for (;;) {
        struct visor_smoothing view = visor_smooth_view(smooth, now);
        visor_mono end = visor_smooth_deadline(smooth, now);
        double t = visor_seconds_from_ns(visor_mono_diff(end, now));

        assert_true(size_of(view.offset - offset) < 1e-9);
        assert_true(size_of(view.frequency - frequency) < 1e-12);
        assert_true(size_of(view.frequency) < limit * (1.0 + 1e-9));
        assert_true(size_of(view.wander) <= MAX_WANDER);
        if (end.ns == INT64_MAX)
            break;
        assert_true(end.ns > now.ns);
        assert_true(++views <= VISOR_SMOOTH_STAGES);
        offset = view.offset + t * (view.frequency + t * view.wander / 2.0);
        frequency = view.frequency + t * view.wander;
        now = end;
    }
    assert_true(size_of(offset) < 1e-9);
    assert_true(size_of(frequency) < 1e-12);
    return visor_seconds_from_ns(visor_mono_diff(now, smooth->updated));
}

static void test_move__a_step_is_caught_up_with(void **state)
{
    struct visor_smooth smooth = make();
    double length;

    (void)state;
    visor_smooth_move(&smooth, (visor_mono){0}, 1e-3, 0.0);
    length = follow(&smooth, -1e-3, 0.0);
    assert_true(size_of(length - 2000.0) < 1e-3); /* 2 sqrt(offset / wander) */
}

static void test_move__a_large_step_goes_at_full_rate(void **state)
{
    struct visor_smooth smooth = make();
    double ramp = MAX_FREQUENCY / MAX_WANDER, length;

    (void)state;
    visor_smooth_move(&smooth, (visor_mono){0}, -1000.0, 0.0);
    length = follow(&smooth, 1000.0, 0.0);
    assert_true(size_of(length - (ramp + 1000.0 / MAX_FREQUENCY)) < 1.0);
}

static void test_move__any_state_comes_to_rest(void **state)
{
    static const double offsets[] = {-1.0, -1e-3, -1e-9, 0.0, 1e-7, 2e-2, 50.0};
    static const double frequencies[] = {-3e-3, -4e-4, -1e-6, 0.0, 1e-9, 3.9e-4, 2e-3};

    (void)state;
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 7; j++) {
            struct visor_smooth smooth = make();

            visor_smooth_move(&smooth, (visor_mono){5}, offsets[i], frequencies[j]);
            follow(&smooth, -offsets[i], -frequencies[j]);
        }
}

static void test_move__on_the_way(void **state)
{
    struct visor_smooth smooth = make();
    visor_mono later = {700 * VISOR_NS_PER_S};
    struct visor_smoothing before;

    (void)state;
    visor_smooth_move(&smooth, (visor_mono){0}, 1e-3, 0.0);
    before = visor_smooth_view(&smooth, later);
    visor_smooth_move(&smooth, later, 2e-4, 1e-7);
    follow(&smooth, before.offset - 2e-4, before.frequency - 1e-7);
}

static void test_move__nothing_before_it_is_active(void **state)
{
    struct visor_smooth smooth = {.max_frequency = MAX_FREQUENCY, .max_wander = MAX_WANDER};

    (void)state;
    visor_smooth_move(&smooth, (visor_mono){0}, 1.0, 0.0);
    assert_false(visor_smooth_view(&smooth, (visor_mono){0}).active);
    assert_true(visor_smooth_activate(&smooth, (visor_mono){9}));
    assert_false(visor_smooth_activate(&smooth, (visor_mono){9}));
    assert_true(visor_smooth_view(&smooth, (visor_mono){9}).offset == 0.0);
}

static struct visor_config *config_of(bool leap_only)
{
    struct visor_config *config = puppet_config(1);

    config->smooth_max_freq = 400.0;
    config->smooth_max_wander = 0.01;
    config->smooth_leap_only = leap_only;
    return config;
}

static double served(const struct puppet *p)
{
    visor_mono now = {p->now};

    return (double)(visor_view_utc(&p->view, now).ns + visor_view_smoothing_ns(&p->view, now) -
                    p->now - p->utc_at_0) *
           1e-9;
}

static void test_engine__served_time_is_continuous(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_TIMER};
    struct puppet p;
    double before;

    (void)state;
    puppet_init(&p, config_of(false), 1000000000, 0.0);
    puppet_run(&p, 400.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_SMOOTHING], 1);
    assert_true(p.view.smoothing.active);
    p.leap_at = p.now; /* the reference jumps by 20 ms */
    p.leap_ns = 20000000;
    before = served(&p);
    for (int i = 0; i < 400; i++) {
        puppet_run(&p, 400.0 + 0.5 * i);
        puppet_give(&p, &event);
        assert_true(size_of(served(&p) - before) < 400e-6 * 0.51 + 1e-6);
        before = served(&p);
    }
    assert_true(p.messages[VISOR_MESSAGE_JUMP_BELIEVED] > 0);
    assert_true(served(&p) < 19e-3);
    puppet_run(&p, 4000.0);
    assert_true(size_of(served(&p) - 20e-3) < 1e-6);
    puppet_done(&p);
}

static void test_engine__leap_only(void **state)
{
    struct visor_config *config = config_of(true);
    struct puppet p;

    (void)state;
    config->leap_mode = VISOR_LEAP_MODE_SLEW;
    config->leaps = calloc(2, sizeof(config->leaps[0]));
    config->leap_count = 2;
    config->leaps[0] = (struct visor_leap_entry){1136073600, 33};
    config->leaps[1] = (struct visor_leap_entry){1230768000, 34};
    puppet_init(&p, config, 1230768000 - 900, 0.0);
    p.leap_at = 900 * VISOR_NS_PER_S;
    p.leap_ns = -VISOR_NS_PER_S;
    puppet_run(&p, 899.8);
    assert_true(p.view.smoothing.active);
    assert_int_equal(p.view.leap, VISOR_LEAP_NONE); /* clients shall not make it themselves */
    puppet_run(&p, 901.0);
    assert_true(size_of(served(&p)) < 1e-3); /* UTC is a second back, clients do not see it */
    puppet_run(&p, 40000.0);
    assert_true(size_of(served(&p) + 1.0) < 1e-5);
    puppet_done(&p);
}

static void test_engine__commands(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, config_of(false), 1000000000, 0.0);
    puppet_command(&p, VISOR_COMMAND_SMOOTHTIME, 1.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    assert_true(p.view.smoothing.active);
    puppet_run(&p, 400.0);
    p.leap_at = p.now;
    p.leap_ns = 20000000;
    puppet_run(&p, 440.0);
    assert_true(size_of(p.view.smoothing.offset) > 1e-3);
    puppet_command(&p, VISOR_COMMAND_SMOOTHTIME, 0.0, 0.0);
    assert_true(p.view.smoothing.offset == 0.0);
    puppet_done(&p);

    puppet_init(&p, puppet_config(1), 1000000000, 0.0);
    puppet_command(&p, VISOR_COMMAND_SMOOTHTIME, 1.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_NOT_ENABLED);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move__a_step_is_caught_up_with),
        cmocka_unit_test(test_move__a_large_step_goes_at_full_rate),
        cmocka_unit_test(test_move__any_state_comes_to_rest),
        cmocka_unit_test(test_move__on_the_way),
        cmocka_unit_test(test_move__nothing_before_it_is_active),
        cmocka_unit_test(test_engine__served_time_is_continuous),
        cmocka_unit_test(test_engine__leap_only),
        cmocka_unit_test(test_engine__commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
