/* Collects what rules find. */
#include "advise/rule.h"

#include <stdlib.h>
#include <string.h>

void visor_findings_done(struct visor_findings *findings)
{
    free(findings->items);
    *findings = (struct visor_findings){.items = NULL};
}

static struct visor_finding *add(struct visor_findings *findings)
{
    struct visor_finding *items = findings->items;
    size_t count = findings->count;

    if (count == VISOR_FINDINGS_MAX) {
        findings->more++;
        return NULL;
    }
    if ((count & (count - 1)) == 0) { /* full at each power of two */
        items = realloc(items, (count ? 2 * count : 1) * sizeof(*items));
        if (!items) {
            findings->more++;
            return NULL;
        }
        findings->items = items;
    }
    findings->count++;
    items[count] = (struct visor_finding){.rule = NULL};
    return &items[count];
}

struct visor_finding *visor_check_found(struct visor_check *check, const struct visor_node *node,
                                        const char *format, ...)
{
    struct visor_finding *finding = add(check->findings);
    va_list arguments;

    if (!finding)
        return NULL;
    finding->rule = check->rule;
    finding->line = node ? node->line : 0;
    finding->column = node ? node->column : 0;
    va_start(arguments, format);
    visor_phrase_format(finding->evidence, sizeof(finding->evidence), format, arguments);
    va_end(arguments);
    return finding;
}

void visor_finding_edit(struct visor_finding *finding, enum visor_edit edit, const char *format,
                        ...)
{
    va_list arguments;

    if (!finding)
        return;
    finding->edit = edit;
    va_start(arguments, format);
    visor_phrase_format(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
}

static bool comes_after(const struct visor_finding *a, const struct visor_finding *b)
{
    if (a->line != b->line)
        return a->line > b->line;
    if (a->column != b->column)
        return a->column > b->column;
    return strcmp(a->rule->id, b->rule->id) > 0;
}

/* Insertion: a file has few findings, and they come nearly in order. */
void visor_findings_sort(struct visor_findings *findings)
{
    for (size_t i = 1; i < findings->count; i++) {
        struct visor_finding finding = findings->items[i];
        size_t at = i;

        for (; at > 0 && comes_after(&findings->items[at - 1], &finding); at--)
            findings->items[at] = findings->items[at - 1];
        findings->items[at] = finding;
    }
}
