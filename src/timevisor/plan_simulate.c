/* The example of a plan in the simulator: what each layer's machine reaches, and what a failure
 * does to it. */
#include "timevisor/plan.h"

#include "base/time.h"
#include "port/text.h"
#include "sim/outcome.h"
#include "sim/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEED 1

struct watching {
    const struct visor_plan *plan;
    struct visor_plan_result *result;
    double limit_s;
    double bounds[VISOR_PLAN_LAYERS][VISOR_PLAN_FAILS]; /* of a settled hour at most */
    size_t count[VISOR_PLAN_LAYERS];
    uint64_t sent[VISOR_PLAN_LAYERS][2];
    double after[VISOR_PLAN_LAYERS], unsynchronized[VISOR_PLAN_LAYERS], wrong[VISOR_PLAN_LAYERS];
};

static int layer_of(const struct watching *w, const struct visor_host *host)
{
    for (int i = 0; i < w->plan->layer_count; i++)
        if (w->plan->layers[i].machine[0] && strcmp(w->plan->layers[i].machine, host->name) == 0)
            return i;
    return -1;
}

static void watch_settled(struct watching *w, int i, const struct visor_host *host,
                          const struct visor_score_sample *sample)
{
    if (w->count[i] == 0)
        w->sent[i][0] = host->score.sent;
    if (w->count[i] < VISOR_PLAN_FAILS)
        w->bounds[i][w->count[i]++] = sample->bound < 0.0 ? 1e30 : sample->bound;
    w->sent[i][1] = host->score.sent;
}

static void watch_failure(struct watching *w, int i, const struct visor_host *host,
                          const struct visor_score_sample *sample)
{
    struct visor_plan_figures *f = &w->result->layers[i];
    double error = sample->error < 0.0 ? -sample->error : sample->error;

    w->after[i] += 1.0;
    w->unsynchronized[i] += host->view.trust != VISOR_TRUST_SYNCHRONIZED;
    f->worst_s = error > f->worst_s ? error : f->worst_s;
    f->later_s = sample->bound;
    w->wrong[i] = error > w->limit_s ? w->wrong[i] + 1.0 : 0.0;
    f->wrong = w->wrong[i] > f->wrong ? w->wrong[i] : f->wrong;
}

static void see(void *context, const struct visor_host *host,
                const struct visor_score_sample *sample)
{
    struct watching *w = context;
    int i = layer_of(w, host);

    if (i < 0 || sample->seconds < VISOR_PLAN_FIRST)
        return;
    if (sample->seconds < VISOR_PLAN_FAILS)
        watch_settled(w, i, host, sample);
    else
        watch_failure(w, i, host, sample);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void conclude(struct watching *w)
{
    for (int i = 0; i < w->plan->layer_count; i++) {
        struct visor_plan_figures *f = &w->result->layers[i];
        double median;

        if (w->count[i] == 0)
            continue;
        qsort(w->bounds[i], w->count[i], sizeof(w->bounds[i][0]), by_size);
        median = w->bounds[i][w->count[i] / 2];
        f->known = true;
        f->bound_s = median > 1e29 ? -1.0 : median;
        f->packets_h = (double)(w->sent[i][1] - w->sent[i][0]) * 3600.0 /
                       (VISOR_PLAN_FAILS - VISOR_PLAN_FIRST);
        f->lost = w->after[i] > 0.0 ? w->unsynchronized[i] / w->after[i] : 0.0;
    }
}

static int run(const struct visor_scenario *scenario, struct watching *w)
{
    struct visor_world *world = visor_world_new(scenario, SEED);
    bool done;

    if (!world)
        return -ENOMEM;
    world->observer = (struct visor_observer){.context = w, .sample = see};
    done = visor_world_run(world);
    visor_world_free(world);
    if (done)
        conclude(w);
    return done ? 0 : -ENOMEM;
}

static int simulate(struct visor_planned *planned, int failure)
{
    struct watching *w = calloc(1, sizeof(*w));
    char *text = malloc(VISOR_PLAN_SCRIPT);
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;
    int error = -ENOMEM;

    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    if (w && text) {
        struct visor_text out = visor_text_over(text, VISOR_PLAN_SCRIPT);

        w->plan = &planned->plan;
        w->result = &planned->results[failure + 1];
        w->limit_s = planned->plan.needs.limit_s;
        error = visor_plan_script(&planned->plan, failure, &out) &&
                        visor_script_read(&scenario, "plan", text, out.at, &diagnoses)
                    ? run(&scenario, w)
                    : -EINVAL;
    }
    visor_diagnoses_done(&diagnoses);
    visor_scenario_done(&scenario);
    free(text);
    free(w);
    return error;
}

int visor_plan_simulate(struct visor_planned *planned, FILE *progress)
{
    int error = 0;

    for (int i = -1; i < planned->plan.failure_count && !error; i++) {
        if (progress) {
            fputc('\r', progress);
            fprintf(progress, _("Simulating: %d of %d "), i + 2, planned->plan.failure_count + 1);
            fflush(progress);
        }
        error = simulate(planned, i);
    }
    if (progress)
        fputs("\r\033[K", progress);
    return error;
}

bool visor_plan_holds(const struct visor_planned *planned)
{
    const struct visor_plan *plan = &planned->plan;

    if (plan->reach != VISOR_PLAN_REACHED)
        return false;
    for (int i = 0; i < plan->layer_count; i++) {
        const struct visor_plan_figures *f = &planned->results[0].layers[i];

        if (f->known && (f->bound_s < 0.0 || f->bound_s > plan->needs.limit_s))
            return false;
    }
    return true;
}
