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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip__counts_cells_and_not_escapes),
        cmocka_unit_test(test_clip__never_halves_a_character),
    };

    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
