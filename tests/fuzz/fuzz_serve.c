/* The server: whatever is asked, the reply is a valid packet that is not longer than the request.
 * The first bytes choose view, kiss and rate limit; the rest is a run of requests, so that
 * interleaved ones meet what was remembered: a request whose origin is 1 gets the last reply's
 * receive timestamp there. */
#include "base/assert.h"
#include "engine/serve.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct visor_view view_of(const uint8_t *choice)
{
    return (struct visor_view){.utc = {INT64_C(1700000000) * VISOR_NS_PER_S},
                               .rate_ppb = (double)(int8_t)choice[0] * 1000.0,
                               .stratum = choice[1] & 31,
                               .refid = choice[1] & 32 ? VISOR_NTP_REFID_LOCAL : 1,
                               .precision = (int8_t)choice[2],
                               .root_dispersion_ns = (int64_t)choice[3] << (choice[3] & 55),
                               .dispersion_rate_ppb = 1e3,
                               .smoothing = {.active = choice[1] & 64, .wander = 0.001},
                               .continuous_epoch = choice[1] & 128u};
}

static void check_reply(const struct visor_serve_reply *reply, size_t asked)
{
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;

    VISOR_ASSERT(reply->size <= asked);
    VISOR_ASSERT(visor_ntp_read(&header, &layout, reply->data, reply->size));
    VISOR_ASSERT(header.mode == VISOR_NTP_MODE_SERVER || header.mode == VISOR_NTP_MODE_PASSIVE);
    VISOR_ASSERT((header.receive & 1) && !(header.transmit & 1) && header.transmit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_exchanges *exchanges;
    struct visor_rng rng;
    struct visor_view view;
    struct visor_serve_request request = {
        .received = {.raw = {VISOR_NS_PER_S}, .by = VISOR_STAMPER_KERNEL}};
    uint64_t last = 0;

    if (size < 8)
        return 0;
    exchanges = visor_exchanges_new(512);
    visor_rng_init(&rng, 1);
    view = view_of(data);
    request.kiss = data[4] & 1 ? VISOR_NTP_KISS_RATE : 0;
    request.min_poll = (int8_t)data[5];
    request.port = data[6];
    for (size_t at = 8; exchanges && at < size;) {
        uint8_t packet[256];
        struct visor_serve_reply reply;
        size_t length = data[at++];

        length = length < size - at ? length : size - at;
        memcpy(packet, data + at, length);
        at += length;
        if (length >= VISOR_NTP_HEADER && packet[31] == 1)
            for (int i = 0; i < 8; i++)
                packet[24 + i] = (uint8_t)(last >> (56 - 8 * i));
        request.data = packet;
        request.size = length;
        request.received.raw.ns += 12345678;
        request.departure = visor_mono_add(request.received.raw, 20000);
        if (!visor_serve_answer(&view, &request, exchanges, &rng, &reply))
            continue;
        check_reply(&reply, length);
        if (reply.receive)
            visor_exchanges_sent(
                exchanges, reply.receive,
                (struct visor_stamp){.raw = visor_mono_add(request.departure, 1000),
                                     .by = VISOR_STAMPER_KERNEL});
        last = reply.receive;
    }
    visor_exchanges_free(exchanges);
    return 0;
}
