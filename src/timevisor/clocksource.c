/* timevisor clocksource: what the kernel counts by, why, what a reading costs, and another choice
 * on request. It is the kernel's own choice that is changed, so it is explained and asked first. */
#include "timevisor/clocksource.h"
#include "port/clock.h"
#include "port/facts.h"
#include "port/text.h"
#include "port/tree.h"
#include "timevisor/cli.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CURRENT "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* How a program reads it. */
enum cost { VDSO, SYSTEM_CALL, USELESS, NOT_KNOWN };

static const struct {
    const char *name;
    enum cost cost;
    const char *what;
} known[] = {
    {"tsc", VDSO, N_("the CPU's own counter")},
    {"kvm-clock", VDSO, N_("the TSC, corrected by KVM")},
    {"hyperv_clocksource_tsc_page", VDSO, N_("the TSC, corrected by Hyper-V")},
    {"hyperv_clocksource_msr", SYSTEM_CALL, N_("Hyper-V's counter, asked each time")},
    {"arch_sys_counter", VDSO, N_("the CPU's own counter")},
    {"xen", SYSTEM_CALL, N_("the TSC, corrected by Xen")},
    {"hpet", SYSTEM_CALL, N_("a timer chip, slow to read")},
    {"acpi_pm", SYSTEM_CALL, N_("the power management timer, slow to read")},
    {"jiffies", USELESS, N_("the timer interrupt: no finer than milliseconds")},
    {"refined-jiffies", USELESS, N_("the timer interrupt: no finer than milliseconds")},
};

struct wish {
    bool json, yes;
    const char *root;
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static int find(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(name, known[i].name) == 0)
            return i;
    return -1;
}

static enum cost cost_of(const char *name)
{
    int at = find(name);

    return at < 0 ? NOT_KNOWN : known[at].cost;
}

static const char *cost_word(enum cost cost)
{
    static const char *const words[] = {"vdso", "system-call", "useless", "unknown"};

    return words[cost];
}

static const char *cost_text(enum cost cost)
{
    switch (cost) {
    case VDSO:
        return _("read without a system call");
    case SYSTEM_CALL:
        return _("a system call each time");
    case USELESS:
        return _("useless for timekeeping");
    case NOT_KNOWN:
        break;
    }
    return _("not known to timevisor");
}

static bool is_available(const struct visor_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->clocksource_count; i++)
        if (strcmp(facts->clocksources[i], name) == 0)
            return true;
    return false;
}

/* ---- verdicts ---- */

struct verdict {
    const char *word, *text;
    bool good;
};

static struct verdict judge_tsc(const struct visor_facts *facts)
{
    if (!facts->tsc)
        return (struct verdict){"absent", _("this CPU has none"), false};
    if (strstr(facts->command_line, "tsc=unstable") || strstr(facts->command_line, "notsc"))
        return (struct verdict){"rejected", _("the kernel's command line forbids it"), false};
    if (!is_available(facts, "tsc"))
        return (struct verdict){
            "rejected", _("the kernel has found it unstable, and does not offer it"), false};
    if (!facts->constant_tsc)
        return (struct verdict){"inconstant", _("its rate may follow the CPU's"), false};
    if (!facts->nonstop_tsc)
        return (struct verdict){"inconstant", _("it may stop while the CPU sleeps"), false};
    return (struct verdict){"trustworthy", _("constant, never stopping, and offered by the kernel"),
                            true};
}

/* Why the kernel counts by what it counts by. */
static struct verdict judge_choice(const struct visor_facts *facts)
{
    const char *asked = strstr(facts->command_line, "clocksource=");
    size_t length = strlen(facts->clocksource);

    if (asked && strncmp(asked + 12, facts->clocksource, length) == 0 &&
        (asked[12 + length] == 0 || asked[12 + length] == ' '))
        return (struct verdict){"command-line", _("the kernel's command line asks for it"), true};
    if (asked)
        return (struct verdict){
            "not-asked",
            _("not what the kernel's command line asks for: changed since, or not there"), false};
    if (strcmp(facts->clocksource, "tsc") == 0)
        return (struct verdict){"best", _("the best that there is"), true};
    if (!judge_tsc(facts).good)
        return (struct verdict){"no-tsc", _("the best of the rest: the TSC is not to be had"),
                                cost_of(facts->clocksource) == VDSO};
    if (cost_of(facts->clocksource) == VDSO)
        return (struct verdict){
            "rated", _("rated above the TSC by the kernel, or chosen by somebody"), true};
    return (struct verdict){"chosen", _("chosen by somebody: the TSC would be better"), false};
}

/* ---- showing ---- */

static int print_json(const struct visor_facts *facts, bool here)
{
    struct verdict choice = judge_choice(facts), tsc = judge_tsc(facts);
    json_t *available = json_array(), *json;
    char *text;

    for (size_t i = 0; i < facts->clocksource_count; i++)
        json_array_append_new(available,
                              json_pack("{s:s, s:s}", "name", facts->clocksources[i], "cost",
                                        cost_word(cost_of(facts->clocksources[i]))));
    json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:s, s:b, s:b}}", "current", facts->clocksource,
                     "why", choice.word, "cost", cost_word(cost_of(facts->clocksource)),
                     "reading_s", here ? json_real(visor_clock_cost()) : json_null(), "available",
                     available, "tsc", "verdict", tsc.word, "constant", facts->constant_tsc,
                     "nonstop", facts->nonstop_tsc);
    text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(json);
    return text ? VISOR_CLI_YES : VISOR_CLI_REFUSED;
}

static int print(const struct visor_facts *facts, bool here)
{
    struct visor_table *table = visor_table_new("lll");
    bool colored = visor_table_wants_color(stdout);
    struct verdict choice = judge_choice(facts), tsc = judge_tsc(facts);
    char cost[VISOR_QUANTITY_MAX];

    if (!table)
        return VISOR_CLI_REFUSED;
    visor_table_add(table, VISOR_DIM, _("CLOCKSOURCE"));
    visor_table_add(table, VISOR_DIM, _("WHAT IT IS"));
    visor_table_add(table, VISOR_DIM, _("COST"));
    for (size_t i = 0; i < facts->clocksource_count; i++) {
        const char *name = facts->clocksources[i];
        int at = find(name);

        visor_table_add(table, strcmp(name, facts->clocksource) == 0 ? VISOR_BOLD : VISOR_PLAIN,
                        name);
        visor_table_add(table, VISOR_PLAIN, at < 0 ? "" : _(known[at].what));
        visor_table_add(table, cost_of(name) == VDSO ? VISOR_PLAIN : VISOR_WARN,
                        cost_text(cost_of(name)));
    }
    visor_table_print(table, stdout, colored);
    visor_table_free(table);
    printf(_("\nIn use: %s: %s.\n"), facts->clocksource, choice.text);
    printf(_("TSC: %s.\n"), tsc.text);
    if (here)
        printf(_("A reading of the time takes %s here.\n"),
               visor_quantity_print(visor_clock_cost(), cost));
    return VISOR_CLI_YES;
}

/* ---- switching ---- */

enum { SLOWER = 1, AS_SLOW = 2, QUICKER = 4, UNTRUSTED = 8, MOVES = 16 };

static bool is_slow(const char *name)
{
    return cost_of(name) == SYSTEM_CALL || cost_of(name) == USELESS;
}

/* What follows from the change, besides what always does. */
static unsigned foresee(const struct visor_facts *facts, const char *name)
{
    bool slow = is_slow(facts->clocksource), tsc = strcmp(name, "tsc") == 0;
    unsigned follows = 0;

    if (is_slow(name))
        follows |= slow ? AS_SLOW : SLOWER;
    else if (cost_of(facts->clocksource) == SYSTEM_CALL)
        follows |= QUICKER;
    if (tsc && !judge_tsc(facts).good)
        follows |= UNTRUSTED;
    else if (tsc && facts->hypervisor != VISOR_HYPERVISOR_NONE)
        follows |= MOVES;
    return follows;
}

static void explain(const struct visor_facts *facts, const char *name)
{
    unsigned follows = foresee(facts, name);

    printf(_("From %s to %s:\n"), facts->clocksource, name);
    if (follows & SLOWER)
        printf(_("- every reading of the time, by any program, is a system call from then on and "
                 "takes many times as long (%s);\n"),
               cost_text(cost_of(name)));
    if (follows & AS_SLOW)
        printf(_("- every reading of the time is a system call, as it is now (%s: %s);\n"), name,
               _(known[find(name)].what));
    if (follows & QUICKER)
        fputs(_("- readings of the time become many times as quick;\n"), stdout);
    if (follows & UNTRUSTED)
        printf(_("- the TSC of this machine cannot be trusted: %s. The clock may jump or run "
                 "wrongly;\n"),
               judge_tsc(facts).text);
    if (follows & MOVES)
        fputs(_("- a migration to a host with another TSC rate makes the clock run wrongly, unless "
                "the hypervisor scales it;\n"),
              stdout);
    fputs(_("- the kernel's clocks go on without a jump, but at a slightly different rate: whoever "
            "keeps this clock has to learn it anew (timevisord notices by itself);\n"
            "- it holds until the next start; for ever: clocksource= on the kernel's command "
            "line.\n"),
          stdout);
}

static bool agrees(void)
{
    char answer[8];

    if (!isatty(STDIN_FILENO)) {
        fputs(_("timevisor clocksource: nobody can be asked here: add --yes if that is wanted\n"),
              stderr);
        return false;
    }
    fputs(_("Do it? [y/N] "), stdout);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int write_choice(const char *root, const char *name)
{
    char path[VISOR_TREE_PATH_MAX];
    size_t size = strlen(name);
    ssize_t written;
    int fd, error;

    snprintf(path, sizeof(path), "%s%s", root, CURRENT);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    written = write(fd, name, size);
    error = written == (ssize_t)size ? 0 : written < 0 ? -errno : -EIO;
    close(fd);
    return error;
}

int visor_clocksource_choose(const char *root, const char *name)
{
    char now[VISOR_FACTS_TEXT];
    int error = write_choice(root, name);

    if (error)
        return error;
    return visor_tree_line(root, CURRENT, now, sizeof(now)) && strcmp(now, name) == 0 ? 0 : -ENODEV;
}

static int refuse_unknown(const struct visor_facts *facts, const char *name)
{
    fprintf(stderr, _("timevisor clocksource: this kernel does not offer \"%s\"; it has:"), name);
    for (size_t i = 0; i < facts->clocksource_count; i++)
        fprintf(stderr, " %s", facts->clocksources[i]);
    fputs("\n", stderr);
    return VISOR_CLI_USAGE;
}

/* As JSON: what was there, what is there now, and what follows; nobody is asked. */
static void tell_switch(const struct visor_facts *facts, const char *now, const char *name)
{
    static const char *const words[] = {"slower", "as-slow", "quicker", "untrusted-tsc",
                                        "migration"};
    unsigned follows = foresee(facts, name);
    json_t *list = json_array(), *json;

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (follows & 1u << i)
            json_array_append_new(list, json_string(words[i]));
    json = json_pack("{s:s, s:s, s:s, s:o}", "before", facts->clocksource, "current", now, "wanted",
                     name, "follows", list);
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

/* Changes it; `now`: to what. */
static int change(const char *root, const char *name, char now[VISOR_FACTS_TEXT])
{
    int error = visor_clocksource_choose(root, name);

    visor_tree_line(root, CURRENT, now, VISOR_FACTS_TEXT);
    if (!error)
        return VISOR_CLI_YES;
    if (error == -ENODEV)
        fprintf(stderr, _("timevisor clocksource: the kernel keeps %s (dmesg tells why)\n"), now);
    else
        fprintf(stderr, _("timevisor clocksource: it could not be changed: %s (only root may)\n"),
                strerror(-error));
    return VISOR_CLI_REFUSED;
}

static int switch_to(const struct visor_facts *facts, const char *name, const struct wish *wish)
{
    bool same = strcmp(name, facts->clocksource) == 0;
    char now[VISOR_FACTS_TEXT];
    int status;

    if (!is_available(facts, name))
        return refuse_unknown(facts, name);
    memcpy(now, facts->clocksource, sizeof(now));
    if (!same && !wish->json)
        explain(facts, name);
    if (same)
        status = VISOR_CLI_YES;
    else if (wish->yes || (!wish->json && agrees()))
        status = change(wish->root, name, now);
    else
        status = VISOR_CLI_NO;
    if (wish->json)
        tell_switch(facts, now, name);
    else if (same)
        printf(_("The kernel counts by %s already.\n"), name);
    else if (status == VISOR_CLI_YES)
        printf(_("The kernel counts by %s now.\n"), name);
    return status;
}

/* ---- */

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor clocksource [--json] [--root FOLDER]\n"
            "       timevisor clocksource [--yes] [--json] [--root FOLDER] NAME\n"
            "What the kernel counts time by, why, and what a reading costs; with a NAME:\n"
            "count by that from now on, after saying what follows and asking.\n\n"
            "  --json         as JSON; nobody is asked: without --yes a NAME does nothing\n"
            "  --yes          do not ask\n"
            "  --root FOLDER  of a tree of files instead of this machine's\n\n"
            "Exit status: 0 done, 1 not wanted, 2 there is no such clocksource, 4 refused or\n"
            "not known.\n"),
          out);
}

int visor_cli_clocksource(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"yes", no_argument, NULL, 'y'},
                                            {"root", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct visor_facts *facts;
    struct wish wish = {.root = ""};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        wish.json = wish.json || option == 'j';
        wish.yes = wish.yes || option == 'y';
        if (option == 'r')
            wish.root = optarg;
        if (option == 'h' || option == '?') {
            print_usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? VISOR_CLI_YES : VISOR_CLI_USAGE;
        }
    }
    facts = argc - optind > 1 ? NULL : calloc(1, sizeof(*facts));
    if (!facts) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    visor_facts_gather(facts, wish.root);
    if (!facts->clocksource[0]) {
        fputs(_("timevisor clocksource: this kernel does not say what it counts by\n"), stderr);
        status = VISOR_CLI_REFUSED;
    } else if (optind < argc) {
        status = switch_to(facts, argv[optind], &wish);
    } else {
        status = wish.json ? print_json(facts, !*wish.root) : print(facts, !*wish.root);
    }
    free(facts);
    return status;
}
