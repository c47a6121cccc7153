#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "association_world.h"

static void test_schedule__one_request_a_poll_in_the_long_run(void **state)
{
    struct world w;
    visor_mono first, last, lowest = {INT64_MAX}, highest = {0};

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(w.sent_at.ns - 5000 * S, 200 * MS, 221 * MS);
    first = last = w.sent_at;
    for (int i = 0; i < 1000; i++) {
        int64_t interval;

        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
        interval = visor_mono_diff(w.sent_at, last);
        last = w.sent_at;
        lowest.ns = interval < lowest.ns ? interval : lowest.ns;
        highest.ns = interval > highest.ns ? interval : highest.ns;
    }
    /* the jitter's mean is part of the grid */
    assert_in_range(visor_mono_diff(last, first), 64640 * S - 2 * S, 64640 * S + 2 * S);
    assert_true(lowest.ns > 62 * S && highest.ns < 66 * S && highest.ns > 64 * S + S / 2);
    assert_int_equal(w.sends, 1001);
}

static void test_schedule__iburst_of_four(void **state)
{
    struct world w;
    visor_mono before;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.iburst = true;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    for (int i = 0; i < 3; i++) {
        before = w.sent_at;
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
        assert_in_range(visor_mono_diff(w.sent_at, before), 2 * S, 2 * S + 50 * MS);
    }
    before = w.sent_at;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, before), 63 * S, 66 * S);
}

static void test_schedule__iburst_gives_up_after_eight(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.iburst = true;
    start(&w);
    while (run_to_send(&w, 5060 * S))
        ;
    assert_int_equal(w.sends, 8);
    assert_int_equal(w.a.reach, 0);
}

static void test_schedule__subsecond_only_for_near_sources(void **state)
{
    struct world w;
    int sends;

    (void)state;
    for (int far = 0; far < 2; far++) {
        init_world(&w, VISOR_SOURCE_SERVER);
        w.config.minpoll = w.config.maxpoll = -3;
        w.back_ns = far ? 20 * MS : 20 * US;
        start(&w);
        assert_int_equal(visor_association_poll(&w.a), 0);
        while (w.now.ns < 5010 * S)
            assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
        sends = w.sends;
        assert_in_range(sends, far ? 9 : 77, far ? 11 : 80);
        assert_int_equal(visor_association_poll(&w.a), far ? 0 : -3);
    }
}

static void test_schedule__missing_reply_is_retried_within_two_seconds(void **state)
{
    struct world w;
    visor_mono first;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    for (int i = 0; i < 4; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    first = w.sent_at;
    assert_true(run_to_send(&w, w.now.ns + 10 * S));
    assert_in_range(visor_mono_diff(w.sent_at, first), 1 * S, 2 * S);
    assert_int_equal(w.a.missed, 1);
    assert_int_equal(w.a.missed_since.ns, first.ns - 30 * US);
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.a.missed, 0);
    assert_int_equal(w.a.reach, 0x1f);
    /* the grid stays, and the retry takes the place of the next poll */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, first), 126 * S, 132 * S);
    assert_int_equal(w.a.reach, 0x3f);

    /* silence: two retries in each of two polls, then none; four polls make room for them, each
     * after one that is sent */
    w.sends = 0;
    first = w.sent_at;
    while (run_to_send(&w, first.ns + (64 * 9 + 32) * S))
        ;
    assert_int_equal(w.sends, 5 + 2 * 2);
    assert_int_equal(w.a.missed, 9);
    assert_int_equal(w.a.missed_polls, 4);
    assert_int_equal(w.a.reach, 0xf0);
}

/* When the core must know whether it is silent: as many requests as it takes, within a poll. */
static void test_schedule__pressed_for_an_answer(void **state)
{
    struct world w;
    visor_mono first;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.minpoll = w.config.maxpoll = 4;
    start(&w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.context.pressed = 8;
    assert_true(run_to_send(&w, w.now.ns + 20 * S));
    first = w.sent_at;
    for (int i = 1; i < 8; i++)
        assert_true(run_to_send(&w, first.ns + i * 2 * S));
    assert_false(run_to_send(&w, first.ns + 15300 * MS));
    assert_int_equal(w.a.missed, 8);
    assert_int_equal(w.a.polls, 4);

    /* at short polls it takes less time; where loss is known to be high it is no use */
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.minpoll = w.config.maxpoll = 0;
    start(&w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.context.pressed = 4;
    assert_true(run_to_send(&w, w.now.ns + 2 * S));
    first = w.sent_at;
    assert_false(run_to_send(&w, first.ns + 200 * MS));
    while (w.a.missed < 4)
        run_to_send(&w, w.now.ns + 50 * MS);
    assert_in_range(visor_mono_diff(w.now, first), 1000 * MS, 1200 * MS);
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    w.context.pressed = 12;
    assert_true(run_to_send(&w, w.now.ns + 10 * S));
    first = w.sent_at;
    assert_false(run_to_send(&w, first.ns + 900 * MS));
}

/* A far server's first answer comes after more than two seconds: it is waited for, and no poll is
 * left out before there are samples enough. */
static void test_schedule__the_first_answer_may_be_late(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.forward_ns = w.back_ns = 1200 * MS;
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + 10 * S));
    assert_false(run_to_send(&w, w.sent_at.ns + 2300 * MS));
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(w.now.ns, 5000 * S + 128 * S, 5000 * S + 136 * S);
}

/* The dead are asked less often, and the risen at once as before. */
static void test_schedule__silence_lengthens_the_interval(void **state)
{
    struct world w;
    int64_t before;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.maxpoll = 10;
    start(&w);
    for (int i = 0; i < 8; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    while (w.a.missed_polls < 5)
        assert_true(run_to_send(&w, w.now.ns + 140 * S));
    assert_int_equal(visor_association_poll(&w.a), 6);
    while (w.a.missed_polls < 100)
        assert_true(run_to_send(&w, w.now.ns + 550 * S));
    assert_int_equal(visor_association_poll(&w.a), 9);
    before = w.now.ns;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(w.now.ns - before, 500 * S, 530 * S);
    before = w.now.ns;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(w.now.ns - before, 50 * S, 70 * S);
}

/* One that follows us has nothing to tell, and lost requests in between make it no more telling. */
static void test_schedule__vain_polls(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.maxpoll = 10;
    w.context.serving = true;
    w.answer.stratum = 2;
    w.answer.refid = 0xc0000209; /* our address */
    start(&w);
    for (uint32_t at = w.a.polls; w.a.polls < at + 8;) {
        assert_int_equal(visor_association_poll(&w.a), 6);
        if (w.a.polls % 2)
            assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_D);
        else
            assert_true(run_to_send(&w, w.now.ns + 140 * S));
    }
    assert_true(run_to_send(&w, w.now.ns + 140 * S));
    assert_int_equal(visor_association_poll(&w.a), 7);
    w.answer.refid = 0xc000020a; /* somebody else */
    while (exchange(&w) != VISOR_VERDICT_SAMPLE)
        ;
    assert_int_equal(visor_association_poll(&w.a), 6);
}

static void test_schedule__a_stranger_that_is_silent_is_asked_less_often_sooner(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.maxpoll = 10;
    start(&w);
    while (w.a.polls < 5)
        assert_true(run_to_send(&w, w.now.ns + 140 * S));
    assert_int_equal(visor_association_poll(&w.a), 7);
    while (exchange(&w) != VISOR_VERDICT_SAMPLE)
        ;
    assert_int_equal(visor_association_poll(&w.a), 6);
}

/* A third of all requests is lost: nine polls of ten are answered all the same, and in the long run
 * no more is sent than one request an interval. */
static void test_schedule__retries_make_up_for_loss(void **state)
{
    struct world w;
    struct visor_rng loss;
    uint32_t worst = 0;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    visor_rng_init(&loss, 9);
    start(&w);
    while (w.a.polls < 2000) {
        assert_true(run_to_send(&w, w.now.ns + 140 * S));
        worst = w.a.missed_polls > worst ? w.a.missed_polls : worst;
        if (visor_rng_uniform(&loss) > 1.0 / 3.0)
            assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    }
    assert_true(w.a.total_valid > 1880);
    assert_true(worst <= 5);
    assert_in_range(visor_mono_diff(w.now, (visor_mono){5000 * S}) / (64 * S + 64 * S / 100),
                    w.sends - 20, w.sends + 20);
}

/* Where retries are never answered, they are given up: that is a rate limit. */
static void test_schedule__retries_that_are_no_use_end(void **state)
{
    struct world w;
    int retries = 0;
    visor_mono slot;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.minpoll = w.config.maxpoll = 3;
    start(&w);
    for (int i = 0; i < 1000; i++) {
        slot = w.a.slot;
        assert_true(run_to_send(&w, w.now.ns + 100 * S));
        if (w.a.slot.ns == slot.ns)
            retries++;
        else if (i % 3)
            assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    }
    assert_in_range(retries, 2, 350);

    /* and after a kiss-o'-death there is none for long */
    w.answer.stratum = 0;
    w.answer.leap = VISOR_LEAP_UNSYNCHRONIZED;
    w.answer.refid = VISOR_NTP_KISS_RATE;
    assert_int_equal(exchange(&w), VISOR_VERDICT_KISS);
    w.answer.stratum = 1;
    w.answer.leap = VISOR_LEAP_NONE;
    for (int i = 0; i < 30; i++) {
        slot = w.a.slot;
        assert_true(run_to_send(&w, w.now.ns + 100 * S));
        assert_int_not_equal(w.a.slot.ns, slot.ns);
        if (i % 3)
            assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    }
}

static void test_schedule__far_sources_are_waited_for(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.max_delay = 16.0;
    w.back_ns = 5 * S;
    start(&w);
    for (int i = 0; i < 10; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.sends, 10);
}

static void test_schedule__socket_is_closed_when_done(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_true(visor_association_take_close(&w.a));
    assert_false(visor_association_take_close(&w.a));
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    w.closes = 0;
    assert_false(run_to_send(&w, w.sent_at.ns + 6 * S));
    assert_int_equal(w.closes, 0);
    assert_false(run_to_send(&w, w.sent_at.ns + 8 * S)); /* maxdelay + 4 s */
    assert_int_equal(w.closes, 1);
}

static void test_schedule__presend(void **state)
{
    struct world w;
    visor_mono warm;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.presend = 6;
    start(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_A);
        warm = w.sent_at;
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
        assert_in_range(visor_mono_diff(w.sent_at, warm), 2 * S, 2 * S + 50 * MS);
    }
}

static void test_schedule__burst_option(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.burst = true;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    visor_association_set_poll(&w.a, 8, w.now);
    w.sends = 0;
    assert_false(run_to_send(&w, w.sent_at.ns + 250 * S));
    while (run_to_send(&w, w.now.ns + 20 * S))
        ;
    assert_int_equal(w.sends, 4); /* no reply: four at most */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.sends = 0;
    while (run_to_send(&w, w.now.ns + 20 * S))
        ;
    assert_int_equal(w.sends, 0); /* one good reply ends it */
}

static void test_schedule__poll_changes_count_from_the_last_slot(void **state)
{
    struct world w;
    visor_mono last;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    last = w.sent_at;
    visor_association_set_poll(&w.a, 99, w.now);
    assert_int_equal(visor_association_poll(&w.a), 10);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, last), 1000 * S, 1050 * S);
    last = w.sent_at;
    assert_false(run_to_send(&w, last.ns + 500 * S));
    visor_association_set_poll(&w.a, -20, w.now);
    assert_int_equal(visor_association_poll(&w.a), 6);
    assert_true(run_to_send(&w, w.now.ns)); /* overdue */
    visor_association_set_minpoll(&w.a, 11, w.now);
    assert_int_equal(w.a.maxpoll, 11);
    assert_int_equal(visor_association_poll(&w.a), 11);
    visor_association_set_maxpoll(&w.a, 4, w.now);
    assert_int_equal(w.a.minpoll, 4);
}

static void test_schedule__what_is_moved_stays_moved(void **state)
{
    struct world w;
    visor_mono last, first;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    first = w.sent_at;
    visor_association_set_poll(&w.a, 8, w.now);
    visor_association_move(&w.a, 50 * S);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, first), 306 * S, 312 * S);
    visor_association_move(&w.a, -60 * S);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, first), 500 * S, 512 * S);
    last = w.sent_at;
    visor_association_move(&w.a, -1000 * S); /* not more often than minpoll */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, last), 64 * S, 66 * S);
    visor_association_start_burst(&w.a, 4, 8, w.now);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    last = w.sent_at;
    visor_association_move(&w.a, 50 * S); /* a burst is in a hurry */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, last), 2 * S, 2 * S + 50 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule__pressed_for_an_answer),
        cmocka_unit_test(test_schedule__one_request_a_poll_in_the_long_run),
        cmocka_unit_test(test_schedule__iburst_of_four),
        cmocka_unit_test(test_schedule__iburst_gives_up_after_eight),
        cmocka_unit_test(test_schedule__subsecond_only_for_near_sources),
        cmocka_unit_test(test_schedule__missing_reply_is_retried_within_two_seconds),
        cmocka_unit_test(test_schedule__the_first_answer_may_be_late),
        cmocka_unit_test(test_schedule__silence_lengthens_the_interval),
        cmocka_unit_test(test_schedule__vain_polls),
        cmocka_unit_test(test_schedule__a_stranger_that_is_silent_is_asked_less_often_sooner),
        cmocka_unit_test(test_schedule__retries_make_up_for_loss),
        cmocka_unit_test(test_schedule__retries_that_are_no_use_end),
        cmocka_unit_test(test_schedule__far_sources_are_waited_for),
        cmocka_unit_test(test_schedule__socket_is_closed_when_done),
        cmocka_unit_test(test_schedule__what_is_moved_stays_moved),
        cmocka_unit_test(test_schedule__presend),
        cmocka_unit_test(test_schedule__burst_option),
        cmocka_unit_test(test_schedule__poll_changes_count_from_the_last_slot),
    };

    return cmocka_run_group_tests_name("association", tests, NULL, NULL);
}
