/* One association and its server, for the tests of it. */
#ifndef VISOR_TESTS_ASSOCIATION_WORLD_H
#define VISOR_TESTS_ASSOCIATION_WORLD_H

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
            event.sent = (struct visor_stamp){w->sent_at, 50, VISOR_STAMPER_KERNEL, 0, 0};
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
    packet.received = (struct visor_stamp){w->now, 50, VISOR_STAMPER_KERNEL, 0, 0};
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

#endif
