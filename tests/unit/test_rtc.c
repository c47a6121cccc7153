/* The RTC: its line against the estimate, trimming, what a file says of it, a device that is not
 * there. */
#include "engine/rtc.h"

#include "base/rng.h"
#include "port/clock.h"
#include "port/rtc.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define S     VISOR_NS_PER_S
#define EPOCH INT64_C(1700000000)

/* An RTC that is `fast` seconds ahead at EPOCH and gains `gain` (a second of its own). The raw
 * counter runs `raw_ppm` fast, the view knows that. */
struct world {
    struct visor_rtc rtc;
    struct visor_view view;
    struct visor_rng rng;
    struct visor_rtc_drift drift;
    double fast, gain, raw_ppm, noise;
};

static void begin(struct world *w, double fast, double gain_ppm, double autotrim)
{
    *w = (struct world){.fast = fast, .gain = gain_ppm * 1e-6, .raw_ppm = 50};
    visor_rtc_init(&w->rtc, autotrim);
    visor_rng_init(&w->rng, 3);
    w->view = (struct visor_view){.utc = {EPOCH * S},
                                  .rate_ppb = -w->raw_ppm * 1e3 / (1 + w->raw_ppm * 1e-6),
                                  .trust = VISOR_TRUST_SYNCHRONIZED};
}

/* The RTC's next whole second at or after `utc_s` seconds from EPOCH. */
static enum visor_rtc_outcome edge(struct world *w, double utc_s)
{
    double shown = (utc_s + w->fast) / (1 - w->gain), whole = ceil(shown);
    double at = whole * (1 - w->gain) - w->fast; /* s of UTC from EPOCH */
    visor_mono raw = {(int64_t)(at * (1 + w->raw_ppm * 1e-6) * 1e9 +
                                w->noise * 1e9 * visor_rng_exponential(&w->rng))};

    return visor_rtc_take(&w->rtc, raw, EPOCH + (int64_t)whole, &w->view, &w->drift);
}

static double run(struct world *w, double from, double until)
{
    for (; from < until; from += visor_rtc_period_s(&w->rtc) ? visor_rtc_period_s(&w->rtc) : 1)
        assert_int_equal(edge(w, from), VISOR_RTC_NOTHING);
    return from;
}

static void test_take__finds_offset_and_gain(void **state)
{
    struct world w;
    double error;

    (void)state;
    begin(&w, 12.25, 35, 0);
    w.noise = 2e-4;
    run(&w, 0, 4 * 3600);
    assert_true(w.rtc.known);
    assert_true(fabs(w.rtc.gain * 1e6 - 35) < 0.5);
    error = w.rtc.fast_s - (12.25 + 35e-6 * (double)(w.rtc.reference_s - EPOCH));
    assert_true(error > -5e-4 && error < 1e-4); /* edges are only ever seen late */
    assert_true(visor_rtc_drift(&w.rtc, &w.drift) && w.drift.valid);
    assert_true(fabs(w.drift.gain_ppm - 35) < 0.5);
    assert_true(visor_rtc_span_s(&w.rtc) > 600 && visor_rtc_span_s(&w.rtc) < 1200);
}

static void test_take__one_late_edge_does_not_matter(void **state)
{
    struct world w;
    double at;

    (void)state;
    begin(&w, -3, -10, 0);
    w.noise = 1e-5;
    at = run(&w, 0, 900);
    w.noise = 0.3;
    edge(&w, at);
    w.noise = 1e-5;
    run(&w, at + 60, at + 400);
    assert_true(fabs(w.rtc.gain * 1e6 + 10) < 1);
}

static void test_take__follows_a_change_of_rate(void **state)
{
    struct world w;
    double at;

    (void)state;
    begin(&w, 0, 5, 0);
    w.noise = 1e-5;
    at = run(&w, 0, 3600);
    w.fast += at * (5e-6 - 25e-6); /* continuous */
    w.gain = 25e-6;
    run(&w, at, at + 3600);
    assert_true(fabs(w.rtc.gain * 1e6 - 25) < 0.5);
    assert_true(w.rtc.runs > 1);
}

static void test_take__follows_somebody_who_sets_it_forward(void **state)
{
    struct world w;
    double at;

    (void)state;
    begin(&w, 0, 5, 0);
    w.noise = 1e-5;
    at = run(&w, 0, 900);
    w.fast += 3;
    run(&w, at, at + 700);
    assert_true(fabs(w.rtc.fast_s - 3 - 5e-6 * (double)(w.rtc.reference_s - EPOCH)) < 1e-3);
}

static void test_take__starts_anew_when_set_back_or_in_a_new_epoch(void **state)
{
    struct world w;
    double at;

    (void)state;
    begin(&w, 10, 0, 0);
    at = run(&w, 0, 600);
    w.fast = -5000;
    edge(&w, at);
    assert_int_equal(w.rtc.count, 1);
    at = run(&w, at + 15, at + 600);
    assert_true(fabs(w.rtc.fast_s + 5000) < 1e-3);
    w.view.epoch++;
    edge(&w, at);
    assert_int_equal(w.rtc.count, 1);
}

static void test_period__grows_with_the_samples(void **state)
{
    struct world w;
    const int periods[] = {15, 15, 15, 30, 30, 60, 60, 60, 60, 120};

    (void)state;
    begin(&w, 0, 0, 0);
    for (size_t i = 0; i < 10; i++) {
        edge(&w, (double)i * 15);
        assert_int_equal(visor_rtc_period_s(&w.rtc), periods[i]);
    }
}

static void test_trim__only_when_wrong_by_more_than_a_second_and_synchronized(void **state)
{
    struct world w;
    int64_t seconds;

    (void)state;
    begin(&w, 0.9, 0, 0.5);
    edge(&w, 0);
    edge(&w, 15);
    assert_int_equal(edge(&w, 30), VISOR_RTC_TRIM); /* as the threshold says … */
    assert_false(visor_rtc_trim(&w.rtc, (visor_mono){31 * S}, &w.view, &seconds)); /* … in vain */
    begin(&w, 40, 0, 30);
    w.view.trust = VISOR_TRUST_UNKNOWN;
    run(&w, 0, 200);
    w.view.trust = VISOR_TRUST_SYNCHRONIZED;
    assert_int_equal(edge(&w, 300), VISOR_RTC_TRIM);
    begin(&w, 29, 0, 30);
    run(&w, 0, 300);
}

static void test_trim__sets_finds_again_and_saves(void **state)
{
    struct world w;
    int64_t seconds;
    visor_mono now;

    (void)state;
    begin(&w, 40, 12, 0);
    run(&w, 0, 900);
    now.ns = (int64_t)((1000.3) * (1 + w.raw_ppm * 1e-6) * 1e9);
    assert_true(visor_rtc_trim(&w.rtc, now, &w.view, &seconds));
    assert_int_equal(seconds, EPOCH + 1000);
    assert_int_equal(visor_rtc_period_s(&w.rtc), 0);
    assert_true(fabs(w.rtc.fast_s - 0.2) < 1e-6); /* the next second begins in 0.5 s */
    w.fast = 0.2 - 1000 * 12e-6;
    for (int i = 0; i < 7; i++)
        assert_int_equal(edge(&w, 1002 + i), VISOR_RTC_NOTHING);
    assert_int_equal(edge(&w, 1009), VISOR_RTC_SAVE);
    assert_true(w.drift.valid);
    assert_true(fabs(w.drift.fast_s - 0.2) < 1e-3);
    assert_true(fabs(w.drift.gain_ppm - 12) < 0.5); /* from before */
    assert_int_equal(visor_rtc_period_s(&w.rtc), 15);
}

static void test_utc__applies_what_the_file_knew(void **state)
{
    struct visor_rtc_drift drift = {true, EPOCH, 2.5, 10};
    visor_wall utc = visor_rtc_utc(&drift, EPOCH + 100000);

    (void)state;
    assert_int_equal(utc.ns, (EPOCH + 100000) * S - 3500000000);
    drift.gain_ppm = NAN;
    utc = visor_rtc_utc(&drift, EPOCH);
    assert_int_equal(utc.ns, EPOCH * S);
    drift = (struct visor_rtc_drift){0};
    assert_true(visor_rtc_utc(&drift, INT64_MAX).ns > 0);
    assert_true(visor_rtc_utc(&drift, INT64_MIN).ns < 0);
}

static void test_device__missing_is_tried_again_with_back_off(void **state)
{
    struct visor_rtc_device device;
    struct visor_rtc_edge found;
    visor_mono now = {1000 * S};

    (void)state;
    visor_rtc_device_init(&device, "/nonexistent/rtc", true, true);
    assert_int_equal(visor_rtc_device_deadline(&device).ns, INT64_MAX);
    visor_rtc_device_want(&device, now);
    for (int64_t wait = 1; wait <= 64; wait *= 2) {
        assert_false(visor_rtc_device_tick(&device, now, &found));
        assert_int_equal(device.error, ENOENT);
        assert_int_equal(visor_rtc_device_fd(&device), -1);
        assert_int_equal(visor_rtc_device_deadline(&device).ns, now.ns + wait * S);
        now = visor_rtc_device_deadline(&device);
    }
    visor_rtc_device_want(&device, (visor_mono){0}); /* not sooner than that */
    assert_int_equal(visor_rtc_device_deadline(&device).ns, now.ns);
    visor_rtc_device_done(&device);
}

static void test_device__no_rtc_is_an_error_not_a_time(void **state)
{
    int fd = visor_rtc_open("/dev/null", true);
    int64_t seconds = 7;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(visor_rtc_interrupts(fd, true), -ENOTTY);
    assert_int_equal(visor_rtc_read(fd, true, true, &seconds), -ENOTTY);
    assert_int_equal(visor_rtc_set(fd, true, EPOCH), -ENOTTY);
    assert_int_equal(visor_rtc_edge(fd), 0);
    close(fd);
}

static void test_keeps_utc__believes_hwclocks_file(void **state)
{
    const struct {
        const char *text;
        bool otherwise, utc;
    } cases[] = {{"0.0 0 0.0\n0\nUTC\n", false, true},
                 {"0.0 0 0.0\n0\nLOCAL\n", true, false},
                 {"0.0 0 0.0\n", true, true},
                 {"", false, false}};
    char path[] = "/tmp/visor-adjtime-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FILE *file = fopen(path, "w");

        fputs(cases[i].text, file);
        fclose(file);
        assert_int_equal(visor_rtc_keeps_utc(path, cases[i].otherwise), cases[i].utc);
    }
    unlink(path);
    assert_true(visor_rtc_keeps_utc("/dev/null", true));
    assert_false(visor_rtc_keeps_utc("", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take__finds_offset_and_gain),
        cmocka_unit_test(test_take__one_late_edge_does_not_matter),
        cmocka_unit_test(test_take__follows_a_change_of_rate),
        cmocka_unit_test(test_take__follows_somebody_who_sets_it_forward),
        cmocka_unit_test(test_take__starts_anew_when_set_back_or_in_a_new_epoch),
        cmocka_unit_test(test_period__grows_with_the_samples),
        cmocka_unit_test(test_trim__only_when_wrong_by_more_than_a_second_and_synchronized),
        cmocka_unit_test(test_trim__sets_finds_again_and_saves),
        cmocka_unit_test(test_utc__applies_what_the_file_knew),
        cmocka_unit_test(test_device__missing_is_tried_again_with_back_off),
        cmocka_unit_test(test_device__no_rtc_is_an_error_not_a_time),
        cmocka_unit_test(test_keeps_utc__believes_hwclocks_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
