/* The RTC's seconds by reading alone, where its device is held by somebody else or makes no
 * interrupts: /sys/class/rtc/rtcN/since_epoch is for everybody. When a second begins is found by
 * reading around the moment at which it should, halving the doubt each second: some seconds after
 * the start it is known to two or three milliseconds, and stays so.
 *
 * The kernel reads the chip meanwhile, which it does in a bounded time (Linux: 10 to 20 ms if the
 * chip never ends its update); one that took long is not believed. */
#ifndef VISOR_PORT_RTCPOLL_H
#define VISOR_PORT_RTCPOLL_H

#include "engine/event.h"

struct visor_rtcpoll {
    char path[64];
    int fd;     /* -1: not open */
    int error;  /* positive errno, 0: none */
    bool known; /* the second `seconds` + 1 begins in (low, high]: */
    visor_mono low, high;
    bool read; /* there was a reading: */
    visor_mono at;
    int64_t seconds;
    visor_mono next; /* when to read; INT64_MAX: never */
    int64_t retry_ns;
};

/* Opens nothing yet. `path`: NULL for rtc0's. */
void visor_rtcpoll_init(struct visor_rtcpoll *poll, const char *path);
void visor_rtcpoll_done(struct visor_rtcpoll *poll);

visor_mono visor_rtcpoll_deadline(const struct visor_rtcpoll *poll);
/* Reads if it is time to. True: `witness` has what it says. */
bool visor_rtcpoll_look(struct visor_rtcpoll *poll, visor_mono now,
                        struct visor_event_witness *witness);

/* What since_epoch holds. False: no time of a clock that works. Pure. */
bool visor_rtcpoll_parse(const char *text, int64_t *seconds);

/* Makes of a reading at `at` what it says, and plans the next one. Pure. */
void visor_rtcpoll_take(struct visor_rtcpoll *poll, visor_mono at, int64_t seconds,
                        struct visor_event_witness *witness);

#endif
