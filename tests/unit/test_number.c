/* Decimal text of numbers, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "config/diagnosis.h"
#include "config/number.h"
#include "config/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void same_bits(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof(a));
}

static double of_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void check_value(double value, int digits)
{
    char shortest[VISOR_NUMBER_TEXT], text[512], other[512];
    double back;

    visor_number_print(value, shortest);
    same_bits(strtod(shortest, NULL), value);
    snprintf(text, sizeof(text), "%.*g", digits + 1, value);
    assert_int_equal(visor_number_read(text, &back), strlen(text));
    same_bits(back, strtod(text, NULL));
    snprintf(text, sizeof(text), "%.*e", digits, value);
    assert_string_equal(visor_number_print_exponent(value, digits, other, sizeof(other)), text);
    snprintf(text, sizeof(text), "%.*f", digits, value);
    assert_string_equal(visor_number_print_fixed(value, digits, other, sizeof(other)), text);
}

static void test_number__agrees_with_the_c_library(void **state)
{
    struct visor_rng rng;

    (void)state;
    visor_rng_init(&rng, 5);
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = visor_rng_next(&rng);

        if ((bits >> 52 & 0x7ff) == 0x7ff)
            continue;
        if (i % 2) /* of everyday size */
            bits = (bits & ~(UINT64_C(0x7ff) << 52)) | ((983 + (uint64_t)i % 80) << 52);
        check_value(of_bits(bits), i % 18);
    }
    for (int i = 0; i < 18; i++) {
        check_value(0.5, i);
        check_value(2.5, i);
        check_value(9.5, i);
        check_value(0.0, i);
        check_value(5e-324, i);
        check_value(1.7976931348623157e308, i);
    }
}

static void test_number__edges_of_reading(void **state)
{
    static const char *const texts[] = {
        "-0.0",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e400",
        "1e-400",
        "1.7976931348623159e308",
        "9007199254740993",
        "9007199254740992.99999999999999999999999999999999999999999999999999",
        "9007199254740993.00000000000000000000000000000000000000000000000001",
        "1000000000000000000000000000000000000000000000000000000000000000000001e-60",
        "0.00000000000000000000000000000000000000000000000000000000000000001234e60",
        ".5",
        "5.",
        "1e",
        "1e+",
        "+3",
        "1.2.3",
        "1x",
        "inf",
        "-inf"};
    char zeros[300000];
    double value;
    int64_t whole;
    uint32_t hex;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *end;
        double wanted = strtod(texts[i], &end);

        assert_int_equal(visor_number_read(texts[i], &value), end - texts[i]);
        same_bits(value, wanted);
    }
    assert_int_equal(visor_number_read("", &value), 0);
    assert_int_equal(visor_number_read("-", &value), 0);
    assert_int_equal(visor_number_read(".", &value), 0);
    assert_int_equal(visor_number_read("e5", &value), 0);
    assert_int_equal(visor_number_read("nan", &value), 0);
    memset(zeros, '9', sizeof(zeros) - 1);
    zeros[sizeof(zeros) - 1] = '\0';
    assert_int_equal(visor_number_read(zeros, &value), 0); /* nobody means that */
    assert_int_equal(visor_number_read_whole("-9223372036854775809", &whole), 20);
    assert_true(whole == INT64_MIN);
    assert_int_equal(visor_number_read_whole("99999999999999999999", &whole), 20);
    assert_true(whole == INT64_MAX);
    assert_int_equal(visor_number_read_whole("+12x", &whole), 3);
    assert_int_equal(whole, 12);
    assert_int_equal(visor_number_read_whole("x", &whole), 0);
    assert_int_equal(visor_number_read_hex("0xF323", &hex), 6);
    assert_int_equal(hex, 0xf323);
    assert_int_equal(visor_number_read_hex("100000000", &hex), 0);
    assert_int_equal(visor_number_read_hex("0x", &hex), 0);
}

static void test_words__split(void **state)
{
    struct visor_words words;

    (void)state;
    assert_true(visor_words_split(&words, " a\t bc \r", 8));
    assert_int_equal(words.count, 2);
    assert_string_equal(visor_words_take(&words), "a");
    assert_int_equal(words.start[1], 4);
    assert_string_equal(visor_words_take(&words), "bc");
    assert_null(visor_words_take(&words));
    assert_true(visor_words_split(&words, "a #b", 4));
    assert_int_equal(words.count, 2);
    assert_true(visor_words_split(&words, " #b", 3));
    assert_int_equal(words.count, 0);
    assert_false(visor_words_split(&words, "a\0b", 3));
    assert_true(visor_words_same("IBurst", "iburst"));
    assert_false(visor_words_same("iburst", "iburs"));
}

static void test_diagnosis__text_is_safe_and_cut_at_characters(void **state)
{
    char small[8];

    (void)state;
    visor_diagnosis_copy(small, sizeof(small), "abc\033[1m");
    assert_string_equal(small, "abc?[1m");
    visor_diagnosis_copy(small, sizeof(small), "abcdefgh");
    assert_string_equal(small, "abcd…");
    visor_diagnosis_copy(small, sizeof(small), "abc€€");
    assert_string_equal(small, "abc…");
}

static void test_diagnosis__nearest(void **state)
{
    static const char *const words[] = {"server", "makestep", NULL, "local", "log", "rtcsync"};

    (void)state;
    assert_string_equal(visor_diagnosis_nearest("srever", words, 6), "server");
    assert_string_equal(visor_diagnosis_nearest("MAKESTP", words, 6), "makestep");
    assert_string_equal(visor_diagnosis_nearest("lgo", words, 6), "log");
    assert_null(visor_diagnosis_nearest("xyz", words, 6));
    assert_null(visor_diagnosis_nearest("l", words, 6));
    assert_null(
        visor_diagnosis_nearest("a-word-that-is-longer-than-any-that-is-known-here", words, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number__agrees_with_the_c_library),
        cmocka_unit_test(test_number__edges_of_reading),
        cmocka_unit_test(test_words__split),
        cmocka_unit_test(test_diagnosis__text_is_safe_and_cut_at_characters),
        cmocka_unit_test(test_diagnosis__nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
