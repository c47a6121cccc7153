#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "timevisor/screen.h"

static void test_clip__counts_cells_and_not_escapes(void **state)
{
    static const char line[] = "\033[31mab\033[0mc";

    (void)state;
    assert_int_equal(visor_screen_clip(line, strlen(line), 3), strlen(line));
    assert_int_equal(visor_screen_clip(line, strlen(line), 1), strlen("\033[31ma"));
    assert_int_equal(visor_screen_clip(line, strlen(line), 2), strlen("\033[31mab\033[0m"));
    assert_int_equal(visor_screen_clip("\033[3", 3, 5), 3);
    assert_int_equal(visor_screen_clip("", 0, 5), 0);
}

static void test_clip__never_halves_a_character(void **state)
{
    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    assert_int_equal(visor_screen_clip("时间x", 7, 3), 3);
    assert_int_equal(visor_screen_clip("时间x", 7, 4), 6);
    assert_int_equal(visor_screen_clip("\xff\xffz", 3, 2), 2);
}

static void test_fold__breaks_between_words(void **state)
{
    (void)state;
    assert_int_equal(visor_screen_fold("one two three", 13), 13);
    assert_int_equal(visor_screen_fold("one two three", 12), 7);
    assert_int_equal(visor_screen_fold("one two three", 7), 7);
    assert_int_equal(visor_screen_fold("one two three", 5), 3);
    assert_int_equal(visor_screen_fold("onetwo", 4), 4);
    assert_int_equal(visor_screen_fold("", 4), 0);
}

static void test_fold__breaks_chinese_anywhere(void **state)
{
    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    assert_int_equal(visor_screen_fold("时钟正确", 5), 6);
    assert_int_equal(visor_screen_fold("时", 1), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip__counts_cells_and_not_escapes),
        cmocka_unit_test(test_clip__never_halves_a_character),
        cmocka_unit_test(test_fold__breaks_between_words),
        cmocka_unit_test(test_fold__breaks_chinese_anywhere),
    };

    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
