/* The last values of something as a line of small bars, on a logarithmic scale. */
#ifndef VISOR_TIMEVISOR_CHART_H
#define VISOR_TIMEVISOR_CHART_H

#include <stdbool.h>
#include <stddef.h>

#define VISOR_CHART_VALUES 240

struct visor_chart {
    double values[VISOR_CHART_VALUES]; /* a ring; infinite: unknown */
    size_t count, next;
};

void visor_chart_add(struct visor_chart *chart, double value);

/* The newest `width` values, the newest last: bars between the least and the greatest, at least a
 * decade apart; a cross where nothing was known. `blocks`: the terminal has Unicode's. `text` holds
 * 3 * VISOR_CHART_VALUES + 1 bytes. Returns `text`. */
char *visor_chart_draw(const struct visor_chart *chart, int width, bool blocks, char *text);

#endif
