/* The vmclock page that a hypervisor keeps up to date in a guest (/dev/vmclockN; Linux,
 * include/uapi/linux/vmclock-abi.h): what tells that the machine was moved or restored, and, where
 * the hypervisor says it, UTC as a function of the CPU's counter. */
#ifndef VISOR_WIRE_VMCLOCK_H
#define VISOR_WIRE_VMCLOCK_H

#include "base/time.h"

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

enum visor_vmclock_counter {
    VISOR_VMCLOCK_ARM_VCNT = 0,
    VISOR_VMCLOCK_X86_TSC = 1,
    VISOR_VMCLOCK_NO_COUNTER = 0xff,
};

/* What a page said at one moment. */
struct visor_vmclock {
    uint64_t marker;     /* differs after every disruption */
    bool notifies;       /* the hypervisor tells the kernel of every change */
    bool counts;         /* `generation` holds: */
    uint64_t generation; /* differs after a restore or a clone, not after a migration */
    bool timed;          /* what follows holds: it tells UTC */
    enum visor_vmclock_counter counter;
    uint64_t counter_value; /* of the counter at … */
    int64_t seconds;        /* … this time, UTC since 1970, … */
    uint64_t fraction;      /* … and this, 2^-64 s */
    uint64_t period;        /* of the counter, 2^-(64 + shift) s */
    uint64_t period_error;  /* the most by which it is wrong, the same unit */
    uint8_t shift;
    uint64_t error_ns; /* the most by which the time is wrong; if it does not say, what it thinks */
};

/* Is this a mapped page with a disruption marker? OK or FOREIGN. */
enum visor_vmclock_verdict visor_vmclock_check(const void *page, size_t size);

/* The marker of a page that was checked; it differs after every disruption. OK or BUSY, after a
 * limited number of tries: it never waits for the hypervisor. */
enum visor_vmclock_verdict visor_vmclock_marker(const void *page, uint64_t *marker);

/* All of a mapped page. FOREIGN or BUSY: `clock` is not filled. */
enum visor_vmclock_verdict visor_vmclock_read(const void *page, struct visor_vmclock *clock);

/* UTC when the counter showed `count`; false: it does not tell, or what it tells cannot be. */
bool visor_vmclock_time(const struct visor_vmclock *clock, uint64_t count, visor_wall *earliest,
                        visor_wall *latest);

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
