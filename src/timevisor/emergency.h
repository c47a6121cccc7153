/* The emergency level and what was done about it, in words, from the status model's JSON. */
#ifndef VISOR_TIMEVISOR_EMERGENCY_H
#define VISOR_TIMEVISOR_EMERGENCY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* "yellow", "no source can be followed": of those words in JSON; translated. */
const char *visor_emergency_level_text(const char *level);
const char *visor_emergency_cause_text(const char *cause);

/* "red for 12 s: no source can be followed (quarantine)"; "": the level is normal. Returns `text`.
 */
char *visor_emergency_print(const json_t *status, char *text, size_t size);

/* A table of the level's changes; nothing if there was none. */
void visor_emergency_report(const json_t *status, FILE *out, bool colored);

#endif
