/* A run on record: what the engine was made from (seed, configuration) and every event it was
 * given, each with a digest of the actions that it gave back. Given again to an engine of the same
 * build, the record must lead to the same digests, bit for bit (`timevisor sim --replay`).
 *
 *     header   "TVREC" 0 0 version, seed, supplement, configuration text
 *     entry    length (u32) of what follows, event, digest (u64)          … to the end
 *
 * Everything is big-endian, field by field. The configuration travels as text, so that a record can
 * be read by people; what a loader adds to the text (leap table, measured precision, what the
 * command line overrode) travels beside it as the supplement. */
#ifndef VISOR_ENGINE_RECORDING_H
#define VISOR_ENGINE_RECORDING_H

#include "base/bytes.h"
#include "engine/action.h"
#include "engine/event.h"

#define VISOR_RECORDING_VERSION    2
#define VISOR_RECORDING_CONFIG_MAX (1 << 20) /* bytes of text */
#define VISOR_RECORDING_LEAPS_MAX  256
#define VISOR_RECORDING_ENTRY_MAX  8192 /* bytes of any entry but CONFIG */

/* The configuration, and what is not in its text. Pointers are borrowed. */
struct visor_recording_config {
    const char *text; /* not terminated */
    size_t size;
    enum visor_mode mode;
    double clock_precision;
    const struct visor_leap_entry *leaps;
    size_t leap_count;
};

struct visor_recording_header {
    uint64_t seed[4];
    struct visor_recording_config config;
};

/* Room for what an event points to, when it is read. */
struct visor_recording_entry {
    struct visor_event event;
    struct visor_source_config source;    /* of an ADD command */
    struct visor_recording_config config; /* of a CONFIG event; the event's own pointer is NULL */
    struct visor_leap_entry leaps[VISOR_RECORDING_LEAPS_MAX];
    struct visor_sample samples[VISOR_RESTORE_MAX]; /* of a RESTORE event */
    uint64_t digest;
};

enum visor_recording_verdict {
    VISOR_RECORDING_OK,
    VISOR_RECORDING_END,     /* no more entries */
    VISOR_RECORDING_CUT,     /* the last entry is not whole: the daemon was killed, the disk full */
    VISOR_RECORDING_FOREIGN, /* not a record */
    VISOR_RECORDING_VERSION_UNKNOWN,
    VISOR_RECORDING_MALFORMED,
};

/* `writer->failed` says whether there was room. `config` is that of a CONFIG event, else NULL. */
void visor_recording_write_header(struct visor_writer *writer,
                                  const struct visor_recording_header *header);
void visor_recording_write_event(struct visor_writer *writer, const struct visor_event *event,
                                 const struct visor_recording_config *config, uint64_t digest);

/* What is read points into the reader's bytes (texts, packets) and into `leaps` or the entry. */
enum visor_recording_verdict
visor_recording_read_header(struct visor_reader *reader, struct visor_recording_header *header,
                            struct visor_leap_entry leaps[VISOR_RECORDING_LEAPS_MAX]);
enum visor_recording_verdict visor_recording_read_event(struct visor_reader *reader,
                                                        struct visor_recording_entry *entry);

/* Digest of the actions after one event: begin, and take each (FNV-1a over their fields). */
uint64_t visor_recording_digest_begin(void);
uint64_t visor_recording_digest(uint64_t digest, const struct visor_action *action);

#endif
