/* The line that brings a network card's stamps to the raw counter. */
#include "port/hwstamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S VISOR_NS_PER_S

static void add(struct visor_hwstamp_map *map, int64_t raw, int64_t phc)
{
    struct visor_hwstamp_reading reading = {.raw = {raw}, .phc_ns = phc, .error_ns = 40};

    visor_hwstamp_map_add(map, &reading);
}

/* raw at which the map says that the card's clock showed `phc`. */
static int64_t raw_at(const struct visor_hwstamp_map *map, int64_t phc)
{
    struct visor_stamp stamp;

    assert_true(visor_hwstamp_map_convert(map, phc, &stamp));
    assert_int_equal(stamp.by, VISOR_STAMPER_HARDWARE);
    assert_int_equal(stamp.error_ns, 40);
    return stamp.raw.ns;
}

static void test_convert__by_offset_and_rate(void **state)
{
    struct visor_hwstamp_map map = {.count = 0};

    (void)state;
    /* the card is 37 s ahead and gains 20 ppm */
    for (int64_t i = 0; i < 12; i++)
        add(&map, i * S, 37 * S + i * (S + 20000));
    assert_int_equal(map.count, VISOR_HWSTAMP_READINGS);
    assert_in_range(raw_at(&map, 37 * S + 11 * (S + 20000)), 11 * S - 1, 11 * S + 1);
    assert_in_range(raw_at(&map, 37 * S + 12 * (S + 20000)), 12 * S - 2, 12 * S + 2);
    assert_in_range(raw_at(&map, 37 * S + 10 * (S + 20000)), 10 * S - 2, 10 * S + 2);
}

static void test_convert__averages_the_readings_noise(void **state)
{
    static const int64_t noise[] = {300, -300, 300, -300, 300, -300, 300, -300};
    struct visor_hwstamp_map map = {.count = 0};

    (void)state;
    for (int64_t i = 0; i < 8; i++)
        add(&map, i * S, i * S + noise[i]);
    assert_in_range(raw_at(&map, 7 * S), 7 * S - 160, 7 * S + 160);
}

static void test_convert__refuses_what_it_cannot_know(void **state)
{
    struct visor_hwstamp_map map = {.count = 0};
    struct visor_stamp stamp;

    (void)state;
    assert_false(visor_hwstamp_map_convert(&map, 0, &stamp));
    add(&map, S, S);
    assert_false(visor_hwstamp_map_convert(&map, S, &stamp));
    add(&map, 2 * S, 2 * S);
    assert_true(visor_hwstamp_map_convert(&map, 3 * S, &stamp));
    assert_false(visor_hwstamp_map_convert(&map, 100 * S, &stamp));
    assert_false(visor_hwstamp_map_convert(&map, -100 * S, &stamp));
    assert_false(visor_hwstamp_map_convert(&map, INT64_MIN, &stamp));
}

static void test_add__a_card_that_was_set_starts_anew(void **state)
{
    struct visor_hwstamp_map map = {.count = 0};
    struct visor_stamp stamp;

    (void)state;
    for (int64_t i = 0; i < 4; i++)
        add(&map, i * S, i * S);
    add(&map, 4 * S, 14 * S);
    assert_int_equal(map.count, 1);
    assert_false(visor_hwstamp_map_convert(&map, 14 * S, &stamp));
    add(&map, 5 * S, 15 * S);
    assert_int_equal(raw_at(&map, 15 * S), 5 * S);
}

static void test_add__a_reading_out_of_order_starts_anew(void **state)
{
    struct visor_hwstamp_map map = {.count = 0};

    (void)state;
    add(&map, 5 * S, 5 * S);
    add(&map, 5 * S, 5 * S);
    assert_int_equal(map.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert__by_offset_and_rate),
        cmocka_unit_test(test_convert__averages_the_readings_noise),
        cmocka_unit_test(test_convert__refuses_what_it_cannot_know),
        cmocka_unit_test(test_add__a_card_that_was_set_starts_anew),
        cmocka_unit_test(test_add__a_reading_out_of_order_starts_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
