/* Shared parts of the readers, and lines. */
#include "lint/scan.h"

#include "advise/catalogue.h"

#include <string.h>

void visor_scan_complain(struct visor_scan *scan, const char *id, uint32_t line, uint32_t column,
                         const char *format, ...)
{
    struct visor_check check = {.rule = visor_catalogue_find(id), .findings = scan->findings};
    struct visor_finding *finding = visor_check_found(&check, NULL, "%s", "");
    va_list arguments;

    if (!finding)
        return;
    finding->line = scan->line + line;
    finding->column = scan->indentation + column;
    va_start(arguments, format);
    visor_phrase_format(finding->evidence, sizeof(finding->evidence), format, arguments);
    va_end(arguments);
}

void visor_scan_value(struct visor_scan *scan, struct visor_node *node, const char *from,
                      const char *to)
{
    if (node)
        node->value =
            visor_document_copy(scan->document, from, to > from ? (size_t)(to - from) : 0);
}

bool visor_lines_next(struct visor_lines *lines)
{
    const char *end;

    if (lines->at >= lines->end)
        return false;
    end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    lines->first = lines->at;
    lines->last = end ? end : lines->end;
    lines->at = end ? end + 1 : lines->end;
    if (lines->last > lines->first && lines->last[-1] == '\r')
        lines->last--;
    lines->number++;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void visor_trim(const char **first, const char **last)
{
    while (*first < *last && is_blank(**first))
        ++*first;
    while (*first < *last && is_blank((*last)[-1]))
        --*last;
}

void visor_unquote(const char **first, const char **last)
{
    if (*last - *first >= 2 && (**first == '"' || **first == '\'') && (*last)[-1] == **first) {
        ++*first;
        --*last;
    }
}
