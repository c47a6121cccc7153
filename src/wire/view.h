/* The serving view and, later, the clock segment: UTC as a function of the raw counter, how wrong
 * it can be, and what an NTP server says with it. One immutable value; a new one replaces it, so
 * that serving threads and readers in other processes need no lock. docs/time.md explains it.
 *
 * The served timescale is the estimate, never a CLOCK_REALTIME that is still being slewed. */
#ifndef VISOR_WIRE_VIEW_H
#define VISOR_WIRE_VIEW_H

#include "base/time.h"

enum visor_trust {
    VISOR_TRUST_UNKNOWN,      /* never synchronised: the bound is unbounded */
    VISOR_TRUST_SYNCHRONIZED, /* verified by selected sources */
    VISOR_TRUST_HOLDOVER,     /* was synchronised; the bound grows */
    VISOR_TRUST_DISRUPTED,    /* a jump was noticed and is not measured yet: unbounded */
};

enum visor_leap {
    VISOR_LEAP_NONE = 0,
    VISOR_LEAP_INSERT = 1,
    VISOR_LEAP_DELETE = 2,
    VISOR_LEAP_UNSYNCHRONIZED = 3
};

/* What `raw` is a reading of. Who reads a view refuses a kind that it does not know. */
enum visor_counter_kind { VISOR_COUNTER_MONOTONIC_RAW };

/* TSC mapping of the same line, filled by the adapter that publishes; period 0: there is none. */
struct visor_tsc_mapping {
    uint64_t anchor;      /* TSC at the view's `raw` */
    uint64_t period_frac; /* ns of MONOTONIC_RAW a tick, in units of 2^-32 */
};

/* `smoothtime`: served time = UTC + offset + t (frequency + t wander / 2), t in s since `start`. */
struct visor_smoothing {
    bool active;
    visor_mono start;
    double offset, frequency, wander; /* s, s/s, s/s^2, valid until the next view */
};

struct visor_view {
    uint32_t version; /* of this structure's meaning: 1 */
    enum visor_counter_kind counter;
    visor_mono raw;      /* anchor of the line */
    visor_wall utc;      /* estimate of UTC at `raw` */
    double rate_ppb;     /* d UTC / d raw - 1 */
    int64_t bound_ns;    /* |UTC - truth| at `raw`; VISOR_NS_MAX: unbounded */
    double growth_ppb;   /* growth of the bound with raw time since `raw` */
    uint64_t epoch;      /* disruption epoch: raised at every jump of the raw counter against UTC */
    visor_mono verified; /* raw time of the last measurement that the line rests on */
    enum visor_trust trust;
    struct visor_tsc_mapping tsc;

    enum visor_leap leap;
    int16_t tai_offset_s; /* 0: unknown */
    uint8_t stratum;      /* 0 when unsynchronised and no `local` */
    uint32_t refid;
    visor_wall reference; /* NTP reference time */
    int64_t root_delay_ns;
    int64_t root_dispersion_ns; /* at `raw` */
    double dispersion_rate_ppb; /* growth of root dispersion */
    int8_t precision;           /* log2 s */
    bool orphan;                /* served by `local … orphan` */
    struct visor_smoothing smoothing;
    int64_t continuous_ns; /* added to UTC: a timescale that is slewed in rate only, never moved
                              by a new view (F323) */
    uint32_t
        continuous_epoch; /* a new random number whenever that timescale starts anew; 0: none */
};

/* UTC at a raw stamp by the view's line. Exact to 1 ns within +-200 days of the anchor. */
visor_wall visor_view_utc(const struct visor_view *view, visor_mono raw);

/* Bound at a raw stamp (>= bound_ns), VISOR_NS_MAX if unbounded. Rounds up. */
int64_t visor_view_bound_ns(const struct visor_view *view, visor_mono raw);

/* What `smoothtime` adds to UTC for clients at a raw stamp, ns; 0 where it is not active. */
int64_t visor_view_smoothing_ns(const struct visor_view *view, visor_mono raw);

#endif
