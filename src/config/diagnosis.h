/* What is wrong with a configuration, as data: file, line, word, reason, and what would be right.
 * The sentence is put together above, where it can be translated. */
#ifndef VISOR_CONFIG_DIAGNOSIS_H
#define VISOR_CONFIG_DIAGNOSIS_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_DIAGNOSIS_WORD_MAX 80
#define VISOR_DIAGNOSES_LIMIT    64   /* kept; further ones are only counted */
#define VISOR_DIAGNOSIS_TEXT     1024 /* room for any sentence of visor_diagnosis_print */

#ifndef N_
#define N_(text) (text) /* marks a text for xgettext that is translated later */
#endif

enum visor_diagnosis_severity {
    VISOR_DIAGNOSIS_NOTICE,  /* accepted, but without effect here */
    VISOR_DIAGNOSIS_WARNING, /* accepted, but probably not meant so */
    VISOR_DIAGNOSIS_ERROR,   /* the daemon must not start with it */
};

struct visor_diagnosis {
    enum visor_diagnosis_severity severity;
    char file[VISOR_CONFIG_NAME_MAX];
    uint32_t line, column;               /* from 1; 0: the file as a whole */
    const char *reason;                  /* static text; %w the word, %1 and %2 the details */
    char word[VISOR_DIAGNOSIS_WORD_MAX]; /* cut, control characters replaced */
    char detail[2][VISOR_DIAGNOSIS_WORD_MAX];
    char suggestion[VISOR_DIAGNOSIS_WORD_MAX]; /* the nearest valid word; "" : none near */
    bool unsupported; /* chronyd takes it; it is only this daemon that does not */
};

struct visor_diagnoses {
    struct visor_diagnosis *items; /* heap, `count` of them */
    size_t count;
    size_t errors, warnings, notices; /* all, kept or not */
};

void visor_diagnoses_init(struct visor_diagnoses *diagnoses);
void visor_diagnoses_done(struct visor_diagnoses *diagnoses);

/* Appends a copy, up to the limit (for an error the last notice or warning is then left out). */
void visor_diagnoses_add(struct visor_diagnoses *diagnoses,
                         const struct visor_diagnosis *diagnosis);

/* Copies `from` to a diagnosis' text field of `size` bytes: cut with "…", safe to show. */
void visor_diagnosis_copy(char *to, size_t size, const char *from);

/* One sentence, "FILE:LINE: …", without end of line. `translate` (NULL: none) is gettext or the
 * like and is given the reason and the other fixed texts. Returns `text`. */
char *visor_diagnosis_print(const struct visor_diagnosis *diagnosis,
                            char *(*translate)(const char *), char *text, size_t size);

/* The same without place and severity. */
char *visor_diagnosis_print_reason(const struct visor_diagnosis *diagnosis,
                                   char *(*translate)(const char *), char *text, size_t size);

/* The word of `words` (`count` of them, NULL entries skipped) nearest to `word` by edit distance,
 * letters compared without case; NULL if none is near enough to be meant. */
const char *visor_diagnosis_nearest(const char *word, const char *const *words, size_t count);

#endif
