/* Walks a path of members. */
#include "timevisor/field.h"

#include <math.h>
#include <string.h>

const json_t *visor_field(const json_t *object, const char *path)
{
    while (object && *path) {
        char name[64];
        size_t length = strcspn(path, ".");

        if (length >= sizeof(name))
            return NULL;
        memcpy(name, path, length);
        name[length] = 0;
        object = json_object_get(object, name);
        path += length + (path[length] == '.');
    }
    return json_is_null(object) ? NULL : object;
}

double visor_field_number(const json_t *object, const char *path)
{
    const json_t *field = visor_field(object, path);

    return json_is_number(field) ? json_number_value(field) : (double)INFINITY;
}

const char *visor_field_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(visor_field(object, path));

    return text ? text : "";
}

bool visor_field_true(const json_t *object, const char *path)
{
    return json_is_true(visor_field(object, path));
}
