/* XML by libxml2's event interface: no network, no external files, no entities of the file's own,
 * so that memory grows with the file and nothing else. */
#include "lint/scan.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <string.h>

#define NAME_SIZE 80
#define TEXT_SIZE 1024

struct state {
    struct visor_scan *scan;
    xmlParserCtxtPtr parser;
    struct visor_node *node; /* open now; NULL: too deep or too many */
    unsigned depth;          /* of elements; `node` is the last of which there is one */
    unsigned lost;           /* open elements without a node */
    uint32_t before;         /* lines in front of what the parser got */
    char text[TEXT_SIZE];    /* of the open element, so far */
    size_t length;
    bool failed;
    size_t seen,
        line_start; /* bytes from the start: looked at for line ends; where the line begins */
};

/* Where the tag that was just read begins: its "<" is the last one, since values cannot have any.
 * Each byte is looked at once for line ends, however long a line is. */
static void find_place(struct state *state, uint32_t *line, uint32_t *column)
{
    const xmlParserInput *input = state->parser->input;
    const xmlChar *at = input->cur;
    size_t base = (size_t)input->consumed, place;

    *line = state->before + (uint32_t)(input->line > 0 ? input->line : 1);
    while (at > input->base && *at != '<') {
        at--;
        if (*at == '\n')
            --*line;
    }
    place = base + (size_t)(at - input->base);
    if (state->seen < base)
        state->seen = base;
    for (; state->seen < place; state->seen++)
        if (input->base[state->seen - base] == '\n')
            state->line_start = state->seen + 1;
    *column = (uint32_t)(place - state->line_start) + 1;
}

static void start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
    struct state *state = context;
    struct visor_scan *scan = state->scan;
    struct visor_node *node = NULL;
    uint32_t line, column;

    find_place(state, &line, &column);
    state->length = 0;
    if (state->lost == 0 && state->depth < VISOR_DOCUMENT_DEPTH_MAX)
        node = visor_document_add(scan->document, state->node, (const char *)name, line, column);
    if (!node) {
        scan->document->full = true;
        state->lost++;
        return;
    }
    state->depth++;
    state->node = node;
    for (; attributes && attributes[0]; attributes += 2) {
        const char *value = attributes[1] ? (const char *)attributes[1] : "";
        char attribute[NAME_SIZE] = "@";

        strncat(attribute, (const char *)attributes[0], NAME_SIZE - 2);
        visor_scan_value(scan, visor_document_add(scan->document, node, attribute, line, column),
                         value, value + strlen(value));
    }
}

static void end_element(void *context, const xmlChar *name)
{
    struct state *state = context;
    const char *first = state->text, *last = state->text + state->length;

    (void)name;
    if (state->lost > 0) {
        state->lost--;
        return;
    }
    visor_trim(&first, &last);
    if (first < last)
        visor_scan_value(state->scan, state->node, first, last);
    state->length = 0;
    state->depth--;
    state->node = (struct visor_node *)(uintptr_t)state->node->parent;
}

static void characters(void *context, const xmlChar *text, int length)
{
    struct state *state = context;
    size_t room = TEXT_SIZE - state->length, size = length > 0 ? (size_t)length : 0;

    size = size < room ? size : room;
    memcpy(state->text + state->length, text, size);
    state->length += size;
}

static void refuse(struct state *state, const char *what)
{
    if (!state->failed)
        visor_scan_complain(state->scan, "TV-FILE-003",
                            state->before + (uint32_t)state->parser->input->line, 1, "%s", what);
    state->failed = true;
    xmlStopParser(state->parser);
}

static void declared_type(void *context, const xmlChar *name, const xmlChar *id,
                          const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    refuse(context, "<!DOCTYPE");
}

static xmlEntityPtr find_entity(void *context, const xmlChar *name)
{
    (void)context;
    return xmlGetPredefinedEntity(name);
}

/* Its words are those of the error that the parser keeps. Only the first counts: the others follow.
 */
static void complain(void *context, const char *format, ...)
{
    struct state *state = context;
    const xmlError *error = &state->parser->lastError;
    const char *first = error->message ? error->message : "", *last = first + strlen(first);
    char text[200];

    (void)format;
    if (state->failed || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
        return;
    state->failed = true;
    visor_trim(&first, &last);
    snprintf(text, sizeof(text), "%.*s", (int)(last - first), first);
    visor_scan_complain(state->scan, "TV-FILE-001",
                        state->before + (uint32_t)(error->line > 0 ? error->line : 1),
                        error->int2 > 0 ? (uint32_t)error->int2 : 1, "%s", text);
}

void visor_read_xml(struct visor_scan *scan)
{
    struct state state = {.scan = scan, .node = scan->document->root};
    xmlSAXHandler handler = {.initialized = 1 /* elements by their full names */,
                             .startElement = start_element,
                             .endElement = end_element,
                             .characters = characters,
                             .cdataBlock = characters,
                             .internalSubset = declared_type,
                             .getEntity = find_entity,
                             .error = complain,
                             .fatalError = complain};
    const char *start = strchr(scan->text, '<');

    if (!start)
        return;
    for (const char *at = scan->text; at < start; at++)
        state.before += *at == '\n';
    state.parser =
        xmlCreateMemoryParserCtxt(start, (int)(scan->size - (size_t)(start - scan->text)));
    if (!state.parser)
        return;
    xmlCtxtUseOptions(state.parser, XML_PARSE_NONET);
    *state.parser->sax = handler;
    state.parser->sax2 = 0;
    state.parser->userData = &state;
    xmlParseDocument(state.parser);
    if (state.parser->myDoc) /* the parser makes one for an entity's declaration */
        xmlFreeDoc(state.parser->myDoc);
    state.parser->myDoc = NULL;
    xmlFreeParserCtxt(state.parser);
}
