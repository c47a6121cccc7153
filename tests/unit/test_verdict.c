#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "timevisor/verdict.h"
#include "timevisor/why.h"

static struct visor_verdict verdict_of(const char *tracking, const char *sources, double limit)
{
    json_t *status = json_pack("{s:s, s:I, s:o, s:o}", "mode", "discipline", "raw_ns",
                               (json_int_t)1000000000000, "tracking", json_loads(tracking, 0, NULL),
                               "sources", json_loads(sources, 0, NULL));
    struct visor_verdict verdict;

    assert_non_null(status);
    visor_verdict_read(status, NULL, limit, &verdict);
    json_decref(status);
    return verdict;
}

#define SYNCHRONIZED                                                                               \
    "{\"trust\":\"synchronized\",\"offset_s\":1e-5,\"bound_ns\":134000,"                           \
    "\"estimate_bound_ns\":124000,\"verified_raw_ns\":990000000000}"
#define SOURCE(letter) "{\"state_letter\":\"" letter "\",\"last_sample_age_s\":1.0}"

static void test_read__right_when_bounded(void **state)
{
    struct visor_verdict verdict = verdict_of(
        SYNCHRONIZED,
        "[" SOURCE("*") "," SOURCE("+") "," SOURCE("D") "," SOURCE("x") "," SOURCE("N") "]", 1.0);

    (void)state;
    assert_true(verdict.right);
    assert_true(fabs(verdict.bound_s - 134e-6) < 1e-12);
    assert_string_equal(
        verdict.text,
        "This clock is right to within ±134 µs (synchronized, 3 of 4 sources agree).");
}

static void test_read__not_right_beyond_the_limit(void **state)
{
    struct visor_verdict verdict = verdict_of(SYNCHRONIZED, "[" SOURCE("*") "]", 1e-4);

    (void)state;
    assert_false(verdict.right);
    assert_string_equal(verdict.text,
                        "This clock is uncertain by ±134 µs (synchronized, 1 of 1 sources agree).");
}

static void test_read__wrong_when_far_off_and_well_known(void **state)
{
    struct visor_verdict verdict =
        verdict_of("{\"trust\":\"synchronized\",\"offset_s\":-2.1,\"bound_ns\":2100124000,"
                   "\"estimate_bound_ns\":124000,\"verified_raw_ns\":990000000000}",
                   "[" SOURCE("*") "]", 1.0);

    (void)state;
    assert_false(verdict.right);
    assert_string_equal(verdict.text,
                        "This clock is wrong: 2.10 s ahead (±124 µs); it is being corrected.");
}

static void test_read__holdover_says_since_when(void **state)
{
    struct visor_verdict verdict =
        verdict_of("{\"trust\":\"holdover\",\"offset_s\":0.0,\"bound_ns\":3400000,"
                   "\"estimate_bound_ns\":3400000,\"verified_raw_ns\":280000000000}",
                   "[" SOURCE("S") "]", 1.0);

    (void)state;
    assert_true(verdict.right);
    assert_string_equal(verdict.text, "This clock is right to within ±3.40 ms (holdover: no good "
                                      "source for 12 min, the bound grows).");
}

static void test_read__names_the_cause_when_nothing_is_known(void **state)
{
    static const struct {
        const char *sources, *cause;
    } cases[] = {
        {"[]", "no source is configured"},
        {"[{\"name\":\"a\",\"resolve\":\"failed\",\"state_letter\":\"M\"},"
         "{\"name\":\"b\",\"resolve\":\"retrying\",\"state_letter\":\"M\"},"
         "{\"name\":\"c\",\"resolve\":\"retrying\",\"state_letter\":\"M\"}]",
         "3 of 3 sources give nothing; b: its name cannot be resolved: the name servers do not "
         "answer."},
        {"[{\"name\":\"a\",\"resolve\":\"resolved\",\"online\":true,\"state_letter\":\"M\","
         "\"send_errno\":101}]",
         "1 of 1 sources give nothing; a: there is no route to it."},
        {"[{\"name\":\"a\",\"resolve\":\"resolved\",\"online\":true,\"state_letter\":\"M\","
         "\"send_errno\":null,\"ntp\":{\"total_tx\":3,\"remote_port\":123}}]",
         "a: no reply from port 123 (asked 3 times)"},
        {"[{\"name\":\"a\",\"resolve\":\"resolved\",\"online\":false,\"state_letter\":\"M\"}]",
         "a: it is switched offline."},
        {"[" SOURCE("x") "," SOURCE("x") "]",
         "the sources contradict each other (2 of 2 have no majority)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_verdict verdict =
            verdict_of("{\"trust\":\"unknown\",\"bound_ns\":null}", cases[i].sources, 1.0);

        assert_false(verdict.right);
        assert_true(isinf(verdict.bound_s));
        assert_non_null(strstr(verdict.text, cases[i].cause));
    }
}

static void test_read__a_jump_that_is_not_measured_is_not_trusted(void **state)
{
    struct visor_verdict verdict = verdict_of(
        "{\"trust\":\"disrupted\",\"bound_ns\":5,\"offset_s\":0}", "[" SOURCE("*") "]", 1.0);

    (void)state;
    assert_false(verdict.right);
    assert_non_null(strstr(verdict.text, "it has jumped"));
}

static void test_why__says_what_stands_in_the_way(void **state)
{
    static const struct {
        const char *source, *text;
        char mark;
        int mood;
    } cases[] = {
        {"{\"state_letter\":\"*\"}", "followed", '*', 1},
        {"{\"state_letter\":\"x\"}", "contradicts the majority", 'x', -1},
        {"{\"state_letter\":\"M\",\"resolve\":\"failed\"}", "its name does not exist (DNS)", '?',
         -1},
        {"{\"state_letter\":\"M\",\"resolve\":\"resolved\",\"online\":true,\"ntp\":"
         "{\"total_tx\":0,\"total_rx\":0,\"remote_port\":123}}",
         "is being asked", '?', -1},
        {"{\"state_letter\":\"M\",\"resolve\":\"resolved\",\"online\":true,\"reach\":0,\"ntp\":"
         "{\"total_tx\":1,\"total_rx\":1,\"total_good\":0,\"remote_port\":123}}",
         "it answers, but no answer is usable yet", '?', -1},
        {"{\"state_letter\":\"M\",\"resolve\":\"resolved\",\"online\":true,\"reach\":0,\"ntp\":"
         "{\"total_tx\":9,\"total_rx\":8,\"total_good\":7,\"remote_port\":123}}",
         "no reply from port 123 (asked 9 times): it is down, or a firewall drops NTP", '?', -1},
        {"{\"state_letter\":\"M\",\"last_sample_age_s\":3.0}", "waits for more samples", '?', 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *source = json_loads(cases[i].source, 0, NULL);
        struct visor_why why;

        visor_why_read(source, NULL, &why);
        assert_string_equal(why.text, cases[i].text);
        assert_int_equal(why.mark, cases[i].mark);
        assert_int_equal(why.mood, cases[i].mood);
        json_decref(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__right_when_bounded),
        cmocka_unit_test(test_read__not_right_beyond_the_limit),
        cmocka_unit_test(test_read__wrong_when_far_off_and_well_known),
        cmocka_unit_test(test_read__holdover_says_since_when),
        cmocka_unit_test(test_read__names_the_cause_when_nothing_is_known),
        cmocka_unit_test(test_read__a_jump_that_is_not_measured_is_not_trusted),
        cmocka_unit_test(test_why__says_what_stands_in_the_way),
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
