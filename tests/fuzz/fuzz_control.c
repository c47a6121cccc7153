/* Control requests and replies: what is taken and written again is the same. */
#include "base/assert.h"
#include "wire/control.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_control_request request, again;
    struct visor_control_reply reply;
    uint8_t frame[VISOR_CONTROL_REQUEST_MAX];
    size_t used, written;

    if (visor_control_read_request(data, size, &request, &used) == VISOR_CONTROL_COMPLETE) {
        VISOR_ASSERT(used <= size);
        written = visor_control_write_request(&request, frame);
        VISOR_ASSERT(visor_control_read_request(frame, written, &again, &used) ==
                     VISOR_CONTROL_COMPLETE);
        VISOR_ASSERT(again.verb == request.verb && !strcmp(again.argument, request.argument));
    }
    if (visor_control_read_reply(data, size, &reply) == VISOR_CONTROL_COMPLETE)
        VISOR_ASSERT(reply.size <= VISOR_CONTROL_BODY_MAX);
    return 0;
}
