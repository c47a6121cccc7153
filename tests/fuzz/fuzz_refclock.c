/* Raw samples of reference clocks, any numbers whatever, into the engine's reference clocks: two of
 * them, the second locked to the first if the input says so. */
#include "engine/refclock.h"

#include "base/assert.h"
#include "base/bytes.h"

static void configure(struct visor_reader *in, struct visor_refclock_config *config)
{
    uint8_t bits = visor_read_u8(in);

    visor_refclock_config_init(config);
    config->driver = (enum visor_refclock_driver)(visor_read_u8(in) % 5);
    config->poll = visor_read_u8(in) % 8 - 3;
    config->dpoll = visor_read_u8(in) % 8 - 4;
    config->filter_length = visor_read_u8(in);
    config->max_lock_age = visor_read_u8(in);
    config->rate = visor_read_u8(in);
    config->pps = bits & 1;
    config->tai = bits & 2;
    config->local = bits & 4;
    if (bits & 8)
        config->offset = visor_read_double(in);
    if (bits & 16)
        config->pulse_width = visor_read_double(in);
    if (bits & 32)
        config->max_dispersion = visor_read_double(in);
}

static void check(const struct visor_refclock_polled *polled)
{
    if (!polled->sampled)
        return;
    VISOR_ASSERT(polled->combined >= 1);
    VISOR_ASSERT(polled->sample.dispersion_s >= 0); /* not NaN */
    VISOR_ASSERT(polled->sample.root_dispersion_s >= 0);
}

static int64_t step_of(struct visor_reader *in)
{
    uint8_t kind = visor_read_u8(in);

    return kind < 200 ? (int64_t)kind * 40000000 : (int64_t)(visor_read_u64(in) >> 4);
}

static void play(struct visor_reader *in, struct visor_refclock *clocks[2], bool locked)
{
    static const struct visor_leap_entry leaps[] = {{1483228800, 37}};
    struct visor_refclock_context context = {.leaps = leaps, .leap_count = 1};
    int64_t now = 0;

    for (int events = 0; events < 2000 && !in->failed; events++) {
        struct visor_event_refclock event = {0};
        uint8_t bits = visor_read_u8(in);
        size_t which = bits & 1;

        if (__builtin_add_overflow(now, step_of(in), &now) || now > INT64_MAX / 4)
            return;
        context.now = (struct visor_reading){.raw = {now}, .real = {(int64_t)visor_read_u64(in)}};
        context.prediction = (struct visor_prediction){
            .known = bits & 2, .at = {now}, .utc = {now + INT64_C(1700000000000000000)}};
        context.prediction.rate_ppb = visor_read_u8(in) * 1000.0;
        context.reference = bits & 4;
        context.distance_s = 1e-3;
        context.lock = locked && which ? clocks[0] : NULL;
        event.kind = (enum visor_refclock_sample_kind)(bits >> 3 & 3) % 3;
        event.stamp.raw.ns = bits & 32 ? (int64_t)visor_read_u64(in) : now - visor_read_u8(in);
        event.reference.ns = bits & 64 ? (int64_t)visor_read_u64(in)
                                       : now + INT64_C(1700000000000000000) + visor_read_u8(in);
        event.stamp.error_ns = (int64_t)visor_read_u64(in);
        event.dispersion_s = bits & 128 ? visor_read_double(in) : 1e-6;
        event.leap = (enum visor_leap_hint)(visor_read_u8(in) & 3);
        event.error = bits;
        visor_refclock_take(clocks[which], &event, &context);
        if (visor_refclock_due(clocks[which], (visor_mono){now}) & VISOR_REFCLOCK_POLL) {
            struct visor_refclock_polled polled =
                visor_refclock_poll(clocks[which], &context.now, &context.prediction);

            check(&polled);
        }
        VISOR_ASSERT(visor_refclock_deadline(clocks[which]).ns >= now ||
                     visor_refclock_deadline(clocks[which]).ns == INT64_MIN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_reader in = visor_reader_over(data, size);
    struct visor_refclock_config configs[2];
    struct visor_refclock *clocks[2];
    bool locked = visor_read_u8(&in) & 1;

    for (size_t i = 0; i < 2; i++) {
        configure(&in, &configs[i]);
        clocks[i] = visor_refclock_new(&configs[i], (uint32_t)i, 1e-8);
        VISOR_ASSERT(clocks[i]);
    }
    play(&in, clocks, locked);
    visor_refclock_free(clocks[0]);
    visor_refclock_free(clocks[1]);
    return 0;
}
