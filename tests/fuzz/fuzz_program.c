/* Files that somebody wants to run under `timevisor exec`. */
#include "timevisor/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    visor_program_judge(data, size);
    return 0;
}
