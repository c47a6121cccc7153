#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/leap.h"
#include "puppet.h"

#define DEC_31_2008 INT64_C(1230681600)
#define JAN_1_2009  (DEC_31_2008 + 86400)
#define JUN_30_2012 INT64_C(1341014400)

static const struct visor_leap_entry table[] = {
    {1136073600, 33}, {JAN_1_2009, 34}, {JUN_30_2012 + 86400, 35}};

static enum visor_leap today(int64_t utc_s, enum visor_leap voted, size_t count, int *tai)
{
    return visor_leap_today(utc_s, voted, table, count, tai);
}

static void test_today__by_the_list(void **state)
{
    int tai;

    (void)state;
    assert_int_equal(today(DEC_31_2008 - 1, VISOR_LEAP_NONE, 3, &tai), VISOR_LEAP_NONE);
    assert_int_equal(today(DEC_31_2008, VISOR_LEAP_NONE, 3, &tai), VISOR_LEAP_INSERT);
    assert_int_equal(tai, 33);
    assert_int_equal(today(JAN_1_2009 - 1, VISOR_LEAP_NONE, 3, &tai), VISOR_LEAP_INSERT);
    assert_int_equal(today(JAN_1_2009, VISOR_LEAP_NONE, 3, &tai), VISOR_LEAP_NONE);
    assert_int_equal(tai, 34);
    assert_int_equal(today(DEC_31_2008, VISOR_LEAP_NONE, 0, &tai), VISOR_LEAP_NONE);
    assert_int_equal(tai, 0);
}

static void test_today__votes_on_the_usual_days_only(void **state)
{
    int tai;

    (void)state;
    assert_int_equal(today(DEC_31_2008, VISOR_LEAP_DELETE, 3, &tai), VISOR_LEAP_DELETE);
    assert_int_equal(today(JUN_30_2012 + 5, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_INSERT);
    assert_int_equal(today(DEC_31_2008 - 1, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_NONE);
    assert_int_equal(today(JAN_1_2009, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_NONE);
    assert_int_equal(today(JUN_30_2012 - 1, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_NONE);
    assert_int_equal(today(-86400, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_INSERT); /* 1969 */
    assert_int_equal(today(-1, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_INSERT);
    assert_int_equal(today(-86401, VISOR_LEAP_INSERT, 0, &tai), VISOR_LEAP_NONE);
    assert_int_equal(today(INT64_C(951782400), VISOR_LEAP_INSERT, 0, &tai), /* 29 Feb 2000 */
                     VISOR_LEAP_NONE);
    assert_int_equal(today(INT64_C(978220800), VISOR_LEAP_INSERT, 0, &tai), /* 31 Dec 2000 */
                     VISOR_LEAP_INSERT);
}

/* Half an hour around the leap second of 2008 with a list; true UTC makes it, too. */
static void start(struct puppet *p, enum visor_leap_mode mode, int shift_s)
{
    struct visor_config *config = puppet_config(1);

    config->leap_mode = mode;
    config->leaps = calloc(3, sizeof(table[0]));
    config->leap_count = 3;
    for (size_t i = 0; i < 3; i++) {
        config->leaps[i] = table[i];
        config->leaps[i].tai_offset_s = i == 0 ? 33 : i == 1 ? 33 - shift_s : 34 - shift_s;
    }
    puppet_init(p, config, JAN_1_2009 - 900, 0.0);
    p->leap_ns = shift_s * VISOR_NS_PER_S;
    p->leap_at = (900 - (shift_s > 0 ? 1 : 0)) * VISOR_NS_PER_S;
    puppet_run(p, 890.0);
}

static double error_of_real(const struct puppet *p)
{
    return (double)(puppet_real(p) - puppet_utc(p)) * 1e-9;
}

static double error_of_view(const struct puppet *p)
{
    return (double)(visor_view_utc(&p->view, (visor_mono){p->now}).ns - puppet_utc(p)) * 1e-9;
}

#define assert_small(x) assert_true((x) < 1e-4 && (x) > -1e-4)

static void check_system(int shift_s, enum visor_leap announced)
{
    struct puppet p;

    start(&p, VISOR_LEAP_MODE_SYSTEM, shift_s);
    assert_int_equal(p.view.leap, announced);
    assert_int_equal(p.view.tai_offset_s, 33);
    assert_int_equal(p.armed, announced);
    assert_int_equal(p.status.tai_offset_s, 33);
    puppet_run(&p, (double)p.leap_at * 1e-9 - 0.2);
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_int_equal(p.view.stratum, 1);
    puppet_run(&p, (double)p.leap_at * 1e-9 + 0.3);
    assert_small(error_of_view(&p));
    assert_small(error_of_real(&p));
    puppet_run(&p, 1800.0);
    assert_small(error_of_view(&p));
    assert_small(error_of_real(&p));
    assert_int_equal(p.view.leap, VISOR_LEAP_NONE);
    assert_int_equal(p.view.tai_offset_s, 33 - shift_s);
    assert_true(p.kernel_leap_raw != 0);
    assert_int_equal(p.steps, 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_TAI_OFFSET], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_JUMP_BELIEVED], 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_LEFT], 0);
    puppet_done(&p);
}

static void test_leap__the_kernel_inserts(void **state)
{
    (void)state;
    check_system(-1, VISOR_LEAP_INSERT);
}

static void test_leap__the_kernel_deletes(void **state)
{
    (void)state;
    check_system(1, VISOR_LEAP_DELETE);
}

static void test_leap__a_kernel_that_forgets_is_helped(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_LEAP_MODE_SYSTEM, -1);
    p.lame = true;
    puppet_run(&p, 910.0);
    assert_int_equal(p.steps, 1);
    assert_small(error_of_real(&p));
    puppet_done(&p);
}

static void test_leap__stepped(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_LEAP_MODE_STEP, -1);
    assert_int_equal(p.armed, VISOR_LEAP_NONE);
    puppet_run(&p, 900.1);
    assert_int_equal(p.steps, 1);
    assert_small(error_of_real(&p));
    puppet_run(&p, 1800.0);
    assert_int_equal(p.steps, 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 0);
    puppet_done(&p);
}

static void test_leap__slewed(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_LEAP_MODE_SLEW, -1);
    puppet_run(&p, 901.0);
    assert_small(error_of_view(&p)); /* the estimate is right at once */
    assert_true(error_of_real(&p) > 0.9);
    puppet_run(&p, 915.0);
    assert_small(error_of_real(&p));
    assert_int_equal(p.steps, 0);
    puppet_done(&p);
}

static void test_leap__ignored_until_measured(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_LEAP_MODE_IGNORE, -1);
    puppet_run(&p, 903.0);
    assert_true(error_of_view(&p) > 0.9);
    assert_int_equal(p.messages[VISOR_MESSAGE_LEAP_DONE], 1);
    puppet_run(&p, 1200.0);
    assert_small(error_of_view(&p));
    puppet_done(&p);
}

static void test_leap__by_vote_of_the_source(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), JAN_1_2009 - 900, 0.0);
    p.hint = VISOR_LEAP_INSERT;
    p.leap_ns = -VISOR_NS_PER_S;
    p.leap_at = 900 * VISOR_NS_PER_S;
    puppet_run(&p, 890.0);
    assert_int_equal(p.view.leap, VISOR_LEAP_INSERT);
    p.hint = VISOR_LEAP_NONE;
    puppet_run(&p, 894.0);
    assert_int_equal(p.view.leap, VISOR_LEAP_NONE); /* it has changed its mind, in time */
    puppet_done(&p);
}

/* A clock that is moved by hand from an announced one to days before, and back to right there. */
static void test_leap__of_the_day_that_it_is(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_LEAP_MODE_STEP, -1);
    p.silent = true;
    puppet_command(&p, VISOR_COMMAND_DOFFSET, -10.0 * 86400.0, 0.0);
    puppet_run(&p, 891.0);
    p.silent = false;
    p.utc_at_0 -= 10 * 86400 * VISOR_NS_PER_S;
    p.leap_at = 0;
    puppet_run(&p, 1000.0);
    assert_small(error_of_view(&p));
    assert_int_equal(p.view.leap, VISOR_LEAP_NONE);
    p.silent = true;
    puppet_command(&p, VISOR_COMMAND_DOFFSET, 10.0 * 86400.0 - 99.0, 0.0);
    assert_true(visor_engine_deadline(p.engine).ns > p.now); /* else it would spin */
    puppet_done(&p);
}

/* Its clock is set to the end of another half-year, which ends with one as well. */
static void test_leap__voted_for_another_day(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), JAN_1_2009 - 9000, 0.0);
    p.hint = VISOR_LEAP_INSERT;
    puppet_run(&p, 900.0);
    assert_int_equal(p.view.leap, VISOR_LEAP_INSERT);
    p.utc_at_0 += (JUN_30_2012 - DEC_31_2008) * VISOR_NS_PER_S;
    puppet_run(&p, 3000.0);
    assert_small(error_of_view(&p));
    assert_int_equal(p.view.leap, VISOR_LEAP_INSERT);
    assert_int_equal(p.messages[VISOR_MESSAGE_LEAP_DONE], 0);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_today__by_the_list),
        cmocka_unit_test(test_today__votes_on_the_usual_days_only),
        cmocka_unit_test(test_leap__the_kernel_inserts),
        cmocka_unit_test(test_leap__the_kernel_deletes),
        cmocka_unit_test(test_leap__a_kernel_that_forgets_is_helped),
        cmocka_unit_test(test_leap__stepped),
        cmocka_unit_test(test_leap__slewed),
        cmocka_unit_test(test_leap__ignored_until_measured),
        cmocka_unit_test(test_leap__by_vote_of_the_source),
        cmocka_unit_test(test_leap__of_the_day_that_it_is),
        cmocka_unit_test(test_leap__voted_for_another_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
