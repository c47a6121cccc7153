#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/steer.h"
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

/* The counter gains 20 ppm for a long time, and then 30 for a short one; after that nobody tells.
 */
static void test_fallbackdrift__goes_back_to_the_mean_rate(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;
    double last;

    (void)state;
    config->fallback_drift_min = 10;
    config->fallback_drift_max = 11;
    puppet_init(&p, config, START, 0.0);
    puppet_drift(&p, 20000.0);
    puppet_run(&p, 6000.0);
    puppet_drift(&p, 30000.0);
    puppet_run(&p, 6100.0);
    p.silent = true;
    puppet_run(&p, 6120.0);
    last = p.view.rate_ppb;
    assert_true(last < -29000.0 && last > -31000.0);
    puppet_run(&p, 6100.0 + 1000.0);
    assert_true(p.view.rate_ppb == last);
    assert_int_equal(p.view.stratum, 1);
    puppet_run(&p, 6100.0 + 1040.0);
    assert_true(p.view.rate_ppb < -20000.0 && p.view.rate_ppb > -22000.0);
    assert_true(p.frequency_ppb < -20000.0 && p.frequency_ppb > -22000.0);
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_false(p.status.synchronized);
    last = p.view.rate_ppb;
    puppet_run(&p, 6100.0 + 2060.0); /* the longer mean has seen less of it */
    assert_true(p.view.rate_ppb > last);
    p.silent = false;
    puppet_run(&p, 6100.0 + 2200.0);
    assert_int_equal(p.view.stratum, 1);
    assert_true(p.view.rate_ppb < -29000.0);
    puppet_done(&p);
}

/* The tracking log's maximum error is that of the interval which the update ends. */
static void test_tracking__the_maximum_error_is_of_the_interval_before(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;
    double before;

    (void)state;
    config->logs |= VISOR_LOG_TRACKING;
    puppet_init(&p, config, START, 0.0);
    puppet_run(&p, 600.0);
    p.silent = true;
    puppet_run(&p, 1600.0);
    before = (double)visor_view_bound_ns(&p.view, (visor_mono){p.now}) * 1e-9;
    p.silent = false;
    p.records[VISOR_RECORD_TRACKING] = 0;
    while (p.records[VISOR_RECORD_TRACKING] == 0)
        puppet_run(&p, (double)p.now * 1e-9 + 0.25);
    assert_true(p.last_record[VISOR_RECORD_TRACKING].tracking.max_error > before);
    assert_true((double)p.view.bound_ns * 1e-9 < before);
    puppet_done(&p);
}

/* A migrated machine has another rate, and its daemon may not live until the hour is over. */
static void test_drift__another_rate_is_saved_soon(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), START, 0.0);
    puppet_drift(&p, 20000.0);
    puppet_run(&p, 1000.0);
    assert_in_range(p.drifts, 1, 2);
    p.drifts = 0;
    puppet_run(&p, 1700.0);
    assert_int_equal(p.drifts, 0); /* the same rate */
    puppet_drift(&p, 30000.0);
    puppet_run(&p, 2300.0);
    assert_in_range(p.drifts, 1, 2);
    assert_true(p.drift_ppm > 29.0 && p.drift_ppm < 31.0);
    puppet_done(&p);
}

static void test_maxdrift__limits_the_rate_of_the_clock(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->max_drift = 10.0;
    config->max_slew_rate = 1e-3; /* so that correcting the offset does not make up for it */
    puppet_init(&p, config, START, 0.0);
    puppet_drift(&p, 20000.0);
    puppet_run(&p, 600.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FREQUENCY_LIMITED], 1);
    assert_true(fabs(p.last[VISOR_MESSAGE_FREQUENCY_LIMITED].number[0] - 20.0) < 1.0);
    assert_true(fabs(p.frequency_ppb + 10000.0) < 2.0);
    puppet_done(&p);
}

static void test_status__the_rtc_is_left_alone_while_it_is_measured(void **state)
{
    struct puppet p;

    (void)state;
    for (int measured = 0; measured < 2; measured++) {
        struct visor_config *config = puppet_config(1);

        strcpy(config->rtcfile, measured ? "/var/lib/chrony/rtc" : "");
        puppet_init(&p, config, START, 0.0);
        puppet_run(&p, 130.0);
        assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
        assert_int_equal(p.status.synchronized, !measured);
        assert_true(p.status.max_error_s < 0.1);
        puppet_done(&p);
    }
}

/* Who steps the clock may know of a pause that we have not seen: the sources decide. */
static void test_watch__after_a_foreign_step_the_sources_decide(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->makestep_threshold = 1.0;
    config->makestep_limit = -1;
    puppet_init(&p, config, START, 0.0);
    puppet_run(&p, 120.0);
    p.silent = true;
    step_by_somebody(&p, 1000.0);
    puppet_run(&p, 122.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 1);
    assert_int_equal(p.steps, 0);
    assert_true(puppet_error(&p) > 999.9999); /* it waits for them */
    puppet_run(&p, 126.0);
    assert_true(puppet_error(&p) < 999.9); /* but not for ever */
    p.silent = false;
    puppet_run(&p, 130.0);
    assert_int_equal(p.steps, 1);
    assert_true(puppet_error(&p) < 1e-4 && puppet_error(&p) > -1e-4);
    puppet_done(&p);
}

static int64_t continuous(const struct visor_view *view, visor_mono raw)
{
    return visor_view_utc(view, raw).ns + view->continuous_ns;
}

/* F323: what moves the served time does not move the scale that goes beside it. */
static void test_view__the_continuous_scale_is_not_moved(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct visor_view before;
    struct puppet p;
    int64_t moved;

    (void)state;
    puppet_init(&p, config, START, -2.0);
    puppet_run(&p, 100.0);
    before = p.view;
    puppet_command(&p, VISOR_COMMAND_DOFFSET, 0.1, 0.0);
    moved = visor_wall_diff(p.view.utc, visor_view_utc(&before, p.view.raw));
    assert_in_range(moved < 0 ? -moved : moved, 99999990, 100000010);
    assert_int_equal(continuous(&p.view, p.view.raw), continuous(&before, p.view.raw));
    assert_true(p.view.continuous_epoch != 0);
    assert_int_equal(p.view.continuous_epoch, before.continuous_epoch);
    puppet_done(&p);
}

/* It answers only what the test makes it answer. */
static void name_a_server(struct visor_config *config)
{
    config->sources = calloc(1, sizeof(*config->sources));
    config->source_count = 1;
    visor_source_config_init(config->sources);
    strcpy(config->sources->name, "192.0.2.1");
}

/* A server that there is no route to is not waited for. */
static void test_select__who_cannot_be_asked_is_not_waited_for(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    name_a_server(config);
    config->sources->minpoll = config->sources->maxpoll = 2;
    puppet_init(&p, config, START, 0.0);
    for (int i = 0; i < 30; i++) {
        puppet_run(&p, 2.0 + i);
        if (p.sent.token != 0) {
            struct visor_event event = {.kind = VISOR_EVENT_SENT, .sent = p.sent};

            event.sent.error = 101;
            p.sent.token = 0;
            puppet_give(&p, &event);
        }
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_SELECTED], 1);
    puppet_done(&p);
}

/* A server that sends a kiss-o'-death has answered, and is asked rarely or never again: the others
 * are followed without it. */
static void test_select__who_wants_no_requests_is_not_waited_for(void **state)
{
    static const uint32_t kisses[] = {VISOR_NTP_KISS_DENY, VISOR_NTP_KISS_RSTR,
                                      VISOR_NTP_KISS_RATE};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct visor_config *config = puppet_config(1);
        struct puppet p;

        name_a_server(config);
        config->sources->iburst = true;
        puppet_init(&p, config, START, 0.0);
        for (double t = 1.0; p.sends == 0; t += 0.25)
            puppet_run(&p, t);
        puppet_answer(&p, kisses[i]);
        assert_int_equal(p.messages[VISOR_MESSAGE_KOD], 1);
        puppet_run(&p, 30.0);
        assert_int_equal(p.sends, 1);
        assert_int_equal(p.messages[VISOR_MESSAGE_SELECTED], 1);
        puppet_done(&p);
    }
}

/* Nor is a peer, which may be down, and is not asked again before its next poll. */
static void test_select__a_silent_peer_is_not_waited_for(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    name_a_server(config);
    config->sources->kind = VISOR_SOURCE_PEER;
    puppet_init(&p, config, START, 0.0);
    puppet_run(&p, 30.0);
    assert_int_equal(p.sends, 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_SELECTED], 1);
    puppet_done(&p);
}

/* Who answers two polls of eight has too few samples to be selected, and will not be for long: that
 * is said after eight polls, not only when the next sample comes. */
static void test_select__that_nobody_can_be_selected_is_said_in_time(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;
    int sends = 0;

    (void)state;
    name_a_server(config);
    config->sources->minpoll = config->sources->maxpoll = 6;
    config->emergency_off = true; /* it would be asked more often */
    puppet_init(&p, config, START, 0.0);
    for (double t = 1.0; t < 7.0 * 66.0; t += 0.25) {
        puppet_run(&p, t);
        if (p.sends != sends && (p.sends == 1 || p.sends == 5))
            puppet_reply(&p);
        sends = p.sends;
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_NO_SELECTABLE], 0);
    puppet_run(&p, 9.0 * 66.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_NO_SELECTABLE], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_SELECTED], 0);
    puppet_done(&p);
}

/* Nothing has happened since the last update, but the clock has had time to go wrong. */
static void test_status__the_root_dispersion_is_of_now(void **state)
{
    static struct visor_status early, late;
    struct visor_reading now;
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), INT64_C(1700000000), 0.0);
    puppet_run(&p, 300.0);
    now = puppet_reading(&p);
    visor_engine_status(p.engine, &now, &early);
    now.raw = visor_mono_add(now.raw, 1000 * VISOR_NS_PER_S);
    visor_engine_status(p.engine, &now, &late);
    assert_true(early.tracking.root_dispersion > 0.0);
    assert_true(late.tracking.root_dispersion >=
                early.tracking.root_dispersion + 999.999 * p.view.dispersion_rate_ppb * 1e-9);
    assert_true(p.view.dispersion_rate_ppb > 0.0);
    puppet_done(&p);
}

/* adjtime() moves the clock by 500 ppm: between two looks soon after one another that is less than
 * what readings are off by. */
static void test_steer__a_slow_slew_shows_however_often_we_look(void **state)
{
    static const int64_t every_ms[] = {5, 100, 333, 900, 5000};

    (void)state;
    for (size_t i = 0; i < sizeof(every_ms) / sizeof(every_ms[0]); i++) {
        struct visor_steer steer = {0};
        int64_t raw = 0, slewed = 0, step = every_ms[i] * 1000000;
        double change, found = 0.0;

        for (int j = 0; j < 10000 && raw <= 20 * VISOR_NS_PER_S; j++) {
            struct visor_reading now = {.raw = {raw}, .real = {raw + slewed}, .width_ns = 1000};

            if (visor_steer_watch(&steer, &now, &change) == VISOR_FOREIGN_STEP)
                found += change;
            raw += step;
            slewed += raw > 10 * VISOR_NS_PER_S ? step / 2000 : 0;
        }
        assert_true(found > 0.0045 && found <= 0.0051);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steer__a_slow_slew_shows_however_often_we_look),
        cmocka_unit_test(test_status__the_root_dispersion_is_of_now),
        cmocka_unit_test(test_select__who_cannot_be_asked_is_not_waited_for),
        cmocka_unit_test(test_select__who_wants_no_requests_is_not_waited_for),
        cmocka_unit_test(test_select__a_silent_peer_is_not_waited_for),
        cmocka_unit_test(test_select__that_nobody_can_be_selected_is_said_in_time),
        cmocka_unit_test(test_maxchange__ignores_then_gives_up),
        cmocka_unit_test(test_maxchange__goes_on_when_the_step_is_undone),
        cmocka_unit_test(test_logchange__a_slew_is_said_once),
        cmocka_unit_test(test_watch__after_a_foreign_step_the_sources_decide),
        cmocka_unit_test(test_view__the_continuous_scale_is_not_moved),
        cmocka_unit_test(test_fallbackdrift__goes_back_to_the_mean_rate),
        cmocka_unit_test(test_status__the_rtc_is_left_alone_while_it_is_measured),
        cmocka_unit_test(test_tracking__the_maximum_error_is_of_the_interval_before),
        cmocka_unit_test(test_drift__another_rate_is_saved_soon),
        cmocka_unit_test(test_maxdrift__limits_the_rate_of_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
