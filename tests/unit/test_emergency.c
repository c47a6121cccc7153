/* The state machine of emergency levels, by facts alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/emergency.h"

struct desk {
    struct visor_emergency emergency;
    struct visor_emergency_facts facts;
};

static struct desk calm(void)
{
    struct desk desk = {.facts = {.now = {1000 * VISOR_NS_PER_S}, .known = true, .error_s = 1e-3}};

    visor_emergency_init(&desk.emergency);
    assert_false(visor_emergency_judge(&desk.emergency, &desk.facts));
    assert_true(visor_emergency_deadline(&desk.emergency).ns == INT64_MAX);
    return desk;
}

static bool after(struct desk *desk, double seconds)
{
    desk->facts.now.ns += (int64_t)(seconds * 1e9);
    return visor_emergency_judge(&desk->emergency, &desk->facts);
}

static void check(const struct desk *desk, enum visor_emergency_level level,
                  enum visor_emergency_cause cause)
{
    assert_int_equal(desk->emergency.level, level);
    assert_int_equal(desk->emergency.cause, cause);
}

static void test_judge__by_the_error(void **state)
{
    struct desk desk = calm();

    (void)state;
    desk.facts.error_s = 5.0;
    assert_false(after(&desk, 1.0));
    desk.facts.error_s = 5.001;
    assert_true(after(&desk, 1.0));
    check(&desk, VISOR_EMERGENCY_YELLOW, VISOR_CAUSE_ERROR);
    assert_false(after(&desk, 1.0));
    desk.facts.error_s = 30.001;
    assert_true(after(&desk, 1.0));
    check(&desk, VISOR_EMERGENCY_ORANGE, VISOR_CAUSE_ERROR);
    desk.facts.error_s = 1e9;
    assert_false(after(&desk, 1.0)); /* there is a source that can correct it */
    desk.facts.leaderless = true;
    assert_true(after(&desk, 1.0));
    check(&desk, VISOR_EMERGENCY_RED, VISOR_CAUSE_ERROR);
    assert_true(desk.emergency.red_now);
    assert_int_equal(desk.emergency.count, 3);
    assert_int_equal(visor_emergency_newest(&desk.emergency)->level, VISOR_EMERGENCY_RED);
}

static void test_judge__by_the_limit(void **state)
{
    static const struct {
        double error_s;
        enum visor_emergency_level level;
    } cases[] = {{0.0049, VISOR_EMERGENCY_NORMAL},
                 {0.0051, VISOR_EMERGENCY_YELLOW},
                 {0.0081, VISOR_EMERGENCY_ORANGE},
                 {0.0101, VISOR_EMERGENCY_RED}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct desk desk = calm();

        desk.facts.error_s = cases[i].error_s;
        assert_int_equal(after(&desk, 1.0), false); /* without a limit */
        desk.facts.limit_s = 0.01;
        assert_int_equal(after(&desk, 1.0), cases[i].level != VISOR_EMERGENCY_NORMAL);
        check(&desk, cases[i].level, i ? VISOR_CAUSE_LIMIT : VISOR_CAUSE_NONE);
    }
}

static void test_judge__by_the_sources(void **state)
{
    struct desk desk = calm();

    (void)state;
    desk.facts.leaderless = true;
    assert_false(after(&desk, 1.0));
    assert_true(visor_emergency_deadline(&desk.emergency).ns ==
                desk.facts.now.ns + 60 * VISOR_NS_PER_S);
    assert_false(after(&desk, 59.9));
    assert_true(after(&desk, 0.1));
    check(&desk, VISOR_EMERGENCY_YELLOW, VISOR_CAUSE_SOURCES);
    assert_false(after(&desk, 1e6)); /* its bound is honest */
    desk = calm();
    desk.facts = (struct visor_emergency_facts){
        .now = desk.facts.now, .leaderless = true, .error_s = -1.0}; /* never measured */
    assert_false(after(&desk, 1.0));
    assert_true(after(&desk, 60.0));
    check(&desk, VISOR_EMERGENCY_YELLOW, VISOR_CAUSE_SOURCES);
    assert_true(after(&desk, 60.0));
    check(&desk, VISOR_EMERGENCY_ORANGE, VISOR_CAUSE_SOURCES);
    assert_true(after(&desk, 180.0));
    check(&desk, VISOR_EMERGENCY_RED, VISOR_CAUSE_SOURCES);
}

static void test_judge__by_a_stop(void **state)
{
    struct desk desk = calm();

    (void)state;
    desk.facts.stopped = true;
    desk.facts.error_s = 0.0;
    desk.facts.limit_s = 1e-3; /* the size of a jump is no bound */
    assert_false(after(&desk, 1.0));
    assert_false(after(&desk, 2.9));
    assert_true(after(&desk, 0.1));
    check(&desk, VISOR_EMERGENCY_ORANGE, VISOR_CAUSE_STOPPED);
    assert_false(after(&desk, 6.9));
    assert_true(visor_emergency_deadline(&desk.emergency).ns == desk.facts.now.ns + 100000000);
    assert_true(after(&desk, 0.1));
    check(&desk, VISOR_EMERGENCY_RED, VISOR_CAUSE_STOPPED);
    desk = calm();
    desk.facts.stopped = true;
    desk.facts.error_s = 60.0; /* that is known at once */
    assert_true(after(&desk, 0.0));
    check(&desk, VISOR_EMERGENCY_ORANGE, VISOR_CAUSE_ERROR);
}

static void test_judge__a_level_lasts(void **state)
{
    struct desk desk = calm();

    (void)state;
    desk.facts.error_s = 40.0;
    assert_true(after(&desk, 1.0));
    desk.facts.error_s = 25.0; /* over four fifths of 30 */
    assert_false(after(&desk, 1000.0));
    desk.facts.error_s = 23.0;
    assert_false(after(&desk, 1.0));
    assert_false(after(&desk, 14.9));
    desk.facts.error_s = 25.0; /* and once again */
    assert_false(after(&desk, 0.1));
    desk.facts.error_s = 3.0;
    assert_false(after(&desk, 15.9));
    assert_true(visor_emergency_deadline(&desk.emergency).ns <= desk.facts.now.ns + 100000001);
    assert_true(after(&desk, 0.2));
    check(&desk, VISOR_EMERGENCY_NORMAL, VISOR_CAUSE_NONE);
    assert_true(visor_emergency_deadline(&desk.emergency).ns == INT64_MAX);
    assert_int_equal(visor_emergency_newest(&desk.emergency)->level, VISOR_EMERGENCY_NORMAL);
}

/* Red's measures end with its reasons, not with its level. */
static void test_judge__the_reasons_of_red(void **state)
{
    struct desk desk = calm();

    (void)state;
    desk.facts.limit_s = 0.01;
    desk.facts.error_s = 0.02;
    assert_true(after(&desk, 1.0));
    assert_true(desk.emergency.red_now);
    desk.facts.error_s = 0.0081;
    assert_false(after(&desk, 1.0));
    assert_true(desk.emergency.red_now);
    desk.facts.error_s = 0.001;
    assert_false(after(&desk, 1.0));
    assert_false(desk.emergency.red_now);
    check(&desk, VISOR_EMERGENCY_RED, VISOR_CAUSE_LIMIT);
}

/* Whatever is fed to it: the deadline is never in the past, so that no loop spins. */
static void test_deadline__is_ahead(void **state)
{
    struct desk desk = calm();
    uint32_t dice = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        dice = dice * 1664525u + 1013904223u;
        desk.facts.known = dice >> 9 & 1;
        desk.facts.stopped = (dice >> 10 & 3) == 0;
        desk.facts.leaderless = dice >> 12 & 1;
        desk.facts.error_s = (double)(dice >> 13 & 63) - 1.0;
        desk.facts.limit_s = dice >> 20 & 1 ? 10.0 : 0.0;
        after(&desk, (double)(dice >> 21 & 127));
        assert_true(visor_emergency_deadline(&desk.emergency).ns > desk.facts.now.ns);
    }
    assert_true(desk.emergency.count > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__by_the_error),
        cmocka_unit_test(test_judge__by_the_limit),
        cmocka_unit_test(test_judge__by_the_sources),
        cmocka_unit_test(test_judge__by_a_stop),
        cmocka_unit_test(test_judge__a_level_lasts),
        cmocka_unit_test(test_judge__the_reasons_of_red),
        cmocka_unit_test(test_deadline__is_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
