/* The costs as a drawing: a bar a clock on a logarithmic scale, and a line to its 99.9th
 * percentile. */
#include "port/text.h"
#include "timevisor/bench.h"

#include <math.h>

#define WIDTH 900
#define LEFT  330
#define RIGHT 90
#define TOP   70
#define ROW   34
#define FIRST 1.0 /* ns: where the scale begins */

/* What a cost is beside the clock that programs read mostly. */
static const char *color_of(double ratio)
{
    return ratio < 2.5 ? "#16a34a" : ratio < 10.0 ? "#d97706" : "#dc2626";
}

static double place(double ns, double decades)
{
    double at = log10(fmax(ns, FIRST) / FIRST) / decades;

    return LEFT + fmin(at, 1.0) * (WIDTH - LEFT - RIGHT);
}

static double decades_of(const struct visor_bench_clock *clocks, size_t count)
{
    double most = 1000.0 * FIRST;

    for (size_t i = 0; i < count; i++)
        most = fmax(most, fmax(clocks[i].median_ns, clocks[i].p999_ns));
    return ceil(log10(most / FIRST));
}

static void draw_grid(double decades, int height, FILE *out)
{
    static const char *const names[] = {"1 ns",  "10 ns",  "100 ns", "1 µs",
                                        "10 µs", "100 µs", "1 ms",   "10 ms"};

    for (int i = 0; i <= (int)decades && i < 8; i++) {
        double x = place(FIRST * pow(10.0, i), decades);

        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#cbd5e1\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" class=\"small\">%s</text>\n",
                x, TOP - 6, x, height - 20, x, height - 6, names[i]);
    }
}

static void draw_bar(const struct visor_bench_clock *clock, int row, double decades, FILE *out)
{
    double y = TOP + ROW * row, from = LEFT, to = place(clock->median_ns, decades);
    double tail = place(clock->p999_ns, decades);

    fprintf(out,
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" class=\"name\">%s</text>"
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"18\" rx=\"3\" fill=\"%s\"/>\n",
            LEFT - 10, y + 14, clock->name, from, y, fmax(to - from, 2.0), color_of(clock->ratio));
    if (tail > to)
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#334155\"/>"
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#334155\"/>\n",
                to, y + 9, tail, y + 9, tail, y + 3, tail, y + 15);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"small\">%.1f ns</text>\n", fmax(tail, to) + 6,
            y + 14, clock->median_ns);
}

void visor_bench_draw(const struct visor_bench_clock *clocks, size_t count, FILE *out)
{
    int height = TOP + ROW * (int)count + 30;
    double decades = decades_of(clocks, count);
    char text[256];

    snprintf(text, sizeof(text), "%s", _("What a reading of the time costs here"));
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\"><style>.name{font-size:14px;fill:#0f172a}"
            ".small{font-size:12px;fill:#475569}</style>"
            "<rect width=\"%d\" height=\"%d\" fill=\"#f8fafc\"/>"
            "<text x=\"20\" y=\"28\" font-size=\"20\" font-weight=\"bold\" "
            "fill=\"#0f172a\">%s</text>\n",
            WIDTH, height, WIDTH, height, text);
    snprintf(text, sizeof(text), "%s",
             _("Bars: the median of a call. Lines: to the 99.9th percentile, "
               "timed one by one."));
    fprintf(out, "<text x=\"20\" y=\"48\" class=\"small\">%s</text>\n", text);
    draw_grid(decades, height, out);
    for (size_t i = 0; i < count; i++)
        draw_bar(&clocks[i], (int)i, decades, out);
    fputs("</svg>\n", out);
}
