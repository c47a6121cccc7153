/* The vmclock page that a hypervisor keeps up to date in a guest (/dev/vmclockN; Linux,
 * include/uapi/linux/vmclock-abi.h): of it, what tells that the machine was moved or restored. */
#ifndef VISOR_WIRE_VMCLOCK_H
#define VISOR_WIRE_VMCLOCK_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_VMCLOCK_PAGE        4096 /* what is mapped */
#define VISOR_VMCLOCK_AT_SEQUENCE 0x0c
#define VISOR_VMCLOCK_AT_MARKER   0x10

enum visor_vmclock_verdict {
    VISOR_VMCLOCK_OK,
    VISOR_VMCLOCK_FOREIGN, /* no vmclock page, or too short to hold a marker */
    VISOR_VMCLOCK_BUSY,    /* it is being written, and goes on being written */
};

/* Is this a mapped page with a disruption marker? OK or FOREIGN. */
enum visor_vmclock_verdict visor_vmclock_check(const void *page, size_t size);

/* The marker of a page that was checked; it differs after every disruption. OK or BUSY, after a
 * limited number of tries: it never waits for the hypervisor. */
enum visor_vmclock_verdict visor_vmclock_marker(const void *page, uint64_t *marker);

/* At one glance, for who is in a hurry: it is not being written, and the marker is still this one.
 */
static inline bool visor_vmclock_is_still(const void *page, uint64_t marker)
{
    uint32_t sequence = le32toh(
        __atomic_load_n((const uint32_t *)page + VISOR_VMCLOCK_AT_SEQUENCE / 4, __ATOMIC_RELAXED));

    return !(sequence & 1) &&
           le64toh(__atomic_load_n((const uint64_t *)page + VISOR_VMCLOCK_AT_MARKER / 8,
                                   __ATOMIC_RELAXED)) == marker;
}

#endif
