#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/math.h"
#include "base/rng.h"
#include "base/time.h"

static void test_math__agrees_with_libm(void **state)
{
    (void)state;
    for (double x = 1e-12; x < 1e12; x *= 1.37) {
        assert_true(fabs(visor_math_log(x) - log(x)) <= 4e-15 * fmax(1.0, fabs(log(x))));
        assert_true(fabs(visor_math_sin(x) - sin(x)) <= 1e-12 || x > 1e6);
    }
    for (double x = -700.0; x < 700.0; x += 0.731)
        assert_true(fabs(visor_math_exp(x) / exp(x) - 1.0) < 1e-13);
    for (double x = -1000.0; x < 1000.0; x += 0.377)
        assert_true(fabs(visor_math_sin(x) - sin(x)) < 1e-13);
    for (double x = -40.0; x < 40.0; x += 0.013) {
        double density, tail = visor_math_tail(x, &density), true_density;

        true_density = exp(-x * x / 2.0) / sqrt(2.0 * acos(-1.0));
        assert_true(fabs(density - true_density) <= 4e-7 * true_density + 1e-280);
        assert_true(fabs(tail - 0.5 * erfc(x / sqrt(2.0))) < 1e-7);
    }
    assert_true(visor_math_exp2i(-7) == 1.0 / 128 && visor_math_exp2i(10) == 1024.0);
}

static void test_ns_from_seconds__saturates_and_rounds(void **state)
{
    (void)state;
    assert_int_equal(visor_ns_from_seconds(1.5e-9), 2);
    assert_int_equal(visor_ns_from_seconds(-1.5e-9), -2);
    assert_true(visor_ns_from_seconds(1e30) == INT64_MAX);
    assert_true(visor_ns_from_seconds(-1e30) == INT64_MIN);
    assert_int_equal(visor_ns_from_seconds((double)NAN), 0);
}

static void test_ns__sums_end_at_the_ends(void **state)
{
    const visor_mono first = {INT64_MIN}, last = {INT64_MAX}, zero = {0};

    (void)state;
    assert_true(visor_ns_add(INT64_MAX, 1) == INT64_MAX);
    assert_true(visor_ns_add(INT64_MIN, -1) == INT64_MIN);
    assert_true(visor_ns_add(INT64_MAX, INT64_MIN) == -1);
    assert_true(visor_mono_diff(last, first) == INT64_MAX);
    assert_true(visor_mono_diff(first, last) == INT64_MIN);
    assert_true(visor_mono_diff(zero, first) == INT64_MAX);
    assert_true(visor_mono_add(last, INT64_MIN).ns == -1);
    assert_true(visor_wall_add((visor_wall){INT64_MAX - 5}, 9).ns == INT64_MAX);
    assert_true(visor_wall_diff((visor_wall){7}, (visor_wall){9}) == -2);
}

static void test_rng__same_seed_same_numbers_and_right_moments(void **state)
{
    struct visor_rng a, b;
    double normal = 0.0, square = 0.0, exponential = 0.0;

    (void)state;
    visor_rng_init(&a, 7);
    visor_rng_init(&b, 7);
    for (int i = 0; i < 100; i++)
        assert_true(visor_rng_next(&a) == visor_rng_next(&b));
    for (int i = 0; i < 200000; i++) {
        double x = visor_rng_normal(&a);

        normal += x;
        square += x * x;
        exponential += visor_rng_exponential(&a);
    }
    assert_true(fabs(normal / 200000) < 0.01);
    assert_true(fabs(square / 200000 - 1.0) < 0.02);
    assert_true(fabs(exponential / 200000 - 1.0) < 0.02);
}

static void test_bytes__failure_is_sticky(void **state)
{
    uint8_t data[8];
    struct visor_writer w = visor_writer_over(data, sizeof(data));
    struct visor_reader r;

    (void)state;
    visor_write_u16(&w, 0x1234);
    visor_write_u32(&w, 0x56789abc);
    assert_false(w.failed);
    visor_write_u32(&w, 1);
    assert_true(w.failed);
    visor_write_u8(&w, 1);
    assert_int_equal(w.at, 6);
    r = visor_reader_over(data, 6);
    assert_int_equal(visor_read_u16(&r), 0x1234);
    assert_int_equal(visor_read_u64(&r), 0);
    assert_true(r.failed);
    assert_int_equal(visor_read_u8(&r), 0);
}

static void test_address__text_both_ways(void **state)
{
    static const char *const same[] = {
        "0.0.0.0",     "255.255.255.255",      "::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8",
        "fe80::1:0:0", "2001:db8:0:1:1:1:1:1", "1::"};
    static const char *const bad[] = {
        "",        "1.2.3",   "1.2.3.4.5",     "256.1.1.1", "01.2.3.4",          ":",   ":::",
        "1::2::3", "12345::", "1:2:3:4:5:6:7", "::1:",      "1:2:3:4:5:6:7:8:9", "host"};
    struct visor_address address;
    char text[46];

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_true(visor_address_parse(same[i], &address));
        assert_string_equal(visor_address_print(&address, text, sizeof(text)), same[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (visor_address_parse(bad[i], &address))
            fail_msg("taken: %s", bad[i]);
    assert_true(visor_address_parse("::ffff:1.2.3.4", &address));
    assert_int_equal(address.bytes[15], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_math__agrees_with_libm),
        cmocka_unit_test(test_ns_from_seconds__saturates_and_rounds),
        cmocka_unit_test(test_ns__sums_end_at_the_ends),
        cmocka_unit_test(test_rng__same_seed_same_numbers_and_right_moments),
        cmocka_unit_test(test_bytes__failure_is_sticky),
        cmocka_unit_test(test_address__text_both_ways),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
