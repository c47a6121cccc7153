/* Reference clock devices: PHC, PPS, SHM, SOCK, RTC. A driver opens and measures; it never filters,
 * selects or logs. What it measured becomes an event for engine/refclock.h, with the stamp brought
 * to the raw counter. A device that is missing, vanishes or returns nonsense gives FAILED events
 * and is opened again, after 1, 2, 4 … 64 s.
 *
 *     visor_refclock_device_init(&device, config, index)
 *     MEASURE action:                visor_refclock_device_measure() -> exactly one event
 *     the descriptor is readable:    visor_refclock_device_readable() -> perhaps an event
 *     deadline() has passed:         visor_refclock_device_tick()     -> perhaps an event
 * The descriptor may change at each of these calls: ask fd() before every poll(). */
#ifndef VISOR_PORT_REFCLOCK_H
#define VISOR_PORT_REFCLOCK_H

#include "engine/event.h"
#include "port/stamp.h"

#define VISOR_REFCLOCK_PATH_MAX VISOR_CONFIG_NAME_MAX

struct visor_refclock_device;

/* What a driver has measured, on the clock it was stamped by. */
struct visor_refclock_measured {
    enum visor_refclock_sample_kind kind; /* TIME or PULSE */
    bool on_raw;                          /* `stamp_ns` is of MONOTONIC_RAW; else of REALTIME */
    int64_t stamp_ns;
    int64_t error_ns;     /* systematic: how far the stamp can be off */
    visor_wall reference; /* TIME */
    double dispersion_s;  /* random: standard error of the reading */
    enum visor_leap_hint leap;
};

/* All return 0 or -errno; -EAGAIN: no fault, but nothing new. */
struct visor_refclock_ops {
    const char *name;
    const char *const
        *options; /* allowed in the parameter, NULL-terminated; "name=" wants a value */
    int (*open)(struct visor_refclock_device *device);
    int (*measure)(struct visor_refclock_device *device, struct visor_refclock_measured *out);
    int (*handle_readable)(struct visor_refclock_device *device,
                           struct visor_refclock_measured *out); /* NULL: no fd of its own */
    void (*done)(struct visor_refclock_device *device);          /* after a successful open */
};

extern const struct visor_refclock_ops visor_refclock_phc, visor_refclock_pps, visor_refclock_shm,
    visor_refclock_sock, visor_refclock_rtc;

#define VISOR_REFCLOCK_WINDOWS 32

struct visor_refclock_device {
    const struct visor_refclock_ops *ops;
    const struct visor_refclock_config *config; /* borrowed */
    uint32_t index;
    char path[VISOR_REFCLOCK_PATH_MAX]; /* the parameter up to its first ':' */
    int fd;                             /* -1: none */
    bool is_open, listens;              /* listens: fd is for poll() */
    int error;                          /* errno of the last failed open, positive */
    visor_mono retry_at;
    int64_t retry_ns; /* 0: the last open went well */

    /* drivers' own */
    void *memory;           /* shm: the segment */
    uint32_t sequence;      /* pps: of the last pulse */
    int method, method_age; /* phc */
    unsigned skip;          /* rtc: edges not to be trusted */
    visor_mono heard;       /* rtc: when the last edge came, or they were switched on */
    int64_t windows[VISOR_REFCLOCK_WINDOWS]; /* phc: narrowest of the last readings, ns */
    size_t window_count;
    struct { /* phc, extpps: its time against the raw counter */
        bool known;
        int64_t raw_ns, phc_ns, error_ns;
        double rate; /* d phc / d raw - 1 */
    } map;
};

/* Opens nothing yet. False: `reason` (if not NULL) says in English what is wrong with the
 * parameter; such a configuration must be refused. */
bool visor_refclock_device_init(struct visor_refclock_device *device,
                                const struct visor_refclock_config *config, uint32_t index,
                                char *reason, size_t size);
void visor_refclock_device_done(struct visor_refclock_device *device);

/* Take a reading of the device. `event` is always filled, FAILED if there is nothing. */
void visor_refclock_device_measure(struct visor_refclock_device *device,
                                   struct visor_stamps *stamps, struct visor_event_refclock *event);

/* Descriptor to be polled for reading; -1: none at present. */
int visor_refclock_device_fd(const struct visor_refclock_device *device);
/* True: `event` is filled. */
bool visor_refclock_device_readable(struct visor_refclock_device *device,
                                    struct visor_stamps *stamps,
                                    struct visor_event_refclock *event);

/* For devices that are not asked (SOCK): when to try to open again; INT64_MAX: never. */
visor_mono visor_refclock_device_deadline(const struct visor_refclock_device *device);
/* Opens what is due. True: `event` is filled (the attempt failed). */
bool visor_refclock_device_tick(struct visor_refclock_device *device, visor_mono now,
                                struct visor_event_refclock *event);

/* Value of an option in the parameter ("" without '='), NULL if it is not there. `value` must hold
 * VISOR_REFCLOCK_PATH_MAX. */
const char *visor_refclock_device_option(const struct visor_refclock_device *device,
                                         const char *name, char *value);
/* Number of an option, or `otherwise`. */
int visor_refclock_device_number(const struct visor_refclock_device *device, const char *name,
                                 int otherwise, int base);

/* open() without following the flags that simulators do not know; close-on-exec. fd or -errno. */
int visor_refclock_open(const char *path, int flags);

#endif
