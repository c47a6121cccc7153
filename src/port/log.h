/* Where the daemon's words go: syslog, stderr, or a file (-l, -L, -d), a line each, in chronyd's
 * form (UTC time and text in files and on stderr; text alone in syslog). A line that is repeated is
 * held back after the tenth in a minute and counted, so that a broken device cannot flood the log.
 */
#ifndef VISOR_PORT_LOG_H
#define VISOR_PORT_LOG_H

#include "base/assert.h"
#include "engine/message.h"

#include <stdbool.h>
#include <stddef.h>

struct visor_log;

/* Starts on stderr, least severity INFO. NULL without memory. */
struct visor_log *visor_log_new(void);
void visor_log_free(struct visor_log *log); /* says what was held back; NULL allowed */

/* From here on to syslog, as `ident` (kept by reference) with the process's number. */
void visor_log_to_syslog(struct visor_log *log, const char *ident);

/* From here on to a file, appended to. 0 or -errno (then it stays as it was). */
int visor_log_to_file(struct visor_log *log, const char *path);

/* Nothing below this is written. -L in chronyd: 0 info, 1 warning, 2 error, 3 fatal; -1 debug. */
void visor_log_set_severity(struct visor_log *log, enum visor_severity least);

/* For `cyclelogs`: opens the file anew if somebody has moved it away. */
void visor_log_reopen(struct visor_log *log);

/* `format` as printf's; no newline at its end. */
VISOR_RARE
void visor_log_write(struct visor_log *log, enum visor_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The last line that was meant to be written, for the exit status's words. */
const char *visor_log_last(const struct visor_log *log);

#endif
