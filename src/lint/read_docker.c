/* Dockerfiles: an instruction a line, a backslash at the end goes on. What RUN runs is a script. */
#include "lint/scan.h"

#include <stdio.h>
#include <string.h>

#define WORD_SIZE 256
#define NAME_SIZE 24

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* End of the instruction that begins at `at`: the first line end without a backslash before it.
 * Comment lines in between belong to it; one before it does not. */
static const char *instruction_end(const char *at, const char *end)
{
    bool goes_on = false;

    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at)), *last = line ? line : end;
        const char *first = at;

        visor_trim(&first, &last);
        if (!line)
            return end;
        if (first < last && *first == '#') {
            if (!goes_on)
                return line;
        } else if (first == last || last[-1] != '\\') {
            return line;
        } else {
            goes_on = true;
        }
        at = line + 1;
    }
    return end;
}

/* NAME="value" is NAME=value. */
static void add_word(struct visor_scan *scan, struct visor_node *node, const char *word,
                     const char *end)
{
    const char *quote = memchr(word, '=', (size_t)(end - word));
    char text[WORD_SIZE];

    if (!quote || quote + 2 >= end || !strchr("\"'", quote[1]) || end[-1] != quote[1] ||
        end - word >= WORD_SIZE) {
        visor_scan_value(scan, node, word, end);
        return;
    }
    snprintf(text, sizeof(text), "%.*s%.*s", (int)(quote + 1 - word), word,
             (int)(end - 1 - (quote + 2)), quote + 2);
    visor_scan_value(scan, node, text, text + strlen(text));
}

/* Words between blanks and continued lines, with their places. */
static void read_words(struct visor_scan *scan, struct visor_node *node, const char *at,
                       const char *end)
{
    uint32_t line = node->line - scan->line;
    const char *start = at;

    while (start > scan->text && start[-1] != '\n')
        start--;
    while (at < end) {
        const char *word;
        char quote = 0;

        while (at < end && (is_blank(*at) || (*at == '\\' && at + 1 < end && is_blank(at[1])))) {
            if (*at == '\n') {
                line++;
                start = at + 1;
            }
            at++;
        }
        word = at;
        while (at < end && (quote || !is_blank(*at)) && *at != '\n') {
            if (*at == '"' || *at == '\'')
                quote = quote == *at ? 0 : quote ? quote : *at;
            at++;
        }
        if (at > word)
            add_word(
                scan,
                visor_document_add(scan->document, node, "", line, (uint32_t)(word - start) + 1),
                word, at);
        else
            at++;
    }
}

static void read_instruction(struct visor_scan *scan, const char *first, const char *end,
                             uint32_t line)
{
    const char *at = first, *value, *start = first;
    struct visor_node *node;
    char name[NAME_SIZE];
    size_t length = 0;

    while (start > scan->text && start[-1] != '\n')
        start--;
    for (; at < end && !is_blank(*at) && length < NAME_SIZE - 1; at++)
        name[length++] = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    name[length] = '\0';
    while (at < end && is_blank(*at) && *at != '\n')
        at++;
    value = at;
    node = visor_document_add(scan->document, scan->document->root, name, line,
                              (uint32_t)(first - start) + 1);
    if (!node)
        return;
    visor_scan_value(scan, node, value, end);
    if (strcmp(name, "RUN") != 0) {
        read_words(scan, node, value, end);
    } else if (value < end && *value != '[') {
        struct visor_embedded script = {.name = "",
                                        .kind = VISOR_KIND_SHELL,
                                        .text = value,
                                        .size = (size_t)(end - value),
                                        .line = line,
                                        .fragment = true};

        visor_scan_embed(scan, &script);
    }
}

void visor_read_dockerfile(struct visor_scan *scan)
{
    const char *at = scan->text, *end = scan->text + scan->size;
    uint32_t line = 1;

    while (at < end) {
        const char *last = instruction_end(at, end), *first = at;

        while (first < last && is_blank(*first)) {
            line += *first == '\n';
            first++;
        }
        if (first < last && *first != '#')
            read_instruction(scan, first, last, line);
        for (; first < last; first++)
            line += *first == '\n';
        at = last + 1;
        line++;
    }
}
