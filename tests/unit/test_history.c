/* What tracking.log shows of a period, and never more than it shows. */
#include "advise/history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LINE                                                                                       \
    "2026-11-01 00:01:04 10.0.0.1         2     -1.234      0.010  1.000e-06 N  1  1.000e-06 "     \
    "-1.000e-07  4.000e-04  5.000e-05  2.500e-04"

static enum visor_history_kind read_text(const char *text, struct visor_history_line *line)
{
    return visor_history_read(text, strlen(text), line);
}

static void test_read__a_line(void **state)
{
    struct visor_history_line line;

    (void)state;
    assert_int_equal(read_text(LINE, &line), VISOR_HISTORY_LINE);
    assert_true(line.time_s == 1793491264);
    assert_true(line.synchronized);
    assert_true(fabs(line.max_error_s - 2.5e-4) < 1e-15);
    assert_int_equal(read_text(LINE "\r", &line), VISOR_HISTORY_LINE);
}

static void test_read__headings_are_passed_over(void **state)
{
    struct visor_history_line line;

    (void)state;
    assert_int_equal(read_text("", &line), VISOR_HISTORY_BLANK);
    assert_int_equal(read_text("  \t", &line), VISOR_HISTORY_BLANK);
    assert_int_equal(read_text("=========", &line), VISOR_HISTORY_BLANK);
    assert_int_equal(read_text("   Date (UTC) Time     IP Address   St", &line),
                     VISOR_HISTORY_BLANK);
}

static void test_read__broken(void **state)
{
    struct visor_history_line line;
    char text[sizeof(LINE) + 8];

    (void)state;
    assert_int_equal(read_text("Nov 1 host chronyd[1]: Selected source", &line),
                     VISOR_HISTORY_BROKEN);
    for (size_t cut = 1; cut < sizeof(LINE) - 1; cut++) /* a full disk ends a line anywhere */
        if (visor_history_read(LINE, cut, &line) == VISOR_HISTORY_LINE)
            assert_true(cut > sizeof(LINE) - 10); /* within the last number */
    strcpy(text, LINE);
    memcpy(text, "2026-13", 7);
    assert_int_equal(read_text(text, &line), VISOR_HISTORY_BROKEN);
    assert_int_equal(read_text(LINE " 1", &line), VISOR_HISTORY_BROKEN);
    strcpy(text, LINE);
    memcpy(text + sizeof(LINE) - 11, "-2.500e-04", 10); /* errors are not negative */
    assert_int_equal(read_text(text, &line), VISOR_HISTORY_BROKEN);
}

static struct visor_history history;

static void add(int64_t time_s, double error_s, bool synchronized)
{
    struct visor_history_line line = {time_s, synchronized, error_s};

    visor_history_add(&history, &line);
}

static int64_t sum(void)
{
    return history.within_s + history.beyond_s + history.unsynchronized_s + history.missing_s;
}

static void test_add__each_line_speaks_for_the_time_before_it(void **state)
{
    (void)state;
    visor_history_begin(&history, 1000, 2000, 1e-3, 300);
    add(900, 9.0, true); /* of before the period */
    add(1100, 1e-4, true);
    add(1200, 2e-3, true);
    add(1300, 1e-3, true); /* at the limit is within */
    add(1400, 1e-4, false);
    add(1800, 1e-4, true); /* more than 300 s later */
    add(2100, 5e-4, true); /* its part of the period */
    visor_history_end(&history);
    assert_true(history.within_s == 100 + 100 + 200);
    assert_true(history.beyond_s == 100);
    assert_true(history.unsynchronized_s == 100);
    assert_true(history.missing_s == 400);
    assert_true(sum() == 1000);
    assert_true(history.worst_s == 2e-3 && history.worst_at_s == 1200);
    assert_int_equal(history.excursion_count, 2);
    assert_true(history.excursions[0].from_s == 1100 && history.excursions[0].to_s == 1200);
    assert_true(history.excursions[1].from_s == 1300 && history.excursions[1].to_s == 1800);
    assert_true(isinf(history.excursions[1].worst_s));
}

static void test_add__nothing_is_shown_by_nothing(void **state)
{
    (void)state;
    visor_history_begin(&history, 0, 5000, 1.0, 300);
    visor_history_end(&history);
    assert_true(history.missing_s == 5000 && history.excursion_count == 1);
    visor_history_begin(&history, 0, 5000, 1.0, 300);
    add(100, 1e-6, true); /* a first line has none before it */
    visor_history_end(&history);
    assert_true(history.within_s == 0 && history.missing_s == 5000);
}

static void test_add__a_clock_that_went_back(void **state)
{
    (void)state;
    visor_history_begin(&history, 1000, 2000, 1e-3, 300);
    add(1000, 1e-4, true);
    add(1200, 1e-4, true);
    add(1100, 1e-4, true);
    add(1200, 1e-4, true);
    add(1400, 1e-4, true);
    visor_history_end(&history);
    assert_true(history.backward == 1);
    assert_true(history.within_s == 400 && sum() == 1000);
}

static void test_add__many_excursions_are_counted(void **state)
{
    (void)state;
    visor_history_begin(&history, 0, 100000, 1e-3, 300);
    for (int i = 0; i <= 200; i++)
        add(100 * i, i % 2 ? 1e-4 : 1e-2, true);
    visor_history_end(&history);
    assert_int_equal(history.excursion_count, VISOR_HISTORY_EXCURSIONS);
    assert_true(history.excursion_more == 101 - VISOR_HISTORY_EXCURSIONS);
    assert_true(history.beyond_s == 100 * 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__a_line),
        cmocka_unit_test(test_read__headings_are_passed_over),
        cmocka_unit_test(test_read__broken),
        cmocka_unit_test(test_add__each_line_speaks_for_the_time_before_it),
        cmocka_unit_test(test_add__nothing_is_shown_by_nothing),
        cmocka_unit_test(test_add__a_clock_that_went_back),
        cmocka_unit_test(test_add__many_excursions_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
