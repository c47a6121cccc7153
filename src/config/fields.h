/* Numbers one after another in a text that need not end with a zero byte, for state files. */
#ifndef VISOR_CONFIG_FIELDS_H
#define VISOR_CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_FIELD_MAX 64 /* longest field */

struct visor_fields {
    const char *text;
    size_t size, at;
    bool failed; /* sticky: a field was missing, too long or no number */
};

static inline struct visor_fields visor_fields_over(const char *text, size_t size)
{
    return (struct visor_fields){text, size, 0, false};
}

/* The next field (white space between, also line ends) as a finite number; 0 on failure. */
double visor_fields_real(struct visor_fields *fields);
int64_t visor_fields_whole(struct visor_fields *fields);
uint32_t visor_fields_octal(struct visor_fields *fields);

/* Copies the next field; "" on failure. */
void visor_fields_text(struct visor_fields *fields, char *text, size_t size);

/* Goes behind the end of this line; false: there is none more. */
bool visor_fields_next_line(struct visor_fields *fields);

#endif
