/* What all readers share. A reader turns a text into a document (advise/document.h says how each
 * kind looks), complains where the text is none of its kind, and hands on texts that are files
 * themselves. */
#ifndef VISOR_LINT_SCAN_H
#define VISOR_LINT_SCAN_H

#include "lint/lint.h"

struct visor_scan {
    struct visor_document *document;
    const char *text; /* terminated, without zero bytes */
    size_t size;
    struct visor_findings *findings;
    const struct visor_lint *lint;
    unsigned depth;             /* of files in files */
    uint32_t line, indentation; /* where the text begins: lines and columns before it */
    unsigned *kinds;
};

/* One for each kind. */
void visor_read_words(struct visor_scan *scan);    /* chrony.conf, ntp.conf */
void visor_read_ini(struct visor_scan *scan);      /* timesyncd.conf, units, tools.conf */
void visor_read_settings(struct visor_scan *scan); /* .vmx, sysctl */
void visor_read_grub(struct visor_scan *scan);     /* /etc/default/grub */
void visor_read_cmdline(struct visor_scan *scan);  /* the kernel's command line */
void visor_read_xml(struct visor_scan *scan);      /* libvirt */
void visor_read_yaml(struct visor_scan *scan);     /* Compose, Kubernetes */
void visor_read_dockerfile(struct visor_scan *scan);
void visor_read_shell(struct visor_scan *scan);
void visor_read_markdown(struct visor_scan *scan);

/* Checks chrony.conf with the configuration's own parser: TV-CHRONY-001 and -002. */
void visor_lint_configuration(struct visor_scan *scan);

/* A finding of a reader's own, by the rule's id. */
__attribute__((format(printf, 5, 6))) void visor_scan_complain(struct visor_scan *scan,
                                                               const char *id, uint32_t line,
                                                               uint32_t column, const char *format,
                                                               ...);

/* Copies of the bytes [from, to) as a node's value. */
void visor_scan_value(struct visor_scan *scan, struct visor_node *node, const char *from,
                      const char *to);

/* A text that is a file of its own. Its findings get the places that they have in ours. */
struct visor_embedded {
    const char *name; /* "" : only its content tells what it is */
    enum visor_kind kind;
    const char *text;
    size_t size;
    uint32_t line;        /* of its first line, from 1 */
    uint32_t indentation; /* columns before each line */
    bool fragment;
};
void visor_scan_embed(struct visor_scan *scan, const struct visor_embedded *embedded);

/* ---- lines ---- */

struct visor_lines {
    const char *at, *end;
    uint32_t number;          /* of the line given, from 1 */
    const char *first, *last; /* the line is [first, last), without its end and "\r" */
};

static inline struct visor_lines visor_lines_of(const char *text, size_t size)
{
    return (struct visor_lines){.at = text, .end = text + size};
}

/* False behind the last line. */
bool visor_lines_next(struct visor_lines *lines);

/* Moves `*first` and `*last` over blanks at both ends. */
void visor_trim(const char **first, const char **last);

/* Takes pairs of quotes away from both ends. */
void visor_unquote(const char **first, const char **last);

#endif
