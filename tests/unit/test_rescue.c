/* What the engine does at an emergency level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "puppet.h"

#define UTC_S INT64_C(1700000000)

static void begin(struct puppet *p, struct visor_config *config)
{
    puppet_init(p, config, UTC_S, 1e-4);
    puppet_run(p, 200.0);
    assert_int_equal(p->view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p->messages[VISOR_MESSAGE_EMERGENCY], 0);
}

static void run(struct puppet *p, double seconds)
{
    puppet_run(p, (double)p->now * 1e-9 + seconds);
}

static void level(const struct puppet *p, enum visor_emergency_level wanted)
{
    assert_true(p->messages[VISOR_MESSAGE_EMERGENCY] > 0);
    assert_int_equal(p->last[VISOR_MESSAGE_EMERGENCY].count[0], wanted);
}

static struct visor_config *with_source(struct visor_config *config, enum visor_source_kind kind,
                                        const char *name)
{
    config->sources = calloc(1, sizeof(config->sources[0]));
    config->source_count = 1;
    visor_source_config_init(&config->sources[0]);
    config->sources[0].kind = kind;
    strcpy(config->sources[0].name, name);
    return config;
}

static void test_rescue__a_backup_is_asked_when_it_is_needed(void **state)
{
    struct visor_config *config = with_source(puppet_config(1), VISOR_SOURCE_SERVER, "192.0.2.9");
    struct puppet p;
    int sends;

    (void)state;
    config->sources[0].backup = true;
    begin(&p, config);
    assert_int_equal(p.sends, 0);
    p.silent = true;
    run(&p, 300.0);
    level(&p, VISOR_EMERGENCY_YELLOW);
    assert_int_equal(p.last[VISOR_MESSAGE_EMERGENCY].count[1], VISOR_CAUSE_SOURCES);
    assert_int_equal(p.last[VISOR_MESSAGE_RESCUE].count[0], VISOR_RESCUE_BACKUP);
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_ONLINE], 1);
    assert_true(p.sends > 0);
    p.silent = false;
    run(&p, 100.0);
    level(&p, VISOR_EMERGENCY_NORMAL);
    assert_int_equal(p.last[VISOR_MESSAGE_RESCUE].count[0], VISOR_RESCUE_RETURN);
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_OFFLINE], 1);
    sends = p.sends;
    run(&p, 600.0);
    assert_int_equal(p.sends, sends);
    puppet_done(&p);
}

/* What somebody has set offline stays so as long as the clock is well. */
static void test_rescue__an_offline_source_for_want_of_time_only(void **state)
{
    struct visor_config *config = with_source(puppet_config(1), VISOR_SOURCE_SERVER, "192.0.2.9");
    struct puppet p;

    (void)state;
    config->sources[0].offline = true;
    begin(&p, config);
    p.silent = true;
    run(&p, 300.0);
    level(&p, VISOR_EMERGENCY_YELLOW);
    assert_int_equal(p.sends, 0);
    puppet_done(&p);
    config = with_source(puppet_config(1), VISOR_SOURCE_SERVER, "192.0.2.9");
    config->sources[0].offline = true;
    puppet_init(&p, config, UTC_S, 1e-4);
    p.silent = true;
    run(&p, 140.0);
    level(&p, VISOR_EMERGENCY_ORANGE);
    assert_true(p.sends > 0);
    puppet_done(&p);
}

static void test_rescue__a_machine_that_waits_to_go_online_is_left_alone(void **state)
{
    struct visor_config *config = with_source(puppet_config(0), VISOR_SOURCE_SERVER, "192.0.2.9");
    struct puppet p;

    (void)state;
    config->sources[0].offline = true;
    puppet_init(&p, config, UTC_S, 1e-4);
    run(&p, 1000.0);
    assert_int_equal(p.sends, 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_EMERGENCY], 0);
    puppet_done(&p);
}

static void test_rescue__more_addresses_of_a_pool(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_RESOLVED};
    struct visor_config *config = with_source(puppet_config(1), VISOR_SOURCE_POOL, "pool.example");
    struct puppet p;

    (void)state;
    config->sources[0].max_sources = 1;
    puppet_init(&p, config, UTC_S, 1e-4);
    p.silent = true;
    run(&p, 1.0);
    event.resolved.query = p.asked.query;
    event.resolved.count = 4;
    for (size_t i = 0; i < 4; i++) {
        event.resolved.addresses[i].family = VISOR_FAMILY_IPV4;
        event.resolved.addresses[i].bytes[3] = (uint8_t)(10 + i);
    }
    puppet_give(&p, &event);
    run(&p, 330.0); /* four polls, and a minute */
    level(&p, VISOR_EMERGENCY_YELLOW);
    assert_int_equal(p.sent_to.bytes[3], 10);
    p.asks = 0;
    run(&p, 60.0);
    level(&p, VISOR_EMERGENCY_ORANGE);
    assert_true(p.asks > 0);
    event.resolved.query = p.asked.query;
    puppet_give(&p, &event);
    for (int i = 0; i < 40 && p.sent_to.bytes[3] == 10; i++)
        run(&p, 1.0);
    assert_true(p.sent_to.bytes[3] == 11 || p.sent_to.bytes[3] == 12);
    puppet_done(&p);
}

static void disrupt(struct puppet *p)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_VMGENID, .marker = 1};
    puppet_give(p, &event);
    event.witness.marker = 2;
    p->utc_at_0 += 60 * VISOR_NS_PER_S;
    p->gap -= 60 * VISOR_NS_PER_S;
    puppet_give(p, &event);
    assert_int_equal(p->view.trust, VISOR_TRUST_DISRUPTED);
}

static void test_rescue__quarantine_of_a_clock_that_nobody_measures(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->local_enabled = true;
    config->local_stratum = 10;
    begin(&p, config);
    p.silent = true;
    disrupt(&p);
    run(&p, 4.0);
    level(&p, VISOR_EMERGENCY_ORANGE);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 0);
    run(&p, 7.0);
    level(&p, VISOR_EMERGENCY_RED);
    assert_int_equal(p.last[VISOR_MESSAGE_EMERGENCY].count[1], VISOR_CAUSE_STOPPED);
    assert_int_equal(p.last[VISOR_MESSAGE_RESCUE].count[0], VISOR_RESCUE_QUARANTINE);
    assert_int_equal(p.view.stratum, 0); /* nor by `local` */
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_true(p.view.bound_ns == VISOR_NS_MAX);
    assert_false(p.status.synchronized);
    p.silent = false;
    run(&p, 30.0);
    assert_int_equal(p.last[VISOR_MESSAGE_RESCUE].count[0], VISOR_RESCUE_RELEASE);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(p.view.bound_ns < VISOR_NS_PER_S);
    puppet_done(&p);
}

static void test_rescue__quarantine_beyond_the_limit(void **state)
{
    struct puppet p;

    (void)state;
    for (int off = 0; off < 2; off++) {
        struct visor_config *config = puppet_config(1);

        config->emergency_limit = 1e-3;
        config->emergency_off = off;
        begin(&p, config);
        p.silent = true;
        run(&p, 3000.0);
        level(&p, VISOR_EMERGENCY_RED);
        assert_int_equal(p.last[VISOR_MESSAGE_EMERGENCY].count[1], VISOR_CAUSE_LIMIT);
        assert_int_equal(p.messages[VISOR_MESSAGE_RESCUE] > 0, !off);
        if (off) {
            assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
            assert_true(p.view.bound_ns < VISOR_NS_PER_S);
        } else {
            assert_int_equal(p.view.trust, VISOR_TRUST_UNKNOWN);
            assert_true(p.view.bound_ns == VISOR_NS_MAX);
            assert_false(p.status.synchronized);
        }
        p.silent = false;
        run(&p, 60.0);
        assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
        assert_true(p.view.bound_ns < VISOR_NS_PER_S / 1000);
        assert_true(p.status.synchronized);
        puppet_done(&p);
    }
}

static void witness(struct puppet *p, int64_t width_ns)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    int64_t second = puppet_utc(p) / VISOR_NS_PER_S * VISOR_NS_PER_S;

    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_RTC,
                                                 .stamp = {.raw = {p->now}},
                                                 .earliest = {second},
                                                 .latest = {second + width_ns}};
    puppet_give(p, &event);
}

static void run_with_rtc(struct puppet *p, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        int64_t wait = VISOR_NS_PER_S - puppet_utc(p) % VISOR_NS_PER_S;

        puppet_run(p, (double)(p->now + wait) * 1e-9);
        witness(p, 0);
        puppet_run(p, (double)p->now * 1e-9 + 0.25);
        witness(p, VISOR_NS_PER_S);
    }
}

/* Stopped by `seconds`, with nobody but the RTC to ask. */
static void stop_with_rtc(struct puppet *p, struct visor_config *config, double seconds)
{
    puppet_init(p, config, UTC_S, 1e-4);
    run_with_rtc(p, 200);
    assert_int_equal(p->view.trust, VISOR_TRUST_SYNCHRONIZED);
    p->silent = true;
    p->utc_at_0 += (int64_t)(seconds * 1e9);
    p->gap -= (int64_t)(seconds * 1e9);
    witness(p, VISOR_NS_PER_S);
    run_with_rtc(p, 15);
}

static void test_rescue__a_sound_witness_before_it_comes_to_quarantine(void **state)
{
    struct puppet p;

    (void)state;
    stop_with_rtc(&p, puppet_config(1), 60.4);
    assert_true(p.last[VISOR_MESSAGE_EMERGENCY].count[0] < VISOR_EMERGENCY_RED);
    assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
    assert_int_equal(p.steps, 1);
    assert_in_range((uint64_t)(puppet_error(&p) * 1e9 + 1e7), 1, 20000000);
    assert_in_range(p.view.bound_ns, 1000000000, 1100000000); /* hosts may differ */
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 0);
    p.silent = false;
    run_with_rtc(&p, 20);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    puppet_done(&p);
}

static void test_rescue__backward_only_by_leave(void **state)
{
    struct puppet p;

    (void)state;
    for (int leave = 0; leave < 2; leave++) {
        struct visor_config *config = puppet_config(1);

        config->emergency_backward = leave;
        stop_with_rtc(&p, config, -5.4);
        level(&p, VISOR_EMERGENCY_RED);
        assert_int_equal(p.last[VISOR_MESSAGE_RESCUE].count[0], VISOR_RESCUE_RESET);
        assert_int_equal(p.steps, leave);
        puppet_done(&p);
    }
}

/* "Recovered" is said of the clock, not of the estimate. */
static void test_recovered__when_the_clock_is_right(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->stall = VISOR_STALL_SLEW;
    puppet_init(&p, config, UTC_S, 1e-4);
    run_with_rtc(&p, 200);
    p.utc_at_0 += 3 * VISOR_NS_PER_S;
    p.gap -= 3 * VISOR_NS_PER_S;
    witness(&p, VISOR_NS_PER_S);
    for (int i = 0; i < 100 && p.messages[VISOR_MESSAGE_RECOVERED] == 0; i++) {
        assert_true(puppet_error(&p) < -0.009);
        run(&p, 1.0);
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    assert_true(puppet_error(&p) > -0.011);
    assert_true(p.last[VISOR_MESSAGE_RECOVERED].number[1] > 10.0); /* s */
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rescue__a_backup_is_asked_when_it_is_needed),
        cmocka_unit_test(test_rescue__an_offline_source_for_want_of_time_only),
        cmocka_unit_test(test_rescue__a_machine_that_waits_to_go_online_is_left_alone),
        cmocka_unit_test(test_rescue__more_addresses_of_a_pool),
        cmocka_unit_test(test_rescue__quarantine_of_a_clock_that_nobody_measures),
        cmocka_unit_test(test_rescue__quarantine_beyond_the_limit),
        cmocka_unit_test(test_rescue__a_sound_witness_before_it_comes_to_quarantine),
        cmocka_unit_test(test_rescue__backward_only_by_leave),
        cmocka_unit_test(test_recovered__when_the_clock_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
