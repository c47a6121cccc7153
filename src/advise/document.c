/* The tree and its memory: blocks that are given back together, so that a file costs two or three
 * allocations. Reading formats is lint/'s. */
#include "advise/document.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (32u << 10)

struct visor_block {
    struct visor_block *before;
    size_t size, used;
    _Alignas(16) char memory[];
};

static void *take(struct visor_document *document, size_t size)
{
    struct visor_block *block = document->blocks;
    size_t whole = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    void *memory;

    size = (size + 15) & ~(size_t)15;
    if (document->bytes + size > VISOR_DOCUMENT_BYTES_MAX) {
        document->full = true;
        return NULL;
    }
    if (!block || block->size - block->used < size) {
        whole = (whole + 15) & ~(size_t)15;
        block = malloc(sizeof(*block) + whole);
        if (!block) {
            document->full = true;
            return NULL;
        }
        *block = (struct visor_block){.before = document->blocks, .size = whole};
        document->blocks = block;
    }
    memory = block->memory + block->used;
    block->used += size;
    document->bytes += size;
    return memory;
}

struct visor_document *visor_document_new(enum visor_kind kind)
{
    struct visor_document *document = calloc(1, sizeof(*document));

    if (!document)
        return NULL;
    document->kind = kind;
    document->root = take(document, sizeof(*document->root));
    if (!document->root) {
        free(document);
        return NULL;
    }
    *document->root = (struct visor_node){.name = "", .value = "", .line = 1, .column = 1};
    return document;
}

void visor_document_free(struct visor_document *document)
{
    struct visor_block *block = document ? document->blocks : NULL;

    while (block) {
        struct visor_block *before = block->before;

        free(block);
        block = before;
    }
    free(document);
}

const char *visor_document_copy(struct visor_document *document, const char *text, size_t size)
{
    char *copy;

    if (size == 0)
        return "";
    copy = take(document, size + 1);
    if (!copy)
        return "";
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

struct visor_node *visor_document_add(struct visor_document *document, struct visor_node *parent,
                                      const char *name, uint32_t line, uint32_t column)
{
    struct visor_node *node;

    if (!parent)
        return NULL;
    if (document->count == VISOR_DOCUMENT_NODES_MAX) {
        document->full = true;
        return NULL;
    }
    node = take(document, sizeof(*node));
    if (!node)
        return NULL;
    document->count++;
    *node = (struct visor_node){.name = visor_document_copy(document, name, strlen(name)),
                                .value = "",
                                .line = document->lines_before + line,
                                .column = document->columns_before + column,
                                .parent = parent};
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

const struct visor_node *visor_node_next_below(const struct visor_node *node,
                                               const struct visor_node *top)
{
    if (node->first)
        return node->first;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

const struct visor_node *visor_node_next(const struct visor_node *node)
{
    if (node->first)
        return node->first;
    while (node && !node->next)
        node = node->parent;
    return node ? node->next : NULL;
}

static const struct visor_node *named(const struct visor_node *node, const char *name)
{
    while (node && strcmp(node->name, name) != 0)
        node = node->next;
    return node;
}

const struct visor_node *visor_node_child(const struct visor_node *node, const char *name)
{
    return node ? named(node->first, name) : NULL;
}

const struct visor_node *visor_node_again(const struct visor_node *node)
{
    return node ? named(node->next, node->name) : NULL;
}

const struct visor_node *visor_document_key(const struct visor_document *document,
                                            const char *section, const char *key,
                                            const struct visor_node *node)
{
    node = node ? visor_node_next(node) : document->root->first;
    while (node && (node->parent == document->root || strcmp(node->parent->name, section) != 0 ||
                    (key && strcmp(node->name, key) != 0)))
        node = visor_node_next(node);
    return node;
}

const char *visor_node_text(const struct visor_node *node, const char *name)
{
    const struct visor_node *child = visor_node_child(node, name);

    return child ? child->value : "";
}

const struct visor_node *visor_node_path(const struct visor_node *node, const char *path)
{
    while (node && *path) {
        size_t length = strcspn(path, "/");
        const struct visor_node *child = node->first;

        while (child && (strncmp(child->name, path, length) != 0 || child->name[length]))
            child = child->next;
        node = child;
        path += length + (path[length] == '/');
    }
    return node;
}

const char *visor_node_word(const struct visor_node *node, size_t index)
{
    const struct visor_node *word = node ? node->first : NULL;

    while (word && index--)
        word = word->next;
    return word ? word->value : "";
}

const struct visor_node *visor_node_find_word(const struct visor_node *node, const char *word)
{
    const struct visor_node *child = node ? node->first : NULL;

    while (child && !visor_same(child->value, word))
        child = child->next;
    return child;
}

const char *visor_node_word_after(const struct visor_node *node, const char *word)
{
    const struct visor_node *found = visor_node_find_word(node, word);

    return found && found->next ? found->next->value : "";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool visor_begins(const char *text, const char *with)
{
    while (*with && lower(*text) == lower(*with)) {
        text++;
        with++;
    }
    return !*with;
}

bool visor_same(const char *a, const char *b)
{
    return visor_begins(a, b) && strlen(a) == strlen(b);
}

bool visor_contains(const char *text, const char *part)
{
    for (; *text; text++)
        if (visor_begins(text, part))
            return true;
    return !*part;
}

bool visor_ends(const char *text, const char *with)
{
    size_t length = strlen(text), tail = strlen(with);

    return length >= tail && visor_same(text + length - tail, with);
}
