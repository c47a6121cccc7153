/* The clock segment's page: publishing, reading, and what a reading makes of a counter's value.
 * Where the page lies, who may write it, and which counter is read are left to others. */
#include "wire/segment.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

#define TRIES 64 /* of a reader; each one lost is a publication by the writer meanwhile */

enum word {
    WORD_GENERATION, /* odd: being written */
    WORD_KIND,       /* trust, counter, leap, marked: a byte each; TAI - UTC: 16 bits */
    WORD_RAW,
    WORD_UTC,
    WORD_RATE,
    WORD_BOUND,
    WORD_GROWTH,
    WORD_UNTIL,
    WORD_TSC,
    WORD_PERIOD,
    WORD_TSC_NS,
    WORD_TSC_PPB,
    WORD_EPOCH,
    WORD_MARKER,
    WORD_BLIND,
    WORD_SINCE,
    WORD_CHECKED,
    WORD_PUBLISHED,
};

_Static_assert(offsetof(struct visor_segment, sequence) == 128, "docs/clock-segment.md");
_Static_assert(offsetof(struct visor_segment, slots) == 256, "docs/clock-segment.md");
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

void visor_segment_write(struct visor_segment *segment, const struct visor_segment_snapshot *s)
{
    uint64_t sequence = __atomic_load_n(&segment->sequence, __ATOMIC_RELAXED) + 1;
    uint64_t *slot = segment->slots[sequence & 1];
    uint64_t generation = __atomic_load_n(&slot[WORD_GENERATION], __ATOMIC_RELAXED) | 1;
    uint64_t words[] = {
        [WORD_KIND] = (uint64_t)s->trust | (uint64_t)s->counter << 8 | (uint64_t)s->leap << 16 |
                      (uint64_t)s->marked << 24 | (uint64_t)(uint16_t)s->tai_offset_s << 32,
        [WORD_RAW] = (uint64_t)s->raw.ns,
        [WORD_UTC] = (uint64_t)s->utc.ns,
        [WORD_RATE] = bits_of(s->rate_ppb),
        [WORD_BOUND] = (uint64_t)s->bound_ns,
        [WORD_GROWTH] = bits_of(s->growth_ppb),
        [WORD_UNTIL] = (uint64_t)s->until.ns,
        [WORD_TSC] = s->tsc,
        [WORD_PERIOD] = s->period,
        [WORD_TSC_NS] = (uint64_t)s->tsc_ns,
        [WORD_TSC_PPB] = bits_of(s->tsc_ppb),
        [WORD_EPOCH] = s->epoch,
        [WORD_MARKER] = s->marker,
        [WORD_BLIND] = (uint64_t)s->blind_ns,
        [WORD_SINCE] = (uint64_t)s->since.ns,
        [WORD_CHECKED] = (uint64_t)s->checked.ns,
        [WORD_PUBLISHED] = (uint64_t)s->published.ns,
    };

    __atomic_store_n(&slot[WORD_GENERATION], generation, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (size_t i = WORD_KIND; i < sizeof(words) / sizeof(words[0]); i++)
        __atomic_store_n(&slot[i], words[i], __ATOMIC_RELAXED);
    __atomic_store_n(&slot[WORD_GENERATION], generation + 1, __ATOMIC_RELEASE);
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
        if (next.epoch == last->epoch)
            next.since = last->since;
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

/* Whole words of one generation; false: the writer has come to this slot meanwhile. */
static bool copy(const uint64_t *slot, uint64_t words[VISOR_SEGMENT_WORDS])
{
    uint64_t generation = __atomic_load_n(&slot[WORD_GENERATION], __ATOMIC_ACQUIRE);

    for (size_t i = WORD_KIND; i <= WORD_PUBLISHED; i++)
        words[i] = __atomic_load_n(&slot[i], __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return !(generation & 1) &&
           __atomic_load_n(&slot[WORD_GENERATION], __ATOMIC_RELAXED) == generation;
}

/* Everything that is not a number fails the comparisons. */
static bool is_sane(const struct visor_segment_snapshot *s, uint64_t kind)
{
    return (kind & 0xff) <= VISOR_TRUST_DISRUPTED &&
           (kind >> 8 & 0xff) == VISOR_COUNTER_MONOTONIC_RAW &&
           (kind >> 16 & 0xff) <= VISOR_LEAP_UNSYNCHRONIZED && s->bound_ns >= 0 &&
           s->rate_ppb > -9e8 && s->rate_ppb < 9e8 && s->growth_ppb >= 0.0 &&
           s->growth_ppb < 1e18 && s->tsc_ns >= 0 && s->tsc_ppb >= 0.0 && s->tsc_ppb < 1e18 &&
           s->blind_ns >= 0;
}

enum visor_segment_verdict visor_segment_read(const struct visor_segment *segment,
                                              struct visor_segment_snapshot *s, uint64_t *sequence)
{
    uint64_t words[VISOR_SEGMENT_WORDS], kind;
    int tries = 0;

    do {
        *sequence = __atomic_load_n(&segment->sequence, __ATOMIC_ACQUIRE);
        if (*sequence == 0)
            return VISOR_SEGMENT_EMPTY;
        if (tries++ == TRIES)
            return VISOR_SEGMENT_BUSY;
    } while (!copy(segment->slots[*sequence & 1], words));
    kind = words[WORD_KIND];
    *s = (struct visor_segment_snapshot){
        .trust = (enum visor_trust)(kind & 0xff),
        .counter = VISOR_COUNTER_MONOTONIC_RAW,
        .leap = (enum visor_leap)(kind >> 16 & 0xff),
        .marked = kind >> 24 & 1,
        .tai_offset_s = (int16_t)(uint16_t)(kind >> 32 & 0xffff),
        .raw = {(int64_t)words[WORD_RAW]},
        .utc = {(int64_t)words[WORD_UTC]},
        .rate_ppb = real_of(words[WORD_RATE]),
        .bound_ns = (int64_t)words[WORD_BOUND],
        .growth_ppb = real_of(words[WORD_GROWTH]),
        .until = {(int64_t)words[WORD_UNTIL]},
        .tsc = words[WORD_TSC],
        .period = words[WORD_PERIOD],
        .tsc_ns = (int64_t)words[WORD_TSC_NS],
        .tsc_ppb = real_of(words[WORD_TSC_PPB]),
        .epoch = words[WORD_EPOCH],
        .marker = words[WORD_MARKER],
        .blind_ns = (int64_t)words[WORD_BLIND],
        .since = {(int64_t)words[WORD_SINCE]},
        .checked = {(int64_t)words[WORD_CHECKED]},
        .published = {(int64_t)words[WORD_PUBLISHED]},
    };
    return is_sane(s, kind) ? VISOR_SEGMENT_OK : VISOR_SEGMENT_WRONG;
}

/* What `ns` of the raw counter add at a rate, rounded up; -1: beyond all measure. */
static int64_t grown(int64_t ns, double ppb)
{
    double size = (double)ns * ppb * 1e-9;

    return (size < 0.0 ? -size : size) < 4e18 ? (int64_t)(size < 0.0 ? -size : size) + 1 : -1;
}

void visor_segment_at(const struct visor_segment_snapshot *s, visor_mono raw, int64_t error_ns,
                      struct visor_segment_interval *interval)
{
    int64_t elapsed = visor_mono_diff(raw, s->raw);
    int64_t growth = grown(elapsed, s->growth_ppb), drift = grown(error_ns, s->rate_ppb);
    double extra = (double)elapsed * s->rate_ppb * 1e-9;
    int64_t bound;
    visor_wall utc;

    interval->trust = s->trust;
    if (s->trust == VISOR_TRUST_SYNCHRONIZED && visor_mono_before(s->until, raw))
        interval->trust = VISOR_TRUST_HOLDOVER;
    interval->earliest.ns = INT64_MIN;
    interval->latest.ns = INT64_MAX;
    if (s->trust == VISOR_TRUST_UNKNOWN || s->trust == VISOR_TRUST_DISRUPTED ||
        s->bound_ns == VISOR_NS_MAX || growth < 0 || drift < 0 || !(extra < 4e18 && extra > -4e18))
        return;
    /* one more for the rounding of `extra` */
    bound = visor_ns_add(visor_ns_add(s->bound_ns, growth), visor_ns_add(error_ns, drift + 1));
    if (bound >= VISOR_NS_MAX / 2)
        return;
    utc = visor_wall_add(visor_wall_add(s->utc, elapsed), (int64_t)extra);
    interval->earliest = visor_wall_add(utc, -bound);
    interval->latest = visor_wall_add(utc, bound);
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
