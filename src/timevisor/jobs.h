/* Independent pieces of work spread over processes. */
#ifndef VISOR_TIMEVISOR_JOBS_H
#define VISOR_TIMEVISOR_JOBS_H

#include <stddef.h>
#include <stdint.h>

#define VISOR_JOBS_MAX 64

/* Does piece `index` and writes its result (of fixed size) to `to`. 0: done. */
typedef int visor_jobs_piece(void *context, uint32_t index, void *to);

/* Do `count` pieces in `jobs` processes (1: in this one). 0, or -errno; *results is then an array
 * of `count` results that the caller gives to visor_jobs_done(). */
int visor_jobs_run(visor_jobs_piece *piece, void *context, uint32_t count, uint32_t jobs,
                   size_t size, void **results);
void visor_jobs_done(void *results, uint32_t count, size_t size);

#endif
