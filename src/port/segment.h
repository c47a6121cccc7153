/* The clock segment's file: made so that a reader finds it whole or not at all, written by one
 * daemon at a time, and taken over from the former one. wire/segment.h has its contents. */
#ifndef VISOR_PORT_SEGMENT_H
#define VISOR_PORT_SEGMENT_H

#include "port/tsc.h"
#include "wire/segment.h"

struct visor_segment_file {
    char path[256];
    int fd; /* -1: not open */
    struct visor_segment *page;
    bool owned; /* it is locked, and ours to write */
    uint64_t boot[2];
    const char *wanted; /* vmclock device; NULL: any, "": none */
    char device[VISOR_SEGMENT_DEVICE_MAX];
    const void *vmclock; /* its mapped page; NULL: none */
    uint64_t marker;     /* that the line was measured under */
    bool marked;         /* readers are to hold the page against it */
    int64_t busy_ns;     /* the page was being written for so long … */
    visor_mono busy_at;  /* … when it was last looked at; busy_ns < 0: it was not */
    visor_mono moved;    /* when it was last seen to change; what was measured before is void */
    struct visor_segment_publisher publisher;
    struct visor_tsc tsc;
    int64_t blind_ns;   /* a stall shows within so long; VISOR_NS_MAX until the detector says */
    visor_mono due;     /* when to publish at the latest */
    uint64_t epoch;     /* of the last view */
    visor_mono look_at; /* when to see again whether the file is in place, and what the TSC does */
};

/* Opens or makes the segment, in a directory that is made if it is not there. 0, or -errno and
 * nothing is open; -EAGAIN: another daemon writes it, and this one will when that ends. `vmclock`:
 * its device, which lives as long as the segment and may appear later; NULL to look for one, "" for
 * none. */
int visor_segment_open(struct visor_segment_file *file, const char *path, const char *vmclock);

/* What is published stays valid. */
void visor_segment_close(struct visor_segment_file *file);

/* Publishes a view at `now`, unless a former daemon's word is better. 0 or -errno: the segment is
 * another daemon's (-EAGAIN), or it was taken away and could not be made again. */
int visor_segment_publish(struct visor_segment_file *file, const struct visor_view *view,
                          visor_mono now);

#endif
