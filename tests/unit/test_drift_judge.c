/* What follows from measured differences of clocks. */
#include "timevisor/drift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static struct visor_drift_clock clock_at(int64_t offset_ns, int64_t uncertainty_ns)
{
    return (struct visor_drift_clock){.clock = {offset_ns, uncertainty_ns}};
}

static void test_agree__one_and_none(void **state)
{
    struct visor_drift_clock silent = clock_at(0, VISOR_NS_MAX), one = clock_at(7 * MS, 2 * MS);
    struct visor_drift_interval agreed;

    (void)state;
    assert_int_equal(visor_drift_agree(&silent, 1, &agreed), 0);
    assert_true(agreed.uncertainty_ns == VISOR_NS_MAX);
    assert_int_equal(visor_drift_agree(&one, 1, &agreed), 1);
    assert_true(agreed.offset_ns == 7 * MS);
    assert_in_range(agreed.uncertainty_ns, 2 * MS, 2 * MS + 1);
}

static void test_agree__a_majority_and_its_overlap(void **state)
{
    struct visor_drift_clock clocks[] = {clock_at(0, 5 * MS), clock_at(900 * MS, MS),
                                         clock_at(4 * MS, 3 * MS), clock_at(0, VISOR_NS_MAX)};
    struct visor_drift_interval agreed;

    (void)state;
    assert_int_equal(visor_drift_agree(clocks, 4, &agreed), 2);
    assert_true(agreed.offset_ns - agreed.uncertainty_ns <= 1 * MS); /* [1, 5] ms */
    assert_true(agreed.offset_ns + agreed.uncertainty_ns >= 5 * MS);
    assert_true(agreed.uncertainty_ns <= 2 * MS + 1);
}

static void test_agree__half_is_no_majority(void **state)
{
    struct visor_drift_clock clocks[] = {clock_at(0, MS), clock_at(900 * MS, MS)};
    struct visor_drift_interval agreed;

    (void)state;
    visor_drift_agree(clocks, 2, &agreed);
    assert_true(agreed.uncertainty_ns == VISOR_NS_MAX);
}

static enum visor_drift_level judged(int64_t offset_ms, int64_t uncertainty_ms)
{
    struct visor_drift_interval error = {offset_ms * MS, uncertainty_ms * MS};

    return visor_drift_judge(&error, 2.5, 5.0);
}

static void test_judge__counts_the_uncertainty_against(void **state)
{
    struct visor_drift_interval unknown = {0, VISOR_NS_MAX};

    (void)state;
    assert_int_equal(judged(-1000, 100), VISOR_DRIFT_FINE);
    assert_int_equal(judged(2450, 100), VISOR_DRIFT_YELLOW); /* not surely within 2.5 s */
    assert_int_equal(judged(-4000, 100), VISOR_DRIFT_YELLOW);
    assert_int_equal(judged(4950, 100), VISOR_DRIFT_YELLOW); /* surely beyond 2.5 s */
    assert_int_equal(judged(-5200, 100), VISOR_DRIFT_RED);
    assert_int_equal(judged(0, 9000), VISOR_DRIFT_UNKNOWN);
    assert_int_equal(visor_drift_judge(&unknown, 2.5, 5.0), VISOR_DRIFT_UNKNOWN);
}

static void test_read_date__with_and_without_nanoseconds(void **state)
{
    char zone[VISOR_DRIFT_ZONE];
    int64_t wall, half;

    (void)state;
    assert_true(visor_drift_read_date("1795000000123456789\n", &wall, &half, zone));
    assert_true(wall == INT64_C(1795000000123456789) && half == 0);
    assert_true(visor_drift_read_date("1795000000N\n", &wall, &half, zone)); /* busybox, BSD */
    assert_true(wall == INT64_C(1795000000500000000) && half == 500 * MS);
    assert_true(visor_drift_read_date("1795000000\n", &wall, &half, zone));
    assert_true(half == 500 * MS);
    assert_string_equal(zone, "");
    assert_true(visor_drift_read_date("1795000000123456789 +0530\n", &wall, &half, zone));
    assert_string_equal(zone, "+0530");
    assert_true(visor_drift_read_date("1795000000N -1000\r\n", &wall, &half, zone));
    assert_string_equal(zone, "-1000");
}

static void test_zones_differ__among_those_that_are_known(void **state)
{
    static struct visor_drift_plan plan = {.machine_count = 4};

    (void)state;
    assert_false(visor_drift_zones_differ(&plan));
    strcpy(plan.machines[1].zone, "+0000");
    strcpy(plan.machines[3].zone, "+0000");
    assert_false(visor_drift_zones_differ(&plan));
    strcpy(plan.machines[3].zone, "+0800");
    assert_true(visor_drift_zones_differ(&plan));
}

static void test_read_date__no_time(void **state)
{
    static const char *const lines[] = {"",
                                        "\n",
                                        "date: not found\n",
                                        "12\n",
                                        "-1795000000\n",
                                        "1795000000 and more\n",
                                        "1795000000 +08\n",
                                        "1795000000 +0800 and more\n",
                                        "99999999999999999999\n",
                                        "9999999999999999999\n"};
    char zone[VISOR_DRIFT_ZONE];
    int64_t wall, half;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_false(visor_drift_read_date(lines[i], &wall, &half, zone));
}

static void test_add__refuses_options_and_what_is_too_much(void **state)
{
    struct visor_drift_clock clocks[2];
    char name[VISOR_DRIFT_NAME + 1];
    int count = 0;

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    assert_false(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_SSH, "-oProxyCommand=x"));
    assert_false(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_SSH, ""));
    assert_false(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_SSH, name));
    assert_true(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_SSH, "a"));
    assert_true(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_NTP, "b"));
    assert_false(visor_drift_add(clocks, &count, 2, VISOR_DRIFT_NTP, "c"));
    assert_int_equal(count, 2);
    assert_string_equal(clocks[1].name, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree__one_and_none),
        cmocka_unit_test(test_agree__a_majority_and_its_overlap),
        cmocka_unit_test(test_agree__half_is_no_majority),
        cmocka_unit_test(test_judge__counts_the_uncertainty_against),
        cmocka_unit_test(test_read_date__with_and_without_nanoseconds),
        cmocka_unit_test(test_zones_differ__among_those_that_are_known),
        cmocka_unit_test(test_read_date__no_time),
        cmocka_unit_test(test_add__refuses_options_and_what_is_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
