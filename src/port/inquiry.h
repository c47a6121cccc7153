/* The asking end of the control socket: one question, one answer, with a time limit. */
#ifndef VISOR_PORT_INQUIRY_H
#define VISOR_PORT_INQUIRY_H

#include "wire/control.h"

struct visor_inquiry_answer {
    enum visor_control_result result;
    char *json; /* owned by the caller, zero-terminated; "" if there was none */
    size_t size;
};

/* Connects to `path`, asks, and waits at most `timeout_ms`. 0 or -errno: -ENOENT and -ECONNREFUSED
 * mean that no daemon runs, -ETIMEDOUT that it does not answer, -EPROTO that it answers nonsense.
 */
int visor_inquiry_ask(const char *path, const struct visor_control_request *request, int timeout_ms,
                      struct visor_inquiry_answer *answer);

#endif
