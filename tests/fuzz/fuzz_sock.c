/* Datagrams of SOCK reference clocks, segments of SHM ones, and readings of PHCs. */
#include "port/readings.h"
#include "wire/sock.h"

#include "base/assert.h"

#include <string.h>

static void check(const struct visor_sock_sample *sample)
{
    /* within visor_wall with room to spare, so that sums of days cannot overflow */
    const int64_t limit = INT64_C(9210000000000000000);

    VISOR_ASSERT(sample->system.ns < limit && sample->system.ns > -limit);
    VISOR_ASSERT(sample->reference.ns < limit && sample->reference.ns > -limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_sock_sample sample;
    struct visor_shm_segment segment = {0};
    struct visor_readings_one readings[VISOR_READINGS_MAX];
    struct visor_readings_pair pair;
    size_t count = size / sizeof(readings[0]);

    if (visor_sock_read(data, size, &sample) == VISOR_SOCK_OK)
        check(&sample);
    memcpy(&segment, data, size < sizeof(segment) ? size : sizeof(segment));
    if (visor_shm_read(&segment, &sample) == VISOR_SOCK_OK)
        check(&sample);
    count = count < VISOR_READINGS_MAX ? count : VISOR_READINGS_MAX;
    memcpy(readings, data, count * sizeof(readings[0]));
    for (size_t i = 0; i < count; i++) { /* as far as the driver lets them through */
        readings[i].before_ns %= INT64_C(9200000000000000000);
        readings[i].device_ns %= INT64_C(9200000000000000000);
        readings[i].after_ns %= INT64_C(9200000000000000000);
    }
    if (visor_readings_combine(readings, count, -1, &pair))
        VISOR_ASSERT(pair.dispersion_s >= 0 && pair.error_ns >= 0);
    return 0;
}
