/* A line of configuration, split into words. A line whose first character is one of ! ; # % is a
 * comment; there are no quotes and no comments behind words, as in chrony.conf. */
#ifndef VISOR_CONFIG_WORDS_H
#define VISOR_CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_WORDS_LINE_MAX 2047

struct visor_words {
    char text[VISOR_WORDS_LINE_MAX + 1]; /* the line, white space replaced by zeros */
    uint16_t start[VISOR_WORDS_LINE_MAX / 2 + 1];
    size_t count, next;
};

/* False if the line (without its end) is too long or contains a zero byte. A comment has no words.
 */
bool visor_words_split(struct visor_words *words, const char *line, size_t size);

/* The next word and moves on; NULL behind the last. */
const char *visor_words_take(struct visor_words *words);

static inline const char *visor_words_get(const struct visor_words *words, size_t index)
{
    return words->text + words->start[index];
}

static inline size_t visor_words_left(const struct visor_words *words)
{
    return words->count - words->next;
}

/* Compares without case (ASCII). */
bool visor_words_same(const char *a, const char *b);

#endif
