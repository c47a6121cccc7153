/* Fields of a JSON object by path ("tracking.bound_ns"); what is missing or null is told apart from
 * what is there. */
#ifndef VISOR_TIMEVISOR_FIELD_H
#define VISOR_TIMEVISOR_FIELD_H

#include <jansson.h>
#include <stdbool.h>

/* NULL: not there, or null. Borrowed. */
const json_t *visor_field(const json_t *object, const char *path);

/* Infinity, "", false, empty where it is not there or of another kind. */
double visor_field_number(const json_t *object, const char *path);
const char *visor_field_text(const json_t *object, const char *path);
bool visor_field_true(const json_t *object, const char *path);

#endif
