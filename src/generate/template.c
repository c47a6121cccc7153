#include "generate/template.h"

#include <string.h>

#define NAME_MAX_LENGTH 40

struct expansion {
    const struct visor_value *values;
    size_t count;
    struct visor_text *out;
    const char *item; /* what {{.}} is; NULL outside of parts */
    bool good;
};

struct tag {
    char kind; /* '#', '^', '/' or 0: a value */
    char name[NAME_MAX_LENGTH + 1];
    const char *begin, *end; /* with its braces, and with its line if it takes that */
};

static const struct visor_value *find(const struct expansion *x, const char *name)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->values[i].name, name) == 0)
            return &x->values[i];
    return NULL;
}

static const char *skip_blanks_back(const char *at, const char *first)
{
    while (at > first && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at;
}

/* A tag of a part, alone on its line. */
static void take_line(struct tag *tag, const char *first, const char *last)
{
    const char *begin = skip_blanks_back(tag->begin, first), *end = tag->end;

    while (end < last && (*end == ' ' || *end == '\t'))
        end++;
    if ((begin > first && begin[-1] != '\n') || (end < last && *end != '\n'))
        return;
    tag->begin = begin;
    tag->end = end < last ? end + 1 : end;
}

/* The first tag in [at, last); `first` is where the whole text begins. */
static bool next_tag(const char *first, const char *at, const char *last, struct tag *tag)
{
    const char *name, *close;
    size_t length;

    for (; at + 1 < last && !(at[0] == '{' && at[1] == '{'); at++)
        ;
    if (at + 1 >= last)
        return false;
    name = at + 2;
    tag->begin = at;
    tag->kind = *name == '#' || *name == '^' || *name == '/' ? *name++ : '\0';
    for (close = name; close + 1 < last && !(close[0] == '}' && close[1] == '}'); close++)
        ;
    length = (size_t)(close - name);
    if (close + 1 >= last || length == 0 || length > NAME_MAX_LENGTH)
        return false;
    memcpy(tag->name, name, length);
    tag->name[length] = '\0';
    tag->end = close + 2;
    if (tag->kind)
        take_line(tag, first, last);
    return true;
}

static void put(struct visor_text *out, const char *from, const char *to)
{
    while (from < to)
        visor_text_put_char(out, *from++);
}

/* The end of the part that `open` begins. */
static bool find_end(const char *first, const char *last, const struct tag *open, struct tag *close)
{
    const char *at = open->end;
    int depth = 1;

    while (next_tag(first, at, last, close)) {
        if (strcmp(close->name, open->name) == 0)
            depth += close->kind == '/' ? -1 : close->kind ? 1 : 0;
        if (depth == 0)
            return true;
        at = close->end;
    }
    return false;
}

static void expand(struct expansion *x, const char *first, const char *last, int depth);

static void expand_part(struct expansion *x, const struct tag *open, const struct tag *close,
                        int depth)
{
    const struct visor_value *value = find(x, open->name);
    const char *outer = x->item;

    if (!value || depth >= VISOR_TEMPLATE_DEPTH) {
        x->good = false;
    } else if (open->kind == '^') {
        if (value->count == 0)
            expand(x, open->end, close->begin, depth + 1);
    } else {
        for (size_t i = 0; i < value->count; i++) {
            x->item = value->values[i];
            expand(x, open->end, close->begin, depth + 1);
        }
        x->item = outer;
    }
}

static void expand_value(struct expansion *x, const struct tag *tag)
{
    const struct visor_value *value = find(x, tag->name);

    if (strcmp(tag->name, ".") == 0 && x->item)
        visor_text_put(x->out, x->item);
    else if (value && value->count > 0)
        visor_text_put(x->out, value->values[0]);
    else
        x->good = false;
}

static void expand(struct expansion *x, const char *first, const char *last, int depth)
{
    const char *at = first;
    struct tag tag, close;

    while (x->good && next_tag(first, at, last, &tag)) {
        put(x->out, at, tag.begin);
        at = tag.end;
        if (!tag.kind) {
            expand_value(x, &tag);
        } else if (tag.kind == '/' || !find_end(first, last, &tag, &close)) {
            x->good = false;
        } else {
            expand_part(x, &tag, &close, depth);
            at = close.end;
        }
    }
    put(x->out, at, last);
}

bool visor_template_expand(const char *text, const struct visor_value *values, size_t count,
                           struct visor_text *out)
{
    struct expansion x = {.values = values, .count = count, .out = out, .good = true};

    expand(&x, text, text + strlen(text), 0);
    return x.good;
}
