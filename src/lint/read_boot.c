/* The kernel's command line, and GRUB's defaults, which are read by a shell: "NAME=VALUE" or
 * NAME='VALUE'. An assignment that a shell would not take as one becomes a node named "?". */
#include "lint/scan.h"

#include <string.h>

#define NAME_SIZE     80
#define CONTINUED_MAX 64 /* lines of one value */
#define DEPTH_MAX     8  /* of quotes in quotes */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The end of a line inside quotes, with or without a backslash before it. */
static bool is_gap(const char *at, const char *last)
{
    return is_blank(*at) || (*at == '\\' && at + 1 < last && at[1] == '\n');
}

/* Words of the kernel; quotes hold blanks together. What follows "--" is for init. */
static void read_kernel_words(struct visor_scan *scan, struct visor_node *parent,
                              const struct visor_lines *lines, const char *first, const char *last)
{
    const char *start = lines->first, *seen = first; /* of the word's line; no end of one before */
    uint32_t number = lines->number;

    while (first < last) {
        const char *end = first, *equals;
        bool quoted = false;
        char name[NAME_SIZE];
        size_t length;
        struct visor_node *node;

        for (const char *at; (at = memchr(seen, '\n', (size_t)(first - seen)));) {
            start = seen = at + 1;
            number++;
        }
        seen = first;
        while (end < last && (quoted || !is_gap(end, last)))
            quoted = quoted != (*end++ == '"');
        if (end - first == 2 && memcmp(first, "--", 2) == 0)
            return;
        equals = memchr(first, '=', (size_t)(end - first));
        length = (size_t)((equals ? equals : end) - first);
        if (length > 0 && length < NAME_SIZE) {
            memcpy(name, first, length);
            name[length] = '\0';
            node = visor_document_add(scan->document, parent, name, number,
                                      (uint32_t)(first - start) + 1);
            if (equals)
                visor_scan_value(scan, node, equals + 1, end);
        }
        while (end < last && is_gap(end, last))
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

/* Where what was opened ends with `close`; what stands in it is skipped. NULL if it stays open. */
static const char *quote_end(const char *at, const char *last, char close, int depth)
{
    if (close == '\'')
        return memchr(at, close, (size_t)(last - at));
    for (; at && at < last && *at != close; at++) {
        char inner = 0;

        if (*at == '\\' && at + 1 < last)
            at++;
        else if (*at == '$' && at + 1 < last && at[1] == '(')
            inner = ')', at++;
        else if (*at == '`' || (close != '"' && (*at == '"' || *at == '\'')))
            inner = *at;
        if (inner)
            at = depth < DEPTH_MAX ? quote_end(at + 1, last, inner, depth + 1) : NULL;
        if (!at)
            return NULL;
    }
    return at < last ? at : NULL;
}

/* One shell word from `first`; its end, or NULL if a quote stays open. */
static const char *word_end(const char *first, const char *last)
{
    while (first < last && !is_blank(*first) && *first != ';' && *first != '&') {
        char quote = *first;

        if (quote == '\\' && first + 1 < last)
            first++;
        if (quote == '$' && first + 1 < last && first[1] == '(') {
            quote = ')';
            first++;
        }
        if (quote == '"' || quote == '\'' || quote == '`' || quote == ')') {
            const char *end = quote_end(first + 1, last, quote, 0);

            if (!end)
                return NULL;
            first = end;
        }
        first++;
    }
    return first;
}

/* How far a value may go: over lines, if a quote is open, but not into the next assignment. */
static const char *value_limit(struct visor_lines lines)
{
    const char *limit = lines.last;

    for (int i = 0; i < CONTINUED_MAX && visor_lines_next(&lines); i++) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        if ((size_t)(last - first) > 5 && visor_begins(first, "GRUB_"))
            break;
        limit = lines.last;
    }
    return limit;
}

/* An assignment of GRUB's; words of the kernel may look like one, too. */
static bool is_grub(const char *first, const char *last)
{
    return (size_t)(last - first) > 5 && visor_begins(first, "GRUB_");
}

/* What follows a value: nothing, a comment, another command or another assignment. */
static bool may_follow(const char *at, const char *last)
{
    return at == last || *at == '#' || *at == ';' || *at == '&' || is_grub(at, last);
}

/* Where the next assignment of the line begins; NULL if there is none. */
static const char *read_assignment(struct visor_scan *scan, struct visor_lines *lines,
                                   const char *first)
{
    const struct visor_lines place = *lines;
    const char *at = first, *last = lines->last, *end = NULL, *value, *rest;
    uint32_t column = (uint32_t)(first - lines->first) + 1;
    struct visor_node *node;
    char name[NAME_SIZE];

    while (at < last && is_name(*at))
        at++;
    if (at < last && *at == '=' && !(end = word_end(at + 1, last)))
        end = word_end(at + 1, value_limit(*lines));
    while (end && end > lines->last && visor_lines_next(lines))
        last = lines->last;
    for (rest = end; rest && rest < last && is_blank(*rest);)
        rest++;
    if (!rest || !may_follow(rest, last) || (size_t)(at - first) >= NAME_SIZE) {
        if (is_grub(first, place.last))
            visor_scan_value(
                scan,
                visor_document_add(scan->document, scan->document->root, "?", place.number, column),
                first, place.last);
        return NULL;
    }
    memcpy(name, first, (size_t)(at - first));
    name[at - first] = '\0';
    node = visor_document_add(scan->document, scan->document->root, name, place.number, column);
    value = at + 1;
    visor_unquote(&value, &end);
    visor_scan_value(scan, node, value, end);
    if (visor_begins(name, "GRUB_CMDLINE_LINUX")) /* others are for Xen, NetBSD, the Hurd */
        read_kernel_words(scan, node, &place, value, end);
    while (rest < last && (is_blank(*rest) || *rest == ';' || *rest == '&'))
        rest++;
    return is_grub(rest, last) ? rest : NULL;
}

/* A condition: two assignments may be either the one or the other. */
static bool is_condition(const char *first, const char *last)
{
    size_t size = (size_t)(last - first);

    return (size > 3 && strncmp(first, "if ", 3) == 0) ||
           (size > 5 && strncmp(first, "case ", 5) == 0);
}

void visor_read_grub(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);

    while (visor_lines_next(&lines)) {
        const char *first = lines.first, *last = lines.last;

        visor_trim(&first, &last);
        if (last - first > 7 && strncmp(first, "export ", 7) == 0)
            first += 7;
        if (is_condition(first, last))
            scan->document->incomplete = true;
        if (first < last && *first != '#')
            while (first)
                first = read_assignment(scan, &lines, first);
    }
}
