/* REALTIME stamps to raw ones: rates, changes of rate, steps, nonsense. */
#include "port/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S VISOR_NS_PER_S

static struct visor_reading reading(int64_t raw, int64_t real, double ppb)
{
    return (struct visor_reading){
        .raw = {raw}, .real = {real}, .width_ns = 100, .frequency_ppb = ppb};
}

static void note(struct visor_stamps *stamps, int64_t raw, int64_t real, double ppb)
{
    struct visor_reading r = reading(raw, real, ppb);

    visor_stamps_note(stamps, &r);
}

static void test_from_real__takes_the_rate_into_account(void **state)
{
    struct visor_reading r = reading(50 * S, 1000 * S, 100e3);
    struct visor_stamp stamp = {0};

    (void)state;
    assert_true(visor_stamp_from_real(&r, (visor_wall){990 * S}, &stamp));
    /* 10 s of a clock that gains 100 ppm last 10 s / 1.0001 of raw time */
    assert_in_range(stamp.raw.ns, 40 * S + 999900 - 2, 40 * S + 999900 + 2);
    assert_in_range(stamp.error_ns, 50, 20000);
}

static void test_from_real__refuses_what_is_far_or_absurd(void **state)
{
    struct visor_reading r = reading(50 * S, 1000 * S, 0);
    struct visor_stamp stamp = {0};

    (void)state;
    assert_false(visor_stamp_from_real(&r, (visor_wall){900 * S}, &stamp));
    assert_false(visor_stamp_from_real(&r, (visor_wall){INT64_MIN}, &stamp));
}

static void test_convert__uses_the_rate_in_force_at_the_stamp(void **state)
{
    struct visor_stamps stamps;
    struct visor_stamp stamp = {0};

    (void)state;
    visor_stamps_init(&stamps);
    note(&stamps, 0, 1000 * S, 0);
    note(&stamps, 10 * S, 1010 * S, 0);
    /* changed to +10 % at raw 10 s, read 1 us later */
    note(&stamps, 10 * S + 1000, 1010 * S + 1100, 1e8);
    note(&stamps, 20 * S, 1021 * S, 1e8);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1005 * S}, &stamp));
    assert_in_range(stamp.raw.ns, 5 * S - 1, 5 * S + 1);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1010 * S + 11 * S / 10}, &stamp));
    assert_in_range(stamp.raw.ns, 11 * S - 1, 11 * S + 1);
}

static void test_convert__refuses_across_a_step(void **state)
{
    struct visor_stamps stamps;
    struct visor_stamp stamp = {0};

    (void)state;
    visor_stamps_init(&stamps);
    note(&stamps, 0, 1000 * S, 0);
    note(&stamps, 10 * S, 1010 * S, 0);
    note(&stamps, 11 * S, 1111 * S, 0); /* +100 s somewhere in this second */
    note(&stamps, 15 * S, 1115 * S, 0);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1009 * S}, &stamp));
    assert_in_range(stamp.raw.ns, 9 * S - 1, 9 * S + 1);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1114 * S}, &stamp));
    assert_in_range(stamp.raw.ns, 14 * S - 1, 14 * S + 1);
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1010 * S + S / 2}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1110 * S + S / 2}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1050 * S}, &stamp));
}

static void test_convert__refuses_a_time_that_came_twice(void **state)
{
    struct visor_stamps stamps;
    struct visor_stamp stamp = {0};

    (void)state;
    visor_stamps_init(&stamps);
    note(&stamps, 0, 1000 * S, 0);
    note(&stamps, 10 * S, 1010 * S, 0);
    note(&stamps, 11 * S, 1006 * S, 0); /* -5 s */
    note(&stamps, 15 * S, 1010 * S, 0);
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1008 * S}, &stamp));
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1003 * S}, &stamp));
}

static void test_convert__refuses_the_future_the_unknown_past_and_nonsense(void **state)
{
    struct visor_stamps stamps;
    struct visor_stamp stamp = {0};

    (void)state;
    visor_stamps_init(&stamps);
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1000 * S}, &stamp));
    note(&stamps, 100 * S, 1000 * S, 0);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1000 * S + 1000}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1002 * S}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){900 * S}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){INT64_MAX}, &stamp));
    assert_false(visor_stamps_convert(&stamps, (visor_wall){INT64_MIN}, &stamp));
}

static void test_note__keeps_a_bounded_past(void **state)
{
    struct visor_stamps stamps;
    struct visor_stamp stamp = {0};

    (void)state;
    visor_stamps_init(&stamps);
    for (int i = 0; i < 100; i++) /* every second another rate */
        note(&stamps, i * S, (1000 + i) * S, i % 2 ? 10.0 : -10.0);
    assert_int_equal(stamps.count, VISOR_STAMPS_PIECES);
    assert_true(visor_stamps_convert(&stamps, (visor_wall){1095 * S + 7}, &stamp));
    assert_in_range(stamp.raw.ns, 95 * S - 20, 95 * S + 30);
    assert_false(visor_stamps_convert(&stamps, (visor_wall){1010 * S}, &stamp));
}

static void test_note__tells_a_step_from_a_turn(void **state)
{
    struct visor_stamps stamps;
    struct visor_reading r[] = {reading(0, 1000 * S, 0), reading(10 * S, 1010 * S, 0),
                                reading(11 * S, 1012 * S, 0), reading(12 * S, 1013 * S, 1e5)};

    (void)state;
    visor_stamps_init(&stamps);
    assert_false(visor_stamps_note(&stamps, &r[0]));
    assert_false(visor_stamps_note(&stamps, &r[1]));
    assert_true(visor_stamps_note(&stamps, &r[2]));
    assert_false(visor_stamps_note(&stamps, &r[3]));
}

static void test_is_of_arrival__not_if_the_packet_was_stamped_when_read(void **state)
{
    struct visor_reading read = reading(10 * S, 1010 * S, 0);
    struct visor_stamp stamp = {.raw = {10 * S - 3000}};

    (void)state;
    assert_true(visor_stamp_is_of_arrival(&stamp, &read));
    stamp.raw.ns = 10 * S - 1; /* rounding */
    assert_false(visor_stamp_is_of_arrival(&stamp, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note__tells_a_step_from_a_turn),
        cmocka_unit_test(test_from_real__takes_the_rate_into_account),
        cmocka_unit_test(test_from_real__refuses_what_is_far_or_absurd),
        cmocka_unit_test(test_convert__uses_the_rate_in_force_at_the_stamp),
        cmocka_unit_test(test_convert__refuses_across_a_step),
        cmocka_unit_test(test_convert__refuses_a_time_that_came_twice),
        cmocka_unit_test(test_convert__refuses_the_future_the_unknown_past_and_nonsense),
        cmocka_unit_test(test_note__keeps_a_bounded_past),
        cmocka_unit_test(test_is_of_arrival__not_if_the_packet_was_stamped_when_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
