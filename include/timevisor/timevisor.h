/* libtimevisor: what time is it, how wrong can that be, and does it still hold?
 *
 * It reads the clock segment that timevisord(8) publishes: UTC as a function of the machine's raw
 * counter. So it is right at once after the machine stood still, even while CLOCK_REALTIME is still
 * being slewed, and it says so when it cannot know. libtimevisor(3) has examples.
 *
 * Times of day are ns since 1970-01-01 UTC without leap seconds (POSIX). Intervals are closed and
 * rounded outward: the true time lies in [earliest_ns, latest_ns]. Where nothing can be said they
 * are unbounded: TIMEVISOR_MIN, TIMEVISOR_MAX.
 *
 * Threads and signals: unless it says otherwise, every function may be called from any number of
 * threads on one handle and from signal handlers, takes no lock, allocates nothing, leaves errno
 * alone when it succeeds, and makes no system call, apart from what follows. Where the kernel's
 * clocksource is not the TSC, the counter is read by clock_gettime(), which makes none where the
 * kernel's vDSO serves it. When the daemon has published nothing for a minute, the segment's file
 * is looked at at most once a second, in case that a new one has taken its place. The former one
 * stays mapped until the handle is closed, since somebody may be reading it: some KB each.
 *
 * A handle survives fork(). After a change of time namespace (setns, unshare) open another one. */
#ifndef TIMEVISOR_TIMEVISOR_H
#define TIMEVISOR_TIMEVISOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIMEVISOR_MIN INT64_MIN
#define TIMEVISOR_MAX INT64_MAX

/* A segment that is open. */
typedef struct timevisor timevisor;

/* What the daemon says of the time. */
enum timevisor_status {
    TIMEVISOR_UNKNOWN = 0,      /* never synchronised, or nothing to be read: unbounded */
    TIMEVISOR_SYNCHRONIZED = 1, /* verified by the daemon's sources */
    TIMEVISOR_HOLDOVER = 2,     /* was synchronised; the interval holds and widens */
    TIMEVISOR_DISRUPTED = 3     /* the machine stood still or was moved, and the time has not been
                                   measured since: unbounded */
};

/* "unknown", "synchronized", "holdover", "disrupted"; "?" for other numbers. Needs no handle. */
const char *timevisor_status_name(int status);

/* Version of the library, as "0.1.0". */
const char *timevisor_version(void);

/* Opens a segment; NULL: that of $TIMEVISOR_CLOCK (not in a setuid program), else
 * /run/timevisor/clock. NULL and errno on failure: ENOENT and others of open(2); EPERM: it belongs
 * to somebody who could deceive us, or others may write it; EPROTO: it is no clock segment or is
 * cut short; EPROTONOSUPPORT: of another version; ESTALE: from before the machine was started;
 * ENOTSUP: this process's time namespace cannot be told; ENOMEM. Allocates; not for signal
 * handlers. */
timevisor *timevisor_open(const char *path);

/* Closes it; NULL is allowed. No other thread may be using the handle. Not for signal handlers. */
void timevisor_close(timevisor *handle);

/* A sentence about an errno of timevisor_open(). */
const char *timevisor_strerror(int error);

/* ---- what time is it ---- */

struct timevisor_interval {
    int64_t earliest_ns, latest_ns;
    int32_t status;   /* enum timevisor_status */
    int32_t reserved; /* 0 */
};

/* The time now, into `*now`. Returns the status. Never fails, never waits. */
int timevisor_now(timevisor *handle, struct timevisor_interval *now);

/* 1: `utc_ns` is surely past. 0: perhaps not. */
int timevisor_after(timevisor *handle, int64_t utc_ns);

/* 1: `utc_ns` is surely still to come. 0: perhaps not. */
int timevisor_before(timevisor *handle, int64_t utc_ns);

/* Sleeps until `utc_ns` is surely past (commit wait: call it with an interval's latest_ns before
 * others may see what was stamped with it). While the time is unknown or disrupted it goes on
 * waiting. `timeout_ns` negative: for ever. 0; -1 and errno: ETIMEDOUT, or EINTR by a signal.
 * Makes system calls; not for signal handlers. */
int timevisor_wait(timevisor *handle, int64_t utc_ns, int64_t timeout_ns);

/* ---- stamps, and whether they still hold ---- */

/* A moment of this machine, in this boot, for all its processes and containers. */
struct timevisor_stamp {
    struct timevisor_interval interval; /* as it was known then */
    int64_t raw_ns;                     /* the machine's raw counter … */
    int64_t raw_error_ns;               /* … and how wrong that reading can be */
    uint64_t epoch;                     /* of disruptions */
    uint64_t boot;                      /* of the machine */
    uint64_t reserved[2];               /* 0 */
};

/* A stamp of now. Returns the status. */
int timevisor_stamp(timevisor *handle, struct timevisor_stamp *stamp);

enum timevisor_confirmation {
    TIMEVISOR_NOT_YET = 0,   /* the time has not been measured since: ask again */
    TIMEVISOR_CONFIRMED = 1, /* it was measured since, and the stamp's interval was true */
    TIMEVISOR_REVOKED = -1   /* a disruption was found since, of another boot, or the interval was
                                unbounded: do not rely on the stamp */
};

/* The machine can stand still between two instructions, and nobody notices at once. Before
 * something irrevocable is done on the ground of a stamp, it can be confirmed: once a source has
 * been measured later than the stamp, hence within a poll interval or so. */
int timevisor_confirm(timevisor *handle, const struct timevisor_stamp *stamp);

/* The interval of a stamp as it is known now: narrower than then if the time was measured since,
 * unbounded (disrupted) if a disruption lies between; of a stamp from before the counter changed
 * its rate, the interval that it has. Returns the status of the interval. */
int timevisor_convert(timevisor *handle, const struct timevisor_stamp *stamp,
                      struct timevisor_interval *interval);

/* The same for any reading of CLOCK_MONOTONIC_RAW by this process, since the last disruption and
 * since the counter last changed its rate by more than the bound grows; else unbounded. */
int timevisor_convert_raw(timevisor *handle, int64_t raw_ns, struct timevisor_interval *interval);

/* Raw counter in ns, never less than what this handle returned before. Not steered by anybody, the
 * same in all time namespaces; says nothing of the time of day. 0 if there is no counter yet. */
int64_t timevisor_monotonic(timevisor *handle);

struct timevisor_duration {
    int64_t least_ns, most_ns; /* TIMEVISOR_MIN, TIMEVISOR_MAX: unbounded */
};

/* True time that passed between two stamps, by the rate as it is known now; by their own intervals
 * if the counter has changed its rate since. Returns the status; unbounded if they are of different
 * epochs or boots, or if nothing is known. */
int timevisor_elapsed(timevisor *handle, const struct timevisor_stamp *from,
                      const struct timevisor_stamp *to, struct timevisor_duration *duration);

/* ---- hybrid logical clock ---- */

/* A hybrid logical stamp: ns since 1970 of the middle of the interval with its lowest 16 bits
 * (65 us) replaced by a count. Larger: later, and whoever knew of one stamp has larger ones
 * afterwards. `*clock` is the program's own, 0 at first, shared between its threads. */

/* A stamp for something that happens here, or that is sent; into `*stamp`, always larger than the
 * last one. Returns the status: unless it is synchronized or holdover only the count moved on. */
int timevisor_hlc_now(timevisor *handle, uint64_t *clock, uint64_t *stamp);

/* The same for something received with stamp `remote`. A `remote` that is more than `ahead_ns` (0
 * and more) beyond our latest is refused, so that one wrong clock does not drag all with it: -1 and
 * errno ERANGE, nothing is changed; also while our own time is unknown or disrupted (EAGAIN). */
int timevisor_hlc_receive(timevisor *handle, uint64_t *clock, uint64_t remote, int64_t ahead_ns,
                          uint64_t *stamp);

/* ---- for people ---- */

#define TIMEVISOR_FORMAT_MAX 72 /* bytes that always suffice */

/* "2026-11-26T02:13:45.123456789Z 2026-11-26T10:13:45.123456789+08:00": UTC, and the same moment in
 * a zone `zone_minutes` east of it (480 for UTC+8; 0: UTC alone; within +-1440). Returns the length
 * without the closing zero; 0 if `size` is too small. Unbounded: "-" . Needs no handle. */
size_t timevisor_format(int64_t utc_ns, int zone_minutes, char *text, size_t size);

/* ---- more about it ---- */

enum timevisor_flag {
    TIMEVISOR_READS_TSC = 1,       /* the counter is read without asking the kernel */
    TIMEVISOR_WATCHES_VMCLOCK = 2, /* a move of the machine is noticed at the very reading */
    TIMEVISOR_HAS_VMCLOCK = 4      /* the machine has a vmclock, whether it can be read or not */
};

struct timevisor_info {
    int32_t status;           /* now */
    uint32_t flags;           /* enum timevisor_flag */
    uint64_t epoch;           /* another number after every disruption */
    int64_t bound_ns;         /* half the interval's width, now; TIMEVISOR_MAX: unbounded */
    double growth_ppb;        /* how fast it grows without new measurements */
    double rate_ppb;          /* how much faster true time runs than the raw counter */
    int64_t verified_age_ns;  /* since the last measurement */
    int64_t published_age_ns; /* since the daemon's last word */
    int64_t blind_ns;         /* a stall of 50 ms or more can go unnoticed for so long;
                                 TIMEVISOR_MAX: unknown */
    int32_t tai_offset_s;     /* TAI - UTC; 0: unknown */
    int32_t leap;             /* 1: a leap second is inserted at the end of the day, 2: deleted */
    uint64_t reserved[8];     /* 0 */
};

/* Returns the status. */
int timevisor_info(timevisor *handle, struct timevisor_info *info);

#ifdef __cplusplus
}
#endif

#endif
