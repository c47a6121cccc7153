/* Bars of eighths. */
#include "timevisor/chart.h"

#include <math.h>
#include <string.h>

enum { STEPS = 8 };

void visor_chart_add(struct visor_chart *chart, double value)
{
    chart->values[chart->next] = value;
    chart->next = (chart->next + 1) % VISOR_CHART_VALUES;
    if (chart->count < VISOR_CHART_VALUES)
        chart->count++;
}

/* Of the i-th newest. */
static double value_at(const struct visor_chart *chart, size_t i)
{
    return chart->values[(chart->next + VISOR_CHART_VALUES - 1 - i) % VISOR_CHART_VALUES];
}

char *visor_chart_draw(const struct visor_chart *chart, int width, bool blocks, char *text)
{
    static const char *const unicode[STEPS + 1] = {"×", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[STEPS + 1] = {"x", "_", ".", ",", "-", "=", "+", "*", "#"};
    size_t count = chart->count;
    double low = (double)INFINITY, high = 0.0;
    char *end = text;

    if (count > (size_t)(width > 0 ? width : 0))
        count = (size_t)(width > 0 ? width : 0);
    for (size_t i = 0; i < count; i++) {
        double value = value_at(chart, i);

        if (isfinite(value) && value > 0.0) {
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    }
    if (high < 10.0 * low)
        high = 10.0 * low;
    for (size_t i = count; i-- > 0;) {
        double value = value_at(chart, i);
        int step = 0;

        if (value <= 0.0)
            step = 1;
        else if (isfinite(value))
            step = 1 + (int)((STEPS - 1) * log(value / low) / log(high / low) + 0.5);
        end = stpcpy(end, blocks ? unicode[step] : ascii[step]);
    }
    *end = 0;
    return text;
}
