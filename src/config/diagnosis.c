/* The list of diagnoses, its sentences, and "did you mean". */
#include "config/diagnosis.h"
#include "config/text.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_LENGTH_MAX 40

void visor_diagnoses_init(struct visor_diagnoses *diagnoses)
{
    *diagnoses = (struct visor_diagnoses){.items = NULL};
}

void visor_diagnoses_done(struct visor_diagnoses *diagnoses)
{
    free(diagnoses->items);
    visor_diagnoses_init(diagnoses);
}

static void count_it(struct visor_diagnoses *diagnoses, enum visor_diagnosis_severity severity)
{
    if (severity == VISOR_DIAGNOSIS_ERROR)
        diagnoses->errors++;
    else if (severity == VISOR_DIAGNOSIS_WARNING)
        diagnoses->warnings++;
    else
        diagnoses->notices++;
}

/* Makes room for an error by leaving out the last that is none. */
static void leave_one_out(struct visor_diagnoses *diagnoses)
{
    for (size_t i = diagnoses->count; i-- > 0;) {
        struct visor_diagnosis *item = &diagnoses->items[i];

        if (item->severity == VISOR_DIAGNOSIS_ERROR)
            continue;
        diagnoses->count--;
        memmove(item, item + 1, (diagnoses->count - i) * sizeof(*item));
        return;
    }
}

void visor_diagnoses_add(struct visor_diagnoses *diagnoses, const struct visor_diagnosis *diagnosis)
{
    struct visor_diagnosis *items;

    count_it(diagnoses, diagnosis->severity);
    if (diagnoses->count == VISOR_DIAGNOSES_LIMIT && diagnosis->severity == VISOR_DIAGNOSIS_ERROR)
        leave_one_out(diagnoses);
    if (diagnoses->count == VISOR_DIAGNOSES_LIMIT)
        return;
    items = realloc(diagnoses->items, (diagnoses->count + 1) * sizeof(*items));
    if (!items)
        return;
    diagnoses->items = items;
    items[diagnoses->count++] = *diagnosis;
}

void visor_diagnosis_copy(char *to, size_t size, const char *from)
{
    static const char mark[] = "…";
    size_t length = strlen(from), at;

    if (length >= size) {
        length = size - sizeof(mark);
        while (length && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--; /* not inside a UTF-8 character */
    }
    for (at = 0; at < length; at++)
        to[at] = (unsigned char)from[at] < 0x20 || from[at] == 0x7f ? '?' : from[at];
    to[at] = '\0';
    if (from[length])
        memcpy(to + at, mark, sizeof(mark));
}

static void put_filled(struct visor_text *out, const struct visor_diagnosis *diagnosis,
                       const char *reason)
{
    for (; *reason; reason++) {
        if (*reason != '%') {
            visor_text_put_char(out, *reason);
            continue;
        }
        reason++;
        if (*reason == 'w')
            visor_text_put(out, diagnosis->word);
        else if (*reason == '1' || *reason == '2')
            visor_text_put(out, diagnosis->detail[*reason - '1']);
        else if (*reason == 's')
            visor_text_put(out, diagnosis->suggestion);
        else if (*reason == '%')
            visor_text_put(out, "%");
        else
            break;
    }
}

static char *untranslated(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void put_reason(struct visor_text *out, const struct visor_diagnosis *diagnosis,
                       char *(*translate)(const char *))
{
    put_filled(out, diagnosis, translate(diagnosis->reason));
    if (diagnosis->suggestion[0])
        put_filled(out, diagnosis, translate(N_("; did you mean '%s'?")));
}

char *visor_diagnosis_print_reason(const struct visor_diagnosis *diagnosis,
                                   char *(*translate)(const char *), char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);

    put_reason(&out, diagnosis, translate ? translate : untranslated);
    return text;
}

char *visor_diagnosis_print(const struct visor_diagnosis *diagnosis,
                            char *(*translate)(const char *), char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);

    if (!translate)
        translate = untranslated;
    visor_text_put(&out, diagnosis->file);
    if (diagnosis->line) {
        visor_text_put(&out, ":");
        visor_text_put_whole(&out, diagnosis->line);
    }
    visor_text_put(&out, ": ");
    if (diagnosis->severity == VISOR_DIAGNOSIS_WARNING)
        visor_text_put(&out, translate(N_("warning: ")));
    else if (diagnosis->severity == VISOR_DIAGNOSIS_NOTICE)
        visor_text_put(&out, translate(N_("notice: ")));
    put_reason(&out, diagnosis, translate);
    return text;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edits (insert, delete, replace, swap of neighbours) that make `a` of `b`; both are short. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAR_LENGTH_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t best = last[j - 1] + !same;

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

const char *visor_diagnosis_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word), best = length < 3 ? 1 : length / 3;
    const char *nearest = NULL;

    if (length < 2 || length > NEAR_LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = words[i] ? strlen(words[i]) : 0, d;

        /* so many edits make up for the difference in length alone */
        if (other > NEAR_LENGTH_MAX || other + best < length || length + best < other)
            continue;
        d = distance(word, length, words[i], other);
        if (d < best + (nearest ? 0 : 1) && d < other) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}
