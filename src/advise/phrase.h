/* Text of findings, made without stdio. A phrase is a sentence that is translated, with up to two
 * details ("%1", "%2") that are not. */
#ifndef VISOR_ADVISE_PHRASE_H
#define VISOR_ADVISE_PHRASE_H

#include <stdarg.h>
#include <stddef.h>

#ifndef N_
#define N_(text) (text) /* marks a text for xgettext that is translated later */
#endif

#define VISOR_PHRASE_DETAIL 128

struct visor_phrase {
    const char *text; /* static, N_() */
    char detail[2][VISOR_PHRASE_DETAIL];
};

/* Details are cut to fit. */
__attribute__((format(printf, 3, 4))) void visor_phrase_detail(struct visor_phrase *phrase,
                                                               int index, const char *format, ...);
/* `translate` (NULL: none) is gettext or the like. Returns `text`. */
char *visor_phrase_print(const struct visor_phrase *phrase, char *(*translate)(const char *),
                         char *text, size_t size);

/* Knows %s, %d, %u, %zu, %.Nf, %g and %%, nothing else, and no widths. Control characters in
 * strings become '?': they come from files that anyone wrote. */
void visor_phrase_format(char *text, size_t size, const char *format, va_list arguments);

#endif
