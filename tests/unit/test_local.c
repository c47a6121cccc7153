#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/local.h"
#include "engine/serve.h"
#include "puppet.h"
#include "wire/ntp.h"

static struct visor_local make(void)
{
    return (struct visor_local){.enabled = true, .stratum = 5, .distance = 1.0};
}

static void test_judge__unsynchronised_after_its_wait(void **state)
{
    struct visor_local local = make();

    (void)state;
    local.wait_unsynced = 300.0;
    assert_true(visor_local_judge(&local, false, 100.0, 0.0, 0.0) == 200.0);
    assert_false(local.active);
    assert_true(visor_local_judge(&local, false, 300.0, 0.0, 0.0) == -1.0);
    assert_true(local.active);
    local.enabled = false;
    visor_local_judge(&local, false, 300.0, 0.0, 0.0);
    assert_false(local.active);
}

static void test_judge__synchronised_by_distance(void **state)
{
    struct visor_local local = make();
    double again;

    (void)state;
    again = visor_local_judge(&local, true, 1.0, 0.1, 1e-3);
    assert_false(local.active);
    assert_true(again > 899.9 && again < 900.1);
    assert_true(visor_local_judge(&local, true, 1.0, 0.1, 0.0) == -1.0);
    assert_false(local.active);
    visor_local_judge(&local, true, 901.0, 1.001, 1e-3);
    assert_true(local.active);
}

static void test_judge__synchronised_has_to_wait_too(void **state)
{
    struct visor_local local = make();

    (void)state;
    local.distance = 0.0;
    local.wait_synced = 150.0;
    assert_true(visor_local_judge(&local, true, 100.0, 0.1, 1e-3) == 50.0);
    assert_false(local.active);
    visor_local_judge(&local, true, 150.0, 0.1, 1e-3);
    assert_true(local.active);
}

static void test_judge__activated_once_by_a_good_clock(void **state)
{
    struct visor_local local = make();

    (void)state;
    local.activate = 0.1;
    visor_local_judge(&local, false, 1e6, 0.0, 0.0);
    assert_false(local.active);
    visor_local_judge(&local, true, 1e6, 2.0, 0.0);
    assert_false(local.active); /* distant enough, but it was never near */
    visor_local_judge(&local, true, 0.0, 0.05, 0.0);
    assert_false(local.active);
    visor_local_judge(&local, true, 1e6, 2.0, 0.0);
    assert_true(local.active);
}

static struct visor_config *config_of(size_t refclocks)
{
    struct visor_config *config = puppet_config(refclocks);

    config->local_enabled = true;
    config->local_stratum = 5;
    config->local_distance = 1.0;
    return config;
}

static void test_engine__serves_its_own_clock_without_sources(void **state)
{
    struct visor_config *config = config_of(0);
    struct puppet p;

    (void)state;
    config->local_wait_unsynced = 100.0;
    puppet_init(&p, config, 1000000000, 2.5);
    puppet_run(&p, 50.0);
    assert_int_equal(p.view.stratum, 0);
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    puppet_run(&p, 102.0);
    assert_int_equal(p.view.stratum, 5);
    assert_int_equal(p.view.refid, VISOR_NTP_REFID_LOCAL);
    assert_int_equal(p.view.leap, VISOR_LEAP_NONE);
    assert_int_equal(visor_view_utc(&p.view, (visor_mono){p.now}).ns, puppet_real(&p));
    puppet_done(&p);
}

static void test_engine__serves_the_estimate_when_the_distance_has_grown(void **state)
{
    struct visor_config *config = config_of(1);
    struct puppet p;

    (void)state;
    config->max_clock_error = 1000.0;
    puppet_init(&p, config, 1000000000, 2.5);
    puppet_run(&p, 60.0);
    assert_int_equal(p.view.stratum, 1);
    assert_int_not_equal(p.view.refid, VISOR_NTP_REFID_LOCAL);
    p.silent = true;
    puppet_run(&p, 300.0);
    assert_int_equal(p.view.stratum, 1);
    puppet_run(&p, 1200.0);
    assert_int_equal(p.view.stratum, 5);
    assert_int_equal(p.view.refid, VISOR_NTP_REFID_LOCAL);
    p.silent = false;
    puppet_run(&p, 1300.0);
    assert_int_equal(p.view.stratum, 1);
    puppet_done(&p);
}

static void test_engine__command(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_COMMAND};
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(0), 1000000000, 0.0);
    assert_int_equal(p.view.stratum, 0);
    event.command = (struct visor_event_command){.kind = VISOR_COMMAND_LOCAL,
                                                 .number = {1.0, 7.0, 1.0, 1.0, 0.0, 0.0, 0.0}};
    puppet_give(&p, &event);
    assert_int_equal(p.answer.answer, VISOR_ANSWER_OK);
    assert_int_equal(p.view.stratum, 7);
    assert_true(p.view.orphan);
    puppet_command(&p, VISOR_COMMAND_LOCAL, 0.0, 0.0);
    assert_int_equal(p.view.stratum, 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_LOCAL], 2);
    puppet_done(&p);
}

/* Whoever sets the clock of a lone server sets what it serves. */
static void test_engine__follows_whoever_sets_its_clock(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    config->local_enabled = true;
    puppet_init(&p, config, INT64_C(1000000000), 0.0);
    puppet_run(&p, 500.0);
    p.gap += 3 * VISOR_NS_PER_S;
    puppet_run(&p, 501.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 1);
    assert_int_equal(visor_view_utc(&p.view, (visor_mono){p.now}).ns, puppet_real(&p));
    puppet_done(&p);
}

/* Also for a clock that believes to be in the nineteenth century. */
static void test_engine__its_reference_time_is_just_past(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct visor_ntp_header header;
    struct puppet p;
    int64_t age;

    (void)state;
    config->local_enabled = true;
    puppet_init(&p, config, INT64_C(-3786825595), 0.0);
    age = p.view.utc.ns - p.view.reference.ns;
    assert_in_range(age, VISOR_NS_PER_S, VISOR_NS_PER_S + VISOR_NS_PER_S / 1000);
    visor_serve_describe(&p.view, p.view.raw, &header); /* clients are told the same */
    age = visor_ntp_diff_ns(visor_ntp_from_wall(p.view.utc), header.reference);
    assert_in_range(age, VISOR_NS_PER_S, VISOR_NS_PER_S + VISOR_NS_PER_S / 1000);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__unsynchronised_after_its_wait),
        cmocka_unit_test(test_judge__synchronised_by_distance),
        cmocka_unit_test(test_judge__synchronised_has_to_wait_too),
        cmocka_unit_test(test_judge__activated_once_by_a_good_clock),
        cmocka_unit_test(test_engine__serves_its_own_clock_without_sources),
        cmocka_unit_test(test_engine__serves_the_estimate_when_the_distance_has_grown),
        cmocka_unit_test(test_engine__follows_whoever_sets_its_clock),
        cmocka_unit_test(test_engine__its_reference_time_is_just_past),
        cmocka_unit_test(test_engine__command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
