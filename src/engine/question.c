/* Only the few commands that assist mode has use for; the whole protocol is wire/cmdmon.c's. */
#include "engine/question.h"

#include "base/math.h"

#include <errno.h>
#include <string.h>

#define CORRECTION_MAX 1e10 /* s: a reply that says more is nonsense */

size_t visor_question_write(const struct visor_action_chronyd *question, uint8_t *data, size_t size)
{
    struct visor_cmdmon_request request;

    memset(&request, 0, sizeof(request));
    request.command = (uint16_t)question->command;
    request.sequence = question->token;
    switch (question->command) {
    case VISOR_CMDMON_BURST:
        request.match.good = question->good;
        request.match.total = question->total;
        break;
    case VISOR_CMDMON_DOFFSET2:
        request.number = question->number;
        break;
    case VISOR_CMDMON_SOURCE_DATA:
        request.integer = (int32_t)question->index;
        break;
    case VISOR_CMDMON_AUTH_DATA:
    case VISOR_CMDMON_NTP_DATA:
        request.address.address = question->address;
        break;
    case VISOR_CMDMON_TRACKING:
    case VISOR_CMDMON_N_SOURCES:
    case VISOR_CMDMON_RESET_SOURCES:
    case VISOR_CMDMON_MAKESTEP:
    case VISOR_CMDMON_ONLINE: /* no mask and no address: all */
    case VISOR_CMDMON_REFRESH:
        break;
    default:
        return 0;
    }
    return visor_cmdmon_write_request(&request, 0, data, size);
}

static bool read_tracking(const struct visor_cmdmon_tracking *tracking,
                          struct visor_event_chronyd *event)
{
    event->correction_s = tracking->correction;
    event->leap = tracking->leap <= VISOR_LEAP_UNSYNCHRONIZED ? (enum visor_leap)tracking->leap
                                                              : VISOR_LEAP_UNSYNCHRONIZED;
    return visor_math_size(event->correction_s) < CORRECTION_MAX;
}

/* The form in which it is answered, or that without any content. */
static bool read_content(const struct visor_cmdmon_reply *reply, struct visor_event_chronyd *event)
{
    switch (reply->command) {
    case VISOR_CMDMON_TRACKING:
        return reply->form == VISOR_CMDMON_FORM_TRACKING && read_tracking(&reply->tracking, event);
    case VISOR_CMDMON_N_SOURCES:
        event->count = reply->sources;
        return reply->form == VISOR_CMDMON_FORM_N_SOURCES;
    case VISOR_CMDMON_SOURCE_DATA:
        event->client = reply->source_data.mode == VISOR_CMDMON_MODE_CLIENT;
        if (event->client)
            event->address = reply->source_data.address.address;
        return reply->form == VISOR_CMDMON_FORM_SOURCE_DATA;
    case VISOR_CMDMON_AUTH_DATA:
        event->authenticated = reply->auth_data.mode != VISOR_CMDMON_AUTH_NONE;
        return reply->form == VISOR_CMDMON_FORM_AUTH_DATA;
    case VISOR_CMDMON_NTP_DATA:
        event->port = reply->ntp_data.remote_port;
        return reply->form == VISOR_CMDMON_FORM_NTP_DATA ||
               reply->form == VISOR_CMDMON_FORM_NTP_DATA2;
    default:
        return true;
    }
}

bool visor_question_read(const struct visor_action_chronyd *question, const uint8_t *data,
                         size_t size, struct visor_event_chronyd *event)
{
    struct visor_cmdmon_reply reply;

    memset(event, 0, sizeof(*event));
    event->token = question->token;
    if (!visor_cmdmon_read_reply(data, size, &reply) || reply.command != question->command ||
        reply.sequence != question->token)
        return false;
    event->status = reply.status;
    if (reply.status == VISOR_CMDMON_SUCCESS && !read_content(&reply, event))
        *event = (struct visor_event_chronyd){.token = question->token, .error = EPROTO};
    return true;
}
