#include "fuzz_lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return lint_any(VISOR_KIND_SHELL, data, size);
}
