/* Sentences made of the status model. Exact causes come first: a reader wants to know what to mend,
 * not only that something is wrong. */
#include "timevisor/verdict.h"

#include "port/text.h"
#include "timevisor/field.h"
#include "timevisor/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NS 1e-9

/* How the sources stand, counted. */
struct counts {
    int all; /* that may be selected */
    int agreeing, false_tickers;
    int unresolved, offline, unsent, silent, answered;
    int send_error; /* of one of the unsent */
};

/* Is the source's letter (chronyc's `selectdata`) one of these? */
static bool state_is(const json_t *source, const char *letters)
{
    const char *letter = visor_field_text(source, "state_letter");

    return *letter && strchr(letters, *letter);
}

static bool sampled(const json_t *source)
{
    return visor_field(source, "last_sample_age_s") != NULL;
}

static void count_sources(const json_t *status, struct counts *counts)
{
    const json_t *sources = visor_field(status, "sources"), *source;
    size_t i;

    *counts = (struct counts){0};
    json_array_foreach(sources, i, source)
    {
        if (state_is(source, "N"))
            continue;
        counts->all++;
        counts->agreeing += state_is(source, "*+-PDU");
        counts->false_tickers += state_is(source, "xT");
        if (sampled(source))
            counts->answered++;
        else if (strcmp(visor_field_text(source, "resolve"), "resolved") != 0)
            counts->unresolved++;
        else if (!visor_field_true(source, "online"))
            counts->offline++;
        else if (visor_field(source, "send_errno")) {
            counts->unsent++;
            counts->send_error = (int)visor_field_number(source, "send_errno");
        } else
            counts->silent++;
    }
}

/* Why nothing is known: the cause that concerns the most sources. */
static void print_cause(const struct counts *c, char *text, size_t size)
{
    if (!c->all)
        snprintf(text, size, "%s", _("no source is configured"));
    else if (c->false_tickers && !c->agreeing)
        snprintf(text, size, _("the sources contradict each other (%d of %d have no majority)"),
                 c->false_tickers, c->all);
    else if (c->answered)
        snprintf(text, size, _("only %d of %d sources have answered, or none is good enough"),
                 c->answered, c->all);
    else if (c->unsent >= c->unresolved && c->unsent >= c->silent && c->unsent)
        snprintf(text, size, _("nothing can be sent to %d of %d sources: %s"), c->unsent, c->all,
                 strerror(c->send_error));
    else if (c->unresolved >= c->silent && c->unresolved)
        snprintf(text, size, _("the names of %d of %d sources cannot be resolved (DNS)"),
                 c->unresolved, c->all);
    else if (c->silent)
        snprintf(text, size, _("no reply from port 123 of %d sources"), c->silent);
    else
        snprintf(text, size, "%s", _("all sources are offline"));
}

static void print_untrusted(const json_t *status, const struct counts *counts,
                            struct visor_verdict *verdict)
{
    char cause[256];

    if (!strcmp(visor_field_text(status, "tracking.trust"), "disrupted")) {
        snprintf(verdict->text, sizeof(verdict->text), "%s",
                 _("This clock cannot be trusted: it has jumped, and no source has told yet by how "
                   "much."));
        return;
    }
    print_cause(counts, cause, sizeof(cause));
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
    bool observing = !strcmp(visor_field_text(status, "mode"), "observe");

    visor_quantity_print(fabs(offset), size);
    visor_quantity_print(estimate_bound, bound);
    snprintf(verdict->text, sizeof(verdict->text),
             offset > 0.0 ? _("This clock is wrong: %s behind (±%s); %s.")
                          : _("This clock is wrong: %s ahead (±%s); %s."),
             size, bound, observing ? _("timevisor only observes it") : _("it is being corrected"));
}

void visor_verdict_read(const json_t *status, double limit_s, struct visor_verdict *verdict)
{
    double offset = visor_field_number(status, "tracking.offset_s");
    double estimate_bound = visor_field_number(status, "tracking.estimate_bound_ns") * NS;
    const char *trust = visor_field_text(status, "tracking.trust");
    struct counts counts;

    count_sources(status, &counts);
    verdict->bound_s = visor_field_number(status, "tracking.bound_ns") * NS;
    if (strcmp(trust, "synchronized") != 0 && strcmp(trust, "holdover") != 0)
        verdict->bound_s = (double)INFINITY;
    verdict->right = verdict->bound_s <= limit_s;
    if (isinf(verdict->bound_s))
        print_untrusted(status, &counts, verdict);
    else if (!verdict->right && estimate_bound < 0.5 * fabs(offset))
        print_wrong(offset, estimate_bound, status, verdict);
    else
        print_trusted(status, &counts, verdict);
}

static const struct {
    char state, mark;
    int mood;
    const char *text;
} state_texts[] = {
    {'*', '*', 1, N_("followed")},
    {'+', '+', 1, N_("combined")},
    {'D', '-', 0, N_("agrees; others are closer")},
    {'P', '-', 0, N_("agrees; another is preferred")},
    {'U', '-', 0, N_("agrees; waits for its next sample")},
    {'W', '?', 0, N_("waits for more sources (minsources, require)")},
    {'T', 'x', -1, N_("contradicts the trusted sources")},
    {'x', 'x', -1, N_("contradicts the majority")},
    {'N', '-', 0, N_("never selected (noselect)")},
    {'s', '?', -1, N_("says that it is not synchronized")},
    {'r', '?', -1, N_("its stratum is not wanted")},
    {'d', '?', -1, N_("too distant (maxdistance)")},
    {'~', '?', -1, N_("too jittery (maxjitter)")},
    {'w', '?', 0, N_("waits for the others' first samples")},
    {'S', '?', -1, N_("has fallen silent")},
    {'O', '?', 0, N_("an orphan with a higher reference")},
};

/* A source that has given no sample yet: what stands in the way? */
static const char *why_none(const json_t *source, char *text)
{
    const char *resolve = visor_field_text(source, "resolve");
    double asked = visor_field_number(source, "ntp.total_tx");

    if (!strcmp(visor_field_text(source, "kind"), "refclock"))
        return _("the device has given nothing");
    if (!strcmp(resolve, "failed"))
        return _("its name does not exist (DNS)");
    if (!strcmp(resolve, "retrying"))
        return _("its name cannot be resolved (DNS does not answer)");
    if (!strcmp(resolve, "pending"))
        return _("its name is being resolved");
    if (!visor_field_true(source, "online"))
        return _("offline");
    if (visor_field(source, "send_errno")) {
        snprintf(text, VISOR_VERDICT_MAX, _("cannot be asked: %s"),
                 strerror((int)visor_field_number(source, "send_errno")));
        return text;
    }
    if (visor_field_number(source, "ntp.total_rx") > 0.0)
        return _("its answers are not usable yet");
    if (!(asked > 0.0))
        return _("is being asked");
    snprintf(text, VISOR_VERDICT_MAX, _("no reply from port %.0f (asked %.0f times)"),
             visor_field_number(source, "ntp.remote_port"), asked);
    return text;
}

const char *visor_verdict_source(const json_t *source, char *mark, int *mood, char *text)
{
    const char *letter = visor_field_text(source, "state_letter");

    for (size_t i = 0; i < sizeof(state_texts) / sizeof(state_texts[0]); i++)
        if (state_texts[i].state == *letter) {
            *mark = state_texts[i].mark;
            *mood = state_texts[i].mood;
            return _(state_texts[i].text);
        }
    *mark = '?';
    *mood = sampled(source) ? 0 : -1;
    return sampled(source) ? _("waits for more samples") : why_none(source, text);
}
