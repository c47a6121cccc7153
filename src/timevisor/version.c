/* timevisor version */
#include "timevisor/cli.h"

#include <stdio.h>

int visor_cli_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("timevisor " VISOR_VERSION);
    return VISOR_CLI_YES;
}
