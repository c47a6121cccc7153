/* timevisor status: is this clock right, and within what? */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/machine.h"
#include "timevisor/report.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor status [--limit TIME] [--json] [--socket PATH]\n"
            "Is this clock right, and within what?\n\n"
            "  --limit TIME    greatest error bound that counts as right (1s)\n"
            "  --json          the daemon's whole status model instead\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 right, 1 not right, 3 no daemon answers.\n"),
          out);
}

int visor_cli_status(int argc, char **argv)
{
    struct visor_cli_options options;
    struct visor_verdict verdict;
    struct visor_machine *machine;
    json_t *status;
    int exit_status = visor_cli_options(argc, argv, "limit json socket", print_usage, &options);

    if (exit_status != VISOR_CLI_YES || options.done)
        return exit_status;
    exit_status = visor_ask(options.socket, VISOR_CONTROL_STATUS, "", false, &status);
    if (exit_status != VISOR_CLI_YES)
        return exit_status;
    machine = visor_machine_new();
    visor_verdict_read(status, visor_machine_facts(machine), options.limit_s, &verdict);
    if (options.json)
        visor_ask_print(status);
    else
        visor_report_status(status, &verdict, stdout, visor_table_wants_color(stdout), 0);
    visor_machine_free(machine);
    json_decref(status);
    return verdict.right ? VISOR_CLI_YES : VISOR_CLI_NO;
}
