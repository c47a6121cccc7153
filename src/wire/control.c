/* Frames of the control protocol, both ways. JSON is made and read elsewhere (port, timevisor). */
#include "wire/control.h"

#include "base/bytes.h"

#include <string.h>

static const uint32_t MAGIC = 0x54565352; /* "TVSR" */

bool visor_control_is_write(enum visor_control_verb verb)
{
    return verb >= VISOR_CONTROL_ONLINE;
}

static void write_header(struct visor_writer *w, uint16_t kind, size_t size)
{
    visor_write_u32(w, MAGIC);
    visor_write_u16(w, VISOR_CONTROL_VERSION);
    visor_write_u16(w, kind);
    visor_write_u32(w, (uint32_t)size);
}

static enum visor_control_verdict read_header(struct visor_reader *r, size_t limit, uint16_t *kind,
                                              size_t *size)
{
    uint32_t magic = visor_read_u32(r);
    uint16_t version = visor_read_u16(r);

    *kind = visor_read_u16(r);
    *size = visor_read_u32(r);
    if (r->failed)
        return VISOR_CONTROL_INCOMPLETE;
    if (magic != MAGIC)
        return VISOR_CONTROL_WRONG;
    if (version != VISOR_CONTROL_VERSION)
        return VISOR_CONTROL_FOREIGN;
    return *size > limit ? VISOR_CONTROL_WRONG : VISOR_CONTROL_COMPLETE;
}

size_t visor_control_write_request(const struct visor_control_request *request,
                                   uint8_t frame[VISOR_CONTROL_REQUEST_MAX])
{
    struct visor_writer w = visor_writer_over(frame, VISOR_CONTROL_REQUEST_MAX);
    size_t length = strnlen(request->argument, VISOR_CONTROL_ARGUMENT_MAX);

    write_header(&w, (uint16_t)request->verb, length);
    visor_write_bytes(&w, request->argument, length);
    return w.at;
}

void visor_control_write_reply(const struct visor_control_reply *reply,
                               uint8_t header[VISOR_CONTROL_HEADER])
{
    struct visor_writer w = visor_writer_over(header, VISOR_CONTROL_HEADER);

    write_header(&w, (uint16_t)reply->result, reply->size);
}

enum visor_control_verdict visor_control_read_request(const void *data, size_t size,
                                                      struct visor_control_request *request,
                                                      size_t *used)
{
    struct visor_reader r = visor_reader_over(data, size);
    enum visor_control_verdict verdict;
    uint16_t kind;
    size_t length;

    memset(request, 0, sizeof(*request));
    verdict = read_header(&r, VISOR_CONTROL_ARGUMENT_MAX, &kind, &length);
    if (verdict != VISOR_CONTROL_COMPLETE)
        return verdict;
    request->verb = (enum visor_control_verb)kind;
    visor_read_bytes(&r, request->argument, length);
    if (r.failed)
        return VISOR_CONTROL_INCOMPLETE;
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)request->argument[i] < ' ' || request->argument[i] == 127)
            return VISOR_CONTROL_WRONG;
    *used = r.at;
    return VISOR_CONTROL_COMPLETE;
}

enum visor_control_verdict visor_control_read_reply(const void *data, size_t size,
                                                    struct visor_control_reply *reply)
{
    struct visor_reader r = visor_reader_over(data, size);
    enum visor_control_verdict verdict;
    uint16_t kind;

    verdict = read_header(&r, VISOR_CONTROL_BODY_MAX, &kind, &reply->size);
    reply->result = (enum visor_control_result)kind;
    return verdict;
}
