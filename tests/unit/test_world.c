/* The world and its checkers around an engine that is made for the test: it asks one server every
 * 16 s, believes every reply, and lies, steps or slews as it is told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/script.h"
#include "sim/world.h"
#include "wire/ntp.h"

#define POLL_NS (INT64_C(16) * VISOR_NS_PER_S)

enum trick { HONEST, TOO_SURE, DEAF, STEPS, SLEWS, KERNEL_LIES };

static enum trick trick;

struct visor_engine {
    struct visor_action queue[8];
    size_t count, next;
    visor_mono deadline, asked;
    struct visor_view view;
    uint32_t token;
};

struct visor_engine *visor_engine_new(const struct visor_config *config, const uint64_t seed[4])
{
    struct visor_engine *engine = calloc(1, sizeof(*engine));

    (void)config, (void)seed;
    assert_non_null(engine);
    engine->deadline.ns = INT64_MAX;
    return engine;
}

void visor_engine_free(struct visor_engine *engine)
{
    free(engine);
}

static struct visor_action *act(struct visor_engine *engine, enum visor_action_kind kind)
{
    struct visor_action *action = &engine->queue[engine->count++];

    assert_true(engine->count <= 8);
    memset(action, 0, sizeof(*action));
    action->kind = kind;
    return action;
}

static void ask(struct visor_engine *engine, const struct visor_event *event)
{
    struct visor_ntp_header header = {
        .version = 4, .mode = VISOR_NTP_MODE_CLIENT, .transmit = ++engine->token};
    struct visor_action_send *send = &act(engine, VISOR_ACTION_SEND)->send;

    send->source = 1;
    send->to = visor_world_address(0);
    send->size = visor_ntp_write(&header, send->data, sizeof(send->data));
    engine->asked = event->now.raw;
    engine->deadline = visor_mono_add(event->now.raw, POLL_NS);
}

static void believe(struct visor_engine *engine, const struct visor_event *event)
{
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;
    int64_t delay = visor_mono_diff(event->packet.received.raw, engine->asked);
    struct visor_view *view = &engine->view;

    assert_true(visor_ntp_read(&header, &layout, event->packet.data, event->packet.size));
    if (trick == DEAF && view->trust == VISOR_TRUST_SYNCHRONIZED)
        return;
    view->raw = event->packet.received.raw;
    view->utc = visor_wall_add(visor_ntp_to_wall(header.transmit), delay / 2);
    view->bound_ns = trick == TOO_SURE ? 1 : delay / 2 + 2000;
    view->growth_ppb = 1e6;
    view->trust = VISOR_TRUST_SYNCHRONIZED;
    act(engine, VISOR_ACTION_PUBLISH)->view = *view;
    if (trick == STEPS)
        act(engine, VISOR_ACTION_STEP)->step.offset_ns = 1000;
    if (trick == SLEWS)
        act(engine, VISOR_ACTION_FREQUENCY)->frequency.frequency_ppb = 9e7;
    if (trick == KERNEL_LIES)
        act(engine, VISOR_ACTION_STATUS)->status =
            (struct visor_action_status){.synchronized = true, .max_error_s = 1e-3};
}

void visor_engine_handle(struct visor_engine *engine, const struct visor_event *event)
{
    engine->count = engine->next = 0;
    if (event->kind == VISOR_EVENT_START ||
        (event->kind == VISOR_EVENT_TIMER && event->now.raw.ns >= engine->deadline.ns))
        ask(engine, event);
    else if (event->kind == VISOR_EVENT_PACKET)
        believe(engine, event);
}

bool visor_engine_next(struct visor_engine *engine, struct visor_action *action)
{
    if (engine->next == engine->count)
        return false;
    *action = engine->queue[engine->next++];
    return true;
}

visor_mono visor_engine_deadline(const struct visor_engine *engine)
{
    return engine->deadline;
}

/* ---- helpers ---- */

struct run {
    struct visor_scenario *scenario; /* the world points to it */
    struct visor_world *world;
    struct visor_host *host;
};

static struct run run(const char *tail, enum trick what)
{
    static const char head[] = "duration 2000s\n"
                               "network lan delay 1ms\n"
                               "server s1 network lan\n"
                               "host vm oscillator perfect frequency 10ppm offset 0.1s\n"
                               "  server s1\n";
    struct visor_diagnoses diagnoses;
    char text[2000];
    struct run run;

    run.scenario = malloc(sizeof(*run.scenario));
    assert_non_null(run.scenario);
    trick = what;
    strcpy(text, head);
    strcat(text, tail);
    visor_scenario_init(run.scenario);
    visor_diagnoses_init(&diagnoses);
    assert_true(visor_script_read(run.scenario, "x", text, strlen(text), &diagnoses));
    visor_diagnoses_done(&diagnoses);
    run.world = visor_world_new(run.scenario, 1);
    assert_non_null(run.world);
    assert_true(visor_world_run(run.world));
    run.host = &run.world->hosts[0];
    return run;
}

static void end(struct run *run)
{
    visor_world_free(run->world);
    visor_scenario_done(run->scenario);
    free(run->scenario);
}

static uint64_t violations(const struct run *run, enum visor_violation kind)
{
    return run->host->checker.violations[kind];
}

/* ---- safety and policy ---- */

static void test_world_run__an_honest_engine_is_clean(void **state)
{
    struct run one = run("", HONEST);

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_int_equal(one.host->score.sent, 126);
    assert_int_equal(one.host->score.received, 126);
    assert_true(fabs(one.host->score.clock.largest - (0.1 + 2000 * 10e-6)) < 1e-4);
    assert_true(one.host->score.estimate.largest < 200e-6);
    assert_int_equal(one.host->score.since_first, one.host->score.bounded);
    end(&one);
}

static void test_world_run__a_false_bound_is_caught(void **state)
{
    struct run one = run("", TOO_SURE);

    (void)state;
    assert_true(violations(&one, VISOR_VIOLATION_BOUND) > 0);
    assert_int_equal(one.host->checker.first, VISOR_VIOLATION_BOUND);
    end(&one);
}

static void test_world_run__steps_slews_and_kernel_status_are_judged(void **state)
{
    struct run one = run("", STEPS);

    (void)state;
    assert_true(violations(&one, VISOR_VIOLATION_STEP) > 0);
    end(&one);
    one = run("", SLEWS);
    assert_true(violations(&one, VISOR_VIOLATION_SLEW) > 0);
    end(&one);
    one = run("", KERNEL_LIES);
    assert_true(violations(&one, VISOR_VIOLATION_KERNEL) > 0);
    assert_int_equal(violations(&one, VISOR_VIOLATION_BOUND), 0);
    end(&one);
}

/* ---- faults ---- */

/* The bound is false from the resumption to the next reply, and that is excused. */
static void test_world_run__a_pause_is_excused_until_the_next_reply(void **state)
{
    struct run one = run("at 1000s vm pause 60s\n", HONEST);
    const struct visor_window *window = &one.host->checker.windows[VISOR_VIOLATION_BOUND];

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_int_equal(window->count, 1);
    assert_true(window->longest_ns > VISOR_NS_PER_S && window->longest_ns <= POLL_NS);
    assert_true(
        fabs((double)(visor_world_utc(one.world, one.world->now).ns - one.host->kernel.real) *
                 1e-9 -
             (60.0 - 0.1 - 1940 * 10e-6)) < 1e-3);
    assert_int_equal(one.host->score.samples, 2001 - 60);
    end(&one);
}

/* An engine that does not take the hint is blamed from the first reply on. */
static void test_world_run__who_ignores_the_reply_is_blamed(void **state)
{
    struct run one = run("at 1000s vm pause 60s\n", DEAF);

    (void)state;
    assert_true(violations(&one, VISOR_VIOLATION_BOUND) > 900);
    assert_true(one.host->checker.first_at > 1060 * VISOR_NS_PER_S);
    assert_true(one.host->checker.first_at <= 1077 * VISOR_NS_PER_S);
    end(&one);
}

static void test_world_run__a_lying_only_server_excuses_its_client(void **state)
{
    struct run one = run("at 1000s s1 step 1s\n", HONEST);

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_true(one.host->checker.windows[VISOR_VIOLATION_BOUND].total_ns > 900 * VISOR_NS_PER_S);
    end(&one);
}

static void test_world_run__migration_moves_counter_and_rate(void **state)
{
    struct run before = run("", HONEST);
    struct run one = run("at 1000s vm migrate 500ms jump -100ms rate 50ppm\n", HONEST);
    double raw = (double)(one.host->kernel.raw - before.host->kernel.raw) * 1e-9;

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_true(fabs(raw - (-0.1 + 999.5 * 50e-6)) < 1e-4);
    end(&before);
    end(&one);
}

static void test_world_run__a_stall_delays_but_keeps_time(void **state)
{
    struct run one = run("at 1000s vm stall 60s\n", HONEST);

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_int_equal(one.host->checker.windows[VISOR_VIOLATION_BOUND].count, 0);
    assert_true(one.host->score.sent < 123);
    end(&one);
}

static void test_world_run__a_restored_machine_loses_what_was_on_its_way(void **state)
{
    struct run paused = run("at 0s lan delay 0.5s\nat 992.5s vm pause 60s\n", HONEST);
    struct run restored = run("at 0s lan delay 0.5s\nat 992.5s vm restore 60s\n", HONEST);

    (void)state;
    assert_int_equal(paused.host->score.sent - paused.host->score.received, 0);
    assert_int_equal(restored.host->score.sent - restored.host->score.received, 1);
    end(&paused);
    end(&restored);
}

static void test_world_run__foreign_changes_move_realtime_only(void **state)
{
    struct run before = run("", HONEST);
    struct run one =
        run("at 500s vm step 2s\nat 600s vm slew -10ms\nat 700s vm frequency 5ppm\n", HONEST);
    double moved = (double)(one.host->kernel.real - before.host->kernel.real) * 1e-9;

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_int_equal(one.host->kernel.raw, before.host->kernel.raw);
    assert_true(fabs(moved - (2.0 - 0.01 + 1300 * 5e-6)) < 1e-5);
    end(&before);
    end(&one);
}

static void test_world_run__starvation_makes_events_late_not_lost(void **state)
{
    struct run one = run("at 100s vm steal 50% for 1000s burst 100ms\n"
                         "at 1200s vm io 20ms for 500s\n",
                         HONEST);

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_int_equal(one.host->score.sent, one.host->score.received);
    assert_true(one.host->score.sent > 120);
    end(&one);
}

static void test_world_run__dead_servers_and_cut_networks_do_not_answer(void **state)
{
    struct run one = run("at 500s s1 die\nat 1000s s1 return\nat 1250s lan cut\n", HONEST);

    (void)state;
    assert_in_range(one.host->score.received, 44, 50);
    end(&one);
}

static void test_world_run__a_restarted_daemon_publishes_nothing_meanwhile(void **state)
{
    struct run one = run("at 1000s vm restart after 100s\n", HONEST);

    (void)state;
    assert_true(visor_checker_clean(&one.host->checker));
    assert_in_range(one.host->score.since_first - one.host->score.bounded, 99, 102);
    end(&one);
}

/* ---- hosts of the old way ---- */

static void test_world_run__a_following_host_is_as_wrong_as_the_followed(void **state)
{
    struct run one = run("host guest oscillator perfect frequency -20ppm offset -1s "
                         "follows vm every 60s\n",
                         HONEST);
    const struct visor_host *guest = &one.world->hosts[1];
    double apart = (double)(guest->kernel.real - one.host->kernel.real) * 1e-9;

    (void)state;
    assert_true(apart < 0.0 && apart > -60.1 * 30e-6);
    assert_in_range(guest->score.steps, 33, 34);
    assert_true(visor_checker_clean(&guest->checker));
    end(&one);
}

static void test_world_run__an_sntp_host_steps_and_slews_by_each_answer(void **state)
{
    struct run one = run("host old oscillator perfect frequency 20ppm offset -1s "
                         "sntp s1 every 100s\nat 0s s1 delay-down 10ms\n",
                         HONEST);
    const struct visor_host *old = &one.world->hosts[1];

    (void)state;
    assert_int_equal(old->score.steps, 1);
    assert_int_equal(old->score.received, old->score.sent);
    assert_true(
        fabs((double)(old->kernel.real - visor_world_utc(one.world, one.world->now).ns) * 1e-9 +
             5e-3) < 2.1e-3);
    end(&one);
}

static void test_world_run__any_of_a_group_takes_turns(void **state)
{
    struct run one = run("host many count 5 oscillator perfect offset 0s\n  server s1\n"
                         "at 100s every 10s until 1000s any of many step 1s\n",
                         HONEST);
    int64_t sum = 0;

    (void)state;
    for (int i = 1; i <= 5; i++) {
        int64_t steps = (one.world->hosts[i].kernel.real -
                         visor_world_utc(one.world, one.world->now).ns + VISOR_NS_PER_S / 2) /
                        VISOR_NS_PER_S;

        assert_in_range(steps, 5, 40);
        sum += steps;
    }
    assert_int_equal(sum, 91);
    end(&one);
}

/* ---- determinism ---- */

static void test_world_run__one_more_host_changes_nothing_for_the_others(void **state)
{
    struct run alone = run("at 300s vm pause 1s\n", HONEST);
    struct run two =
        run("host other oscillator quartz\n  server s1\nat 300s vm pause 1s\n", HONEST);

    (void)state;
    assert_memory_equal(&alone.host->score, &two.host->score, sizeof(alone.host->score));
    assert_int_equal(alone.host->kernel.real, two.host->kernel.real);
    end(&alone);
    end(&two);
}

static void test_expectation__is_checked_in_its_time(void **state)
{
    struct run one = run("expect vm error < 150ms from 10s until 500s\n"
                         "expect vm error < 105ms from 600s\n"
                         "expect vm estimate < 1ms from 20s\n"
                         "expect vm packets < 100\n"
                         "expect vm uncorrected\n"
                         "expect vm ahead < 105ms from 600s\n"
                         "expect vm behind < 0s\n"
                         "expect vm p99 < 1ms\n"
                         "expect vm outage < 1s\n"
                         "expect vm outage < 2001s\n",
                         HONEST);

    (void)state;
    assert_int_equal(one.host->unmet[0].count, 0);
    assert_int_equal(one.host->unmet[1].count, 1401);
    assert_true(one.host->unmet[1].at == 600.0 && one.host->unmet[1].value > 0.105);
    assert_int_equal(one.host->unmet[2].count, 0);
    assert_true(one.host->unmet[3].value == 126.0);
    assert_int_equal(one.host->unmet[4].count, 0);
    assert_int_equal(one.host->unmet[5].count, 1401);
    assert_int_equal(one.host->unmet[6].count, 0);
    assert_true(one.host->unmet[7].count == 1 && one.host->unmet[7].value > 0.1);
    assert_int_equal((int)one.host->unmet[8].value, 2000); /* never right: all of the run */
    assert_int_equal(one.host->unmet[9].count, 0);
    end(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_run__an_honest_engine_is_clean),
        cmocka_unit_test(test_world_run__a_false_bound_is_caught),
        cmocka_unit_test(test_world_run__steps_slews_and_kernel_status_are_judged),
        cmocka_unit_test(test_world_run__a_pause_is_excused_until_the_next_reply),
        cmocka_unit_test(test_world_run__who_ignores_the_reply_is_blamed),
        cmocka_unit_test(test_world_run__a_lying_only_server_excuses_its_client),
        cmocka_unit_test(test_world_run__migration_moves_counter_and_rate),
        cmocka_unit_test(test_world_run__a_stall_delays_but_keeps_time),
        cmocka_unit_test(test_world_run__a_restored_machine_loses_what_was_on_its_way),
        cmocka_unit_test(test_world_run__foreign_changes_move_realtime_only),
        cmocka_unit_test(test_world_run__starvation_makes_events_late_not_lost),
        cmocka_unit_test(test_world_run__dead_servers_and_cut_networks_do_not_answer),
        cmocka_unit_test(test_world_run__a_restarted_daemon_publishes_nothing_meanwhile),
        cmocka_unit_test(test_world_run__a_following_host_is_as_wrong_as_the_followed),
        cmocka_unit_test(test_world_run__an_sntp_host_steps_and_slews_by_each_answer),
        cmocka_unit_test(test_world_run__any_of_a_group_takes_turns),
        cmocka_unit_test(test_world_run__one_more_host_changes_nothing_for_the_others),
        cmocka_unit_test(test_expectation__is_checked_in_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
