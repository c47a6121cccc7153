/* One finding, in every form. */
#include "timevisor/findings.h"

#include "port/text.h"
#include "timevisor/table.h"

#include <string.h>

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static enum visor_color color_of(enum visor_severity severity)
{
    return severity >= VISOR_ORANGE ? VISOR_BAD : severity == VISOR_YELLOW ? VISOR_WARN : VISOR_DIM;
}

void visor_findings_print_indented(FILE *out, int cells, const char *label, const char *text)
{
    int width = visor_table_width(label);

    while (*text) {
        size_t length = strcspn(text, "\n");

        fprintf(out, "%*s%s%*s%.*s\n", cells, "", label,
                *label  ? 1
                : width ? width + 1
                        : 0,
                "", (int)length, text);
        label = "";
        text += length + (text[length] == '\n');
    }
}

void visor_findings_print(const char *file, const struct visor_finding *finding,
                          enum visor_findings_format format, FILE *out, bool colored)
{
    const struct visor_rule *rule = finding->rule;
    const char *level = visor_severity_level(rule->severity);

    fprintf(out, "%s:%u:%u: ", file, finding->line ? finding->line : 1,
            finding->column ? finding->column : 1);
    if (format == VISOR_FINDINGS_GNU)
        fprintf(out, "%s: %s [%s]", level, _(rule->what), rule->id);
    else
        fprintf(out, "%s%s[%s]%s %s", visor_table_color(color_of(rule->severity), colored), level,
                rule->id, visor_table_color(VISOR_PLAIN, colored), _(rule->what));
    if (*finding->evidence)
        fprintf(out, " (%s)", finding->evidence);
    fputc('\n', out);
    if (format == VISOR_FINDINGS_GNU)
        return;
    visor_findings_print_indented(out, 4, "", _(rule->why));
    visor_findings_print_indented(out, 8, "", rule->fix);
}

static const char *words_of(const char *text, bool translated)
{
    return translated ? _(text) : text;
}

json_t *visor_rule_json(const struct visor_rule *rule, bool translated)
{
    json_t *kinds = json_array();

    for (unsigned i = 0; i < VISOR_KINDS; i++)
        if (rule->kinds & 1u << i)
            json_array_append_new(kinds, json_string(visor_kind_name((enum visor_kind)(1u << i))));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "id", rule->id, "severity",
                     visor_severity_name(rule->severity), "level",
                     visor_severity_level(rule->severity), "applies_to", kinds, "what",
                     words_of(rule->what, translated), "why", words_of(rule->why, translated),
                     "fix", rule->fix, "source", rule->source);
}

static const char *edit_name(enum visor_edit edit)
{
    return edit == VISOR_EDIT_REPLACE ? "replace" : edit == VISOR_EDIT_DELETE ? "delete" : "append";
}

/* Evidence comes from files: what is no UTF-8 there must not cost the finding. */
static json_t *any_text(const char *text)
{
    json_t *value = json_string(text);

    return value ? value : json_string("?");
}

json_t *visor_finding_json(const struct visor_finding *finding)
{
    const struct visor_rule *rule = finding->rule;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:s, s:o, s:s, s:s, s:s}", "id", rule->id, "severity",
        visor_severity_name(rule->severity), "level", visor_severity_level(rule->severity), "line",
        (int)finding->line, "column", (int)finding->column, "what", rule->what, "evidence",
        any_text(finding->evidence), "why", rule->why, "fix", rule->fix, "source", rule->source);

    if (object && finding->edit != VISOR_EDIT_NONE)
        json_object_set_new(object, "edit",
                            json_pack("{s:s, s:o}", "action", edit_name(finding->edit), "text",
                                      any_text(finding->text)));
    return object;
}

json_t *visor_sarif_new(void)
{
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:[]}}, s:s, s:[]}]}", "$schema", SARIF_SCHEMA,
                     "version", "2.1.0", "runs", "tool", "driver", "name", "timevisor", "version",
                     VISOR_VERSION, "rules", "columnKind", "utf16CodeUnits", "results");
}

/* Index of the rule among those that the log describes. */
static size_t describe(json_t *rules, const struct visor_rule *rule)
{
    size_t count = json_array_size(rules);

    for (size_t i = 0; i < count; i++)
        if (!strcmp(json_string_value(json_object_get(json_array_get(rules, i), "id")), rule->id))
            return i;
    json_array_append_new(rules, json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}",
                                           "id", rule->id, "shortDescription", "text",
                                           _(rule->what), "fullDescription", "text", _(rule->why),
                                           "help", "text", rule->fix, "defaultConfiguration",
                                           "level", visor_severity_level(rule->severity),
                                           "properties", "source", rule->source));
    return count;
}

/* A line as a whole, as SARIF has it: up to the beginning of the next one. */
static json_t *fix_of(const char *file, const struct visor_finding *finding)
{
    json_t *replacement =
        json_pack("{s:{s:i, s:i, s:i, s:i}}", "deletedRegion", "startLine", (int)finding->line,
                  "startColumn", 1, "endLine", (int)finding->line + 1, "endColumn", 1);

    if (finding->edit == VISOR_EDIT_REPLACE)
        json_object_set_new(replacement, "insertedContent",
                            json_pack("{s:o}", "text", json_sprintf("%s\n", finding->text)));
    return json_pack("{s:{s:s}, s:[{s:{s:o}, s:[o]}]}", "description", "text", finding->rule->fix,
                     "artifactChanges", "artifactLocation", "uri", any_text(file), "replacements",
                     replacement);
}

void visor_sarif_add(json_t *log, const char *file, const struct visor_finding *finding)
{
    json_t *run = json_array_get(json_object_get(log, "runs"), 0);
    json_t *rules =
        json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
    const struct visor_rule *rule = finding->rule;
    json_t *result =
        json_pack("{s:s, s:i, s:s, s:{s:o}, s:[{s:{s:{s:o}, s:{s:i, s:i}}}]}", "ruleId", rule->id,
                  "ruleIndex", (int)describe(rules, rule), "level",
                  visor_severity_level(rule->severity), "message", "text",
                  *finding->evidence ? json_sprintf("%s (%s)", _(rule->what), finding->evidence)
                                     : json_string(_(rule->what)),
                  "locations", "physicalLocation", "artifactLocation", "uri", any_text(file),
                  "region", "startLine", finding->line ? (int)finding->line : 1, "startColumn",
                  finding->column ? (int)finding->column : 1);

    if (!result)
        return;
    if (finding->line &&
        (finding->edit == VISOR_EDIT_REPLACE || finding->edit == VISOR_EDIT_DELETE))
        json_object_set_new(result, "fixes", json_pack("[o]", fix_of(file, finding)));
    json_array_append_new(json_object_get(run, "results"), result);
}
