/* chronyd's dump files: the samples of every source, kept over a restart (`dumpdir`, -r). */
#ifndef VISOR_TIMEVISORD_DUMPS_H
#define VISOR_TIMEVISORD_DUMPS_H

#include "timevisord/daemon.h"

/* Writes one file a source that has samples. 0, or -errno of the first that failed (logged), or
 * -EINVAL without `dumpdir`. */
int visor_dumps_write(struct visor_daemon *daemon);

/* After START and whenever names have been resolved: gives the engine what is there for its sources
 * (with -r), and removes the files; the last ones when all names are known. */
void visor_dumps_read(struct visor_daemon *daemon);

#endif
