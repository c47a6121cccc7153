/* Files that people write, read and judged: bytes in, findings out. It opens nothing itself; who
 * has a file gives its bytes. Takes memory and time in proportion to the file, with limits
 * (advise/document.h), however hostile it is. Threads may lint different files at once. */
#ifndef VISOR_LINT_LINT_H
#define VISOR_LINT_LINT_H

#include "advise/rule.h"

#define VISOR_LINT_SIZE_MAX                                                                        \
    (4u << 20)                 /* what follows in a file is not looked at, and that is said */
#define VISOR_LINT_DEPTH_MAX 4 /* files in files: a script's, a ConfigMap's, Markdown's */

struct visor_lint {
    const char *name; /* of the file, for its kind; "" : none */
    const char *text;
    size_t size;
    enum visor_kind kind;             /* UNKNOWN: found out by content and name */
    bool fragment;                    /* part of a file: what is not in it proves nothing */
    char *(*translate)(const char *); /* of the sentences of parsers; NULL: none */
};

/* What kind of file that is, by its content and, where that leaves a choice, by its name. */
enum visor_kind visor_lint_detect(const char *name, const char *text, size_t size);

/* Adds what is found, sorted by place; returns the kind, UNKNOWN if it is none that we know
 * (nothing is then added). `kinds` (may be NULL): gets the kinds of all files in it, as bits. */
enum visor_kind visor_lint_run(const struct visor_lint *lint, struct visor_findings *findings,
                               unsigned *kinds);

#endif
