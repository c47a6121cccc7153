/* The table of sources: NTP associations (pools expanded, names resolved) and reference clocks,
 * each with its filter. It knows what a source is and how it is doing; which of them are right is
 * selection's business, what follows from that the clock's (discipline.h). */
#ifndef VISOR_ENGINE_SOURCE_H
#define VISOR_ENGINE_SOURCE_H

#include "engine/association.h"
#include "engine/filter.h"
#include "engine/refclock.h"
#include "engine/select.h"
#include "engine/status.h"

/* Deviations of a measured rate that a bound allows for. */
#define VISOR_RATE_DEVIATIONS 5.0
/* A rate that walks by w sqrt(t) makes an error of w sqrt(t^3 / 3): as if it were off by
 * w sqrt(t / 3) all the time. A half leaves room for clocks that do not walk so evenly. */
#define VISOR_WALK 0.5

/* One directive that names sources: `server`, `peer`, `pool` or a command. A name is resolved for
 * all its sources at once. */
struct visor_origin {
    struct visor_source_config config;
    uint32_t query; /* of the RESOLVE under way and of all earlier ones; never 0 */
    bool used, asking;
    bool named;      /* by a name, not by an address */
    bool refreshing; /* the answer tells which addresses are no longer the name's */
    bool replacing;  /* one of it goes to a source that is useless as it is */
    enum visor_resolve_result result; /* of the last query that came back */
    int index; /* in the configuration's sources; -1: from a command, a reload leaves it alone */
    int tries;
    visor_mono resolve_at; /* INT64_MAX: nothing to resolve */
    visor_mono replaced;   /* when a replacement was last asked for; INT64_MIN: never */
};

enum visor_complaint {
    VISOR_COMPLAINT_FALSETICKER = 1,
    VISOR_COMPLAINT_DISTANT = 2,
    VISOR_COMPLAINT_JITTERY = 4,
    VISOR_COMPLAINT_STRATUM = 8,
};

/* At every event something of each source is looked at, and after a poll interval all of it has
 * left the processor's caches. So what is looked at lies together: the end of the association, what
 * follows, and the beginning of the filter. */
struct visor_source {
    struct visor_association association; /* NTP, once resolved */
    uint32_t id;                          /* 0: this place is free */
    bool refclock, resolved;
    bool stirred;                    /* something happened to it since it was judged */
    bool named;                      /* found by a name, which may have another address for it */
    bool lied;                       /* it was a falseticker when this machine was last disrupted */
    bool fresh;                      /* has a sample that no clock update has used yet */
    bool announced;                  /* its loss was logged: SOURCE_BACK is due when it returns */
    bool lent;                       /* used because of an emergency, and to be given back … */
    bool extra;                      /* … altogether: it was not there before */
    uint32_t origin;                 /* index of the origin; refclock: index in the configuration */
    uint32_t options, added_options; /* selection: configured; by authselectmode */
    uint8_t stratum, reach;          /* reach: of a reference clock; an association has its own */
    uint8_t reach_size;
    int idle_polls; /* polls in succession with reach 0 */
    int bad;        /* samples in succession on which selection would not have it */
    enum visor_leap leap;
    enum visor_source_fault fault;
    uint32_t complaints; /* enum visor_complaint bits already logged */
    visor_mono last_at;  /* of the last sample, INT64_MIN: none */
    double doubt_s;      /* by how much its samples contradict what is published; 0: not */
    double doubt_rate;   /* s/s: what rate of the counter may be behind it */
    struct visor_candidate candidate;
    struct visor_filter filter;

    double doubt_off_s;   /* the same as doubt_s with its sign, less the sample's own error … */
    double doubt_reach_s; /* … which is this; 0 where a line was missed, not the interval */
    double heard_off_s;   /* of its last sample against what was published, and its reach */
    double heard_reach_s;
    visor_mono doubt_since;  /* first sample that did so, with the same offset */
    visor_mono restarted_at; /* its filter last began anew: another rate; INT64_MIN: never */
    visor_mono fitted_at;    /* a sample of it fitted, last */
    visor_mono vouched_at; /* until then it had measured its own clock, so that it measures ours */
    double least_claim_s;  /* smallest root dispersion that it has stated */
    double wander;         /* of the counter, with caution: by all that watch it */
    visor_mono measured_until; /* a reading of it or of another one tells how the counter ran */
    visor_mono jumped_at;   /* its filter last believed a jump or another rate; INT64_MIN: never */
    double jump_s;          /* … by how much it was off then */
    double missed_s;        /* our counter may have jumped by it since it was heard last */
    int proof;              /* good samples since the fault was last seen */
    double loss;            /* share of requests without an answer, as far as they tell */
    double loss_weight;     /* requests that it rests on */
    uint32_t heard, missed; /* what `loss` has counted */
    uint32_t rejected;      /* replies in succession whose delay was out of the ordinary */
    int thinned;
    uint32_t thin_from;       /* polls begun when the last of them spoke */
    double wanted_interval_s; /* between polls, as the filter deserves; 0: the shortest */
    double last_offset_s, last_delay_s, last_dispersion_s;
    uint32_t total_good;
    struct visor_refclock *clock;
    const struct visor_refclock_config *clock_config;
    struct visor_sample thin; /* best so far of `filter` samples */
};

/* Start of an NTP source or a reference clock in a free place. */
void visor_source_init(struct visor_source *source, uint32_t id, const struct visor_config *config);

/* The newest sample fitted: until when had the source measured its own clock? */
void visor_source_vouch(struct visor_source *source, const struct visor_config *config);

/* Text for messages: the configured name or the refid, and the address. */
void visor_source_describe(const struct visor_source *source, const struct visor_origin *origins,
                           struct visor_message *message);

/* Selection options in force. */
static inline uint32_t visor_source_options(const struct visor_source *source)
{
    return source->options | source->added_options;
}

uint32_t visor_source_refid(const struct visor_source *source);
/* Refid of whoever follows it: its own, or with `copy` the one that it follows itself. */
uint32_t visor_source_reference(const struct visor_source *source);
uint8_t visor_source_reach(const struct visor_source *source);

/* Interval between its polls, s. */
double visor_source_interval(const struct visor_source *source);

/* s/s by which the counter's rate may be off from the filter's line. Between samples that were
 * taken already the line is measured; beyond the last one a bound must grow by maxclockerror as
 * well, for what was not measured: two errors that know nothing of each other. */
double visor_source_growth(double rate_variance,
                           const struct visor_config *config); /* of a bound */
double visor_source_measured_drift(const struct visor_source *source, visor_mono until);
double visor_source_drift(const struct visor_source *source, const struct visor_config *config);

/* Requests in succession without an answer that are no chance any more. */
int visor_source_patience(const struct visor_source *source);

/* Why the source may not be trusted at `now`, by its own signs; NONE: it is well. */
enum visor_source_fault visor_source_judge(struct visor_source *source, visor_mono now);

/* Samples in succession after which a source that was left is taken back. */
#define VISOR_SOURCE_PROOF 3

/* The source says that it has moved its own clock since its last sample: that is no jump of its
 * time, and what was heard before is moved along. */
void visor_source_shift(struct visor_source *source, double shift_s);

/* `filter N`: of the samples of N polls, answered or not, the one that waited least in queues
 * speaks for all. True: `sample` is that one, and the polls are over. */
bool visor_source_thin(struct visor_source *source, struct visor_sample *sample);
/* The same where the last of `polls` begun ended without a sample. */
bool visor_source_thin_end(struct visor_source *source, uint32_t polls,
                           struct visor_sample *sample);

/* Fill source->candidate for selection; the offset is against `base` (a line) at now. `missed_rate`
 * s/s: by how much the counter may have changed its rate since the source was heard. */
void visor_source_nominate(struct visor_source *source, const struct visor_line *base,
                           const struct visor_config *config, visor_mono now, double missed_rate);

/* After a sample of an NTP source: the poll interval that it deserves, s, given the present one. */
double visor_source_adapt(const struct visor_source *source, double interval_s, int poll_target);

#endif
