/* Small texts of /proc and /sys: /proc/stat's first line, an RTC's since_epoch. */
#include "port/rtcpoll.h"
#include "port/steal.h"

#include "base/assert.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    int64_t value = -1;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (visor_steal_parse(text, 100, &value))
        VISOR_ASSERT(value >= 0 && strncmp(text, "cpu ", 4) == 0);
    if (visor_rtcpoll_parse(text, &value))
        VISOR_ASSERT(value > 0);
    return 0;
}
