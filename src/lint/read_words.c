/* chrony.conf and ntp.conf: a directive a line, words between blanks. */
#include "lint/scan.h"

#include "config/words.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void read_line(struct visor_scan *scan, const char *first, const char *last, uint32_t line)
{
    struct visor_words words;
    struct visor_node *node;
    char name[32];
    size_t length;

    /* ntpd takes "#" as a comment behind words, too; "fudge" and the like look the same. */
    if (scan->document->kind == VISOR_KIND_NTP) {
        const char *comment = memchr(first, '#', (size_t)(last - first));

        last = comment ? comment : last;
        visor_trim(&first, &last);
    }
    if (!visor_words_split(&words, first, (size_t)(last - first)) || !words.count)
        return;
    length = strlen(visor_words_get(&words, 0));
    if (length >= sizeof(name))
        return;
    for (size_t i = 0; i <= length; i++)
        name[i] = lower(visor_words_get(&words, 0)[i]);
    if (strcmp(name, "include") == 0 || strcmp(name, "includefile") == 0 ||
        strcmp(name, "confdir") == 0 || strcmp(name, "sourcedir") == 0)
        scan->document->incomplete = true;
    node =
        visor_document_add(scan->document, scan->document->root, name, line, words.start[0] + 1u);
    for (size_t i = 1; i < words.count; i++) {
        const char *word = visor_words_get(&words, i);
        struct visor_node *child =
            visor_document_add(scan->document, node, "", line, words.start[i] + 1u);

        visor_scan_value(scan, child, word, word + strlen(word));
    }
    if (words.count > 1) {
        const char *value = first + words.start[1];

        visor_trim(&value, &last);
        visor_scan_value(scan, node, value, last);
    }
}

void visor_read_words(struct visor_scan *scan)
{
    struct visor_lines lines = visor_lines_of(scan->text, scan->size);

    while (visor_lines_next(&lines))
        read_line(scan, lines.first, lines.last, lines.number);
}
