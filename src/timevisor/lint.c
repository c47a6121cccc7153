/* timevisor lint: what is wrong in files about time, before a machine believes them. */
#include "lint/lint.h"

#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/findings.h"
#include "timevisor/table.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lint {
    enum visor_findings_format format;
    enum visor_severity fail_on;
    bool colored;
    json_t *files, *sarif;
    size_t linted, unknown, unreadable, failing;
    size_t counts[VISOR_RED + 1];
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor lint [OPTION]... FILE...\n"
            "Finds what is wrong with files that have to do with time: chrony.conf, ntp.conf,\n"
            "timesyncd.conf, libvirt domains, .vmx, tools.conf, Dockerfiles, Compose,\n"
            "Kubernetes, GRUB, kernel command lines, sysctl, systemd units, shell scripts;\n"
            "also those in a script, a ConfigMap or Markdown. The content decides what a file\n"
            "is. \"-\" is standard input.\n\n"
            "  --format FORMAT     text, gnu (a line each), json, sarif (text)\n"
            "  --json              the same as --format json\n"
            "  --fail-on SEVERITY  exit 1 from this on: note, warning, error, never (warning)\n"
            "  --lang LANGUAGE     en or zh_CN, whatever the locale\n\n"
            "Exit status: 0 nothing as bad as that, 1 something, 2 a file could not be read.\n"
            "\"timevisor explain ID\" tells all about a finding.\n"),
          out);
}

/* At most one byte more than is looked at, so that larger files are known to be. NULL: `errno`. */
static char *read_file(const char *path, size_t *size)
{
    bool standard = !strcmp(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(VISOR_LINT_SIZE_MAX + 1);
    struct stat status;
    ssize_t got = 1;

    *size = 0;
    if (text && !standard && !fstat(fd, &status) && !S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        got = -1;
    }
    while (text && got > 0 && *size < VISOR_LINT_SIZE_MAX + 1) {
        got = read(fd, text + *size, VISOR_LINT_SIZE_MAX + 1 - *size);
        if (got > 0)
            *size += (size_t)got;
    }
    if (text && got < 0) {
        free(text);
        text = NULL;
    }
    if (fd >= 0 && !standard)
        close(fd);
    return text;
}

static void report(struct lint *lint, const char *path, enum visor_kind kind,
                   const struct visor_findings *findings)
{
    json_t *list = lint->files ? json_array() : NULL;

    for (size_t i = 0; i < findings->count; i++) {
        const struct visor_finding *finding = &findings->items[i];

        lint->counts[finding->rule->severity]++;
        lint->failing += finding->rule->severity >= lint->fail_on;
        if (list)
            json_array_append_new(list, visor_finding_json(finding));
        else if (lint->sarif)
            visor_sarif_add(lint->sarif, path, finding);
        else
            visor_findings_print(path, finding, lint->format, stdout, lint->colored);
    }
    if (list)
        json_array_append_new(lint->files, json_pack("{s:s, s:s, s:o, s:I}", "file", path, "kind",
                                                     visor_kind_name(kind), "findings", list,
                                                     "more", (json_int_t)findings->more));
}

static void lint_file(struct lint *lint, const char *path)
{
    struct visor_findings findings = {.items = NULL};
    struct visor_lint request = {.name = path, .translate = gettext};
    enum visor_kind kind;
    char *text = read_file(path, &request.size);

    if (!text) {
        fprintf(stderr, _("timevisor: %s cannot be read: %s\n"), path, strerror(errno));
        lint->unreadable++;
        return;
    }
    request.text = text;
    kind = visor_lint_run(&request, &findings, NULL);
    if (kind == VISOR_KIND_UNKNOWN) {
        fprintf(stderr, _("timevisor: %s is no kind of file that is known here; not looked at\n"),
                path);
        lint->unknown++;
    } else {
        lint->linted++;
    }
    report(lint, path, kind, &findings);
    visor_findings_done(&findings);
    free(text);
}

static void print_summary(const struct lint *lint)
{
    size_t errors = lint->counts[VISOR_ORANGE] + lint->counts[VISOR_RED];

    printf(_("Files: %zu (not known: %zu, not readable: %zu). Errors: %zu, warnings: %zu, notes: "
             "%zu.\n"),
           lint->linted, lint->unknown, lint->unreadable, errors, lint->counts[VISOR_YELLOW],
           lint->counts[VISOR_NOTE]);
}

static int finish(struct lint *lint)
{
    if (lint->files) {
        json_t *all = json_pack(
            "{s:i, s:O, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "version", 1, "files", lint->files,
            "summary", "linted", (json_int_t)lint->linted, "unknown", (json_int_t)lint->unknown,
            "unreadable", (json_int_t)lint->unreadable, "errors",
            (json_int_t)lint->counts[VISOR_ORANGE] + (json_int_t)lint->counts[VISOR_RED],
            "warnings", (json_int_t)lint->counts[VISOR_YELLOW], "notes",
            (json_int_t)lint->counts[VISOR_NOTE]);

        json_dumpf(all, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(all);
    } else if (lint->sarif) {
        json_dumpf(lint->sarif, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (lint->format == VISOR_FINDINGS_TEXT) {
        print_summary(lint);
    }
    json_decref(lint->files);
    json_decref(lint->sarif);
    return lint->unreadable ? VISOR_CLI_USAGE : lint->failing ? VISOR_CLI_NO : VISOR_CLI_YES;
}

static int choose(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(word, words[i]))
            return i;
    fprintf(stderr, _("timevisor: \"%s\" is none of"), word);
    for (int i = 0; words[i]; i++)
        fprintf(stderr, " %s", words[i]);
    fputc('\n', stderr);
    return -1;
}

static bool take_options(int argc, char **argv, struct lint *lint, bool *helped)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"fail-on", required_argument, NULL, 'x'},
        {"lang", required_argument, NULL, 'l'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    static const char *const formats[] = {"text", "gnu", "json", "sarif", NULL};
    static const char *const levels[] = {"note", "warning", "error", "red", "never", NULL};
    int option, choice = 0;

    while (choice >= 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            choice = choose(optarg, formats);
            lint->format = (enum visor_findings_format)choice;
            break;
        case 'j':
            lint->format = VISOR_FINDINGS_JSON;
            break;
        case 'x':
            choice = choose(optarg, levels);
            lint->fail_on = (enum visor_severity)choice;
            break;
        case 'l':
            visor_text_language(optarg);
            break;
        case 'h':
            return *helped = true;
        default:
            return false;
        }
    }
    return choice >= 0;
}

int visor_cli_lint(int argc, char **argv)
{
    struct lint lint = {.fail_on = VISOR_YELLOW, .colored = visor_table_wants_color(stdout)};
    bool helped = false;

    if (!take_options(argc, argv, &lint, &helped) || (!helped && optind == argc)) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    if (helped) {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    if (lint.format == VISOR_FINDINGS_JSON)
        lint.files = json_array();
    if (lint.format == VISOR_FINDINGS_SARIF)
        lint.sarif = visor_sarif_new();
    for (; optind < argc; optind++)
        lint_file(&lint, argv[optind]);
    return finish(&lint);
}
