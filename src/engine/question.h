/* A question to the chronyd beside us as bytes of its protocol, and its reply as an event. */
#ifndef VISOR_ENGINE_QUESTION_H
#define VISOR_ENGINE_QUESTION_H

#include "engine/action.h"
#include "engine/event.h"

/* The size; 0: no such question, or no room (VISOR_CMDMON_MESSAGE_MAX is always enough). */
size_t visor_question_write(const struct visor_action_chronyd *question, uint8_t *data,
                            size_t size);

/* False: not the reply to this question. One that says yes without saying what was asked is
 * EPROTO. */
bool visor_question_read(const struct visor_action_chronyd *question, const uint8_t *data,
                         size_t size, struct visor_event_chronyd *event);

#endif
