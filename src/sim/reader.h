/* Words of a scenario line as quantities, with a diagnosis for what is not one. Internal to the
 * script. A quantity is a number with its unit behind it, without a space: 100us, 12ppm, 33%. */
#ifndef VISOR_SIM_READER_H
#define VISOR_SIM_READER_H

#include "config/diagnosis.h"
#include "config/words.h"

enum visor_quantity {
    VISOR_QUANTITY_TIME,      /* ns, us, ms, s, min, h, d; s without a unit */
    VISOR_QUANTITY_FREQUENCY, /* ppt, ppb, ppm, %; s/s without */
    VISOR_QUANTITY_SHARE,     /* % or 0 … 1 */
    VISOR_QUANTITY_NUMBER,    /* plain */
    VISOR_QUANTITY_COUNT,     /* whole, >= 0 */
};

struct visor_reader_place {
    const char *file;
    uint32_t line;
    struct visor_words words;
    struct visor_diagnoses *diagnoses;
    bool failed; /* this line is wrong and was said to be */
};

/* An error about `word` (may be NULL: the line's end), unless the line has one already. `near` is
 * suggested if it is not NULL. */
void visor_reader_complain(struct visor_reader_place *place, const char *reason, const char *word,
                           const char *near);

/* The next word; complains, and gives "", if there is none. */
const char *visor_reader_word(struct visor_reader_place *place);

/* Is the next word this one? Then it is taken. */
bool visor_reader_has(struct visor_reader_place *place, const char *word);

/* The next word as a quantity; complains, and gives 0, if it is not one. */
double visor_reader_take(struct visor_reader_place *place, enum visor_quantity quantity);

/* The next word as a number from `low` to `high`; complains, and gives `low`, if it is not one. */
double visor_reader_take_within(struct visor_reader_place *place, enum visor_quantity quantity,
                                double low, double high);

/* YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, in years that NTP's seconds can tell, as s since 1970;
 * complains, and leaves *s alone, if it is none. */
void visor_reader_take_date(struct visor_reader_place *place, int64_t *s);

/* An option of a statement: a word, a quantity, and where it goes (a double at up to two places).
 */
struct visor_reader_option {
    const char *name;
    enum visor_quantity quantity;
    double *to, *also;
};

/* Take the next word as one of `options`, with its value. False if it is none of them: it is then
 * not taken. */
bool visor_reader_option_take(struct visor_reader_place *place,
                              const struct visor_reader_option *options, size_t count);

#endif
