/* Samples that other programs (gpsd, …) hand over in datagrams to a SOCK reference clock, and the
 * shared memory segment of the SHM one. Both are C structures in the sender's own layout: host byte
 * order, and a time_t of 32 or 64 bits. */
#ifndef VISOR_WIRE_SOCK_H
#define VISOR_WIRE_SOCK_H

#include "base/time.h"

#include <stddef.h>

#define VISOR_SOCK_MAGIC   0x534f434b
#define VISOR_SOCK_SIZE_32 32         /* struct timeval of 8 bytes */
#define VISOR_SOCK_SIZE_64 40         /* of 16 bytes */
#define VISOR_SHM_KEY      0x4e545030 /* plus the unit */

enum visor_sock_verdict {
    VISOR_SOCK_OK,
    VISOR_SOCK_BAD_SIZE,
    VISOR_SOCK_BAD_MAGIC,
    VISOR_SOCK_BAD_TIME, /* not a time, or an offset that is none */
    VISOR_SOCK_EMPTY,    /* shared memory: no new sample, or it is being written */
    VISOR_SOCK_BAD_MODE, /* shared memory: neither mode 0 nor 1 */
};

struct visor_sock_sample {
    visor_wall system;    /* CLOCK_REALTIME when it was taken */
    visor_wall reference; /* what the source says it was; a pulse: only its part of a second */
    bool pulse;
    int leap; /* 0 none, 1 insert, 2 delete, else: the source is not synchronised */
};

/* A datagram. `sample` is filled on OK only. */
enum visor_sock_verdict visor_sock_read(const void *data, size_t size,
                                        struct visor_sock_sample *sample);

/* The segment of ntpd's driver 28, as its writers lay it out. */
struct visor_shm_segment {
    int mode; /* 0: `valid` only; 1: `count` is raised before and after writing */
    int count;
    int64_t clock_s;
    int clock_us;
    int64_t receive_s;
    int receive_us;
    int leap, precision, nsamples, valid;
    int clock_ns, receive_ns; /* used where they agree with the microseconds */
    int dummy[8];
};

/* A copy of a segment whose count and validity the caller has checked. */
enum visor_sock_verdict visor_shm_read(const struct visor_shm_segment *segment,
                                       struct visor_sock_sample *sample);

#endif
