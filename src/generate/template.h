/* A template: text with {{name}} where a value goes, and parts that are there for each value of a
 * name, {{#name}} … {{/name}}, in which {{.}} is that value, or where it has none, {{^name}} …
 * {{/name}}. A tag of a part that stands alone on a line takes the line with it. */
#ifndef VISOR_GENERATE_TEMPLATE_H
#define VISOR_GENERATE_TEMPLATE_H

#include "config/text.h"

#include <stdbool.h>

#define VISOR_TEMPLATE_DEPTH 4

/* Values belong to the caller. A flag is a name with one value. */
struct visor_value {
    const char *name;
    const char *const *values;
    size_t count;
};

/* False: the template is wrong (a name that is not there, a part that does not end). */
bool visor_template_expand(const char *text, const struct visor_value *values, size_t count,
                           struct visor_text *out);

#endif
