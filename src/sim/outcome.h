/* The result of one host in one run, as plain numbers: what the table, the JSON and a parent
 * process get. */
#ifndef VISOR_SIM_OUTCOME_H
#define VISOR_SIM_OUTCOME_H

#include "sim/world.h"

enum visor_metric {
    VISOR_METRIC_SYNC,  /* s until within the limits to the end; < 0: not */
    VISOR_METRIC_FIRST, /* s until first published; < 0: never */
    VISOR_METRIC_MAX,   /* of CLOCK_REALTIME, s */
    VISOR_METRIC_RMS,
    VISOR_METRIC_P99,
    VISOR_METRIC_FREQUENCY,    /* RMS, s/s */
    VISOR_METRIC_ESTIMATE_MAX, /* of the published estimate, s */
    VISOR_METRIC_ESTIMATE_RMS,
    VISOR_METRIC_BOUND, /* median of the published bound, s */
    VISOR_METRIC_BOUND_P99,
    VISOR_METRIC_BOUNDED,      /* share of the time since first published with a finite bound */
    VISOR_METRIC_FIRST_IN,     /* s until the clock first was within the limit; < 0: never */
    VISOR_METRIC_OUTAGES,      /* times it left the limit again */
    VISOR_METRIC_OUTAGES_MEAN, /* s */
    VISOR_METRIC_OUTAGES_LONGEST,
    VISOR_METRIC_LOST, /* share of the questions that got no answer */
    VISOR_METRIC_SENT, /* packets */
    VISOR_METRIC_RECEIVED,
    VISOR_METRIC_STEPS,
    VISOR_METRIC_STEPPED, /* s in all */
    VISOR_METRIC_SELECTIONS,
    VISOR_METRIC_DISRUPTIONS,
    VISOR_METRIC_WINDOWS,         /* times with a false bound that nobody could have known of */
    VISOR_METRIC_WINDOWS_TOTAL,   /* s */
    VISOR_METRIC_WINDOWS_LONGEST, /* s */
    VISOR_METRIC_WINDOWS_WORST,   /* error / bound */
    VISOR_METRIC_VIOLATIONS,
    VISOR_METRIC_EVENTS, /* handed to the engine */
    VISOR_METRICS,
};

enum visor_metric_unit { VISOR_UNIT_SECONDS, VISOR_UNIT_RATE, VISOR_UNIT_SHARE, VISOR_UNIT_COUNT };

struct visor_outcome {
    uint32_t run;   /* number of the seed in a series, from 0 */
    uint32_t host;  /* index in the world */
    uint32_t group; /* index in the scenario */
    char name[VISOR_SCENARIO_NAME_MAX];
    double metric[VISOR_METRICS];
    int violation; /* enum visor_violation of the first; -1: none */
    double violation_at, violation_error, violation_bound; /* s */
    uint32_t unmet;                                        /* expectations that were not met */
    uint32_t unmet_index;                                  /* the first of them, in the scenario */
    double unmet_at, unmet_value;
};

const char *visor_metric_name(enum visor_metric metric); /* for JSON; NULL past the end */
enum visor_metric_unit visor_metric_unit(enum visor_metric metric);

void visor_outcome_of(const struct visor_world *world, size_t host, uint32_t run,
                      struct visor_outcome *outcome);

/* Median of a metric over `count` outcomes of `group` (all if NONE); negative values of SYNC and
 * FIRST ("never") count as infinitely late, and the result is then -1. `scratch`: room for `count`
 * doubles. */
double visor_outcome_median(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                            enum visor_metric metric, double *scratch);

/* Sum and largest of a metric over the same. */
double visor_outcome_sum(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                         enum visor_metric metric);
double visor_outcome_largest(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                             enum visor_metric metric);

#endif
