/* timevisor drift: how wrong are these clocks? What is measured, and what follows from it; who is
 * told of it is drift_tell.h. */
#ifndef VISOR_TIMEVISOR_DRIFT_H
#define VISOR_TIMEVISOR_DRIFT_H

#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_DRIFT_MACHINES   64
#define VISOR_DRIFT_REFERENCES 16
#define VISOR_DRIFT_NAME       256
#define VISOR_DRIFT_ZONE       8

/* A difference of clocks and how wrong that can be, in ns. */
struct visor_drift_interval {
    int64_t offset_ns, uncertainty_ns; /* VISOR_NS_MAX: not known */
};

enum visor_drift_via { VISOR_DRIFT_HERE, VISOR_DRIFT_NTP, VISOR_DRIFT_SSH };

enum visor_drift_level {
    VISOR_DRIFT_FINE,
    VISOR_DRIFT_YELLOW, /* beyond the warning, or not surely within it */
    VISOR_DRIFT_RED,    /* surely beyond the limit */
    VISOR_DRIFT_UNKNOWN /* no answer, or one too vague to tell */
};

/* A clock that is asked. */
struct visor_drift_clock {
    enum visor_drift_via via;
    char name[VISOR_DRIFT_NAME];
    struct visor_drift_interval clock; /* it - ours */
    struct visor_drift_interval error; /* reference - it: > 0: it is behind */
    enum visor_drift_level level;
    char zone[VISOR_DRIFT_ZONE]; /* "+0800"; "": not known (NTP tells no zone) */
    char why[VISOR_DRIFT_NAME];  /* where there is no answer: a sentence without a full stop */
};

/* No reference given: what the daemon here knows, or else this machine's configured sources. */
struct visor_drift_plan {
    struct visor_drift_clock machines[VISOR_DRIFT_MACHINES], references[VISOR_DRIFT_REFERENCES];
    int machine_count, reference_count;
    bool given;         /* the references were */
    const char *socket; /* the daemon's; NULL: the default places */
    const char *ssh;    /* the program */
    double limit_s, warn_s, timeout_s;
    struct visor_drift_interval reference; /* found: reference - ours */
    int agreeing;                          /* references that it lies within */
};

/* Appends one, if there is `room` and its name is neither empty, too long nor an option. */
bool visor_drift_add(struct visor_drift_clock *clocks, int *count, int room,
                     enum visor_drift_via via, const char *name);

/* What a majority of `count` clocks agree on: the stretch that most of them allow (Marzullo).
 * Returns how many do; at most half, or none with an answer: `*agreed` is then unknown. */
int visor_drift_agree(const struct visor_drift_clock *clocks, int count,
                      struct visor_drift_interval *agreed);

enum visor_drift_level visor_drift_judge(const struct visor_drift_interval *error, double warn_s,
                                         double limit_s);

/* The remote end's answer to `date "+%s%N %z"` -> its clock in ns and half of the step of that
 * clock, and its zone ("" where it does not tell). False: no time. */
bool visor_drift_read_date(const char *line, int64_t *wall_ns, int64_t *half_step_ns,
                           char zone[VISOR_DRIFT_ZONE]);

/* Are there machines with other zones than others? */
bool visor_drift_zones_differ(const struct visor_drift_plan *plan);

/* Measures everything in the plan, in at most some timeout_s; answers are in the plan. 0, or -errno
 * (no memory, no process). */
int visor_drift_measure(struct visor_drift_plan *plan);

#endif
