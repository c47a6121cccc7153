/* Reading the vmclock page. It is little-endian and written by somebody else at any time, hence
 * read by its sequence number. */
#include "wire/vmclock.h"

#define MAGIC      0x4b4c4356 /* "VCLK" */
#define AT_SIZE    0x04
#define AT_VERSION 0x08
#define NEEDED     0x18 /* of the page's own size */
#define TRIES      1000

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
