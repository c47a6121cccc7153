/* The clock segment of the real engine in the simulator: restarts of the daemon do not interrupt
 * what its readers have, and the truth is inside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/script.h"
#include "sim/world.h"
#include "wire/segment.h"

#include <stdio.h>

#define WORLD                                                                                      \
    "network net delay 2ms jitter exponential 100us\n"                                             \
    "server s1 network net\nserver s2 network net\nserver s3 network net\n"                        \
    "host vm oscillator quartz\n"                                                                  \
    "  server s1 iburst minpoll 6 maxpoll 10\n"                                                    \
    "  server s2 iburst minpoll 6 maxpoll 10\n"                                                    \
    "  server s3 iburst minpoll 6 maxpoll 10\n"

/* What the daemon's adapter does with each view, and what a reader sees each second. */
struct reader {
    struct visor_world *world;
    struct visor_segment_publisher publisher;
    int64_t since;   /* true ns from which on readings count */
    int64_t excused; /* and from which to which they may be wrong */
    int64_t excused_until;
    int64_t reads, valid, wrong, other_epoch;
    uint64_t epoch;
    int64_t compare_from, compare_until; /* true ns between which the clock is looked at, too */
    int64_t compared, widest_ns, nearest_clock_ns;
};

static void on_action(void *context, const struct visor_host *host, int64_t at,
                      const struct visor_action *action)
{
    struct reader *reader = context;

    (void)at;
    if (action->kind == VISOR_ACTION_PUBLISH)
        visor_segment_publisher_next(&reader->publisher, &action->view,
                                     (visor_mono){host->kernel.raw});
}

static void on_mishap(void *context, const struct visor_scenario_mishap *mishap, int64_t at)
{
    struct reader *reader = context;
    struct visor_segment_snapshot former = reader->publisher.last;
    bool any = reader->publisher.any;

    (void)at;
    if (mishap->kind == VISOR_MISHAP_RESTART)
        visor_segment_publisher_init(&reader->publisher, any ? &former : NULL);
}

static void compare(struct reader *reader, const struct visor_host *host,
                    const struct visor_segment_interval *seen, visor_wall truth)
{
    int64_t width = visor_ns_diff(seen->latest.ns, seen->earliest.ns);
    int64_t lacking = host->kernel.real - truth.ns;

    lacking = lacking < 0 ? -lacking : lacking;
    if (reader->compared++ == 0)
        reader->nearest_clock_ns = lacking;
    reader->widest_ns = width > reader->widest_ns ? width : reader->widest_ns;
    reader->nearest_clock_ns =
        lacking < reader->nearest_clock_ns ? lacking : reader->nearest_clock_ns;
}

static void on_sample(void *context, const struct visor_host *host,
                      const struct visor_score_sample *sample)
{
    struct reader *reader = context;
    int64_t at = host->kernel.at;
    visor_wall truth = visor_world_utc(reader->world, at);
    struct visor_segment_interval seen;

    (void)sample;
    if (at < reader->since || !reader->publisher.any)
        return;
    visor_segment_at(&reader->publisher.last, (visor_mono){host->kernel.raw}, 0, &seen);
    reader->reads++;
    if (at >= reader->compare_from && at < reader->compare_until)
        compare(reader, host, &seen, truth);
    reader->valid += seen.latest.ns != INT64_MAX && seen.trust != VISOR_TRUST_UNKNOWN &&
                     seen.trust != VISOR_TRUST_DISRUPTED;
    reader->other_epoch += reader->publisher.last.epoch != reader->epoch;
    if ((seen.earliest.ns > truth.ns || seen.latest.ns < truth.ns) &&
        (at < reader->excused || at >= reader->excused_until))
        reader->wrong++;
}

static void run(const char *text, struct reader *reader)
{
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;

    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    assert_true(visor_script_read(&scenario, "test", text, strlen(text), &diagnoses));
    visor_diagnoses_done(&diagnoses);
    reader->world = visor_world_new(&scenario, scenario.seed);
    assert_non_null(reader->world);
    reader->world->observer = (struct visor_observer){
        .context = reader, .sample = on_sample, .action = on_action, .mishap = on_mishap};
    visor_segment_publisher_init(&reader->publisher, NULL);
    assert_true(visor_world_run(reader->world));
    visor_world_free(reader->world);
    visor_scenario_done(&scenario);
}

/* A year, a restart a week, each of ten seconds; VISOR_WEEKS for less. */
static void test_segment__a_year_of_weekly_restarts(void **state)
{
    const char *less = getenv("VISOR_WEEKS");
    int weeks = less ? atoi(less) : 52, length;
    struct reader reader = {.since = 120 * VISOR_NS_PER_S};
    char text[8192];

    (void)state;
    length =
        snprintf(text, sizeof(text), "title weekly restarts\nduration %dd\n%s", weeks * 7, WORLD);
    for (int week = 1; week < weeks; week++)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "at %dd vm restart after 10s\n", week * 7);
    run(text, &reader);
    printf("# %lld seconds, %lld valid, %lld wrong\n", (long long)reader.reads,
           (long long)reader.valid, (long long)reader.wrong);
    assert_int_equal(reader.wrong, 0);
    assert_int_equal(reader.other_epoch, 0);
    assert_true((double)reader.valid >= 0.99999 * (double)reader.reads);
    assert_true(reader.reads > (weeks * 7 - 1) * INT64_C(86400));
}

/* The machine stands still while no daemon runs. Nobody can know until the next one is
 * synchronised; then it is another epoch, and right again. */
static void test_segment__a_stop_between_two_daemons_is_found_by_the_second(void **state)
{
    struct reader reader = {.since = 120 * VISOR_NS_PER_S,
                            .excused = 1810 * VISOR_NS_PER_S,
                            .excused_until = 1930 * VISOR_NS_PER_S};

    (void)state;
    run("title a stop while no daemon runs\nduration 3600s\n" WORLD
        "at 1800s vm restart after 30s\n"
        "at 1810s vm pause 60s\n",
        &reader);
    assert_int_equal(reader.wrong, 0);
    assert_int_equal(reader.publisher.last.epoch, 1);
    assert_true(reader.other_epoch > 1500);
}

/* After a stop of a minute the clock is slewed for long (makestep is off), and the segment is right
 * as soon as the engine is. */
static void test_segment__is_right_while_the_clock_is_still_slewed(void **state)
{
    struct reader reader = {.since = 120 * VISOR_NS_PER_S,
                            .excused = 1800 * VISOR_NS_PER_S,
                            .excused_until = 2900 * VISOR_NS_PER_S,
                            .compare_from = 2900 * VISOR_NS_PER_S,
                            .compare_until = 2960 * VISOR_NS_PER_S};

    (void)state;
    run("title a stop that is slewed away\nduration 3600s\n" WORLD "  maxslewrate 500\n"
        "at 1800s vm pause 60s\n",
        &reader);
    assert_int_equal(reader.wrong, 0);
    assert_int_equal(reader.compared, 60);
    assert_true(reader.widest_ns < 20000000);          /* the segment knows to 10 ms … */
    assert_true(reader.nearest_clock_ns > 1000000000); /* … what CLOCK_REALTIME lacks by seconds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment__a_year_of_weekly_restarts),
        cmocka_unit_test(test_segment__is_right_while_the_clock_is_still_slewed),
        cmocka_unit_test(test_segment__a_stop_between_two_daemons_is_found_by_the_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
