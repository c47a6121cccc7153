#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "puppet.h"

#define START INT64_C(1000000000)

static void start(struct puppet *p, int ignore)
{
    struct visor_config *config = puppet_config(1);

    config->max_change = 0.1;
    config->max_change_delay = 1;
    config->max_change_ignore = ignore;
    config->log_change = 0.05;
    puppet_init(p, config, START, -2.0);
    puppet_run(p, 120.0);
    assert_true(puppet_error(p) < 1e-4 && puppet_error(p) > -1e-4);
    assert_int_equal(p->messages[VISOR_MESSAGE_WRONG_BY], 1);
}

static void step_by_somebody(struct puppet *p, double seconds)
{
    p->gap += (int64_t)(seconds * 1e9);
}

/* The first two seconds are allowed; what somebody else does later is too much. */
static void test_maxchange__ignores_then_gives_up(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, 3);
    step_by_somebody(&p, 1.0);
    puppet_run(&p, 129.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_CHANGE_IGNORED], 3);
    assert_true(puppet_error(&p) > 0.999 && puppet_error(&p) < 1.001);
    assert_false(p.fatal);
    puppet_run(&p, 133.0);
    assert_true(p.fatal);
    puppet_done(&p);
}

static void test_maxchange__goes_on_when_the_step_is_undone(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, -1);
    step_by_somebody(&p, -1.0);
    puppet_run(&p, 1000.0);
    assert_true(puppet_error(&p) < -0.999);
    step_by_somebody(&p, 0.95);
    puppet_run(&p, 1100.0);
    assert_true(puppet_error(&p) < 1e-4 && puppet_error(&p) > -1e-4);
    assert_int_equal(p.messages[VISOR_MESSAGE_WRONG_BY], 1);
    assert_false(p.fatal);
    puppet_done(&p);
}

static void test_logchange__a_slew_is_said_once(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->log_change = 0.05;
    config->max_slew_rate = 1000.0;
    puppet_init(&p, config, START, -2.0);
    puppet_run(&p, 500.0);
    assert_true(puppet_error(&p) < -1.0); /* still on its way */
    assert_int_equal(p.messages[VISOR_MESSAGE_WRONG_BY], 1);
    step_by_somebody(&p, 1.0);
    puppet_run(&p, 501.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_WRONG_BY], 2);
    assert_true(p.last[VISOR_MESSAGE_WRONG_BY].number[0] == -1.0);
    puppet_run(&p, 600.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_WRONG_BY], 2);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maxchange__ignores_then_gives_up),
        cmocka_unit_test(test_maxchange__goes_on_when_the_step_is_undone),
        cmocka_unit_test(test_logchange__a_slew_is_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
