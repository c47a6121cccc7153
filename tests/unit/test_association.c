#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "association_world.h"

static void test_handle_packet__exact_offset_and_delay(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.server_offset_ns = -123456789;
    w.config.offset = 1e-3;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.sample.at.ns, w.sent_at.ns + 110 * US);
    assert_int_equal(w.sample.reference.ns - w.sample.at.ns - w.utc0, -123456789 + MS);
    assert_true(w.sample.delay_s > 199.999e-6 && w.sample.delay_s < 200.001e-6);
    assert_true(w.sample.dispersion_s > 1e-7 && w.sample.dispersion_s < 2e-7);
    assert_true(w.sample.root_delay_s > 0.0039 && w.sample.root_delay_s < 0.00391);
    assert_int_equal(w.sample.stratum, 1);
    assert_int_equal(w.a.valid.tests, 0x3ff);
    assert_int_equal(w.a.reach, 1);
    assert_true(w.a.valid.offset_s > -0.122456790 && w.a.valid.offset_s < -0.122456788);
}

/* The exchange straddles the change of the NTP era, the sample lies across it. */
static void test_handle_packet__era_2036(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + S));
    w.utc0 = INT64_C(2085978496) * S - w.sent_at.ns - w.forward_ns - w.processing_ns / 2;
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    assert_true(w.answer.transmit < w.answer.receive); /* the 64 bits did wrap */
    assert_int_equal(w.sample.reference.ns, w.sample.at.ns + w.utc0);
    assert_true(w.sample.delay_s < 201e-6);
}

static void test_handle_packet__local_interval_at_the_rate_of_utc(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.forward_ns = w.back_ns = 100 * MS;
    w.processing_ns = 0;
    w.context.prediction.rate_ppb = 100000.0;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_true(w.sample.delay_s > 0.200019999 && w.sample.delay_s < 0.200020001);
}

/* A server that claims more time than there was: the delay is the precision at least. */
static void test_handle_packet__delay_is_never_negative(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.forward_ns = w.back_ns = 0;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_true(w.sample.delay_s > 1.1e-7 && w.sample.delay_s < 1.3e-7);
}

static void test_handle_packet__refused_by_each_test(void **state)
{
    struct world w;
    struct visor_ntp_header saved;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    saved = w.answer;

    /* a copy of the last reply, before and after the next request */
    assert_int_equal(deliver(&w, &saved, w.now.ns + MS), VISOR_VERDICT_DUPLICATE);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    assert_int_equal(deliver(&w, &saved, w.now.ns + MS), VISOR_VERDICT_DUPLICATE);
    assert_int_equal(w.a.last.tests & VISOR_TEST_1, 0);

    make_answer(&w);
    w.answer.origin++;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_BOGUS);
    make_answer(&w);
    w.answer.receive = 0;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_INVALID);
    make_answer(&w);
    w.answer.origin = 0;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_BOGUS);
    w.extra = 20;
    w.auth = VISOR_AUTH_INVALID;
    make_answer(&w);
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_UNAUTHENTICATED);
    w.extra = 0;
    assert_int_equal(w.a.total_valid, 1);

    /* and still the right reply is taken, once */
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    w.answer.transmit += 1000;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_DUPLICATE);

    w.answer.leap = VISOR_LEAP_UNSYNCHRONIZED;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNSYNCHRONIZED);
    w.answer.leap = VISOR_LEAP_NONE;
    w.answer.stratum = 16;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNSYNCHRONIZED);
    w.answer.stratum = 0;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNSYNCHRONIZED);
    w.answer.stratum = 1;
    w.answer.root_dispersion = 16 << 16;
    assert_int_equal(exchange(&w), VISOR_VERDICT_DISTANT);
    w.answer.root_dispersion = 0;
    assert_int_equal(w.a.reach & 0x1f, 0x10); /* answered, but not as a clock */
    w.from = 99;
    assert_int_equal(exchange(&w), VISOR_VERDICT_NOT_FOR_US);
    w.from = 0;
    w.server_socket = true; /* `acquisitionport 123` */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.server_socket = false;
    w.answer.mode = VISOR_NTP_MODE_CLIENT;
    assert_int_equal(exchange(&w), VISOR_VERDICT_NOT_FOR_US);
    w.answer.mode = VISOR_NTP_MODE_SERVER;
    w.extra = 3;
    assert_int_equal(exchange(&w), VISOR_VERDICT_MALFORMED);
}

static void test_handle_packet__key(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.key = 5;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNAUTHENTICATED); /* no MAC at all */
    assert_int_equal(w.send.key, 5);
    w.extra = 24;
    w.key = 6;
    w.auth = VISOR_AUTH_VALID;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNAUTHENTICATED); /* another key */
    w.key = 5;
    w.auth = VISOR_AUTH_INVALID;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNAUTHENTICATED);
    w.auth = VISOR_AUTH_VALID;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
}

static void test_handle_packet__test_a(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    w.back_ns = 3 * S + 10 * MS;
    assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_A); /* maxdelay */
    w.back_ns = 100 * US;
    w.processing_ns = 4 * S + MS;
    assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_A); /* slow server */
    w.processing_ns = 20 * US;
    set_now(&w, w.now.ns); /* the clock stands in 1890, the server in another era */
    w.utc0 -= INT64_C(4294967297) * S;
    set_now(&w, w.now.ns);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    w.utc0 += INT64_C(4294967297) * S;
    make_answer(&w);
    w.utc0 -= INT64_C(4294967297) * S;
    assert_int_equal(deliver(&w, &w.answer, w.sent_at.ns + 220 * US), VISOR_VERDICT_TEST_A);
}

static void test_handle_packet__tests_b_and_c(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.max_delay_ratio = 2.0;
    w.config.max_delay_dev_ratio = 1e6;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.context.prediction = (struct visor_prediction){.known = true,
                                                     .at = w.now,
                                                     .utc = {w.now.ns + w.utc0},
                                                     .deviation_s = 10e-6,
                                                     .min_delay_s = 200e-6};
    w.back_ns = 1 * MS;
    assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_B);
    w.back_ns = 400 * US; /* ratio 2.5, but 64 s at 2 ppm are allowed for */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);

    w.a.config.max_delay_ratio = 0.0;
    w.a.config.max_delay_dev_ratio = 2.0;
    w.back_ns = 2 * MS;
    assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_C);
    w.server_offset_ns = 50 * MS; /* an error that lateness does not explain */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.server_offset_ns = 0;
    w.back_ns = 101 * US;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
}

static void test_handle_packet__delay_quantile(void **state)
{
    struct world w;
    struct visor_rng noise;
    int taken = 0;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.max_delay_quant = 0.1;
    visor_rng_init(&noise, 3);
    start(&w);
    for (int i = 0; i < 2500; i++) {
        enum visor_association_verdict verdict;

        w.back_ns = (int64_t)(visor_rng_exponential(&noise) * 1e6);
        verdict = exchange(&w);
        assert_true(verdict == VISOR_VERDICT_SAMPLE || verdict == VISOR_VERDICT_TEST_C);
        taken += verdict == VISOR_VERDICT_SAMPLE;
    }
    assert_in_range(taken, 200, 350);
}

static void test_handle_packet__loop(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.answer.stratum = 2;
    w.answer.refid = 0xc0000209; /* our address */
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE); /* we serve nobody: cannot be */
    w.context.serving = true;
    assert_int_equal(exchange(&w), VISOR_VERDICT_TEST_D);
    w.answer.refid = 0xc000020a; /* somebody else */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.answer.refid = 0xc0000209;
    w.answer.stratum = 1; /* there the refid is no address */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);

    /* our own clock, by another name */
    w.view.stratum = 3;
    w.view.refid = w.answer.refid = 0x01020304;
    w.view.root_delay_ns = 1 * MS;
    w.answer.stratum = 3;
    w.answer.root_delay = visor_ntp_short_from_ns(w.view.root_delay_ns);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    make_answer(&w);
    w.view.reference = visor_ntp_to_wall(w.answer.reference);
    w.answer.reference = visor_ntp_from_wall(w.view.reference);
    assert_int_equal(deliver(&w, &w.answer, w.sent_at.ns + 220 * US), VISOR_VERDICT_TEST_D);
}

static void test_handle_packet__minstratum_and_copy(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.min_stratum = 3;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.sample.stratum, 3);
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.copy = true;
    start(&w);
    w.answer.stratum = 4;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.sample.stratum, 3);
}

static void test_switches__online_and_offline(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.offline = true;
    w.config.iburst = true;
    start(&w);
    assert_true(visor_association_deadline(&w.a).ns == INT64_MAX);
    visor_association_start_burst(&w.a, 2, 5, w.now);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_false(run_to_send(&w, w.now.ns + 1000 * S)); /* offline again */
    visor_association_set_online(&w.a, true, w.now);
    for (int i = 0; i < 4; i++)
        assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.a.burst.active, false);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    visor_association_set_online(&w.a, false, w.now);
    assert_int_equal(answer(&w), VISOR_VERDICT_OFFLINE);
    assert_true(visor_association_take_close(&w.a));
    assert_false(run_to_send(&w, w.now.ns + 1000 * S));
}

static void test_switches__auto_offline(void **state)
{
    struct world w;
    struct visor_event_sent failed = {.source = 7, .error = 101};

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.auto_offline = true;
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + S));
    failed.token = w.send.token;
    visor_association_handle_sent(&w.a, &failed, w.now);
    assert_false(w.a.online);
    assert_int_equal(w.a.total_tx, 0);
    assert_false(run_to_send(&w, w.now.ns + 1000 * S));
}

/* The seconds between requests, as they are now. */
static int64_t spacing(struct world *w)
{
    visor_mono last;

    (void)exchange(w);
    last = w->sent_at;
    (void)exchange(w);
    return visor_mono_diff(w->sent_at, last) / MS;
}

static void test_near__once_a_second_until_it_asks_for_less(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.near = true;
    start(&w);
    (void)exchange(&w);
    assert_in_range(spacing(&w), 980, 1050);
    w.forward_ns = 2 * MS; /* it is not so near any more */
    (void)exchange(&w);
    assert_in_range(spacing(&w), 60000, 70000);
    w.forward_ns = 100 * US;
    (void)exchange(&w);
    assert_in_range(spacing(&w), 980, 1050);
    for (int i = 0; i < 4; i++) /* silent: no more often than any other */
        assert_true(run_to_send(&w, w.now.ns + 1000 * S));
    assert_false(run_to_send(&w, w.now.ns + 50 * S));
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(spacing(&w), 980, 1050);

    w.answer.stratum = 0;
    w.answer.leap = VISOR_LEAP_UNSYNCHRONIZED;
    w.answer.refid = VISOR_NTP_KISS_RATE;
    assert_int_equal(exchange(&w), VISOR_VERDICT_KISS);
    w.answer.stratum = 1;
    w.answer.leap = 0;
    w.answer.refid = 0x47505300;
    (void)exchange(&w);
    assert_in_range(spacing(&w), 60000, 70000);
}

static void test_near__not_by_itself(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    (void)exchange(&w);
    assert_in_range(spacing(&w), 60000, 70000);
}

static void test_kiss__rate_and_deny(void **state)
{
    struct world w;
    visor_mono last;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.iburst = true;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.answer.stratum = 0;
    w.answer.leap = VISOR_LEAP_UNSYNCHRONIZED;
    w.answer.refid = VISOR_NTP_KISS_RATE;
    assert_int_equal(exchange(&w), VISOR_VERDICT_KISS);
    assert_int_equal(w.a.last.kiss, VISOR_NTP_KISS_RATE);
    last = w.sent_at;
    visor_association_set_poll(&w.a, 7, w.now); /* a longer poll does not shorten the pause */
    assert_false(run_to_send(&w, last.ns + 300 * S));
    visor_association_set_poll(&w.a, 6, w.now);
    w.answer.refid = VISOR_NTP_KISS_DENY;
    w.answer.origin = 0;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_DUPLICATE);
    assert_int_equal(exchange(&w), VISOR_VERDICT_KISS);
    assert_in_range(visor_mono_diff(w.sent_at, last), 315 * S, 330 * S);
    assert_true(w.a.denied);
    assert_false(run_to_send(&w, w.now.ns + 100000 * S));
    visor_association_set_online(&w.a, true, w.now);
    assert_true(run_to_send(&w, w.now.ns + 2 * S));

    /* denied, taken offline, renamed: still silent */
    w.answer.refid = VISOR_NTP_KISS_RSTR;
    assert_int_equal(answer(&w), VISOR_VERDICT_KISS);
    visor_association_set_online(&w.a, false, w.now);
    visor_association_change_address(&w.a, &w.a.remote, w.now);
    assert_false(run_to_send(&w, w.now.ns + 1000 * S));
}

/* A forged kiss, not knowing our cookie, has no effect. */
static void test_kiss__bogus_is_refused(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + S));
    make_answer(&w);
    w.answer.stratum = 0;
    w.answer.leap = VISOR_LEAP_UNSYNCHRONIZED;
    w.answer.refid = VISOR_NTP_KISS_DENY;
    w.answer.origin ^= 1;
    assert_int_equal(deliver(&w, &w.answer, w.now.ns + MS), VISOR_VERDICT_BOGUS);
    assert_false(w.a.denied);
}

static void test_request__reveals_nothing(void **state)
{
    struct world w;
    uint64_t last;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.version = 3;
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + S));
    last = w.request.transmit;
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    assert_int_equal(w.request.version, 3);
    assert_int_equal(w.request.mode, VISOR_NTP_MODE_CLIENT);
    assert_int_equal(w.request.precision, 32);
    assert_true(w.request.transmit != last && w.request.transmit != 0);
    assert_true(w.request.origin == 0 && w.request.receive == 0 && w.request.reference == 0);
    assert_int_equal(w.send.size, 48);
    assert_int_equal(w.send.to.port, 123);
    assert_false(w.send.from_server);
}

/* The best stamp of the last request counts, in whatever order they come. */
static void test_handle_sent__takes_the_best_credible_stamp(void **state)
{
    struct world w;
    struct visor_event_sent event = {.source = 7};
    visor_mono right;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_true(run_to_send(&w, w.now.ns + S));
    right = w.a.request.sent.raw;
    event.token = w.send.token;
    event.sent = (struct visor_stamp){{right.ns + 5000}, 0, VISOR_STAMPER_DAEMON, 0, 0};
    visor_association_handle_sent(&w.a, &event, w.now); /* worse */
    event.sent = (struct visor_stamp){{right.ns + 2 * S}, 0, VISOR_STAMPER_HARDWARE, 0, 0};
    visor_association_handle_sent(&w.a, &event, w.now); /* far too late */
    event.sent = (struct visor_stamp){{right.ns - MS}, 0, VISOR_STAMPER_HARDWARE, 0, 0};
    visor_association_handle_sent(&w.a, &event, w.now); /* before it was handed out */
    event.token--;
    event.sent = (struct visor_stamp){{right.ns + 7}, 0, VISOR_STAMPER_HARDWARE, 0, 0};
    visor_association_handle_sent(&w.a, &event, w.now); /* of another request */
    assert_int_equal(w.a.request.sent.raw.ns, right.ns);
    event.token++;
    visor_association_handle_sent(&w.a, &event, w.now);
    assert_int_equal(w.a.request.sent.raw.ns, right.ns + 7);
    assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
    assert_int_equal(w.a.valid.tx, VISOR_STAMPER_HARDWARE);
}

/* Interleaved replies to a request long lost would carry a stamp as old. */
static void test_request__basic_again_after_four_misses(void **state)
{
    struct world w;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    w.config.xleave = true;
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    for (int i = 0; i < 6; i++) {
        assert_true(run_to_send(&w, w.now.ns + 100 * S));
        assert_true(i < 4 ? w.request.origin == w.answer.receive : w.request.origin == 0);
        assert_int_equal(w.request.receive != 0, i < 4);
    }
}

static void test_reset__forgets_the_pending_request(void **state)
{
    struct world w;
    struct visor_address other;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    visor_association_reset(&w.a);
    assert_int_equal(answer(&w), VISOR_VERDICT_BOGUS);
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    visor_address_parse("2001:db8::5", &other);
    visor_association_change_address(&w.a, &other, w.now);
    assert_int_equal(w.a.total_rx, 0);
    assert_true(run_to_send(&w, w.now.ns + 100 * S));
    assert_true(visor_address_same(&w.send.to, &other));
}

static void test_record_and_status__of_the_last_reply(void **state)
{
    struct world w;
    struct visor_record_measurement record;
    struct visor_source_status status = {0};

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    start(&w);
    w.answer.stratum = 16;
    assert_int_equal(exchange(&w), VISOR_VERDICT_UNSYNCHRONIZED);
    visor_association_record(&w.a, &record);
    assert_int_equal(record.test_bits_low, 7);
    assert_int_equal(record.test_bits_mid, 5);
    assert_int_equal(record.test_bits_high, 0);
    assert_true(record.raw);
    w.answer.stratum = 2;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    w.a.maxpoll = 7;
    visor_association_set_interval(&w.a, 96.0, w.now);
    visor_association_record(&w.a, &record);
    assert_true(record.local_poll == 6 && record.score == 0.5);
    assert_false(record.raw);
    assert_string_equal(record.mode, "4B");
    assert_int_equal(record.tx, 'K');
    assert_int_equal(record.test_bits_high, 15);
    visor_association_status(&w.a, &status);
    assert_int_equal(status.tests, 0x3ff);
    assert_int_equal(status.total_tx, 2);
    assert_int_equal(status.total_good, 1);
    assert_int_equal(status.total_kernel_rx, 2);
    assert_int_equal(status.reach, 1);
    assert_int_equal(status.remote_refid, 0x47505300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handle_packet__exact_offset_and_delay),
        cmocka_unit_test(test_handle_packet__era_2036),
        cmocka_unit_test(test_handle_packet__local_interval_at_the_rate_of_utc),
        cmocka_unit_test(test_handle_packet__delay_is_never_negative),
        cmocka_unit_test(test_handle_packet__refused_by_each_test),
        cmocka_unit_test(test_handle_packet__key),
        cmocka_unit_test(test_handle_packet__test_a),
        cmocka_unit_test(test_handle_packet__tests_b_and_c),
        cmocka_unit_test(test_handle_packet__delay_quantile),
        cmocka_unit_test(test_handle_packet__loop),
        cmocka_unit_test(test_handle_packet__minstratum_and_copy),
        cmocka_unit_test(test_switches__online_and_offline),
        cmocka_unit_test(test_switches__auto_offline),
        cmocka_unit_test(test_near__once_a_second_until_it_asks_for_less),
        cmocka_unit_test(test_near__not_by_itself),
        cmocka_unit_test(test_kiss__rate_and_deny),
        cmocka_unit_test(test_kiss__bogus_is_refused),
        cmocka_unit_test(test_request__reveals_nothing),
        cmocka_unit_test(test_handle_sent__takes_the_best_credible_stamp),
        cmocka_unit_test(test_request__basic_again_after_four_misses),
        cmocka_unit_test(test_reset__forgets_the_pending_request),
        cmocka_unit_test(test_record_and_status__of_the_last_reply),
    };

    return cmocka_run_group_tests_name("association", tests, NULL, NULL);
}
