/* ClockBound's layout, field by field. What it means for our clock is the caller's business. */
#include "wire/clockbound.h"

#include "base/time.h"

#include <string.h>

#define MAGIC_FIRST  0x414d5a4e
#define MAGIC_SECOND 0x43420200
#define VERSION      2

struct layout {
    uint32_t magic[2];
    uint32_t size;
    uint16_t version;
    uint16_t generation;
    int64_t as_of_s, as_of_ns;
    int64_t void_after_s, void_after_ns;
    int64_t bound_ns;
    uint64_t marker;
    uint32_t max_drift_ppb;
    int32_t status;
    uint8_t marked;
    uint8_t pad[7];
};

_Static_assert(sizeof(struct layout) == VISOR_CLOCKBOUND_SIZE, "ClockBound's own size");

void visor_clockbound_init(void *segment)
{
    struct layout *layout = segment;

    *layout = (struct layout){.magic = {MAGIC_FIRST, MAGIC_SECOND},
                              .size = VISOR_CLOCKBOUND_SIZE,
                              .version = VERSION,
                              .generation = 2};
}

void visor_clockbound_write(void *segment, const struct visor_clockbound *told)
{
    struct layout *layout = segment;
    uint16_t odd = __atomic_load_n(&layout->generation, __ATOMIC_RELAXED) | 1, even;

    even = (uint16_t)(odd + 1);
    __atomic_store_n(&layout->generation, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    layout->as_of_s = told->as_of_ns / VISOR_NS_PER_S;
    layout->as_of_ns = told->as_of_ns % VISOR_NS_PER_S;
    layout->void_after_s = told->void_after_ns / VISOR_NS_PER_S;
    layout->void_after_ns = told->void_after_ns % VISOR_NS_PER_S;
    layout->bound_ns = told->bound_ns;
    layout->marker = told->marker;
    layout->max_drift_ppb = told->max_drift_ppb;
    layout->status = (int32_t)told->status;
    layout->marked = told->marked;
    __atomic_store_n(&layout->generation, even ? even : 2, __ATOMIC_RELEASE);
}

bool visor_clockbound_read(const void *segment, size_t size, struct visor_clockbound *told)
{
    struct layout layout;

    if (size < sizeof(layout))
        return false;
    memcpy(&layout, segment, sizeof(layout));
    if (layout.magic[0] != MAGIC_FIRST || layout.magic[1] != MAGIC_SECOND ||
        layout.size != sizeof(layout) || layout.version != VERSION || layout.generation & 1 ||
        layout.status < 0 || layout.status > VISOR_CLOCKBOUND_DISRUPTED || layout.as_of_s < 0 ||
        layout.as_of_s > INT64_C(9000000000) || layout.void_after_s < 0 ||
        layout.void_after_s > INT64_C(9000000000) || layout.as_of_ns < 0 ||
        layout.as_of_ns >= VISOR_NS_PER_S || layout.void_after_ns < 0 ||
        layout.void_after_ns >= VISOR_NS_PER_S)
        return false;
    *told = (struct visor_clockbound){
        .status = (enum visor_clockbound_status)layout.status,
        .as_of_ns = layout.as_of_s * VISOR_NS_PER_S + layout.as_of_ns,
        .void_after_ns = layout.void_after_s * VISOR_NS_PER_S + layout.void_after_ns,
        .bound_ns = layout.bound_ns,
        .max_drift_ppb = layout.max_drift_ppb,
        .marker = layout.marker,
        .marked = layout.marked != 0,
    };
    return true;
}
