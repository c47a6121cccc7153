/* Gives a record to a fresh engine and compares what it decides with what was decided then. */
#ifndef VISOR_ENGINE_REPLAY_H
#define VISOR_ENGINE_REPLAY_H

#include "engine/recording.h"

/* Makes a configuration of its text; NULL if it is wrong, or without memory. The caller frees it by
 * visor_config_free(). */
typedef struct visor_config *visor_replay_parse(const char *text, size_t size);

struct visor_replay_result {
    enum visor_recording_verdict verdict; /* how the record ended: END, CUT, or a fault */
    bool config_refused;                  /* the record's configuration does not parse here */
    bool no_memory;
    uint64_t events;    /* replayed */
    uint64_t different; /* of them with other actions than recorded */
    /* the first of these */
    uint64_t first_index; /* from 0 */
    enum visor_event_kind first_kind;
    visor_mono first_at;
    uint64_t recorded, replayed; /* digests */
};

void visor_replay(const uint8_t *data, size_t size, visor_replay_parse *parse,
                  struct visor_replay_result *result);

#endif
