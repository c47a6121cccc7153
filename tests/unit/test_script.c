#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/script.h"

static bool read(struct visor_scenario *scenario, struct visor_diagnoses *diagnoses,
                 const char *text)
{
    visor_scenario_init(scenario);
    visor_diagnoses_init(diagnoses);
    return visor_script_read(scenario, "x", text, strlen(text), diagnoses);
}

static void done(struct visor_scenario *scenario, struct visor_diagnoses *diagnoses)
{
    visor_scenario_done(scenario);
    visor_diagnoses_done(diagnoses);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static const char GOOD[] =
    "# a comment\n"
    "title two words\n"
    "duration 6h\n"
    "seed 7\n"
    "repeat 3\n"
    "begin 2036-02-07T06:00:00Z\n"
    "statistics from 210s error 2ms\n"
    "network lan delay 100us jitter-up exponential 5us jitter-down gamma 2 3us "
    "loss 33% congestion 1h 5min 20\n"
    "network wan like lan delay-down 7ms\n"
    "server s1 network wan stratum 2 error 50us\n"
    "server s2 falseticker 50ms\n"
    "host vm count 20 oscillator tcxo frequency -12ppm ageing 1ppb offset 0.1s\n"
    "  server s1 iburst\n"
    "\n"
    "  # chrony's comment\n"
    "  makestep 1.0 3\n"
    "host pc offset within 2s\n"
    "\tserver s2 minpoll 4\n"
    "device /dev/ptp0 pc noise 10ns follows vm\n"
    "at 3000s every 600s until 2h vm17 migrate 200ms jump -50ms rate 20ppm\n"
    "at 1h s1 step -0.2s\n"
    "at 2h lan loss 10%\n"
    "at 3h /dev/ptp0 fail\n"
    "expect vm error < 1ms within 10s after 3060s\n"
    "expect all selected not s2 from 100s until 200s\n"
    "expect pc packets < 500\n";

static void check_things(const struct visor_scenario *s)
{
    assert_string_equal(s->title, "two words");
    assert_true(s->duration == 21600.0 && s->seed == 7 && s->repeat == 3);
    assert_true(s->start_s == 2085976800);
    assert_true(s->limits.from == 210.0 && near(s->limits.error, 2e-3));
    assert_int_equal(s->network_count, 2);
    assert_true(near(s->networks[1].model.delay[VISOR_UP], 1e-4));
    assert_true(near(s->networks[1].model.delay[VISOR_DOWN], 7e-3));
    assert_int_equal(s->networks[1].model.jitter[VISOR_DOWN].kind, VISOR_JITTER_GAMMA);
    assert_true(near(s->networks[1].model.loss[VISOR_DOWN], 0.33));
    assert_true(near(s->networks[1].model.congestion_lasts, 300.0));
    assert_int_equal(s->servers[0].network, 1);
    assert_int_equal(s->servers[0].model.stratum, 2);
    assert_true(near(s->servers[1].model.offset, 0.05));
    assert_int_equal(s->hosts[0].count, 20);
    assert_int_equal(s->hosts[0].kind, VISOR_OSCILLATOR_TCXO);
    assert_true(near(s->hosts[0].oscillator.frequency, -12e-6) && s->hosts[0].frequency_given);
    assert_true(near(s->hosts[0].oscillator.ageing, 1e-9 / 86400.0));
    assert_true(s->hosts[0].config->makestep_limit == 3 && s->hosts[0].config->source_count == 1);
    assert_false(s->hosts[1].offset_given);
    assert_true(s->hosts[1].config->sources[0].minpoll == 4);
    assert_true(s->devices[0].host == 1 && s->devices[0].follows == 0);
}

static void test_script_read__takes_all_statements(void **state)
{
    struct visor_scenario s;
    struct visor_diagnoses diagnoses;

    (void)state;
    assert_true(read(&s, &diagnoses, GOOD));
    assert_int_equal(diagnoses.count, 0);
    check_things(&s);
    assert_int_equal(s.mishap_count, 4);
    assert_int_equal(s.mishaps[0].kind, VISOR_MISHAP_MIGRATE);
    assert_true(s.mishaps[0].member == 17 && s.mishaps[0].every == 600.0);
    assert_true(near(s.mishaps[0].number[1], -0.05) && near(s.mishaps[0].number[2], 20e-6));
    assert_true(s.mishaps[1].target == VISOR_TARGET_SERVER && s.mishaps[1].index == 0);
    assert_true(s.mishaps[2].target == VISOR_TARGET_NETWORK);
    assert_true(s.mishaps[3].target == VISOR_TARGET_DEVICE);
    assert_int_equal(s.expect_count, 3);
    assert_true(s.expects[0].from == 3070.0 && near(s.expects[0].limit, 1e-3));
    assert_true(s.expects[1].kind == VISOR_EXPECT_AVOIDED && s.expects[1].until == 200.0);
    assert_true(s.expects[1].host == VISOR_SCENARIO_NONE && s.expects[2].limit == 500.0);
    done(&s, &diagnoses);
}

/* The duration may stand anywhere, and need not be the run's. */
static void test_script_read__what_happens_again_and_again_does_so_to_the_end(void **state)
{
    struct visor_diagnoses diagnoses;
    struct visor_scenario s;

    (void)state;
    assert_true(read(&s, &diagnoses,
                     "begin 2028-02-29\nhost vm\n  local\nat 10s every 1h vm step 5ms\n"
                     "expect vm error < 1s from 1d\nduration 1d\n"));
    assert_int_equal(s.mishap_count, 1);
    assert_true(s.mishaps[0].until >= 3e8); /* the longest run */
    done(&s, &diagnoses);
}

/* Each wrong line, with the line number, the word and what is suggested instead. */
static void test_script_read__says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *word, *suggestion;
        uint32_t line;
    } cases[] = {
        {"durration 6h\n", "durration", "duration", 1},
        {"\nduration 6x\n", "6x", "", 2},
        {"network lan delai 1ms\n", "delai", "delay", 1},
        {"network lan jitter exponentail 1ms\n", "exponentail", "exponential", 1},
        {"network lan loss 120%\n", "120%", "", 1},
        {"network lan\nserver s1 network lam\n", "lam", "lan", 2},
        {"network lan\nserver lan\n", "lan", "", 2},
        {"network lan\nserver s1\nhost vm oscillator quarz\n  server s1\n", "quarz", "quartz", 3},
        {"network lan\nserver s1\nhost vm\n\n  # c\n  srever s1\n", "srever", "server", 6},
        {"network lan\nserver s1\nhost vm\n", "vm", "", 3},
        {"host vm\n  local\nat 5s vm paus 3s\n", "paus", "pause", 3},
        {"host vm\n  local\nat 5s wm pause 3s\n", "wm", "vm", 3},
        {"host vm\n  local\nat 5s vm pause 3s 4s\n", "4s", "", 3},
        {"host vm count 3\n  local\nat 5s vm4 pause 3s\n", "vm4", "vm", 3},
        {"host vm\n  local\nexpect vm errror < 1ms\n", "errror", "error", 3},
        {"host vm\n  local\nexpect vm error 1ms\n", "1ms", "", 3},
        {"begin 2026-13-01\n", "2026-13-01", "", 1},
        {"begin 2026-02-29\n", "2026-02-29", "", 1},
        {"begin 2100-02-29\n", "2100-02-29", "", 1},
        {"begin 2026-11-31\n", "2026-11-31", "", 1},
        {"repeat 0\n", "0", "", 1},
        {"repeat 1000001\n", "1000001", "", 1},
        {"network lan\nserver s1 stratum 17\n", "17", "", 2},
        {"network lan\nserver s1 precision 8\n", "8", "", 2},
        {"host vm count 0\n  local\n", "0", "", 1},
        {"host vm count 100001\n  local\n", "100001", "", 1},
        {"host vm\n  local\nexpect vm error < 1ms within 1s after 3h\nduration 3h\n", "", "", 3},
        {"host vm\n  local\nexpect vm error < 1ms from 20s until 10s\n", "", "", 3},
        {"  server s1\n", "server", "", 1},
        {"network all\n", "all", "", 1},
        {"host a\n  local\nhost b follows a every 1min\n  local\n", "b", "", 3},
        {"host b follows x every 1min\n", "x", "", 1},
        {"host a\n  local\nreport recovry\n", "recovry", "recovery", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_scenario s;
        struct visor_diagnoses diagnoses;

        assert_false(read(&s, &diagnoses, cases[i].text));
        assert_true(diagnoses.count >= 1);
        assert_string_equal(diagnoses.items[0].word, cases[i].word);
        assert_string_equal(diagnoses.items[0].suggestion, cases[i].suggestion);
        assert_int_equal(diagnoses.items[0].line, cases[i].line);
        done(&s, &diagnoses);
    }
}

/* Values that would make no sense of a world. */
static void test_script_read__refuses_what_cannot_be(void **state)
{
    static const char *const cases[] = {
        "",
        "network lan delay -1ms\nhost vm\n  local\n",
        "network lan congestion 0s 1s 1\nhost vm\n  local\n",
        "network lan jitter pareto 1 1ms\nhost vm\n  local\n",
        "host vm\n  local\nat 5s vm migrate 1s jump -2s\n",
        "host vm\n  local\nat 5s vm steal 100%\n",
        "host vm\n  local\nat -5s vm pause 1s\n",
        "host vm\n  local\nat 5s every 1us vm pause 1s\n",
        "server s1\nhost vm\n  local\n",
        "duration 0s\nhost vm\n  local\n",
        "duration nan\nhost vm\n  local\n",
        "host vm\n  local\nhost vm\n  local\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_scenario s;
        struct visor_diagnoses diagnoses;

        assert_false(read(&s, &diagnoses, cases[i]));
        assert_true(diagnoses.errors >= 1);
        done(&s, &diagnoses);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_read__takes_all_statements),
        cmocka_unit_test(test_script_read__what_happens_again_and_again_does_so_to_the_end),
        cmocka_unit_test(test_script_read__says_what_is_wrong),
        cmocka_unit_test(test_script_read__refuses_what_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
