/* A plan as a drawing: a row a layer, the sites side by side, arrows from who asks to who answers.
 */
#include "timevisor/plan.h"

#include "port/text.h"
#include "timevisor/quantity.h"

#include <string.h>

#define WIDTH   920
#define LEFT    24
#define ROW     124
#define TOP     104
#define LABEL   26 /* height of a layer's words, above its boxes */
#define BOX     40
#define SITES   3 /* drawn */
#define MOST    4 /* boxes a layer and site */
#define ESCAPED 400

/* Text of ours may have what XML wants written otherwise. */
static const char *escape(const char *text, char to[ESCAPED])
{
    size_t at = 0;

    for (; *text && at + 8 < ESCAPED; text++) {
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                                        : NULL;

        if (as) {
            memcpy(to + at, as, strlen(as));
            at += strlen(as);
        } else {
            to[at++] = *text;
        }
    }
    to[at] = '\0';
    return to;
}

static const char *color_of(const struct visor_planned *planned, int layer)
{
    const struct visor_plan_figures *f = &planned->results[0].layers[layer];

    return !f->known                                        ? "#64748b"
           : f->bound_s < 0.0                               ? "#b91c1c"
           : f->bound_s > planned->plan.needs.limit_s       ? "#b91c1c"
           : f->bound_s > 0.5 * planned->plan.needs.limit_s ? "#b45309"
                                                            : "#15803d";
}

static int boxes_of(const struct visor_plan *plan, const struct visor_plan_layer *layer, int sites)
{
    int each = layer->count / (plan->needs.sites > 0 ? plan->needs.sites : 1);

    (void)sites;
    return layer->count == 0 ? 1 : each < 1 ? 1 : each > MOST ? MOST : each;
}

static double middle_of(int site, int sites, int box, int boxes)
{
    double width = (double)(WIDTH - 2 * LEFT) / sites;

    return LEFT + width * site + width * (box + 0.5) / boxes;
}

static const char *machine_of(const struct visor_plan *plan, const struct visor_plan_layer *layer)
{
    return layer->kind == VISOR_PLAN_REFERENCE ? _("receiver")
           : layer->kind == VISOR_PLAN_SERVER  ? _("server")
           : layer->kind == VISOR_PLAN_HOST    ? _("host")
           : plan->cloud_only                  ? _("instance")
                                               : _("machine");
}

static void draw_site(int site, int sites, int height, FILE *out)
{
    double width = (double)(WIDTH - 2 * LEFT) / sites;

    fprintf(out,
            "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"8\" fill=\"#eef2f7\"/>\n"
            "<text x=\"%.1f\" y=\"%d\" class=\"small\">",
            LEFT + width * site + 3.0, TOP - 22, width - 6.0, height - TOP + 8,
            LEFT + width * site + 12.0, TOP - 6);
    fprintf(out, _("site %d"), site + 1);
    fputs("</text>\n", out);
}

static void draw_boxes(const struct visor_planned *planned, int layer, int sites, FILE *out)
{
    const struct visor_plan_layer *l = &planned->plan.layers[layer];
    int boxes = boxes_of(&planned->plan, l, sites), wide = l->count == 0;
    double y = TOP + ROW * layer + LABEL, width = (double)(WIDTH - 2 * LEFT) / sites / boxes - 14.0;
    char text[ESCAPED];

    if (wide) {
        fprintf(out,
                "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"6\" class=\"box\" "
                "stroke=\"%s\"/>\n<text x=\"%d\" y=\"%.1f\" class=\"in\">%s</text>\n",
                LEFT + 10, y, WIDTH - 2 * LEFT - 20, BOX, color_of(planned, layer), WIDTH / 2,
                y + 25.0, escape(_(l->asks), text));
        return;
    }
    for (int site = 0; site < sites; site++)
        for (int box = 0; box < boxes; box++) {
            double x = middle_of(site, sites, box, boxes);

            fprintf(out,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"6\" "
                    "class=\"box\" stroke=\"%s\"/>\n<text x=\"%.1f\" y=\"%.1f\" "
                    "class=\"in\">%s</text>\n",
                    x - width / 2.0, y, width, BOX, color_of(planned, layer), x, y + 25.0,
                    machine_of(&planned->plan, l));
        }
}

/* Who asks stands below; with several in a row each is joined to each, faintly. */
static void draw_arrows(const struct visor_planned *planned, int layer, int sites, FILE *out)
{
    const struct visor_plan *plan = &planned->plan;
    int below = boxes_of(plan, &plan->layers[layer], sites);
    int above = boxes_of(plan, &plan->layers[layer - 1], sites);
    bool wide = plan->layers[layer - 1].count == 0;
    bool hosted = plan->layers[layer - 1].kind == VISOR_PLAN_HOST;
    double from = TOP + ROW * layer + LABEL, to = TOP + ROW * (layer - 1) + LABEL + BOX;

    for (int site = 0; site < sites; site++)
        for (int i = 0; i < below; i++)
            for (int j = 0; j < (wide ? 1 : above); j++) {
                if (hosted && j != i * above / below)
                    continue; /* a guest has one host */
                double x = middle_of(site, sites, i, below);
                double end = wide ? x : middle_of(site, sites, j, above);

                fprintf(out,
                        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#94a3b8\" "
                        "stroke-width=\"1.2\" marker-end=\"url(#tip)\"/>\n",
                        x, from, end, to + 4.0);
            }
}

static void draw_words(const struct visor_planned *planned, int layer, FILE *out)
{
    const struct visor_plan_layer *l = &planned->plan.layers[layer];
    const struct visor_plan_figures *f = &planned->results[0].layers[layer];
    char text[ESCAPED], bound[VISOR_QUANTITY_MAX], count[32] = "";

    if (l->count)
        snprintf(count, sizeof(count), " × %d", l->count);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" class=\"name\" stroke=\"#eef2f7\" stroke-width=\"6\" "
            "paint-order=\"stroke\">%s%s",
            WIDTH / 2, TOP + ROW * layer + LABEL - 9, escape(_(l->what), text), count);
    if (f->known)
        fprintf(out, "<tspan dx=\"14\" font-weight=\"normal\" fill=\"%s\">%s %s</tspan>",
                color_of(planned, layer), _("bound"),
                f->bound_s < 0.0 ? _("none") : visor_quantity_print(f->bound_s, bound));
    fputs("</text>\n", out);
}

bool visor_plan_draw(const struct visor_planned *planned, FILE *out)
{
    const struct visor_plan *plan = &planned->plan;
    int sites = plan->needs.sites < SITES ? plan->needs.sites : SITES;
    int height = TOP + ROW * plan->layer_count;
    char limit[VISOR_QUANTITY_MAX], text[ESCAPED];

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\">\n"
            "<defs><marker id=\"tip\" markerWidth=\"7\" markerHeight=\"7\" refX=\"6\" refY=\"3\" "
            "orient=\"auto\"><path d=\"M0,0 L6,3 L0,6 z\" fill=\"#94a3b8\"/></marker></defs>\n"
            "<style>.name{font-size:15px;font-weight:bold;text-anchor:middle;fill:#0f172a}"
            ".box{fill:#ffffff;stroke-width:2}.in{font-size:12px;text-anchor:middle;"
            "fill:#334155}.head{font-size:20px;font-weight:bold;fill:#0f172a}"
            ".small{font-size:13px;fill:#475569}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#f8fafc\"/>\n",
            WIDTH, height, WIDTH, height);
    fprintf(out, "<text x=\"%d\" y=\"36\" class=\"head\">", LEFT);
    fprintf(out, _("Time for %d machines (sites: %d)"), plan->needs.machines, plan->needs.sites);
    fputs("</text>\n", out);
    fprintf(out, "<text x=\"%d\" y=\"60\" class=\"small\">", LEFT);
    snprintf(text, sizeof(text),
             _("Wanted: %s. %s Arrows: who asks whom. At most %d sites and %d "
               "machines of each are drawn."),
             visor_quantity_print(plan->needs.limit_s, limit),
             visor_plan_holds(planned) ? _("Kept.") : _("Not kept."), SITES, MOST);
    fprintf(out, "%s</text>\n", text);
    for (int site = 0; site < sites && !plan->cloud_only; site++)
        draw_site(site, sites, height - 16, out);
    for (int i = 1; i < plan->layer_count; i++)
        draw_arrows(planned, i, sites, out);
    for (int i = 0; i < plan->layer_count; i++)
        draw_boxes(planned, i, sites, out);
    for (int i = 0; i < plan->layer_count; i++)
        draw_words(planned, i, out);
    fputs("</svg>\n", out);
    return !ferror(out);
}
