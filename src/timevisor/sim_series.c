/* Runs of one scenario with one seed after the other, spread over processes: a run is a function
 * of its seed, so the order of the results does not depend on who computed them. */
#include "timevisor/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_one(const struct visor_series *series, uint32_t run)
{
    struct visor_world *world = visor_world_new(series->scenario, series->seed + run);
    bool done;

    if (world && series->log)
        visor_sim_log(world);
    done = world && visor_world_run(world);

    for (size_t i = 0; done && i < series->hosts; i++)
        visor_outcome_of(world, i, run, &series->outcomes[run * series->hosts + i]);
    visor_world_free(world);
    return done ? 0 : -ENOMEM;
}

static int run_share(const struct visor_series *series, uint32_t job)
{
    int error = 0;

    for (uint32_t run = job; run < series->runs && !error; run += series->jobs)
        error = run_one(series, run);
    return error;
}

/* Wait for `started` children; -EIO if one did not end well. */
static int gather(const pid_t *children, uint32_t started)
{
    int error = 0;

    for (uint32_t i = 0; i < started; i++) {
        int status = 0;

        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            error = WIFEXITED(status) && WEXITSTATUS(status) == 2 ? -ENOMEM : -EIO;
    }
    return error;
}

static int run_forked(const struct visor_series *series)
{
    pid_t children[64];
    uint32_t started = 0;
    int error = 0, other;

    fflush(NULL);
    while (started < series->jobs && !error) {
        pid_t child = fork();

        if (child == 0)
            _exit(run_share(series, started) ? 2 : 0);
        if (child < 0)
            error = -errno;
        else
            children[started++] = child;
    }
    other = gather(children, started);
    return error ? error : other;
}

int visor_series_run(struct visor_series *series)
{
    size_t size;
    void *memory;

    series->hosts = 0;
    for (size_t i = 0; i < series->scenario->host_count; i++)
        series->hosts += series->scenario->hosts[i].count;
    series->count = series->hosts * series->runs;
    size = series->count * sizeof(*series->outcomes);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    series->outcomes = memory;
    if (series->jobs > 64)
        series->jobs = 64;
    if (series->jobs > series->runs)
        series->jobs = series->runs;
    return series->jobs > 1 ? run_forked(series) : run_share(series, 0);
}

void visor_series_done(struct visor_series *series)
{
    if (series->outcomes)
        munmap(series->outcomes, series->count * sizeof(*series->outcomes));
    series->outcomes = NULL;
}
