/* Words for the emergency levels, their causes, and what was done. */
#include "timevisor/emergency.h"

#include "port/text.h"
#include "timevisor/field.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define NS   1e-9
#define TEXT 320

struct word {
    const char *word, *text;
};

static const struct word levels[] = {
    {"normal", N_("normal")},
    {"yellow", N_("yellow")},
    {"orange", N_("orange")},
    {"red", N_("red")},
};

static const struct word causes[] = {
    {"none", ""},
    {"error", N_("the clock may be wrong by too much")},
    {"limit", N_("the error bound comes near the limit, or is beyond it")},
    {"sources", N_("no source can be followed")},
    {"stopped", N_("this machine stood still or moved, and no source has answered")},
};

static const struct word actions[] = {
    {"backup", N_("backup sources")},      {"online", N_("offline sources")},
    {"pool", N_("more of pools")},         {"resync", N_("all are asked")},
    {"reset", N_("by a witness")},         {"quarantine", N_("quarantine")},
    {"release", N_("quarantine is over")}, {"return", N_("sources given back")},
};

static const char *text_of(const struct word *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(words[i].word, word))
            return *words[i].text ? _(words[i].text) : "";
    return word;
}

#define TEXT_OF(words, word) text_of(words, sizeof(words) / sizeof((words)[0]), word)

const char *visor_emergency_level_text(const char *level)
{
    return TEXT_OF(levels, level);
}

const char *visor_emergency_cause_text(const char *cause)
{
    return TEXT_OF(causes, cause);
}

char *visor_emergency_print(const json_t *status, char *text, size_t size)
{
    const char *level = visor_field_text(status, "emergency.level");
    double since = visor_field_number(status, "emergency.since_raw_ns");
    char age[VISOR_QUANTITY_MAX];

    text[0] = '\0';
    if (!*level || !strcmp(level, "normal"))
        return text;
    snprintf(text, size,
             visor_field_true(status, "emergency.quarantined") ? _("%s for %s: %s (quarantine)")
                                                               : _("%s for %s: %s"),
             visor_emergency_level_text(level),
             visor_quantity_print_age((visor_field_number(status, "raw_ns") - since) * NS, age),
             visor_emergency_cause_text(visor_field_text(status, "emergency.cause")));
    return text;
}

static void add_actions(struct visor_table *table, const json_t *done)
{
    char text[TEXT] = "";
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(done) && used + 1 < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
                                 TEXT_OF(actions, json_string_value(json_array_get(done, i))));
    visor_table_add(table, VISOR_PLAIN, text);
}

static void add_change(struct visor_table *table, const json_t *change)
{
    double at = visor_field_number(change, "utc_ns") * NS;
    double error = visor_field_number(change, "error_s");
    const char *level = visor_field_text(change, "level");
    time_t seconds = (time_t)at;
    char text[TEXT] = "";
    struct tm tm;

    if (isfinite(at) && gmtime_r(&seconds, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    visor_table_add(table, VISOR_PLAIN, text);
    visor_table_add(table, !strcmp(level, "normal") ? VISOR_GOOD : VISOR_BAD,
                    visor_emergency_level_text(level));
    visor_table_add(table, VISOR_PLAIN,
                    visor_emergency_cause_text(visor_field_text(change, "cause")));
    visor_table_add(table, VISOR_PLAIN,
                    isfinite(error) ? visor_quantity_print(error, text) : _("unknown"));
    add_actions(table, visor_field(change, "actions"));
}

void visor_emergency_report(const json_t *status, FILE *out, bool colored)
{
    const char *const headings[] = {_("SINCE"), _("LEVEL"), _("BECAUSE"), _("ERROR"), _("DONE")};
    const json_t *history = visor_field(status, "emergency.history");
    struct visor_table *table;

    if (!json_array_size(history))
        return;
    table = visor_table_new("lllrl");
    if (!table)
        return;
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
        visor_table_add(table, VISOR_DIM, headings[i]);
    for (size_t i = 0; i < json_array_size(history); i++)
        add_change(table, json_array_get(history, i));
    fputc('\n', out);
    visor_table_print(table, out, colored);
    visor_table_free(table);
}
