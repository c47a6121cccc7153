/* Messages as tables of fields, in the encodings of chronyc's protocol: a table reads, writes and
 * measures a message, and the offsets in it are those of the structure that the message becomes.
 * Used by wire/cmdmon.c only. */
#ifndef VISOR_WIRE_LAYOUT_H
#define VISOR_WIRE_LAYOUT_H

#include "base/bytes.h"

enum visor_layout_kind {
    VISOR_LAYOUT_END,
    VISOR_LAYOUT_U8,
    VISOR_LAYOUT_U16,
    VISOR_LAYOUT_U32,
    VISOR_LAYOUT_U64,
    VISOR_LAYOUT_U64_AS_U32, /* uint64_t that is sent in 32 bits */
    VISOR_LAYOUT_FLOAT,      /* double as chrony's 32-bit float */
    VISOR_LAYOUT_TIME,       /* visor_wall */
    VISOR_LAYOUT_ADDRESS,    /* struct visor_cmdmon_address */
    VISOR_LAYOUT_NAME,       /* VISOR_CMDMON_NAME_MAX bytes */
    VISOR_LAYOUT_ZERO_PAD,   /* `count` bytes that mean nothing */
    VISOR_LAYOUT_ONES_PAD,
    VISOR_LAYOUT_GROUP, /* `count` times `group`, `stride` apart */
};

struct visor_layout_field {
    uint8_t kind;
    uint16_t offset, count, stride;
    const struct visor_layout_field *group;
};

/* The tables end with VISOR_LAYOUT_END. */
size_t visor_layout_size(const struct visor_layout_field *field);
void visor_layout_read(struct visor_reader *r, const struct visor_layout_field *field, void *base);
void visor_layout_write(struct visor_writer *w, const struct visor_layout_field *field,
                        const void *base);

/* chrony's float: 7 bits of exponent, 25 of coefficient, both signed. Writing rounds to nearest,
 * saturates, and takes NaN for zero. */
uint32_t visor_layout_float_write(double value);
double visor_layout_float_read(uint32_t bits);

#endif
