/* Runs of one scenario with one seed after the other. */
#include "timevisor/jobs.h"
#include "timevisor/sim.h"
#include "timevisor/sim_plot.h"
#include "timevisor/sim_record.h"

#include <errno.h>
#include <string.h>

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "we");

    if (!file)
        fprintf(stderr, "timevisor sim: %s: %s\n", path, strerror(errno));
    return file;
}

/* Run a world and draw it. */
static bool run_drawn(const struct visor_series *series, struct visor_world *world)
{
    FILE *file = create(series->plot);
    struct visor_plot *plot = file ? visor_plot_new(world, series->watched) : NULL;
    bool done = plot && visor_world_run(world) && visor_plot_write(plot, file);

    visor_plot_free(plot);
    if (file && fclose(file) != 0)
        done = false;
    return done;
}

static bool run_recorded(const struct visor_series *series, struct visor_world *world)
{
    FILE *file = create(series->record);
    struct visor_sim_recorder *recorder =
        file ? visor_sim_recorder_new(world, series->watched, file) : NULL;
    bool done = recorder && visor_world_run(world);

    if (!visor_sim_recorder_free(recorder))
        done = false;
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
    bool done;

    if (!world)
        return -1;
    if (series->log)
        visor_sim_log(world);
    if (series->plot && run == 0)
        done = run_drawn(series, world);
    else if (series->record && run == 0)
        done = run_recorded(series, world);
    else
        done = visor_world_run(world);
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
