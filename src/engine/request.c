/* What a request to a source holds: the header, whose stamps are random numbers in a client's and
 * tell the time in symmetric mode, and the extension fields. When it is sent is association.c's. */
#include "engine/association.h"

#include "engine/serve.h"

#define PRECISION_NONE 32 /* in a client's request: tells nothing */

static bool is_client(const struct visor_association *a)
{
    return a->config.kind != VISOR_SOURCE_PEER;
}

static uint64_t random_stamp(struct visor_association *a, uint64_t other, uint64_t another)
{
    uint64_t value;

    do
        value = visor_rng_next(a->rng);
    while (value == 0 || value == other || value == another);
    return value;
}

static void compose_client(struct visor_association *a, struct visor_ntp_header *header)
{
    bool interleaved =
        a->config.xleave && a->unanswered < VISOR_ASSOCIATION_MISSED_MAX && a->remote_receive != 0;
    uint64_t old = a->request.transmit;

    *header = (struct visor_ntp_header){.version = a->version,
                                        .mode = VISOR_NTP_MODE_CLIENT,
                                        .poll = (int8_t)visor_association_poll(a),
                                        .precision = PRECISION_NONE};
    if (interleaved) {
        header->origin = a->remote_receive;
        header->receive = random_stamp(a, header->origin, a->request.receive);
    }
    header->transmit = random_stamp(a, header->receive, old);
}

static void compose_peer(struct visor_association *a,
                         const struct visor_association_context *context,
                         struct visor_ntp_header *header, bool first)
{
    const struct visor_stamp *received = first ? &a->start_received : &a->received;
    bool interleaved = a->config.xleave && a->previous_unanswered == 1 && a->unanswered == 0 &&
                       !first && a->request.sent.by != VISOR_STAMPER_NONE;
    visor_mono transmit = visor_mono_add(context->now.raw, a->send_latency_ns);

    visor_serve_describe(context->view, context->now.raw, header);
    header->version = a->version;
    header->mode = VISOR_NTP_MODE_ACTIVE;
    header->poll = (int8_t)visor_association_own_poll(a);
    header->origin = first         ? a->start_transmit
                     : interleaved ? a->remote_receive
                                   : a->remote_transmit;
    if (received->by != VISOR_STAMPER_NONE)
        header->receive = visor_serve_timestamp(
            context->view, visor_view_utc(context->view, received->raw), a->rng,
            (const uint64_t[3]){header->origin, a->request.receive, 0}, -1);
    if (interleaved)
        transmit = a->request.sent.raw;
    header->transmit = visor_serve_timestamp(
        context->view, visor_view_utc(context->view, transmit), a->rng,
        (const uint64_t[3]){header->receive, header->origin, a->request.transmit}, -1);
}

/* What the remote is told of its last packet's way to us; a client tells nothing. */
static size_t add_correction(const struct visor_association *a,
                             const struct visor_association_context *context,
                             const struct visor_stamp *received, uint8_t *data, size_t size)
{
    uint8_t body[VISOR_NTP_NET_CORRECTION_SIZE];

    if (!context->over_ptp || a->version < 4 ||
        !(a->config.extfields & VISOR_NTP_HAS_NET_CORRECTION))
        return size;
    visor_ntp_net_correction_write(
        is_client(a) || received->held_ns <= 0 ? 0 : received->frame_ns + received->held_ns, body);
    return visor_ntp_field_write(data, VISOR_PACKET_MAX, size, VISOR_NTP_FIELD_NET_CORRECTION, body,
                                 sizeof(body));
}

static size_t add_fields(const struct visor_association *a,
                         const struct visor_association_context *context, bool received,
                         const struct visor_ntp_header *header, uint8_t *data, size_t size)
{
    struct visor_ntp_mono_root root = {0};
    uint8_t body[VISOR_NTP_MONO_ROOT_SIZE];

    if (a->version < 4 || !(a->config.extfields & VISOR_NTP_HAS_MONO_ROOT))
        return size;
    if (!is_client(a))
        visor_serve_mono_root(context->view, context->now.raw, received ? header->receive : 0,
                              &root);
    visor_ntp_mono_root_write(&root, body);
    return visor_ntp_field_write(data, VISOR_PACKET_MAX, size, VISOR_NTP_FIELD_MONO_ROOT, body,
                                 sizeof(body));
}

void visor_association_compose(struct visor_association *a,
                               const struct visor_association_context *context,
                               struct visor_ntp_header *header, struct visor_action_send *send)
{
    bool first = !is_client(a) && !a->answered && a->start_transmit != 0;

    if (is_client(a))
        compose_client(a, header);
    else
        compose_peer(a, context, header, first);
    if (first)
        a->stamps_valid = false;
    send->source = a->id;
    send->token = ++a->tokens;
    send->to = a->remote;
    send->local = (struct visor_address){.family = VISOR_FAMILY_NONE};
    send->key = a->config.key;
    send->from_server = !is_client(a);
    send->to.port = a->config.port ? a->config.port : VISOR_NTP_PORT;
    send->size = visor_ntp_write(header, send->data, sizeof(send->data));
    send->size = add_fields(a, context, header->receive != 0, header, send->data, send->size);
    send->size = add_correction(a, context, first ? &a->start_received : &a->received, send->data,
                                send->size);
}
