/* chronyc's protocol: any bytes as a request and as a reply. What was read is written again and
 * must read the same; and a request gets no answer longer than itself. */
#include "wire/cmdmon.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        __builtin_trap();
}

static void check_request(const uint8_t *data, size_t size)
{
    struct visor_cmdmon_request request, again;
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX], twice[VISOR_CMDMON_MESSAGE_MAX];
    struct visor_cmdmon_reply reply = {.command = 0};
    size_t length, second;

    if (visor_cmdmon_read_request(data, size, &request) != VISOR_CMDMON_ACCEPTED)
        return;
    reply.form = (uint16_t)visor_cmdmon_form_for(&request);
    length = visor_cmdmon_write_reply(&reply, bytes, size);
    check(length > 0 && length <= size);
    length = visor_cmdmon_write_request(&request, reply.form, bytes, sizeof bytes);
    check(length > 0 && length <= size);
    check(visor_cmdmon_read_request(bytes, length, &again) == VISOR_CMDMON_ACCEPTED);
    second = visor_cmdmon_write_request(&again, reply.form, twice, sizeof twice);
    check(second == length && memcmp(bytes, twice, length) == 0);
}

static void check_reply(const uint8_t *data, size_t size)
{
    struct visor_cmdmon_reply reply, again;
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX], twice[VISOR_CMDMON_MESSAGE_MAX];
    size_t length, second;

    if (!visor_cmdmon_read_reply(data, size, &reply))
        return;
    length = visor_cmdmon_write_reply(&reply, bytes, sizeof bytes);
    check(length > 0 && length <= size);
    check(visor_cmdmon_read_reply(bytes, length, &again));
    second = visor_cmdmon_write_reply(&again, twice, sizeof twice);
    check(second == length && memcmp(bytes, twice, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_request(data, size);
    check_reply(data, size);
    return 0;
}
