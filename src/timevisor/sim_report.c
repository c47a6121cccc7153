/* Results of a series as an aligned table and what went wrong, or as JSON. */
#include "port/text.h"
#include "timevisor/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CELL 24

char *visor_report_seconds(double seconds, char *text, size_t size)
{
    static const struct {
        double factor;
        const char *name;
    } units[] = {{1e9, "ns"}, {1e6, "us"}, {1e3, "ms"}, {1.0, "s"}};
    double value = seconds;
    int unit = 3;

    if (seconds < 0.0) {
        snprintf(text, size, "-");
        return text;
    }
    for (int i = 0; i < 4; i++)
        if (seconds * units[i].factor < 999.5 || i == 3) {
            value = seconds * units[i].factor;
            unit = i;
            break;
        }
    snprintf(text, size,
             value < 9.995   ? "%.2f %s"
             : value < 99.95 ? "%.1f %s"
                             : "%.0f %s",
             value, units[unit].name);
    return text;
}

static void print_metric(enum visor_metric metric, double value, char *text)
{
    switch (visor_metric_unit(metric)) {
    case VISOR_UNIT_SECONDS:
        visor_report_seconds(value, text, CELL);
        break;
    case VISOR_UNIT_RATE:
        snprintf(text, CELL, "%.2g ppm", value * 1e6);
        break;
    case VISOR_UNIT_SHARE:
        snprintf(text, CELL, "%.2f %%", value * 100.0);
        break;
    case VISOR_UNIT_COUNT:
        snprintf(text, CELL, "%.10g", value);
        break;
    }
}

/* ---- table ---- */

static const struct {
    const char *title;
    enum visor_metric metric;
} COLUMNS[] = {
    {N_("sync"), VISOR_METRIC_SYNC},
    {N_("max error"), VISOR_METRIC_MAX},
    {N_("RMS error"), VISOR_METRIC_RMS},
    {N_("RMS freq"), VISOR_METRIC_FREQUENCY},
    {N_("RMS estimate"), VISOR_METRIC_ESTIMATE_RMS},
    {N_("bound"), VISOR_METRIC_BOUND},
    {N_("bounded"), VISOR_METRIC_BOUNDED},
    {N_("packets"), VISOR_METRIC_SENT},
    {N_("steps"), VISOR_METRIC_STEPS},
};

enum { COLUMN_COUNT = sizeof(COLUMNS) / sizeof(COLUMNS[0]) };

struct row {
    char cell[COLUMN_COUNT + 2][CELL + VISOR_SCENARIO_NAME_MAX];
};

static void fill_row(const struct visor_series *series, uint32_t group, double *scratch,
                     struct row *row)
{
    const struct visor_scenario_host *host = &series->scenario->hosts[group];

    snprintf(row->cell[0], sizeof(row->cell[0]), "%s", host->name);
    snprintf(row->cell[1], sizeof(row->cell[1]), "%" PRIu64, (uint64_t)host->count * series->runs);
    for (int c = 0; c < COLUMN_COUNT; c++)
        print_metric(COLUMNS[c].metric,
                     visor_outcome_median(series->outcomes, series->count, group, COLUMNS[c].metric,
                                          scratch),
                     row->cell[c + 2]);
}

static void print_rows(const struct row *rows, size_t count, FILE *to)
{
    int width[COLUMN_COUNT + 2] = {0};

    for (size_t r = 0; r < count; r++)
        for (int c = 0; c < COLUMN_COUNT + 2; c++)
            if ((int)strlen(rows[r].cell[c]) > width[c])
                width[c] = (int)strlen(rows[r].cell[c]);
    for (size_t r = 0; r < count; r++) {
        fprintf(to, "%-*s", width[0], rows[r].cell[0]);
        for (int c = 1; c < COLUMN_COUNT + 2; c++)
            fprintf(to, "  %*s", width[c], rows[r].cell[c]);
        fputc('\n', to);
    }
}

static void print_table(const struct visor_series *series, double *scratch, FILE *to)
{
    size_t groups = series->scenario->host_count;
    struct row *rows = calloc(groups + 1, sizeof(*rows));

    if (!rows)
        return;
    snprintf(rows[0].cell[0], CELL, "%s", _("host"));
    snprintf(rows[0].cell[1], CELL, "%s", _("runs"));
    for (int c = 0; c < COLUMN_COUNT; c++)
        snprintf(rows[0].cell[c + 2], CELL, "%s", _(COLUMNS[c].title));
    for (uint32_t g = 0; g < groups; g++)
        fill_row(series, g, scratch, &rows[g + 1]);
    print_rows(rows, groups + 1, to);
    free(rows);
}

/* ---- what went wrong ---- */

static void print_windows(const struct visor_series *series, FILE *to)
{
    double count = 0.0, total = 0.0, longest = 0.0, worst = 0.0;
    char text[2][CELL];

    for (size_t i = 0; i < series->count; i++) {
        const double *m = series->outcomes[i].metric;

        count += m[VISOR_METRIC_WINDOWS];
        total += m[VISOR_METRIC_WINDOWS_TOTAL];
        if (m[VISOR_METRIC_WINDOWS_LONGEST] > longest)
            longest = m[VISOR_METRIC_WINDOWS_LONGEST];
        if (m[VISOR_METRIC_WINDOWS_WORST] > worst)
            worst = m[VISOR_METRIC_WINDOWS_WORST];
    }
    if (count > 0.0)
        fprintf(to,
                _("False bounds between a fault and the first event that could reveal it: %.0f, "
                  "%s in all, longest %s, worst error/bound %.3g\n"),
                count, visor_report_seconds(total, text[0], CELL),
                visor_report_seconds(longest, text[1], CELL), worst);
}

static void print_failure(const struct visor_series *series,
                          const struct visor_sim_options *options,
                          const struct visor_outcome *outcome, FILE *to)
{
    uint64_t seed = series->seed + outcome->run;

    if (outcome->violation >= 0)
        fprintf(to,
                _("VIOLATION (%s) host %s at %.3f s: %.6g where at most %.6g is allowed; %.0f in "
                  "all\n"),
                visor_violation_name((enum visor_violation)outcome->violation), outcome->name,
                outcome->violation_at, outcome->violation_error, outcome->violation_bound,
                outcome->metric[VISOR_METRIC_VIOLATIONS]);
    if (outcome->unmet > 0)
        fprintf(to,
                _("UNMET %s:%" PRIu32 ": host %s at %.0f s: %.6g; %" PRIu32
                  " unmet expectations in all\n"),
                options->file, series->scenario->expects[outcome->unmet_index].line, outcome->name,
                outcome->unmet_at, outcome->unmet_value, outcome->unmet);
    fprintf(to, _("  run it again: timevisor sim --seed %" PRIu64 " %s\n"), seed, options->file);
}

/* ---- JSON ---- */

static void print_string(const char *text, FILE *to)
{
    fputc('"', to);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf(to, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(to, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, to);
    fputc('"', to);
}

static void print_json_outcome(const struct visor_series *series,
                               const struct visor_outcome *outcome, FILE *to)
{
    fprintf(to, "    {\"seed\": %" PRIu64 ", \"host\": ", series->seed + outcome->run);
    print_string(outcome->name, to);
    for (int m = 0; m < VISOR_METRICS; m++)
        fprintf(to, ", \"%s\": %.9g", visor_metric_name((enum visor_metric)m), outcome->metric[m]);
    fprintf(to, ", \"unmet\": %" PRIu32, outcome->unmet);
    if (outcome->violation >= 0)
        fprintf(to,
                ", \"violation\": {\"kind\": \"%s\", \"at_s\": %.9g, \"value\": %.9g, "
                "\"limit\": %.9g}",
                visor_violation_name((enum visor_violation)outcome->violation),
                outcome->violation_at, outcome->violation_error, outcome->violation_bound);
    fputc('}', to);
}

static void print_json_group(const struct visor_series *series, uint32_t group, double *scratch,
                             FILE *to)
{
    fputs("    {\"host\": ", to);
    print_string(series->scenario->hosts[group].name, to);
    for (int m = 0; m < VISOR_METRICS; m++)
        fprintf(to, ", \"%s\": %.9g", visor_metric_name((enum visor_metric)m),
                visor_outcome_median(series->outcomes, series->count, group, (enum visor_metric)m,
                                     scratch));
    fputc('}', to);
}

static void print_json(const struct visor_series *series, double *scratch, bool good, FILE *to)
{
    fputs("{\n  \"version\": 1,\n  \"title\": ", to);
    print_string(series->scenario->title, to);
    fprintf(to, ",\n  \"duration_s\": %.9g,\n  \"good\": %s,\n  \"medians\": [\n",
            series->scenario->duration, good ? "true" : "false");
    for (uint32_t g = 0; g < series->scenario->host_count; g++) {
        print_json_group(series, g, scratch, to);
        fputs(g + 1 < series->scenario->host_count ? ",\n" : "\n", to);
    }
    fputs("  ],\n  \"runs\": [\n", to);
    for (size_t i = 0; i < series->count; i++) {
        print_json_outcome(series, &series->outcomes[i], to);
        fputs(i + 1 < series->count ? ",\n" : "\n", to);
    }
    fputs("  ]\n}\n", to);
}

bool visor_report_series(const struct visor_series *series, const struct visor_sim_options *options,
                         FILE *to)
{
    double *scratch = calloc(series->count + 1, sizeof(*scratch));
    size_t bad = 0;

    if (!scratch)
        return false;
    for (size_t i = 0; i < series->count; i++)
        bad += series->outcomes[i].violation >= 0 || series->outcomes[i].unmet > 0;
    if (options->json) {
        print_json(series, scratch, bad == 0, to);
        free(scratch);
        return bad == 0;
    }
    if (series->scenario->title[0])
        fprintf(to, "%s\n", series->scenario->title);
    print_table(series, scratch, to);
    print_windows(series, to);
    for (size_t i = 0, shown = 0; i < series->count && shown < 10; i++)
        if (series->outcomes[i].violation >= 0 || series->outcomes[i].unmet > 0) {
            print_failure(series, options, &series->outcomes[i], to);
            shown++;
        }
    if (bad > 0)
        fprintf(to, _("%zu of %zu hosts and runs failed\n"), bad, series->count);
    free(scratch);
    return bad == 0;
}
