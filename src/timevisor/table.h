/* Aligned tables, and colors. Widths are those of the terminal's cells, so that Chinese aligns. */
#ifndef VISOR_TIMEVISOR_TABLE_H
#define VISOR_TIMEVISOR_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define VISOR_TABLE_COLUMNS 16

enum visor_color { VISOR_PLAIN, VISOR_GOOD, VISOR_WARN, VISOR_BAD, VISOR_DIM, VISOR_BOLD };

struct visor_table;

/* `alignment`: a letter a column, 'l' or 'r'; at most VISOR_TABLE_COLUMNS. NULL without memory. */
struct visor_table *visor_table_new(const char *alignment);
void visor_table_free(struct visor_table *table);

/* Least width of a column, so that several tables align. */
void visor_table_widen(struct visor_table *table, int column, int cells);

/* The last column goes on in further lines of its own where it is longer than `cells` in all allow;
 * 0, at first: it may be as long as it likes. */
void visor_table_fold(struct visor_table *table, int cells);

/* The next cell, row by row; copied. The first row is the heading's. Lost without memory. */
void visor_table_add(struct visor_table *table, enum visor_color color, const char *text);

/* Two spaces between columns; columns that are empty but for their heading, and empty rows, are
 * left out. */
void visor_table_print(const struct visor_table *table, FILE *out, bool colored);

/* Cells that UTF-8 text takes; bytes that are no text count one each. */
int visor_table_width(const char *text);

/* Escape sequence that starts a color, or "" where `colored` is false; VISOR_PLAIN ends one. */
const char *visor_table_color(enum visor_color color, bool colored);

/* Is this a terminal that wants color (NO_COLOR, TERM)? */
bool visor_table_wants_color(FILE *out);

#endif
