/* The engine's messages as text: chronyd's wording, untranslated, where log watchers look for it;
 * ours through gettext. */
#ifndef VISOR_TIMEVISORD_MESSAGES_H
#define VISOR_TIMEVISORD_MESSAGES_H

#include "engine/message.h"

#include <stddef.h>

#define VISOR_MESSAGES_TEXT_MAX 512

/* One line without newline, cut to `size`, always terminated. "" if there is nothing to say (kinds
 * that chronyd keeps silent about). Control characters in names are replaced. Returns `text`. */
char *visor_messages_print(const struct visor_message *message, char *text, size_t size);

#endif
