/* What is measured of one host: true error of CLOCK_REALTIME and of the estimate, frequency error,
 * published bound, once a true second, as clknetsim samples; and counters of what it did. */
#ifndef VISOR_SIM_SCORE_H
#define VISOR_SIM_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#define VISOR_SCORE_SHARE   64    /* buckets an octave: percentiles to 1 % */
#define VISOR_SCORE_LOWEST  (-32) /* log2 s */
#define VISOR_SCORE_OCTAVES 56
#define VISOR_SCORE_BUCKETS (VISOR_SCORE_SHARE * VISOR_SCORE_OCTAVES)

struct visor_histogram {
    uint64_t count;
    uint32_t bucket[VISOR_SCORE_BUCKETS];
};

struct visor_moments {
    uint64_t count;
    double square, sum, largest; /* of the absolute value: largest */
};

struct visor_score_sample {
    double seconds;  /* true time */
    double error;    /* s, REALTIME - UTC */
    double rate;     /* s/s, of REALTIME - 1 */
    bool published;  /* trust is synchronized or holdover */
    double estimate; /* s, published UTC - UTC */
    double bound;    /* s; negative: unbounded */
};

struct visor_score_limits {
    double from;  /* s: statistics start here */
    double error; /* s and s/s: what counts as synchronised, for the time of first sync */
    double frequency;
};

struct visor_score {
    struct visor_score_limits limits;
    struct visor_moments clock, frequency, estimate; /* from limits.from on */
    struct visor_histogram clock_errors, estimate_errors, bounds;
    double first_published;        /* s; < 0: never */
    uint64_t since_first, bounded; /* samples since then, and of them with a finite bound */
    double first_in;               /* s, when the clock's error came within the limit; < 0: never */
    double last_out;               /* s, last sample out of the limits; sync time is 1 s later */
    uint64_t outages;              /* times it left the limit of the error again */
    uint64_t outage_samples, outage_longest, outage_now; /* s of them */
    uint64_t samples;
    double last; /* s, of the last sample */

    uint64_t sent, received; /* NTP packets as a client */
    uint64_t events, steps, selections, disruptions;
    double stepped; /* s, sum of the absolute steps */
};

void visor_score_init(struct visor_score *score, const struct visor_score_limits *limits);
void visor_score_add(struct visor_score *score, const struct visor_score_sample *sample);

/* Time from which the clock was within the limits to the end, s; negative: not at the end. */
double visor_score_sync(const struct visor_score *score);

double visor_moments_rms(const struct visor_moments *moments); /* 0 without samples */

/* Value below which the part `share` of the samples lies; 0 without samples. */
double visor_histogram_quantile(const struct visor_histogram *histogram, double share);
void visor_histogram_merge(struct visor_histogram *into, const struct visor_histogram *from);

#endif
