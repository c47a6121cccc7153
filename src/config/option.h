/* The option table: one row a directive or option says its name, kind, target, limits, default and
 * description. Parsing, printing, "did you mean" and documentation are all driven by it. */
#ifndef VISOR_CONFIG_OPTION_H
#define VISOR_CONFIG_OPTION_H

#include "config/diagnosis.h"
#include "config/loader.h"
#include "config/print.h"
#include "config/text.h"
#include "config/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visor_parser;

struct visor_printer {
    struct visor_text out;
    enum visor_config_form form;
};

enum visor_option_kind {
    VISOR_OPTION_FLAG,     /* no argument; bool becomes true */
    VISOR_OPTION_CLEAR,    /* no argument; bool becomes false (its default is true) */
    VISOR_OPTION_BITS,     /* no argument; `bits` are set in a uint32_t */
    VISOR_OPTION_INT,      /* int */
    VISOR_OPTION_PORT,     /* uint16_t */
    VISOR_OPTION_UNSIGNED, /* uint32_t */
    VISOR_OPTION_SIZE,     /* uint64_t */
    VISOR_OPTION_REAL,     /* double */
    VISOR_OPTION_TEXT,     /* char[bits] */
    VISOR_OPTION_CHOICE,   /* int (an enum): place of the word in `text` */
    VISOR_OPTION_REFID,    /* char[5] */
    VISOR_OPTION_SPECIAL,  /* `special` takes the words */
    VISOR_OPTION_IGNORED,  /* taken with any words, without effect; `text` says why */
    VISOR_OPTION_REFUSED,  /* an error; `text` says what to use instead */
};

struct visor_option {
    const char *name;
    enum visor_option_kind kind;
    bool clamp;             /* a value outside min…max is taken as the limit, not refused */
    uint32_t bits;          /* BITS: the bits; TEXT: size of the target; IGNORED: severity */
    size_t offset;          /* of the target in its structure */
    double min, max, value; /* limits and default of the numbers */
    const char *text;       /* see the kinds; TEXT and CHOICE: the default is in `initial` */
    const char *initial;    /* TEXT: default, NULL for "" */
    void (*special)(struct visor_parser *parser, void *target);
    void (*print)(struct visor_printer *printer, const char *name, const void *target); /* SPECIAL;
                                NULL: printed by another row, or never */
    const char *arguments;   /* for people, e.g. "FILE" */
    const char *description; /* one line for people */
};

/* A table and what its rows write to. */
struct visor_option_table {
    const char *owner; /* directive the options belong to; NULL: the table of directives */
    const struct visor_option *rows;
    size_t count;
};

extern const struct visor_option_table visor_directives;          /* on struct visor_config */
extern const struct visor_option_table visor_source_options;      /* struct visor_source_config */
extern const struct visor_option_table visor_refclock_options;    /* struct visor_refclock_config */
extern const struct visor_option_table visor_witness_options;     /* struct visor_config */
extern const struct visor_option_table visor_emergency_options;   /* struct visor_config */
extern const struct visor_option_table visor_local_options;       /* struct visor_config */
extern const struct visor_option_table visor_hwtimestamp_options; /* …_hwtimestamp_config */
extern const struct visor_option_table visor_log_options;         /* struct visor_config */
extern const struct visor_option_table visor_open_options;        /* struct visor_config */
extern const struct visor_option_table visor_ratelimit_options; /* struct visor_ratelimit_config */
extern const struct visor_option_table visor_cmdratelimit_options; /* the same */

void visor_options_set_defaults(const struct visor_option_table *table, void *target);

/* Prints " NAME VALUE" of all options that are not at their default. */
void visor_options_print(struct visor_printer *printer, const struct visor_option_table *table,
                         const void *target);

/* Parsing: one line at a time, its words taken from `words`. */
struct visor_parser {
    struct visor_config *config;
    const struct visor_loader *loader; /* NULL: nothing outside the text can be read */
    struct visor_diagnoses *diagnoses;
    const struct visor_parser *outer; /* of the file that includes this one; NULL: none */
    const char *file;
    uint32_t line;
    int depth;             /* of includes */
    size_t bytes;          /* read so far, all files */
    size_t sources_limit;  /* 0: VISOR_CONFIG_SOURCES_MAX */
    bool full;             /* no more to be read: `bytes` is over the limit, said once */
    bool lenient;          /* a file of a `sourcedir`: sources only, errors are only warned about */
    bool failed;           /* an error was complained about in this line */
    const char *directive; /* of this line, as in the table */
    struct visor_words words;
};

/* Diagnoses about this line. `word`: its index (the number of words: the end of the line).
 * `first` and `second` (NULL allowed) are %1 and %2 of `reason`. */
void visor_parser_complain(struct visor_parser *parser, enum visor_diagnosis_severity severity,
                           size_t word, const char *reason, const char *first, const char *second);
/* As above, an error, with the nearest of the table's names as suggestion. */
void visor_parser_unknown(struct visor_parser *parser, size_t word, const char *reason,
                          const struct visor_option_table *table);
/* "'x' needs a value (FILE)", at the end of the line. */
void visor_parser_missing(struct visor_parser *parser, const char *what, const char *arguments);

/* The row of that name, letters compared without case; NULL: none. */
const struct visor_option *visor_options_find(const struct visor_option_table *table,
                                              const char *name);

/* Takes what `option` wants from the words (its name has been taken). False: complained. */
bool visor_option_take(struct visor_parser *parser, const struct visor_option *option,
                       const struct visor_option_table *table, void *target);

/* Takes all the words that are left as options of `table`. False: complained about some. */
bool visor_options_take(struct visor_parser *parser, const struct visor_option_table *table,
                        void *target);

/* Complains about words that are left; true if there are none. */
bool visor_parser_end(struct visor_parser *parser);

/* Take one argument of a directive; `what` names it in a complaint, limits are inclusive. */
bool visor_parser_real(struct visor_parser *parser, const char *what, double *value);
bool visor_parser_whole(struct visor_parser *parser, const char *what, int64_t min, int64_t max,
                        int64_t *value);
bool visor_parser_text(struct visor_parser *parser, const char *what, char *text, size_t size);

/* One more zeroed element of `*array`, whose memory grows by doubling; NULL: complained. */
void *visor_parser_append(struct visor_parser *parser, void **array, size_t *count, size_t size,
                          size_t limit);

/* Parses a whole text of configuration in the parser's name; see parse.h for the outside. */
void visor_parser_run(struct visor_parser *parser, const char *file, const char *text, size_t size);

/* Reads and parses a file; complains at word 0 of the line that asked for it if it cannot. */
void visor_parser_run_file(struct visor_parser *parser, const char *path);

/* Reads a file within the limits; false: complained. `*text` is the caller's to free. */
bool visor_parser_read(struct visor_parser *parser, const char *path, char **text, size_t *size);

/* Files of `dirs` (separated by spaces) that end in `suffix`, sorted by their names without
 * directory; of files of one name only that in the first directory. False: complained. */
bool visor_parser_search(struct visor_parser *parser, const char *dirs, const char *suffix,
                         struct visor_paths *paths);

/* Reads the files of `sourcedir` into parser->config->sources. */
void visor_parser_load_sources(struct visor_parser *parser);

/* Reads the points of `tempcomp`. */
void visor_parser_load_tempcomp(struct visor_parser *parser);

/* What `allow` and its like take; `allow` itself is the caller's to set. False: complained. */
bool visor_access_parse(struct visor_parser *parser, struct visor_access_config *access);

/* What `server`, `pool` and `peer` take; the kind is given by the parser's directive. */
bool visor_source_parse(struct visor_parser *parser, struct visor_source_config *source);

#endif
