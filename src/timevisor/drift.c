/* timevisor drift: the options, the rounds, and what is printed. */
#include "timevisor/drift.h"

#include "base/time.h"
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/drift_tell.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* As of a monitoring plug-in: usage errors are "unknown" too. */
enum { EXIT_FINE = 0, EXIT_YELLOW = 1, EXIT_RED = 2, EXIT_UNKNOWN = 3 };

enum {
    HELP,
    AGAINST,
    LIMIT,
    WARN,
    TIMEOUT,
    WATCH,
    ROUNDS,
    SYSLOG,
    MAIL,
    WEBHOOK,
    SSH,
    JSON,
    SOCKET
};

struct wishes {
    struct visor_drift_plan plan;
    struct visor_drift_listeners listeners;
    double watch_s; /* 0: once */
    long rounds;    /* 0: until interrupted */
    bool json, done;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor drift [--against HOST[,HOST...]]... [OPTION]... [MACHINE]...\n"
            "How wrong are these machines' clocks, and how sure is that? MACHINE: a host that\n"
            "ssh reaches, ntp:HOST for one that serves NTP, or \"here\", also the default.\n\n"
            "  --against HOST    NTP servers that are right; else the daemon, or its sources\n"
            "  --limit TIME      beyond it a clock is red (5s)\n"
            "  --warn TIME       beyond it a clock is yellow (half of the limit)\n"
            "  --timeout TIME    for the answers of a round (5s)\n"
            "  --watch[=TIME]    again and again, every minute or TIME, and tell of changes\n"
            "  --rounds N        with --watch: end after N\n"
            "  --syslog          tell the system's log too\n"
            "  --mail ADDRESS    tell by mail too (sendmail)\n"
            "  --webhook URL     tell by an HTTP POST of JSON too (curl)\n"
            "  --ssh PROGRAM     instead of ssh\n"
            "  --json            one JSON object a round\n"
            "  --socket PATH     the daemon's control socket\n\n"
            "Exit status: 0 all within the warning, 1 yellow, 2 red, 3 not known.\n"),
          out);
}

static bool take_time(const char *option, double *seconds)
{
    return visor_cli_take_time(option, optarg, 1e-9, 1e6, seconds);
}

static bool take_references(struct visor_drift_plan *plan, char *names)
{
    for (char *rest = NULL, *name = strtok_r(names, ",", &rest); name;
         name = strtok_r(NULL, ",", &rest))
        if (!visor_drift_add(plan->references, &plan->reference_count, VISOR_DRIFT_REFERENCES,
                             VISOR_DRIFT_NTP, name)) {
            fprintf(stderr,
                    _("timevisor: \"%s\" is no name of a server, or there are more than %d\n"),
                    name, VISOR_DRIFT_REFERENCES);
            return false;
        }
    plan->given = true;
    return plan->reference_count > 0;
}

static bool take_machine(struct visor_drift_plan *plan, const char *word)
{
    enum visor_drift_via via = VISOR_DRIFT_SSH;
    const char *name = word;

    if (!strcmp(word, "here"))
        via = VISOR_DRIFT_HERE;
    else if (!strncmp(word, "ntp:", 4))
        via = VISOR_DRIFT_NTP, name += 4;
    else if (!strncmp(word, "ssh:", 4))
        name += 4;
    if (visor_drift_add(plan->machines, &plan->machine_count, VISOR_DRIFT_MACHINES, via, name))
        return true;
    fprintf(stderr, _("timevisor: \"%s\" is no name of a machine, or there are more than %d\n"),
            word, VISOR_DRIFT_MACHINES);
    return false;
}

static bool take_rounds(struct wishes *wishes)
{
    char *end;

    errno = 0;
    wishes->rounds = strtol(optarg, &end, 10);
    if (!errno && !*end && wishes->rounds > 0)
        return true;
    fprintf(stderr, _("timevisor: --rounds wants a number above 0, not \"%s\"\n"), optarg);
    return false;
}

static bool take(int kind, struct wishes *wishes)
{
    struct visor_drift_plan *plan = &wishes->plan;

    switch (kind) {
    case HELP:
        return wishes->done = true;
    case AGAINST:
        return take_references(plan, optarg);
    case LIMIT:
        return take_time("limit", &plan->limit_s);
    case WARN:
        return take_time("warn", &plan->warn_s);
    case TIMEOUT:
        return take_time("timeout", &plan->timeout_s);
    case WATCH:
        wishes->watch_s = 60;
        return !optarg || take_time("watch", &wishes->watch_s);
    case ROUNDS:
        return take_rounds(wishes);
    case SYSLOG:
        return wishes->listeners.syslog = true;
    case MAIL:
        return (wishes->listeners.mail = optarg) != NULL;
    case WEBHOOK:
        return (wishes->listeners.webhook = optarg) != NULL;
    case SSH:
        return (plan->ssh = optarg) != NULL;
    case JSON:
        return wishes->json = true;
    case SOCKET:
        return (plan->socket = optarg) != NULL;
    default:
        return false;
    }
}

static bool read_wishes(int argc, char **argv, struct wishes *wishes)
{
    static const struct option all[] = {
        {"help", no_argument, NULL, HELP},           {"against", required_argument, NULL, AGAINST},
        {"limit", required_argument, NULL, LIMIT},   {"warn", required_argument, NULL, WARN},
        {"watch", optional_argument, NULL, WATCH},   {"timeout", required_argument, NULL, TIMEOUT},
        {"rounds", required_argument, NULL, ROUNDS}, {"syslog", no_argument, NULL, SYSLOG},
        {"mail", required_argument, NULL, MAIL},     {"webhook", required_argument, NULL, WEBHOOK},
        {"ssh", required_argument, NULL, SSH},       {"json", no_argument, NULL, JSON},
        {"socket", required_argument, NULL, SOCKET}, {NULL, 0, NULL, 0}};
    int kind;

    optind = 1;
    while ((kind = getopt_long(argc, argv, "", all, NULL)) != -1)
        if (!take(kind, wishes))
            return false;
    while (optind < argc)
        if (!take_machine(&wishes->plan, argv[optind++]))
            return false;
    if (!wishes->plan.machine_count)
        take_machine(&wishes->plan, "here");
    if (!isfinite(wishes->plan.warn_s))
        wishes->plan.warn_s = wishes->plan.limit_s / 2;
    return visor_drift_listeners_check(&wishes->listeners);
}

/* ---- what is printed ---- */

static enum visor_color color_of(enum visor_drift_level level)
{
    static const enum visor_color colors[] = {VISOR_GOOD, VISOR_WARN, VISOR_BAD, VISOR_WARN};

    return colors[level];
}

static const char *level_text(enum visor_drift_level level)
{
    static const char *const texts[] = {N_("fine"), N_("yellow"), N_("red"), N_("unknown")};

    return _(texts[level]);
}

static void add_cells(struct visor_table *table, const char *name, const char *level,
                      enum visor_color color, const struct visor_drift_interval *interval,
                      const char *why)
{
    char text[VISOR_QUANTITY_MAX];
    bool known = interval->uncertainty_ns != VISOR_NS_MAX;

    visor_table_add(table, VISOR_PLAIN, name);
    visor_table_add(table, color, level);
    visor_table_add(
        table, VISOR_PLAIN,
        known ? visor_quantity_print_signed(visor_seconds_from_ns(interval->offset_ns), text) : "");
    visor_table_add(
        table, VISOR_PLAIN,
        known ? visor_quantity_print(visor_seconds_from_ns(interval->uncertainty_ns), text) : "");
    visor_table_add(table, VISOR_DIM, why);
}

static void print_references(const struct visor_drift_plan *plan, bool colored)
{
    struct visor_table *table = visor_table_new("llrrl");
    char offset[VISOR_QUANTITY_MAX], doubt[VISOR_QUANTITY_MAX];

    if (plan->reference.uncertainty_ns == VISOR_NS_MAX)
        puts(
            plan->reference_count
                ? _("\nThere is no time to compare with: the references do not agree, or do not "
                    "answer.")
                : _("\nThere is no time to compare with: no daemon of ours runs here and no server "
                    "is configured. Name some with --against."));
    else
        printf(
            _("\nReference: this machine's clock is behind by %s +/- %s (%d agree)\n"),
            visor_quantity_print_signed(visor_seconds_from_ns(plan->reference.offset_ns), offset),
            visor_quantity_print(visor_seconds_from_ns(plan->reference.uncertainty_ns), doubt),
            plan->agreeing);
    if (!table || !plan->reference_count) {
        visor_table_free(table);
        return;
    }
    visor_table_add(table, VISOR_DIM, _("REFERENCE"));
    visor_table_add(table, VISOR_DIM, "");
    visor_table_add(table, VISOR_DIM, _("OFFSET"));
    visor_table_add(table, VISOR_DIM, "+/-");
    visor_table_add(table, VISOR_DIM, "");
    for (int i = 0; i < plan->reference_count; i++)
        add_cells(table, plan->references[i].name, "", VISOR_PLAIN, &plan->references[i].clock,
                  plan->references[i].why);
    visor_table_print(table, stdout, colored);
    visor_table_free(table);
}

static void print_round(const struct visor_drift_plan *plan, bool brief)
{
    bool colored = visor_table_wants_color(stdout);
    struct visor_table *table = visor_table_new("llrrll");

    if (!table)
        return;
    visor_table_add(table, VISOR_DIM, _("MACHINE"));
    visor_table_add(table, VISOR_DIM, _("LEVEL"));
    visor_table_add(table, VISOR_DIM, _("BEHIND"));
    visor_table_add(table, VISOR_DIM, "+/-");
    visor_table_add(table, VISOR_DIM, "");
    visor_table_add(table, VISOR_DIM, _("ZONE"));
    for (int i = 0; i < plan->machine_count; i++) {
        add_cells(table, plan->machines[i].name, level_text(plan->machines[i].level),
                  color_of(plan->machines[i].level), &plan->machines[i].error,
                  plan->machines[i].why);
        visor_table_add(table, VISOR_PLAIN, plan->machines[i].zone);
    }
    visor_table_print(table, stdout, colored);
    visor_table_free(table);
    if (visor_drift_zones_differ(plan))
        puts(_("\nThese machines have different time zones: lines of their logs that belong "
               "together are "
               "hours apart."));
    if (!brief)
        print_references(plan, colored);
}

static void print_date(void)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];

    if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
        printf("%s\n", text);
}

/* ---- the rounds ---- */

static int exit_of(const struct visor_drift_plan *plan)
{
    int counts[4] = {0};

    for (int i = 0; i < plan->machine_count; i++)
        counts[plan->machines[i].level]++;
    return counts[VISOR_DRIFT_RED]       ? EXIT_RED
           : counts[VISOR_DRIFT_UNKNOWN] ? EXIT_UNKNOWN
           : counts[VISOR_DRIFT_YELLOW]  ? EXIT_YELLOW
                                         : EXIT_FINE;
}

/* Of a first look: what is not fine; later: what has changed. */
static void tell_changes(const struct wishes *wishes, enum visor_drift_level *before)
{
    for (int i = 0; i < wishes->plan.machine_count; i++) {
        const struct visor_drift_clock *machine = &wishes->plan.machines[i];

        if (machine->level != before[i])
            visor_drift_tell(&wishes->listeners, machine, wishes->plan.limit_s);
        before[i] = machine->level;
    }
}

static int run(struct wishes *wishes)
{
    enum visor_drift_level before[VISOR_DRIFT_MACHINES] = {VISOR_DRIFT_FINE};
    int exit_status = EXIT_UNKNOWN;

    for (long round = 1; !interrupted; round++) {
        int error = visor_drift_measure(&wishes->plan);

        if (error) {
            fprintf(stderr, _("timevisor: the clocks cannot be asked: %s\n"), strerror(-error));
            return EXIT_UNKNOWN;
        }
        if (wishes->json) {
            json_t *object = visor_drift_json(&wishes->plan);

            visor_ask_print(object);
            json_decref(object);
        } else {
            if (wishes->watch_s > 0)
                print_date();
            print_round(&wishes->plan, wishes->watch_s > 0);
        }
        fflush(stdout);
        tell_changes(wishes, before);
        exit_status = exit_of(&wishes->plan);
        if (wishes->watch_s <= 0 || round == wishes->rounds)
            break;
        poll(NULL, 0, (int)fmin(wishes->watch_s * 1000, 2e9));
    }
    return exit_status;
}

int visor_cli_drift(int argc, char **argv)
{
    struct wishes *wishes = calloc(1, sizeof(*wishes));
    struct sigaction action = {.sa_handler = interrupt};
    int exit_status = EXIT_FINE;

    if (!wishes)
        return EXIT_UNKNOWN;
    wishes->plan =
        (struct visor_drift_plan){.ssh = "ssh", .limit_s = 5, .warn_s = INFINITY, .timeout_s = 5};
    if (!read_wishes(argc, argv, wishes)) {
        print_usage(stderr);
        exit_status = EXIT_UNKNOWN;
    } else if (wishes->done) {
        print_usage(stdout);
    } else {
        if (wishes->watch_s > 0) {
            sigaction(SIGINT, &action, NULL);
            sigaction(SIGTERM, &action, NULL);
        }
        exit_status = run(wishes);
    }
    free(wishes);
    return exit_status;
}
