/* YAML by libyaml's events, which have the place of everything. Aliases are not followed: what they
 * stand for was looked at where it is written, and their number cannot make a file grow. Texts of a
 * ConfigMap's data are files themselves. */
#include "lint/scan.h"

#include <yaml.h>

#include <string.h>

#define NAME_SIZE 128

struct level {
    struct visor_node *node;
    bool mapping;
};

struct state {
    struct visor_scan *scan;
    struct level levels[VISOR_DOCUMENT_DEPTH_MAX + 1];
    unsigned depth;         /* of levels */
    struct visor_node *key; /* whose value comes next; NULL: a key or an item comes next */
    bool stopped;
};

static void place_of(const yaml_event_t *event, uint32_t *line, uint32_t *column)
{
    *line = (uint32_t)event->start_mark.line + 1;
    *column = (uint32_t)event->start_mark.column + 1;
}

/* The node that a value belongs to: that of its key, a new item of a list, or the root. */
static struct visor_node *owner(struct state *state, const yaml_event_t *event)
{
    struct level *level = &state->levels[state->depth];
    struct visor_node *node = state->key;
    uint32_t line, column;

    place_of(event, &line, &column);
    if (!node && level->mapping) /* a key that is no scalar */
        node = visor_document_add(state->scan->document, level->node, "?", line, column);
    else if (!node && level->node != state->scan->document->root)
        node = visor_document_add(state->scan->document, level->node, "-", line, column);
    else if (!node)
        node = visor_document_add(state->scan->document, level->node, "---", line, column);
    state->key = NULL;
    return node;
}

static void begin(struct state *state, const yaml_event_t *event, bool mapping)
{
    struct visor_node *node = owner(state, event);

    if (state->depth == VISOR_DOCUMENT_DEPTH_MAX || !node) {
        state->scan->document->full = true;
        state->stopped = true;
        return;
    }
    state->levels[++state->depth] = (struct level){.node = node, .mapping = mapping};
}

static void finish(struct state *state)
{
    if (state->depth)
        state->depth--;
    state->key = NULL;
}

/* A block of text ("|") whose key is a file's name, or which looks like one. */
static void embed(struct state *state, const yaml_event_t *event, const struct visor_node *key)
{
    const char *value = (const char *)event->data.scalar.value;
    const char *raw = state->scan->text + event->start_mark.index;
    struct visor_embedded block = {
        .name = key->name, .text = value, .size = event->data.scalar.length};

    if (event->data.scalar.style != YAML_LITERAL_SCALAR_STYLE || !memchr(value, '\n', block.size))
        return;
    block.kind = visor_lint_detect(block.name, value, block.size);
    if (block.kind == VISOR_KIND_UNKNOWN)
        return;
    block.line = (uint32_t)event->start_mark.line + 2;
    raw = strchr(raw, '\n');
    if (raw)
        block.indentation = (uint32_t)strspn(raw + 1, " ");
    visor_scan_embed(state->scan, &block);
}

static void take_scalar(struct state *state, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct level *level = &state->levels[state->depth];
    struct visor_node *node;
    uint32_t line, column;
    char name[NAME_SIZE];

    if (level->mapping && !state->key) {
        place_of(event, &line, &column);
        snprintf(name, sizeof(name), "%.*s", (int)(length < NAME_SIZE ? length : NAME_SIZE), value);
        state->key = visor_document_add(state->scan->document, level->node, name, line, column);
        if (strcmp(name, "<<") == 0)
            state->scan->document->incomplete = true;
        state->stopped = !state->key;
        return;
    }
    node = owner(state, event);
    visor_scan_value(state->scan, node, value, value + length);
    if (node)
        embed(state, event, node);
}

static void take(struct state *state, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_MAPPING_START_EVENT:
        begin(state, event, true);
        break;
    case YAML_SEQUENCE_START_EVENT:
        begin(state, event, false);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        finish(state);
        break;
    case YAML_SCALAR_EVENT:
        take_scalar(state, event);
        break;
    case YAML_ALIAS_EVENT:
        state->scan->document->incomplete = true;
        if (state->levels[state->depth].mapping && !state->key)
            state->stopped = true; /* an alias as a key */
        else
            owner(state, event);
        break;
    case YAML_DOCUMENT_START_EVENT:
        state->depth = 0;
        state->key = NULL;
        break;
    default:
        break;
    }
}

static void complain(struct state *state, const yaml_parser_t *parser)
{
    bool template = strstr(state->scan->text, "{{") != NULL;

    if (template) /* Helm, Jinja: YAML only when it is filled in */
        return;
    visor_scan_complain(state->scan, "TV-FILE-001", (uint32_t)parser->problem_mark.line + 1,
                        (uint32_t)parser->problem_mark.column + 1, "%s",
                        parser->problem ? parser->problem : "");
}

void visor_read_yaml(struct visor_scan *scan)
{
    struct state state = {.scan = scan};
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;

    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)scan->text, scan->size);
    state.levels[0].node = scan->document->root;
    while (more && !state.stopped) {
        if (!yaml_parser_parse(&parser, &event)) {
            complain(&state, &parser);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        take(&state, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}
