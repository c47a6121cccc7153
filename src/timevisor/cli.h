/* The command line: one function a subcommand, one file each. Each takes its own name as argv[0]
 * and returns an exit status. */
#ifndef VISOR_TIMEVISOR_CLI_H
#define VISOR_TIMEVISOR_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses, the same for all subcommands (timevisor(1), EXIT STATUS). */
enum visor_cli_exit {
    VISOR_CLI_YES = 0,         /* done; the clock is right; the file is good */
    VISOR_CLI_NO = 1,          /* the clock is not right; the file has errors; time is up */
    VISOR_CLI_USAGE = 2,       /* the command line is wrong */
    VISOR_CLI_UNREACHABLE = 3, /* no daemon answers */
    VISOR_CLI_REFUSED = 4,     /* the daemon refuses, or the system does */
};

/* What the commands that ask the daemon have in common. */
struct visor_cli_options {
    const char *socket; /* NULL: the default places */
    bool json, quiet, list, yes;
    double limit_s;    /* 1 */
    double timeout_s;  /* 0 */
    double interval_s; /* 1 */
    bool done;         /* --help was printed */
};

/* Reads those options that `allowed` names (words with spaces between); no other argument is taken.
 * Returns VISOR_CLI_YES, or VISOR_CLI_USAGE with a word and the usage on stderr. */
int visor_cli_options(int argc, char **argv, const char *allowed, void (*print_usage)(FILE *out),
                      struct visor_cli_options *options);

/* The value of one option; false: what is wrong with it is on stderr. */
bool visor_cli_take_time(const char *option, const char *text, double least, double most,
                         double *seconds);

struct visor_profile;
/* By its name; NULL: there is none, which is on stderr. */
const struct visor_profile *visor_cli_take_profile(const char *name);

int visor_cli_status(int argc, char **argv);
int visor_cli_sources(int argc, char **argv);
int visor_cli_events(int argc, char **argv);
int visor_cli_respond(int argc, char **argv);
int visor_cli_watch(int argc, char **argv);
int visor_cli_wait(int argc, char **argv);
int visor_cli_drift(int argc, char **argv);
int visor_cli_doctor(int argc, char **argv);
int visor_cli_lint(int argc, char **argv);
int visor_cli_explain(int argc, char **argv);
int visor_cli_plan(int argc, char **argv);
int visor_cli_generate(int argc, char **argv);
int visor_cli_profile(int argc, char **argv);
int visor_cli_config(int argc, char **argv);
int visor_cli_clocksource(int argc, char **argv);
int visor_cli_sim(int argc, char **argv);
int visor_cli_bench(int argc, char **argv);
int visor_cli_exec(int argc, char **argv);
int visor_cli_version(int argc, char **argv);
int visor_cli_help(int argc, char **argv);

#endif
