/* Each process does every n-th piece and writes into memory that all share; a piece is a function
 * of its index, so the results do not depend on who did what. */
#include "timevisor/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct share {
    visor_jobs_piece *piece;
    void *context;
    uint32_t count, jobs;
    size_t size;
    uint8_t *results;
};

static int do_share(const struct share *share, uint32_t job)
{
    for (uint32_t i = job; i < share->count; i += share->jobs)
        if (share->piece(share->context, i, share->results + i * share->size))
            return -EIO;
    return 0;
}

/* Wait for `started` children; an error if one did not end well. */
static int gather(const pid_t *children, uint32_t started)
{
    int error = 0;

    for (uint32_t i = 0; i < started; i++) {
        int status = 0;

        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            error = -EIO;
    }
    return error;
}

static int fork_shares(const struct share *share)
{
    pid_t children[VISOR_JOBS_MAX];
    uint32_t started = 0;
    int error = 0, other;

    fflush(NULL);
    while (started < share->jobs && !error) {
        pid_t child = fork();

        if (child == 0)
            _exit(do_share(share, started) ? 1 : 0);
        if (child < 0)
            error = -errno;
        else
            children[started++] = child;
    }
    other = gather(children, started);
    return error ? error : other;
}

int visor_jobs_run(visor_jobs_piece *piece, void *context, uint32_t count, uint32_t jobs,
                   size_t size, void **results)
{
    struct share share = {piece, context, count, jobs, size, NULL};
    void *memory =
        mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int error;

    if (memory == MAP_FAILED)
        return -errno;
    share.results = memory;
    if (share.jobs > VISOR_JOBS_MAX)
        share.jobs = VISOR_JOBS_MAX;
    if (share.jobs > count)
        share.jobs = count;
    error = share.jobs > 1 ? fork_shares(&share) : do_share(&share, 0);
    if (error)
        munmap(memory, count * size);
    else
        *results = memory;
    return error;
}

void visor_jobs_done(void *results, uint32_t count, size_t size)
{
    munmap(results, count * size);
}
