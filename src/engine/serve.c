/* What the server says about its clock, and its replies. */
#include "engine/serve.h"

#include "base/math.h"

#define UNSYNCHRONIZED_NS VISOR_NS_PER_S /* root delay and dispersion of who knows nothing */
#define LOCAL_STEP_NS     (64 * VISOR_NS_PER_S)
#define FUZZ_MIN_BITS     4 /* enough values for a loop over a few excluded ones to end */

/* A reply in the making. */
struct answer {
    struct visor_ntp_header header;
    visor_wall received;
    int64_t smoothing;
    bool interleaved, remembered;
    enum visor_stamper tx;
};

/* `local` is its own reference at all times: a time just past, changing now and then, and not at
 * the same time as another host's: by it a host knows itself (test D). */
static visor_wall local_reference(const struct visor_view *view, visor_mono raw)
{
    visor_wall now = visor_view_utc(view, raw);
    int64_t rest = (visor_wall_diff(now, view->reference) - VISOR_NS_PER_S) % LOCAL_STEP_NS;

    return visor_wall_add(now, -VISOR_NS_PER_S - (rest < 0 ? rest + LOCAL_STEP_NS : rest));
}

void visor_serve_describe(const struct visor_view *view, visor_mono raw,
                          struct visor_ntp_header *header)
{
    double elapsed = (double)visor_mono_diff(raw, view->raw);
    double growth = elapsed > 0.0 ? elapsed * view->dispersion_rate_ppb * 1e-9 : 0.0;
    int64_t dispersion = view->root_dispersion_ns;
    bool local = view->refid == VISOR_NTP_REFID_LOCAL;

    *header = (struct visor_ntp_header){.precision = view->precision};
    if (view->stratum == 0 || view->stratum >= VISOR_NTP_STRATUM_MAX) {
        header->leap = VISOR_LEAP_UNSYNCHRONIZED;
        header->root_delay = header->root_dispersion = visor_ntp_short_from_ns(UNSYNCHRONIZED_NS);
        return;
    }
    if (growth >= 1e18 || dispersion >= INT64_C(1000000000000000000))
        dispersion = INT64_C(1000000000000000000);
    else
        dispersion += (int64_t)growth + (growth > 0.0);
    header->leap = view->leap;
    header->stratum = view->stratum;
    header->refid = view->refid;
    header->reference = visor_ntp_from_wall(local ? local_reference(view, raw) : view->reference);
    header->root_delay = visor_ntp_short_from_ns(view->root_delay_ns);
    header->root_dispersion = visor_ntp_short_from_ns(dispersion);
}

void visor_serve_mono_root(const struct visor_view *view, visor_mono raw, uint64_t receive,
                           struct visor_ntp_mono_root *root)
{
    double elapsed = (double)visor_mono_diff(raw, view->raw);
    double growth = elapsed > 0.0 ? elapsed * view->dispersion_rate_ppb * 1e-9 : 0.0;

    *root = (struct visor_ntp_mono_root){.epoch = view->continuous_epoch};
    if (view->stratum == 0 || view->stratum >= VISOR_NTP_STRATUM_MAX) {
        root->root_delay = root->root_dispersion = visor_ntp_short28_from_ns(UNSYNCHRONIZED_NS);
    } else {
        root->root_delay = visor_ntp_short28_from_ns(view->root_delay_ns);
        root->root_dispersion = growth >= 1e18
                                    ? UINT32_MAX
                                    : visor_ntp_short28_from_ns(view->root_dispersion_ns +
                                                                (int64_t)growth + (growth > 0.0));
    }
    if (receive && view->continuous_epoch)
        root->receive = visor_ntp_add_ns(receive, view->continuous_ns);
}

uint64_t visor_serve_timestamp(const struct visor_view *view, visor_wall utc, struct visor_rng *rng,
                               const uint64_t differ[3], int flag)
{
    int bits = view->precision + 32;
    uint64_t exact = visor_ntp_from_wall(utc), mask, value;

    bits = bits < FUZZ_MIN_BITS ? FUZZ_MIN_BITS : bits > 32 ? 32 : bits;
    mask = (UINT64_C(1) << bits) - 1;
    do {
        value = exact + (visor_rng_next(rng) & mask) - (mask >> 1);
        if (flag >= 0)
            value = (value & ~UINT64_C(1)) | (uint64_t)flag;
    } while (value == 0 || value == differ[0] || value == differ[1] || value == differ[2]);
    return value;
}

/* Smoothing is for clients; it shows by a reference identifier of its own. */
static int64_t smooth(const struct visor_view *view, visor_mono raw,
                      struct visor_ntp_header *header)
{
    int64_t offset = visor_view_smoothing_ns(view, raw);
    int64_t least = visor_ns_from_seconds(visor_math_exp2i(view->precision));

    if ((offset < 0 ? -offset : offset) <= least)
        return 0;
    if (header->stratum) {
        header->refid = VISOR_NTP_REFID_SMOOTH;
        header->reference =
            visor_ntp_from_wall(visor_wall_add(visor_ntp_to_wall(header->reference), offset));
    }
    return offset;
}

/* The mode of the reply; NONE: this is nothing to reply to. Version 1 had no modes: there the port
 * tells a client. */
static enum visor_ntp_mode reply_mode(const struct visor_ntp_header *asked, uint16_t port)
{
    if (asked->mode == VISOR_NTP_MODE_CLIENT)
        return VISOR_NTP_MODE_SERVER;
    if (asked->mode == VISOR_NTP_MODE_ACTIVE)
        return VISOR_NTP_MODE_PASSIVE;
    if (asked->mode == VISOR_NTP_MODE_NONE && asked->version == 1 && port != VISOR_NTP_PORT)
        return VISOR_NTP_MODE_SERVER;
    return VISOR_NTP_MODE_NONE;
}

/* RFC 9769: the client gives back our last receive timestamp, which we know by its lowest bit, and
 * has two different stamps of its own. */
static bool asks_interleaved(const struct visor_ntp_header *asked, uint32_t kiss)
{
    return kiss == 0 && asked->version == 4 && (asked->origin & 1) &&
           asked->receive != asked->transmit;
}

static void fill_stamps(const struct visor_view *view, const struct visor_serve_request *request,
                        const struct visor_ntp_header *asked, struct visor_exchanges *exchanges,
                        struct visor_rng *rng, struct answer *answer)
{
    struct visor_ntp_header *header = &answer->header;
    bool remember = exchanges && asks_interleaved(asked, request->kiss);
    visor_wall sent;

    answer->received =
        visor_wall_add(visor_view_utc(view, request->received.raw), answer->smoothing);
    sent = visor_wall_add(visor_view_utc(view, request->departure), answer->smoothing);
    answer->tx = VISOR_STAMPER_DAEMON;
    answer->interleaved =
        remember && visor_exchanges_take(exchanges, asked->origin, &sent, &answer->tx);
    header->origin = answer->interleaved ? asked->receive : asked->transmit;
    header->receive = visor_serve_timestamp(
        view, answer->received, rng, (const uint64_t[3]){header->origin, asked->origin, 0}, 1);
    header->transmit = visor_serve_timestamp(
        view, sent, rng, (const uint64_t[3]){header->receive, header->origin, 0}, 0);
    if (remember)
        visor_exchanges_put(
            exchanges, header->receive, request->received.raw, answer->received,
            (struct visor_stamp){.raw = request->departure, .by = VISOR_STAMPER_DAEMON});
    answer->remembered = remember;
}

static size_t add_mono_root(const struct visor_view *view, const struct answer *answer,
                            visor_mono raw, uint8_t *data, size_t size)
{
    struct visor_ntp_mono_root root;
    uint8_t body[VISOR_NTP_MONO_ROOT_SIZE];

    visor_serve_mono_root(view, raw, answer->smoothing ? 0 : answer->header.receive, &root);
    visor_ntp_mono_root_write(&root, body);
    return visor_ntp_field_write(data, VISOR_NTP_PACKET_MAX, size, VISOR_NTP_FIELD_MONO_ROOT, body,
                                 sizeof(body));
}

static size_t add_correction(const struct visor_stamp *received, uint8_t *data, size_t size)
{
    uint8_t body[VISOR_NTP_NET_CORRECTION_SIZE];

    visor_ntp_net_correction_write(
        received->held_ns > 0 ? received->frame_ns + received->held_ns : 0, body);
    return visor_ntp_field_write(data, VISOR_NTP_PACKET_MAX, size, VISOR_NTP_FIELD_NET_CORRECTION,
                                 body, sizeof(body));
}

bool visor_serve_answer(const struct visor_view *view, const struct visor_serve_request *request,
                        struct visor_exchanges *exchanges, struct visor_rng *rng,
                        struct visor_serve_reply *reply)
{
    struct visor_ntp_header asked;
    struct visor_ntp_layout layout;
    struct answer answer = {0};
    enum visor_ntp_mode mode;

    reply->size = 0;
    if (!visor_ntp_read(&asked, &layout, request->data, request->size) ||
        request->auth == VISOR_AUTH_INVALID)
        return false;
    mode = reply_mode(&asked, request->port);
    if (mode == VISOR_NTP_MODE_NONE)
        return false;

    visor_serve_describe(view, request->departure, &answer.header);
    answer.header.version = asked.version;
    answer.header.mode = (uint8_t)mode;
    answer.header.poll = asked.poll > request->min_poll ? asked.poll : request->min_poll;
    if (mode == VISOR_NTP_MODE_SERVER)
        answer.smoothing = smooth(view, request->departure, &answer.header);
    if (request->kiss) {
        answer.header.leap = VISOR_LEAP_UNSYNCHRONIZED;
        answer.header.stratum = 0;
        answer.header.refid = request->kiss;
    }
    fill_stamps(view, request, &asked, exchanges, rng, &answer);

    reply->version = asked.version;
    reply->interleaved = answer.interleaved;
    reply->tx = answer.tx;
    reply->receive = answer.remembered ? answer.header.receive : 0;
    reply->size = visor_ntp_write(&answer.header, reply->data, sizeof(reply->data));
    if (layout.fields & VISOR_NTP_HAS_MONO_ROOT)
        reply->size = add_mono_root(view, &answer, request->departure, reply->data, reply->size);
    if (request->over_ptp && layout.fields & VISOR_NTP_HAS_NET_CORRECTION)
        reply->size = add_correction(&request->received, reply->data, reply->size);
    return true;
}

size_t visor_serve_broadcast(const struct visor_view *view, visor_mono raw, int8_t poll,
                             struct visor_rng *rng, uint8_t data[VISOR_NTP_HEADER])
{
    struct visor_ntp_header header;
    int64_t smoothing;

    visor_serve_describe(view, raw, &header);
    smoothing = smooth(view, raw, &header);
    header.version = VISOR_NTP_VERSION;
    header.mode = VISOR_NTP_MODE_BROADCAST;
    header.poll = poll;
    header.transmit =
        visor_serve_timestamp(view, visor_wall_add(visor_view_utc(view, raw), smoothing), rng,
                              (const uint64_t[3]){0}, -1);
    return visor_ntp_write(&header, data, VISOR_NTP_HEADER);
}
