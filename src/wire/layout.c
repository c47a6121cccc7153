/* The encodings are facts of chrony's util.c; the rest is one switch a direction. Left to others:
 * which messages there are, and headers (cmdmon.c). */
#include "wire/layout.h"

#include "base/math.h"
#include "wire/cmdmon.h"

#include <string.h>

#define NO_HIGH_SECONDS  0x7fffffff /* from systems whose time_t has 32 bits */

#define COEFFICIENT_BITS 25
#define COEFFICIENT_MAX  ((1 << (COEFFICIENT_BITS - 1)) - 1)
#define EXPONENT_MIN     (-64)
#define EXPONENT_MAX     63

uint32_t visor_layout_float_write(double value)
{
    double size = value < 0.0 ? -value : value;
    double limit = value < 0.0 ? COEFFICIENT_MAX + 1.0 : COEFFICIENT_MAX;
    int exponent = COEFFICIENT_BITS, coefficient;

    if (!(size > 0.0))
        return 0;
    if (size > 1e30)
        size = 1e30; /* far over the largest: saturates below */
    while (2.0 * size <= limit && exponent > EXPONENT_MIN) {
        size *= 2.0;
        exponent--;
    }
    while (size + 0.5 >= limit + 1.0) {
        size *= 0.5;
        exponent++;
    }
    if (exponent > EXPONENT_MAX) {
        exponent = EXPONENT_MAX;
        size = limit;
    }
    coefficient = (int)(size + 0.5);
    if (coefficient == 0)
        return 0;
    if (value < 0.0)
        coefficient = -coefficient;
    return (uint32_t)exponent << COEFFICIENT_BITS |
           ((uint32_t)coefficient & ((1U << COEFFICIENT_BITS) - 1));
}

double visor_layout_float_read(uint32_t bits)
{
    int exponent = (int)(bits >> COEFFICIENT_BITS);
    int coefficient = (int)(bits & ((1U << COEFFICIENT_BITS) - 1));

    if (exponent > EXPONENT_MAX)
        exponent -= 128;
    if (coefficient > COEFFICIENT_MAX)
        coefficient -= 1 << COEFFICIENT_BITS;
    return coefficient * visor_math_exp2i(exponent - COEFFICIENT_BITS);
}

static visor_wall read_time(struct visor_reader *r)
{
    uint32_t high = visor_read_u32(r), low = visor_read_u32(r), ns = visor_read_u32(r);
    int64_t seconds = (int64_t)((uint64_t)(high == NO_HIGH_SECONDS ? 0 : high) << 32 | low);
    int64_t limit = INT64_MAX / VISOR_NS_PER_S - 1;

    if (seconds > limit)
        seconds = limit;
    if (seconds < -limit)
        seconds = -limit;
    return (visor_wall){seconds * VISOR_NS_PER_S +
                        (ns < VISOR_NS_PER_S ? (int64_t)ns : VISOR_NS_PER_S - 1)};
}

static void write_time(struct visor_writer *w, visor_wall time)
{
    int64_t seconds = time.ns / VISOR_NS_PER_S, ns = time.ns % VISOR_NS_PER_S;

    if (ns < 0) {
        seconds--;
        ns += VISOR_NS_PER_S;
    }
    visor_write_u64(w, (uint64_t)seconds);
    visor_write_u32(w, (uint32_t)ns);
}

enum { ADDRESS_NONE = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2, ADDRESS_ID = 3 };

static void read_address(struct visor_reader *r, struct visor_cmdmon_address *a)
{
    uint8_t bytes[16];
    uint16_t family;

    memset(a, 0, sizeof *a);
    visor_read_bytes(r, bytes, sizeof bytes);
    family = visor_read_u16(r);
    visor_read_u16(r);
    if (family == ADDRESS_IPV4) {
        a->address.family = VISOR_FAMILY_IPV4;
        memcpy(a->address.bytes, bytes, 4);
    } else if (family == ADDRESS_IPV6) {
        a->address.family = VISOR_FAMILY_IPV6;
        memcpy(a->address.bytes, bytes, 16);
    } else if (family == ADDRESS_ID) {
        a->id = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                bytes[3];
    }
}

static void write_address(struct visor_writer *w, const struct visor_cmdmon_address *a)
{
    uint8_t bytes[16] = {0};
    uint16_t family = ADDRESS_NONE;

    if (a->address.family == VISOR_FAMILY_IPV4) {
        family = ADDRESS_IPV4;
        memcpy(bytes, a->address.bytes, 4);
    } else if (a->address.family == VISOR_FAMILY_IPV6) {
        family = ADDRESS_IPV6;
        memcpy(bytes, a->address.bytes, 16);
    } else if (a->id != 0) {
        struct visor_writer id = visor_writer_over(bytes, 4);

        family = ADDRESS_ID;
        visor_write_u32(&id, a->id);
    }
    visor_write_bytes(w, bytes, sizeof bytes);
    visor_write_u16(w, family);
    visor_write_u16(w, 0);
}

static void write_pad(struct visor_writer *w, uint8_t byte, size_t count)
{
    while (count-- > 0)
        visor_write_u8(w, byte);
}

size_t visor_layout_size(const struct visor_layout_field *field)
{
    static const uint8_t sizes[] = {
        [VISOR_LAYOUT_U8] = 1,    [VISOR_LAYOUT_U16] = 2,     [VISOR_LAYOUT_U32] = 4,
        [VISOR_LAYOUT_U64] = 8,   [VISOR_LAYOUT_FLOAT] = 4,   [VISOR_LAYOUT_U64_AS_U32] = 4,
        [VISOR_LAYOUT_TIME] = 12, [VISOR_LAYOUT_ADDRESS] = 20};
    size_t size = 0;

    for (; field->kind != VISOR_LAYOUT_END; field++) {
        if (field->kind == VISOR_LAYOUT_GROUP)
            size += field->count * visor_layout_size(field->group);
        else if (field->kind == VISOR_LAYOUT_NAME)
            size += VISOR_CMDMON_NAME_MAX;
        else if (field->kind == VISOR_LAYOUT_ZERO_PAD || field->kind == VISOR_LAYOUT_ONES_PAD)
            size += field->count;
        else
            size += sizes[field->kind];
    }
    return size;
}

static void read_field(struct visor_reader *r, const struct visor_layout_field *field, uint8_t *to)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    double number;
    visor_wall time;

    switch (field->kind) {
    case VISOR_LAYOUT_U8:
        u8 = visor_read_u8(r);
        memcpy(to, &u8, sizeof u8);
        break;
    case VISOR_LAYOUT_U16:
        u16 = visor_read_u16(r);
        memcpy(to, &u16, sizeof u16);
        break;
    case VISOR_LAYOUT_U32:
        u32 = visor_read_u32(r);
        memcpy(to, &u32, sizeof u32);
        break;
    case VISOR_LAYOUT_U64:
    case VISOR_LAYOUT_U64_AS_U32:
        u64 = field->kind == VISOR_LAYOUT_U64 ? visor_read_u64(r) : visor_read_u32(r);
        memcpy(to, &u64, sizeof u64);
        break;
    case VISOR_LAYOUT_FLOAT:
        number = visor_layout_float_read(visor_read_u32(r));
        memcpy(to, &number, sizeof number);
        break;
    case VISOR_LAYOUT_TIME:
        time = read_time(r);
        memcpy(to, &time, sizeof time);
        break;
    case VISOR_LAYOUT_ADDRESS:
        read_address(r, (struct visor_cmdmon_address *)(void *)to);
        break;
    case VISOR_LAYOUT_NAME:
        visor_read_bytes(r, to, VISOR_CMDMON_NAME_MAX);
        break;
    default:
        for (size_t i = 0; i < field->count; i++)
            visor_read_u8(r);
    }
}

void visor_layout_read(struct visor_reader *r, const struct visor_layout_field *field, void *base)
{
    uint8_t *bytes = base;

    for (; field->kind != VISOR_LAYOUT_END; field++) {
        if (field->kind != VISOR_LAYOUT_GROUP) {
            read_field(r, field, bytes + field->offset);
            continue;
        }
        for (size_t i = 0; i < field->count; i++)
            visor_layout_read(r, field->group, bytes + field->offset + i * field->stride);
    }
}

static void write_field(struct visor_writer *w, const struct visor_layout_field *field,
                        const uint8_t *from)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    double number;
    visor_wall time;

    switch (field->kind) {
    case VISOR_LAYOUT_U8:
        visor_write_u8(w, *from);
        break;
    case VISOR_LAYOUT_U16:
        memcpy(&u16, from, sizeof u16);
        visor_write_u16(w, u16);
        break;
    case VISOR_LAYOUT_U32:
        memcpy(&u32, from, sizeof u32);
        visor_write_u32(w, u32);
        break;
    case VISOR_LAYOUT_U64:
    case VISOR_LAYOUT_U64_AS_U32:
        memcpy(&u64, from, sizeof u64);
        if (field->kind == VISOR_LAYOUT_U64)
            visor_write_u64(w, u64);
        else
            visor_write_u32(w, (uint32_t)u64);
        break;
    case VISOR_LAYOUT_FLOAT:
        memcpy(&number, from, sizeof number);
        visor_write_u32(w, visor_layout_float_write(number));
        break;
    case VISOR_LAYOUT_TIME:
        memcpy(&time, from, sizeof time);
        write_time(w, time);
        break;
    case VISOR_LAYOUT_ADDRESS:
        write_address(w, (const struct visor_cmdmon_address *)(const void *)from);
        break;
    case VISOR_LAYOUT_NAME:
        visor_write_bytes(w, from, VISOR_CMDMON_NAME_MAX);
        break;
    default:
        write_pad(w, field->kind == VISOR_LAYOUT_ONES_PAD ? 0xff : 0, field->count);
    }
}

void visor_layout_write(struct visor_writer *w, const struct visor_layout_field *field,
                        const void *base)
{
    const uint8_t *bytes = base;

    for (; field->kind != VISOR_LAYOUT_END; field++) {
        if (field->kind != VISOR_LAYOUT_GROUP) {
            write_field(w, field, bytes + field->offset);
            continue;
        }
        for (size_t i = 0; i < field->count; i++)
            visor_layout_write(w, field->group, bytes + field->offset + i * field->stride);
    }
}
