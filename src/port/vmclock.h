/* The vmclock device as a witness: its disruption marker, and its time where it tells it. Looking
 * is reading a mapped page; it waits for nobody. Where the kernel tells of changes its descriptor
 * is for poll(), else who wants to know has to look.
 *
 *     visor_vmclock_device_init(&device, path)
 *     while visor_vmclock_device_look(&device, now, &witness): hand it over
 * look() also opens what is not open, and again, after 1, 2, 4 … 64 s, what has failed. */
#ifndef VISOR_PORT_VMCLOCK_H
#define VISOR_PORT_VMCLOCK_H

#include "engine/event.h"
#include "port/tsc.h"
#include "wire/vmclock.h"

enum visor_vmclock_state {
    VISOR_VMCLOCK_ABSENT, /* none, or it cannot be opened: `error` */
    VISOR_VMCLOCK_SOUND,
    VISOR_VMCLOCK_STUCK,   /* it has been written for longer than a write can take */
    VISOR_VMCLOCK_INVALID, /* not a page that can be understood */
};

struct visor_vmclock_device {
    char path[64]; /* "": the first of the usual ones */
    enum visor_vmclock_state state;
    int error; /* positive errno of the last open, 0: none */
    int fd;    /* -1: not open */
    const void *page;
    bool silent;   /* poll() was asked what it tells of: */
    bool notifies; /* of changes */
    bool told;     /* `marker` was handed over */
    uint64_t marker;
    bool counts; /* it tells the machine's generation, too: */
    uint64_t generation;
    bool timed;         /* it tells the time, and we can read its counter */
    visor_mono time_at; /* when to hand the time over next */
    unsigned soon;      /* times to hand it over without waiting: it has changed */
    visor_mono busy_since;
    visor_mono next; /* when to look even if nothing happens; INT64_MAX: never */
    int64_t retry_ns;
};

/* Opens nothing yet. `path`: NULL for the usual ones. */
void visor_vmclock_device_init(struct visor_vmclock_device *device, const char *path);
/* Opens it now, while the right to do so is there. */
void visor_vmclock_device_open(struct visor_vmclock_device *device, visor_mono now);
void visor_vmclock_device_done(struct visor_vmclock_device *device);

/* For poll(); -1: it tells of nothing. */
int visor_vmclock_device_fd(const struct visor_vmclock_device *device);
/* It is readable: to be looked at. */
void visor_vmclock_device_readable(struct visor_vmclock_device *device);
visor_mono visor_vmclock_device_deadline(const struct visor_vmclock_device *device);

/* At every wake-up; cheap. True: `witness` has something new, and there may be more. */
bool visor_vmclock_device_look(struct visor_vmclock_device *device, visor_mono now,
                               struct visor_event_witness *witness);

#endif
