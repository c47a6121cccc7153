/* timevisor explain: the rules, one whole, all in a list, or as the pages of docs/. */
#include "advise/catalogue.h"

#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/findings.h"
#include "timevisor/table.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct explain {
    bool json, list, markdown, helped;
    const char *search;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor explain [OPTION]... [ID]...\n"
            "All about a rule of the doctor and the linter, such as TV-CHRONY-003: what it\n"
            "finds, what comes of it, how it is put right, and who says so.\n\n"
            "  --list           one line for each rule\n"
            "  --search WORDS   only rules in which these words stand\n"
            "  --json           the same for programs\n"
            "  --markdown       the catalogue, as in the documentation\n"
            "  --lang LANGUAGE  en or zh_CN, whatever the locale\n"),
          out);
}

static void print_kinds(const struct visor_rule *rule, FILE *out)
{
    const char *between = "";

    if ((rule->kinds | VISOR_KIND_MACHINE) == ~0u) {
        fputs(_("every file"), out);
        return;
    }
    for (unsigned i = 0; i < VISOR_KINDS; i++)
        if (rule->kinds & 1u << i) {
            fprintf(out, "%s%s", between, visor_kind_name((enum visor_kind)(1u << i)));
            between = ", ";
        }
}

static void print_rule(const struct visor_rule *rule, FILE *out)
{
    bool colored = visor_table_wants_color(out);

    fprintf(out, "%s%s%s  %s (", visor_table_color(VISOR_BOLD, colored), rule->id,
            visor_table_color(VISOR_PLAIN, colored), visor_severity_name(rule->severity));
    print_kinds(rule, out);
    fputs(")\n", out);
    visor_findings_print_indented(out, 2, "", _(rule->what));
    fprintf(out, "\n%s\n", _("Effect"));
    visor_findings_print_indented(out, 2, "", _(rule->why));
    fprintf(out, "\n%s\n", _("Fix"));
    visor_findings_print_indented(out, 2, "", rule->fix);
    fprintf(out, "\n%s\n", _("Based on"));
    visor_findings_print_indented(out, 2, "", rule->source);
}

static void print_markdown_rule(const struct visor_rule *rule, FILE *out)
{
    fprintf(out, "\n### %s\n\n**%s** · %s · ", rule->id, _(rule->what),
            visor_severity_name(rule->severity));
    print_kinds(rule, out);
    fprintf(out, "\n\n%s\n\n```diff\n%s\n```\n\n%s: %s\n", _(rule->why), rule->fix, _("Based on"),
            rule->source);
}

static void print_markdown(FILE *out)
{
    const struct visor_rule *rule;

    fputs(_("# Rules of the doctor and the linter\n\n"
            "Written by `timevisor explain --markdown`: do not edit.\n"),
          out);
    fputs(_("Severities: a note needs nothing done; yellow (the linter's warning): time is worse, "
            "dearer or less well\nproven than it could be; orange (error): time will be wrong in "
            "conditions that come about; red (error):\ntime is wrong or not kept, or the setting "
            "does not do what it says. An id is never used again.\n"),
          out);
    for (size_t i = 0; (rule = visor_catalogue_at(i)); i++)
        print_markdown_rule(rule, out);
}

static bool has(const struct visor_rule *rule, const char *words)
{
    return visor_contains(rule->id, words) || visor_contains(rule->what, words) ||
           visor_contains(rule->why, words) || visor_contains(rule->fix, words) ||
           visor_contains(rule->source, words) || visor_contains(_(rule->what), words) ||
           visor_contains(_(rule->why), words);
}

static int print_list(const struct explain *explain)
{
    struct visor_table *table = visor_table_new("lll");
    json_t *list = json_array();
    const struct visor_rule *rule;
    int found = 0;

    visor_table_add(table, VISOR_DIM, _("Rule"));
    visor_table_add(table, VISOR_DIM, _("Severity"));
    visor_table_add(table, VISOR_DIM, _("Finding"));
    for (size_t i = 0; (rule = visor_catalogue_at(i)); i++) {
        if (explain->search && !has(rule, explain->search))
            continue;
        found++;
        if (explain->json)
            json_array_append_new(list, visor_rule_json(rule, true));
        visor_table_add(table, VISOR_PLAIN, rule->id);
        visor_table_add(table, VISOR_PLAIN, visor_severity_name(rule->severity));
        visor_table_add(table, VISOR_PLAIN, _(rule->what));
    }
    if (explain->json) {
        json_dumpf(list, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (found) {
        visor_table_print(table, stdout, visor_table_wants_color(stdout));
    }
    visor_table_free(table);
    json_decref(list);
    return found ? VISOR_CLI_YES : VISOR_CLI_NO;
}

static int explain_ids(const struct explain *explain, char **ids)
{
    json_t *list = json_array();
    int status = VISOR_CLI_YES;

    for (bool first = true; *ids; ids++, first = false) {
        const struct visor_rule *rule = visor_catalogue_find(*ids);
        const char *now = rule ? NULL : visor_catalogue_retired(*ids);

        if (rule && explain->json) {
            json_array_append_new(list, visor_rule_json(rule, true));
        } else if (rule) {
            fputs(first ? "" : "\n", stdout);
            print_rule(rule, stdout);
        } else {
            fprintf(stderr,
                    now && *now ? _("timevisor: the rule %s is retired; now it is %s\n")
                    : now       ? _("timevisor: the rule %s is retired\n")
                                : _("timevisor: there is no rule %s (see: timevisor explain "
                                          "--list)\n"),
                    *ids, now);
            status = VISOR_CLI_NO;
        }
    }
    if (explain->json) {
        json_dumpf(list, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(list);
    return status;
}

static bool take_options(int argc, char **argv, struct explain *explain)
{
    static const struct option options[] = {{"list", no_argument, NULL, 'a'},
                                            {"search", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"markdown", no_argument, NULL, 'm'},
                                            {"lang", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            explain->list = true;
            break;
        case 's':
            explain->search = optarg;
            break;
        case 'j':
            explain->json = true;
            break;
        case 'm':
            explain->markdown = true;
            break;
        case 'l':
            visor_text_language(optarg);
            break;
        case 'h':
            explain->helped = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

int visor_cli_explain(int argc, char **argv)
{
    struct explain explain = {.json = false};
    bool good = take_options(argc, argv, &explain);

    if (good && explain.helped) {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    if (good && explain.markdown && optind == argc) {
        print_markdown(stdout);
        return VISOR_CLI_YES;
    }
    if (good && optind == argc && (explain.list || explain.search || explain.json))
        return print_list(&explain);
    if (good && optind < argc)
        return explain_ids(&explain, argv + optind);
    print_usage(stderr);
    return VISOR_CLI_USAGE;
}
