/* Expectations: those of every second, and those of the whole run. */
#include "sim/expectation.h"

#define UNCORRECTED_S 1e-2 /* a refusing client's clock stays this near to running free */

static bool concerns(const struct visor_scenario_expect *expect, const struct visor_host *host,
                     const struct visor_world *world)
{
    return expect->host == VISOR_SCENARIO_NONE ||
           &world->scenario->hosts[expect->host] == host->model;
}

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

/* True if it is met; `value`: what was seen. */
static bool met_now(const struct visor_scenario_expect *expect, const struct visor_host *host,
                    const struct visor_score_sample *sample, double *value)
{
    const struct visor_kernel *kernel = &host->kernel;

    switch (expect->kind) {
    case VISOR_EXPECT_ERROR:
        *value = size_of(sample->error);
        return *value < expect->limit;
    case VISOR_EXPECT_AHEAD:
        *value = sample->error;
        return *value < expect->limit;
    case VISOR_EXPECT_BEHIND:
        *value = -sample->error;
        return *value < expect->limit;
    case VISOR_EXPECT_ESTIMATE:
        *value = size_of(sample->estimate);
        return sample->published && *value < expect->limit;
    case VISOR_EXPECT_BOUND:
        *value = sample->bound;
        return sample->bound >= 0.0 && *value < expect->limit;
    case VISOR_EXPECT_SELECTED:
        return host->selected == expect->server;
    case VISOR_EXPECT_AVOIDED:
        return host->selected != expect->server;
    case VISOR_EXPECT_UNCORRECTED:
        *value = size_of(
            (double)((kernel->real - host->born_real) - (kernel->raw - host->born_raw)) * 1e-9);
        return *value < UNCORRECTED_S;
    default:
        return true;
    }
}

static void note(struct visor_unmet *unmet, double at, double value)
{
    if (unmet->count++ > 0)
        return;
    unmet->at = at;
    unmet->value = value;
}

static void count_share(struct visor_unmet *unmet, const struct visor_scenario_expect *expect,
                        const struct visor_host *host, const struct visor_world *world, double at)
{
    if (at < expect->from || at > expect->until || !concerns(expect, host, world))
        return;
    unmet->seen++;
    if (host->view.trust == VISOR_TRUST_SYNCHRONIZED)
        return;
    if (unmet->off++ == 0)
        unmet->at = at;
}

void visor_expectation_check(struct visor_host *host, const struct visor_world *world,
                             const struct visor_score_sample *sample)
{
    for (size_t i = 0; i < world->scenario->expect_count; i++) {
        const struct visor_scenario_expect *expect = &world->scenario->expects[i];
        double value = 0.0;

        if (expect->kind == VISOR_EXPECT_UNSYNCHRONIZED) {
            count_share(&host->unmet[i], expect, host, world, sample->seconds);
            continue;
        }
        if (sample->seconds >= expect->from && sample->seconds <= expect->until &&
            concerns(expect, host, world) && !met_now(expect, host, sample, &value))
            note(&host->unmet[i], sample->seconds, value);
    }
}

static bool met_at_end(const struct visor_scenario_expect *expect, const struct visor_score *score,
                       double *value)
{
    switch (expect->kind) {
    case VISOR_EXPECT_RMS:
        *value = visor_moments_rms(&score->clock);
        break;
    case VISOR_EXPECT_MAX:
        *value = score->clock.largest;
        break;
    case VISOR_EXPECT_P99:
        *value = visor_histogram_quantile(&score->clock_errors, 0.99);
        break;
    case VISOR_EXPECT_OUTAGE:
        *value = score->first_in < 0.0 ? score->last : (double)score->outage_longest;
        break;
    case VISOR_EXPECT_MEDIAN:
        *value = visor_histogram_quantile(&score->bounds, 0.5);
        return score->bounds.count > 0 && *value < expect->limit;
    case VISOR_EXPECT_SYNC:
        *value = visor_score_sync(score);
        return *value >= 0.0 && *value < expect->limit;
    case VISOR_EXPECT_PACKETS:
        *value = (double)score->sent;
        break;
    case VISOR_EXPECT_STEPS:
        *value = (double)score->steps;
        break;
    case VISOR_EXPECT_SELECTIONS:
        *value = (double)score->selections;
        break;
    default:
        return true;
    }
    return *value < expect->limit;
}

void visor_expectation_finish(struct visor_host *host, const struct visor_world *world)
{
    for (size_t i = 0; i < world->scenario->expect_count; i++) {
        const struct visor_scenario_expect *expect = &world->scenario->expects[i];
        struct visor_unmet *unmet = &host->unmet[i];
        double value = 0.0;

        if (expect->kind == VISOR_EXPECT_UNSYNCHRONIZED) {
            unmet->value = unmet->seen ? (double)unmet->off / (double)unmet->seen : 0.0;
            unmet->count = unmet->value >= expect->limit;
        } else if (concerns(expect, host, world) && !met_at_end(expect, &host->score, &value))
            note(&host->unmet[i], host->score.last, value);
    }
}
