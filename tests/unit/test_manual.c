#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "puppet.h"

#define START INT64_C(1000000000)

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

/* No source; CLOCK_REALTIME is slow by 2.5 s and loses 100 ppm. */
static void start(struct puppet *p, bool manual)
{
    struct visor_config *config = puppet_config(0);

    config->manual = manual;
    puppet_init(p, config, START, -2.5);
    p->drift_ppb = -1e5;
}

static void type(struct puppet *p)
{
    puppet_command(p, VISOR_COMMAND_SETTIME, (double)START + puppet_true_seconds(p), 0.0);
}

static struct visor_manual_status status_of(struct puppet *p)
{
    static struct visor_status status;
    struct visor_reading now = puppet_reading(p);

    visor_engine_status(p->engine, &now, &status);
    return status.manual;
}

static void test_settime__not_unless_enabled(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, false);
    type(&p);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_NOT_ENABLED);
    puppet_command(&p, VISOR_COMMAND_MANUAL, 1.0, 0.0);
    type(&p);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    puppet_done(&p);
}

static void test_settime__the_newest_sets_the_time_all_the_rate(void **state)
{
    struct visor_manual_status list;
    struct puppet p;

    (void)state;
    start(&p, true);
    puppet_run(&p, 100.0);
    type(&p);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    assert_true(size_of(p.answer.number[0] - 2.51) < 1e-6);
    assert_true(p.answer.number[1] == 0.0);
    puppet_run(&p, 10100.0);
    assert_true(size_of(puppet_error(&p) + 1.0) < 1e-3); /* the rate is not known yet */
    type(&p);
    assert_true(size_of(p.answer.number[1] - 100.0) < 0.02);
    puppet_run(&p, 20000.0);
    assert_true(size_of(puppet_error(&p)) < 1e-4);

    list = status_of(&p);
    assert_true(list.enabled);
    assert_int_equal(list.count, 2);
    assert_true(size_of(list.samples[0].original_offset - 2.51) < 1e-6);
    assert_true(size_of(list.samples[1].original_offset - 1.0) < 1e-3);
    assert_true(size_of(list.samples[0].slewed_offset) < 1e-4);
    assert_true(size_of(list.samples[1].residual) < 1e-6);
    assert_int_equal(p.view.stratum, 0); /* set, but nothing vouches for it */
    assert_int_equal(p.view.bound_ns, VISOR_NS_MAX);
    puppet_done(&p);
}

static void test_settime__nonsense(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, true);
    puppet_command(&p, VISOR_COMMAND_SETTIME, 1e300, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_BAD_SAMPLE);
    type(&p);
    puppet_run(&p, 1.5);
    type(&p); /* half a second later */
    assert_int_equal(p.answer.answer, VISOR_ANSWER_BAD_SAMPLE);
    puppet_command(&p, VISOR_COMMAND_MANUAL_DELETE, 1.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_BAD_SAMPLE);
    puppet_command(&p, VISOR_COMMAND_MANUAL_DELETE, -1.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_BAD_SAMPLE);
    puppet_done(&p);
}

/* The day before, then the day: no clock has the rate between them. */
static void test_settime__contradictions_tell_no_rate(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, true);
    puppet_command(&p, VISOR_COMMAND_MAKESTEP_POLICY, 1.0, -1.0);
    puppet_command(&p, VISOR_COMMAND_SETTIME, (double)START - 86400.0, 0.0);
    puppet_run(&p, 100.0);
    type(&p);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    assert_true(p.answer.number[1] == 0.0 && p.answer.number[2] == 0.0);
    puppet_run(&p, 200.0);
    assert_true(size_of(puppet_error(&p)) < 0.02);
    puppet_done(&p);
}

static void test_delete__a_mistake_is_taken_back(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, true);
    type(&p);
    puppet_run(&p, 10000.0);
    type(&p);
    puppet_run(&p, 20000.0);
    puppet_command(&p, VISOR_COMMAND_SETTIME, (double)START + puppet_true_seconds(&p) + 60.0, 0.0);
    puppet_run(&p, 21000.0);
    assert_true(puppet_error(&p) > 50.0);
    puppet_command(&p, VISOR_COMMAND_MANUAL_DELETE, 2.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    puppet_run(&p, 23000.0);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    puppet_command(&p, VISOR_COMMAND_MANUAL, 2.0, 0.0);
    assert_int_equal(status_of(&p).count, 0);
    puppet_done(&p);
}

static void test_settime__seventeen_fit_into_sixteen(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, true);
    for (int i = 1; i <= 17; i++) {
        puppet_run(&p, 100.0 * i);
        type(&p);
    }
    assert_int_equal(status_of(&p).count, VISOR_MANUAL_MAX);
    assert_true(size_of(status_of(&p).samples[0].original_offset) < 1.0); /* the 2.5 s are gone */
    puppet_done(&p);
}

static void test_doffset__and_dfreq(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, false);
    puppet_command(&p, VISOR_COMMAND_DOFFSET, 2.5, 0.0);
    puppet_command(&p, VISOR_COMMAND_DFREQ, 100.0, 0.0);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    puppet_run(&p, 1000.0);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    assert_int_equal(p.messages[VISOR_MESSAGE_DOFFSET], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_DFREQ], 1);
    puppet_done(&p);
}

static void test_doffset__a_source_puts_it_right(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), START, 0.0);
    puppet_run(&p, 100.0);
    puppet_command(&p, VISOR_COMMAND_DOFFSET, 0.1, 0.0);
    assert_true(p.view.bound_ns >= 100000000); /* what the sources allowed stays allowed */
    assert_true(visor_view_utc(&p.view, (visor_mono){p.now}).ns - puppet_utc(&p) > 99000000);
    puppet_run(&p, 120.0);
    assert_true(size_of(puppet_error(&p)) < 1e-4);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settime__not_unless_enabled),
        cmocka_unit_test(test_settime__the_newest_sets_the_time_all_the_rate),
        cmocka_unit_test(test_settime__nonsense),
        cmocka_unit_test(test_settime__contradictions_tell_no_rate),
        cmocka_unit_test(test_delete__a_mistake_is_taken_back),
        cmocka_unit_test(test_settime__seventeen_fit_into_sixteen),
        cmocka_unit_test(test_doffset__and_dfreq),
        cmocka_unit_test(test_doffset__a_source_puts_it_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
