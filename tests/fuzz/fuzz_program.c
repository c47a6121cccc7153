/* Files that somebody wants to run under `timevisor exec`. */
#include "timevisor/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[16];

    visor_program_judge(data, size);
    visor_program_interpreter(data, size, path, sizeof(path));
    return 0;
}
