/* A configuration back to text, so that parsing the text gives the same configuration. */
#ifndef VISOR_CONFIG_PRINT_H
#define VISOR_CONFIG_PRINT_H

#include "config/config.h"

#include <stddef.h>

enum visor_config_form {
    VISOR_CONFIG_FORM_FILE,  /* for people: what other files hold stays there */
    VISOR_CONFIG_FORM_WHOLE, /* for recordings: everything that was read, no other file needed */
};

/* A line a directive, only what is not at its default. Returns the characters wanted without the
 * zero byte; `text` is cut to `size` if that is not enough (size 0: only count). */
size_t visor_config_print(const struct visor_config *config, enum visor_config_form form,
                          char *text, size_t size);

/* The same of one source, "server HOST OPTION…" without line end. */
size_t visor_source_print(const struct visor_source_config *source, char *text, size_t size);

#endif
