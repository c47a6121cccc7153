/* Numbers out of a world that has run. */
#include "sim/outcome.h"

#include <stdlib.h>
#include <string.h>

#define NEVER 1e300

static const struct {
    const char *name;
    enum visor_metric_unit unit;
} METRICS[VISOR_METRICS] = {
    [VISOR_METRIC_SYNC] = {"sync_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_FIRST] = {"first_published_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_MAX] = {"error_max_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_RMS] = {"error_rms_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_P99] = {"error_p99_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_FREQUENCY] = {"frequency_rms", VISOR_UNIT_RATE},
    [VISOR_METRIC_ESTIMATE_MAX] = {"estimate_error_max_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_ESTIMATE_RMS] = {"estimate_error_rms_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_BOUND] = {"bound_median_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_BOUND_P99] = {"bound_p99_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_BOUNDED] = {"bounded_share", VISOR_UNIT_SHARE},
    [VISOR_METRIC_FIRST_IN] = {"first_in_limit_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_OUTAGES] = {"outages", VISOR_UNIT_COUNT},
    [VISOR_METRIC_OUTAGES_MEAN] = {"outage_mean_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_OUTAGES_LONGEST] = {"outage_longest_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_LOST] = {"packets_lost_share", VISOR_UNIT_SHARE},
    [VISOR_METRIC_SENT] = {"packets_sent", VISOR_UNIT_COUNT},
    [VISOR_METRIC_RECEIVED] = {"packets_received", VISOR_UNIT_COUNT},
    [VISOR_METRIC_STEPS] = {"steps", VISOR_UNIT_COUNT},
    [VISOR_METRIC_STEPPED] = {"stepped_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_SELECTIONS] = {"selections", VISOR_UNIT_COUNT},
    [VISOR_METRIC_DISRUPTIONS] = {"disruptions", VISOR_UNIT_COUNT},
    [VISOR_METRIC_WINDOWS] = {"excused_windows", VISOR_UNIT_COUNT},
    [VISOR_METRIC_WINDOWS_TOTAL] = {"excused_total_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_WINDOWS_LONGEST] = {"excused_longest_s", VISOR_UNIT_SECONDS},
    [VISOR_METRIC_WINDOWS_WORST] = {"excused_worst_ratio", VISOR_UNIT_COUNT},
    [VISOR_METRIC_VIOLATIONS] = {"violations", VISOR_UNIT_COUNT},
    [VISOR_METRIC_EVENTS] = {"events", VISOR_UNIT_COUNT},
};

const char *visor_metric_name(enum visor_metric metric)
{
    return metric < VISOR_METRICS ? METRICS[metric].name : NULL;
}

enum visor_metric_unit visor_metric_unit(enum visor_metric metric)
{
    return METRICS[metric].unit;
}

static void fill_checks(const struct visor_host *host, struct visor_outcome *outcome)
{
    const struct visor_checker *checker = &host->checker;
    double *m = outcome->metric;

    for (int i = 0; i < 2; i++) {
        const struct visor_window *window = &checker->windows[i];
        double longest = visor_seconds_from_ns(window->longest_ns);

        m[VISOR_METRIC_WINDOWS] += window->count;
        m[VISOR_METRIC_WINDOWS_TOTAL] += visor_seconds_from_ns(window->total_ns);
        if (longest > m[VISOR_METRIC_WINDOWS_LONGEST])
            m[VISOR_METRIC_WINDOWS_LONGEST] = longest;
        if (window->worst > m[VISOR_METRIC_WINDOWS_WORST])
            m[VISOR_METRIC_WINDOWS_WORST] = window->worst;
    }
    for (int i = 0; i < VISOR_VIOLATION_KINDS; i++)
        m[VISOR_METRIC_VIOLATIONS] += (double)checker->violations[i];
    outcome->violation = visor_checker_clean(checker) ? -1 : (int)checker->first;
    outcome->violation_at = visor_seconds_from_ns(checker->first_at);
    outcome->violation_error = checker->first_error;
    outcome->violation_bound = checker->first_bound;
}

static void fill_unmet(const struct visor_host *host, size_t count, struct visor_outcome *outcome)
{
    for (size_t i = 0; i < count; i++) {
        if (host->unmet[i].count == 0)
            continue;
        if (outcome->unmet++ > 0)
            continue;
        outcome->unmet_index = (uint32_t)i;
        outcome->unmet_at = host->unmet[i].at;
        outcome->unmet_value = host->unmet[i].value;
    }
}

void visor_outcome_of(const struct visor_world *world, size_t index, uint32_t run,
                      struct visor_outcome *outcome)
{
    const struct visor_host *host = &world->hosts[index];
    const struct visor_score *score = &host->score;
    double *m = outcome->metric;

    memset(outcome, 0, sizeof(*outcome));
    outcome->run = run;
    outcome->host = (uint32_t)index;
    outcome->group = (uint32_t)(host->model - world->scenario->hosts);
    memcpy(outcome->name, host->name, sizeof(outcome->name));
    m[VISOR_METRIC_SYNC] = visor_score_sync(score);
    m[VISOR_METRIC_FIRST] = score->first_published;
    m[VISOR_METRIC_MAX] = score->clock.largest;
    m[VISOR_METRIC_RMS] = visor_moments_rms(&score->clock);
    m[VISOR_METRIC_P99] = visor_histogram_quantile(&score->clock_errors, 0.99);
    m[VISOR_METRIC_FREQUENCY] = visor_moments_rms(&score->frequency);
    m[VISOR_METRIC_ESTIMATE_MAX] = score->estimate.largest;
    m[VISOR_METRIC_ESTIMATE_RMS] = visor_moments_rms(&score->estimate);
    m[VISOR_METRIC_BOUND] = visor_histogram_quantile(&score->bounds, 0.5);
    m[VISOR_METRIC_BOUND_P99] = visor_histogram_quantile(&score->bounds, 0.99);
    m[VISOR_METRIC_BOUNDED] =
        score->since_first > 0 ? (double)score->bounded / (double)score->since_first : 0.0;
    m[VISOR_METRIC_FIRST_IN] = score->first_in;
    m[VISOR_METRIC_OUTAGES] = (double)score->outages;
    if (score->outages > 0)
        m[VISOR_METRIC_OUTAGES_MEAN] = (double)score->outage_samples / (double)score->outages;
    m[VISOR_METRIC_OUTAGES_LONGEST] = (double)score->outage_longest;
    if (score->sent > 0)
        m[VISOR_METRIC_LOST] = 1.0 - (double)score->received / (double)score->sent;
    m[VISOR_METRIC_SENT] = (double)score->sent;
    m[VISOR_METRIC_RECEIVED] = (double)score->received;
    m[VISOR_METRIC_STEPS] = (double)score->steps;
    m[VISOR_METRIC_STEPPED] = score->stepped;
    m[VISOR_METRIC_SELECTIONS] = (double)score->selections;
    m[VISOR_METRIC_DISRUPTIONS] = (double)score->disruptions;
    m[VISOR_METRIC_EVENTS] = (double)score->events;
    fill_checks(host, outcome);
    fill_unmet(host, world->scenario->expect_count, outcome);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double visor_outcome_median(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                            enum visor_metric metric, double *scratch)
{
    bool may_be_never = metric == VISOR_METRIC_SYNC || metric == VISOR_METRIC_FIRST ||
                        metric == VISOR_METRIC_FIRST_IN;
    size_t n = 0;
    double median;

    for (size_t i = 0; i < count; i++) {
        double value = outcomes[i].metric[metric];

        if (group == VISOR_SCENARIO_NONE || outcomes[i].group == group)
            scratch[n++] = may_be_never && value < 0.0 ? NEVER : value;
    }
    if (n == 0)
        return -1.0;
    qsort(scratch, n, sizeof(*scratch), by_value);
    median = n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2.0;
    return median >= NEVER / 4.0 ? -1.0 : median;
}

double visor_outcome_sum(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                         enum visor_metric metric)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++)
        if (group == VISOR_SCENARIO_NONE || outcomes[i].group == group)
            sum += outcomes[i].metric[metric];
    return sum;
}

double visor_outcome_largest(const struct visor_outcome *outcomes, size_t count, uint32_t group,
                             enum visor_metric metric)
{
    double largest = 0.0;

    for (size_t i = 0; i < count; i++)
        if ((group == VISOR_SCENARIO_NONE || outcomes[i].group == group) &&
            outcomes[i].metric[metric] > largest)
            largest = outcomes[i].metric[metric];
    return largest;
}
