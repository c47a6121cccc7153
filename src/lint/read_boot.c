/* The kernel's command line, and GRUB's defaults, which are read by a shell: "NAME=VALUE" or
 * NAME='VALUE'. An assignment that a shell would not take as one becomes a node named "?". */
#include "lint/scan.h"

#include <string.h>

#define NAME_SIZE 80

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Words of the kernel; quotes hold blanks together. */
static void read_kernel_words(struct visor_scan *scan, struct visor_node *parent,
                              const struct visor_lines *lines, const char *first, const char *last)
{
    while (first < last) {
        const char *end = first, *equals;
        bool quoted = false;
        char name[NAME_SIZE];
        size_t length;
        struct visor_node *node;

        while (end < last && (quoted || !is_blank(*end)))
            quoted = quoted != (*end++ == '"');
        equals = memchr(first, '=', (size_t)(end - first));
        length = (size_t)((equals ? equals : end) - first);
        if (length > 0 && length < NAME_SIZE) {
            memcpy(name, first, length);
            name[length] = '\0';
            node = visor_document_add(scan->document, parent, name, lines->number,
                                      (uint32_t)(first - lines->first) + 1);
            if (equals)
                visor_scan_value(scan, node, equals + 1, end);
        }
        while (end < last && is_blank(*end))
            end++;
        first = end;
    }
}

void visor_read_cmdline(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        if (first < last && *first != '#')
            read_kernel_words(scan, scan->document->root, &lines, first, last);
    }
}

static bool is_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* One shell word from `first`; its end, or NULL if a quote stays open. */
static const char *word_end(const char *first, const char *last)
{
    while (first < last && !is_blank(*first)) {
        char quote = *first;

        if (quote == '\\' && first + 1 < last)
            first++;
        if (quote == '$' && first + 1 < last && first[1] == '(')
            quote = ')';
        if (quote == '"' || quote == '\'' || quote == '`' || quote == ')') {
            const char *end = first + 1;

            while (end < last && *end != quote)
                end += *end == '\\' && quote == '"' && end + 1 < last ? 2 : 1;
            if (end >= last)
                return NULL;
            first = end;
        }
        first++;
    }
    return first;
}

static void read_assignment(struct visor_scan *scan, const struct visor_lines *lines,
                            const char *first, const char *last)
{
    const char *at = first, *end, *value;
    uint32_t column = (uint32_t)(first - lines->first) + 1;
    struct visor_node *node;
    char name[NAME_SIZE];

    while (at < last && is_name(*at))
        at++;
    end = at < last && *at == '=' ? word_end(at + 1, last) : NULL;
    value = end;
    while (value && value < last && is_blank(*value))
        value++;
    if (!end || (value < last && *value != '#') || (size_t)(at - first) >= NAME_SIZE) {
        if ((size_t)(last - first) > 5 && visor_begins(first, "GRUB_"))
            visor_scan_value(scan,
                             visor_document_add(scan->document, scan->document->root, "?",
                                                lines->number, column),
                             first, last);
        return;
    }
    memcpy(name, first, (size_t)(at - first));
    name[at - first] = '\0';
    node = visor_document_add(scan->document, scan->document->root, name, lines->number, column);
    value = at + 1;
    visor_unquote(&value, &end);
    visor_scan_value(scan, node, value, end);
    if (visor_begins(name, "GRUB_CMDLINE_"))
        read_kernel_words(scan, node, lines, value, end);
}

void visor_read_grub(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;
        const struct visor_lines begin = lines;

        visor_trim(&first, &last);
        if (first == last || *first == '#')
            continue;
        while (last[-1] == '\\' && visor_lines_next(&lines)) { /* goes on in the next line */
            const char *next = lines.first;

            last = lines.last;
            visor_trim(&next, &last);
            if (next >= last)
                break;
        }
        if (last - first > 7 && strncmp(first, "export ", 7) == 0)
            first += 7;
        read_assignment(scan, &begin, first, last);
    }
}
