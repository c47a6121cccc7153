/* Reads fields; whatever is wrong fails once and for all, to be checked at the end. */
#include "config/fields.h"
#include "config/number.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void visor_fields_text(struct visor_fields *fields, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    while (fields->at < fields->size && is_space(fields->text[fields->at]))
        fields->at++;
    while (fields->at + length < fields->size && !is_space(fields->text[fields->at + length]))
        length++;
    if (length == 0 || length >= size || memchr(fields->text + fields->at, 0, length)) {
        fields->failed = true;
        return;
    }
    memcpy(text, fields->text + fields->at, length);
    text[length] = '\0';
    fields->at += length;
}

double visor_fields_real(struct visor_fields *fields)
{
    char text[VISOR_FIELD_MAX];
    double value = 0.0;
    size_t taken;

    visor_fields_text(fields, text, sizeof(text));
    taken = visor_number_read(text, &value);
    if (!fields->failed && taken && !text[taken] && value - value == 0.0)
        return value;
    fields->failed = true;
    return 0.0;
}

int64_t visor_fields_whole(struct visor_fields *fields)
{
    char text[VISOR_FIELD_MAX];
    int64_t value = 0;
    size_t taken;

    visor_fields_text(fields, text, sizeof(text));
    taken = visor_number_read_whole(text, &value);
    if (!fields->failed && taken && !text[taken])
        return value;
    fields->failed = true;
    return 0;
}

uint32_t visor_fields_octal(struct visor_fields *fields)
{
    char text[VISOR_FIELD_MAX];
    uint32_t value = 0;

    visor_fields_text(fields, text, 12);
    for (const char *at = text; *at; at++) {
        fields->failed |= *at < '0' || *at > '7' || value >> 29 != 0;
        value = value << 3 | (uint32_t)(*at & 7);
    }
    return fields->failed ? 0 : value;
}

bool visor_fields_next_line(struct visor_fields *fields)
{
    while (fields->at < fields->size && fields->text[fields->at] != '\n')
        fields->at++;
    if (fields->at < fields->size)
        fields->at++;
    return fields->at < fields->size;
}
