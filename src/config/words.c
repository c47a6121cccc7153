/* Splits a line into words; what they mean is left to the option tables. */
#include "config/words.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool visor_words_split(struct visor_words *words, const char *line, size_t size)
{
    bool inside = false;

    words->count = words->next = 0;
    words->text[0] = '\0';
    if (size > VISOR_WORDS_LINE_MAX || memchr(line, 0, size))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (is_space(line[i])) {
            words->text[i] = '\0';
            inside = false;
            continue;
        }
        if (!inside && words->count == 0 && strchr("!;#%", line[i]))
            break;
        if (!inside)
            words->start[words->count++] = (uint16_t)i;
        words->text[i] = line[i];
        inside = true;
    }
    words->text[size] = '\0';
    return true;
}

const char *visor_words_take(struct visor_words *words)
{
    return words->next < words->count ? visor_words_get(words, words->next++) : NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool visor_words_same(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}
