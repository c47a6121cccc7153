/* Uevents and records of the kernel's log. */
#include "wire/vmgenid.h"

#include "base/assert.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    if (visor_vmgenid_in_uevent(text, size))
        VISOR_ASSERT(memmem(data, size, "NEW_VMGENID=1", 13) != NULL);
    if (visor_vmgenid_in_record(text, size))
        VISOR_ASSERT(memmem(data, size, ";random: crng", 13) != NULL ||
                     memmem(data, size, ";crng", 5) != NULL);
    return 0;
}
