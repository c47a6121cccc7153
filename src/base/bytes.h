/* Bounded big-endian reader and writer. Past the end a read gives zero and a write is dropped,
 * and both mark the cursor `failed`: parse everything first, check once at the end. */
#ifndef VISOR_BASE_BYTES_H
#define VISOR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visor_reader {
    const uint8_t *data;
    size_t size, at;
    bool failed;
};

struct visor_writer {
    uint8_t *data;
    size_t size, at;
    bool failed;
};

static inline struct visor_reader visor_reader_over(const void *data, size_t size)
{
    return (struct visor_reader){.data = data, .size = size};
}

static inline struct visor_writer visor_writer_over(void *data, size_t size)
{
    return (struct visor_writer){.data = data, .size = size};
}

uint8_t visor_read_u8(struct visor_reader *r);
uint16_t visor_read_u16(struct visor_reader *r);
uint32_t visor_read_u32(struct visor_reader *r);
uint64_t visor_read_u64(struct visor_reader *r);
double visor_read_double(struct visor_reader *r);                     /* IEEE bits, big-endian */
void visor_read_bytes(struct visor_reader *r, void *to, size_t size); /* zero-fills on failure */

void visor_write_u8(struct visor_writer *w, uint8_t value);
void visor_write_u16(struct visor_writer *w, uint16_t value);
void visor_write_u32(struct visor_writer *w, uint32_t value);
void visor_write_u64(struct visor_writer *w, uint64_t value);
void visor_write_double(struct visor_writer *w, double value);
void visor_write_bytes(struct visor_writer *w, const void *from, size_t size);

#endif
