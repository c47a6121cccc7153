/* How wrong the real-time clock is, and how fast it gains: a robust line through its second edges
 * against the estimate. The samples keep their raw stamps, so whatever the estimate learns later is
 * applied to all of them.
 *
 * fast: RTC - UTC in seconds, + : the RTC is ahead. gain: by how much it grows a second of the
 * RTC's own, + : the RTC runs fast. As chronyd has both in rtcfile, rtc.log and `rtcdata`. */
#ifndef VISOR_ENGINE_RTC_H
#define VISOR_ENGINE_RTC_H

#include "config/drift.h"
#include "wire/view.h"

#include <stddef.h>

#define VISOR_RTC_SAMPLES_MAX 64

struct visor_rtc_sample {
    visor_mono raw;  /* of a second's edge */
    int64_t seconds; /* that the RTC showed then, since 1970 */
};

struct visor_rtc {
    double autotrim_s; /* 0: off */
    bool trimmed;      /* just set: samples are taken fast, to find where it is now */
    struct visor_rtc_sample samples[VISOR_RTC_SAMPLES_MAX]; /* oldest first */
    size_t count;
    uint64_t epoch; /* of the view that they are measured by */

    bool known;          /* the line below */
    int64_t reference_s; /* RTC time that it is given at */
    double fast_s, gain;
    int runs;           /* of residuals of one sign */
    unsigned surprises; /* samples in a row that are far from the line */
    double kept_gain;   /* from before the trim */
};

void visor_rtc_init(struct visor_rtc *rtc, double autotrim_s);

enum visor_rtc_outcome {
    VISOR_RTC_NOTHING,
    VISOR_RTC_TRIM, /* it is farther off than autotrim allows: call visor_rtc_trim() */
    VISOR_RTC_SAVE, /* found again after a trim: `drift` should be written to rtcfile */
};

/* An edge: the RTC's second `seconds` began at `raw`. An RTC that somebody has set, and a new epoch
 * of the view, discard the samples. `drift` is filled with SAVE. */
enum visor_rtc_outcome visor_rtc_take(struct visor_rtc *rtc, visor_mono raw, int64_t seconds,
                                      const struct visor_view *view, struct visor_rtc_drift *drift);

/* Seconds until the next edge is wanted; 0: every edge. */
int visor_rtc_period_s(const struct visor_rtc *rtc);

/* Should the RTC be set (it is more than a second off)? Then `seconds` is what it is to be set to
 * at once, and the samples start anew. */
bool visor_rtc_trim(struct visor_rtc *rtc, visor_mono now, const struct visor_view *view,
                    int64_t *seconds);

/* For rtcfile. False: nothing is known; a file that is there should stay. */
bool visor_rtc_drift(const struct visor_rtc *rtc, struct visor_rtc_drift *drift);
/* From the first to the last sample. */
double visor_rtc_span_s(const struct visor_rtc *rtc);

/* UTC at an edge by what the file knew: `seconds` less the error that the RTC has grown to. */
visor_wall visor_rtc_utc(const struct visor_rtc_drift *drift, int64_t seconds);

/* Straight line through samples for a first look: fast at the last one. False: under three. */
bool visor_rtc_fast(const struct visor_rtc_sample *samples, size_t count,
                    const struct visor_view *view, double *fast_s);

#endif
