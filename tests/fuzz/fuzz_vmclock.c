/* vmclock pages, and what a counter's value makes of them. */
#include "wire/vmclock.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Alignas(8) char page[VISOR_VMCLOCK_PAGE] = {0};
    struct visor_vmclock clock;
    visor_wall earliest, latest;
    uint64_t count = 0, marker;

    if (size >= sizeof(count)) {
        memcpy(&count, data, sizeof(count));
        data += sizeof(count);
        size -= sizeof(count);
    }
    memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
    if (visor_vmclock_read(page, &clock) != VISOR_VMCLOCK_OK)
        return 0;
    VISOR_ASSERT(visor_vmclock_marker(page, &marker) == VISOR_VMCLOCK_OK && marker == clock.marker);
    if (visor_vmclock_time(&clock, count, &earliest, &latest))
        VISOR_ASSERT(clock.timed && earliest.ns > 0 && earliest.ns < latest.ns);
    return 0;
}
