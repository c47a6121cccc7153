/* The command line: one function a subcommand, one file each. Each takes its own name as argv[0],
 * reads its options with getopt_long, and returns an exit status. */
#ifndef VISOR_TIMEVISOR_CLI_H
#define VISOR_TIMEVISOR_CLI_H

/* Exit statuses, the same for all subcommands (timevisor(1), EXIT STATUS). */
enum visor_cli_exit {
    VISOR_CLI_YES = 0,         /* done; the clock is right; the file is good */
    VISOR_CLI_NO = 1,          /* the clock is not right; the file has errors; time is up */
    VISOR_CLI_USAGE = 2,       /* the command line is wrong */
    VISOR_CLI_UNREACHABLE = 3, /* no daemon answers */
    VISOR_CLI_REFUSED = 4,     /* the daemon refuses, or the system does */
};

int visor_cli_sim(int argc, char **argv);
int visor_cli_version(int argc, char **argv);
int visor_cli_help(int argc, char **argv);

#endif
