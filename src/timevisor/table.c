/* Cells are kept as they come and measured when printed. */
#include "timevisor/table.h"

#include "timevisor/screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define FOLD_LEAST 16 /* cells: in less, a text is no easier to read */

struct cell {
    enum visor_color color;
    char *text; /* owned */
};

struct visor_table {
    int columns;
    char alignment[VISOR_TABLE_COLUMNS];
    int least[VISOR_TABLE_COLUMNS];
    int folded; /* cells; 0: not */
    struct cell *cells;
    size_t count, size;
};

struct visor_table *visor_table_new(const char *alignment)
{
    struct visor_table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    while (alignment[table->columns] && table->columns < VISOR_TABLE_COLUMNS) {
        table->alignment[table->columns] = alignment[table->columns];
        table->columns++;
    }
    return table;
}

void visor_table_free(struct visor_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void visor_table_widen(struct visor_table *table, int column, int cells)
{
    table->least[column] = cells;
}

void visor_table_fold(struct visor_table *table, int cells)
{
    table->folded = cells;
}

void visor_table_add(struct visor_table *table, enum visor_color color, const char *text)
{
    char *copy = strdup(text);

    if (table->count == table->size) {
        size_t size = table->size ? 2 * table->size : 64;
        struct cell *cells = reallocarray(table->cells, size, sizeof(*cells));

        if (!cells) {
            free(copy);
            return;
        }
        table->cells = cells;
        table->size = size;
    }
    if (copy)
        table->cells[table->count++] = (struct cell){.color = color, .text = copy};
}

int visor_table_width(const char *text)
{
    mbstate_t state = {0};
    int width = 0;

    while (*text) {
        wchar_t wide;
        size_t length = mbrtowc(&wide, text, strlen(text), &state);
        int cells;

        if (length == (size_t)-1 || length == (size_t)-2) {
            memset(&state, 0, sizeof(state));
            text++;
            width++;
            continue;
        }
        cells = wcwidth(wide);
        width += cells > 0 ? cells : 0;
        text += length;
    }
    return width;
}

const char *visor_table_color(enum visor_color color, bool colored)
{
    if (!colored)
        return "";
    switch (color) {
    case VISOR_GOOD:
        return "\033[32m";
    case VISOR_WARN:
        return "\033[33m";
    case VISOR_BAD:
        return "\033[31m";
    case VISOR_DIM:
        return "\033[2m";
    case VISOR_BOLD:
        return "\033[1m";
    default:
        return "\033[0m";
    }
}

bool visor_table_wants_color(FILE *out)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return !(none && *none) && terminal && strcmp(terminal, "dumb") != 0 && isatty(fileno(out));
}

/* Width of a column; 0 if nothing is below its heading. */
static int column_width(const struct visor_table *table, int column)
{
    int width = 0;
    bool used = false;

    for (size_t i = (size_t)column; i < table->count; i += (size_t)table->columns) {
        int cell = visor_table_width(table->cells[i].text);

        used = used || (cell && i >= (size_t)table->columns);
        width = cell > width ? cell : width;
    }
    if (!used)
        return 0;
    return width > table->least[column] ? width : table->least[column];
}

static bool row_is_empty(const struct visor_table *table, size_t first)
{
    for (size_t i = first; i < table->count && i < first + (size_t)table->columns; i++)
        if (*table->cells[i].text)
            return false;
    return true;
}

/* The last cell of a row, which has taken `used` cells already. */
static void print_last(const struct visor_table *table, const char *text, int used, FILE *out)
{
    int room = table->folded - used;

    for (;;) {
        size_t length = room >= FOLD_LEAST ? visor_screen_fold(text, room) : strlen(text);

        fprintf(out, "%.*s", (int)length, text);
        text += length;
        text += strspn(text, " ");
        if (!*text)
            return;
        fprintf(out, "\n%*s", used, "");
    }
}

static void print_row(const struct visor_table *table, const struct cell *cells,
                      const int widths[VISOR_TABLE_COLUMNS], FILE *out, bool colored)
{
    int used = 0, last = 0;

    for (int column = 0; column < table->columns; column++)
        last = widths[column] ? column : last;
    for (int column = 0; column <= last; column++) {
        const struct cell *cell = &cells[column];
        int pad = widths[column] - visor_table_width(cell->text);
        bool right = table->alignment[column] == 'r';
        bool dyed = colored && cell->color != VISOR_PLAIN && *cell->text;

        if (!widths[column])
            continue;
        fprintf(out, "%*s%s", right ? pad : 0, "", visor_table_color(cell->color, dyed));
        if (column == last)
            print_last(table, cell->text, used, out);
        else
            fputs(cell->text, out);
        fprintf(out, "%s%*s", visor_table_color(VISOR_PLAIN, dyed),
                column == last ? 0
                : right        ? 2
                               : pad + 2,
                "");
        used += widths[column] + 2;
    }
    fputc('\n', out);
}

void visor_table_print(const struct visor_table *table, FILE *out, bool colored)
{
    int widths[VISOR_TABLE_COLUMNS] = {0};
    size_t columns = (size_t)table->columns;

    for (int column = 0; column < table->columns; column++)
        widths[column] = column_width(table, column);
    for (size_t i = 0; i + columns <= table->count; i += columns)
        if (!row_is_empty(table, i))
            print_row(table, &table->cells[i], widths, out, colored);
}
