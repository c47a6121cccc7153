/* What a clock's own log says of a period: how much of it was within a limit, beyond it, or not
 * shown. Read from tracking.log as chronyd and timevisord write it, whose last column is the
 * greatest error that was possible since the line before. */
#ifndef VISOR_ADVISE_HISTORY_H
#define VISOR_ADVISE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_HISTORY_COLUMNS    400 /* of the drawing */
#define VISOR_HISTORY_EXCURSIONS 64

struct visor_history_line {
    int64_t time_s; /* UTC, since 1970 */
    bool synchronized;
    double max_error_s; /* since the line before; never negative */
};

enum visor_history_kind { VISOR_HISTORY_LINE, VISOR_HISTORY_BLANK, VISOR_HISTORY_BROKEN };

/* One line without its newline. BLANK: a heading or empty; BROKEN: anything else that is no line of
 * tracking.log. */
enum visor_history_kind visor_history_read(const char *text, size_t size,
                                           struct visor_history_line *line);

struct visor_history_excursion {
    int64_t from_s, to_s;
    double worst_s; /* infinite: not synchronized, or nothing was logged */
};

struct visor_history {
    /* in */
    int64_t from_s, to_s; /* the period, UTC; what is outside it is passed over */
    double limit_s;
    int64_t gap_s; /* lines farther apart show nothing of the time between */

    /* out: seconds of the period, together to_s - from_s after visor_history_end() */
    int64_t within_s, beyond_s, unsynchronized_s, missing_s;
    uint64_t lines, broken, backward; /* backward: a line that is older than the one before it */
    double worst_s;
    int64_t worst_at_s, first_s, last_s; /* of the lines in the period */
    struct visor_history_excursion excursions[VISOR_HISTORY_EXCURSIONS];
    size_t excursion_count;
    uint64_t excursion_more;
    double columns[VISOR_HISTORY_COLUMNS]; /* greatest error; < 0: not shown */

    int64_t reached_s; /* so far */
};

/* `to_s` > `from_s`; the other arguments as in the struct. */
void visor_history_begin(struct visor_history *history, int64_t from_s, int64_t to_s,
                         double limit_s, int64_t gap_s);
void visor_history_add(struct visor_history *history, const struct visor_history_line *line);
void visor_history_end(struct visor_history *history);

#endif
