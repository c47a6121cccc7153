/* INI files: sections in brackets, "key = value"; a line that ends with a backslash goes on
 * (systemd). */
#include "lint/scan.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 80

static const char *name_of(const char *first, const char *last, char name[NAME_SIZE])
{
    size_t length = (size_t)(last - first);

    if (length >= NAME_SIZE)
        length = NAME_SIZE - 1;
    memcpy(name, first, length);
    name[length] = '\0';
    return name;
}

static bool is_comment(const char *first, const char *last)
{
    return first < last && (*first == '#' || *first == ';');
}

/* The lines of a value, a blank for each backslash; comments between them are left out. */
static void read_long_value(struct visor_scan *scan, struct visor_node *node,
                            struct visor_lines *lines, const char *first)
{
    const char *last = lines->last;
    char *joined = malloc((size_t)(lines->end - first) + 1), *end = joined;

    if (!joined)
        return;
    visor_trim(&first, &last);
    while (first < last && last[-1] == '\\') {
        memcpy(end, first, (size_t)(last - first));
        end += last - first;
        end[-1] = ' ';
        do {
            first = last = lines->end;
            if (!visor_lines_next(lines))
                break;
            first = lines->first;
            last = lines->last;
            visor_trim(&first, &last);
        } while (is_comment(first, last));
    }
    memcpy(end, first, (size_t)(last - first));
    visor_scan_value(scan, node, joined, end + (last - first));
    free(joined);
}

static void read_key(struct visor_scan *scan, struct visor_node *section, struct visor_lines *lines)
{
    const char *first = lines->first, *last = lines->last, *equals, *key_end, *value;
    char name[NAME_SIZE];
    struct visor_node *node;

    equals = memchr(first, '=', (size_t)(last - first));
    if (!equals)
        return;
    key_end = equals;
    visor_trim(&first, &key_end);
    value = equals + 1;
    visor_trim(&value, &last);
    node = visor_document_add(scan->document, section, name_of(first, key_end, name), lines->number,
                              (uint32_t)(first - lines->first) + 1);
    if (scan->document->kind != VISOR_KIND_VMTOOLS && value < last && last[-1] == '\\')
        read_long_value(scan, node, lines, value);
    else
        visor_scan_value(scan, node, value, last);
}

void visor_read_ini(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);
    struct visor_node *section = scan->document->root;
    char name[NAME_SIZE];

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        if (first == last || is_comment(first, last))
            continue;
        if (*first == '[' && last[-1] == ']')
            section = visor_document_add(scan->document, scan->document->root,
                                         name_of(first + 1, last - 1, name), lines.number,
                                         (uint32_t)(first - lines.first) + 1);
        else
            read_key(scan, section, &lines);
    }
}

/* sysctl.d(5): where the first separator is a slash, all slashes are meant as points, and the other
 * way round. */
static void point(char *name)
{
    const char *separator = strpbrk(name, "./");

    if (!separator || *separator == '.')
        return;
    for (; *name; name++)
        *name = *name == '/' ? '.' : *name == '.' ? '/' : *name;
}

void visor_read_settings(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last, *equals, *key_end;
        struct visor_node *node;
        char name[NAME_SIZE];

        visor_trim(&first, &last);
        if (first == last || strchr("#;/!", *first))
            continue;
        if (*first == '-') /* sysctl: ignore a failure */
            first++;
        equals = memchr(first, '=', (size_t)(last - first));
        if (!equals)
            continue;
        key_end = equals++;
        visor_trim(&first, &key_end);
        visor_trim(&equals, &last);
        visor_unquote(&equals, &last);
        name_of(first, key_end, name);
        if (scan->document->kind == VISOR_KIND_SYSCTL)
            point(name);
        node = visor_document_add(scan->document, scan->document->root, name, lines.number,
                                  (uint32_t)(first - lines.first) + 1);
        visor_scan_value(scan, node, equals, last);
    }
}
