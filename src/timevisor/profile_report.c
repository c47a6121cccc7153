/* What a log says of a period against a profile: as text, as JSON, and as a page to print. */
#include "port/text.h"
#include "timevisor/chart.h"
#include "timevisor/profile.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MAX 50000000
#define DATE_MAX  32

/* ---- the log ---- */

static bool append(struct visor_profile_log *log, const struct visor_history_line *line)
{
    if (log->count == log->room) {
        size_t room = log->room ? 2 * log->room : 4096;
        struct visor_history_line *lines = realloc(log->lines, room * sizeof(*lines));

        if (!lines)
            return false;
        log->lines = lines;
        log->room = room;
    }
    log->lines[log->count++] = *line;
    return true;
}

static int read_lines(struct visor_profile_log *log, FILE *from)
{
    struct visor_history_line line;
    char text[512];

    while (fgets(text, sizeof(text), from)) {
        size_t size = strlen(text);
        bool whole = size && text[size - 1] == '\n';

        if (whole)
            size--;
        switch (visor_history_read(text, size, &line)) {
        case VISOR_HISTORY_LINE:
            if (!append(log, &line))
                return -ENOMEM;
            break;
        case VISOR_HISTORY_BROKEN:
            log->broken++;
            break;
        case VISOR_HISTORY_BLANK:
            break;
        }
        if (log->count > LINES_MAX || log->broken > LINES_MAX)
            return -EFBIG;
    }
    return ferror(from) ? -EIO : 0;
}

int visor_profile_log_read(struct visor_profile_log *log, const char *path)
{
    FILE *from = strcmp(path, "-") ? fopen(path, "re") : stdin;
    int error;

    if (!from)
        return -errno;
    error = read_lines(log, from);
    if (from != stdin)
        fclose(from);
    return error;
}

void visor_profile_log_done(struct visor_profile_log *log)
{
    free(log->lines);
    *log = (struct visor_profile_log){.lines = NULL};
}

/* ---- what it says ---- */

enum visor_profile_verdict visor_profile_verdict(const struct visor_history *history)
{
    if (history->beyond_s)
        return VISOR_PROFILE_BROKEN;
    return history->missing_s || history->unsynchronized_s || !history->within_s
               ? VISOR_PROFILE_UNSHOWN
               : VISOR_PROFILE_KEPT;
}

bool visor_profile_date(const char *text, int64_t now_s, int64_t *time_s)
{
    struct tm tm = {.tm_mday = 1};
    double ago;
    char *end = strptime(text, "%Y-%m-%d", &tm);

    if (end && *end) {
        if (*end != 'T' && *end != ' ')
            return false;
        end = strptime(end + 1, "%H:%M:%S", &tm);
        if (end && *end == 'Z')
            end++;
    }
    if (end && !*end) {
        *time_s = timegm(&tm);
        return true;
    }
    if (!visor_quantity_parse(text, &ago) || ago > 1e10)
        return false;
    *time_s = now_s - (int64_t)ago;
    return true;
}

static char *print_date(int64_t time_s, char text[DATE_MAX])
{
    time_t at = (time_t)time_s;
    struct tm tm;

    if (!gmtime_r(&at, &tm) || !strftime(text, DATE_MAX, "%Y-%m-%d %H:%M:%SZ", &tm))
        strcpy(text, "?");
    return text;
}

static double share(const struct visor_history *history, int64_t seconds)
{
    return 100.0 * (double)seconds / (double)(history->to_s - history->from_s);
}

static const char *verdict_text(enum visor_profile_verdict verdict)
{
    switch (verdict) {
    case VISOR_PROFILE_KEPT:
        return _("kept: the error bound was within the limit all the time");
    case VISOR_PROFILE_BROKEN:
        return _("not kept: the error bound was beyond the limit at times");
    case VISOR_PROFILE_UNSHOWN:
        break;
    }
    return _("not shown: for a part of the period nothing proves that the limit was kept");
}

/* "" where the log goes back as far as the profile wants records kept. */
static char *print_kept(const struct visor_profile *profile, const struct visor_history *history,
                        char *text, size_t size)
{
    char span[VISOR_QUANTITY_MAX], keep[VISOR_QUANTITY_MAX];
    int64_t seconds = history->last_s - history->first_s;

    *text = 0;
    if (seconds < (int64_t)profile->keep_days * 86400)
        snprintf(text, size, _("This log goes back %s; records are to be kept for %s"),
                 visor_quantity_print_age((double)seconds, span),
                 visor_quantity_print_age(profile->keep_days * 86400.0, keep));
    return text;
}

static const char *cause_text(const struct visor_history_excursion *excursion,
                              char text[VISOR_QUANTITY_MAX])
{
    return isfinite(excursion->worst_s) ? visor_quantity_print(excursion->worst_s, text)
                                        : _("not shown");
}

struct row {
    const char *name;
    int64_t seconds;
};

static void rows_of(const struct visor_history *history, struct row rows[4])
{
    rows[0] = (struct row){_("within the limit"), history->within_s};
    rows[1] = (struct row){_("beyond the limit"), history->beyond_s};
    rows[2] = (struct row){_("not synchronized"), history->unsynchronized_s};
    rows[3] = (struct row){_("nothing logged"), history->missing_s};
}

void visor_profile_report_text(const struct visor_profile *profile,
                               const struct visor_history *history, FILE *to)
{
    char from[DATE_MAX], until[DATE_MAX], limit[VISOR_QUANTITY_MAX], worst[VISOR_QUANTITY_MAX];
    struct row rows[4];
    char kept[256];

    fprintf(to, _("Profile %s, limit %s (%s)\nFrom %s to %s: %s.\n\n"), profile->name,
            visor_quantity_print(profile->limit_s, limit), profile->source,
            print_date(history->from_s, from), print_date(history->to_s, until),
            verdict_text(visor_profile_verdict(history)));
    rows_of(history, rows);
    for (int i = 0; i < 4; i++)
        fprintf(to, "  %9.5f %%  %s\n", share(history, rows[i].seconds), rows[i].name);
    if (history->worst_at_s)
        fprintf(to, _("\nGreatest error bound: %s, at %s.\n"),
                visor_quantity_print(history->worst_s, worst),
                print_date(history->worst_at_s, from));
    if (*print_kept(profile, history, kept, sizeof(kept)))
        fprintf(to, "\n%s.\n", kept);
    if (history->excursion_count)
        fputs(_("\nWhere it was not shown to be within:\n"), to);
    for (size_t i = 0; i < history->excursion_count; i++)
        fprintf(to, "  %s  %s  %s\n", print_date(history->excursions[i].from_s, from),
                print_date(history->excursions[i].to_s, until),
                cause_text(&history->excursions[i], worst));
    if (history->excursion_more)
        fprintf(to, _("  and %llu more\n"), (unsigned long long)history->excursion_more);
    if (history->broken)
        fprintf(to, _("\n%llu lines of the log could not be read.\n"),
                (unsigned long long)history->broken);
}

json_t *visor_profile_report_json(const struct visor_profile *profile,
                                  const struct visor_history *history)
{
    static const char *const verdicts[] = {"kept", "broken", "not shown"};
    json_t *excursions = json_array();

    for (size_t i = 0; i < history->excursion_count; i++) {
        const struct visor_history_excursion *e = &history->excursions[i];

        json_array_append_new(
            excursions, json_pack("{s:I, s:I, s:o}", "from_s", (json_int_t)e->from_s, "to_s",
                                  (json_int_t)e->to_s, "worst_s",
                                  isfinite(e->worst_s) ? json_real(e->worst_s) : json_null()));
    }
    return json_pack(
        "{s:i, s:s, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:I}",
        "version", 1, "profile", profile->name, "limit_s", profile->limit_s, "source",
        profile->source, "verdict", verdicts[visor_profile_verdict(history)], "from_s",
        (json_int_t)history->from_s, "to_s", (json_int_t)history->to_s, "within_s",
        (json_int_t)history->within_s, "beyond_s", (json_int_t)history->beyond_s,
        "unsynchronized_s", (json_int_t)history->unsynchronized_s, "missing_s",
        (json_int_t)history->missing_s, "worst_s",
        history->worst_at_s ? json_real(history->worst_s) : json_null(), "worst_at_s",
        history->worst_at_s ? json_integer(history->worst_at_s) : json_null(), "lines",
        (json_int_t)history->lines, "broken_lines", (json_int_t)history->broken, "excursions",
        excursions, "excursions_more", (json_int_t)history->excursion_more);
}

/* ---- the page ---- */

#define WIDTH  (2 * VISOR_HISTORY_COLUMNS)
#define HEIGHT 240

/* On a logarithmic scale from a thousandth of the limit to a hundred times it. */
static double height_of(const struct visor_profile *profile, double error_s)
{
    double decades = error_s > 0 ? log10(error_s / profile->limit_s) + 3.0 : 0.0;

    return fmin(fmax(decades / 5.0, 0.004), 1.0) * HEIGHT;
}

static void draw(const struct visor_profile *profile, const struct visor_history *history, FILE *to)
{
    double line = HEIGHT - height_of(profile, profile->limit_s);
    char limit[VISOR_QUANTITY_MAX];

    fprintf(to, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
            _("error bound over time"));
    for (int i = 0; i < VISOR_HISTORY_COLUMNS; i++) {
        double error_s = history->columns[i];
        double height = error_s < 0 ? HEIGHT : height_of(profile, error_s);

        fprintf(to, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"2\" height=\"%.1f\"/>\n",
                error_s < 0                  ? "unknown"
                : error_s > profile->limit_s ? "beyond"
                                             : "within",
                2 * i, HEIGHT - height, height);
    }
    fprintf(to,
            "<line x1=\"0\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"4\" y=\"%.1f\">%s</text>\n"
            "</svg>\n",
            WIDTH, line, line, line - 4, visor_quantity_print(profile->limit_s, limit));
}

static void print_head(FILE *to)
{
    fprintf(
        to,
        "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>%s</title>\n"
        "<style>\nbody{font:15px/1.5 system-ui,sans-serif;max-width:52em;margin:2em auto;"
        "padding:0 1em;color:#1a1a1a;background:#fff}\nh1{font-size:1.5em}\n"
        "table{border-collapse:collapse;width:100%%}td,th{padding:.25em .6em;text-align:left;"
        "border-bottom:1px solid #ddd}\ntd.n{text-align:right;font-variant-numeric:tabular-nums}\n"
        ".verdict{padding:.6em 1em;border-left:.4em solid;font-weight:600}\n"
        ".kept{border-color:#2a7d2e;background:#eef7ee}.broken{border-color:#b3261e;"
        "background:#fbeeee}.unshown{border-color:#b8860b;background:#fdf6e3}\n"
        "svg{width:100%%;height:auto;background:#f7f7f7}.within{fill:#3b7dd8}"
        ".beyond{fill:#b3261e}.unknown{fill:#e3d5a8}\n"
        "svg line{stroke:#b3261e;stroke-dasharray:6 4}svg text{font-size:12px;fill:#b3261e}\n"
        "</style></head><body>\n",
        _("en"), _("Time compliance report"));
}

void visor_profile_report_html(const struct visor_profile *profile,
                               const struct visor_history *history, FILE *to)
{
    static const char *const classes[] = {"kept", "broken", "unshown"};
    char from[DATE_MAX], until[DATE_MAX], limit[VISOR_QUANTITY_MAX], worst[VISOR_QUANTITY_MAX];
    enum visor_profile_verdict verdict = visor_profile_verdict(history);
    struct row rows[4];
    char kept[256];

    print_head(to);
    fprintf(to, "<h1>%s: %s</h1>\n<p>%s. %s: %s. %s</p>\n<p>%s – %s</p>\n",
            _("Time compliance report"), profile->name, _(profile->purpose),
            _("Limit of the error bound"), visor_quantity_print(profile->limit_s, limit),
            profile->source, print_date(history->from_s, from), print_date(history->to_s, until));
    fprintf(to, "<p class=\"verdict %s\">%s</p>\n", classes[verdict], verdict_text(verdict));
    draw(profile, history, to);
    rows_of(history, rows);
    fputs("<table>\n", to);
    for (int i = 0; i < 4; i++)
        fprintf(to, "<tr><td>%s</td><td class=\"n\">%.5f %%</td></tr>\n", rows[i].name,
                share(history, rows[i].seconds));
    if (history->worst_at_s)
        fprintf(to, "<tr><td>%s</td><td class=\"n\">%s, %s</td></tr>\n", _("greatest error bound"),
                visor_quantity_print(history->worst_s, worst),
                print_date(history->worst_at_s, from));
    fputs("</table>\n", to);
    if (*print_kept(profile, history, kept, sizeof(kept)))
        fprintf(to, "<p>%s.</p>\n", kept);
    if (history->excursion_count)
        fprintf(to, "<h2>%s</h2>\n<table>\n", _("Where it was not shown to be within"));
    for (size_t i = 0; i < history->excursion_count; i++)
        fprintf(to, "<tr><td>%s</td><td>%s</td><td class=\"n\">%s</td></tr>\n",
                print_date(history->excursions[i].from_s, from),
                print_date(history->excursions[i].to_s, until),
                cause_text(&history->excursions[i], worst));
    if (history->excursion_count)
        fputs("</table>\n", to);
    if (history->excursion_more)
        fprintf(to, "<p>%llu %s</p>\n", (unsigned long long)history->excursion_more, _("more"));
    fputs("</body></html>\n", to);
}
