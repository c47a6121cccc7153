/* The status model as text for people; `status` and `watch` print the same. */
#ifndef VISOR_TIMEVISOR_REPORT_H
#define VISOR_TIMEVISOR_REPORT_H

#include "timevisor/table.h"
#include "timevisor/verdict.h"

#include <jansson.h>
#include <stdio.h>

#define VISOR_REPORT_LABEL 12 /* cells of the first column */

/* The verdict, folded to `width` cells (0: one line), and on what it rests. */
void visor_report_status(const json_t *status, const struct visor_verdict *verdict, FILE *out,
                         bool colored, int width);

/* One line a source, its last column folded to `width` cells in all (0: not); `facts` may be NULL.
 */
void visor_report_sources(const json_t *status, const struct visor_facts *facts, FILE *out,
                          bool colored, int width);

/* "2026-11-23 21:04:05.123 UTC" of ns since 1970; "" if it is no number. Returns `text`. */
char *visor_report_utc(const json_t *ns, char text[48]);

/* Disruptions, newest first. */
void visor_report_events(const json_t *status, FILE *out, bool colored);

#endif
