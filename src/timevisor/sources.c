/* timevisor sources: every source, how it is used, and why not. */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/field.h"
#include "timevisor/machine.h"
#include "timevisor/report.h"

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor sources [--json] [--socket PATH]\n"
            "The sources: * followed, + combined, - agreeing, x contradicting, ? not usable\n\n"
            "  --json          the sources of the daemon's status model instead\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 there are sources, 1 there is none, 3 no daemon answers.\n"),
          out);
}

int visor_cli_sources(int argc, char **argv)
{
    struct visor_cli_options options;
    const json_t *sources;
    struct visor_machine *machine;
    json_t *status;
    int exit_status = visor_cli_options(argc, argv, "json socket", print_usage, &options);

    if (exit_status != VISOR_CLI_YES || options.done)
        return exit_status;
    exit_status = visor_ask(options.socket, VISOR_CONTROL_STATUS, "", false, &status);
    if (exit_status != VISOR_CLI_YES)
        return exit_status;
    machine = visor_machine_new();
    sources = visor_field(status, "sources");
    if (options.json)
        visor_ask_print(sources);
    else
        visor_report_sources(status, visor_machine_facts(machine), stdout,
                             visor_table_wants_color(stdout), 0);
    exit_status = json_array_size(sources) ? VISOR_CLI_YES : VISOR_CLI_NO;
    visor_machine_free(machine);
    json_decref(status);
    return exit_status;
}
