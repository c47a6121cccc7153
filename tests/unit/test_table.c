#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "timevisor/table.h"

static char *printed(const struct visor_table *table, bool colored)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    visor_table_print(table, out, colored);
    fclose(out);
    return text;
}

static void add_all(struct visor_table *table, const char *const *cells)
{
    for (; *cells; cells++)
        visor_table_add(table, VISOR_PLAIN, *cells);
}

static void test_print__aligns_and_leaves_empty_columns_out(void **state)
{
    static const char *const cells[] = {"NAME", "EMPTY", "SIZE",  "a", "",   "1", "",
                                        "",     "",      "bcdef", "",  "20", NULL};
    struct visor_table *table = visor_table_new("llr");
    char *text;

    (void)state;
    add_all(table, cells);
    text = printed(table, false);
    assert_string_equal(text, "NAME   SIZE\n"
                              "a         1\n"
                              "bcdef    20\n");
    free(text);
    visor_table_free(table);
}

static void test_print__counts_cells_of_the_terminal(void **state)
{
    static const char *const cells[] = {"时间", "x", "µs", "x", "\xff", "x", NULL};
    struct visor_table *table;
    char *text;

    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    assert_int_equal(visor_table_width("时间 µs"), 7);
    table = visor_table_new("ll");
    add_all(table, cells);
    text = printed(table, false);
    assert_string_equal(text, "时间  x\nµs    x\n\xff     x\n");
    free(text);
    visor_table_free(table);
}

static void test_print__folds_the_last_column_only(void **state)
{
    static const char *const cells[] = {
        "NAME", "WHAT", "name", "of one word and another", "a name that is long", "short", NULL};
    struct visor_table *table = visor_table_new("ll");
    char *text;

    (void)state;
    add_all(table, cells);
    visor_table_fold(table, 40);
    text = printed(table, false);
    assert_string_equal(text, "NAME                 WHAT\n"
                              "name                 of one word and\n"
                              "                     another\n"
                              "a name that is long  short\n");
    free(text);
    visor_table_fold(table, 30); /* nobody could read that */
    text = printed(table, false);
    assert_non_null(strstr(text, "of one word and another\n"));
    free(text);
    visor_table_free(table);
}

static void test_print__colors_only_when_asked(void **state)
{
    struct visor_table *table = visor_table_new("l");
    char *text;

    (void)state;
    visor_table_add(table, VISOR_PLAIN, "h");
    visor_table_add(table, VISOR_BAD, "x");
    text = printed(table, true);
    assert_string_equal(text, "h\n\033[31mx\033[0m\n");
    free(text);
    text = printed(table, false);
    assert_string_equal(text, "h\nx\n");
    free(text);
    visor_table_free(table);
}

static void test_wants_color__neither_in_files_nor_against_the_users_will(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_false(visor_table_wants_color(file));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__aligns_and_leaves_empty_columns_out),
        cmocka_unit_test(test_print__counts_cells_of_the_terminal),
        cmocka_unit_test(test_print__folds_the_last_column_only),
        cmocka_unit_test(test_print__colors_only_when_asked),
        cmocka_unit_test(test_wants_color__neither_in_files_nor_against_the_users_will),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
