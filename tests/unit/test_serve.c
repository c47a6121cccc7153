#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/association.h"
#include "engine/exchanges.h"
#include "engine/serve.h"

#define S    VISOR_NS_PER_S
#define MS   (VISOR_NS_PER_S / 1000)
#define US   (VISOR_NS_PER_S / 1000000)

#define UTC0 (INT64_C(1700000000) * VISOR_NS_PER_S)

/* A node's clock: UTC as it believes it, on the raw counter that both nodes share. */
static struct visor_view view_of(int64_t offset_ns)
{
    return (struct visor_view){.version = 1,
                               .raw = {0},
                               .utc = {UTC0 + offset_ns},
                               .trust = VISOR_TRUST_SYNCHRONIZED,
                               .stratum = 2,
                               .refid = 0x0a000001,
                               .reference = {UTC0 - 60 * S},
                               .root_delay_ns = 3 * MS,
                               .root_dispersion_ns = 1 * MS,
                               .dispersion_rate_ppb = 1000.0,
                               .precision = -30};
}

static size_t request_of(uint8_t *data, uint8_t version, uint8_t mode, uint64_t transmit)
{
    struct visor_ntp_header header = {
        .version = version, .mode = mode, .poll = 6, .transmit = transmit};

    return visor_ntp_write(&header, data, VISOR_NTP_HEADER);
}

struct fixture {
    struct visor_view view;
    struct visor_rng rng;
    struct visor_serve_request request;
    struct visor_serve_reply reply;
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;
    uint8_t data[VISOR_NTP_PACKET_MAX];
};

static void init_fixture(struct fixture *f)
{
    *f = (struct fixture){.view = view_of(0)};
    visor_rng_init(&f->rng, 11);
    f->request = (struct visor_serve_request){
        .data = f->data,
        .size = VISOR_NTP_HEADER,
        .port = 50000,
        .received = {.raw = {100 * S}, .error_ns = 10, .by = VISOR_STAMPER_KERNEL},
        .departure = {100 * S + 50 * US},
        .min_poll = -19};
}

static bool answer(struct fixture *f)
{
    bool given = visor_serve_answer(&f->view, &f->request, NULL, &f->rng, &f->reply);

    if (given)
        assert_true(visor_ntp_read(&f->header, &f->layout, f->reply.data, f->reply.size));
    return given;
}

static void test_answer__what_the_view_says(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 0x1234567890abcdef);
    assert_true(answer(&f));
    assert_int_equal(f.reply.size, 48);
    assert_int_equal(f.header.mode, VISOR_NTP_MODE_SERVER);
    assert_int_equal(f.header.version, 4);
    assert_int_equal(f.header.stratum, 2);
    assert_int_equal(f.header.poll, 6);
    assert_int_equal(f.header.refid, 0x0a000001);
    assert_true(f.header.origin == 0x1234567890abcdef);
    assert_int_equal(visor_ntp_to_wall(f.header.reference).ns, UTC0 - 60 * S);
    /* within the random bits: 8 units of 2^-32 s */
    assert_in_range(visor_ntp_to_wall(f.header.receive).ns, UTC0 + 100 * S - 2, UTC0 + 100 * S + 2);
    assert_in_range(visor_ntp_to_wall(f.header.transmit).ns, UTC0 + 100 * S + 50 * US - 2,
                    UTC0 + 100 * S + 50 * US + 2);
    assert_true((f.header.receive & 1) == 1 && (f.header.transmit & 1) == 0);
    assert_int_equal(f.header.root_delay, visor_ntp_short_from_ns(3 * MS));
    /* 1 ms and 100 s at 1 ppm, rounded up */
    assert_true(visor_ntp_short_to_ns(f.header.root_dispersion) >= 1 * MS + 100 * US);
    assert_true(visor_ntp_short_to_ns(f.header.root_dispersion) < 1 * MS + 120 * US);
}

static void test_answer__modes_and_versions(void **state)
{
    struct fixture f;
    static const struct {
        uint8_t version, mode;
        uint16_t port;
        int reply; /* mode, 0: none */
    } cases[] = {
        {1, 3, 50000, 4}, {2, 3, 123, 4}, {3, 3, 123, 4},   {4, 3, 123, 4}, {5, 3, 123, 0},
        {0, 3, 123, 0},   {4, 1, 123, 2}, {4, 2, 123, 0},   {4, 4, 123, 0}, {4, 5, 123, 0},
        {4, 6, 123, 0},   {4, 7, 123, 0}, {1, 0, 50000, 4}, {1, 0, 123, 0}, {4, 0, 50000, 0},
    };

    (void)state;
    init_fixture(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request_of(f.data, cases[i].version, cases[i].mode, 5);
        f.request.port = cases[i].port;
        if (answer(&f) != (cases[i].reply != 0))
            fail_msg("case %zu", i);
        if (!cases[i].reply)
            continue;
        assert_int_equal(f.header.mode, cases[i].reply);
        assert_int_equal(f.header.version, cases[i].version);
    }
    request_of(f.data, 4, 3, 5);
    f.request.auth = VISOR_AUTH_INVALID;
    assert_false(answer(&f));
    f.request.auth = VISOR_AUTH_ABSENT;
    f.request.size = 47;
    assert_false(answer(&f));
}

static void test_answer__unsynchronised(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    f.view.stratum = 0;
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 5);
    assert_true(answer(&f));
    assert_int_equal(f.header.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_int_equal(f.header.stratum, 0);
    assert_int_equal(f.header.refid, 0);
    assert_true(f.header.reference == 0);
    assert_int_equal(f.header.root_dispersion, 0x10000);
}

static void test_answer__local_reference_is_recent(void **state)
{
    struct fixture f;
    int64_t age;

    (void)state;
    init_fixture(&f);
    f.view.refid = VISOR_NTP_REFID_LOCAL;
    f.view.stratum = 10;
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 5);
    for (int i = 0; i < 200; i++) {
        f.request.received.raw.ns += S;
        f.request.departure.ns += S;
        assert_true(answer(&f));
        age = visor_ntp_diff_ns(f.header.transmit, f.header.reference);
        assert_true(age > S / 2 && age < 66 * S);
    }
}

static void test_answer__kiss_of_death(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    f.request.kiss = VISOR_NTP_KISS_RATE;
    f.request.min_poll = 9;
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 77);
    assert_true(answer(&f));
    assert_int_equal(f.header.stratum, 0);
    assert_int_equal(f.header.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_int_equal(f.header.refid, VISOR_NTP_KISS_RATE);
    assert_int_equal(f.header.poll, 9);
    assert_true(f.header.origin == 77);
}

static void test_answer__smoothed_time_for_clients_only(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    f.view.smoothing = (struct visor_smoothing){
        .active = true, .start = {90 * S}, .offset = -1.0, .frequency = 0.01, .wander = 0.002};
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 5);
    assert_true(answer(&f));
    assert_int_equal(f.header.refid, VISOR_NTP_REFID_SMOOTH);
    /* 10 s after the start: -1 + 0.1 + 0.1 */
    assert_true(llabs(visor_ntp_to_wall(f.header.receive).ns - (UTC0 + 100 * S - 800 * MS)) <
                2 * US);
    assert_true(llabs(visor_ntp_to_wall(f.header.reference).ns - (UTC0 - 60 * S - 800 * MS)) <
                2 * US);
    request_of(f.data, 4, VISOR_NTP_MODE_ACTIVE, 5);
    assert_true(answer(&f));
    assert_int_equal(f.header.refid, 0x0a000001);
    assert_in_range(visor_ntp_to_wall(f.header.receive).ns, UTC0 + 100 * S - 2, UTC0 + 100 * S + 2);
}

static void test_answer__mono_root_only_when_asked_and_never_longer(void **state)
{
    struct fixture f;
    struct visor_ntp_mono_root root = {0};
    struct visor_ntp_field field;
    uint8_t body[VISOR_NTP_MONO_ROOT_SIZE];
    size_t at = VISOR_NTP_HEADER;

    (void)state;
    init_fixture(&f);
    f.view.continuous_ns = -7 * S;
    f.view.continuous_epoch = 42;
    request_of(f.data, 4, VISOR_NTP_MODE_CLIENT, 5);
    visor_ntp_mono_root_write(&root, body);
    f.request.size = visor_ntp_field_write(f.data, sizeof(f.data), 48, VISOR_NTP_FIELD_MONO_ROOT,
                                           body, sizeof(body));
    /* twice, and an unknown one */
    f.request.size = visor_ntp_field_write(f.data, sizeof(f.data), f.request.size,
                                           VISOR_NTP_FIELD_MONO_ROOT, body, sizeof(body));
    f.request.size =
        visor_ntp_field_write(f.data, sizeof(f.data), f.request.size, 0x7777, NULL, 600);
    assert_true(answer(&f));
    assert_int_equal(f.reply.size, 48 + 28);
    assert_true(visor_ntp_field_next(f.reply.data, &f.layout, &at, &field));
    assert_true(visor_ntp_mono_root_read(&root, field.body, field.size));
    assert_int_equal(root.epoch, 42);
    assert_int_equal(visor_ntp_diff_ns(f.header.receive, root.receive), 7 * S);
    assert_true(visor_ntp_short28_to_ns(root.root_dispersion) >= 1 * MS + 100 * US);
    assert_true(visor_ntp_short28_to_ns(root.root_dispersion) < 1 * MS + 101 * US);
    /* smoothed time has no continuous scale */
    f.view.smoothing = (struct visor_smoothing){.active = true, .offset = 1.0};
    assert_true(answer(&f));
    at = VISOR_NTP_HEADER;
    assert_true(visor_ntp_field_next(f.reply.data, &f.layout, &at, &field));
    assert_true(visor_ntp_mono_root_read(&root, field.body, field.size));
    assert_true(root.receive == 0);
}

/* Only who gives back a receive timestamp of ours, and has two stamps of its own, is remembered. */
static void test_answer__remembers_interleaved_clients_only(void **state)
{
    struct fixture f;
    struct visor_exchanges *exchanges = visor_exchanges_new(4096);
    struct visor_ntp_header asked = {.version = 4, .mode = VISOR_NTP_MODE_CLIENT};
    static const struct {
        uint64_t origin, receive, transmit;
        uint8_t version;
        bool remembered;
    } cases[] = {
        {0, 0, 7, 4, false}, {5, 6, 7, 4, true},  {4, 6, 7, 4, false},
        {5, 7, 7, 4, false}, {5, 6, 7, 3, false},
    };

    (void)state;
    init_fixture(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        asked.version = cases[i].version;
        asked.origin = cases[i].origin;
        asked.receive = cases[i].receive;
        asked.transmit = cases[i].transmit;
        visor_ntp_write(&asked, f.data, sizeof(f.data));
        assert_true(visor_serve_answer(&f.view, &f.request, exchanges, &f.rng, &f.reply));
        assert_int_equal(f.reply.receive != 0, cases[i].remembered);
        assert_false(f.reply.interleaved);
    }
    visor_exchanges_free(exchanges);
}

static void test_broadcast__header(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    assert_int_equal(visor_serve_broadcast(&f.view, (visor_mono){5 * S}, 4, &f.rng, f.data), 48);
    assert_true(visor_ntp_read(&f.header, &f.layout, f.data, 48));
    assert_int_equal(f.header.mode, VISOR_NTP_MODE_BROADCAST);
    assert_int_equal(f.header.poll, 4);
    assert_true(f.header.origin == 0 && f.header.receive == 0);
    assert_in_range(visor_ntp_to_wall(f.header.transmit).ns, UTC0 + 5 * S - 2, UTC0 + 5 * S + 2);
}

static void test_exchanges__bounded_and_taken_once(void **state)
{
    struct visor_exchanges *exchanges = visor_exchanges_new(4096);
    struct visor_stamp sent = {{1000 + 10}, 0, VISOR_STAMPER_DAEMON, 0, 0};
    enum visor_stamper by;
    visor_wall wall;
    uint32_t span;

    (void)state;
    assert_non_null(exchanges);
    assert_int_equal(visor_exchanges_held(exchanges, &span), 0);
    visor_exchanges_put(exchanges, 99, (visor_mono){1000}, (visor_wall){5000}, sent);
    sent = (struct visor_stamp){{1000 + 17}, 0, VISOR_STAMPER_KERNEL, 0, 0};
    visor_exchanges_sent(exchanges, 99, sent);
    sent = (struct visor_stamp){{1000 + 9}, 0, VISOR_STAMPER_DAEMON, 0, 0}; /* worse: ignored */
    visor_exchanges_sent(exchanges, 99, sent);
    sent = (struct visor_stamp){{1000 + 2 * S}, 0, VISOR_STAMPER_HARDWARE, 0, 0}; /* not credible */
    visor_exchanges_sent(exchanges, 99, sent);
    assert_false(visor_exchanges_take(exchanges, 98, &wall, &by));
    assert_false(visor_exchanges_take(exchanges, 0, &wall, &by));
    assert_true(visor_exchanges_take(exchanges, 99, &wall, &by));
    assert_int_equal(wall.ns, 5017);
    assert_int_equal(by, VISOR_STAMPER_KERNEL);
    assert_false(visor_exchanges_take(exchanges, 99, &wall, &by));

    for (uint64_t i = 1; i <= 100000; i++)
        visor_exchanges_put(exchanges, i << 20 | 1, (visor_mono){(int64_t)i * S}, (visor_wall){0},
                            (struct visor_stamp){{(int64_t)i * S}, 0, VISOR_STAMPER_DAEMON, 0, 0});
    assert_true(visor_exchanges_held(exchanges, &span) <= 4096 / 40);
    assert_true(visor_exchanges_take(exchanges, UINT64_C(100000) << 20 | 1, &wall, &by));
    visor_exchanges_put(exchanges, UINT64_C(99999) << 20 | 1, (visor_mono){0}, (visor_wall){0},
                        sent);
    assert_false(visor_exchanges_take(exchanges, UINT64_C(99999) << 20 | 1, &wall, &by));
    visor_exchanges_clear(exchanges);
    assert_int_equal(visor_exchanges_held(exchanges, &span), 0);
    visor_exchanges_free(exchanges);
}

/* ---- a client and a server, or two peers, on a line with a fixed delay ---- */

struct node {
    struct visor_view view;
    struct visor_association a;
    struct visor_association_context context;
    uint64_t in_flight; /* count */
    int samples, interleaved, refused;
    struct visor_sample sample;
};

struct pair {
    struct node nodes[2];
    struct visor_exchanges *exchanges;
    struct visor_rng rng;
    visor_mono now;
    int64_t delay[2]; /* from node 0 to 1, from 1 to 0 */
    int64_t late;     /* what the server's own transmit time is wrong by */
    int lose;         /* every n-th packet; 0: none */
    int count;
    int64_t queue; /* up to so much longer in a switch that tells; 0: there is none */
    int64_t told;  /* by the last packet */
    int64_t lie;   /* and so much more */
};

static void set_time(struct pair *p, visor_mono now)
{
    p->now = now;
    for (int i = 0; i < 2; i++)
        p->nodes[i].context.now =
            (struct visor_reading){.raw = now, .real = visor_view_utc(&p->nodes[i].view, now)};
}

/* A packet arrives; cards stamp it if there is a switch that tells. */
static void travel(struct pair *p, int from)
{
    p->told = (int64_t)(visor_rng_uniform(&p->rng) * (double)p->queue);
    set_time(p, visor_mono_add(p->now, p->delay[from] + p->told));
}

static struct visor_stamp arrival(const struct pair *p)
{
    if (!p->queue)
        return (struct visor_stamp){.raw = p->now, .by = VISOR_STAMPER_KERNEL};
    return (struct visor_stamp){.raw = p->now,
                                .by = VISOR_STAMPER_HARDWARE,
                                .frame_ns = 8 * US,
                                .held_ns = p->told + p->lie};
}

static void init_pair(struct pair *p, int64_t offset1)
{
    *p = (struct pair){.delay = {70 * US, 70 * US}};
    visor_rng_init(&p->rng, 5);
    p->exchanges = visor_exchanges_new(65536);
    for (int i = 0; i < 2; i++) {
        p->nodes[i].view = view_of(i ? offset1 : 0);
        p->nodes[i].context.view = &p->nodes[i].view;
        p->nodes[i].context.precision = -30;
    }
    set_time(p, (visor_mono){10 * S});
}

static void add_association(struct pair *p, int i, enum visor_source_kind kind, int poll,
                            bool xleave, uint32_t fields)
{
    struct visor_source_config config = {.kind = kind,
                                         .minpoll = poll,
                                         .maxpoll = poll,
                                         .presend = 100,
                                         .max_delay = 3.0,
                                         .max_delay_dev_ratio = 10.0,
                                         .xleave = xleave,
                                         .extfields = fields};
    struct visor_address remote;

    visor_address_parse(i ? "10.0.0.1" : "10.0.0.2", &remote);
    visor_association_init(&p->nodes[i].a, &config, &remote, (uint32_t)(i + 1), &p->rng, p->now);
}

static void handle(struct pair *p, int to, const uint8_t *data, size_t size)
{
    struct node *node = &p->nodes[to];
    struct visor_event_packet packet = {.data = data, .size = size, .received = arrival(p)};

    if (node->a.config.kind != VISOR_SOURCE_PEER)
        packet.source = node->a.id;
    visor_address_parse(to ? "10.0.0.2" : "10.0.0.1", &packet.local);
    if (visor_association_handle_packet(&node->a, &packet, &node->context, &node->sample) ==
        VISOR_VERDICT_SAMPLE) {
        node->samples++;
        node->interleaved += node->a.last.interleaved;
    } else {
        node->refused++;
    }
}

/* Node 1 answers as a server, then the reply comes back. */
static void serve(struct pair *p, const uint8_t *data, size_t size)
{
    struct visor_serve_reply reply;
    struct visor_serve_request request = {.data = data,
                                          .size = size,
                                          .port = 40000,
                                          .received = arrival(p),
                                          .over_ptp = p->queue != 0,
                                          .departure = visor_mono_add(p->now, 20 * US - p->late),
                                          .min_poll = -19};

    assert_true(visor_serve_answer(&p->nodes[1].view, &request, p->exchanges, &p->rng, &reply));
    assert_true(reply.size <= size);
    set_time(p, visor_mono_add(p->now, 20 * US));
    if (reply.receive)
        visor_exchanges_sent(p->exchanges, reply.receive,
                             (struct visor_stamp){p->now, 0, VISOR_STAMPER_KERNEL, 0, 0});
    travel(p, 1);
    handle(p, 0, reply.data, reply.size);
}

/* Runs to the next request of either node and its arrival. */
static void step(struct pair *p)
{
    visor_mono deadlines[2] = {visor_association_deadline(&p->nodes[0].a), {INT64_MAX}};
    struct visor_action_send send;
    int from;

    if (p->nodes[1].a.rng)
        deadlines[1] = visor_association_deadline(&p->nodes[1].a);
    from = deadlines[1].ns < deadlines[0].ns;
    if (visor_mono_before(p->now, deadlines[from]))
        set_time(p, deadlines[from]);
    if (!visor_association_handle_timer(&p->nodes[from].a, &p->nodes[from].context, &send))
        return;
    set_time(p, visor_mono_add(p->now, 10 * US));
    visor_association_handle_sent(
        &p->nodes[from].a,
        &(struct visor_event_sent){.token = send.token,
                                   .sent = {.raw = p->now, .by = VISOR_STAMPER_KERNEL}},
        p->now);
    if (p->lose && ++p->count % p->lose == 0)
        return;
    travel(p, from);
    if (p->nodes[1].a.rng)
        handle(p, !from, send.data, send.size);
    else
        serve(p, send.data, send.size);
}

static void done_pair(struct pair *p)
{
    visor_exchanges_free(p->exchanges);
}

static int64_t offset_of(const struct pair *p, int i)
{
    return visor_wall_diff(p->nodes[i].sample.reference,
                           visor_view_utc(&p->nodes[i].view, p->nodes[i].sample.at));
}

static void test_exchange__basic_is_exact(void **state)
{
    struct pair p;

    (void)state;
    init_pair(&p, 123456789);
    add_association(&p, 0, VISOR_SOURCE_SERVER, 6, false, 0);
    for (int i = 0; i < 100; i++)
        step(&p);
    assert_true(p.nodes[0].samples > 45);
    assert_int_equal(p.nodes[0].refused, 0);
    assert_true(llabs(offset_of(&p, 0) - 123456789) <= 2);
    assert_true(p.nodes[0].sample.delay_s > 139.995e-6 && p.nodes[0].sample.delay_s < 140.005e-6);
    assert_int_equal(p.nodes[0].sample.stratum, 2);
    done_pair(&p);
}

/* The server's own idea of when the reply leaves is 15 us wrong; its kernel knows better. */
static void test_exchange__interleaved_uses_the_real_departure(void **state)
{
    struct pair p;

    (void)state;
    init_pair(&p, -5000000);
    p.late = 15 * US;
    add_association(&p, 0, VISOR_SOURCE_SERVER, 6, true, 0);
    for (int i = 0; i < 100; i++)
        step(&p);
    assert_true(p.nodes[0].interleaved > 40);
    assert_int_equal(p.nodes[0].samples - p.nodes[0].interleaved, 2); /* the first two are basic */
    assert_int_equal(p.nodes[0].refused, 1);
    assert_int_equal(p.nodes[0].a.valid.tests, 0x3ff);
    assert_true(p.nodes[0].a.valid.interleaved);
    assert_true(llabs(offset_of(&p, 0) + 5000000) <= 2);
    assert_true(p.nodes[0].sample.delay_s > 139.995e-6 && p.nodes[0].sample.delay_s < 140.005e-6);
    /* the basic mode believes the server's word */
    visor_association_reset(&p.nodes[0].a);
    p.nodes[0].a.config.xleave = false;
    for (int i = 0; i < 20; i++)
        step(&p);
    assert_true(llabs(offset_of(&p, 0) + 5000000) > 5 * US);
    done_pair(&p);
}

/* Loss: no sample is wrong, whatever was missed. */
static void test_exchange__interleaved_with_loss(void **state)
{
    struct pair p;
    int last = 0;

    (void)state;
    init_pair(&p, 777);
    p.late = 15 * US;
    p.lose = 3;
    add_association(&p, 0, VISOR_SOURCE_SERVER, 6, true, 0);
    for (int i = 0; i < 2000; i++) {
        step(&p);
        if (p.nodes[0].samples == last)
            continue;
        last = p.nodes[0].samples;
        assert_true(llabs(offset_of(&p, 0) - 777) <= (p.nodes[0].a.last.interleaved ? 2 : 8 * US));
    }
    assert_true(p.nodes[0].samples > 300);
    done_pair(&p);
}

/* A view that changes between the replies must not come into the delay or the offset. */
static void test_exchange__interleaved_across_a_new_view(void **state)
{
    struct pair p;

    (void)state;
    init_pair(&p, 0);
    p.late = 15 * US;
    add_association(&p, 0, VISOR_SOURCE_SERVER, 6, true, 0);
    while (p.nodes[0].interleaved < 5)
        step(&p);
    p.nodes[1].view.utc.ns += 50 * MS;
    while (p.nodes[0].interleaved < 6)
        step(&p);
    assert_true(p.nodes[0].sample.delay_s < 140.005e-6);
    assert_true(llabs(offset_of(&p, 0)) <= 2); /* that exchange was before the change */
    while (p.nodes[0].interleaved < 7)
        step(&p);
    assert_true(p.nodes[0].sample.delay_s < 140.005e-6);
    assert_true(llabs(offset_of(&p, 0) - 50 * MS) <= 2);
    done_pair(&p);
}

/* F323: the source tells that it moved its clock. */
static void test_exchange__mono_root_tells_the_shift(void **state)
{
    struct pair p;
    int before;

    (void)state;
    for (int xleave = 0; xleave < 2; xleave++) {
        double shift = 0.0;

        init_pair(&p, 0);
        p.nodes[1].view.continuous_epoch = 9;
        add_association(&p, 0, VISOR_SOURCE_SERVER, 6, xleave, VISOR_NTP_HAS_MONO_ROOT);
        while (p.nodes[0].samples < 6)
            step(&p);
        assert_true(p.nodes[0].sample.shift_s == 0.0);
        p.nodes[1].view.utc.ns += 50 * MS;
        p.nodes[1].view.continuous_ns -= 50 * MS;
        before = p.nodes[0].samples;
        while (p.nodes[0].samples < before + 3) {
            int last = p.nodes[0].samples;

            step(&p);
            if (p.nodes[0].samples == last)
                continue;
            shift += p.nodes[0].sample.shift_s;
            /* together with the shift, every sample is in the new time */
            assert_true(llabs(offset_of(&p, 0) - 50 * MS) <= 2);
        }
        assert_true(shift > 0.049999999 && shift < 0.050000001);
        done_pair(&p);
    }
}

/* 010A: what switches say that they have held is taken off, and the bound still counts it. */
static void test_exchange__held_packets_are_put_right(void **state)
{
    struct pair p;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        bool xleave = kind & 1, peers = kind & 2;
        enum visor_source_kind role = peers ? VISOR_SOURCE_PEER : VISOR_SOURCE_SERVER;
        int last = 0, right = 0;

        init_pair(&p, 0);
        p.queue = 10 * MS;
        p.nodes[0].context.over_ptp = p.nodes[1].context.over_ptp = true;
        add_association(&p, 0, role, 5, xleave, VISOR_NTP_HAS_NET_CORRECTION);
        if (peers)
            add_association(&p, 1, role, 5, xleave, VISOR_NTP_HAS_NET_CORRECTION);
        for (int i = 0; i < 200; i++) {
            step(&p);
            if (p.nodes[0].samples == last)
                continue;
            last = p.nodes[0].samples;
            right += llabs(offset_of(&p, 0)) < 5 * US && p.nodes[0].sample.delay_s < 200e-6 &&
                     p.nodes[0].sample.root_delay_s > p.nodes[0].sample.delay_s;
        }
        assert_true(last > 40);
        assert_true(right >= last - 3); /* the first packet of a peer is not told of */
        done_pair(&p);
    }
    /* more than the whole way took is not believed */
    init_pair(&p, 0);
    p.nodes[0].context.over_ptp = true;
    p.queue = 10 * MS;
    p.lie = 1 * MS;
    add_association(&p, 0, VISOR_SOURCE_SERVER, 5, false, VISOR_NTP_HAS_NET_CORRECTION);
    for (int i = 0; i < 50; i++) {
        step(&p);
        assert_true(p.nodes[0].sample.root_delay_s <
                    visor_seconds_from_ns(p.nodes[1].view.root_delay_ns) + 20e-6);
    }
    done_pair(&p);
}

static void test_exchange__peers_measure_each_other(void **state)
{
    struct pair p;

    (void)state;
    for (int xleave = 0; xleave < 2; xleave++)
        for (int poll = 4; poll < 7; poll++) {
            init_pair(&p, 250000);
            add_association(&p, 0, VISOR_SOURCE_PEER, 5, xleave, 0);
            add_association(&p, 1, VISOR_SOURCE_PEER, poll, xleave, 0);
            for (int i = 0; i < 400; i++)
                step(&p);
            for (int i = 0; i < 2; i++) {
                assert_true(p.nodes[i].samples > 60);
                assert_true(llabs(offset_of(&p, i) - (i ? -250000 : 250000)) <= 8 * US);
                assert_true(p.nodes[i].sample.delay_s > 120e-6 &&
                            p.nodes[i].sample.delay_s < 160e-6);
                if (xleave && poll == 5)
                    assert_true(p.nodes[i].interleaved > 90);
                if (!xleave)
                    assert_int_equal(p.nodes[i].interleaved, 0);
            }
            done_pair(&p);
        }
}

static void test_exchange__peers_survive_loss(void **state)
{
    struct pair p;

    (void)state;
    for (int xleave = 0; xleave < 2; xleave++) {
        init_pair(&p, 250000);
        p.lose = 5;
        add_association(&p, 0, VISOR_SOURCE_PEER, 5, xleave, 0);
        add_association(&p, 1, VISOR_SOURCE_PEER, 5, xleave, 0);
        for (int i = 0; i < 1000; i++) {
            step(&p);
            for (int k = 0; k < 2; k++)
                if (p.nodes[k].samples)
                    assert_true(llabs(offset_of(&p, k) - (k ? -250000 : 250000)) <= 8 * US);
        }
        assert_true(p.nodes[0].samples > 140 && p.nodes[1].samples > 140);
        done_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer__what_the_view_says),
        cmocka_unit_test(test_answer__modes_and_versions),
        cmocka_unit_test(test_answer__unsynchronised),
        cmocka_unit_test(test_answer__local_reference_is_recent),
        cmocka_unit_test(test_answer__kiss_of_death),
        cmocka_unit_test(test_answer__smoothed_time_for_clients_only),
        cmocka_unit_test(test_answer__mono_root_only_when_asked_and_never_longer),
        cmocka_unit_test(test_answer__remembers_interleaved_clients_only),
        cmocka_unit_test(test_broadcast__header),
        cmocka_unit_test(test_exchanges__bounded_and_taken_once),
        cmocka_unit_test(test_exchange__basic_is_exact),
        cmocka_unit_test(test_exchange__interleaved_uses_the_real_departure),
        cmocka_unit_test(test_exchange__interleaved_with_loss),
        cmocka_unit_test(test_exchange__interleaved_across_a_new_view),
        cmocka_unit_test(test_exchange__mono_root_tells_the_shift),
        cmocka_unit_test(test_exchange__held_packets_are_put_right),
        cmocka_unit_test(test_exchange__peers_measure_each_other),
        cmocka_unit_test(test_exchange__peers_survive_loss),
    };

    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
