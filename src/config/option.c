/* The machine behind the option tables: finds rows, takes values, complains. What single
 * directives mean beyond that is in directives.c, source.c, refclock.c, access.c and include.c. */
#include "config/option.h"
#include "config/number.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 160 /* rows of the largest table */

static struct visor_diagnosis diagnose(struct visor_parser *parser,
                                       enum visor_diagnosis_severity severity, size_t word,
                                       const char *reason)
{
    struct visor_diagnosis diagnosis = {.line = parser->line, .reason = reason};
    const struct visor_words *words = &parser->words;

    if (severity == VISOR_DIAGNOSIS_ERROR) {
        parser->failed = true;
        if (parser->lenient)
            severity = VISOR_DIAGNOSIS_WARNING;
    }
    diagnosis.severity = severity;
    visor_diagnosis_copy(diagnosis.file, sizeof(diagnosis.file), parser->file);
    if (word < words->count) {
        visor_diagnosis_copy(diagnosis.word, sizeof(diagnosis.word), visor_words_get(words, word));
        diagnosis.column = words->start[word] + 1u;
    }
    return diagnosis;
}

void visor_parser_complain(struct visor_parser *parser, enum visor_diagnosis_severity severity,
                           size_t word, const char *reason, const char *first, const char *second)
{
    struct visor_diagnosis diagnosis = diagnose(parser, severity, word, reason);

    visor_diagnosis_copy(diagnosis.detail[0], sizeof(diagnosis.detail[0]), first ? first : "");
    visor_diagnosis_copy(diagnosis.detail[1], sizeof(diagnosis.detail[1]), second ? second : "");
    visor_diagnoses_add(parser->diagnoses, &diagnosis);
}

static bool looks_like_comment(const char *word)
{
    return strchr("!;#%", word[0]) != NULL;
}

void visor_parser_unknown(struct visor_parser *parser, size_t word, const char *reason,
                          const struct visor_option_table *table)
{
    const char *names[NAMES_MAX], *text = visor_words_get(&parser->words, word);
    const char *nearest = NULL;
    struct visor_diagnosis diagnosis = diagnose(
        parser, VISOR_DIAGNOSIS_ERROR, word,
        looks_like_comment(text)
            ? N_("'%w' cannot start a comment behind other words; give it a line of its own")
            : reason);

    for (size_t i = 0; i < table->count; i++)
        names[i] = table->rows[i].kind == VISOR_OPTION_REFUSED ? NULL : table->rows[i].name;
    if (parser->diagnoses->errors < VISOR_DIAGNOSES_LIMIT) /* else it is not kept */
        nearest = visor_diagnosis_nearest(text, names, table->count);
    visor_diagnosis_copy(diagnosis.suggestion, sizeof(diagnosis.suggestion),
                         nearest ? nearest : "");
    visor_diagnosis_copy(diagnosis.detail[0], sizeof(diagnosis.detail[0]),
                         table->owner ? table->owner : "");
    visor_diagnoses_add(parser->diagnoses, &diagnosis);
}

void visor_parser_missing(struct visor_parser *parser, const char *what, const char *arguments)
{
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.count,
                          N_("'%1' needs a value: %2"), what, arguments);
}

const struct visor_option *visor_options_find(const struct visor_option_table *table,
                                              const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (visor_words_same(name, table->rows[i].name))
            return &table->rows[i];
    return NULL;
}

/* "0 to 7", or "at least 0" where only our integers limit it. */
static void complain_range(struct visor_parser *parser, const struct visor_option *option,
                           const char *what)
{
    char range[2 * VISOR_NUMBER_TEXT + 4], text[VISOR_NUMBER_TEXT];
    size_t length;
    bool open = option->max >= 2147483647.0;

    visor_number_print(option->min, range);
    length = strlen(range);
    if (!open) {
        visor_number_print(option->max, text);
        memcpy(range + length, " … ", sizeof(" … ") - 1);
        memcpy(range + length + sizeof(" … ") - 1, text, strlen(text) + 1);
    }
    if (option->clamp)
        visor_parser_complain(parser, VISOR_DIAGNOSIS_WARNING, parser->words.next - 1,
                              N_("'%w' is out of range for '%1' (%2); the limit is taken"), what,
                              range);
    else
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              open ? N_("'%w' is out of range for '%1': at least %2")
                                   : N_("'%w' is out of range for '%1': %2"),
                              what, range);
}

/* chronyd reads the number at the start of a directive's only argument and drops the rest. */
static bool check_rest(struct visor_parser *parser, const char *what, const char *rest, bool loose)
{
    if (!*rest)
        return true;
    if (loose) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_WARNING, parser->words.next - 1,
                              N_("'%2' in '%w' is not part of the number for '%1' and is dropped; "
                                 "the units are fixed"),
                              what, rest);
        return true;
    }
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                          N_("'%w' is not a number, as '%1' needs"), what, NULL);
    return false;
}

static bool take_number(struct visor_parser *parser, const struct visor_option *option, bool loose,
                        double *value)
{
    const char *word = visor_words_take(&parser->words);
    int64_t whole = 0;
    size_t taken;

    if (!word) {
        visor_parser_missing(parser, option->name, option->arguments);
        return false;
    }
    if (option->kind == VISOR_OPTION_REAL) {
        taken = visor_number_read(word, value);
    } else {
        taken = visor_number_read_whole(word, &whole);
        *value = (double)whole;
        loose = false;
    }
    if (!taken) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not a number, as '%1' needs"), option->name, NULL);
        return false;
    }
    if (!check_rest(parser, option->name, word + taken, loose))
        return false;
    if (*value >= option->min && *value <= option->max)
        return true;
    complain_range(parser, option, option->name);
    *value = *value < option->min ? option->min : option->max;
    return option->clamp;
}

static void store_number(const struct visor_option *option, void *target, double value)
{
    char *to = (char *)target + option->offset;

    if (option->kind == VISOR_OPTION_INT)
        *(int *)(void *)to = (int)value;
    else if (option->kind == VISOR_OPTION_PORT)
        *(uint16_t *)(void *)to = (uint16_t)value;
    else if (option->kind == VISOR_OPTION_UNSIGNED)
        *(uint32_t *)(void *)to = (uint32_t)value;
    else if (option->kind == VISOR_OPTION_SIZE)
        *(uint64_t *)(void *)to = (uint64_t)value;
    else
        *(double *)(void *)to = value;
}

void visor_options_set_defaults(const struct visor_option_table *table, void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct visor_option *option = &table->rows[i];
        char *to = (char *)target + option->offset;

        switch (option->kind) {
        case VISOR_OPTION_INT:
        case VISOR_OPTION_PORT:
        case VISOR_OPTION_UNSIGNED:
        case VISOR_OPTION_SIZE:
        case VISOR_OPTION_REAL:
            store_number(option, target, option->value);
            break;
        case VISOR_OPTION_CLEAR:
            *(bool *)to = true;
            break;
        case VISOR_OPTION_CHOICE:
            *(int *)(void *)to = (int)option->value;
            break;
        case VISOR_OPTION_TEXT:
            visor_diagnosis_copy(to, option->bits, option->initial ? option->initial : "");
            break;
        default:
            break;
        }
    }
}

bool visor_parser_text(struct visor_parser *parser, const char *what, char *text, size_t size)
{
    const char *word = visor_words_take(&parser->words);
    char limit[VISOR_NUMBER_TEXT];

    if (!word) {
        visor_parser_missing(parser, parser->directive, what);
        return false;
    }
    if (strlen(word) >= size) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is too long: at most %1 characters"),
                              visor_number_print_whole((int64_t)size - 1, limit), NULL);
        return false;
    }
    memcpy(text, word, strlen(word) + 1);
    return true;
}

/* Place of `word` in the words of `list`; -1: not there. Also their starts for a suggestion. */
static int place_of(const char *word, const char *list, char *copy, const char **names,
                    size_t *count)
{
    int place = -1;

    memcpy(copy, list, strlen(list) + 1);
    *count = 0;
    for (char *at = copy; at;) {
        char *space = strchr(at, ' ');

        if (space)
            *space++ = '\0';
        if (visor_words_same(at, word))
            place = (int)*count;
        names[(*count)++] = at;
        at = space;
    }
    return place;
}

static bool take_choice(struct visor_parser *parser, const struct visor_option *option, void *to)
{
    const char *word = visor_words_take(&parser->words), *names[16];
    char copy[128];
    size_t count;
    int place;

    if (!word) {
        visor_parser_missing(parser, option->name, option->text);
        return false;
    }
    place = place_of(word, option->text, copy, names, &count);
    if (place < 0) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not one of the words for '%1': %2"), option->name,
                              option->text);
        return false;
    }
    *(int *)to = place;
    return true;
}

static bool take_refid(struct visor_parser *parser, const struct visor_option *option, char *to)
{
    const char *word = visor_words_take(&parser->words);

    if (!word) {
        visor_parser_missing(parser, option->name, option->arguments);
        return false;
    }
    if (strlen(word) > 4) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is too long for '%1': at most 4 characters"), option->name,
                              NULL);
        return false;
    }
    memcpy(to, word, strlen(word) + 1);
    return true;
}

static bool take_without_effect(struct visor_parser *parser, const struct visor_option *option)
{
    bool refused = option->kind == VISOR_OPTION_REFUSED;
    struct visor_diagnosis diagnosis = diagnose(
        parser, refused ? VISOR_DIAGNOSIS_ERROR : (enum visor_diagnosis_severity)option->bits,
        parser->words.next - 1, option->text);

    diagnosis.unsupported = refused;
    visor_diagnoses_add(parser->diagnoses, &diagnosis);
    if (!refused)
        parser->words.next = parser->words.count;
    return !refused;
}

bool visor_option_take(struct visor_parser *parser, const struct visor_option *option,
                       const struct visor_option_table *table, void *target)
{
    char *to = (char *)target + option->offset;
    double value = 0.0;

    switch (option->kind) {
    case VISOR_OPTION_FLAG:
    case VISOR_OPTION_CLEAR:
        *(bool *)to = option->kind == VISOR_OPTION_FLAG;
        return true;
    case VISOR_OPTION_BITS:
        *(uint32_t *)(void *)to |= option->bits;
        return true;
    case VISOR_OPTION_INT:
    case VISOR_OPTION_PORT:
    case VISOR_OPTION_UNSIGNED:
    case VISOR_OPTION_SIZE:
    case VISOR_OPTION_REAL:
        if (!take_number(parser, option, table->owner == NULL, &value))
            return false;
        store_number(option, target, value);
        return true;
    case VISOR_OPTION_TEXT:
        return visor_parser_text(parser, option->arguments, to, option->bits);
    case VISOR_OPTION_CHOICE:
        return take_choice(parser, option, to);
    case VISOR_OPTION_REFID:
        return take_refid(parser, option, to);
    case VISOR_OPTION_SPECIAL:
        option->special(parser, target);
        return !parser->failed;
    case VISOR_OPTION_IGNORED:
    case VISOR_OPTION_REFUSED:
        return take_without_effect(parser, option);
    }
    return false;
}

bool visor_options_take(struct visor_parser *parser, const struct visor_option_table *table,
                        void *target)
{
    const char *word;
    bool good = true;

    while ((word = visor_words_take(&parser->words)) != NULL) {
        const struct visor_option *option = visor_options_find(table, word);

        if (!option) {
            visor_parser_unknown(parser, parser->words.next - 1,
                                 N_("'%w' is not an option of '%1'"), table);
            return false; /* whether the next word is its value cannot be known */
        }
        good &= visor_option_take(parser, option, table, target);
    }
    return good;
}

bool visor_parser_end(struct visor_parser *parser)
{
    const char *word = visor_words_take(&parser->words);

    if (!word)
        return true;
    visor_parser_complain(
        parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
        looks_like_comment(word)
            ? N_("'%w' cannot start a comment behind other words; give it a line of its own")
            : N_("'%w' is one word too many for '%1'"),
        parser->directive, NULL);
    return false;
}

bool visor_parser_real(struct visor_parser *parser, const char *what, double *value)
{
    const char *word = visor_words_take(&parser->words);
    size_t taken;

    if (!word) {
        visor_parser_missing(parser, parser->directive, what);
        return false;
    }
    taken = visor_number_read(word, value);
    if (taken && !word[taken])
        return true;
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                          N_("'%w' is not a number, as '%1' needs"), parser->directive, NULL);
    return false;
}

bool visor_parser_whole(struct visor_parser *parser, const char *what, int64_t min, int64_t max,
                        int64_t *value)
{
    struct visor_option limits = {.name = parser->directive,
                                  .kind = VISOR_OPTION_INT,
                                  .min = (double)min,
                                  .max = (double)max,
                                  .arguments = what};
    double number;

    if (!take_number(parser, &limits, false, &number))
        return false;
    *value = (int64_t)number;
    return true;
}

void *visor_parser_append(struct visor_parser *parser, void **array, size_t *count, size_t size,
                          size_t limit)
{
    char text[VISOR_NUMBER_TEXT];
    char *at;

    if (*count >= limit) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0,
                              N_("too many '%w' lines: at most %1 are taken"),
                              visor_number_print_whole((int64_t)limit, text), NULL);
        return NULL;
    }
    if ((*count & (*count - 1)) == 0) {
        void *bigger = realloc(*array, (*count ? 2 * *count : 1) * size);

        if (!bigger) {
            visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0, N_("out of memory"), NULL,
                                  NULL);
            return NULL;
        }
        *array = bigger;
    }
    at = (char *)*array + *count * size;
    memset(at, 0, size);
    (*count)++;
    return at;
}
