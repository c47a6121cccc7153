/* timevisor profile: what rules ask of a clock, what this machine can reach, and what its log says
 * of a period. */
#include "timevisor/profile.h"

#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HELP, JSON, SOCKET, LOG, SINCE, UNTIL, GAP, FORMAT, OUTPUT };

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_HTML };

#define LOGS_MAX 64

struct wishes {
    const char *socket, *output, *since, *until;
    const char *logs[LOGS_MAX];
    int log_count;
    double gap_s;
    enum format format;
    bool done;
    const char *verb, *name;
};

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor profile list | show NAME | check NAME [OPTION]...\n"
            "What rules and trades ask of a clock: the profiles, one of them with what is\n"
            "missing for it here, and whether a log shows that it was kept.\n\n"
            "  --log FILE      of check: tracking.log of timevisord or chronyd, oldest first;\n"
            "                  else those in /var/log/timevisor, or else in /var/log/chrony\n"
            "  --since, --until TIME   the period: a date in UTC, or so long ago (30d); else\n"
            "                  from the log's first line to its last\n"
            "  --gap TIME      lines farther apart show nothing of the time between (1h)\n"
            "  --format FORMAT text, json or html\n"
            "  --output FILE   instead of standard output\n"
            "  --json          the same as --format json\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 kept, or held here now; 1 not; 3 not known.\n"),
          out);
}

static bool take_format(struct wishes *wishes)
{
    static const char *const names[] = {"text", "json", "html"};

    for (int i = 0; i < 3; i++)
        if (!strcmp(optarg, names[i])) {
            wishes->format = (enum format)i;
            return true;
        }
    fprintf(stderr, _("timevisor: --format wants text, json or html, not \"%s\"\n"), optarg);
    return false;
}

static bool take_log(struct wishes *wishes)
{
    if (wishes->log_count < LOGS_MAX) {
        wishes->logs[wishes->log_count++] = optarg;
        return true;
    }
    fprintf(stderr, _("timevisor: more than %d files: give --log - and pipe them\n"), LOGS_MAX);
    return false;
}

static bool take(int kind, struct wishes *wishes)
{
    switch (kind) {
    case HELP:
        return wishes->done = true;
    case JSON:
        wishes->format = FORMAT_JSON;
        return true;
    case SOCKET:
        return (wishes->socket = optarg) != NULL;
    case LOG:
        return take_log(wishes);
    case SINCE:
        return (wishes->since = optarg) != NULL;
    case UNTIL:
        return (wishes->until = optarg) != NULL;
    case GAP:
        return visor_cli_take_time("gap", optarg, 1.0, 1e9, &wishes->gap_s);
    case FORMAT:
        return take_format(wishes);
    case OUTPUT:
        return (wishes->output = optarg) != NULL;
    default:
        return false;
    }
}

static bool read_wishes(int argc, char **argv, struct wishes *wishes)
{
    static const struct option all[] = {
        {"help", no_argument, NULL, HELP},           {"json", no_argument, NULL, JSON},
        {"socket", required_argument, NULL, SOCKET}, {"log", required_argument, NULL, LOG},
        {"since", required_argument, NULL, SINCE},   {"until", required_argument, NULL, UNTIL},
        {"gap", required_argument, NULL, GAP},       {"format", required_argument, NULL, FORMAT},
        {"output", required_argument, NULL, OUTPUT}, {NULL, 0, NULL, 0}};
    int kind;

    optind = 1;
    while ((kind = getopt_long(argc, argv, "", all, NULL)) != -1)
        if (!take(kind, wishes))
            return false;
    if (wishes->done)
        return true;
    wishes->verb = optind < argc ? argv[optind++] : "";
    wishes->name = optind < argc ? argv[optind++] : NULL;
    if (optind < argc) {
        fprintf(stderr, _("timevisor: \"%s\" is too much\n"), argv[optind]);
        return false;
    }
    return true;
}

/* ---- list, show ---- */

static const char *level_name(const struct visor_profile *profile, double bound_s)
{
    static const char *const names[] = {"green", "yellow", "orange", "red"};

    return isfinite(bound_s) ? names[visor_profile_level(profile, bound_s)] : "unknown";
}

static const char *here_text(enum visor_profile_here here)
{
    static const char *const texts[] = {N_("not known"), N_("held"), N_("within reach"),
                                        N_("out of reach")};

    return _(texts[here]);
}

static enum visor_color here_color(enum visor_profile_here here)
{
    static const enum visor_color colors[] = {VISOR_DIM, VISOR_GOOD, VISOR_WARN, VISOR_BAD};

    return colors[here];
}

static json_t *profile_json(const struct visor_profile *profile, const json_t *status)
{
    static const char *const names[] = {"unknown", "held", "possible", "not"};
    struct visor_profile_reach reach;
    char missing[512];

    visor_profile_reach(profile, status, &reach);
    visor_profile_missing(profile, &reach, missing, sizeof(missing));
    return json_pack("{s:s, s:f, s:i, s:b, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "name",
                     profile->name, "limit_s", profile->limit_s, "keep_days", profile->keep_days,
                     "needs_hardware", profile->hardware, "purpose", _(profile->purpose), "source",
                     profile->source, "here", names[reach.here], "level",
                     level_name(profile, reach.bound_s), "bound_s",
                     isfinite(reach.bound_s) ? json_real(reach.bound_s) : json_null(), "floor_s",
                     isfinite(reach.floor_s) ? json_real(reach.floor_s) : json_null(), "missing",
                     *missing ? json_string(missing) : json_null());
}

static int list(const json_t *status, bool json)
{
    struct visor_table *table = visor_table_new("lrrll");
    json_t *all = json_array();
    const struct visor_profile *profile;

    for (const char *const *head = (const char *const[]){N_("PROFILE"), N_("LIMIT"), N_("KEPT FOR"),
                                                         N_("HERE"), N_("FOR WHOM"), NULL};
         table && *head; head++)
        visor_table_add(table, VISOR_DIM, _(*head));
    for (size_t i = 0; table && (profile = visor_profile_at(i)); i++) {
        char limit[VISOR_QUANTITY_MAX], keep[VISOR_QUANTITY_MAX];
        struct visor_profile_reach reach;

        visor_profile_reach(profile, status, &reach);
        json_array_append_new(all, profile_json(profile, status));
        visor_table_add(table, VISOR_PLAIN, profile->name);
        visor_table_add(table, VISOR_PLAIN, visor_quantity_print(profile->limit_s, limit));
        visor_table_add(table, VISOR_PLAIN,
                        visor_quantity_print_age(profile->keep_days * 86400.0, keep));
        visor_table_add(table, here_color(reach.here), here_text(reach.here));
        visor_table_add(table, VISOR_PLAIN, _(profile->purpose));
    }
    if (json)
        visor_ask_print(all);
    else if (table)
        visor_table_print(table, stdout, visor_table_wants_color(stdout));
    json_decref(all);
    visor_table_free(table);
    return VISOR_CLI_YES;
}

static int show(const struct visor_profile *profile, const json_t *status, bool json)
{
    char limit[VISOR_QUANTITY_MAX], keep[VISOR_QUANTITY_MAX], bound[VISOR_QUANTITY_MAX],
        missing[512];
    struct visor_profile_reach reach;

    visor_profile_reach(profile, status, &reach);
    visor_profile_missing(profile, &reach, missing, sizeof(missing));
    if (json) {
        json_t *object = profile_json(profile, status);

        visor_ask_print(object);
        json_decref(object);
    } else {
        printf(_("%s: %s\n  limit     %s of error bound; yellow from %.0f %%, orange from %.0f %%\n"
                 "  records   kept for %s\n  source    %s\n  here      %s; the bound is %s\n"),
               profile->name, _(profile->purpose), visor_quantity_print(profile->limit_s, limit),
               100 * VISOR_PROFILE_YELLOW, 100 * VISOR_PROFILE_ORANGE,
               visor_quantity_print_age(profile->keep_days * 86400.0, keep), profile->source,
               here_text(reach.here), visor_quantity_print(reach.bound_s, bound));
        if (*missing)
            printf(_("  missing   %s\n"), missing);
    }
    return reach.here == VISOR_HERE_HELD      ? VISOR_CLI_YES
           : reach.here == VISOR_HERE_UNKNOWN ? VISOR_CLI_UNREACHABLE
                                              : VISOR_CLI_NO;
}

/* ---- check ---- */

/* What logrotate leaves, oldest first. Compressed ones are named, and not read. */
static bool read_rotated(struct visor_profile_log *log, const char *folder)
{
    char path[256];
    bool any = false;
    int error;

    for (int i = LOGS_MAX; i >= 0; i--) {
        if (i)
            snprintf(path, sizeof(path), "%s/tracking.log.%d", folder, i);
        else
            snprintf(path, sizeof(path), "%s/tracking.log", folder);
        error = visor_profile_log_read(log, path);
        any = any || !error;
        if (error && error != -ENOENT)
            fprintf(stderr, _("timevisor: %s: %s\n"), path, strerror(-error));
        strncat(path, ".gz", sizeof(path) - strlen(path) - 1);
        if (!access(path, F_OK))
            fprintf(stderr, _("timevisor: %s is compressed and not read: zcat it into --log -\n"),
                    path);
    }
    return any;
}

static bool read_logs(const struct wishes *wishes, struct visor_profile_log *log)
{
    for (int i = 0; i < wishes->log_count; i++) {
        int error = visor_profile_log_read(log, wishes->logs[i]);

        if (error) {
            fprintf(stderr, _("timevisor: %s: %s\n"), wishes->logs[i], strerror(-error));
            return false;
        }
    }
    if (!wishes->log_count && !read_rotated(log, "/var/log/timevisor") &&
        !read_rotated(log, "/var/log/chrony")) {
        fputs(_("timevisor: there is no tracking.log: have \"log tracking\" and \"logdir\" in the "
                "configuration, or name a file with --log\n"),
              stderr);
        return false;
    }
    if (log->count > 1)
        return true;
    fputs(_("timevisor: the log has no two lines as tracking.log of chrony 4 and timevisord has "
            "them\n"),
          stderr);
    return false;
}

static bool take_date(const char *option, const char *text, int64_t otherwise, int64_t *time_s)
{
    *time_s = otherwise;
    if (!text || visor_profile_date(text, time(NULL), time_s))
        return true;
    fprintf(stderr,
            _("timevisor: --%s wants a date such as 2026-11-01 or 2026-11-01T12:00:00Z, or a time "
              "ago such as 30d, not \"%s\"\n"),
            option, text);
    return false;
}

static bool report(const struct wishes *wishes, const struct visor_profile *profile,
                   const struct visor_history *history)
{
    FILE *to = wishes->output ? fopen(wishes->output, "we") : stdout;
    bool good;

    if (!to) {
        fprintf(stderr, _("timevisor: %s: %s\n"), wishes->output, strerror(errno));
        return false;
    }
    if (wishes->format == FORMAT_HTML) {
        visor_profile_report_html(profile, history, to);
    } else if (wishes->format == FORMAT_JSON) {
        json_t *object = visor_profile_report_json(profile, history);

        json_dumpf(object, to, JSON_COMPACT);
        fputc('\n', to);
        json_decref(object);
    } else {
        visor_profile_report_text(profile, history, to);
    }
    good = !ferror(to) && !fflush(to);
    if (wishes->output && fclose(to))
        good = false;
    if (!good)
        fprintf(stderr, _("timevisor: %s: %s\n"), wishes->output ? wishes->output : "-",
                strerror(errno));
    return good;
}

static int check(const struct wishes *wishes, const struct visor_profile *profile)
{
    static const int exits[] = {VISOR_CLI_YES, VISOR_CLI_NO, VISOR_CLI_UNREACHABLE};
    struct visor_profile_log log = {.lines = NULL};
    struct visor_history history;
    int64_t from_s, to_s;
    int exit_status = VISOR_CLI_UNREACHABLE;

    if (!read_logs(wishes, &log))
        goto end;
    exit_status = VISOR_CLI_USAGE;
    if (!take_date("since", wishes->since, log.lines[0].time_s, &from_s) ||
        !take_date("until", wishes->until, log.lines[log.count - 1].time_s, &to_s))
        goto end;
    if (to_s <= from_s || to_s - from_s > INT64_C(400) * 366 * 86400) {
        fputs(_("timevisor: the period ends before it begins: see --since and --until\n"), stderr);
        goto end;
    }
    visor_history_begin(&history, from_s, to_s, profile->limit_s, (int64_t)wishes->gap_s);
    history.broken = log.broken;
    for (size_t i = 0; i < log.count; i++)
        visor_history_add(&history, &log.lines[i]);
    visor_history_end(&history);
    exit_status = report(wishes, profile, &history) ? exits[visor_profile_verdict(&history)]
                                                    : VISOR_CLI_REFUSED;
end:
    visor_profile_log_done(&log);
    return exit_status;
}

static int run(const struct wishes *wishes)
{
    const struct visor_profile *profile = NULL;
    bool wants_name = !strcmp(wishes->verb, "show") || !strcmp(wishes->verb, "check");
    json_t *status = NULL;
    int exit_status;

    if (wants_name && !(profile = visor_cli_take_profile(wishes->name ? wishes->name : "")))
        return VISOR_CLI_USAGE;
    if (!wants_name && (strcmp(wishes->verb, "list") != 0 || wishes->name)) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    if (!strcmp(wishes->verb, "check"))
        return check(wishes, profile);
    if (visor_ask(wishes->socket, VISOR_CONTROL_STATUS, "", true, &status) != VISOR_CLI_YES)
        status = NULL;
    exit_status = profile ? show(profile, status, wishes->format == FORMAT_JSON)
                          : list(status, wishes->format == FORMAT_JSON);
    json_decref(status);
    return exit_status;
}

int visor_cli_profile(int argc, char **argv)
{
    struct wishes wishes = {.gap_s = 3600};

    if (!read_wishes(argc, argv, &wishes)) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    if (wishes.done) {
        print_usage(stdout);
        return VISOR_CLI_YES;
    }
    return run(&wishes);
}
