/* A plan as text and as JSON. */
#include "timevisor/plan.h"

#include "port/text.h"
#include "timevisor/findings.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <string.h>

static const char *size_text(enum visor_plan_size size)
{
    static const char *const texts[] = {N_("small (fewer than 10 machines)"),
                                        N_("medium (10 to 100 machines, or several sites)"),
                                        N_("large (more than 100 machines)")};

    return _(texts[size]);
}

static const char *bound_text(double bound_s, char text[VISOR_QUANTITY_MAX])
{
    return bound_s < 0.0 ? _("none") : visor_quantity_print(bound_s, text);
}

/* From top to bottom, an arrow for each question. */
static void print_tree(const struct visor_planned *planned, FILE *out, bool colored)
{
    char bound[VISOR_QUANTITY_MAX];

    for (int i = 0; i < planned->plan.layer_count; i++) {
        const struct visor_plan_layer *layer = &planned->plan.layers[i];
        const struct visor_plan_figures *f = &planned->results[0].layers[i];

        fprintf(out, "%*s%s%s%s%s", 3 * i, "", i ? "└─ " : "",
                visor_table_color(VISOR_BOLD, colored), _(layer->what),
                visor_table_color(VISOR_PLAIN, colored));
        if (layer->count)
            fprintf(out, " × %d", layer->count);
        if (f->known)
            fprintf(out, "   %s%s%s",
                    visor_table_color(f->bound_s < 0.0 || f->bound_s > planned->plan.needs.limit_s
                                          ? VISOR_BAD
                                          : VISOR_GOOD,
                                      colored),
                    f->bound_s < 0.0 ? _("no bound") : visor_quantity_print(f->bound_s, bound),
                    visor_table_color(VISOR_PLAIN, colored));
        fputc('\n', out);
        visor_findings_print_indented(out, 3 * i + 3, _("asks: "), _(layer->asks));
    }
}

static void print_layers(const struct visor_planned *planned, FILE *out, bool colored)
{
    struct visor_table *table = visor_table_new("lrrrl");
    char text[VISOR_QUANTITY_MAX], number[32];

    visor_table_add(table, VISOR_DIM, _("Layer"));
    visor_table_add(table, VISOR_DIM, _("Machines"));
    visor_table_add(table, VISOR_DIM, _("Bound"));
    visor_table_add(table, VISOR_DIM, _("Packets/h each"));
    visor_table_add(table, VISOR_DIM, _("Files (timevisor generate)"));
    for (int i = 0; i < planned->plan.layer_count; i++) {
        const struct visor_plan_layer *layer = &planned->plan.layers[i];
        const struct visor_plan_figures *f = &planned->results[0].layers[i];

        if (!f->known)
            continue;
        visor_table_add(table, VISOR_PLAIN, _(layer->what));
        snprintf(number, sizeof(number), "%d", layer->count);
        visor_table_add(table, VISOR_PLAIN, number);
        visor_table_add(table,
                        f->bound_s >= 0.0 && f->bound_s <= planned->plan.needs.limit_s ? VISOR_GOOD
                                                                                       : VISOR_BAD,
                        bound_text(f->bound_s, text));
        snprintf(number, sizeof(number), "%.0f", f->packets_h);
        visor_table_add(table, VISOR_PLAIN, number);
        visor_table_add(table, VISOR_PLAIN, layer->targets);
    }
    visor_table_print(table, out, colored);
    visor_table_free(table);
}

static void print_failures(const struct visor_planned *planned, FILE *out, bool colored)
{
    struct visor_table *table = visor_table_new("llrrrr");
    char text[VISOR_QUANTITY_MAX];

    visor_table_add(table, VISOR_DIM, _("If"));
    visor_table_add(table, VISOR_DIM, _("then of"));
    visor_table_add(table, VISOR_DIM, _("clock wrong by"));
    visor_table_add(table, VISOR_DIM, _("over the limit"));
    visor_table_add(table, VISOR_DIM, _("not synchronized"));
    visor_table_add(table, VISOR_DIM, _("bound an hour on"));
    for (int i = 0; i < planned->plan.failure_count; i++)
        for (int j = 0; j < planned->plan.layer_count; j++) {
            const struct visor_plan_figures *f = &planned->results[i + 1].layers[j];

            if (!f->known)
                continue;
            visor_table_add(table, VISOR_PLAIN, _(planned->plan.failures[i].what));
            visor_table_add(table, VISOR_PLAIN, _(planned->plan.layers[j].what));
            visor_table_add(table, VISOR_PLAIN, visor_quantity_print(f->worst_s, text));
            visor_table_add(table, f->wrong > 0.0 ? VISOR_BAD : VISOR_GOOD,
                            f->wrong > 0.0 ? visor_quantity_print_age(f->wrong, text) : "-");
            snprintf(text, sizeof(text), "%.1f %%", 100.0 * f->lost);
            visor_table_add(table, VISOR_PLAIN, f->lost > 0.0 ? text : "-");
            visor_table_add(table, VISOR_PLAIN, bound_text(f->later_s, text));
        }
    visor_table_print(table, out, colored);
    visor_table_free(table);
}

void visor_plan_print(const struct visor_planned *planned, FILE *out, bool colored)
{
    const struct visor_plan *plan = &planned->plan;
    char limit[VISOR_QUANTITY_MAX];

    fprintf(out, _("A plan for %d machines (sites: %d), %s.\n"), plan->needs.machines,
            plan->needs.sites, size_text(plan->size));
    fprintf(out, _("Wanted: an error bound of %s%s%s%s.\n"),
            visor_quantity_print(plan->needs.limit_s, limit), planned->profile ? " (" : "",
            planned->profile ? planned->profile : "", planned->profile ? ")" : "");
    fprintf(out, "%s%s%s\n\n",
            visor_table_color(visor_plan_holds(planned) ? VISOR_GOOD : VISOR_BAD, colored),
            visor_plan_holds(planned) ? _("It is kept by every layer of the simulated example.")
                                      : _("It cannot be had so: see the notes."),
            visor_table_color(VISOR_PLAIN, colored));
    for (int i = 0; i < plan->note_count; i++)
        visor_findings_print_indented(out, 2, "• ", _(plan->notes[i]));
    if (plan->note_count)
        fputc('\n', out);
    print_tree(planned, out, colored);
    fputc('\n', out);
    print_layers(planned, out, colored);
    fputc('\n', out);
    print_failures(planned, out, colored);
    fprintf(out, "\n%s\n",
            _("All figures are of the simulated example: the real engine, quartz oscillators, "
              "queues of a tenth of\neach way. What breaks is broken for good, an hour after the "
              "start."));
}

/* ---- JSON ---- */

static json_t *number_or_null(double x)
{
    return x < 0.0 ? json_null() : json_real(x);
}

static json_t *words(const char *text)
{
    json_t *list = json_array();
    char copy[160], *rest = copy, *word;

    snprintf(copy, sizeof(copy), "%s", text);
    while ((word = strsep(&rest, " ")))
        if (*word)
            json_array_append_new(list, json_string(word));
    return list;
}

static json_t *layers_json(const struct visor_planned *planned)
{
    static const char *const kinds[] = {"reference", "server", "host", "guest"};
    json_t *list = json_array();

    for (int i = 0; i < planned->plan.layer_count; i++) {
        const struct visor_plan_layer *layer = &planned->plan.layers[i];
        const struct visor_plan_figures *f = &planned->results[0].layers[i];
        json_t *one = json_pack("{s:s, s:i, s:s, s:s, s:o}", "kind", kinds[layer->kind], "machines",
                                layer->count, "what", _(layer->what), "asks", _(layer->asks),
                                "targets", words(layer->targets));

        if (f->known) {
            json_object_set_new(one, "bound_s", number_or_null(f->bound_s));
            json_object_set_new(one, "packets_per_hour", json_real(f->packets_h));
        }
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *failures_json(const struct visor_planned *planned)
{
    json_t *list = json_array();

    for (int i = 0; i < planned->plan.failure_count; i++) {
        json_t *effects = json_array();

        for (int j = 0; j < planned->plan.layer_count; j++) {
            const struct visor_plan_figures *f = &planned->results[i + 1].layers[j];

            if (f->known)
                json_array_append_new(
                    effects, json_pack("{s:i, s:f, s:f, s:f, s:o}", "layer", j, "worst_error_s",
                                       f->worst_s, "over_limit_s", f->wrong, "unsynchronized_share",
                                       f->lost, "later_bound_s", number_or_null(f->later_s)));
        }
        json_array_append_new(
            list,
            json_pack("{s:s, s:o}", "what", _(planned->plan.failures[i].what), "effects", effects));
    }
    return list;
}

json_t *visor_plan_json(const struct visor_planned *planned)
{
    static const char *const sizes[] = {"small", "medium", "large"};
    static const char *const reaches[] = {"network", "hardware", "no-network"};
    const struct visor_plan *plan = &planned->plan;
    json_t *notes = json_array();

    for (int i = 0; i < plan->note_count; i++)
        json_array_append_new(notes, json_string(_(plan->notes[i])));
    return json_pack("{s:i, s:i, s:i, s:s, s:f, s:s?, s:b, s:s, s:o, s:o, s:o}", "version", 1,
                     "machines", plan->needs.machines, "sites", plan->needs.sites, "size",
                     sizes[plan->size], "limit_s", plan->needs.limit_s, "profile", planned->profile,
                     "kept", visor_plan_holds(planned), "reach", reaches[plan->reach], "notes",
                     notes, "layers", layers_json(planned), "failures", failures_json(planned));
}
