/* Reading the vmclock page. It is little-endian and written by somebody else at any time, hence
 * read by its sequence number. */
#include "wire/vmclock.h"

#define MAGIC      0x4b4c4356 /* "VCLK" */
#define AT_SIZE    0x04
#define AT_VERSION 0x08
#define NEEDED     0x18 /* of the page's own size: its marker */
#define TRIES      1000

/* What is used besides. */
#define AT_COUNTER      0x0a /* a byte each: counter, type of time, … */
#define AT_TYPE         0x0b
#define AT_FLAGS        0x18
#define AT_STATUS       0x22
#define AT_TAI          0x24
#define AT_SHIFT        0x27
#define AT_COUNT        0x28
#define AT_PERIOD       0x30
#define AT_RATE_ERROR   0x40
#define AT_SECONDS      0x48
#define AT_FRACTION     0x50
#define AT_GUESS        0x58 /* of the error … */
#define AT_ERROR        0x60 /* … and the most that it can be, ns */
#define AT_GENERATION   0x68
#define END             0x70

#define TAI_KNOWN       (1u << 0)
#define RATE_ERROR_SAID (1u << 4)
#define GUESS_SAID      (1u << 5)
#define ERROR_SAID      (1u << 6)
#define GENERATION_SAID (1u << 8)
#define NOTIFIES        (1u << 9)
#define TYPE_UTC        0
#define TYPE_TAI        1
#define SYNCHRONIZED    2
#define FREERUNNING     3
#define WIDTH           128 /* bits of `wide` */
#define SECONDS_MAX     (UINT64_C(1) << 33)
#define NS_MAX          (UINT64_C(1) << 60)
#define ROUNDED_NS      3

__extension__ typedef unsigned __int128 wide;

static uint32_t word_at(const void *page, size_t offset, int order)
{
    return le32toh(__atomic_load_n((const uint32_t *)page + offset / 4, order));
}

enum visor_vmclock_verdict visor_vmclock_check(const void *page, size_t size)
{
    if (size < VISOR_VMCLOCK_PAGE || word_at(page, 0, __ATOMIC_RELAXED) != MAGIC ||
        word_at(page, AT_SIZE, __ATOMIC_RELAXED) < NEEDED ||
        (word_at(page, AT_VERSION, __ATOMIC_RELAXED) & 0xffff) != 1)
        return VISOR_VMCLOCK_FOREIGN;
    return VISOR_VMCLOCK_OK;
}

enum visor_vmclock_verdict visor_vmclock_marker(const void *page, uint64_t *marker)
{
    const uint64_t *at = (const uint64_t *)page + VISOR_VMCLOCK_AT_MARKER / 8;

    for (int i = 0; i < TRIES; i++) {
        uint32_t sequence = word_at(page, VISOR_VMCLOCK_AT_SEQUENCE, __ATOMIC_ACQUIRE);

        *marker = le64toh(__atomic_load_n(at, __ATOMIC_RELAXED));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(sequence & 1) &&
            word_at(page, VISOR_VMCLOCK_AT_SEQUENCE, __ATOMIC_RELAXED) == sequence)
            return VISOR_VMCLOCK_OK;
    }
    return VISOR_VMCLOCK_BUSY;
}

/* Any words of it, as they stood together at one moment. */
static enum visor_vmclock_verdict copy(const void *page, uint64_t words[END / 8])
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t sequence = word_at(page, VISOR_VMCLOCK_AT_SEQUENCE, __ATOMIC_ACQUIRE);

        for (size_t at = 0; at < END / 8; at++)
            words[at] = __atomic_load_n((const uint64_t *)page + at, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(sequence & 1) &&
            word_at(page, VISOR_VMCLOCK_AT_SEQUENCE, __ATOMIC_RELAXED) == sequence)
            return VISOR_VMCLOCK_OK;
    }
    return VISOR_VMCLOCK_BUSY;
}

static uint8_t byte_of(const uint64_t *words, size_t offset)
{
    return (uint8_t)(le64toh(words[offset / 8]) >> 8 * (offset % 8));
}

static uint64_t number_of(const uint64_t *words, size_t offset)
{
    return le64toh(words[offset / 8]);
}

/* UTC's seconds; false: it tells another time, or one that is not to be believed. */
static bool read_seconds(const uint64_t *words, uint64_t flags, int64_t *seconds)
{
    uint64_t said = number_of(words, AT_SECONDS);
    uint8_t status = byte_of(words, AT_STATUS), type = byte_of(words, AT_TYPE);
    int16_t tai = (int16_t)(byte_of(words, AT_TAI) | byte_of(words, AT_TAI + 1) << 8);

    if ((status != SYNCHRONIZED && status != FREERUNNING) || said == 0 || said >= SECONDS_MAX)
        return false;
    *seconds = (int64_t)said;
    if (type == TYPE_TAI && (flags & TAI_KNOWN))
        *seconds -= tai;
    return type == TYPE_UTC || (type == TYPE_TAI && (flags & TAI_KNOWN));
}

static void read_time(const uint64_t *words, uint64_t flags, struct visor_vmclock *clock)
{
    clock->counter = byte_of(words, AT_COUNTER);
    clock->counter_value = number_of(words, AT_COUNT);
    clock->fraction = number_of(words, AT_FRACTION);
    clock->period = number_of(words, AT_PERIOD);
    clock->shift = byte_of(words, AT_SHIFT);
    if (flags & RATE_ERROR_SAID)
        clock->period_error = number_of(words, AT_RATE_ERROR);
    if (flags & ERROR_SAID)
        clock->error_ns = number_of(words, AT_ERROR);
    else if (flags & GUESS_SAID)
        clock->error_ns = number_of(words, AT_GUESS);
    clock->timed = read_seconds(words, flags, &clock->seconds) &&
                   clock->counter != VISOR_VMCLOCK_NO_COUNTER && clock->period != 0 &&
                   clock->shift < 64 && clock->error_ns < NS_MAX;
}

enum visor_vmclock_verdict visor_vmclock_read(const void *page, struct visor_vmclock *clock)
{
    uint64_t words[END / 8], flags;
    uint32_t size;

    if (visor_vmclock_check(page, VISOR_VMCLOCK_PAGE) != VISOR_VMCLOCK_OK)
        return VISOR_VMCLOCK_FOREIGN;
    if (copy(page, words) != VISOR_VMCLOCK_OK)
        return VISOR_VMCLOCK_BUSY;
    *clock = (struct visor_vmclock){.marker = number_of(words, VISOR_VMCLOCK_AT_MARKER),
                                    .counter = VISOR_VMCLOCK_NO_COUNTER};
    size = (uint32_t)(number_of(words, 0) >> 32);
    flags = size >= AT_FLAGS + 8 ? number_of(words, AT_FLAGS) : 0;
    clock->notifies = (flags & NOTIFIES) != 0;
    clock->counts = (flags & GENERATION_SAID) && size >= END;
    if (clock->counts)
        clock->generation = number_of(words, AT_GENERATION);
    if (size >= AT_GENERATION)
        read_time(words, flags, clock);
    return VISOR_VMCLOCK_OK;
}

/* Ticks at so many 2^-(64 + shift) s each, as ns, rounded down; NS_MAX: too many. */
static uint64_t ns_of(uint64_t ticks, uint64_t each, uint8_t shift)
{
    wide parts = shift < WIDTH ? (wide)ticks * each >> shift : 0;

    if (parts >> 64 >= SECONDS_MAX)
        return NS_MAX;
    return (uint64_t)((parts >> 32) * VISOR_NS_PER_S >> 32);
}

bool visor_vmclock_time(const struct visor_vmclock *clock, uint64_t count, visor_wall *earliest,
                        visor_wall *latest)
{
    bool before = (int64_t)(count - clock->counter_value) < 0;
    uint64_t ticks = before ? clock->counter_value - count : count - clock->counter_value;
    uint64_t away = ns_of(ticks, clock->period, clock->shift);
    uint64_t drift = ns_of(ticks, clock->period_error, clock->shift);
    visor_wall said;
    int64_t error;

    if (!clock->timed || away >= NS_MAX || drift >= NS_MAX)
        return false;
    said.ns = clock->seconds * VISOR_NS_PER_S + (int64_t)ns_of(1, clock->fraction, 0);
    said = visor_wall_add(said, before ? -(int64_t)away : (int64_t)away);
    error = (int64_t)(clock->error_ns + drift) + ROUNDED_NS;
    *earliest = visor_wall_add(said, -error);
    *latest = visor_wall_add(said, error);
    return earliest->ns > 0 && latest->ns < INT64_MAX;
}
