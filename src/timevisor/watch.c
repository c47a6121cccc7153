/* timevisor watch: everything that is known of this machine's time, again and again. */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/chart.h"
#include "timevisor/cli.h"
#include "timevisor/field.h"
#include "timevisor/machine.h"
#include "timevisor/quantity.h"
#include "timevisor/report.h"
#include "timevisor/screen.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS             1e-9
#define INTERVAL_LEAST 0.1

struct watch {
    struct visor_cli_options options;
    struct visor_machine *machine;
    struct visor_chart bounds, offsets;
    bool colored, blocks;
    int width;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor watch [--interval TIME] [--limit TIME] [--json] [--socket PATH]\n"
            "A live view of the clock, its error bound, sources and machine.\n"
            "q ends it, arrow keys move it. Without a terminal or with --json: lines.\n\n"
            "  --interval TIME  time between two looks (1s)\n"
            "  --limit TIME     greatest error bound that counts as right (1s)\n"
            "  --json           the daemon's status model and the machine's facts\n"
            "  --socket PATH    the daemon's control socket\n"),
          out);
}

static void print_chart(const struct watch *watch, FILE *out, const char *label, const char *value,
                        const struct visor_chart *chart)
{
    char bars[3 * VISOR_CHART_VALUES + 1];
    int pad = VISOR_REPORT_LABEL + 2 - visor_table_width(label),
        gap = 12 - visor_table_width(value);

    fprintf(out, "%s%s%s%*s%s%*s%s\n", visor_table_color(VISOR_DIM, watch->colored), label,
            visor_table_color(VISOR_PLAIN, watch->colored), pad > 0 ? pad : 1, "", value,
            gap > 0 ? gap : 1, "",
            visor_chart_draw(chart, watch->width - VISOR_REPORT_LABEL - 14, watch->blocks, bars));
}

static void print_charts(struct watch *watch, const json_t *status,
                         const struct visor_verdict *verdict, FILE *out)
{
    double offset = visor_field_number(status, "tracking.offset_s");
    char text[VISOR_QUANTITY_MAX], bound[VISOR_QUANTITY_MAX + 4];
    bool known = isfinite(verdict->bound_s);

    if (!known)
        offset = (double)INFINITY;
    visor_chart_add(&watch->bounds, verdict->bound_s);
    visor_chart_add(&watch->offsets, fabs(offset));
    snprintf(bound, sizeof(bound), "%s%s", known ? "±" : "",
             visor_quantity_print(verdict->bound_s, text));
    print_chart(watch, out, _("Error bound"), bound, &watch->bounds);
    print_chart(watch, out, _("Offset"),
                known ? visor_quantity_print_signed(offset, text) : _("unknown"), &watch->offsets);
}

static void print_heading(const struct watch *watch, FILE *out)
{
    char host[65] = "", utc[48];
    struct timespec now;
    json_t *ns;

    gethostname(host, sizeof(host) - 1);
    clock_gettime(CLOCK_REALTIME, &now);
    ns = json_integer((json_int_t)now.tv_sec * 1000000000 + now.tv_nsec);
    fprintf(out, _("%stimevisor%s  %s  this clock says %s  (q: quit, ↑↓)\n\n"),
            visor_table_color(VISOR_BOLD, watch->colored),
            visor_table_color(VISOR_PLAIN, watch->colored), host, visor_report_utc(ns, utc));
    json_decref(ns);
}

static void print_view(struct watch *watch, const json_t *status, FILE *out)
{
    struct visor_verdict verdict = {.bound_s = (double)INFINITY};

    print_heading(watch, out);
    if (status) {
        visor_verdict_read(status, visor_machine_facts(watch->machine), watch->options.limit_s,
                           &verdict);
        visor_report_status(status, &verdict, out, watch->colored, watch->width);
        print_charts(watch, status, &verdict, out);
        fputc('\n', out);
        visor_report_sources(status, visor_machine_facts(watch->machine), out, watch->colored,
                             watch->width);
    } else {
        fprintf(out, "%s%s%s\n", visor_table_color(VISOR_BAD, watch->colored),
                _("No daemon answers: what this clock is worth is not known."),
                visor_table_color(VISOR_PLAIN, watch->colored));
        visor_chart_add(&watch->bounds, (double)INFINITY);
        visor_chart_add(&watch->offsets, (double)INFINITY);
    }
    fputc('\n', out);
    visor_machine_print(watch->machine, out, watch->colored, watch->width);
}

static json_t *look(const struct watch *watch)
{
    json_t *status;

    return visor_ask(watch->options.socket, VISOR_CONTROL_STATUS, "", true, &status) ==
                   VISOR_CLI_YES
               ? status
               : NULL;
}

static void paint(struct watch *watch, struct visor_screen *screen, const json_t *status)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return;
    watch->width = visor_screen_width(screen);
    print_view(watch, status, out);
    fclose(out);
    visor_screen_paint(screen, text);
    free(text);
}

static int watch_terminal(struct watch *watch, struct visor_screen *screen)
{
    bool going = true;

    watch->blocks = !strcmp(nl_langinfo(CODESET), "UTF-8");
    watch->colored = visor_table_wants_color(stdout);
    while (going) {
        json_t *status = look(watch);

        paint(watch, screen, status);
        json_decref(status);
        going = visor_screen_wait(screen, watch->options.interval_s);
    }
    return VISOR_CLI_YES;
}

static void print_line(const struct watch *watch, const json_t *status)
{
    struct visor_verdict verdict;
    char utc[48] = "";

    if (!status) {
        puts(_("No daemon answers: what this clock is worth is not known."));
        return;
    }
    visor_verdict_read(status, visor_machine_facts(watch->machine), watch->options.limit_s,
                       &verdict);
    printf("%s  %s\n", visor_report_utc(visor_field(status, "utc_ns"), utc), verdict.text);
}

/* {"status": ..., "machine": ...}; no daemon: its status is null. */
static void print_json(const struct watch *watch, const json_t *status)
{
    json_t *both = json_object(), *copy = status ? json_deep_copy(status) : json_null();

    json_object_set_new(both, "status", copy ? copy : json_null());
    json_object_set_new(both, "machine", visor_machine_json(watch->machine));
    visor_ask_print(both);
    json_decref(both);
}

static int watch_lines(struct watch *watch)
{
    do {
        json_t *status = look(watch);

        if (watch->options.json)
            print_json(watch, status);
        else
            print_line(watch, status);
        json_decref(status);
        if (fflush(stdout))
            return VISOR_CLI_REFUSED; /* nobody reads on */
    } while (visor_screen_rest(watch->options.interval_s));
    return VISOR_CLI_YES;
}

int visor_cli_watch(int argc, char **argv)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    struct visor_screen *screen;
    int status;

    if (!watch)
        return VISOR_CLI_REFUSED;
    status =
        visor_cli_options(argc, argv, "interval limit json socket", print_usage, &watch->options);
    if (status == VISOR_CLI_YES && !watch->options.done) {
        if (watch->options.interval_s < INTERVAL_LEAST)
            watch->options.interval_s = INTERVAL_LEAST;
        watch->machine = visor_machine_new();
        screen = watch->options.json ? NULL : visor_screen_new();
        status = screen ? watch_terminal(watch, screen) : watch_lines(watch);
        visor_screen_free(screen);
        visor_machine_free(watch->machine);
    }
    free(watch);
    return status;
}
