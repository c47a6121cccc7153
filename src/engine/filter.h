/* The samples of one source: which are believed, what noise they have, and the line they give.
 *
 * Samples that do not fit the line wait as suspects. When four suspects in a row agree with one
 * another the jump is believed: the samples before it are shifted by its size (re-based), so that
 * the frequency is kept and nothing is averaged across the jump. */
#ifndef VISOR_ENGINE_FILTER_H
#define VISOR_ENGINE_FILTER_H

#include "engine/estimate.h"
#include "engine/sample.h"

#define VISOR_FILTER_SAMPLES  64
#define VISOR_FILTER_SUSPECTS 4
#define VISOR_FILTER_LATE     2
#define VISOR_RATE_MOST       0.12 /* s/s: no counter is off by more; a frozen server is by 1 */
/* How much a counter changes its rate at most, s/s: what is more was a jump, or a clock that is
 * none. */
#define VISOR_RATE_CHANGE_MOST 1e-3
#define VISOR_RATE_FREE        1e-4 /* s/s: what is believed of an unknown counter */

struct visor_filter_entry {
    struct visor_point point;
    visor_mono until; /* of the last reading in it */
    double delay_s, dispersion_s;
    double root_delay_s, root_dispersion_s;
};

/* What selection looks at comes first, the samples last: see struct visor_source. */
struct visor_filter {
    uint16_t first, count, limit;
    uint16_t suspect_count;
    uint32_t taken;         /* samples ever accepted */
    uint32_t learnt;        /* of them: what rate and noise rest on, since the last restart */
    uint32_t apart;         /* in succession, each ordinary and a minute after the one before it */
    uint16_t learning;      /* which noise parameter is tried next */
    bool network;           /* has delays; false: reference clock */
    bool on_trial;          /* until it is as sure of the rate as the line is */
    bool rebased;           /* the next sample is the first one after a jump */
    bool hearsay;           /* the prior rate is what a file says: it may be another one by now */
    bool stale;             /* the noise or an excess has changed: both must be reckoned anew */
    bool asymmetry_fixed;   /* `asymmetry`: not to be learnt */
    struct visor_line line; /* at the newest entry's time */
    struct visor_noise noise;
    /* Interval that surely contains UTC, relative to the line's integer part, at `line.at`
     * (interval.h); readings have gone on until `until`. */
    double low, high;
    visor_mono until;
    double root_distance_s; /* the smallest of the last few: half the delay, all dispersions */
    double mean_excess_s, queue_excess_s; /* of all; and without what no queue explains */
    double scatter_s;                     /* running mean of what samples missed the line by */
    double prior_rate, prior_rate_deviation;
    double min_delay_s;
    double typical_excess_s; /* mean of all but the last few */
    double late_excess_s;    /* the smallest of the newest VISOR_FILTER_LATE ones */
    double bias;             /* running mean of the misses with their sign, in deviations */
    double known_delay_s;    /* `mindelay`; 0: to be learnt */
    double kept_delay_s;     /* smallest one before the counter jumped; 0: unknown */
    double floor_s;          /* smallest credible noise: configured or the refclock's precision */
    double cost;             /* -2 log likelihood of the entries under the noise */
    struct visor_line prior; /* at the oldest entry's time, before it is taken */
    struct visor_line trial; /* from samples since the last jump alone, as if of unknown rate */
    struct visor_line trial_prior; /* the same before the first of them is taken, at its time */
    struct visor_filter_entry suspects[VISOR_FILTER_SUSPECTS];
    struct visor_filter_entry entries[VISOR_FILTER_SAMPLES]; /* a ring, oldest at `first` */
};

enum visor_filter_verdict {
    VISOR_FILTER_TAKEN,
    VISOR_FILTER_SUSPECT,   /* does not fit; `jump_s` is by how much */
    VISOR_FILTER_JUMPED,    /* the fourth in agreement: the filter was shifted by `jump_s` */
    VISOR_FILTER_RESTARTED, /* the rate is another one: started anew from the last few samples */
};

/* `limit`: samples to keep, 4 … 64. `rate`, `deviation`: what is known of the counter's rate
 * before any sample (drift file, other sources), s/s. The path: smallest possible delay, 0 if it is
 * not known; asymmetry of the jitter, beyond +-0.5 if it is to be learnt. */
void visor_filter_init(struct visor_filter *filter, bool network, int limit);
void visor_filter_path(struct visor_filter *filter, double min_delay_s, double asymmetry);
void visor_filter_expect(struct visor_filter *filter, double rate, double deviation);

/* Forget all samples; the noise that was learnt stays. */
void visor_filter_reset(struct visor_filter *filter);
/* The counter has jumped, nobody knows how far: the samples tell the time no more. The rate that
 * they gave stays, on trial from the next sample on. */
void visor_filter_rebase(struct visor_filter *filter);

/* `drift`: rate error that the interval must grow by, s/s. `jump_s` is set with SUSPECT, JUMPED. */
enum visor_filter_verdict visor_filter_take(struct visor_filter *filter,
                                            const struct visor_sample *sample, double drift,
                                            double *jump_s);

/* The raw counter jumped against UTC by jump_s: shift everything that was measured before. */
void visor_filter_shift(struct visor_filter *filter, double jump_s);

static inline bool visor_filter_ready(const struct visor_filter *filter)
{
    return filter->count > 0;
}

const struct visor_filter_entry *visor_filter_newest(const struct visor_filter *filter);
const struct visor_filter_entry *visor_filter_entry(const struct visor_filter *filter,
                                                    unsigned int from_oldest);

/* The wander that caution allows for: what was learnt, and more as long as it was learnt from few
 * samples. */
double visor_filter_cautious_wander(const struct visor_filter *filter);
/* The same where others have watched the same counter: `mean` of what their filters and this one
 * have learnt from so many samples in all. */
double visor_filter_shared_wander(const struct visor_filter *filter, double mean, double samples);

/* Deviation of a typical sample, s: as learnt; and together with what the newest one states of
 * itself. */
double visor_filter_deviation(const struct visor_filter *filter);
double visor_filter_expected(const struct visor_filter *filter);

/* Rate error beside the line's own deviation, s/s: what recent misses beyond the known noise could
 * be due to, what few samples do not tell of the noise, what a trial has not settled. `interval_s`:
 * between samples. */
double visor_filter_unrest(const struct visor_filter *filter, double interval_s);

/* The part of it that is not this source's own: by how much the counter's rate may have changed
 * with the jump that the filter has last believed, s/s; 0: that is settled. */
double visor_filter_trial(const struct visor_filter *filter);

/* How far samples miss what was expected of them, suspects included; not below the deviation. */
double visor_filter_jitter(const struct visor_filter *filter);

#endif
