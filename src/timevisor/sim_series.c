/* Runs of one scenario with one seed after the other. */
#include "timevisor/jobs.h"
#include "timevisor/sim.h"
#include "timevisor/sim_plot.h"

static bool draw(const struct visor_plot *plot, const char *path)
{
    FILE *file = fopen(path, "we");
    bool done = file && plot && visor_plot_write(plot, file);

    if (file && fclose(file) != 0)
        done = false;
    return done;
}

/* The result of a run is those of all its hosts. */
static int run_one(void *context, uint32_t run, void *to)
{
    const struct visor_series *series = context;
    struct visor_world *world = visor_world_new(series->scenario, series->seed + run);
    struct visor_outcome *outcomes = to;
    struct visor_plot *plot = NULL;
    bool drawn = series->plot && run == 0, done;

    if (world && series->log)
        visor_sim_log(world);
    if (world && drawn)
        plot = visor_plot_new(world, series->plot_host);
    done = world && visor_world_run(world);
    if (done && drawn && !draw(plot, series->plot))
        done = false;
    visor_plot_free(plot);
    for (size_t i = 0; done && i < series->hosts; i++)
        visor_outcome_of(world, i, run, &outcomes[i]);
    visor_world_free(world);
    return done ? 0 : -1;
}

int visor_series_run(struct visor_series *series)
{
    void *results = NULL;
    int error;

    series->hosts = 0;
    for (size_t i = 0; i < series->scenario->host_count; i++)
        series->hosts += series->scenario->hosts[i].count;
    series->count = series->hosts * series->runs;
    error = visor_jobs_run(run_one, series, series->runs, series->jobs,
                           series->hosts * sizeof(*series->outcomes), &results);
    series->outcomes = results;
    return error;
}

void visor_series_done(struct visor_series *series)
{
    if (series->outcomes)
        visor_jobs_done(series->outcomes, series->runs, series->hosts * sizeof(*series->outcomes));
    series->outcomes = NULL;
}
