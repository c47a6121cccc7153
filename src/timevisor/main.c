/* timevisor: the table of subcommands, and nothing else. */
#include "port/text.h"
#include "timevisor/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: not listed */
};

static const struct command commands[] = {
    {"status", visor_cli_status, N_("is this clock right, and within what?")},
    {"sources", visor_cli_sources, N_("every source, and how it is used")},
    {"events", visor_cli_events, N_("what has stopped or moved this machine")},
    {"respond", visor_cli_respond, N_("what can be done about a clock that is not right")},
    {"watch", visor_cli_watch, N_("all of it, live, with the machine's own clocks")},
    {"wait", visor_cli_wait, N_("return when the clock is right")},
    {"drift", visor_cli_drift, N_("how wrong are these machines' clocks?")},
    {"doctor", visor_cli_doctor, N_("what is wrong with this machine's time?")},
    {"lint", visor_cli_lint, N_("what is wrong in files that have to do with time?")},
    {"explain", visor_cli_explain, N_("all about a rule of lint and doctor")},
    {"plan", visor_cli_plan, N_("how time gets to many machines, and how exact it is there")},
    {"generate", visor_cli_generate, N_("the files that set up time, for every platform")},
    {"profile", visor_cli_profile, N_("what rules ask of a clock, and was it kept?")},
    {"clocksource", visor_cli_clocksource, N_("what does the kernel count by, and why?")},
    {"config", visor_cli_config, N_("is a configuration good?")},
    {"sim", visor_cli_sim, N_("run simulated machines, networks and faults")},
    {"exec", visor_cli_exec, N_("run a program that sees this clock")},
    {"bench", visor_cli_bench, N_("what does a reading of the time cost?")},
    {"version", visor_cli_version, N_("print the version")},
    {"help", visor_cli_help, N_("print this")},
    {"--version", visor_cli_version, NULL},
    {"--help", visor_cli_help, NULL},
    {"-h", visor_cli_help, NULL},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int visor_cli_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts(_("Usage: timevisor COMMAND [OPTION]...\n"
           "Ask timevisord about this machine's time.\n"));
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].summary)
            printf("  %-11s %s\n", commands[i].name, _(commands[i].summary));
    puts(_("\"timevisor COMMAND --help\" tells more about one; all of it is in timevisor(1)."));
    return VISOR_CLI_YES;
}

/* What could not be written was not done, whatever the subcommand says: a full disk, a closed
 * output.
 */
static int finish(int result)
{
    errno = 0;
    if ((!fflush(stdout) && !ferror(stdout)) || result == VISOR_CLI_REFUSED)
        return result;
    fprintf(stderr, _("timevisor: %s: %s\n"), "-", strerror(errno ? errno : EIO));
    return result == VISOR_CLI_YES ? VISOR_CLI_REFUSED : result;
}

int main(int argc, char **argv)
{
    char name[64]; /* for getopt's complaints */

    visor_text_init();
    if (argc < 2) {
        visor_cli_help(argc, argv);
        return VISOR_CLI_USAGE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name)) {
            snprintf(name, sizeof(name), "timevisor %s", argv[1]);
            argv[1] = name;
            return finish(commands[i].run(argc - 1, argv + 1));
        }
    fprintf(stderr, _("timevisor: there is no command \"%s\" (see: timevisor help)\n"), argv[1]);
    return VISOR_CLI_USAGE;
}
