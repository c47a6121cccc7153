/* Cells are kept as they come and measured when printed. */
#include "timevisor/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

struct cell {
    enum visor_color color;
    char *text; /* owned */
};

struct visor_table {
    int columns;
    char alignment[VISOR_TABLE_COLUMNS];
    int least[VISOR_TABLE_COLUMNS];
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

void visor_table_print(const struct visor_table *table, FILE *out, bool colored)
{
    int widths[VISOR_TABLE_COLUMNS] = {0}, last = 0;

    for (int column = 0; column < table->columns; column++) {
        widths[column] = column_width(table, column);
        if (widths[column])
            last = column;
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct cell *cell = &table->cells[i];
        int column = (int)(i % (size_t)table->columns);
        int pad = widths[column] - visor_table_width(cell->text);
        bool right = table->alignment[column] == 'r';
        bool dyed = colored && cell->color != VISOR_PLAIN && *cell->text;

        if (!column && row_is_empty(table, i)) {
            i += (size_t)table->columns - 1;
            continue;
        }
        if (widths[column])
            fprintf(out, "%*s%s%s%s%*s", right ? pad : 0, "", visor_table_color(cell->color, dyed),
                    cell->text, visor_table_color(VISOR_PLAIN, dyed),
                    right || column == last ? 0 : pad, "");
        if (widths[column] && column != last)
            fputs("  ", out);
        if (column == table->columns - 1)
            fputc('\n', out);
    }
}
