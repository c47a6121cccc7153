/* Writes the record of a run (engine/recording.h) to the file of the `record` directive. Buffered:
 * a crash loses the last seconds, which replay says. A file that cannot be written, or has become
 * too large, ends the record and nothing else. */
#ifndef VISOR_TIMEVISORD_RECORDER_H
#define VISOR_TIMEVISORD_RECORDER_H

#include "engine/recording.h"
#include "port/log.h"

#define VISOR_RECORDER_FILE_MAX (INT64_C(1) << 30)

struct visor_recorder;

/* Starts a record in a new file. `log` is borrowed. NULL: it could not be, which is logged. */
struct visor_recorder *visor_recorder_new(const char *path, const uint64_t seed[4],
                                          const struct visor_config *config, struct visor_log *log);

/* Writes what is buffered; NULL allowed. */
void visor_recorder_free(struct visor_recorder *recorder);

/* One event and the digest of what it led to. A CONFIG event's configuration goes with it. */
void visor_recorder_write(struct visor_recorder *recorder, const struct visor_event *event,
                          uint64_t digest);

#endif
