#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/coverage.h"
#include "puppet.h"

#define UTC_S INT64_C(1700000000)
#define S     VISOR_NS_PER_S

static const struct visor_lookout rtc = {
    .kind = VISOR_WITNESS_RTC, .within_ns = 3 * S, .long_ns = S / 3, .timed = true};

static void edge(struct puppet *p, int64_t said)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_RTC,
                                                 .stamp = {.raw = {p->now}},
                                                 .earliest = {said},
                                                 .latest = {said}};
    puppet_give(p, &event);
}

static void edges(struct puppet *p, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        puppet_run(p, (double)(p->now + S - puppet_utc(p) % S) * 1e-9);
        edge(p, puppet_utc(p));
    }
}

static void cover(const struct puppet *p, const struct visor_lookout *lookouts, size_t count,
                  struct visor_coverage *coverage)
{
    visor_engine_coverage(p->engine, lookouts, count, coverage);
}

static void test_coverage__without_anybody(void **state)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(0), UTC_S, 0.0);
    cover(&p, NULL, 0, coverage);
    for (int i = 0; i < VISOR_HAPPENINGS; i++)
        assert_true(coverage[i].within_ns == VISOR_NS_MAX && coverage[i].by == 0);
    puppet_done(&p);
}

static void test_coverage__an_rtc_counts_once_it_has_spoken_and_while_it_does(void **state)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(0), UTC_S, 0.0);
    cover(&p, &rtc, 1, coverage);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == VISOR_NS_MAX);
    edges(&p, 10);
    cover(&p, &rtc, 1, coverage);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == 3 * S);
    assert_true(coverage[VISOR_HAPPENS_LONG_PAUSE].within_ns == S / 3);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].by == 1u << VISOR_WITNESS_RTC);
    assert_true(coverage[VISOR_HAPPENS_STEP].within_ns == VISOR_NS_MAX);
    assert_true(coverage[VISOR_HAPPENS_STARVATION].within_ns == VISOR_NS_MAX);
    puppet_run(&p, (double)p.now * 1e-9 + 60.0); /* it has fallen silent */
    puppet_give(&p, &(struct visor_event){.kind = VISOR_EVENT_TIMER});
    cover(&p, &rtc, 1, coverage);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == VISOR_NS_MAX);
    puppet_done(&p);
}

static void test_coverage__one_derived_from_our_own_clock_does_not_count(void **state)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(0), UTC_S, 0.0);
    edges(&p, 10);
    for (int i = 0; i < 5; i++) { /* it goes where CLOCK_REALTIME goes */
        p.gap += S;
        puppet_run(&p, (double)(p.now + S) * 1e-9);
        edge(&p, puppet_real(&p));
        puppet_run(&p, (double)(p.now + S) * 1e-9);
        edge(&p, puppet_real(&p));
    }
    cover(&p, &rtc, 1, coverage);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == VISOR_NS_MAX);
    puppet_done(&p);
}

static void test_coverage__the_quickest_is_told_and_all_are_named(void **state)
{
    static const struct visor_lookout lookouts[] = {
        {.kind = VISOR_WITNESS_VMCLOCK, .within_ns = S / 4},
        {.kind = VISOR_WITNESS_VMGENID},
        {.kind = VISOR_WITNESS_BOOTTIME, .within_ns = S},
        {.kind = VISOR_WITNESS_TIMER},
        {.kind = VISOR_WITNESS_CANCELLED_TIMER},
        {.kind = VISOR_WITNESS_CLOCKSOURCE, .within_ns = S},
    };
    struct visor_coverage coverage[VISOR_HAPPENINGS];
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(0), UTC_S, 0.0);
    cover(&p, lookouts, sizeof(lookouts) / sizeof(lookouts[0]), coverage);
    assert_true(coverage[VISOR_HAPPENS_RESTORE].within_ns == 0);
    assert_true(coverage[VISOR_HAPPENS_RESTORE].by ==
                (1u << VISOR_WITNESS_VMCLOCK | 1u << VISOR_WITNESS_VMGENID));
    assert_true(coverage[VISOR_HAPPENS_MIGRATION].within_ns == S / 4);
    assert_true(coverage[VISOR_HAPPENS_SUSPEND].within_ns == S);
    assert_true(coverage[VISOR_HAPPENS_STARVATION].within_ns == 0);
    assert_true(coverage[VISOR_HAPPENS_STEP].within_ns == 0);
    assert_true(coverage[VISOR_HAPPENS_CLOCKSOURCE].within_ns == S);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == VISOR_NS_MAX);
    puppet_done(&p);
}

static void test_coverage__a_source_notices_when_it_is_asked_next(void **state)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->refclocks[0].poll = 3;
    puppet_init(&p, config, UTC_S, 0.0);
    puppet_run(&p, 100.0);
    cover(&p, NULL, 0, coverage);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].within_ns == 2 * 8 * S);
    assert_true(coverage[VISOR_HAPPENS_PAUSE].by == 1u << VISOR_WITNESS_NEAR);
    assert_true(coverage[VISOR_HAPPENS_STEP].within_ns == VISOR_NS_MAX);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage__without_anybody),
        cmocka_unit_test(test_coverage__an_rtc_counts_once_it_has_spoken_and_while_it_does),
        cmocka_unit_test(test_coverage__one_derived_from_our_own_clock_does_not_count),
        cmocka_unit_test(test_coverage__the_quickest_is_told_and_all_are_named),
        cmocka_unit_test(test_coverage__a_source_notices_when_it_is_asked_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
