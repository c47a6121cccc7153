/* timevisor doctor: what is wrong with this machine's time, by evidence, step by step. */
#include "timevisor/doctor.h"

#include "lint/lint.h"
#include "port/facts.h"
#include "port/text.h"
#include "port/tree.h"
#include "timevisor/cli.h"
#include "timevisor/findings.h"
#include "timevisor/table.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VERDICT_CELLS 11
#define TITLE_CELLS   22
#define EXIT_WRONG    64 /* the command line; 2 means red here */

struct options {
    const char *root, *collect;
    char *nodes; /* folders with commas between them */
    bool json, sarif, fix, yes, offline, helped;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor doctor [OPTION]...\n"
            "Examines this machine's time: the machine itself, then network, service,\n"
            "synchronisation, configuration files and logs. Needs no rights and changes\n"
            "nothing; what it could not look at is \"not checked\", never fine.\n\n"
            "  --root DIR       examine an image or a collected tree instead\n"
            "  --collect DIR    make such a tree of this machine\n"
            "  --nodes DIR,...  such trees of the cluster's other nodes: compare zones\n"
            "  --fix            show what would be mended in files, ask, keep a copy\n"
            "  --yes            with --fix: do not ask\n"
            "  --offline        ask nobody over the network\n"
            "  --json, --sarif  for programs\n"
            "  --lang LANGUAGE  en or zh_CN, whatever the locale\n\n"
            "Exit status: 0 fine, 1 yellow or orange, 2 red, 3 it cannot be told,\n"
            "64 the command line is wrong.\n"),
          out);
}

/* ---- the examination ---- */

static struct visor_doctor_line *add_line(struct visor_doctor *doctor, enum visor_step step)
{
    struct visor_doctor_line *line;

    if (doctor->count == VISOR_DOCTOR_LINES)
        return NULL;
    line = &doctor->lines[doctor->count++];
    *line = (struct visor_doctor_line){.step = step};
    return line;
}

static void look_at_topics(struct visor_doctor *doctor, enum visor_step step)
{
    for (int i = 0; i < VISOR_TOPICS; i++) {
        enum visor_topic topic = (enum visor_topic)i;
        struct visor_phrase figure;
        enum visor_look look;
        struct visor_doctor_line *line;

        if (visor_topic_step(topic) != step || !*visor_topic_name(topic))
            continue;
        look = visor_topic_look(topic, &doctor->facts, &figure);
        if (look == VISOR_LOOK_USELESS || !(line = add_line(doctor, step)))
            continue;
        line->title = visor_topic_title(topic);
        line->name = visor_topic_name(topic);
        line->look = look;
        visor_phrase_print(&figure, gettext, line->figure, sizeof(line->figure));
        visor_catalogue_check_machine(&doctor->facts, topic, &line->findings);
    }
}

static void look_at_file(struct visor_doctor *doctor, const char *path)
{
    char *text = malloc(VISOR_TREE_FILE_MAX);
    int size = text ? visor_tree_read(doctor->root, path, text, VISOR_TREE_FILE_MAX) : -ENOMEM;
    struct visor_lint lint = {.name = path, .text = text, .translate = gettext};
    struct visor_doctor_line *line;

    if (size != -ENOENT && size != -ENOTDIR && size != 0 &&
        (line = add_line(doctor, VISOR_STEP_FILES))) {
        snprintf(line->path, sizeof(line->path), "%s", path);
        line->name = line->title = line->path;
        if (size > 0) {
            lint.size = (size_t)size;
            snprintf(line->figure, sizeof(line->figure), "%s",
                     visor_kind_name(visor_lint_run(&lint, &line->findings, NULL)));
        } else {
            line->look = VISOR_LOOK_NOT;
            snprintf(line->figure, sizeof(line->figure), "%s", strerror(-size));
        }
    }
    free(text);
}

static void look_at_files(struct visor_doctor *doctor)
{
    static const char *const paths[] = {
        "/etc/chrony/chrony.conf",
        "/etc/chrony.conf",
        "/etc/ntpsec/ntp.conf",
        "/etc/ntp.conf",
        "/etc/systemd/timesyncd.conf",
        "/etc/vmware-tools/tools.conf",
        "/etc/default/grub",
        "/proc/cmdline",
        "/etc/sysctl.conf",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        look_at_file(doctor, paths[i]);
}

static bool compare_nodes(struct visor_doctor *doctor, char *folders)
{
    char *rest = NULL;

    /* A collected tree may tell of others. */
    doctor->facts.nodes = (struct visor_facts_nodes){.count = 0};
    for (char *folder = strtok_r(folders, ",", &rest); folder; folder = strtok_r(NULL, ",", &rest))
        if (!visor_facts_compare_node(&doctor->facts, folder)) {
            fprintf(stderr, _("timevisor doctor: there is no folder %s\n"), folder);
            return false;
        }
    return true;
}

static bool gather(struct visor_doctor *doctor, const struct options *options)
{
    struct stat status;

    if (*doctor->root && (stat(doctor->root, &status) || !S_ISDIR(status.st_mode))) {
        fprintf(stderr, _("timevisor: %s is no folder that can be examined\n"), doctor->root);
        return false;
    }
    visor_facts_gather(&doctor->facts, doctor->root);
    visor_facts_gather_more(&doctor->facts, doctor->root);
    visor_facts_ask(&doctor->facts, doctor->root, !options->offline);
    return !options->nodes || compare_nodes(doctor, options->nodes);
}

static void examine(struct visor_doctor *doctor)
{
    for (int step = 0; step < VISOR_STEPS; step++) {
        look_at_topics(doctor, (enum visor_step)step);
        if (step == VISOR_STEP_FILES)
            look_at_files(doctor);
    }
}

/* ---- verdicts ---- */

/* Worst finding of a line; -1: none. */
static int worst_of(const struct visor_doctor_line *line)
{
    int worst = -1;

    for (size_t i = 0; i < line->findings.count; i++)
        if ((int)line->findings.items[i].rule->severity > worst)
            worst = (int)line->findings.items[i].rule->severity;
    return worst;
}

/* "fine", a severity, or "not checked": for programs; people get it translated. */
static const char *verdict_of(const struct visor_doctor_line *line)
{
    int worst = worst_of(line);

    if (worst >= 0)
        return visor_severity_name((enum visor_severity)worst);
    return line->look == VISOR_LOOK_NOT ? N_("not checked") : N_("fine");
}

static enum visor_color color_of(const struct visor_doctor_line *line)
{
    int worst = worst_of(line);

    if (worst < 0)
        return line->look == VISOR_LOOK_NOT ? VISOR_DIM : VISOR_GOOD;
    return worst >= VISOR_ORANGE ? VISOR_BAD : worst == VISOR_YELLOW ? VISOR_WARN : VISOR_DIM;
}

/* The worst line of a step; NULL if nothing in it concerns this machine. */
static const struct visor_doctor_line *verdict_line(const struct visor_doctor *doctor,
                                                    enum visor_step step)
{
    const struct visor_doctor_line *found = NULL;

    for (size_t i = 0; i < doctor->count; i++) {
        const struct visor_doctor_line *line = &doctor->lines[i];

        if (line->step != step)
            continue;
        if (!found || worst_of(line) > worst_of(found) ||
            (worst_of(found) < 0 && found->look == VISOR_LOOK_DONE && line->look == VISOR_LOOK_NOT))
            found = line;
    }
    return found;
}

static int exit_status(const struct visor_doctor *doctor)
{
    const struct visor_facts *facts = &doctor->facts;
    int worst = -1;

    for (size_t i = 0; i < doctor->count; i++)
        if (worst_of(&doctor->lines[i]) > worst)
            worst = worst_of(&doctor->lines[i]);
    if (worst == VISOR_RED)
        return 2;
    if (worst >= VISOR_YELLOW)
        return 1;
    /* Whether the time is right rests on one of these. */
    return facts->kernel.known || facts->chronyd.answers || facts->reach_count > 0 ? 0 : 3;
}

/* ---- what is told ---- */

static void print_finding(const struct visor_finding *finding, bool colored)
{
    const struct visor_rule *rule = finding->rule;

    printf("      %s%s%s %s %s(%s)%s\n",
           visor_table_color(rule->severity >= VISOR_ORANGE   ? VISOR_BAD
                             : rule->severity == VISOR_YELLOW ? VISOR_WARN
                                                              : VISOR_DIM,
                             colored),
           visor_severity_name(rule->severity), visor_table_color(VISOR_PLAIN, colored),
           _(rule->what), visor_table_color(VISOR_DIM, colored), rule->id,
           visor_table_color(VISOR_PLAIN, colored));
    if (finding->line)
        printf("        %u: %s\n", finding->line, finding->evidence);
    else
        printf("        %s\n", finding->evidence);
    visor_findings_print_indented(stdout, 8, "", _(rule->why));
    visor_findings_print_indented(stdout, 10, "", rule->fix);
}

static void print_line(const struct visor_doctor_line *line, bool colored)
{
    const char *title = *line->path ? line->title : _(line->title), *verdict = _(verdict_of(line));
    int pad = TITLE_CELLS - visor_table_width(title),
        gap = VERDICT_CELLS - visor_table_width(verdict);

    printf("  %s%s%s%*s %s%*s  %s\n", visor_table_color(color_of(line), colored), verdict,
           visor_table_color(VISOR_PLAIN, colored), gap > 0 ? gap : 0, "", title, pad > 0 ? pad : 0,
           "", line->figure);
    for (size_t i = 0; i < line->findings.count; i++)
        print_finding(&line->findings.items[i], colored);
}

static void print_summary(const struct visor_doctor *doctor)
{
    unsigned counts[VISOR_RED + 1] = {0}, unchecked = 0, fine = 0;

    for (size_t i = 0; i < doctor->count; i++) {
        const struct visor_doctor_line *line = &doctor->lines[i];

        for (size_t j = 0; j < line->findings.count; j++)
            counts[line->findings.items[j].rule->severity]++;
        unchecked += line->look == VISOR_LOOK_NOT;
        fine += line->look == VISOR_LOOK_DONE && worst_of(line) < 0;
    }
    printf(_("\nFine: %u. Red: %u, orange: %u, yellow: %u, notes: %u. Not checked: %u.\n"), fine,
           counts[VISOR_RED], counts[VISOR_ORANGE], counts[VISOR_YELLOW], counts[VISOR_NOTE],
           unchecked);
}

static void print_text(const struct visor_doctor *doctor)
{
    bool colored = visor_table_wants_color(stdout);

    for (int step = 0; step < VISOR_STEPS; step++) {
        const struct visor_doctor_line *worst = verdict_line(doctor, (enum visor_step)step);

        printf("%s%s%s%s: %s\n", step ? "\n" : "", visor_table_color(VISOR_BOLD, colored),
               _(visor_step_title((enum visor_step)step)), visor_table_color(VISOR_PLAIN, colored),
               worst ? _(verdict_of(worst)) : _("nothing to look at"));
        for (size_t i = 0; i < doctor->count; i++)
            if ((int)doctor->lines[i].step == step)
                print_line(&doctor->lines[i], colored);
    }
    print_summary(doctor);
}

static json_t *line_json(const struct visor_doctor_line *line)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < line->findings.count; i++)
        json_array_append_new(findings, visor_finding_json(&line->findings.items[i]));
    return json_pack("{s:i, s:s, s:s, s:b, s:s, s:o}", "step", (int)line->step, "check", line->name,
                     "verdict", verdict_of(line), "checked", line->look == VISOR_LOOK_DONE,
                     "figure", line->figure, "findings", findings);
}

static void print_json(const struct visor_doctor *doctor)
{
    json_t *checks = json_array(), *all;

    for (size_t i = 0; i < doctor->count; i++)
        json_array_append_new(checks, line_json(&doctor->lines[i]));
    all = json_pack("{s:i, s:i, s:o, s:o}", "version", 1, "exit_status", exit_status(doctor),
                    "checks", checks, "facts", visor_facts_json(&doctor->facts));
    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
}

static void print_sarif(const struct visor_doctor *doctor)
{
    json_t *log = visor_sarif_new();

    for (size_t i = 0; i < doctor->count; i++)
        for (size_t j = 0; j < doctor->lines[i].findings.count; j++)
            visor_sarif_add(log, *doctor->lines[i].path ? doctor->lines[i].path : "/proc",
                            &doctor->lines[i].findings.items[j]);
    json_dumpf(log, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(log);
}

static bool take_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"root", required_argument, NULL, 'r'},
                                          {"collect", required_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"sarif", no_argument, NULL, 's'},
                                          {"fix", no_argument, NULL, 'f'},
                                          {"yes", no_argument, NULL, 'y'},
                                          {"lang", required_argument, NULL, 'l'},
                                          {"offline", no_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"nodes", required_argument, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'r':
            options->root = optarg;
            break;
        case 'c':
            options->collect = optarg;
            break;
        case 'n':
            options->nodes = optarg;
            break;
        case 'l':
            visor_text_language(optarg);
            break;
        case '?':
            return false;
        default:
            options->json = options->json || option == 'j';
            options->sarif = options->sarif || option == 's';
            options->fix = options->fix || option == 'f';
            options->yes = options->yes || option == 'y';
            options->offline = options->offline || option == 'o';
            options->helped = options->helped || option == 'h';
            break;
        }
    }
    if (options->nodes && !options->nodes[strspn(options->nodes, ",")])
        return false;
    return optind == argc && !(options->yes && !options->fix) &&
           !(options->collect && *options->root);
}

static int collect(const struct options *options, const struct visor_doctor *doctor)
{
    int result = visor_doctor_collect(options->collect, &doctor->facts);

    if (result < 0) {
        fprintf(stderr,
                _("timevisor: %s cannot be written: %s; name a folder that does not exist\n"),
                options->collect, strerror(-result));
        return VISOR_CLI_REFUSED;
    }
    printf(_("%s has what the examination reads of this machine; see for yourself that nothing in "
             "it is secret\n"),
           options->collect);
    return VISOR_CLI_YES;
}

static int finish(const struct options *options, const struct visor_doctor *doctor)
{
    if (options->collect)
        return collect(options, doctor);
    if (options->json)
        print_json(doctor);
    else if (options->sarif)
        print_sarif(doctor);
    else
        print_text(doctor);
    if (options->fix && visor_doctor_fix(doctor, options->yes) > 0)
        return VISOR_CLI_REFUSED;
    return exit_status(doctor);
}

int visor_cli_doctor(int argc, char **argv)
{
    struct options options = {.root = ""};
    struct visor_doctor *doctor;
    int status;

    if (!take_options(argc, argv, &options) || options.helped) {
        print_usage(options.helped ? stdout : stderr);
        return options.helped ? VISOR_CLI_YES : EXIT_WRONG;
    }
    doctor = calloc(1, sizeof(*doctor));
    if (!doctor)
        return VISOR_CLI_REFUSED;
    doctor->root = options.root;
    status = EXIT_WRONG;
    if (gather(doctor, &options)) {
        examine(doctor);
        status = finish(&options, doctor);
    }
    for (size_t i = 0; i < doctor->count; i++)
        visor_findings_done(&doctor->lines[i].findings);
    free(doctor);
    return status;
}
