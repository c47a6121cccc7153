/* Results of a series as an aligned table and what went wrong, or as JSON. */
#include "port/text.h"
#include "timevisor/commit.h"
#include "timevisor/quantity.h"
#include "timevisor/sim.h"
#include "timevisor/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_metric(enum visor_metric metric, double value, char text[VISOR_QUANTITY_MAX])
{
    switch (visor_metric_unit(metric)) {
    case VISOR_UNIT_SECONDS:
        if (value < 0.0)
            strcpy(text, "-");
        else if (metric == VISOR_METRIC_SYNC || metric == VISOR_METRIC_FIRST)
            snprintf(text, VISOR_QUANTITY_MAX, "%.10g s", value);
        else
            visor_quantity_print(value, text);
        break;
    case VISOR_UNIT_RATE:
        snprintf(text, VISOR_QUANTITY_MAX, "%.3g ppm", value * 1e6);
        break;
    case VISOR_UNIT_SHARE:
        snprintf(text, VISOR_QUANTITY_MAX, "%.2f %%", value * 100.0);
        break;
    case VISOR_UNIT_COUNT:
        snprintf(text, VISOR_QUANTITY_MAX, "%.10g", value);
        break;
    }
}

/* ---- table ---- */

static const struct {
    const char *title;
    enum visor_metric metric;
    bool published; /* makes no sense if nothing ever was */
} COLUMNS[] = {
    {N_("sync"), VISOR_METRIC_SYNC, false},
    {N_("max error"), VISOR_METRIC_MAX, false},
    {N_("RMS error"), VISOR_METRIC_RMS, false},
    {N_("RMS freq"), VISOR_METRIC_FREQUENCY, false},
    {N_("RMS estimate"), VISOR_METRIC_ESTIMATE_RMS, true},
    {N_("bound"), VISOR_METRIC_BOUND, true},
    {N_("bounded"), VISOR_METRIC_BOUNDED, true},
    {N_("packets"), VISOR_METRIC_SENT, false},
    {N_("steps"), VISOR_METRIC_STEPS, false},
};

enum { COLUMN_COUNT = sizeof(COLUMNS) / sizeof(COLUMNS[0]) };

static void print_table(const struct visor_series *series, double *scratch, FILE *to)
{
    struct visor_table *table = visor_table_new("lrrrrrrrrrr");
    char text[VISOR_QUANTITY_MAX];

    if (!table)
        return;
    visor_table_add(table, VISOR_BOLD, _("host"));
    visor_table_add(table, VISOR_BOLD, _("runs"));
    for (int c = 0; c < COLUMN_COUNT; c++)
        visor_table_add(table, VISOR_BOLD, _(COLUMNS[c].title));
    for (uint32_t g = 0; g < series->scenario->host_count; g++) {
        const struct visor_scenario_host *host = &series->scenario->hosts[g];
        bool published =
            visor_outcome_largest(series->outcomes, series->count, g, VISOR_METRIC_BOUNDED) > 0.0;

        visor_table_add(table, VISOR_PLAIN, host->name);
        snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)host->count * series->runs);
        visor_table_add(table, VISOR_PLAIN, text);
        for (int c = 0; c < COLUMN_COUNT; c++) {
            if (COLUMNS[c].published && !published) {
                visor_table_add(table, VISOR_PLAIN, "-");
                continue;
            }
            print_metric(COLUMNS[c].metric,
                         visor_outcome_median(series->outcomes, series->count, g, COLUMNS[c].metric,
                                              scratch),
                         text);
            visor_table_add(table, VISOR_PLAIN, text);
        }
    }
    visor_table_print(table, to, visor_table_wants_color(to));
    visor_table_free(table);
}

static void add_seconds(struct visor_table *table, double seconds)
{
    char text[VISOR_QUANTITY_MAX];

    visor_table_add(table, VISOR_PLAIN, seconds < 0.0 ? "-" : visor_quantity_print(seconds, text));
}

/* One row of the second table: `group` NONE: all hosts. */
static void add_recovery(struct visor_table *table, const struct visor_series *series,
                         uint32_t group, double *scratch)
{
    const struct visor_outcome *o = series->outcomes;
    size_t n = series->count;
    double outages = visor_outcome_sum(o, n, group, VISOR_METRIC_OUTAGES), total = 0.0;
    char text[VISOR_QUANTITY_MAX];

    visor_table_add(table, VISOR_PLAIN,
                    group == VISOR_SCENARIO_NONE ? _("all") : series->scenario->hosts[group].name);
    add_seconds(table, visor_outcome_median(o, n, group, VISOR_METRIC_FIRST_IN, scratch));
    add_seconds(table, visor_outcome_median(o, n, group, VISOR_METRIC_RMS, scratch));
    add_seconds(table, visor_outcome_median(o, n, group, VISOR_METRIC_P99, scratch));
    add_seconds(table, visor_outcome_largest(o, n, group, VISOR_METRIC_MAX));
    print_metric(VISOR_METRIC_LOST, visor_outcome_median(o, n, group, VISOR_METRIC_LOST, scratch),
                 text);
    visor_table_add(table, VISOR_PLAIN, text);
    snprintf(text, sizeof(text), "%.10g", outages / series->runs);
    visor_table_add(table, VISOR_PLAIN, text);
    for (size_t i = 0; i < n; i++)
        if (group == VISOR_SCENARIO_NONE || o[i].group == group)
            total += o[i].metric[VISOR_METRIC_OUTAGES] * o[i].metric[VISOR_METRIC_OUTAGES_MEAN];
    add_seconds(table, outages > 0.0 ? total / outages : -1.0);
    add_seconds(table, outages > 0.0
                           ? visor_outcome_largest(o, n, group, VISOR_METRIC_OUTAGES_LONGEST)
                           : -1.0);
}

/* What the operators of a fleet ask for. A failure is a host whose clock leaves the limit. */
static void print_recovery(const struct visor_series *series, double *scratch, FILE *to)
{
    static const char *const titles[] = {
        N_("host"),        N_("first right after"), N_("RMS error"),
        N_("99 % within"), N_("max error"),         N_("packets lost"),
        N_("failures"),    N_("mean recovery"),     N_("longest")};
    struct visor_table *table = visor_table_new("lrrrrrrrr");
    char limit[VISOR_QUANTITY_MAX];

    if (!table)
        return;
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        visor_table_add(table, VISOR_BOLD, _(titles[i]));
    for (uint32_t g = 0; g < series->scenario->host_count; g++)
        add_recovery(table, series, g, scratch);
    add_recovery(table, series, VISOR_SCENARIO_NONE, scratch);
    fprintf(to, _("\nFailures (a clock wrong by more than %s) a run of %.3g h, and recovery:\n"),
            visor_quantity_print(series->scenario->limits.error, limit),
            series->scenario->duration / 3600.0);
    visor_table_print(table, to, visor_table_wants_color(to));
    visor_table_free(table);
}

/* ---- what went wrong ---- */

static void print_windows(const struct visor_series *series, FILE *to)
{
    double count = 0.0, total = 0.0, longest = 0.0, worst = 0.0;
    char text[2][VISOR_QUANTITY_MAX];

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
                count, visor_quantity_print(total, text[0]), visor_quantity_print(longest, text[1]),
                worst);
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
    fprintf(to, _("  run it again: timevisor sim --seed %" PRIu64 " %s (commit %s)\n"), seed,
            options->file, VISOR_COMMIT);
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

bool visor_sim_report(const struct visor_series *series, const struct visor_sim_options *options,
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
    if (series->scenario->report_recovery)
        print_recovery(series, scratch, to);
    print_windows(series, to);
    for (size_t i = 0, shown = 0; i < series->count && shown < 3; i++)
        if (series->outcomes[i].violation >= 0 || series->outcomes[i].unmet > 0) {
            print_failure(series, options, &series->outcomes[i], to);
            shown++;
        }
    if (bad > 0)
        fprintf(to, _("%zu of %zu hosts and runs failed\n"), bad, series->count);
    free(scratch);
    return bad == 0;
}
