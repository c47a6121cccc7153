/* The vmclock page that a hypervisor keeps up to date in a guest (/dev/vmclockN; Linux,
 * include/uapi/linux/vmclock-abi.h): of it, what tells that the machine was moved or restored. */
#ifndef VISOR_WIRE_VMCLOCK_H
#define VISOR_WIRE_VMCLOCK_H

#include <stddef.h>
#include <stdint.h>

#define VISOR_VMCLOCK_PAGE 4096 /* what is mapped */

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

#endif
