/* tracking.log: whatever is read, the period's parts add up. */
#include "advise/history.h"
#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct visor_history history;
    struct visor_history_line line;
    const char *at = (const char *)data, *end = at + size;

    visor_history_begin(&history, 1793491200, 1793491200 + 86400, 1e-3, 3600);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);

        if (visor_history_read(at, length, &line) == VISOR_HISTORY_LINE) {
            VISOR_ASSERT(line.max_error_s >= 0);
            visor_history_add(&history, &line);
        }
        at += length + 1;
    }
    visor_history_end(&history);
    VISOR_ASSERT(history.within_s + history.beyond_s + history.unsynchronized_s +
                     history.missing_s ==
                 86400);
    return 0;
}
