/* A file that people write, as a tree of names and values with their places: the one form that all
 * formats are read into (lint/), so that a rule is about what a file says and not how it is
 * written.
 *
 * What stands for what, by kind:
 *   chrony.conf, ntp.conf    a node a directive (name in lower case, value: the rest of the line),
 *                            its words below it (name "")
 *   INI (systemd, tools.conf) a node a section, below it a node a key
 *   .vmx, sysctl, GRUB       a node a key, without quotes; below GRUB_CMDLINE_… the kernel's words
 *   kernel command line      a node a word: name before "=", value behind it
 *   XML                      a node an element (value: its text), attributes below it as "@name"
 *   YAML                     a node a key, items of a list are named "-"
 *   Dockerfile               a node an instruction (name in upper case)
 *   shell                    a node a simple command (name without its folder, value: as written),
 *                            its words below it, redirections as ">" and ">>"
 *
 * A document owns its nodes and texts. Rules only read it, and any thread may. */
#ifndef VISOR_ADVISE_DOCUMENT_H
#define VISOR_ADVISE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_DOCUMENT_NODES_MAX 200000
#define VISOR_DOCUMENT_BYTES_MAX (64u << 20) /* of nodes and texts together */
#define VISOR_DOCUMENT_DEPTH_MAX 64

/* Bits, so that a rule can be for several. */
enum visor_kind {
    VISOR_KIND_UNKNOWN = 0,
    VISOR_KIND_MACHINE = 1 << 0, /* no file: the facts of a machine */
    VISOR_KIND_CHRONY = 1 << 1,
    VISOR_KIND_NTP = 1 << 2,
    VISOR_KIND_TIMESYNCD = 1 << 3,
    VISOR_KIND_LIBVIRT = 1 << 4,
    VISOR_KIND_VMX = 1 << 5,
    VISOR_KIND_VMTOOLS = 1 << 6,
    VISOR_KIND_DOCKERFILE = 1 << 7,
    VISOR_KIND_COMPOSE = 1 << 8,
    VISOR_KIND_KUBERNETES = 1 << 9,
    VISOR_KIND_GRUB = 1 << 10,
    VISOR_KIND_CMDLINE = 1 << 11,
    VISOR_KIND_SYSCTL = 1 << 12,
    VISOR_KIND_SYSTEMD = 1 << 13,
    VISOR_KIND_SHELL = 1 << 14,
    VISOR_KIND_MARKDOWN = 1 << 15, /* whose code blocks are files */
};
#define VISOR_KINDS 16

struct visor_node {
    const char *name, *value; /* never NULL */
    uint32_t line, column;    /* in the outermost file, from 1; columns are bytes */
    const struct visor_node *parent, *first, *next; /* NULL: none; the root has no parent */
    struct visor_node *last;                        /* child; the builder's */
};

struct visor_document {
    enum visor_kind kind;
    struct visor_node *root;
    uint32_t lines_before, columns_before; /* of the file that this one stands in */
    bool incomplete; /* includes, aliases, templates: what is not here may be elsewhere */
    bool full;       /* a limit was reached; what was read stands */
    size_t count, bytes;
    struct visor_block *blocks; /* of memory */
};

/* NULL without memory. */
struct visor_document *visor_document_new(enum visor_kind kind);
void visor_document_free(struct visor_document *document); /* NULL allowed */

/* Appends a node, whose place is counted from the start of this document. NULL when a limit is
 * reached or memory is out, and for a NULL parent, so that a builder may go on. */
struct visor_node *visor_document_add(struct visor_document *document, struct visor_node *parent,
                                      const char *name, uint32_t line, uint32_t column);
/* Copies; "" if there is no room. Zero bytes end the text early. */
const char *visor_document_copy(struct visor_document *document, const char *text, size_t size);

/* The next node in the order of the file, below or behind; NULL at the end. */
const struct visor_node *visor_node_next(const struct visor_node *node);
/* The same, but not leaving what is below `top`. */
const struct visor_node *visor_node_next_below(const struct visor_node *node,
                                               const struct visor_node *top);

/* First child of this name, the next sibling of the same name as `node`; NULL if there is none.
 * `node` may be NULL. */
const struct visor_node *visor_node_child(const struct visor_node *node, const char *name);
const struct visor_node *visor_node_again(const struct visor_node *node);
/* INI files: the next key of this name (NULL: any) behind `node` (NULL: the first) in any section
 * of that name; NULL at the end. */
const struct visor_node *visor_document_key(const struct visor_document *document,
                                            const char *section, const char *key,
                                            const struct visor_node *node);
/* Value of the child of this name; "" if there is none. */
const char *visor_node_text(const struct visor_node *node, const char *name);
/* A child below a child …: "spec/template/spec". */
const struct visor_node *visor_node_path(const struct visor_node *node, const char *path);

/* Words are children in their order: the one at `index` ("" if there is none), the node of the one
 * that says `word` (ASCII case aside; NULL), and what follows that ("" if it is not there). */
const char *visor_node_word(const struct visor_node *node, size_t index);
const struct visor_node *visor_node_find_word(const struct visor_node *node, const char *word);
const char *visor_node_word_after(const struct visor_node *node, const char *word);

/* ASCII case aside: the same; begins with; contains. */
bool visor_same(const char *a, const char *b);
bool visor_begins(const char *text, const char *with);
bool visor_contains(const char *text, const char *part);
bool visor_ends(const char *text, const char *with);

#endif
