/* Commands of units' Exec lines, also those behind a shell or a wrapper. */
#ifndef VISOR_ADVISE_COMMAND_H
#define VISOR_ADVISE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define VISOR_COMMAND_NAME 64

struct visor_command {
    char program[VISOR_COMMAND_NAME]; /* without folders */
    const char *at, *end;             /* its arguments; what follows is looked at next */
};

void visor_command_begin(struct visor_command *command, const char *line);
/* The next program in the line; false: no more. */
bool visor_command_next(struct visor_command *command);
/* Has it the option of this letter (also among others: -gq), or a word that begins so (NULL: none)?
 */
bool visor_command_option(const struct visor_command *command, char letter, const char *word);

#endif
