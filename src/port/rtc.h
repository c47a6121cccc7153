/* The real-time clock: reading and setting it, and its second edges.
 *
 * An RTC tells whole seconds only, but the moment at which a second begins can be had as an
 * interrupt (RTC_UIE_ON), and that is good to some 0.1 ms. The first interrupt after switching on
 * may be bogus; and the kernel makes them of alarms, so that after a pause of the machine they may
 * never come again. A `visor_rtc_device` knows all that: it gives only edges that can be trusted,
 * switches on again when they stop, and opens again, with back-off, what fails. */
#ifndef VISOR_PORT_RTC_H
#define VISOR_PORT_RTC_H

#include "engine/event.h"

/* A descriptor or -errno. */
int visor_rtc_open(const char *path, bool write);
/* Second interrupts on or off; 0 or -errno. */
int visor_rtc_interrupts(int fd, bool on);
/* Take what made the descriptor readable: 1 a second's edge, 0 something else, or -errno. */
int visor_rtc_edge(int fd);
/* The RTC's time as seconds since 1970, UTC; `utc`: it is kept in UTC, else in local time.
 * `settled` reads until two readings agree (a lone one may be torn by the edge). 0 or -errno. */
int visor_rtc_read(int fd, bool utc, bool settled, int64_t *seconds);
/* Sets it so that the next second begins about half a second later. 0 or -errno. */
int visor_rtc_set(int fd, bool utc, int64_t seconds);
/* Does the RTC keep UTC? Third line of hwclock's file, `otherwise` if that does not say. */
bool visor_rtc_keeps_utc(const char *hwclockfile, bool otherwise);

struct visor_rtc_edge {
    struct visor_stamp stamp;
    int64_t seconds; /* since 1970: the second that began at the stamp */
};

struct visor_rtc_device {
    char path[VISOR_CONFIG_NAME_MAX];
    bool utc, write;
    int fd;    /* -1: closed */
    int error; /* positive errno of the last failure, 0: none */
    bool armed;
    unsigned skip;   /* edges still not to be trusted */
    visor_mono next; /* when to arm; while armed: when an edge is missing */
    int64_t retry_ns;
    uint32_t missed; /* edges that did not come in time */
    int64_t peek_ns; /* between edges it is read as often as this; 0: not at all */
    visor_mono peek_at;
    int64_t seconds; /* of the last edge */
    bool heard;      /* one was trusted since they were switched on: */
    bool ahead;      /* the last look has shown another second than that */
};

/* Opens nothing yet. `utc`, `write`: see above. */
void visor_rtc_device_init(struct visor_rtc_device *device, const char *path, bool utc, bool write);
void visor_rtc_device_done(struct visor_rtc_device *device);

/* Wait for an edge from `at` on. */
void visor_rtc_device_want(struct visor_rtc_device *device, visor_mono at);

/* For poll(); -1: nothing is waited for. */
int visor_rtc_device_fd(const struct visor_rtc_device *device);
/* It is readable. True: `edge` is a trusted edge; interrupts go on until stop(). */
bool visor_rtc_device_readable(struct visor_rtc_device *device, struct visor_rtc_edge *edge);
void visor_rtc_device_stop(struct visor_rtc_device *device);
visor_mono visor_rtc_device_deadline(const struct visor_rtc_device *device);
/* Also read the time between edges, every `ns`: after a long pause no edge comes any more. */
void visor_rtc_device_peek(struct visor_rtc_device *device, int64_t ns);
/* Opens, arms or re-arms what is due. True: the time was read between edges, or because one was
 * missing: `edge->seconds` is the RTC's second at the stamp, which is up to a second into it. */
bool visor_rtc_device_tick(struct visor_rtc_device *device, visor_mono now,
                           struct visor_rtc_edge *edge);

#endif
