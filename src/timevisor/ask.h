/* Asking the daemon, and the options that all commands which do so share. */
#ifndef VISOR_TIMEVISOR_ASK_H
#define VISOR_TIMEVISOR_ASK_H

#include "wire/control.h"

#include <jansson.h>

/* Asks the daemon at `socket` (NULL: $TIMEVISOR_SOCKET, or the default places). Returns an exit
 * status; VISOR_CLI_YES: `*answer` is the caller's reference. Otherwise a word was said on stderr,
 * unless `quiet`. */
int visor_ask(const char *socket, enum visor_control_verb verb, const char *argument, bool quiet,
              json_t **answer);

/* The same, and waits no longer than that for the answer, and for at most 3 s. */
int visor_ask_within(double patience_s, const char *socket, enum visor_control_verb verb,
                     const char *argument, bool quiet, json_t **answer);

/* Prints JSON on one line to stdout. */
void visor_ask_print(const json_t *answer);

#endif
