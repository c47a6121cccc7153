/* Markdown: its fenced code blocks, each a file of its own. */
#include "lint/scan.h"

#include <string.h>

static size_t fence_length(const char *first, const char *last)
{
    size_t length = 0;

    while (first + length < last && (first[length] == '`' || first[length] == '~') &&
           first[length] == *first)
        length++;
    return length >= 3 ? length : 0;
}

void visor_read_markdown(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);
    const char *start = NULL, *information = NULL, *information_end = NULL;
    uint32_t line = 0;
    size_t open = 0;

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;
        size_t fence;

        visor_trim(&first, &last);
        fence = fence_length(first, last);
        if (fence && !open) {
            open = fence;
            start = lines.at;
            line = lines.number + 1;
            information = first + fence;
            information_end = last;
            visor_trim(&information, &information_end);
        } else if (fence >= open && open && first + fence == last) {
            struct visor_embedded block = {.name = "",
                                           .text = start,
                                           .size = (size_t)(lines.first - start),
                                           .line = line,
                                           .fragment = true};
            bool shell = visor_begins(information, "bash") || visor_begins(information, "sh") ||
                         visor_begins(information, "console");

            block.kind = visor_lint_detect("", block.text, block.size);
            if (block.kind == VISOR_KIND_UNKNOWN && shell)
                block.kind = VISOR_KIND_SHELL;
            if (block.kind == VISOR_KIND_KUBERNETES || block.kind == VISOR_KIND_COMPOSE)
                block.fragment = false; /* nobody prints a part of one */
            if (block.kind != VISOR_KIND_UNKNOWN && block.kind != VISOR_KIND_MARKDOWN)
                visor_scan_embed(scan, &block);
            open = 0;
        }
    }
}
