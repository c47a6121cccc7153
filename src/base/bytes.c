/* Bounded big-endian access; failure is sticky. */
#include "base/bytes.h"

#include <string.h>

static const uint8_t *take(struct visor_reader *r, size_t size)
{
    const uint8_t *at;

    if (r->failed || size > r->size - r->at) {
        r->failed = true;
        return NULL;
    }
    at = r->data + r->at;
    r->at += size;
    return at;
}

static uint64_t read_uint(struct visor_reader *r, size_t size)
{
    const uint8_t *at = take(r, size);
    uint64_t value = 0;

    for (size_t i = 0; at && i < size; i++)
        value = value << 8 | at[i];
    return value;
}

uint8_t visor_read_u8(struct visor_reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

uint16_t visor_read_u16(struct visor_reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

uint32_t visor_read_u32(struct visor_reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

uint64_t visor_read_u64(struct visor_reader *r)
{
    return read_uint(r, 8);
}

double visor_read_double(struct visor_reader *r)
{
    uint64_t bits = visor_read_u64(r);
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

void visor_read_bytes(struct visor_reader *r, void *to, size_t size)
{
    const uint8_t *at = take(r, size);

    if (at)
        memcpy(to, at, size);
    else
        memset(to, 0, size);
}

static void write_uint(struct visor_writer *w, uint64_t value, size_t size)
{
    if (w->failed || size > w->size - w->at) {
        w->failed = true;
        return;
    }
    for (size_t i = 0; i < size; i++)
        w->data[w->at + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    w->at += size;
}

void visor_write_u8(struct visor_writer *w, uint8_t value)
{
    write_uint(w, value, 1);
}

void visor_write_u16(struct visor_writer *w, uint16_t value)
{
    write_uint(w, value, 2);
}

void visor_write_u32(struct visor_writer *w, uint32_t value)
{
    write_uint(w, value, 4);
}

void visor_write_u64(struct visor_writer *w, uint64_t value)
{
    write_uint(w, value, 8);
}

void visor_write_double(struct visor_writer *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    visor_write_u64(w, bits);
}

void visor_write_bytes(struct visor_writer *w, const void *from, size_t size)
{
    if (w->failed || size > w->size - w->at) {
        w->failed = true;
        return;
    }
    memcpy(w->data + w->at, from, size);
    w->at += size;
}
