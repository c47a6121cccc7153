#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/select.h"

static const struct visor_selection_limits limits = {
    .min_sources = 1, .combine_limit = 3.0, .reselect_distance = 1e-4, .stratum_weight = 1e-3};

static struct visor_candidate at(double offset, double distance)
{
    return (struct visor_candidate){.low = offset - distance,
                                    .high = offset + distance,
                                    .distance = distance,
                                    .stratum = 1,
                                    .usable = true,
                                    .state = VISOR_STATE_WAITING_SOURCES};
}

static struct visor_selection run(struct visor_candidate *candidates, int count)
{
    struct visor_selection selection;
    struct visor_edge edges[32];

    visor_select(candidates, count, edges, &limits, &selection);
    return selection;
}

static void test_select__two_liars_of_five_are_outvoted(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(1.0, 1e-3), at(1e-4, 1e-3), at(-1.0, 1e-3),
                                  at(-1e-4, 1e-3)};
    struct visor_selection s = run(c, 5);

    (void)state;
    assert_int_equal(s.result, VISOR_SELECTION_OK);
    assert_int_equal(s.agreeing, 3);
    assert_int_equal(c[1].state, VISOR_STATE_FALSETICKER);
    assert_int_equal(c[3].state, VISOR_STATE_FALSETICKER);
    assert_true(s.low == 1e-4 - 1e-3 && s.high == -1e-4 + 1e-3);
}

/* One of two has begun to err and they only just touch: what both allow is not what is right. */
static void test_select__a_sliver_of_agreement_is_not_trusted(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(-5.98e-3, 5e-3)};
    struct visor_candidate wide[] = {at(0.0, 1e-3), at(-4e-3, 5e-3)};
    struct visor_selection s = run(c, 2);

    (void)state;
    assert_int_equal(s.result, VISOR_SELECTION_OK);
    assert_true(s.low == -5.98e-3 - 5e-3 && s.high == 1e-3);
    s = run(wide, 2);
    assert_true(s.low == -1e-3 && s.high == 1e-3);
}

/* One sample is enough to contradict, and not to lead. */
static void test_select__newcomers_vote_and_do_not_lead(void **state)
{
    struct visor_candidate c[] = {at(78.0, 1e-3), at(0.0, 1e-3), at(1e-4, 1e-3)};
    struct visor_selection s;

    (void)state;
    c[1].newcomer = c[2].newcomer = true;
    s = run(c, 3);
    assert_int_equal(s.best, -1);
    assert_int_equal(c[0].state, VISOR_STATE_FALSETICKER);
    assert_int_equal(c[1].state, VISOR_STATE_NO_SAMPLES);
    c[1] = at(0.0, 1e-3);
    c[2] = at(1e-4, 1e-3);
    c[2].newcomer = true;
    s = run(c, 3);
    assert_int_equal(s.best, 1);
    assert_int_equal(s.combined, 1);
}

static void test_select__no_majority_among_two(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(1.0, 1e-3)};
    struct visor_selection s = run(c, 2);

    (void)state;
    assert_int_equal(s.result, VISOR_SELECTION_NO_MAJORITY);
    assert_int_equal(s.best, -1);
}

/* It touches what the trusted one allows, but its own idea of the time lies beyond. */
static void test_select__who_only_touches_a_trusted_one_does_not_agree(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(1.5e-3, 1e-3), at(1e-4, 5e-3)};

    (void)state;
    c[0].options = VISOR_SELECT_TRUST;
    run(c, 3);
    assert_int_equal(c[1].state, VISOR_STATE_TRUSTED_OTHERS);
    assert_true(visor_select_agrees(c[2].state));
    c[0].options = 0;
    run(c, 3);
    assert_true(visor_select_agrees(c[1].state));
}

/* Both are equally good; the leader has waited longer for its next sample. */
static void test_select__waiting_costs_no_lead(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(0.0, 2e-3)};

    (void)state;
    c[1].selected = true;
    c[1].waiting = 1e-3;
    assert_int_equal(run(c, 2).best, 1);
    c[1].waiting = 0.5e-3;
    assert_int_equal(run(c, 2).best, 0);
}

static void test_select__trusted_one_decides(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(1.0, 1e-3), at(1.0, 1e-3)};
    struct visor_selection s;

    (void)state;
    c[0].options = VISOR_SELECT_TRUST;
    s = run(c, 3);
    assert_int_equal(s.best, 0);
    assert_int_equal(c[1].state,
                     VISOR_STATE_FALSETICKER); /* nothing in common, as chronyd has it */
}

static void test_select__required_one_must_agree(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-3), at(0.0, 1e-3), at(1.0, 1e-3)};

    (void)state;
    c[2].options = VISOR_SELECT_REQUIRE;
    assert_int_equal(run(c, 3).result, VISOR_SELECTION_NOT_REQUIRED);
    c[2].low = -1.0;
    assert_int_equal(run(c, 3).result, VISOR_SELECTION_OK);
}

static void test_select__prefer_leads_unless_it_is_suspect(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-4), at(0.0, 9e-4), at(0.0, 1.1e-4)};

    (void)state;
    c[1].options = VISOR_SELECT_PREFER;
    assert_int_equal(run(c, 3).best, 1);
    assert_int_equal(c[0].state, VISOR_STATE_NOT_PREFERRED);
    for (int i = 0; i < 3; i++)
        c[i].state = VISOR_STATE_WAITING_SOURCES;
    c[1].suspect = true;
    assert_int_equal(run(c, 3).best, 0);
    assert_int_equal(c[1].state, VISOR_STATE_WAITING_UPDATE);
    for (int i = 0; i < 3; i++)
        c[i].state = VISOR_STATE_WAITING_SOURCES;
    c[1].faulty = true;
    assert_int_equal(run(c, 3).best, 0);
    assert_int_equal(c[1].state, VISOR_STATE_STALE);
    assert_int_equal(c[2].state, VISOR_STATE_COMBINED);
}

static void test_select__the_silent_lead_last(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1e-4), at(0.0, 9e-4)};

    (void)state;
    c[0].suspect = c[0].faulty = c[0].silent = true;
    c[1].suspect = true; /* it does not know its rate yet */
    assert_int_equal(run(c, 2).best, 1);
    assert_int_equal(c[0].state, VISOR_STATE_STALE);
    c[0].state = VISOR_STATE_WAITING_SOURCES;
    assert_int_equal(run(c, 1).best, 0);
}

static void test_select__leader_keeps_the_lead_within_the_margin(void **state)
{
    struct visor_candidate c[] = {at(0.0, 1.00e-3), at(0.0, 1.05e-3)};

    (void)state;
    c[1].selected = true;
    assert_int_equal(run(c, 2).best, 1);
    c[0] = at(0.0, 0.9e-3);
    c[1] = at(0.0, 1.05e-3);
    c[1].selected = true;
    assert_int_equal(run(c, 2).best, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select__two_liars_of_five_are_outvoted),
        cmocka_unit_test(test_select__a_sliver_of_agreement_is_not_trusted),
        cmocka_unit_test(test_select__newcomers_vote_and_do_not_lead),
        cmocka_unit_test(test_select__no_majority_among_two),
        cmocka_unit_test(test_select__who_only_touches_a_trusted_one_does_not_agree),
        cmocka_unit_test(test_select__waiting_costs_no_lead),
        cmocka_unit_test(test_select__trusted_one_decides),
        cmocka_unit_test(test_select__required_one_must_agree),
        cmocka_unit_test(test_select__prefer_leads_unless_it_is_suspect),
        cmocka_unit_test(test_select__the_silent_lead_last),
        cmocka_unit_test(test_select__leader_keeps_the_lead_within_the_margin),
    };

    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
