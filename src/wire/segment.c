/* The clock segment's page: publishing, reading, and what a reading makes of a counter's value.
 * Where the page lies, who may write it, and which counter is read are left to others. */
#include "wire/segment.h"

#include <string.h>

#define TSC_AHEAD_NS (3600 * VISOR_NS_PER_S)
#define TWO_48       281474976710656.0

__extension__ typedef unsigned __int128 wide;

#define TRIES 64 /* of a reader; each one lost is a publication by the writer meanwhile */

_Static_assert(offsetof(struct visor_segment, sequence) == 128, "docs/clock-segment.md");
_Static_assert(offsetof(struct visor_segment, slots) == 256, "docs/clock-segment.md");
_Static_assert(VISOR_SEGMENT_PUBLISHED + 1 == VISOR_SEGMENT_WORDS, "docs/clock-segment.md");
_Static_assert(sizeof(struct visor_segment) <= VISOR_SEGMENT_SIZE, "it is one page");

/* ---- writing ---- */

void visor_segment_init(struct visor_segment *segment, const uint64_t boot[2], const char *device)
{
    memset(segment, 0, VISOR_SEGMENT_SIZE);
    segment->magic = VISOR_SEGMENT_MAGIC;
    segment->version = VISOR_SEGMENT_VERSION | (uint64_t)VISOR_SEGMENT_SIZE << 32;
    segment->boot[0] = boot[0];
    segment->boot[1] = boot[1];
    for (size_t i = 0; i < VISOR_SEGMENT_DEVICE_MAX - 1 && device[i]; i++)
        segment->device[i] = device[i];
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double real_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool is_bounded(const struct visor_segment_snapshot *s)
{
    return s->trust != VISOR_TRUST_UNKNOWN && s->trust != VISOR_TRUST_DISRUPTED &&
           s->bound_ns < VISOR_NS_MAX / 4;
}

static double size_of(double value)
{
    return value < 0.0 ? -value : value;
}

/* One multiplication from the TSC to UTC, and one to the bound; everything rounded outward. */
static void write_tsc_line(const struct visor_segment_snapshot *s, uint64_t *words)
{
    double period = (double)s->period, rate = s->rate_ppb * 1e-9;
    double growth = period * (s->growth_ppb + s->tsc_ppb) * (1.0 + size_of(rate)) * 1e-9 + 2.0;
    double bound = (double)s->tsc_ns * (1.0 + size_of(rate)) + 4.0;
    int64_t ahead = visor_mono_diff(s->until, s->raw);

    words[VISOR_SEGMENT_TSC] = s->tsc;
    if (!is_bounded(s) || s->period == 0 || s->period >> 58 || ahead <= 0 || growth > 1e18 ||
        bound > 1e18 || size_of(rate) > 0.9)
        return;
    ahead = ahead < TSC_AHEAD_NS ? ahead : TSC_AHEAD_NS;
    words[VISOR_SEGMENT_TSC_RATE] = s->period + (uint64_t)(int64_t)(period * rate);
    words[VISOR_SEGMENT_TSC_BOUND] = (uint64_t)s->bound_ns + (uint64_t)bound;
    words[VISOR_SEGMENT_TSC_GROWTH] = (uint64_t)growth;
    words[VISOR_SEGMENT_TSC_UNTIL] = s->tsc + (uint64_t)((double)ahead / (period / TWO_48));
}

void visor_segment_write(struct visor_segment *segment, const struct visor_segment_snapshot *s)
{
    uint64_t sequence = __atomic_load_n(&segment->sequence, __ATOMIC_RELAXED) + 1;
    uint64_t *slot = segment->slots[sequence & 1];
    uint64_t words[VISOR_SEGMENT_WORDS] = {
        [VISOR_SEGMENT_KIND] = (uint64_t)s->trust | (uint64_t)s->counter << 8 |
                               (uint64_t)s->leap << 16 | (s->marked ? VISOR_SEGMENT_MARKED : 0) |
                               (uint64_t)(uint16_t)s->tai_offset_s << 32,
        [VISOR_SEGMENT_UTC] = (uint64_t)s->utc.ns,
        [VISOR_SEGMENT_RAW] = (uint64_t)s->raw.ns,
        [VISOR_SEGMENT_RATE] = bits_of(s->rate_ppb),
        [VISOR_SEGMENT_BOUND] = (uint64_t)s->bound_ns,
        [VISOR_SEGMENT_GROWTH] = bits_of(s->growth_ppb),
        [VISOR_SEGMENT_UNTIL] = (uint64_t)s->until.ns,
        [VISOR_SEGMENT_PERIOD] = s->period,
        [VISOR_SEGMENT_TSC_NS] = (uint64_t)s->tsc_ns,
        [VISOR_SEGMENT_TSC_PPB] = bits_of(s->tsc_ppb),
        [VISOR_SEGMENT_EPOCH] = s->epoch,
        [VISOR_SEGMENT_MARKER] = s->marker,
        [VISOR_SEGMENT_BLIND] = (uint64_t)s->blind_ns,
        [VISOR_SEGMENT_SINCE] = (uint64_t)s->since.ns,
        [VISOR_SEGMENT_CHECKED] = (uint64_t)s->checked.ns,
        [VISOR_SEGMENT_PUBLISHED] = (uint64_t)s->published.ns,
    };

    write_tsc_line(s, words);
    __atomic_store_n(&slot[VISOR_SEGMENT_GENERATION], 2 * sequence - 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (size_t i = VISOR_SEGMENT_KIND; i < VISOR_SEGMENT_WORDS; i++)
        __atomic_store_n(&slot[i], words[i], __ATOMIC_RELAXED);
    __atomic_store_n(&slot[VISOR_SEGMENT_GENERATION], 2 * sequence, __ATOMIC_RELEASE);
    __atomic_store_n(&segment->sequence, sequence, __ATOMIC_RELEASE);
}

/* ---- what is to be published ---- */

#define KEEP_NS (60 * VISOR_NS_PER_S)

void visor_segment_publisher_init(struct visor_segment_publisher *publisher,
                                  const struct visor_segment_snapshot *former)
{
    *publisher = (struct visor_segment_publisher){.keep_ns = KEEP_NS};
    if (!former)
        return;
    publisher->last = *former;
    publisher->slowest_ppb = publisher->fastest_ppb = former->rate_ppb;
    publisher->any = true;
    publisher->held = former->bound_ns != VISOR_NS_MAX;
}

static bool touch(const struct visor_segment_interval *a, const struct visor_segment_interval *b)
{
    return a->earliest.ns <= b->latest.ns && b->earliest.ns <= a->latest.ns;
}

static struct visor_segment_snapshot snapshot_of(const struct visor_segment_publisher *publisher,
                                                 const struct visor_view *view, visor_mono now)
{
    int64_t shift = publisher->shift_ns;
    visor_mono published = visor_mono_add(now, shift);

    return (struct visor_segment_snapshot){
        .trust = view->trust,
        .counter = view->counter,
        .leap = view->leap,
        .tai_offset_s = view->tai_offset_s,
        .raw = visor_mono_add(view->raw, shift),
        .utc = view->utc,
        .rate_ppb = view->rate_ppb,
        .bound_ns = view->bound_ns,
        .growth_ppb = view->growth_ppb,
        .until = visor_mono_add(published, publisher->keep_ns),
        .epoch = view->epoch + publisher->offset,
        .blind_ns = VISOR_NS_MAX,
        .since = published,
        .checked = visor_mono_add(view->verified, shift),
        .published = published,
    };
}

/* Does the line hold for the past, back to last.since? As long as it had no other rate there than
 * its growth allows for. */
static bool holds_back(struct visor_segment_publisher *publisher,
                       const struct visor_segment_snapshot *next)
{
    double slowest = publisher->slowest_ppb, fastest = publisher->fastest_ppb;

    slowest = next->rate_ppb < slowest ? next->rate_ppb : slowest;
    fastest = next->rate_ppb > fastest ? next->rate_ppb : fastest;
    if (!is_bounded(next))
        return true; /* nothing is told of the past, either */
    if (fastest - slowest > next->growth_ppb) {
        publisher->slowest_ppb = publisher->fastest_ppb = next->rate_ppb;
        return false;
    }
    publisher->slowest_ppb = slowest;
    publisher->fastest_ppb = fastest;
    return true;
}

bool visor_segment_publisher_next(struct visor_segment_publisher *publisher,
                                  const struct visor_view *view, visor_mono now)
{
    const struct visor_segment_snapshot *last = &publisher->last;
    struct visor_segment_snapshot next = snapshot_of(publisher, view, now);
    struct visor_segment_interval before, after;

    if (publisher->held && view->trust != VISOR_TRUST_SYNCHRONIZED &&
        view->trust != VISOR_TRUST_DISRUPTED)
        return false;
    if (publisher->any && !publisher->own) /* the engine counts epochs from 0 again */
        next.epoch = last->epoch;
    if (publisher->any) {
        visor_segment_at(last, next.published, 0, &before);
        visor_segment_at(&next, next.published, 0, &after);
        if (publisher->disturbed || !touch(&before, &after) ||
            (!publisher->own && view->trust == VISOR_TRUST_DISRUPTED))
            next.epoch = last->epoch + 1;
        if (next.epoch != last->epoch)
            publisher->slowest_ppb = publisher->fastest_ppb = next.rate_ppb;
        else if (holds_back(publisher, &next))
            next.since = last->since;
    } else {
        publisher->slowest_ppb = publisher->fastest_ppb = next.rate_ppb;
    }
    publisher->offset = next.epoch - view->epoch;
    publisher->held = publisher->disturbed = false;
    publisher->any = publisher->own = true;
    publisher->last = next;
    return true;
}

/* ---- reading ---- */

enum visor_segment_verdict visor_segment_check(const void *page, size_t size)
{
    const struct visor_segment *segment = page;

    if (size < VISOR_SEGMENT_SIZE)
        return VISOR_SEGMENT_SHORT;
    if (segment->magic != VISOR_SEGMENT_MAGIC)
        return VISOR_SEGMENT_FOREIGN;
    if (segment->version != (VISOR_SEGMENT_VERSION | (uint64_t)VISOR_SEGMENT_SIZE << 32))
        return VISOR_SEGMENT_VERSION_DIFFERS;
    if (!memchr(segment->device, 0, sizeof(segment->device)))
        return VISOR_SEGMENT_FOREIGN;
    return VISOR_SEGMENT_OK;
}

/* Everything that is not a number fails the comparisons. */
static inline bool is_sane(const struct visor_segment_snapshot *s, uint64_t kind)
{
    return (kind & 0xff) <= VISOR_TRUST_DISRUPTED &&
           (kind >> 8 & 0xff) == VISOR_COUNTER_MONOTONIC_RAW &&
           (kind >> 16 & 0xff) <= VISOR_LEAP_UNSYNCHRONIZED && s->bound_ns >= 0 &&
           s->rate_ppb > -9e8 && s->rate_ppb < 9e8 && s->growth_ppb >= 0.0 && s->growth_ppb < 1e18;
}

static bool is_sane_besides(const struct visor_segment_snapshot *s)
{
    return s->tsc_ns >= 0 && s->tsc_ppb >= 0.0 && s->tsc_ppb < 1e18 && s->blind_ns >= 0;
}

static inline uint64_t word(const uint64_t *slot, enum visor_segment_word index)
{
    return __atomic_load_n(&slot[index], __ATOMIC_RELAXED);
}

/* Field by field: an intermediate copy would cost more than the reading. Returns the kind. */
static inline uint64_t fill_line(const uint64_t *slot, struct visor_segment_snapshot *s)
{
    uint64_t kind = word(slot, VISOR_SEGMENT_KIND);

    s->trust = (enum visor_trust)(kind & 0xff);
    s->marked = (kind & VISOR_SEGMENT_MARKED) != 0;
    s->raw.ns = (int64_t)word(slot, VISOR_SEGMENT_RAW);
    s->utc.ns = (int64_t)word(slot, VISOR_SEGMENT_UTC);
    s->rate_ppb = real_of(word(slot, VISOR_SEGMENT_RATE));
    s->bound_ns = (int64_t)word(slot, VISOR_SEGMENT_BOUND);
    s->growth_ppb = real_of(word(slot, VISOR_SEGMENT_GROWTH));
    s->until.ns = (int64_t)word(slot, VISOR_SEGMENT_UNTIL);
    s->period = word(slot, VISOR_SEGMENT_PERIOD);
    s->marker = word(slot, VISOR_SEGMENT_MARKER);
    return kind;
}

static void fill_rest(const uint64_t *slot, struct visor_segment_snapshot *s, uint64_t kind)
{
    s->counter = VISOR_COUNTER_MONOTONIC_RAW;
    s->leap = (enum visor_leap)(kind >> 16 & 0xff);
    s->tai_offset_s = (int16_t)(uint16_t)(kind >> 32 & 0xffff);
    s->tsc = word(slot, VISOR_SEGMENT_TSC);
    s->tsc_ns = (int64_t)word(slot, VISOR_SEGMENT_TSC_NS);
    s->tsc_ppb = real_of(word(slot, VISOR_SEGMENT_TSC_PPB));
    s->epoch = word(slot, VISOR_SEGMENT_EPOCH);
    s->blind_ns = (int64_t)word(slot, VISOR_SEGMENT_BLIND);
    s->since.ns = (int64_t)word(slot, VISOR_SEGMENT_SINCE);
    s->checked.ns = (int64_t)word(slot, VISOR_SEGMENT_CHECKED);
    s->published.ns = (int64_t)word(slot, VISOR_SEGMENT_PUBLISHED);
}

static inline enum visor_segment_verdict read_it(const struct visor_segment *segment,
                                                 struct visor_segment_snapshot *s,
                                                 uint64_t *sequence, bool whole)
{
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t generation, kind;
        const uint64_t *slot;

        *sequence = __atomic_load_n(&segment->sequence, __ATOMIC_ACQUIRE);
        if (*sequence == 0)
            return VISOR_SEGMENT_EMPTY;
        slot = segment->slots[*sequence & 1];
        generation = __atomic_load_n(&slot[VISOR_SEGMENT_GENERATION], __ATOMIC_ACQUIRE);
        kind = fill_line(slot, s);
        if (whole)
            fill_rest(slot, s, kind);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (generation == 2 * *sequence && word(slot, VISOR_SEGMENT_GENERATION) == generation)
            return is_sane(s, kind) && (!whole || is_sane_besides(s)) ? VISOR_SEGMENT_OK
                                                                      : VISOR_SEGMENT_WRONG;
    }
    return VISOR_SEGMENT_BUSY;
}

enum visor_segment_verdict visor_segment_read(const struct visor_segment *segment,
                                              struct visor_segment_snapshot *snapshot,
                                              uint64_t *sequence)
{
    return read_it(segment, snapshot, sequence, true);
}

enum visor_segment_verdict visor_segment_read_line(const struct visor_segment *segment,
                                                   struct visor_segment_snapshot *snapshot,
                                                   uint64_t *sequence)
{
    return read_it(segment, snapshot, sequence, false);
}

void visor_segment_at(const struct visor_segment_snapshot *s, visor_mono raw, int64_t error_ns,
                      struct visor_segment_interval *interval)
{
    int64_t elapsed = visor_mono_diff(raw, s->raw);
    double extra = (double)elapsed * s->rate_ppb * 1e-9;
    double wider = size_of((double)elapsed) * s->growth_ppb * 1e-9 +
                   (double)error_ns * (1.0 + size_of(s->rate_ppb) * 1e-9);
    int64_t bound;
    visor_wall utc;

    interval->trust = s->trust;
    if (s->trust == VISOR_TRUST_SYNCHRONIZED && visor_mono_before(s->until, raw))
        interval->trust = VISOR_TRUST_HOLDOVER;
    interval->earliest.ns = INT64_MIN;
    interval->latest.ns = INT64_MAX;
    if (!is_bounded(s) || !(wider < 2e18) || !(size_of(extra) < 4e18))
        return;
    bound = s->bound_ns + (int64_t)wider + 2; /* that and `extra` were rounded down */
    utc = visor_wall_add(visor_wall_add(s->utc, elapsed), (int64_t)extra);
    interval->earliest = visor_wall_add(utc, -bound);
    interval->latest = visor_wall_add(utc, bound);
}

/* What `ns` of the raw counter add at a rate, rounded up; -1: beyond all measure. */
static int64_t grown(int64_t ns, double ppb)
{
    double size = size_of((double)ns * ppb * 1e-9);

    return size < 4e18 ? (int64_t)size + 1 : -1;
}

bool visor_segment_tsc(const struct visor_segment_snapshot *s, uint64_t tsc, visor_mono *raw,
                       int64_t *error_ns)
{
    uint64_t ticks = tsc - s->tsc;
    wide ns = (wide)ticks * s->period >> 48;
    int64_t growth;

    if (s->period == 0 || tsc < s->tsc || ns > INT64_MAX / 2)
        return false;
    growth = grown((int64_t)ns, s->tsc_ppb);
    if (growth < 0)
        return false;
    *raw = visor_mono_add(s->raw, (int64_t)ns);
    *error_ns = visor_ns_add(s->tsc_ns, growth + 1);
    return true;
}

/* ---- small texts of the kernel ---- */

static bool read_number(const char **at, const char *end, int64_t *value)
{
    bool negative = false, any = false;
    int64_t number = 0;

    while (*at < end && **at == ' ')
        (*at)++;
    if (*at < end && **at == '-') {
        negative = true;
        (*at)++;
    }
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        if (number > INT64_C(9000000000))
            return false;
        number = number * 10 + (**at - '0');
        any = true;
    }
    *value = negative ? -number : number;
    return any;
}

bool visor_segment_read_timens(const char *text, size_t size, int64_t *offset_ns)
{
    static const char name[] = "monotonic ";
    const char *at = text + sizeof(name) - 1, *end = text + size;
    int64_t seconds, ns;

    if (size < sizeof(name) || memcmp(text, name, sizeof(name) - 1) != 0 ||
        !read_number(&at, end, &seconds) || !read_number(&at, end, &ns) || at == end ||
        *at != '\n' || seconds > INT64_C(9000000000) || seconds < INT64_C(-9000000000) || ns < 0 ||
        ns >= VISOR_NS_PER_S)
        return false;
    *offset_ns = seconds * VISOR_NS_PER_S + ns;
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool visor_segment_read_boot(const char *text, size_t size, uint64_t boot[2])
{
    size_t count = 0;

    boot[0] = boot[1] = 0;
    for (size_t i = 0; i < size && text[i] != '\n'; i++) {
        if (text[i] == '-')
            continue;
        if (digit(text[i]) < 0 || count == 32)
            return false;
        boot[count / 16] = boot[count / 16] << 4 | (uint64_t)digit(text[i]);
        count++;
    }
    return count == 32;
}
