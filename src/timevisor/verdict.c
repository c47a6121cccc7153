/* Sentences made of the status model. Exact causes come first: a reader wants to know what to mend,
 * not only that something is wrong. */
#include "timevisor/verdict.h"

#include "port/text.h"
#include "timevisor/field.h"
#include "timevisor/quantity.h"
#include "timevisor/why.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NS 1e-9

/* How the sources stand, counted; those that are never selected do not count. */
struct counts {
    int all, agreeing, contradicting, sampled;
    int speechless;        /* have given nothing … */
    const json_t *example; /* … one of them with the commonest cause */
};

static bool state_is(const json_t *source, const char *letters)
{
    const char *letter = visor_field_text(source, "state_letter");

    return *letter && strchr(letters, *letter);
}

/* Of those that give nothing: how many for this reason? */
static int count_reason(const json_t *sources, const struct visor_facts *facts,
                        enum visor_reason reason)
{
    int count = 0;

    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);

        if (!state_is(source, "N") && !visor_why_sampled(source) &&
            visor_why_reason(source, facts) == reason)
            count++;
    }
    return count;
}

static void count_sources(const json_t *status, const struct visor_facts *facts,
                          struct counts *counts)
{
    const json_t *sources = visor_field(status, "sources");
    int most = 0;

    *counts = (struct counts){0};
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        int same;

        if (state_is(source, "N"))
            continue;
        counts->all++;
        counts->agreeing += state_is(source, "*+-PDU");
        counts->contradicting += state_is(source, "xT");
        counts->sampled += visor_why_sampled(source);
        if (visor_why_sampled(source))
            continue;
        counts->speechless++;
        same = count_reason(sources, facts, visor_why_reason(source, facts));
        if (same > most) {
            most = same;
            counts->example = source;
        }
    }
}

/* Why nothing is known. */
static void print_cause(const struct counts *c, const struct visor_facts *facts, char *text,
                        size_t size)
{
    char why[VISOR_WHY_MAX];

    if (!c->all)
        snprintf(text, size, "%s", _("no source is configured"));
    else if (c->contradicting && !c->agreeing)
        snprintf(text, size, _("the sources contradict each other (%d of %d have no majority)"),
                 c->contradicting, c->all);
    else if (c->sampled)
        snprintf(text, size, _("only %d of %d sources have answered, or none is good enough"),
                 c->sampled, c->all);
    else
        snprintf(text, size, _("%d of %d sources give nothing; %s: %s"), c->speechless, c->all,
                 visor_field_text(c->example, "name"),
                 visor_why_text(c->example, facts, why, sizeof(why)));
}

static void print_untrusted(const json_t *status, const struct counts *counts,
                            const struct visor_facts *facts, struct visor_verdict *verdict)
{
    char cause[VISOR_VERDICT_MAX - 64];

    if (!strcmp(visor_field_text(status, "tracking.trust"), "disrupted")) {
        snprintf(verdict->text, sizeof(verdict->text), "%s",
                 _("This clock cannot be trusted: it has jumped, and no source has told yet by how "
                   "much."));
        return;
    }
    print_cause(counts, facts, cause, sizeof(cause));
    snprintf(verdict->text, sizeof(verdict->text), _("This clock cannot be trusted: %s."), cause);
}

double visor_verdict_verified_age(const json_t *status)
{
    const json_t *verified = visor_field(status, "tracking.verified_raw_ns");

    if (!strcmp(visor_field_text(status, "tracking.trust"), "unknown") || !verified)
        return (double)INFINITY;
    return (visor_field_number(status, "raw_ns") - json_number_value(verified)) * NS;
}

static void print_trusted(const json_t *status, const struct counts *counts,
                          struct visor_verdict *verdict)
{
    char bound[VISOR_QUANTITY_MAX], age[VISOR_QUANTITY_MAX];
    bool holdover = !strcmp(visor_field_text(status, "tracking.trust"), "holdover");

    visor_quantity_print(verdict->bound_s, bound);
    if (holdover)
        snprintf(verdict->text, sizeof(verdict->text),
                 verdict->right ? _("This clock is right to within ±%s (holdover: no good source "
                                    "for %s, the bound grows).")
                                : _("This clock is uncertain by ±%s (holdover: no good source for "
                                    "%s, the bound grows)."),
                 bound, visor_quantity_print_age(visor_verdict_verified_age(status), age));
    else
        snprintf(
            verdict->text, sizeof(verdict->text),
            verdict->right
                ? _("This clock is right to within ±%s (synchronized, %d of %d sources agree).")
                : _("This clock is uncertain by ±%s (synchronized, %d of %d sources agree)."),
            bound, counts->agreeing, counts->all);
}

/* Known well, and far off: worth another sentence than an uncertain one. */
static void print_wrong(double offset, double estimate_bound, const json_t *status,
                        struct visor_verdict *verdict)
{
    char size[VISOR_QUANTITY_MAX], bound[VISOR_QUANTITY_MAX];
    const char *mode = visor_field_text(status, "mode");

    visor_quantity_print(fabs(offset), size);
    visor_quantity_print(estimate_bound, bound);
    snprintf(verdict->text, sizeof(verdict->text),
             offset > 0.0 ? _("This clock is wrong: %s behind (±%s); %s.")
                          : _("This clock is wrong: %s ahead (±%s); %s."),
             size, bound,
             !strcmp(mode, "observe")  ? _("timevisor only observes it")
             : !strcmp(mode, "assist") ? _("chronyd, which keeps it, is to correct it")
                                       : _("it is being corrected"));
}

void visor_verdict_read(const json_t *status, const struct visor_facts *facts, double limit_s,
                        struct visor_verdict *verdict)
{
    double offset = visor_field_number(status, "tracking.offset_s");
    double estimate_bound = visor_field_number(status, "tracking.estimate_bound_ns") * NS;
    const char *trust = visor_field_text(status, "tracking.trust");
    struct counts counts;

    count_sources(status, facts, &counts);
    verdict->bound_s = visor_field_number(status, "tracking.bound_ns") * NS;
    if (strcmp(trust, "synchronized") != 0 && strcmp(trust, "holdover") != 0)
        verdict->bound_s = (double)INFINITY;
    verdict->right = verdict->bound_s <= limit_s;
    if (isinf(verdict->bound_s))
        print_untrusted(status, &counts, facts, verdict);
    else if (!verdict->right && estimate_bound < 0.5 * fabs(offset))
        print_wrong(offset, estimate_bound, status, verdict);
    else
        print_trusted(status, &counts, verdict);
}
