/* Pages of a clock segment that anybody may have written, and what a reader makes of them. */
#include "wire/clockbound.h"
#include "wire/segment.h"
#include "wire/vmclock.h"

#include "base/assert.h"

#include <string.h>

static void check_interval(const struct visor_segment_snapshot *s, int64_t raw, int64_t error_ns)
{
    struct visor_segment_interval at;

    visor_segment_at(s, (visor_mono){raw}, error_ns, &at);
    VISOR_ASSERT(at.earliest.ns <= at.latest.ns);
    if (at.trust == VISOR_TRUST_UNKNOWN || at.trust == VISOR_TRUST_DISRUPTED)
        VISOR_ASSERT(at.earliest.ns == INT64_MIN && at.latest.ns == INT64_MAX);
    if (at.latest.ns != INT64_MAX && at.earliest.ns != INT64_MIN)
        VISOR_ASSERT(visor_ns_diff(at.latest.ns, at.earliest.ns) >= s->bound_ns);
}

static void check(const struct visor_segment_snapshot *s, uint64_t any)
{
    int64_t error_ns;
    visor_mono raw;

    check_interval(s, (int64_t)any, 0);
    check_interval(s, visor_ns_add(s->raw.ns, 1000000007), 20);
    check_interval(s, INT64_MAX, INT64_MAX);
    check_interval(s, INT64_MIN, 0);
    if (visor_segment_tsc(s, any, &raw, &error_ns)) {
        VISOR_ASSERT(error_ns > 0 && raw.ns >= s->raw.ns);
        check_interval(s, raw.ns, error_ns);
    }
}

static void check_quick(const struct visor_segment *segment, uint64_t tsc)
{
    struct visor_segment_interval at;
    struct visor_segment_quick quick;

    visor_segment_load(segment, &quick);
    if (visor_segment_reckon(segment, &quick, tsc, &at))
        VISOR_ASSERT(at.earliest.ns <= at.latest.ns && at.trust <= VISOR_TRUST_DISRUPTED);
}

static void go_on(const struct visor_segment_snapshot *former, uint64_t any)
{
    struct visor_segment_publisher publisher;
    struct visor_view view = {.trust = VISOR_TRUST_SYNCHRONIZED, .raw = {(int64_t)any}};

    visor_segment_publisher_init(&publisher, former);
    VISOR_ASSERT(visor_segment_publisher_next(&publisher, &view, view.raw));
    VISOR_ASSERT(publisher.last.epoch - former->epoch <= 1);
}

static void check_clockbound(const uint8_t *page, size_t size)
{
    _Alignas(8) uint8_t again[VISOR_CLOCKBOUND_SIZE];
    struct visor_clockbound told, same;

    if (!visor_clockbound_read(page, size, &told))
        return;
    visor_clockbound_init(again);
    visor_clockbound_write(again, &told);
    VISOR_ASSERT(visor_clockbound_read(again, sizeof(again), &same));
    VISOR_ASSERT(same.as_of_ns == told.as_of_ns && same.bound_ns == told.bound_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Alignas(64) uint8_t page[VISOR_SEGMENT_SIZE] = {0};
    struct visor_segment_snapshot snapshot;
    uint64_t sequence, any, boot[2];
    int64_t offset_ns;

    memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
    memcpy(&any, page + 800, sizeof(any));
    if (visor_segment_check(page, size < sizeof(page) && size < 900 ? size : sizeof(page)) ==
            VISOR_SEGMENT_OK &&
        visor_segment_read((struct visor_segment *)page, &snapshot, &sequence) ==
            VISOR_SEGMENT_OK) {
        check(&snapshot, any);
        check_quick((struct visor_segment *)page, any);
        go_on(&snapshot, any);
    }
    if (visor_segment_read_timens((const char *)data, size, &offset_ns))
        VISOR_ASSERT(offset_ns < INT64_MAX && offset_ns > INT64_MIN);
    visor_segment_read_boot((const char *)data, size, boot);
    check_clockbound(page, size);
    if (visor_vmclock_check(page, sizeof(page)) == VISOR_VMCLOCK_OK)
        visor_vmclock_marker(page, &any);
    return 0;
}
