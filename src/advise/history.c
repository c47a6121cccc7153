/* A line speaks for the time since the line before it. Where that is too long ago, or there is
 * none, nothing is known: time that is not shown to have been within the limit never counts as
 * within. */
#include "advise/history.h"

#include <string.h>

#define FIELDS  14 /* of chrony 4; older ones lack what is needed */
#define LONGEST 400

/* ---- one line ---- */

struct field {
    const char *text;
    size_t size;
};

static size_t split(const char *text, size_t size, struct field fields[FIELDS])
{
    size_t count = 0, at = 0;

    while (at < size && count < FIELDS) {
        size_t from;

        while (at < size && text[at] == ' ')
            at++;
        from = at;
        while (at < size && text[at] != ' ')
            at++;
        if (at > from)
            fields[count++] = (struct field){text + from, at - from};
    }
    while (at < size && text[at] == ' ')
        at++;
    return at < size ? 0 : count;
}

static bool digits(const struct field *field, size_t at, size_t count, int *value)
{
    *value = 0;
    if (at + count > field->size)
        return false;
    for (size_t i = at; i < at + count; i++) {
        if (field->text[i] < '0' || field->text[i] > '9')
            return false;
        *value = 10 * *value + (field->text[i] - '0');
    }
    return true;
}

/* Days since 1970-01-01 (Gregorian; H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_of(int year, int month, int day)
{
    int y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_time(const struct field *date, const struct field *clock, int64_t *time_s)
{
    int year, month, day, hour, minute, second;

    if (date->size != 10 || clock->size != 8 || !digits(date, 0, 4, &year) ||
        !digits(date, 5, 2, &month) || !digits(date, 8, 2, &day) || !digits(clock, 0, 2, &hour) ||
        !digits(clock, 3, 2, &minute) || !digits(clock, 6, 2, &second) || date->text[4] != '-' ||
        date->text[7] != '-' || clock->text[2] != ':' || clock->text[5] != ':')
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    *time_s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

/* "1.234e-05": what "%.3e" writes of a number that is not negative. */
static bool read_error(const struct field *field, double *value)
{
    double mantissa = 0.0, unit = 1.0;
    bool point = false, any = false, negative = false;
    int exponent = 0;
    size_t at = 0;

    for (; at < field->size && field->text[at] != 'e'; at++) {
        char c = field->text[at];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9' || at > 12)
            return false;
        any = true;
        mantissa = 10.0 * mantissa + (c - '0');
        if (point)
            unit *= 10.0;
    }
    if (!any)
        return false;
    if (at < field->size) {
        at++;
        negative = at < field->size && field->text[at] == '-';
        if (at < field->size && (negative || field->text[at] == '+'))
            at++;
        if (at >= field->size || field->size - at > 2 ||
            !digits(field, at, field->size - at, &exponent))
            return false;
    }
    *value = mantissa / unit;
    for (int i = 0; i < exponent; i++)
        *value = negative ? *value / 10.0 : *value * 10.0;
    return true;
}

static bool is_blank(const char *text, size_t size)
{
    while (size && (*text == ' ' || *text == '\t'))
        text++, size--;
    return !size;
}

static bool is_heading(const char *text, size_t size)
{
    static const char name[] = "Date (UTC)";

    for (size_t i = 0; i + sizeof(name) - 1 <= size; i++)
        if (!memcmp(text + i, name, sizeof(name) - 1))
            return true;
    return size && *text == '=';
}

enum visor_history_kind visor_history_read(const char *text, size_t size,
                                           struct visor_history_line *line)
{
    struct field fields[FIELDS];
    size_t count;

    if (size && text[size - 1] == '\r')
        size--;
    if (size > LONGEST)
        return VISOR_HISTORY_BROKEN;
    count = split(text, size, fields);
    if (is_blank(text, size) || is_heading(text, size))
        return VISOR_HISTORY_BLANK;
    if (count != FIELDS || !read_time(&fields[0], &fields[1], &line->time_s) ||
        fields[7].size != 1 || !read_error(&fields[13], &line->max_error_s))
        return VISOR_HISTORY_BROKEN;
    line->synchronized = *fields[7].text != '?';
    return VISOR_HISTORY_LINE;
}

/* ---- a period ---- */

void visor_history_begin(struct visor_history *history, int64_t from_s, int64_t to_s,
                         double limit_s, int64_t gap_s)
{
    *history = (struct visor_history){
        .from_s = from_s, .to_s = to_s, .limit_s = limit_s, .gap_s = gap_s, .reached_s = from_s};
    for (size_t i = 0; i < VISOR_HISTORY_COLUMNS; i++)
        history->columns[i] = -1.0;
}

/* Stretches of one kind that touch are one. */
static void add_excursion(struct visor_history *history, int64_t from_s, int64_t to_s,
                          double worst_s)
{
    struct visor_history_excursion *last =
        history->excursion_count ? &history->excursions[history->excursion_count - 1] : NULL;
    bool unknown = worst_s > 1e300;

    if (last && last->to_s == from_s && (last->worst_s > 1e300) == unknown) {
        last->to_s = to_s;
        last->worst_s = worst_s > last->worst_s ? worst_s : last->worst_s;
    } else if (history->excursion_count < VISOR_HISTORY_EXCURSIONS) {
        history->excursions[history->excursion_count++] =
            (struct visor_history_excursion){from_s, to_s, worst_s};
    } else {
        history->excursion_more++;
    }
}

static void paint(struct visor_history *history, int64_t from_s, int64_t to_s, double error_s)
{
    double scale = VISOR_HISTORY_COLUMNS / (double)(history->to_s - history->from_s);
    size_t first = (size_t)((double)(from_s - history->from_s) * scale);
    size_t last = (size_t)((double)(to_s - 1 - history->from_s) * scale);

    for (size_t i = first; i <= last && i < VISOR_HISTORY_COLUMNS; i++)
        if (error_s > history->columns[i])
            history->columns[i] = error_s;
}

/* Nothing is known from `reached_s` to here. */
static void skip_to(struct visor_history *history, int64_t to_s, int64_t *counter)
{
    if (to_s <= history->reached_s)
        return;
    *counter += to_s - history->reached_s;
    add_excursion(history, history->reached_s, to_s, __builtin_inf());
    history->reached_s = to_s;
}

static void cover(struct visor_history *history, int64_t to_s, double error_s)
{
    int64_t from_s = history->reached_s;

    if (error_s > history->worst_s || !history->worst_at_s) {
        history->worst_s = error_s;
        history->worst_at_s = to_s;
    }
    if (error_s <= history->limit_s) {
        history->within_s += to_s - from_s;
    } else {
        history->beyond_s += to_s - from_s;
        add_excursion(history, from_s, to_s, error_s);
    }
    paint(history, from_s, to_s, error_s);
    history->reached_s = to_s;
}

void visor_history_add(struct visor_history *history, const struct visor_history_line *line)
{
    int64_t before = history->last_s;
    int64_t to_s = line->time_s < history->to_s ? line->time_s : history->to_s;
    bool first = !history->lines;

    if (!first && line->time_s < before)
        history->backward++;
    if (!first && line->time_s <= before)
        return;
    history->lines++;
    history->last_s = line->time_s;
    if (first)
        history->first_s = line->time_s;
    if (line->time_s <= history->from_s || history->reached_s >= history->to_s)
        return;
    if (first || line->time_s - before > history->gap_s)
        skip_to(history, to_s, &history->missing_s);
    else if (!line->synchronized)
        skip_to(history, to_s, &history->unsynchronized_s);
    else if (to_s > history->reached_s)
        cover(history, to_s, line->max_error_s);
}

void visor_history_end(struct visor_history *history)
{
    skip_to(history, history->to_s, &history->missing_s);
}
