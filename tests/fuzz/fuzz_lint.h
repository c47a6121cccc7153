/* A reader and the rules of what it reads, over any bytes: places stay in the text, and a file in a
 * file in a file ends. */
#ifndef FUZZ_LINT_H
#define FUZZ_LINT_H

#include "base/assert.h"
#include "lint/lint.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lint_any(enum visor_kind kind, const uint8_t *data, size_t size)
{
    struct visor_findings findings = {.items = NULL};
    struct visor_lint lint = {.name = "", .text = (const char *)data, .size = size, .kind = kind};
    size_t lines = 2;

    for (size_t i = 0; i < size; i++)
        lines +=
            data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80; /* YAML has other ends, too */
    visor_lint_run(&lint, &findings, NULL);
    for (size_t i = 0; i < findings.count; i++)
        VISOR_ASSERT(findings.items[i].line <= lines);
    visor_findings_done(&findings);
    return 0;
}

#endif
