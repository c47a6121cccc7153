#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "puppet.h"

#define UTC_S INT64_C(1700000000)

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

static void witness_ahead(struct puppet *p, int64_t ahead_ns, int64_t width_ns)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    int64_t second = puppet_utc(p) / VISOR_NS_PER_S * VISOR_NS_PER_S + ahead_ns;

    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_RTC,
                                                 .stamp = {.raw = {p->now}},
                                                 .earliest = {second},
                                                 .latest = {second + width_ns}};
    puppet_give(p, &event);
}

static void witness(struct puppet *p, int64_t width_ns)
{
    witness_ahead(p, 0, width_ns);
}

/* With the RTC's edges, which are UTC's. */
static void run(struct puppet *p, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        int64_t wait = VISOR_NS_PER_S - puppet_utc(p) % VISOR_NS_PER_S;

        puppet_run(p, (double)(p->now + wait) * 1e-9);
        witness(p, 0);
        puppet_run(p, (double)p->now * 1e-9 + 0.25);
        witness(p, VISOR_NS_PER_S);
    }
}

/* Both our clocks stand still while true time goes on. */
static void pause(struct puppet *p, double seconds)
{
    p->utc_at_0 += (int64_t)(seconds * 1e9);
    p->gap -= (int64_t)(seconds * 1e9);
}

static void start(struct puppet *p, enum visor_stall_policy stall)
{
    struct visor_config *config = puppet_config(1);

    config->stall = stall;
    puppet_init(p, config, UTC_S, 1e-4);
    run(p, 200);
    assert_int_equal(p->view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(p->status.synchronized);
    assert_int_equal(p->steps, 0);
}

static void test_witness__what_was_published_is_taken_back_at_once(void **state)
{
    struct puppet p;
    uint64_t epoch;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    epoch = p.view.epoch;
    p.silent = true;
    pause(&p, 5.0);
    witness(&p, VISOR_NS_PER_S);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    assert_true(visor_view_bound_ns(&p.view, (visor_mono){p.now}) == VISOR_NS_MAX);
    assert_int_equal(p.view.stratum, 0);
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_false(p.status.synchronized);
    assert_true(p.view.epoch > epoch);
    puppet_done(&p);
}

static void test_witness__the_sources_measure_and_the_clock_is_stepped(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    pause(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    puppet_run(&p, (double)p.now * 1e-9 + 2.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(p.status.synchronized);
    assert_int_equal(p.steps, 1);
    assert_true(size_of(puppet_error(&p)) < 1e-4);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_SETTLED], 1);
    assert_true(size_of(p.last[VISOR_MESSAGE_SETTLED].number[0] - 60.0) < 1e-3);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    assert_in_range(p.last[VISOR_MESSAGE_RECOVERED].count[1], 1, 10000000);
    run(&p, 100);
    assert_int_equal(p.steps, 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    puppet_done(&p);
}

static void timer_was_late(struct puppet *p, int64_t by_ns)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    event.witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_TIMER, .stamp = {.raw = {p->now}}, .amount_ns = by_ns};
    puppet_give(p, &event);
}

/* It was starved long before it was stopped: that is the same record, and no reason to slew. Who
 * was heard in between knows nothing of the stop. */
static void test_witness__a_stall_after_starvation_is_stepped(void **state)
{
    static struct visor_status status;
    struct visor_reading now;
    struct puppet p;
    int64_t stopped;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    for (int i = 0; i < 5; i++) {
        timer_was_late(&p, VISOR_NS_PER_S / 10);
        run(&p, 4);
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 0);
    pause(&p, 0.6);
    stopped = p.now;
    timer_was_late(&p, VISOR_NS_PER_S * 6 / 10);
    witness(&p, VISOR_NS_PER_S);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 3);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.steps, 1);
    assert_true(size_of(puppet_error(&p)) < 2e-3);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    assert_true(p.last[VISOR_MESSAGE_RECOVERED].number[1] < 5.0);
    now = puppet_reading(&p);
    visor_engine_status(p.engine, &now, &status);
    assert_int_equal(status.disruption_count, 1);
    assert_int_equal(status.disruptions[0].raw.ns, stopped);
    assert_int_equal(status.disruptions[0].since.ns, stopped);
    puppet_done(&p);
}

static void test_witness__alone_it_sets_the_clock_but_proves_nothing(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    p.silent = true;
    pause(&p, 60.4);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 2);
    assert_int_equal(p.steps, 1);
    assert_true(size_of(puppet_error(&p)) < 2e-3);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    assert_true(visor_view_bound_ns(&p.view, (visor_mono){p.now}) == VISOR_NS_MAX);
    puppet_done(&p);
}

static double bound_of(const struct puppet *p)
{
    return (double)visor_view_bound_ns(&p->view, (visor_mono){p->now}) * 1e-9;
}

static double wrong_by(const struct puppet *p)
{
    return size_of((double)(visor_view_utc(&p->view, (visor_mono){p->now}).ns - puppet_utc(p)) *
                   1e-9);
}

static void test_resort__where_no_source_answers_it_tells_the_time(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    p.silent = true;
    pause(&p, 60.4);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 5);
    assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
    assert_int_equal(p.messages[VISOR_MESSAGE_RESORTED], 1);
    assert_false(p.status.synchronized);
    assert_true(bound_of(&p) > 1.0 && bound_of(&p) < 1.1); /* another host's RTC, perhaps */
    assert_true(wrong_by(&p) < 1e-3);
    for (int i = 0; i < 600; i++) {
        run(&p, 1);
        assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
        assert_true(wrong_by(&p) < bound_of(&p));
    }
    assert_true(bound_of(&p) < 1.1); /* it is read again and again */
    p.silent = false;
    run(&p, 100);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.messages[VISOR_MESSAGE_RESORTED], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_SETTLED], 1);
    assert_true(size_of(p.last[VISOR_MESSAGE_SETTLED].number[0] - 60.4) < 1e-3);
    assert_true(bound_of(&p) < 0.01);
    puppet_done(&p);
}

static void generation(struct puppet *p, uint64_t marker)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};

    event.witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_VMCLOCK, .stamp = {.raw = {p->now}}, .marker = marker};
    puppet_give(p, &event);
}

/* What never moved to another host still sees the same RTC; but that may be a second off after a
 * stop. */
static void test_resort__vmclock_does_not_vouch_for_an_rtc(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    generation(&p, 7);
    p.silent = true;
    pause(&p, 60.4);
    witness(&p, VISOR_NS_PER_S);
    generation(&p, 7);
    run(&p, 5);
    assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
    assert_true(bound_of(&p) > 1.0 && bound_of(&p) < 1.1);
    assert_true(wrong_by(&p) < bound_of(&p));
    puppet_done(&p);
}

/* A jump that vmclock tells of, too small for an edge to show by itself. */
static void test_resort__a_small_jump_is_corrected(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    pause(&p, 60.0); /* by which the RTC is proven */
    witness(&p, VISOR_NS_PER_S);
    generation(&p, 7);
    run(&p, 200);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    p.silent = true;
    pause(&p, 0.005);
    generation(&p, 8);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    run(&p, 5);
    assert_int_equal(p.view.trust, VISOR_TRUST_HOLDOVER);
    assert_true(wrong_by(&p) < 1e-3);
    assert_true(wrong_by(&p) < bound_of(&p));
    run(&p, 60);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    puppet_done(&p);
}

/* An emulated processor is late for every edge, now more and now less. */
static void test_witness__a_noisy_one_alone_sets_the_clock(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    for (int i = 0; i < 200; i++) {
        run(&p, 1);
        p.utc_at_0 += i % 2 ? 4000000 : -4000000;
        p.gap -= i % 2 ? 4000000 : -4000000;
    }
    p.silent = true;
    pause(&p, 60.4);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 3);
    assert_int_equal(p.steps, 1);
    assert_true(size_of(puppet_error(&p)) < 2e-2);
    puppet_done(&p);
}

static void test_witness__set_forward_it_is_measured_once(void **state)
{
    struct puppet p;
    double before;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    p.silent = true;
    pause(&p, -0.3);
    for (int i = 0; i < 9 && p.messages[VISOR_MESSAGE_DISRUPTION] == 0; i++)
        run(&p, 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    before = (double)(visor_view_utc(&p.view, (visor_mono){p.now}).ns - puppet_utc(&p)) * 1e-9;
    assert_true(size_of(before) > 0.25); /* not yet */
    run(&p, 3);
    before = (double)(visor_view_utc(&p.view, (visor_mono){p.now}).ns - puppet_utc(&p)) * 1e-9;
    assert_true(size_of(before) < 2e-3);
    puppet_done(&p);
}

/* Sources that answer before its next edge say that this machine stood nowhere: it is the RTC that
 * was set, and what it goes on to say is no jump once more. */
static void test_witness__set_forward_beside_quick_sources(void **state)
{
    const int64_t ahead_ns = 100 * VISOR_NS_PER_S;
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    witness_ahead(&p, ahead_ns, VISOR_NS_PER_S);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    puppet_run(&p, (double)p.now * 1e-9 + 2.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_SETTLED], 1);
    for (int i = 0; i < 60; i++) {
        int64_t wait = VISOR_NS_PER_S - puppet_utc(&p) % VISOR_NS_PER_S;

        puppet_run(&p, (double)(p.now + wait) * 1e-9);
        witness_ahead(&p, ahead_ns, 0);
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.steps, 0);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    pause(&p, 5.0); /* a stall is still seen */
    witness_ahead(&p, ahead_ns, VISOR_NS_PER_S);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 2);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    puppet_done(&p);
}

static void test_witness__slewed_if_that_is_wanted(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_SLEW);
    pause(&p, 1.5);
    witness(&p, VISOR_NS_PER_S);
    puppet_run(&p, (double)p.now * 1e-9 + 40.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.steps, 0);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    puppet_done(&p);
}

static void test_witness__nothing_is_stepped_backward(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    pause(&p, -1.5); /* our counter was set forward */
    witness(&p, VISOR_NS_PER_S);
    puppet_run(&p, (double)p.now * 1e-9 + 2.0);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.steps, 0);
    puppet_done(&p);
}

static void test_witness__a_proven_jump_is_stepped_backward_where_that_is_allowed(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    p.config->emergency_backward = true;
    pause(&p, -1.5);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 4);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.steps, 1);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    p.gap += VISOR_NS_PER_S / 2; /* what nobody has proven is slewed all the same */
    run(&p, 20);
    assert_int_equal(p.steps, 1);
    puppet_done(&p);
}

/* The hypervisor stopped this machine, and its counter went on: nobody has lost anything. */
static void test_witness__a_pause_in_which_the_clock_ran_on_steps_nothing(void **state)
{
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_STEP);
    for (int i = 0; i < 3; i++) {
        puppet_go(&p, p.now + (i == 2 ? 3600 : 60) * VISOR_NS_PER_S);
        if (i == 1)
            puppet_give(&p, &timer); /* whoever speaks first */
        witness(&p, VISOR_NS_PER_S);
        run(&p, 30);
        assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    }
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 0);
    assert_int_equal(p.steps, 0);
    assert_true(size_of(puppet_error(&p)) < 1e-4);
    puppet_done(&p);
}

/* Not one after the other: a request to each is on its way within half a second. */
static void test_witness__all_sources_are_asked_at_once(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;
    int sends;

    (void)state;
    config->sources = calloc(5, sizeof(config->sources[0]));
    config->source_count = 5;
    for (size_t i = 0; i < 5; i++) {
        visor_source_config_init(&config->sources[i]);
        config->sources[i].minpoll = config->sources[i].maxpoll = 10;
        snprintf(config->sources[i].name, sizeof(config->sources[i].name), "192.0.2.%d",
                 (int)i + 1);
    }
    puppet_init(&p, config, UTC_S, 1e-4);
    run(&p, 200);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    pause(&p, 5.0);
    sends = p.sends;
    witness(&p, VISOR_NS_PER_S);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    puppet_run(&p, (double)p.now * 1e-9 + 0.5);
    assert_int_equal(p.sends - sends, 5);
    puppet_done(&p);
}

static void test_witness__a_pause_keeps_the_frequency(void **state)
{
    struct puppet p;
    double before;

    (void)state;
    puppet_init(&p, puppet_config(1), UTC_S, 1e-4);
    puppet_drift(&p, 20e3);
    run(&p, 300);
    before = p.view.rate_ppb;
    assert_true(size_of(before + 20e3) < 10.0);
    pause(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    assert_true(size_of(p.view.rate_ppb - before) < 1e-3);
    for (int i = 0; i < 100; i++) {
        puppet_run(&p, (double)p.now * 1e-9 + 0.25);
        assert_true(size_of(p.view.rate_ppb - before) < 20.0);
    }
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    puppet_done(&p);
}

/* Another host's counter may run at another rate: until that is known, the bound allows for it. */
static void test_witness__a_migration_widens_the_frequency(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    struct puppet p;
    bool synchronized = false;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_VMCLOCK, .marker = 1};
    puppet_give(&p, &event);
    pause(&p, 0.3);
    puppet_drift(&p, 20e3);
    event.witness.marker = 2;
    puppet_give(&p, &event);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    for (int i = 0; i < 400; i++) {
        visor_mono now;
        double error, bound;

        puppet_run(&p, (double)p.now * 1e-9 + 0.25);
        if (p.view.trust != VISOR_TRUST_SYNCHRONIZED)
            continue;
        now = (visor_mono){p.now};
        error = size_of((double)(visor_view_utc(&p.view, now).ns - puppet_utc(&p)));
        bound = (double)visor_view_bound_ns(&p.view, now);
        assert_true(error <= bound);
        if (!synchronized)
            assert_true(p.view.growth_ppb > 20e3);
        synchronized = true;
    }
    assert_true(synchronized);
    assert_true(size_of(p.view.rate_ppb + 20e3) < 100.0);
    assert_true(p.view.growth_ppb < 20e3);
    puppet_done(&p);
}

/* Before the first sample of a source nothing is known that could be corrected. */
static void test_witness__of_a_clock_that_was_never_measured(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->makestep_limit = -1;
    config->makestep_threshold = 0.1;
    puppet_init(&p, config, UTC_S, 1e-4);
    p.silent = true;
    run(&p, 60);
    pause(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 20);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.view.trust, VISOR_TRUST_UNKNOWN);
    assert_int_equal(p.steps, 0);
    puppet_done(&p);
}

/* Long after, what remains is makestep's affair again. */
static void test_steps__the_proof_does_not_last(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    pause(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 60);
    assert_int_equal(p.steps, 1);
    p.gap -= VISOR_NS_PER_S / 2; /* somebody steps it */
    run(&p, 20);
    assert_int_equal(p.steps, 1);
    puppet_done(&p);
}

static void test_witness__a_generation_that_moves_on(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_VMGENID, .marker = 7};
    puppet_give(&p, &event);
    puppet_give(&p, &event);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 0);
    p.silent = true;
    event.witness.marker = 8;
    puppet_give(&p, &event);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.last[VISOR_MESSAGE_DISRUPTION].count[0], VISOR_DISRUPTION_RESTORE);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    puppet_done(&p);
}

/* It says that the machine stood still, the sources by how much: that is proof enough to step. */
static void test_witness__a_generation_proves_a_jump_that_sources_measure(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    struct puppet p;

    (void)state;
    for (int moved = 0; moved < 2; moved++) {
        start(&p, VISOR_STALL_AUTO);
        event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_VMGENID, .marker = 7};
        puppet_give(&p, &event);
        if (moved) {
            pause(&p, 0.4);
            event.witness.marker = 8;
            puppet_give(&p, &event);
        } else {
            p.gap += 4 * VISOR_NS_PER_S / 10; /* what somebody else did, it does not prove */
        }
        puppet_run(&p, (double)p.now * 1e-9 + 3.0);
        assert_int_equal(p.steps, moved);
        puppet_done(&p);
    }
}

/* The raw counter may have another rate from then on: nothing holds until it was measured. */
static void test_witness__the_kernel_counts_by_something_else(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    const struct visor_disruption *d;
    static struct visor_status status;
    struct visor_reading now;
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_CLOCKSOURCE, .marker = 7};
    puppet_give(&p, &event);
    puppet_give(&p, &event);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    event.witness.marker = 8;
    puppet_give(&p, &event);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);
    assert_true(p.view.bound_ns == VISOR_NS_MAX);
    puppet_drift(&p, -40000.0);
    run(&p, 60);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    assert_int_equal(p.steps, 0);
    now = puppet_reading(&p);
    visor_engine_status(p.engine, &now, &status);
    d = &status.disruptions[0];
    assert_int_equal(d->kind, VISOR_DISRUPTION_UNKNOWN);
    assert_true(d->evidence & 1u << VISOR_WITNESS_CLOCKSOURCE);
    puppet_done(&p);
}

/* The kernel itself sets CLOCK_REALTIME when it goes on. */
/* Who goes by the epoch is told, and so are hooks. */
static void test_sources__what_only_they_have_found_is_another_epoch(void **state)
{
    struct puppet p;
    uint64_t epoch;

    (void)state;
    puppet_init(&p, puppet_config(1), UTC_S, 1e-4);
    puppet_run(&p, 300.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    epoch = p.view.epoch;
    puppet_run(&p, 400.0);
    assert_int_equal(p.view.epoch, epoch);
    pause(&p, 0.5);
    puppet_run(&p, 900.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.view.epoch, epoch + 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_DISRUPTION], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    puppet_done(&p);
}

/* What was told is taken back, and a slew toward it ends. */
static void test_reset__nothing_is_known_any_more(void **state)
{
    struct puppet p;

    (void)state;
    puppet_init(&p, puppet_config(1), UTC_S, 0.5);
    puppet_run(&p, 12.0);
    while (p.view.trust != VISOR_TRUST_SYNCHRONIZED)
        puppet_run(&p, (double)p.now * 1e-9 + 1.0);
    assert_true(size_of(p.frequency_ppb) > 1e6); /* slewing */
    p.silent = true;
    puppet_command(&p, VISOR_COMMAND_RESET_SOURCES, 0.0, 0.0);
    assert_true(size_of(p.frequency_ppb) < 1e6);
    assert_int_equal(p.view.trust, VISOR_TRUST_UNKNOWN);
    assert_int_equal(p.view.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_false(p.status.synchronized);
    assert_true(visor_view_bound_ns(&p.view, (visor_mono){p.now}) == VISOR_NS_MAX);
    puppet_run(&p, (double)p.now * 1e-9 + 100.0);
    p.silent = false;
    puppet_run(&p, (double)p.now * 1e-9 + 900.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    puppet_done(&p);
}

/* Who only observes the clock waits for others to set it right. */
static void test_recovered__is_a_clock_that_is_right(void **state)
{
    struct visor_config *config = puppet_config(1);
    struct puppet p;

    (void)state;
    config->mode = VISOR_MODE_OBSERVE;
    puppet_init(&p, config, UTC_S, 1e-4);
    run(&p, 200);
    p.gap = 0;
    pause(&p, 5.0);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 20);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.messages[VISOR_MESSAGE_SETTLED], 1);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 0);
    p.gap = 0;
    run(&p, 20);
    assert_int_equal(p.messages[VISOR_MESSAGE_RECOVERED], 1);
    puppet_done(&p);
}

static void test_witness__suspended_by_itself(void **state)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    struct puppet p;

    (void)state;
    start(&p, VISOR_STALL_AUTO);
    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_BOOTTIME};
    puppet_give(&p, &event);
    p.utc_at_0 += 60 * VISOR_NS_PER_S;
    event.witness.marker = (uint64_t)(60 * VISOR_NS_PER_S);
    puppet_give(&p, &event);
    assert_int_equal(p.last[VISOR_MESSAGE_DISRUPTION].count[0], VISOR_DISRUPTION_SUSPEND);
    puppet_run(&p, (double)p.now * 1e-9 + 2.0);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.steps, 0);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_witness__what_was_published_is_taken_back_at_once),
        cmocka_unit_test(test_witness__the_sources_measure_and_the_clock_is_stepped),
        cmocka_unit_test(test_witness__a_stall_after_starvation_is_stepped),
        cmocka_unit_test(test_witness__alone_it_sets_the_clock_but_proves_nothing),
        cmocka_unit_test(test_witness__a_noisy_one_alone_sets_the_clock),
        cmocka_unit_test(test_witness__set_forward_it_is_measured_once),
        cmocka_unit_test(test_witness__set_forward_beside_quick_sources),
        cmocka_unit_test(test_witness__slewed_if_that_is_wanted),
        cmocka_unit_test(test_witness__nothing_is_stepped_backward),
        cmocka_unit_test(test_witness__a_proven_jump_is_stepped_backward_where_that_is_allowed),
        cmocka_unit_test(test_witness__a_pause_in_which_the_clock_ran_on_steps_nothing),
        cmocka_unit_test(test_witness__all_sources_are_asked_at_once),
        cmocka_unit_test(test_witness__a_pause_keeps_the_frequency),
        cmocka_unit_test(test_witness__a_migration_widens_the_frequency),
        cmocka_unit_test(test_resort__where_no_source_answers_it_tells_the_time),
        cmocka_unit_test(test_resort__vmclock_does_not_vouch_for_an_rtc),
        cmocka_unit_test(test_resort__a_small_jump_is_corrected),
        cmocka_unit_test(test_witness__of_a_clock_that_was_never_measured),
        cmocka_unit_test(test_witness__the_kernel_counts_by_something_else),
        cmocka_unit_test(test_sources__what_only_they_have_found_is_another_epoch),
        cmocka_unit_test(test_recovered__is_a_clock_that_is_right),
        cmocka_unit_test(test_reset__nothing_is_known_any_more),
        cmocka_unit_test(test_witness__suspended_by_itself),
        cmocka_unit_test(test_steps__the_proof_does_not_last),
        cmocka_unit_test(test_witness__a_generation_that_moves_on),
        cmocka_unit_test(test_witness__a_generation_proves_a_jump_that_sources_measure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
