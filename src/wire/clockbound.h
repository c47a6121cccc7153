/* The shared memory segment of ClockBound 2, which its clients read: CLOCK_REALTIME's error bound
 * at a moment of CLOCK_MONOTONIC_COARSE, and how fast it may grow. 80 bytes in native byte order;
 * one record with a generation that is odd while it is being written. */
#ifndef VISOR_WIRE_CLOCKBOUND_H
#define VISOR_WIRE_CLOCKBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_CLOCKBOUND_SIZE 80

enum visor_clockbound_status {
    VISOR_CLOCKBOUND_UNKNOWN,
    VISOR_CLOCKBOUND_SYNCHRONIZED,
    VISOR_CLOCKBOUND_FREE_RUNNING,
    VISOR_CLOCKBOUND_DISRUPTED,
};

struct visor_clockbound {
    enum visor_clockbound_status status;
    int64_t as_of_ns;      /* CLOCK_MONOTONIC_COARSE */
    int64_t void_after_ns; /* the same; nothing is known from then on */
    int64_t bound_ns;      /* of CLOCK_REALTIME at `as_of_ns` */
    uint32_t max_drift_ppb;
    uint64_t marker; /* vmclock's, if `marked` */
    bool marked;
};

/* An empty segment of status unknown, aligned to 8 bytes. */
void visor_clockbound_init(void *segment);

/* Replaces what is there; a half-written one, too. */
void visor_clockbound_write(void *segment, const struct visor_clockbound *told);

/* False: no such segment, of another version, or half-written. */
bool visor_clockbound_read(const void *segment, size_t size, struct visor_clockbound *told);

#endif
