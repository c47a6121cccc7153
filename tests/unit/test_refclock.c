/* Reference clocks in the engine: schedule, pulses, TAI, faults, the filtered sample. */
#include "engine/refclock.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S   VISOR_NS_PER_S
#define UTC (INT64_C(1700000000) * S) /* true time at raw 0 */

/* A world: true time is UTC + raw * (1 + rate). */
struct world {
    struct visor_refclock_config config;
    struct visor_refclock *clock;
    struct visor_refclock_context context;
    struct visor_rng rng;
    double rate_ppb;
    int64_t raw;
};

static visor_wall truth(const struct world *w, int64_t raw)
{
    return (visor_wall){UTC + raw + (int64_t)((double)raw * w->rate_ppb * 1e-9)};
}

static void begin(struct world *w, enum visor_refclock_driver driver)
{
    memset(w, 0, sizeof(*w));
    visor_refclock_config_init(&w->config);
    w->config.driver = driver;
    visor_rng_init(&w->rng, 42);
    w->context.prediction.known = true;
    w->context.reference = true;
    w->context.distance_s = 1e-3;
    w->raw = 1000 * S;
}

static void open_clock(struct world *w)
{
    w->clock = visor_refclock_new(&w->config, 0, 1e-8);
    assert_non_null(w->clock);
}

static void at(struct world *w, int64_t raw)
{
    w->raw = raw;
    w->context.now = (struct visor_reading){.raw = {raw}, .real = {truth(w, raw).ns - 3 * S}};
    if (w->context.prediction.known)
        w->context.prediction = (struct visor_prediction){
            .known = true, .at = {raw}, .utc = truth(w, raw), .rate_ppb = w->rate_ppb};
}

static struct visor_refclock_taken give(struct world *w, enum visor_refclock_sample_kind kind,
                                        visor_wall reference)
{
    struct visor_event_refclock event = {
        .kind = kind, .stamp.raw = {w->raw}, .reference = reference};

    return visor_refclock_take(w->clock, &event, &w->context);
}

/* A poll of `n` samples, each when it is due, with normal noise; the last answer ends it. */
static struct visor_refclock_polled run_poll(struct world *w, int n, double noise)
{
    for (int i = 0; i < n; i++) {
        visor_mono due = visor_refclock_deadline(w->clock);
        visor_wall reference;

        at(w, due.ns == INT64_MIN ? w->raw + S : due.ns);
        assert_true(visor_refclock_due(w->clock, (visor_mono){w->raw}) & VISOR_REFCLOCK_MEASURE);
        reference = truth(w, w->raw);
        reference.ns += (int64_t)(visor_rng_normal(&w->rng) * noise * 1e9);
        assert_int_equal(give(w, VISOR_REFCLOCK_TIME, reference).verdict, VISOR_REFCLOCK_TAKEN);
    }
    assert_int_equal(visor_refclock_due(w->clock, (visor_mono){w->raw}), VISOR_REFCLOCK_POLL);
    return visor_refclock_poll(w->clock, &w->context.now, &w->context.prediction);
}

static double error_of(const struct world *w, const struct visor_sample *sample)
{
    return (double)visor_wall_diff(sample->reference, truth(w, sample->at.ns)) * 1e-9;
}

static void test_due__asks_every_dpoll_and_polls_with_the_last_answer(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    w.config.poll = 2;
    open_clock(&w);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            unsigned due;

            at(&w, w.raw + S);
            due = visor_refclock_due(w.clock, (visor_mono){w.raw});
            assert_int_equal(due, VISOR_REFCLOCK_MEASURE);
            assert_int_equal(visor_refclock_deadline(w.clock).ns, w.raw + S);
            assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw + S / 2}), 0);
            give(&w, VISOR_REFCLOCK_TIME, truth(&w, w.raw));
            assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}),
                             i == 3 ? VISOR_REFCLOCK_POLL : 0);
        }
    }
    visor_refclock_free(w.clock);
}

/* A reading that contradicts ends the poll by itself, without those before it; so do three more. */
static void test_hurry__ends_the_poll_at_once(void **state)
{
    struct world w;
    struct visor_refclock_polled polled;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    w.config.poll = 3;
    open_clock(&w);
    for (int i = 0; i < 7; i++) {
        visor_mono next = visor_refclock_deadline(w.clock);

        at(&w, next.ns == INT64_MIN ? w.raw + S : next.ns);
        assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), VISOR_REFCLOCK_MEASURE);
        give(&w, VISOR_REFCLOCK_TIME, visor_wall_add(truth(&w, w.raw), i < 3 ? -S : 0));
        if (i == 3)
            visor_refclock_hurry(w.clock);
        if (i < 3)
            continue;
        assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), VISOR_REFCLOCK_POLL);
        polled = visor_refclock_poll(w.clock, &w.context.now, &w.context.prediction);
        assert_true(polled.sampled);
        assert_int_equal(polled.combined, 1);
        assert_true(fabs(error_of(&w, &polled.sample)) < 1e-6);
    }
    at(&w, visor_refclock_deadline(w.clock).ns);
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), VISOR_REFCLOCK_MEASURE);
    give(&w, VISOR_REFCLOCK_TIME, truth(&w, w.raw));
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), 0);
    visor_refclock_free(w.clock);
}

static void test_due__goes_on_when_an_answer_never_comes(void **state)
{
    struct world w;
    int polls = 0, measures = 0;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.poll = 1;
    open_clock(&w);
    for (int i = 0; i < 10; i++) {
        unsigned due = visor_refclock_due(w.clock, (visor_mono){w.raw + i * S});

        measures += due & VISOR_REFCLOCK_MEASURE ? 1 : 0;
        polls += due & VISOR_REFCLOCK_POLL ? 1 : 0;
    }
    assert_int_equal(measures, 10);
    assert_int_equal(polls, 4);
    visor_refclock_free(w.clock);
}

static void test_due__does_not_catch_up_after_a_pause(void **state)
{
    struct world w;
    int measures = 0;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    open_clock(&w);
    visor_refclock_due(w.clock, (visor_mono){w.raw});
    for (int i = 0; i < 5; i++)
        measures += visor_refclock_due(w.clock, (visor_mono){w.raw + 1000 * S}) ? 1 : 0;
    assert_int_equal(measures, 1);
    assert_int_equal(visor_refclock_deadline(w.clock).ns, w.raw + 1001 * S);
    visor_refclock_free(w.clock);
}

static void test_due__counts_true_seconds_once_the_rate_is_known(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.poll = 0;
    w.rate_ppb = -100000; /* the counter gains 100 ppm */
    open_clock(&w);
    w.raw += S / 3;
    run_poll(&w, 1, 0);
    for (int i = 0; i < 3; i++) {
        int64_t next = visor_refclock_deadline(w.clock).ns;

        assert_in_range(truth(&w, next).ns % S, S / 10 - 200000, S / 10 + 200000);
        assert_in_range(next, w.raw + 1, w.raw + 2 * S);
        run_poll(&w, 1, 0);
    }
    assert_in_range(visor_refclock_deadline(w.clock).ns, w.raw + S + 99980, w.raw + S + 100020);
    visor_refclock_free(w.clock);
}

static void test_due__sock_only_polls(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SOCK);
    open_clock(&w);
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), 0);
    assert_int_equal(visor_refclock_deadline(w.clock).ns, w.raw + 16 * S);
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw + 16 * S}),
                     VISOR_REFCLOCK_POLL);
    visor_refclock_free(w.clock);
}

/* The filtered value is as good as a mean of 16, its stated error is honest, with a known rate and
 * without. */
static void check_noise(bool known)
{
    struct world w;
    double squares = 0, stated = 0;
    int polls = 400;

    begin(&w, VISOR_REFCLOCK_SHM);
    w.rate_ppb = 100e3;
    open_clock(&w);
    w.context.prediction.known = known;
    for (int i = 0; i < polls; i++) {
        struct visor_refclock_polled polled = run_poll(&w, 16, 1e-4);

        assert_true(polled.sampled && polled.reached && !polled.pulses);
        squares += error_of(&w, &polled.sample) * error_of(&w, &polled.sample);
        stated += polled.sample.dispersion_s * polled.sample.dispersion_s;
    }
    assert_true(sqrt(squares / polls) < 1.1 * 1e-4 / 4);
    assert_true(stated / squares > 0.8 && stated / squares < 1.25);
    visor_refclock_free(w.clock);
}

static void test_poll__is_as_good_as_a_mean_and_says_how_good(void **state)
{
    (void)state;
    check_noise(true);
    check_noise(false);
}

static void test_poll__single_sample_passes_with_its_own_dispersion(void **state)
{
    struct world w;
    struct visor_event_refclock event = {.kind = VISOR_REFCLOCK_TIME, .dispersion_s = 5e-8};
    struct visor_refclock_polled polled;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.poll = 0;
    w.config.offset = -37;
    w.config.delay = 1e-3;
    w.config.stratum = 3;
    open_clock(&w);
    at(&w, w.raw + S);
    visor_refclock_due(w.clock, (visor_mono){w.raw});
    event.stamp = (struct visor_stamp){.raw = {w.raw}, .error_ns = 500};
    event.reference = truth(&w, w.raw);
    event.reference.ns += 37 * S + 12345;
    visor_refclock_take(w.clock, &event, &w.context);
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), VISOR_REFCLOCK_POLL);
    polled = visor_refclock_poll(w.clock, &w.context.now, &w.context.prediction);
    assert_true(polled.sampled);
    assert_int_equal(polled.sample.at.ns, w.raw);
    assert_int_equal(polled.sample.reference.ns, truth(&w, w.raw).ns + 12345);
    assert_true(fabs(polled.sample.dispersion_s - 5e-8) < 1e-10);
    assert_true(fabs(polled.sample.root_dispersion_s - 5.1e-7) < 1e-10);
    assert_true(polled.sample.delay_s == 1e-3);
    assert_int_equal(polled.sample.stratum, 3);
    assert_string_equal(polled.record.refid, "PHC0");
    assert_true(polled.record.filtered && fabs(polled.record.offset - 12345e-9) < 2e-9);
    visor_refclock_free(w.clock);
}

/* A storm of interrupts: reached, not used; a reading that contradicts is used all the same. */
static void test_take__leaves_out_readings_that_are_unusually_unsure(void **state)
{
    struct world w;
    struct visor_event_refclock event = {.kind = VISOR_REFCLOCK_TIME, .dispersion_s = 1e-9};
    int noisy = 0;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.poll = 0;
    open_clock(&w);
    for (int i = 0; i < 200; i++) {
        struct visor_refclock_taken taken;

        at(&w, w.raw + S);
        event.stamp.raw.ns = w.raw;
        event.reference = truth(&w, w.raw);
        event.dispersion_s = i >= 50 ? 1e-7 : 1e-9;
        if (i == 52)
            event.reference.ns += 1000;
        taken = visor_refclock_take(w.clock, &event, &w.context);
        if (i < 50 || i == 52)
            assert_int_equal(taken.verdict, VISOR_REFCLOCK_TAKEN);
        noisy += taken.verdict == VISOR_REFCLOCK_NOISY;
        assert_true(visor_refclock_poll(w.clock, &w.context.now, &w.context.prediction).reached);
    }
    assert_in_range(noisy, 8, 45); /* then it is the usual */
    visor_refclock_free(w.clock);
}

static void test_poll__without_samples_is_not_reached(void **state)
{
    struct world w;
    struct visor_event_refclock none = {.kind = VISOR_REFCLOCK_FAILED,
                                        .error = VISOR_REFCLOCK_NOTHING_NEW};
    struct visor_refclock_polled polled;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    w.config.poll = 0;
    open_clock(&w);
    at(&w, w.raw + S);
    visor_refclock_due(w.clock, (visor_mono){w.raw});
    assert_int_equal(visor_refclock_take(w.clock, &none, &w.context).verdict, VISOR_REFCLOCK_EMPTY);
    assert_int_equal(visor_refclock_due(w.clock, (visor_mono){w.raw}), VISOR_REFCLOCK_POLL);
    polled = visor_refclock_poll(w.clock, &w.context.now, &w.context.prediction);
    assert_false(polled.sampled);
    assert_false(polled.reached);
    visor_refclock_free(w.clock);
}

static void test_poll__drops_what_is_noisier_than_maxdispersion(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    w.config.max_dispersion = 1e-5;
    open_clock(&w);
    assert_true(run_poll(&w, 16, 1e-6).sampled);
    assert_false(run_poll(&w, 16, 1e-4).sampled);
    visor_refclock_free(w.clock);
}

static void test_take__refuses_old_repeated_and_absurd_times(void **state)
{
    struct world w;
    struct visor_event_refclock event = {.kind = VISOR_REFCLOCK_TIME};
    const int64_t ages[] = {-2000000, 33 * S, INT64_MAX - 2000 * S};

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    open_clock(&w);
    at(&w, w.raw);
    event.reference = truth(&w, w.raw);
    for (size_t i = 0; i < 3; i++) {
        event.stamp.raw.ns = w.raw - ages[i];
        assert_int_equal(visor_refclock_take(w.clock, &event, &w.context).verdict,
                         VISOR_REFCLOCK_BAD_TIME);
    }
    event.stamp.raw.ns = w.raw;
    event.reference.ns = INT64_MAX;
    assert_int_equal(visor_refclock_take(w.clock, &event, &w.context).verdict,
                     VISOR_REFCLOCK_BAD_TIME);
    event.reference = truth(&w, w.raw);
    assert_int_equal(visor_refclock_take(w.clock, &event, &w.context).verdict,
                     VISOR_REFCLOCK_TAKEN);
    assert_int_equal(visor_refclock_take(w.clock, &event, &w.context).verdict,
                     VISOR_REFCLOCK_BAD_TIME);
    event.leap = VISOR_LEAP_HINT_UNSYNCHRONIZED;
    event.stamp.raw.ns = w.raw + 1;
    assert_int_equal(visor_refclock_take(w.clock, &event, &w.context).verdict,
                     VISOR_REFCLOCK_BAD_LEAP);
    visor_refclock_free(w.clock);
}

static void test_take__says_once_that_it_fails_and_that_it_is_back(void **state)
{
    struct world w;
    struct visor_event_refclock fault = {.kind = VISOR_REFCLOCK_FAILED, .error = 19};
    struct visor_event_refclock none = {.kind = VISOR_REFCLOCK_FAILED,
                                        .error = VISOR_REFCLOCK_NOTHING_NEW};
    struct visor_refclock_taken taken;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PPS);
    open_clock(&w);
    at(&w, w.raw);
    assert_true(visor_refclock_take(w.clock, &fault, &w.context).failed);
    assert_false(visor_refclock_take(w.clock, &fault, &w.context).failed);
    assert_false(visor_refclock_take(w.clock, &none, &w.context).back);
    taken = give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0});
    assert_true(taken.back && !taken.failed);
    at(&w, w.raw + S);
    assert_false(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).back);
    for (int i = 0; i < 60; i++) { /* good and bad ones in turn */
        w.context.now.raw = visor_mono_add(w.context.now.raw, VISOR_NS_PER_S);
        assert_false(visor_refclock_take(w.clock, &fault, &w.context).failed);
        assert_int_equal(visor_refclock_error(w.clock), 19);
        assert_false(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).back);
        assert_int_equal(visor_refclock_error(w.clock), 0);
    }
    w.context.now.raw = visor_mono_add(w.context.now.raw, 10 * VISOR_NS_PER_S);
    assert_true(visor_refclock_take(w.clock, &fault, &w.context).failed);
    visor_refclock_free(w.clock);
}

static void test_pulse__gets_its_second_from_the_estimate(void **state)
{
    struct world w;
    struct visor_refclock_taken taken;
    struct visor_refclock_polled polled;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PPS);
    w.config.poll = 0;
    w.config.offset = 0.25; /* the pulse comes 0.25 s after the second */
    open_clock(&w);
    at(&w, 2000 * S + S / 4 - 700); /* true time: whole second + 0.25 s - 700 ns */
    visor_refclock_due(w.clock, (visor_mono){w.raw});
    taken = give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0});
    assert_int_equal(taken.verdict, VISOR_REFCLOCK_TAKEN);
    assert_int_equal(taken.record.pps, '1');
    assert_true(fabs(taken.record.offset - 700e-9) < 1e-9);
    assert_true(fabs(taken.record.raw_offset - (3 - 0.25 + 700e-9)) < 1e-9);
    polled = visor_refclock_poll(w.clock, &w.context.now, &w.context.prediction);
    assert_true(polled.pulses);
    assert_int_equal(polled.sample.reference.ns, UTC + 2000 * S + S / 4);
    visor_refclock_free(w.clock);
}

static void test_pulse__needs_a_reference_that_is_near_enough(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PPS);
    w.config.rate = 5;
    open_clock(&w);
    at(&w, 2000 * S);
    w.context.distance_s = 0.11; /* more than half of 0.2 s */
    assert_int_equal(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).verdict,
                     VISOR_REFCLOCK_NO_REFERENCE);
    w.context.distance_s = 0.09;
    w.context.reference = false;
    assert_int_equal(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).verdict,
                     VISOR_REFCLOCK_NO_REFERENCE);
    w.context.reference = true;
    at(&w, 2000 * S + 2 * S / 5 + 900);
    assert_true(fabs(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).record.offset + 900e-9) <
                1e-9);
    visor_refclock_free(w.clock);
}

static void test_pulse__width_refuses_the_other_edge(void **state)
{
    struct world w;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PPS);
    w.config.pulse_width = 0.2;
    open_clock(&w);
    at(&w, 2000 * S);
    assert_int_equal(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).verdict, VISOR_REFCLOCK_TAKEN);
    at(&w, 2000 * S + S / 5);
    assert_int_equal(give(&w, VISOR_REFCLOCK_PULSE, (visor_wall){0}).verdict,
                     VISOR_REFCLOCK_WRONG_EDGE);
    visor_refclock_free(w.clock);
}

/* As with a serial receiver 0.35 s late with 50 ms of noise: pulses pair where they are surely
 * nearest, and are then exact. */
static void test_pulse__pairs_with_the_locked_clock(void **state)
{
    struct world nmea, pps;
    int taken = 0, exact = 0;

    (void)state;
    begin(&nmea, VISOR_REFCLOCK_SHM);
    begin(&pps, VISOR_REFCLOCK_PPS);
    open_clock(&nmea);
    open_clock(&pps);
    pps.context.lock = nmea.clock;
    pps.context.reference = false; /* no other reference is needed */
    for (int i = 1; i <= 1000; i++) {
        visor_wall late = truth(&nmea, (1000 + i) * S);
        struct visor_refclock_taken result;

        at(&nmea, (1000 + i) * S);
        at(&pps, (1000 + i) * S);
        visor_refclock_due(nmea.clock, (visor_mono){nmea.raw});
        late.ns -= (int64_t)((0.35 + 0.05 * visor_rng_normal(&nmea.rng)) * 1e9);
        give(&nmea, VISOR_REFCLOCK_TIME, late);
        if (visor_refclock_due(nmea.clock, (visor_mono){nmea.raw}) & VISOR_REFCLOCK_POLL)
            visor_refclock_poll(nmea.clock, &nmea.context.now, &nmea.context.prediction);
        result = give(&pps, VISOR_REFCLOCK_PULSE, (visor_wall){0});
        if (result.verdict != VISOR_REFCLOCK_TAKEN)
            continue;
        taken++;
        exact += fabs(result.record.offset) < 1e-9;
    }
    assert_in_range(taken, 610, 740); /* chronyd's own range for this */
    assert_int_equal(exact, taken);
    at(&pps, 2003 * S);
    assert_int_equal(give(&pps, VISOR_REFCLOCK_PULSE, (visor_wall){0}).verdict,
                     VISOR_REFCLOCK_LOCK_OLD);
    visor_refclock_free(nmea.clock);
    visor_refclock_free(pps.clock);
}

static void test_pulse__pps_option_takes_only_the_part_of_the_second(void **state)
{
    struct world w;
    visor_wall tai;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.pps = true;
    open_clock(&w);
    at(&w, 2000 * S + 123456789);
    tai = truth(&w, w.raw);
    tai.ns += 37 * S + 55; /* in TAI, and 55 ns off */
    assert_true(fabs(give(&w, VISOR_REFCLOCK_TIME, tai).record.offset - 55e-9) < 1e-9);
    visor_refclock_free(w.clock);
}

static void test_local__follows_itself_from_any_phase(void **state)
{
    struct world w;
    double first = 0;

    (void)state;
    begin(&w, VISOR_REFCLOCK_PHC);
    w.config.local = true;
    w.config.poll = 2;
    open_clock(&w);
    w.context.prediction.known = false;
    w.context.reference = false;
    for (int i = 1; i <= 40; i++) { /* a PHC that runs 3 ms a second off and 0.4 s away */
        visor_wall phc = truth(&w, (1000 + i) * S);
        struct visor_refclock_taken taken;

        at(&w, (1000 + i) * S);
        phc.ns += 400000000 + i * 3000000;
        taken = give(&w, VISOR_REFCLOCK_TIME, phc);
        assert_int_equal(taken.verdict, VISOR_REFCLOCK_TAKEN);
        assert_int_equal(taken.record.leap, VISOR_LEAP_UNSYNCHRONIZED);
        if (i == 1)
            first = taken.record.offset;
        assert_true(fabs(taken.record.offset - first - 0.003 * (i - 1)) < 1e-6);
    }
    at(&w, 1045 * S); /* five seconds without */
    assert_int_equal(give(&w, VISOR_REFCLOCK_TIME, truth(&w, w.raw)).verdict,
                     VISOR_REFCLOCK_LOST_LOCK);
    at(&w, 1046 * S);
    assert_int_equal(give(&w, VISOR_REFCLOCK_TIME, truth(&w, w.raw)).verdict, VISOR_REFCLOCK_TAKEN);
    visor_refclock_free(w.clock);
}

static void test_tai__uses_the_table_on_both_sides_of_a_leap_second(void **state)
{
    const struct visor_leap_entry leaps[] = {{1483228800, 37}, {1700000010, 38}};
    struct world w;
    visor_wall tai;

    (void)state;
    begin(&w, VISOR_REFCLOCK_SHM);
    w.config.tai = true;
    open_clock(&w);
    at(&w, 0);
    tai = truth(&w, 0);
    tai.ns += 37 * S + 9 * S;
    assert_int_equal(give(&w, VISOR_REFCLOCK_TIME, tai).verdict, VISOR_REFCLOCK_NO_TAI);
    w.context.leaps = leaps;
    w.context.leap_count = 2;
    assert_true(fabs(give(&w, VISOR_REFCLOCK_TIME, tai).record.offset - 9) < 1e-9);
    at(&w, S);
    tai.ns += 3 * S; /* 23:59:59 + 3 s of TAI: the leap second and 00:00:01 */
    assert_true(fabs(give(&w, VISOR_REFCLOCK_TIME, tai).record.offset - 10) < 1e-9);
    visor_refclock_free(w.clock);
}

static void test_refid__is_made_as_chronyd_does(void **state)
{
    struct visor_refclock_config config;
    char text[5];

    (void)state;
    visor_refclock_config_init(&config);
    config.driver = VISOR_REFCLOCK_SOCK;
    visor_refclock_refid_text(&config, 3, text);
    assert_string_equal(text, "SOC3");
    visor_refclock_refid_text(&config, 12, text);
    assert_string_equal(text, "SO12");
    strcpy(config.refid, "GPS");
    assert_int_equal(visor_refclock_refid(&config, 12), 0x47505300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due__asks_every_dpoll_and_polls_with_the_last_answer),
        cmocka_unit_test(test_hurry__ends_the_poll_at_once),
        cmocka_unit_test(test_due__goes_on_when_an_answer_never_comes),
        cmocka_unit_test(test_due__does_not_catch_up_after_a_pause),
        cmocka_unit_test(test_due__counts_true_seconds_once_the_rate_is_known),
        cmocka_unit_test(test_due__sock_only_polls),
        cmocka_unit_test(test_poll__is_as_good_as_a_mean_and_says_how_good),
        cmocka_unit_test(test_poll__single_sample_passes_with_its_own_dispersion),
        cmocka_unit_test(test_take__leaves_out_readings_that_are_unusually_unsure),
        cmocka_unit_test(test_poll__without_samples_is_not_reached),
        cmocka_unit_test(test_poll__drops_what_is_noisier_than_maxdispersion),
        cmocka_unit_test(test_take__refuses_old_repeated_and_absurd_times),
        cmocka_unit_test(test_take__says_once_that_it_fails_and_that_it_is_back),
        cmocka_unit_test(test_pulse__gets_its_second_from_the_estimate),
        cmocka_unit_test(test_pulse__needs_a_reference_that_is_near_enough),
        cmocka_unit_test(test_pulse__width_refuses_the_other_edge),
        cmocka_unit_test(test_pulse__pairs_with_the_locked_clock),
        cmocka_unit_test(test_pulse__pps_option_takes_only_the_part_of_the_second),
        cmocka_unit_test(test_local__follows_itself_from_any_phase),
        cmocka_unit_test(test_tai__uses_the_table_on_both_sides_of_a_leap_second),
        cmocka_unit_test(test_refid__is_made_as_chronyd_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
