/* PTP messages that may hold an NTP message. */
#include "wire/ptp.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_ptp_message message;

    if (visor_ptp_read(&message, data, size, 123))
        VISOR_ASSERT(message.ntp + message.size == data + size && message.size > 0 &&
                     message.correction_ns < INT64_C(1) << 48);
    return 0;
}
