#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/association.h"

#define S  VISOR_NS_PER_S
#define MS (VISOR_NS_PER_S / 1000)
#define US (VISOR_NS_PER_S / 1000000)

/* A world of one client and one server: true UTC is `raw + utc0`, CLOCK_REALTIME is right. */
struct world {
    struct visor_source_config config;
    struct visor_association a;
    struct visor_rng rng;
    struct visor_association_context context;
    struct visor_view view;
    visor_mono now;
    int64_t utc0;
    struct visor_action_send send;
    int sends, closes;
    visor_mono sent_at;
    struct visor_ntp_header request;
    struct visor_sample sample;

    /* the server */
    int64_t server_offset_ns, forward_ns, back_ns, processing_ns;
    struct visor_ntp_header answer;
    uint32_t key;
    uint32_t from;      /* source of the packet event; 0: the right one */
    bool server_socket; /* it came to the server's */
    enum visor_auth auth;
    size_t extra; /* bytes after the header */
};

static void set_now(struct world *w, int64_t raw)
{
    w->now.ns = raw;
    w->context.now = (struct visor_reading){.raw = w->now, .real = {raw + w->utc0}};
}

static void init_world(struct world *w, enum visor_source_kind kind)
{
    *w = (struct world){.utc0 = INT64_C(1700000000) * S - 5000 * S,
                        .forward_ns = 100 * US,
                        .back_ns = 100 * US,
                        .processing_ns = 20 * US};
    w->config = (struct visor_source_config){.kind = kind,
                                             .port = 123,
                                             .minpoll = 6,
                                             .maxpoll = 10,
                                             .presend = 100,
                                             .max_delay = 3.0,
                                             .max_delay_dev_ratio = 10.0,
                                             .poll_target = 8};
    w->answer = (struct visor_ntp_header){.version = 4,
                                          .mode = VISOR_NTP_MODE_SERVER,
                                          .stratum = 1,
                                          .poll = 6,
                                          .precision = -24,
                                          .root_delay = 0x100,
                                          .root_dispersion = 0x200,
                                          .refid = 0x47505300};
    visor_rng_init(&w->rng, 1);
    w->context.view = &w->view;
    w->context.precision = -24;
    w->context.max_clock_error_ppm = 1.0;
    set_now(w, 5000 * S);
    w->view = (struct visor_view){
        .raw = w->now, .utc = {w->now.ns + w->utc0}, .precision = -24, .stratum = 0};
}

static void start(struct world *w)
{
    struct visor_address server;

    visor_address_parse("192.0.2.1", &server);
    visor_association_init(&w->a, &w->config, &server, 7, &w->rng, w->now);
}

/* Run the timer until `until` or the next send; true: there was one. */
static bool run_to_send(struct world *w, int64_t until)
{
    for (;;) {
        visor_mono deadline = visor_association_deadline(&w->a);
        bool sent;

        if (deadline.ns > until) {
            set_now(w, until);
            return false;
        }
        if (deadline.ns > w->now.ns)
            set_now(w, deadline.ns);
        sent = visor_association_handle_timer(&w->a, &w->context, &w->send);
        if (visor_association_take_close(&w->a))
            w->closes++;
        if (sent) {
            struct visor_ntp_layout layout;
            struct visor_event_sent event = {.source = 7, .token = w->send.token};

            w->sends++;
            assert_true(visor_ntp_read(&w->request, &layout, w->send.data, w->send.size));
            w->sent_at = visor_mono_add(w->now, 30 * US);
            event.sent = (struct visor_stamp){w->sent_at, 50, VISOR_STAMPER_KERNEL};
            visor_association_handle_sent(&w->a, &event, w->sent_at);
            return true;
        }
    }
}

static enum visor_association_verdict deliver(struct world *w,
                                              const struct visor_ntp_header *header, int64_t at)
{
    uint8_t data[200] = {0};
    struct visor_event_packet packet = {.source = w->from ? w->from : 7,
                                        .auth = w->auth,
                                        .key = w->key,
                                        .data = data,
                                        .size = VISOR_NTP_HEADER + w->extra};

    visor_ntp_write(header, data, sizeof(data));
    data[51] = (uint8_t)w->key;
    visor_address_parse("192.0.2.1", &packet.peer);
    visor_address_parse("192.0.2.9", &packet.local);
    set_now(w, at);
    packet.received = (struct visor_stamp){w->now, 50, VISOR_STAMPER_KERNEL};
    if (w->config.kind == VISOR_SOURCE_PEER || w->server_socket)
        packet.source = 0;
    return visor_association_handle_packet(&w->a, &packet, &w->context, &w->sample);
}

static visor_wall server_clock(const struct world *w, int64_t raw)
{
    return (visor_wall){raw + w->utc0 + w->server_offset_ns};
}

/* A basic reply to the last request. */
static void make_answer(struct world *w)
{
    int64_t received = w->sent_at.ns + w->forward_ns;

    w->answer.origin = w->request.transmit;
    w->answer.receive = visor_ntp_from_wall(server_clock(w, received));
    w->answer.transmit = visor_ntp_from_wall(server_clock(w, received + w->processing_ns));
    w->answer.reference = w->answer.receive - (UINT64_C(10) << 32);
}

static enum visor_association_verdict answer(struct world *w)
{
    int64_t at = w->sent_at.ns + w->forward_ns + w->processing_ns + w->back_ns;

    make_answer(w);
    return deliver(w, &w->answer, at);
}

static enum visor_association_verdict exchange(struct world *w)
{
    assert_true(run_to_send(w, w->now.ns + 100000 * S));
    return answer(w);
}

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

/* ---- schedule ---- */

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
    assert_in_range(visor_mono_diff(last, first), 63999 * S - S, 64001 * S + S);
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
    /* the grid stays */
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    assert_in_range(visor_mono_diff(w.sent_at, first), 62 * S, 66 * S);
    assert_int_equal(w.a.reach, 0x3f);

    /* silence: two retries in each of two polls, then none */
    w.sends = 0;
    first = w.sent_at;
    while (run_to_send(&w, first.ns + (64 * 5 + 32) * S))
        ;
    assert_int_equal(w.sends, 5 + 2 * 2);
    assert_int_equal(w.a.missed, 9);
    assert_int_equal(w.a.missed_polls, 4);
    assert_int_equal(w.a.reach, 0xf0);
}

/* A third of all requests is lost: nine polls of ten are answered all the same. */
static void test_schedule__retries_make_up_for_loss(void **state)
{
    struct world w;
    struct visor_rng loss;
    int polls = 0, missed = 0;
    uint32_t worst = 0;

    (void)state;
    init_world(&w, VISOR_SOURCE_SERVER);
    visor_rng_init(&loss, 9);
    start(&w);
    while (polls < 2000) {
        visor_mono slot = w.a.slot;

        assert_true(run_to_send(&w, w.now.ns + 100 * S));
        polls += w.a.slot.ns != slot.ns;
        worst = w.a.missed_polls > worst ? w.a.missed_polls : worst;
        if (visor_rng_uniform(&loss) > 1.0 / 3.0)
            assert_int_equal(answer(&w), VISOR_VERDICT_SAMPLE);
        else
            missed++;
    }
    assert_true(w.a.total_valid > 1880);
    assert_true(worst <= 5);
    assert_in_range(visor_mono_diff(w.now, (visor_mono){5000 * S}), 1998 * 64 * S, 2002 * 64 * S);
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
    event.sent = (struct visor_stamp){{right.ns + 5000}, 0, VISOR_STAMPER_DAEMON};
    visor_association_handle_sent(&w.a, &event, w.now); /* worse */
    event.sent = (struct visor_stamp){{right.ns + 2 * S}, 0, VISOR_STAMPER_HARDWARE};
    visor_association_handle_sent(&w.a, &event, w.now); /* far too late */
    event.sent = (struct visor_stamp){{right.ns - MS}, 0, VISOR_STAMPER_HARDWARE};
    visor_association_handle_sent(&w.a, &event, w.now); /* before it was handed out */
    event.token--;
    event.sent = (struct visor_stamp){{right.ns + 7}, 0, VISOR_STAMPER_HARDWARE};
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
    visor_association_record(&w.a, 0.5, &record);
    assert_int_equal(record.test_bits_low, 7);
    assert_int_equal(record.test_bits_mid, 5);
    assert_int_equal(record.test_bits_high, 0);
    assert_true(record.raw);
    w.answer.stratum = 2;
    assert_int_equal(exchange(&w), VISOR_VERDICT_SAMPLE);
    visor_association_record(&w.a, 0.5, &record);
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
        cmocka_unit_test(test_schedule__one_request_a_poll_in_the_long_run),
        cmocka_unit_test(test_schedule__iburst_of_four),
        cmocka_unit_test(test_schedule__iburst_gives_up_after_eight),
        cmocka_unit_test(test_schedule__subsecond_only_for_near_sources),
        cmocka_unit_test(test_schedule__missing_reply_is_retried_within_two_seconds),
        cmocka_unit_test(test_schedule__retries_make_up_for_loss),
        cmocka_unit_test(test_schedule__retries_that_are_no_use_end),
        cmocka_unit_test(test_schedule__far_sources_are_waited_for),
        cmocka_unit_test(test_schedule__socket_is_closed_when_done),
        cmocka_unit_test(test_schedule__presend),
        cmocka_unit_test(test_schedule__burst_option),
        cmocka_unit_test(test_schedule__poll_changes_count_from_the_last_slot),
        cmocka_unit_test(test_switches__online_and_offline),
        cmocka_unit_test(test_switches__auto_offline),
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
