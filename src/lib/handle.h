/* An open segment, and one look at it: what all of the library's functions begin with. */
#ifndef VISOR_LIB_HANDLE_H
#define VISOR_LIB_HANDLE_H

#include "wire/segment.h"

#include <stdatomic.h>
#include <sys/types.h>
#include <timevisor/timevisor.h>

#define VISOR_HANDLE_PATH 256

/* What one moment gives: the publication that holds, and the counter. */
struct visor_handle_look {
    struct visor_segment_snapshot snapshot;
    visor_mono raw; /* in the segment's terms */
    int64_t error_ns;
    enum visor_trust trust; /* of the moment; UNKNOWN also where nothing can be read */
    bool tsc;               /* the counter was the TSC */
};

struct visor_handle_file {
    const struct visor_segment *page;
    const void *vmclock; /* NULL: none that can be read */
    dev_t device;
    ino_t inode;
    _Atomic bool tsc; /* the mapped TSC was seen to agree with the kernel's counter */
    struct visor_handle_file *former; /* that lay there before */
};

struct timevisor {
    char path[VISOR_HANDLE_PATH];
    struct visor_handle_file first;
    struct visor_handle_file *_Atomic file;    /* the one in use */
    const struct visor_segment *_Atomic quick; /* its page, if the TSC may be read; NULL */
    const void *_Atomic quick_vmclock;         /* its vmclock; NULL: none can be read */
    struct visor_handle_file *spare;           /* for the next ones, in memory of their own: … */
    size_t spares;                             /* … so many */
    int64_t offset_ns;                         /* of our time namespace */
    bool offset_known;
    _Atomic int32_t looking; /* the process that looks whether there is another file; 0: none */
    _Atomic int64_t look_at; /* when to look again, raw ns */
    _Atomic int64_t monotonic_ns; /* told last */
};

/* Looks whether another file lies at the path, and goes on with that one. By one caller at a time.
 */
void visor_handle_move_on(struct timevisor *handle);

/* The interval as the library tells it; returns its status. */
static inline int visor_handle_tell(const struct visor_segment_interval *from,
                                    struct timevisor_interval *to)
{
    to->earliest_ns = from->earliest.ns;
    to->latest_ns = from->latest.ns;
    to->status = (int32_t)from->trust;
    to->reserved = 0;
    return to->status;
}

/* False: there is no publication, hence no snapshot (all zero) and perhaps no counter. */
bool visor_handle_look(struct timevisor *handle, struct visor_handle_look *look);

/* The interval of any raw time by a look; unbounded and with the look's trust where that is so. */
void visor_handle_interval(const struct visor_handle_look *look, visor_mono raw, int64_t error_ns,
                           struct visor_segment_interval *interval);

/* The boot that the segment is of. */
uint64_t visor_handle_boot(const struct timevisor *handle);

/* A reading of CLOCK_MONOTONIC_RAW by this process in the segment's terms. */
visor_mono visor_handle_raw(const struct timevisor *handle, int64_t raw_ns);

/* The greatest of `ns` and what was passed before. */
int64_t visor_handle_forward(struct timevisor *handle, int64_t ns);

/* What the handle can read: enum timevisor_flag bits. */
uint32_t visor_handle_flags(const struct timevisor *handle, const struct visor_handle_look *look);

#endif
