/* Reads the samples of SOCK and SHM reference clocks. Receiving, the handshake over the shared
 * memory and the conversion of the stamp are port/refclock_sock.c's and refclock_shm.c's. */
#include "wire/sock.h"

#include <string.h>

_Static_assert(sizeof(struct visor_shm_segment) == 96, "layout of the segment on 64-bit systems");

#define SECONDS_MAX INT64_C(9200000000) /* of visor_wall: until 2261 */
#define US_PER_S    1000000

static bool wall_from(int64_t seconds, int64_t ns, visor_wall *wall)
{
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX || ns < 0 || ns >= VISOR_NS_PER_S)
        return false;
    wall->ns = seconds * VISOR_NS_PER_S + ns;
    return true;
}

static bool add_seconds(visor_wall base, double seconds, visor_wall *sum)
{
    double limit = (double)SECONDS_MAX, whole = visor_seconds_from_ns(base.ns) + seconds;

    if (!(whole > -limit && whole < limit) || !(seconds > -limit && seconds < limit))
        return false;
    *sum = visor_wall_add(base, visor_ns_from_seconds(seconds));
    return true;
}

static int read_int(const uint8_t *from)
{
    int32_t value;

    memcpy(&value, from, sizeof(value));
    return value;
}

static int64_t read_long(const uint8_t *from)
{
    int64_t value;

    memcpy(&value, from, sizeof(value));
    return value;
}

enum visor_sock_verdict visor_sock_read(const void *data, size_t size,
                                        struct visor_sock_sample *sample)
{
    const uint8_t *bytes = data;
    size_t head = size == VISOR_SOCK_SIZE_64 ? 16 : 8;
    int64_t seconds, us;
    double offset;
    visor_wall system, reference;

    if (size != VISOR_SOCK_SIZE_64 && size != VISOR_SOCK_SIZE_32)
        return VISOR_SOCK_BAD_SIZE;
    if (read_int(bytes + head + 20) != VISOR_SOCK_MAGIC)
        return VISOR_SOCK_BAD_MAGIC;
    seconds = head == 16 ? read_long(bytes) : read_int(bytes);
    us = head == 16 ? read_long(bytes + 8) : read_int(bytes + 4);
    memcpy(&offset, bytes + head, sizeof(offset));
    if (us < 0 || us >= US_PER_S || !wall_from(seconds, us * 1000, &system) ||
        !add_seconds(system, offset, &reference))
        return VISOR_SOCK_BAD_TIME;
    *sample = (struct visor_sock_sample){
        .system = system,
        .reference = reference,
        .pulse = read_int(bytes + head + 8) != 0,
        .leap = read_int(bytes + head + 12),
    };
    return VISOR_SOCK_OK;
}

enum visor_sock_verdict visor_shm_read(const struct visor_shm_segment *segment,
                                       struct visor_sock_sample *sample)
{
    bool fine = segment->clock_ns / 1000 == segment->clock_us &&
                segment->receive_ns / 1000 == segment->receive_us;
    visor_wall system, reference;

    if (!segment->valid)
        return VISOR_SOCK_EMPTY;
    if (segment->mode != 0 && segment->mode != 1)
        return VISOR_SOCK_BAD_MODE;
    if (!wall_from(segment->receive_s,
                   fine ? segment->receive_ns : (int64_t)segment->receive_us * 1000, &system) ||
        !wall_from(segment->clock_s, fine ? segment->clock_ns : (int64_t)segment->clock_us * 1000,
                   &reference))
        return VISOR_SOCK_BAD_TIME;
    *sample =
        (struct visor_sock_sample){.system = system, .reference = reference, .leap = segment->leap};
    return VISOR_SOCK_OK;
}
