/* Quantities with units, and the complaints about those that are not. */
#include "sim/reader.h"

#include "config/number.h"

#include <string.h>

#define FIRST_YEAR 1970
#define LAST_YEAR  2115

static const struct unit {
    enum visor_quantity quantity;
    const char *name;
    double factor;
} UNITS[] = {
    {VISOR_QUANTITY_TIME, "", 1.0},           {VISOR_QUANTITY_TIME, "s", 1.0},
    {VISOR_QUANTITY_TIME, "ns", 1e-9},        {VISOR_QUANTITY_TIME, "us", 1e-6},
    {VISOR_QUANTITY_TIME, "µs", 1e-6},        {VISOR_QUANTITY_TIME, "ms", 1e-3},
    {VISOR_QUANTITY_TIME, "min", 60.0},       {VISOR_QUANTITY_TIME, "h", 3600.0},
    {VISOR_QUANTITY_TIME, "d", 86400.0},      {VISOR_QUANTITY_FREQUENCY, "", 1.0},
    {VISOR_QUANTITY_FREQUENCY, "ppm", 1e-6},  {VISOR_QUANTITY_FREQUENCY, "ppb", 1e-9},
    {VISOR_QUANTITY_FREQUENCY, "ppt", 1e-12}, {VISOR_QUANTITY_FREQUENCY, "%", 1e-2},
    {VISOR_QUANTITY_SHARE, "", 1.0},          {VISOR_QUANTITY_SHARE, "%", 1e-2},
    {VISOR_QUANTITY_NUMBER, "", 1.0},         {VISOR_QUANTITY_COUNT, "", 1.0},
};

static const char *const REASONS[] = {
    [VISOR_QUANTITY_TIME] = N_("'%w' is not a time: a number with ns, us, ms, s, min, h or d"),
    [VISOR_QUANTITY_FREQUENCY] = N_("'%w' is not a frequency: a number with ppt, ppb, ppm or %%"),
    [VISOR_QUANTITY_SHARE] = N_("'%w' is not a share: 0 to 1, or 0%% to 100%%"),
    [VISOR_QUANTITY_NUMBER] = N_("'%w' is not a number"),
    [VISOR_QUANTITY_COUNT] = N_("'%w' is not a whole number from 0 to 1000000000"),
};

void visor_reader_complain(struct visor_reader_place *place, const char *reason, const char *word,
                           const char *near)
{
    struct visor_diagnosis diagnosis = {
        .severity = VISOR_DIAGNOSIS_ERROR, .line = place->line, .reason = reason};

    if (place->failed)
        return;
    place->failed = true;
    visor_diagnosis_copy(diagnosis.file, sizeof(diagnosis.file), place->file);
    if (word) {
        visor_diagnosis_copy(diagnosis.word, sizeof(diagnosis.word), word);
        if (word >= place->words.text && word < place->words.text + sizeof(place->words.text))
            diagnosis.column = (uint32_t)(word - place->words.text) + 1;
    }
    if (near)
        visor_diagnosis_copy(diagnosis.suggestion, sizeof(diagnosis.suggestion), near);
    visor_diagnoses_add(place->diagnoses, &diagnosis);
}

const char *visor_reader_word(struct visor_reader_place *place)
{
    const char *word = visor_words_take(&place->words);

    if (!word)
        visor_reader_complain(place, N_("a word is missing at the end of the line"), NULL, NULL);
    return word ? word : "";
}

bool visor_reader_has(struct visor_reader_place *place, const char *word)
{
    struct visor_words *words = &place->words;

    if (visor_words_left(words) == 0 ||
        !visor_words_same(visor_words_get(words, words->next), word))
        return false;
    words->next++;
    return true;
}

static bool valid(enum visor_quantity quantity, double value)
{
    switch (quantity) {
    case VISOR_QUANTITY_SHARE:
        return value >= 0.0 && value <= 1.0;
    case VISOR_QUANTITY_FREQUENCY:
        return value >= -0.2 && value <= 0.2;
    case VISOR_QUANTITY_COUNT:
        return value >= 0.0 && value <= 1e9 && value == (double)(int64_t)value;
    case VISOR_QUANTITY_TIME:
    case VISOR_QUANTITY_NUMBER:
        break;
    }
    return value >= -4e9 && value <= 4e9;
}

double visor_reader_take(struct visor_reader_place *place, enum visor_quantity quantity)
{
    const char *word = visor_reader_word(place);
    double value;
    size_t length = visor_number_read(word, &value);

    for (size_t i = 0; length > 0 && i < sizeof(UNITS) / sizeof(UNITS[0]); i++)
        if (UNITS[i].quantity == quantity && strcmp(word + length, UNITS[i].name) == 0 &&
            valid(quantity, value * UNITS[i].factor))
            return value * UNITS[i].factor;
    if (*word)
        visor_reader_complain(place, REASONS[quantity], word, NULL);
    return 0.0;
}

double visor_reader_take_within(struct visor_reader_place *place, enum visor_quantity quantity,
                                double low, double high)
{
    struct visor_words *words = &place->words;
    const char *word = visor_words_left(words) ? visor_words_get(words, words->next) : NULL;
    double value = visor_reader_take(place, quantity);

    if (!place->failed && value >= low && value <= high)
        return value;
    visor_reader_complain(place, N_("'%w' is out of its range"), word, NULL);
    return low;
}

static int64_t days_of(int64_t year, int64_t month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Days by the civil calendar's usual formula. */
void visor_reader_take_date(struct visor_reader_place *place, int64_t *s)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    const char *word = visor_reader_word(place);
    int64_t n[6] = {0}, field = 0, y, m;
    size_t i = 0;

    for (; word[i] && form[i]; i++) {
        if (form[i] != 'd')
            field++;
        if (form[i] == 'd' ? word[i] < '0' || word[i] > '9' : word[i] != form[i])
            break;
        if (form[i] == 'd')
            n[field] = n[field] * 10 + (word[i] - '0');
    }
    if ((i != 10 && i != 20) || word[i] || n[1] < 1 || n[1] > 12 || n[2] < 1 ||
        n[2] > days_of(n[0], n[1]) || n[3] > 23 || n[4] > 59 || n[5] > 59) {
        visor_reader_complain(place, N_("'%w' is no date such as 2036-02-07T06:00:00Z"), word,
                              NULL);
        return;
    }
    if (n[0] < FIRST_YEAR || n[0] > LAST_YEAR) {
        visor_reader_complain(place, N_("'%w' is out of its range"), word, NULL);
        return;
    }
    m = (n[1] + 9) % 12;
    y = n[0] - (n[1] <= 2);
    *s = (365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + n[2] - 1 - 719468) * 86400 +
         n[3] * 3600 + n[4] * 60 + n[5];
}

bool visor_reader_option_take(struct visor_reader_place *place,
                              const struct visor_reader_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value;

        if (!visor_reader_has(place, options[i].name))
            continue;
        value = visor_reader_take(place, options[i].quantity);
        *options[i].to = value;
        if (options[i].also)
            *options[i].also = value;
        return true;
    }
    return false;
}
