/* A file's way: its kind, its scan, the rules; and the files in it. */
#include "lint/lint.h"

#include "advise/catalogue.h"
#include "lint/scan.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned kinds;
    void (*read)(struct visor_scan *scan);
} readers[] = {
    {VISOR_KIND_CHRONY | VISOR_KIND_NTP, visor_read_words},
    {VISOR_KIND_TIMESYNCD | VISOR_KIND_SYSTEMD | VISOR_KIND_VMTOOLS, visor_read_ini},
    {VISOR_KIND_VMX | VISOR_KIND_SYSCTL, visor_read_settings},
    {VISOR_KIND_GRUB, visor_read_grub},
    {VISOR_KIND_CMDLINE, visor_read_cmdline},
    {VISOR_KIND_LIBVIRT, visor_read_xml},
    {VISOR_KIND_COMPOSE | VISOR_KIND_KUBERNETES, visor_read_yaml},
    {VISOR_KIND_DOCKERFILE, visor_read_dockerfile},
    {VISOR_KIND_SHELL, visor_read_shell},
    {VISOR_KIND_MARKDOWN, visor_read_markdown},
};

/* Zero bytes become blanks, so that texts end where they end. */
static char *take_copy(const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, text, size);
    for (char *zero = copy; (zero = memchr(zero, 0, size - (size_t)(zero - copy)));)
        *zero = ' ';
    copy[size] = '\0';
    return copy;
}

/* One of many files that a program reads as one, by its place. */
static bool is_drop_in(const char *name)
{
    static const char *const folders[] = {".d/", "-dhcp/"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (strstr(name, folders[i]))
            return true;
    return visor_ends(name, ".sources");
}

/* What concerns a file in a file as a whole is found where it begins, and is not mended
 * mechanically. */
static void place(const struct visor_scan *scan, size_t from)
{
    const struct visor_document *document = scan->document;

    for (size_t i = from; i < scan->findings->count; i++) {
        struct visor_finding *finding = &scan->findings->items[i];

        if (!finding->line)
            finding->line = document->lines_before + 1;
        if (document->columns_before || finding->edit == VISOR_EDIT_APPEND)
            finding->edit = VISOR_EDIT_NONE;
    }
}

static enum visor_kind run(struct visor_scan *scan)
{
    const struct visor_lint *lint = scan->lint;
    enum visor_kind kind = lint->kind;
    size_t before = scan->findings->count;
    char *copy;

    if (kind == VISOR_KIND_UNKNOWN)
        kind = visor_lint_detect(lint->name, lint->text, lint->size);
    if (kind == VISOR_KIND_UNKNOWN)
        return kind;
    scan->size = lint->size < VISOR_LINT_SIZE_MAX ? lint->size : VISOR_LINT_SIZE_MAX;
    copy = take_copy(lint->text, scan->size);
    scan->document = visor_document_new(kind);
    if (copy && scan->document) {
        scan->text = copy;
        scan->document->lines_before = scan->line;
        scan->document->columns_before = scan->indentation;
        scan->document->incomplete =
            lint->fragment || scan->size < lint->size || is_drop_in(lint->name);
        for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
            if (readers[i].kinds & (unsigned)kind)
                readers[i].read(scan);
        if (kind == VISOR_KIND_CHRONY)
            visor_lint_configuration(scan);
        if (scan->document->full || scan->size < lint->size)
            visor_scan_complain(scan, "TV-FILE-002", 1, 1, "%zu bytes", lint->size);
        visor_catalogue_check_document(scan->document, scan->findings);
        if (scan->depth)
            place(scan, before);
    }
    visor_document_free(scan->document);
    free(copy);
    *scan->kinds |= (unsigned)kind;
    return kind;
}

void visor_scan_embed(struct visor_scan *scan, const struct visor_embedded *embedded)
{
    struct visor_lint lint = {.name = embedded->name,
                              .text = embedded->text,
                              .size = embedded->size,
                              .kind = embedded->kind,
                              .fragment = embedded->fragment,
                              .translate = scan->lint->translate};
    struct visor_scan inner = {.findings = scan->findings,
                               .lint = &lint,
                               .depth = scan->depth + 1,
                               .line = scan->line + embedded->line - 1,
                               .indentation = scan->indentation + embedded->indentation,
                               .kinds = scan->kinds};

    if (inner.depth < VISOR_LINT_DEPTH_MAX)
        run(&inner);
}

/* Windows' editors begin a file with a mark of UTF-8. It says nothing of the file's kind, and some
 * programs pass over it; to others it is a fault, which their readers see. */
static struct visor_lint without_mark(const struct visor_lint *lint)
{
    static const char mark[] = "\xef\xbb\xbf";
    static const unsigned allowed = VISOR_KIND_LIBVIRT | VISOR_KIND_VMX | VISOR_KIND_DOCKERFILE |
                                    VISOR_KIND_COMPOSE | VISOR_KIND_KUBERNETES |
                                    VISOR_KIND_MARKDOWN;
    struct visor_lint without = *lint;

    if (lint->size < sizeof(mark) - 1 || memcmp(lint->text, mark, sizeof(mark) - 1) != 0)
        return without;
    without.text += sizeof(mark) - 1;
    without.size -= sizeof(mark) - 1;
    if (without.kind == VISOR_KIND_UNKNOWN)
        without.kind = visor_lint_detect(without.name, without.text, without.size);
    if (!((unsigned)without.kind & allowed)) {
        without.text = lint->text;
        without.size = lint->size;
    }
    return without;
}

enum visor_kind visor_lint_run(const struct visor_lint *lint, struct visor_findings *findings,
                               unsigned *kinds)
{
    unsigned own = 0;
    struct visor_lint without = without_mark(lint);
    struct visor_scan scan = {
        .findings = findings, .lint = &without, .kinds = kinds ? kinds : &own};
    enum visor_kind kind;

    if (kinds)
        *kinds = 0;
    kind = run(&scan);
    visor_findings_sort(findings);
    return kind;
}
