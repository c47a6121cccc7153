/* Lines of statistics.log and selection.log, and what chronyd's reports know of a filter. */
#ifndef VISOR_ENGINE_JOURNAL_H
#define VISOR_ENGINE_JOURNAL_H

#include "engine/core.h"

/* The clock as it goes by what is known: the estimate, or CLOCK_REALTIME before there is one. */
struct visor_line visor_journal_clock(const struct visor_engine *e);

/* How much the point lies above the line, s. */
double visor_journal_residual(const struct visor_line *line, const struct visor_point *point);

/* Runs of residuals with one sign along the filter's line; chronyd's test of how well it fits. */
int visor_journal_runs(const struct visor_filter *filter);

/* How good the source is against the selected one: 1 as good, more is better; 1 if there is none.
 */
double visor_journal_score(const struct visor_engine *e, const struct visor_source *source);

/* A sample was taken: `before` is the filter's line before it, `samples` how many there were. */
void visor_journal_statistics(struct visor_engine *e, const struct visor_source *source,
                              const struct visor_line *before, int samples);

/* The selection that followed, a line for every source. */
void visor_journal_selection(struct visor_engine *e);

#endif
