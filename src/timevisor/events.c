/* timevisor events: what has stopped or moved this machine, and who would notice the next time. */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/field.h"
#include "timevisor/report.h"
#include "timevisor/table.h"

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor events [--json] [--socket PATH]\n"
            "Pauses, migrations and restores of this machine that timevisord has noticed.\n\n"
            "  --json          the disruptions of the daemon's status model instead\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 there was none, 1 there was one, 3 no daemon answers.\n"),
          out);
}

int visor_cli_events(int argc, char **argv)
{
    struct visor_cli_options options;
    const json_t *disruptions;
    json_t *status;
    int exit_status = visor_cli_options(argc, argv, "json socket", print_usage, &options);

    if (exit_status != VISOR_CLI_YES || options.done)
        return exit_status;
    exit_status = visor_ask(options.socket, VISOR_CONTROL_STATUS, "", false, &status);
    if (exit_status != VISOR_CLI_YES)
        return exit_status;
    disruptions = visor_field(status, "disruptions");
    if (options.json)
        visor_ask_print(disruptions);
    else
        visor_report_events(status, stdout, visor_table_wants_color(stdout));
    exit_status = json_array_size(disruptions) ? VISOR_CLI_NO : VISOR_CLI_YES;
    json_decref(status);
    return exit_status;
}
