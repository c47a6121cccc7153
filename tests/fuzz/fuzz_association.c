/* An association under bytes: time passes, stamps and packets come (some repaired to be replies to
 * the last request), switches are turned. Whatever happens, it asks within its limits, its samples
 * are sane, and its deadlines lie ahead. */
#include "base/assert.h"
#include "engine/association.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size, at;
};

struct fuzzed {
    struct visor_association a;
    struct visor_association_context context;
    struct visor_view view;
    struct visor_rng rng;
    struct visor_action_send send;
    struct visor_ntp_header request;
    struct input in;
};

static uint8_t next(struct input *in)
{
    return in->at < in->size ? in->data[in->at++] : 0;
}

static void set_now(struct fuzzed *f, int64_t ns)
{
    f->context.now.raw.ns = ns;
    f->context.now.real.ns = ns + INT64_C(1700000000) * VISOR_NS_PER_S;
}

static void run_timer(struct fuzzed *f)
{
    struct visor_ntp_layout layout;
    visor_mono now = f->context.now.raw;
    int sends = 0;

    while (!visor_mono_before(now, visor_association_deadline(&f->a))) {
        VISOR_ASSERT(++sends < 8); /* time must pass between requests */
        visor_association_take_close(&f->a);
        if (!visor_association_handle_timer(&f->a, &f->context, &f->send))
            continue;
        VISOR_ASSERT(visor_ntp_read(&f->request, &layout, f->send.data, f->send.size));
        VISOR_ASSERT(f->request.transmit != 0);
    }
}

static void pass_time(struct fuzzed *f)
{
    int64_t step = (int64_t)next(&f->in) << (next(&f->in) % 36);

    set_now(f, f->context.now.raw.ns + step);
    run_timer(f);
}

static void come_packet(struct fuzzed *f)
{
    uint8_t packet[160], how = next(&f->in);
    size_t size = VISOR_NTP_HEADER + (how & 3) * 20u;
    struct visor_event_packet event = {.source = how & 4 ? 0 : 1,
                                       .auth = (enum visor_auth)(how >> 3 & 1),
                                       .key = how >> 3 & 1,
                                       .data = packet,
                                       .size = size,
                                       .received = {.raw = f->context.now.raw,
                                                    .error_ns = next(&f->in),
                                                    .by = (enum visor_stamper)(how >> 4 & 3)}};
    struct visor_sample sample;

    for (size_t i = 0; i < size; i++)
        packet[i] = next(&f->in);
    if (how & 64)
        memcpy(packet + 24, f->send.data + (how & 128 ? 32 : 40), 8);
    if (visor_association_handle_packet(&f->a, &event, &f->context, &sample) !=
        VISOR_VERDICT_SAMPLE)
        return;
    VISOR_ASSERT(sample.delay_s > 0.0 && sample.delay_s < 1e10);
    VISOR_ASSERT(sample.dispersion_s > 0.0);
    VISOR_ASSERT(sample.root_delay_s >= 0.0 && sample.root_dispersion_s < 16.0);
    VISOR_ASSERT(sample.stratum < 16);
}

static void come_stamp(struct fuzzed *f)
{
    uint8_t how = next(&f->in);
    struct visor_event_sent event = {
        .token = f->send.token - (how & 1),
        .error = how & 2 ? 101 : 0,
        .sent = {.raw = visor_mono_add(f->context.now.raw, (int64_t)next(&f->in) * 10000),
                 .error_ns = how,
                 .by = (enum visor_stamper)(how >> 2 & 3)}};

    visor_association_handle_sent(&f->a, &event, f->context.now.raw);
}

static void turn_switch(struct fuzzed *f)
{
    uint8_t what = next(&f->in);
    int value = (int8_t)next(&f->in);
    visor_mono now = f->context.now.raw;

    switch (what % 10) {
    case 0:
        visor_association_set_online(&f->a, value & 1, now);
        break;
    case 1:
        visor_association_start_burst(&f->a, value, 1 + (value & 15), now);
        break;
    case 2:
        visor_association_set_poll(&f->a, value, now);
        break;
    case 3:
        visor_association_set_minpoll(&f->a, value, now);
        break;
    case 4:
        visor_association_set_maxpoll(&f->a, value, now);
        break;
    case 5:
        visor_association_reset(&f->a);
        break;
    case 6:
        visor_association_change_address(&f->a, &f->a.remote, now);
        break;
    case 8:
        visor_association_set_interval(&f->a, (double)value * 1.7, now);
        break;
    case 7:
        visor_association_defer(&f->a, now, (int64_t)(value & 127) << 24);
        break;
    default:
        f->context.prediction = (struct visor_prediction){.known = value & 1,
                                                          .at = now,
                                                          .utc = f->context.now.real,
                                                          .rate_ppb = (double)value * 1000.0,
                                                          .deviation_s = 1e-5,
                                                          .min_delay_s = 1e-4};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzzed f; /* large; set anew each time */
    struct visor_source_config config = {.max_delay = 3.0, .max_delay_dev_ratio = 10.0};
    uint8_t options;

    memset(&f, 0, sizeof(f));
    f.in = (struct input){.data = data, .size = size};
    options = next(&f.in);
    config.kind = options & 1 ? VISOR_SOURCE_PEER : VISOR_SOURCE_SERVER;
    config.xleave = options & 2;
    config.iburst = options & 4;
    config.burst = options & 8;
    config.key = options >> 4 & 1;
    config.presend = options & 32 ? 0 : 100;
    config.extfields = options & 64 ? VISOR_NTP_HAS_MONO_ROOT : 0;
    config.max_delay_quant = options & 128 ? 0.5 : 0.0;
    options = next(&f.in);
    config.minpoll = (int8_t)next(&f.in);
    config.maxpoll = (int8_t)next(&f.in);
    config.copy = options & 1;
    config.auto_offline = options & 2;
    config.max_delay_ratio = options & 4 ? 2.0 : 0.0;
    f.context.serving = options & 8;
    f.view = (struct visor_view){
        .utc = {INT64_C(1700000000) * VISOR_NS_PER_S}, .stratum = options >> 4, .precision = -24};
    f.context.view = &f.view;
    f.context.precision = -24;
    visor_rng_init(&f.rng, 1);
    set_now(&f, VISOR_NS_PER_S);
    visor_association_init(&f.a, &config, &(struct visor_address){.family = VISOR_FAMILY_IPV4}, 1,
                           &f.rng, f.context.now.raw);
    while (f.in.at < f.in.size && f.context.now.raw.ns < INT64_C(1) << 60)
        switch (next(&f.in) % 4) {
        case 0:
            pass_time(&f);
            break;
        case 1:
            come_packet(&f);
            break;
        case 2:
            come_stamp(&f);
            break;
        default:
            turn_switch(&f);
        }
    return 0;
}
