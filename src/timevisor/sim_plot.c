/* The drawing is made of columns, each the extremes of its seconds, so that no peak is lost however
 * long the run. Errors are drawn by their size on a logarithmic scale. */
#include "timevisor/sim_plot.h"

#include "base/math.h"
#include "port/text.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS    900
#define LEFT       78
#define TOP        96
#define HEIGHT     360
#define BAND       16
#define WIDTH      (LEFT + COLUMNS + 24)
#define LANES      4 /* of labels above the drawing */
#define LANE       12
#define EVENTS_MAX 400

struct column {
    uint32_t samples;
    double error_least, error_most, estimate_most, bound_most;
    bool published, unbounded, false_bound;
};

struct event {
    double at;
    char text[2 * VISOR_SCENARIO_NAME_MAX + 32];
    int lane; /* of its label; LANES: none has room */
    bool left;
};

struct change {
    double at;
    uint32_t value;
};

struct visor_plot {
    const struct visor_scenario *scenario;
    const struct visor_host *host;
    const struct visor_world *world;
    double duration;
    struct column column[COLUMNS];
    struct event event[EVENTS_MAX];
    struct change trust[EVENTS_MAX], source[EVENTS_MAX];
    size_t events, trusts, sources;
    int lanes;     /* of labels that are used */
    int low, high; /* decades shown */
};

/* ---- watching ---- */

static void add_sample(void *context, const struct visor_host *host,
                       const struct visor_score_sample *sample)
{
    struct visor_plot *plot = context;
    size_t x = (size_t)(sample->seconds / plot->duration * (COLUMNS - 1));
    double error = sample->error < 0.0 ? -sample->error : sample->error;
    double estimate = sample->estimate < 0.0 ? -sample->estimate : sample->estimate;
    struct column *c = &plot->column[x < COLUMNS ? x : COLUMNS - 1];

    if (host != plot->host)
        return;
    if (c->samples++ == 0)
        c->error_least = error;
    c->error_least = error < c->error_least ? error : c->error_least;
    c->error_most = error > c->error_most ? error : c->error_most;
    if (!sample->published)
        return;
    c->published = true;
    c->estimate_most = estimate > c->estimate_most ? estimate : c->estimate_most;
    c->bound_most = sample->bound > c->bound_most ? sample->bound : c->bound_most;
    c->unbounded |= sample->bound < 0.0;
    c->false_bound |= sample->bound >= 0.0 && estimate > sample->bound;
}

static void add_change(struct change *changes, size_t *count, double at, uint32_t value)
{
    if (*count > 0 && changes[*count - 1].value == value)
        return;
    if (*count < EVENTS_MAX)
        changes[(*count)++] = (struct change){at, value};
}

static void add_action(void *context, const struct visor_host *host, int64_t at,
                       const struct visor_action *action)
{
    struct visor_plot *plot = context;
    double seconds = visor_seconds_from_ns(at);
    uint32_t target;

    if (host != plot->host)
        return;
    if (action->kind == VISOR_ACTION_PUBLISH)
        add_change(plot->trust, &plot->trusts, seconds, (uint32_t)action->view.trust);
    else if (action->kind == VISOR_ACTION_LOG && action->message.kind == VISOR_MESSAGE_SELECTED)
        add_change(plot->source, &plot->sources, seconds,
                   visor_world_target(&action->message.address, &target) ? target
                                                                         : VISOR_SCENARIO_NONE);
}

static bool concerns(const struct visor_plot *plot, const struct visor_scenario_mishap *mishap)
{
    return &plot->scenario->hosts[mishap->index] == plot->host->model &&
           (mishap->member == 0 ||
            visor_world_host(plot->world, mishap->index, mishap->member - 1) == plot->host);
}

static void add_mishap(void *context, const struct visor_scenario_mishap *mishap, int64_t at)
{
    struct visor_plot *plot = context;
    const struct visor_scenario *s = plot->scenario;
    struct event *event = &plot->event[plot->events];
    const char *name = mishap->target == VISOR_TARGET_HOST     ? ""
                       : mishap->target == VISOR_TARGET_SERVER ? s->servers[mishap->index].name
                       : mishap->target == VISOR_TARGET_DEVICE ? s->devices[mishap->index].name
                                                               : s->networks[mishap->index].name;

    if (plot->events == EVENTS_MAX ||
        (mishap->target == VISOR_TARGET_HOST && !concerns(plot, mishap)))
        return;
    plot->events++;
    event->at = visor_seconds_from_ns(at);
    snprintf(event->text, sizeof(event->text), "%s%s%s", name, *name ? " " : "",
             visor_scenario_mishap_name(mishap->kind));
}

struct visor_plot *visor_plot_new(struct visor_world *world, const char *name)
{
    struct visor_plot *plot = calloc(1, sizeof(*plot));

    for (size_t i = 0; plot && i < world->host_count && !plot->host; i++)
        if (!name || strcmp(name, world->hosts[i].name) == 0)
            plot->host = &world->hosts[i];
    if (!plot || !plot->host) {
        free(plot);
        return NULL;
    }
    plot->world = world;
    plot->scenario = world->scenario;
    plot->duration = world->scenario->duration;
    world->observer = (struct visor_observer){
        .context = plot, .sample = add_sample, .action = add_action, .mishap = add_mishap};
    return plot;
}

void visor_plot_free(struct visor_plot *plot)
{
    free(plot);
}

/* ---- drawing ---- */

static double decades(double value)
{
    return visor_math_log(value) / visor_math_log(10.0);
}

static double x_of(const struct visor_plot *plot, double seconds)
{
    return LEFT + seconds / plot->duration * COLUMNS;
}

static double y_of(const struct visor_plot *plot, double size)
{
    double low = plot->low, high = plot->high, y = size > 0.0 ? decades(size) : low;

    y = y < low ? low : y > high ? high : y;
    return TOP + HEIGHT * (high - y) / (high - low);
}

/* Whole decades that hold all maxima of the columns. */
static void choose_range(struct visor_plot *plot)
{
    double least = 1e300, most = 0.0;

    for (int i = 0; i < COLUMNS; i++) {
        const struct column *c = &plot->column[i];
        double sizes[3] = {c->error_most, c->estimate_most, c->bound_most};

        for (int k = 0; k < 3; k++) {
            most = sizes[k] > most ? sizes[k] : most;
            least = sizes[k] > 0.0 && sizes[k] < least ? sizes[k] : least;
        }
    }
    plot->high = 0;
    plot->low = -6;
    if (most > 0.0) {
        double high = decades(most), low = decades(least);

        plot->high = (int)(high + 100.0) - 99;
        plot->low = (int)(low + 100.0) - 100;
    }
    if (plot->high - plot->low < 2)
        plot->low = plot->high - 2;
}

/* Width of a text in the drawing's font, about. */
static double width_of(const char *text)
{
    return 6.5 * visor_table_width(text);
}

static void text_at(FILE *to, double x, double y, const char *anchor, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&')
            fprintf(to, "&#%d;", *text);
        else
            fputc(*text, to);
    fputs("</text>\n", to);
}

static void draw_grid(const struct visor_plot *plot, FILE *to)
{
    static const double steps[] = {1,     2,      5,      10,     20,      60,      120,     300,
                                   600,   1200,   1800,   3600,   7200,    10800,   21600,   43200,
                                   86400, 172800, 432000, 864000, 2592000, 8640000, 31536000};
    char text[VISOR_QUANTITY_MAX];
    double step = steps[sizeof(steps) / sizeof(steps[0]) - 1], ten;

    for (size_t i = sizeof(steps) / sizeof(steps[0]); i-- > 0;)
        if (plot->duration / steps[i] <= 12.0)
            step = steps[i];
    fputs("<g stroke=\"#e3e3e3\">\n", to);
    for (int d = plot->low; d <= plot->high; d++) {
        ten = visor_math_exp(visor_math_log(10.0) * d);
        fprintf(to, "<path d=\"M%d %.1fh%d\"/>\n", LEFT, y_of(plot, ten), COLUMNS);
    }
    for (int i = 0; i * step <= plot->duration; i++)
        fprintf(to, "<path d=\"M%.1f %dv%d\"/>\n", x_of(plot, i * step), TOP, HEIGHT);
    fputs("</g>\n<g fill=\"#444\">\n", to);
    for (int d = plot->low; d <= plot->high; d++) {
        ten = visor_math_exp(visor_math_log(10.0) * d);
        snprintf(text, sizeof(text),
                 d >= 0    ? "%.0f s"
                 : d >= -3 ? "%.0f ms"
                 : d >= -6 ? "%.0f µs"
                 : d >= -9 ? "%.0f ns"
                           : "%.3g ns",
                 ten * (d >= 0    ? 1.0
                        : d >= -3 ? 1e3
                        : d >= -6 ? 1e6
                                  : 1e9));
        text_at(to, LEFT - 8, y_of(plot, ten) + 4, "end", text);
    }
    for (int i = 0; i * step <= plot->duration; i++) {
        double t = i * step;

        snprintf(text, sizeof(text),
                 step >= 86400  ? "%.0f d"
                 : step >= 3600 ? "%.0f h"
                 : step >= 60   ? "%.0f min"
                                : "%.0f s",
                 t / (step >= 86400  ? 86400.0
                      : step >= 3600 ? 3600.0
                      : step >= 60   ? 60.0
                                     : 1.0));
        text_at(to, x_of(plot, t), TOP + HEIGHT + 2 * BAND + 34, "middle", t > 0.0 ? text : "0");
    }
    fputs("</g>\n", to);
}

/* Columns [from, to) as one path along `size` of a column. */
static void draw_line(const struct visor_plot *plot, size_t member, bool published,
                      const char *style, FILE *to)
{
    bool pen = false;

    fprintf(to, "<path fill=\"none\" %s d=\"", style);
    for (int i = 0; i < COLUMNS; i++) {
        const struct column *c = &plot->column[i];
        double size;

        memcpy(&size, (const char *)c + member, sizeof(size));
        if (c->samples == 0 || (published && !c->published)) {
            pen = pen && c->samples == 0 && !published; /* a gap of sampling is no gap */
            continue;
        }
        fprintf(to, "%s%.1f %.1f", pen ? "L" : "M", LEFT + i + 0.5, y_of(plot, size));
        pen = true;
    }
    fputs("\"/>\n", to);
}

static void draw_bound(const struct visor_plot *plot, FILE *to)
{
    fputs("<path fill=\"#fbe6c4\" d=\"", to);
    for (int i = 0; i < COLUMNS; i++) {
        const struct column *c = &plot->column[i];
        double y = y_of(plot, c->bound_most);

        if (c->published && !c->unbounded)
            fprintf(to, "M%d %.1fh1.2V%dh-1.2z", LEFT + i, y, TOP + HEIGHT);
    }
    fputs("\"/>\n", to);
}

static void draw_false(const struct visor_plot *plot, FILE *to)
{
    fputs("<path fill=\"#d9534f\" fill-opacity=\"0.3\" d=\"", to);
    for (int i = 0; i < COLUMNS; i++)
        if (plot->column[i].false_bound)
            fprintf(to, "M%d %dh1.2v%dh-1.2z", LEFT + i, TOP, HEIGHT);
    fputs("\"/>\n", to);
}

static void draw_envelope(const struct visor_plot *plot, FILE *to)
{
    fputs("<path stroke=\"#9db8e0\" stroke-width=\"1\" d=\"", to);
    for (int i = 0; i < COLUMNS; i++) {
        const struct column *c = &plot->column[i];

        if (c->samples > 1)
            fprintf(to, "M%.1f %.1fV%.1f", LEFT + i + 0.5, y_of(plot, c->error_least),
                    y_of(plot, c->error_most));
    }
    fputs("\"/>\n", to);
}

struct band {
    const struct change *changes;
    size_t count;
    double y;
    const char *const *colors; /* by value, again from the first at the end */
    size_t color_count;
    bool named; /* values are sources */
};

/* Of the target that a source's address stands for; reference clocks are not told apart. */
static const char *name_of(const struct visor_plot *plot, uint32_t target)
{
    const struct visor_host *host;

    if (target == VISOR_SCENARIO_NONE)
        return "";
    if (!(target & VISOR_TARGET_IS_HOST))
        return target < plot->scenario->server_count ? plot->scenario->servers[target].name : "";
    host = visor_world_host_of(plot->world, target);
    return host ? host->name : "";
}

static void draw_band(const struct visor_plot *plot, const struct band *band, FILE *to)
{
    for (size_t i = 0; i < band->count; i++) {
        double from = x_of(plot, band->changes[i].at);
        double end = i + 1 < band->count ? x_of(plot, band->changes[i + 1].at) : LEFT + COLUMNS;
        const char *name = band->named ? name_of(plot, band->changes[i].value) : "";

        fprintf(to, "<path fill=\"%s\" d=\"M%.1f %.1fH%.1fv%dH%.1fz\"/>\n",
                band->colors[band->changes[i].value % band->color_count], from, band->y, end,
                BAND - 3, from);
        if (*name && width_of(name) + 8 < end - from) {
            fputs("<g fill=\"white\">", to);
            text_at(to, (from + end) / 2, band->y + BAND - 6, "middle", name);
            fputs("</g>\n", to);
        }
    }
}

static void draw_bands(const struct visor_plot *plot, FILE *to)
{
    static const char *const trust[] = {"#bdbdbd", "#6fbf73", "#f2c14e", "#d9534f"};
    static const char *const source[] = {"#4e79a7", "#f28e2b", "#59a14f", "#b07aa1",
                                         "#76b7b2", "#edc948", "#9c755f"};
    double y = TOP + HEIGHT + 6;

    draw_band(plot, &(struct band){plot->trust, plot->trusts, y, trust, 4, false}, to);
    draw_band(plot, &(struct band){plot->source, plot->sources, y + BAND, source, 7, true}, to);
    fputs("<g fill=\"#444\">\n", to);
    text_at(to, LEFT - 8, y + BAND - 6, "end", _("trust"));
    text_at(to, LEFT - 8, y + 2 * BAND - 6, "end", _("source"));
    fputs("</g>\n", to);
}

/* Each label into the lowest lane where there is room for it, if there is. */
static void place_labels(struct visor_plot *plot)
{
    double end[LANES] = {0};

    for (size_t i = 0; i < plot->events; i++) {
        struct event *event = &plot->event[i];
        double x = x_of(plot, event->at), width = width_of(event->text) + 8;

        event->left = x + width > LEFT + COLUMNS;
        event->lane = 0;
        while (event->lane < LANES && (event->left ? x - width : x) < end[event->lane])
            event->lane++;
        if (event->lane == LANES)
            continue;
        end[event->lane] = event->left ? x : x + width;
        plot->lanes = event->lane + 1 > plot->lanes ? event->lane + 1 : plot->lanes;
    }
}

/* A dashed line each, with its label. */
static void draw_events(const struct visor_plot *plot, FILE *to)
{
    for (size_t i = 0; i < plot->events; i++) {
        const struct event *event = &plot->event[i];
        double x = x_of(plot, event->at);

        fprintf(to, "<path stroke=\"#b03060\" stroke-dasharray=\"3 3\" d=\"M%.1f %dv%d\"/>\n", x,
                TOP, HEIGHT);
        if (event->lane == LANES)
            continue;
        fputs("<g fill=\"#b03060\">", to);
        text_at(to, event->left ? x - 2 : x + 2, TOP - 5 - LANE * event->lane,
                event->left ? "end" : "start", event->text);
        fputs("</g>\n", to);
    }
}

/* Names of what is drawn: lines, then areas below them. */
static void draw_legend(FILE *to)
{
    static const struct {
        const char *color, *text, *dashes;
    } entries[] = {{"#d17b0f", N_("published bound"), ""},
                   {"#1f4e9c", N_("error of CLOCK_REALTIME"), ""},
                   {"#2b8a5a", N_("error of the published estimate"), "6 3"},
                   {"#f0b6b4", N_("false bound"), ""},
                   {"#6fbf73", N_("synchronized"), ""},
                   {"#f2c14e", N_("holdover"), ""},
                   {"#d9534f", N_("disrupted"), ""},
                   {"#bdbdbd", N_("unknown"), ""}};
    double x = LEFT, y = TOP + HEIGHT + 2 * BAND + 58;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (i == 3) {
            x = LEFT;
            y += 18;
        }
        if (i < 3)
            fprintf(to,
                    "<path stroke=\"%s\" stroke-width=\"2.5\" stroke-dasharray=\"%s\" "
                    "d=\"M%.1f %.1fh18\"/>\n",
                    entries[i].color, entries[i].dashes, x, y - 4);
        else
            fprintf(to, "<path fill=\"%s\" d=\"M%.1f %.1fh18v10h-18z\"/>\n", entries[i].color, x,
                    y - 9);
        text_at(to, x + 23, y, "start", _(entries[i].text));
        x += 44 + width_of(_(entries[i].text));
    }
}

/* The sheet and its title; the unused lanes are cut off. */
static void draw_sheet(const struct visor_plot *plot, FILE *to)
{
    char title[VISOR_SCENARIO_TITLE_MAX + 64];
    int top = LANE * (LANES - plot->lanes);

    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 %d %d %d\" font-family=\""
            "sans-serif\" font-size=\"11\">\n<rect y=\"%d\" width=\"100%%\" height=\"100%%\" "
            "fill=\"white\"/>\n",
            top, WIDTH, TOP + HEIGHT + 2 * BAND + 92 - top, top);
    snprintf(title, sizeof(title), "%s%s%s (%s %llu)", plot->scenario->title,
             plot->scenario->title[0] ? ": " : "", plot->host->name, _("seed"),
             (unsigned long long)plot->world->seed);
    fputs("<g font-size=\"15\" font-weight=\"bold\" fill=\"#222\">\n", to);
    text_at(to, LEFT, top + 24, "start", title);
    fputs("</g>\n", to);
}

static void draw_all(const struct visor_plot *plot, FILE *to)
{
    draw_sheet(plot, to);
    draw_bound(plot, to);
    draw_false(plot, to);
    draw_grid(plot, to);
    draw_envelope(plot, to);
    draw_line(plot, offsetof(struct column, error_most), false, "stroke=\"#1f4e9c\"", to);
    draw_line(plot, offsetof(struct column, estimate_most), true,
              "stroke=\"#2b8a5a\" stroke-dasharray=\"6 3\"", to);
    draw_line(plot, offsetof(struct column, bound_most), true,
              "stroke=\"#d17b0f\" stroke-width=\"1.5\"", to);
    draw_events(plot, to);
    fprintf(to,
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
            "stroke=\"#888\"/>\n",
            LEFT, TOP, COLUMNS, HEIGHT);
    draw_bands(plot, to);
    draw_legend(to);
    fputs("</svg>\n", to);
}

bool visor_plot_write(const struct visor_plot *seen, FILE *to)
{
    struct visor_plot *plot = malloc(sizeof(*plot));

    if (!plot)
        return false;
    *plot = *seen;
    choose_range(plot);
    place_labels(plot);
    draw_all(plot, to);
    free(plot);
    return !ferror(to);
}
