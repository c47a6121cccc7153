/* The control protocol between timevisor and timevisord: one request, one reply, in turn, over a
 * UNIX stream socket. Both are frames of a 12-byte header (magic, version, kind, size of the body;
 * big-endian) and a body: a request's is its argument (a source's name, or empty), a reply's is
 * JSON. The server answers a version it does not speak with VERSION and closes. */
#ifndef VISOR_WIRE_CONTROL_H
#define VISOR_WIRE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_CONTROL_VERSION      1
#define VISOR_CONTROL_HEADER       12
#define VISOR_CONTROL_ARGUMENT_MAX 255 /* bytes, without the closing zero */
#define VISOR_CONTROL_REQUEST_MAX  (VISOR_CONTROL_HEADER + VISOR_CONTROL_ARGUMENT_MAX)
#define VISOR_CONTROL_BODY_MAX     (UINT32_C(4) << 20) /* bytes of a reply's JSON */

/* Reads are everyone's; writes (from ONLINE on) are root's and the daemon's user's. */
enum visor_control_verb {
    VISOR_CONTROL_STATUS = 1,  /* the status model (port/statusjson.h) and the daemon's own state */
    VISOR_CONTROL_FACTS = 2,   /* what the machine tells (advise/facts.h) */
    VISOR_CONTROL_ONLINE = 64, /* argument: source's name or address; empty: all */
    VISOR_CONTROL_OFFLINE = 65,
    VISOR_CONTROL_BURST = 66,
    VISOR_CONTROL_MAKESTEP = 67,
    VISOR_CONTROL_RELOAD = 68,  /* configuration and source files */
    VISOR_CONTROL_REFRESH = 69, /* look all names up again */
    VISOR_CONTROL_RESET = 70,   /* forget what the sources were measured to say */
};

enum visor_control_result {
    VISOR_CONTROL_OK = 0,
    VISOR_CONTROL_REFUSED = 1, /* not for this user */
    VISOR_CONTROL_UNKNOWN = 2, /* no such verb, here and now */
    VISOR_CONTROL_VERSION_DIFFERS = 3,
    VISOR_CONTROL_BAD = 4,    /* no such source; an argument that makes no sense */
    VISOR_CONTROL_FAILED = 5, /* tried in vain; the body says why */
};

struct visor_control_request {
    enum visor_control_verb verb; /* may be a value that this version does not know */
    char argument[VISOR_CONTROL_ARGUMENT_MAX + 1];
};

struct visor_control_reply {
    enum visor_control_result result; /* may be unknown: treat as FAILED */
    size_t size;                      /* of the JSON that follows the header */
};

enum visor_control_verdict {
    VISOR_CONTROL_COMPLETE,
    VISOR_CONTROL_INCOMPLETE, /* more bytes are needed */
    VISOR_CONTROL_FOREIGN,    /* right magic, another version */
    VISOR_CONTROL_WRONG,      /* not this protocol, or over a limit */
};

bool visor_control_is_write(enum visor_control_verb verb);

/* Bytes written to `frame`; an argument is cut at its limit. */
size_t visor_control_write_request(const struct visor_control_request *request,
                                   uint8_t frame[VISOR_CONTROL_REQUEST_MAX]);
void visor_control_write_reply(const struct visor_control_reply *reply,
                               uint8_t header[VISOR_CONTROL_HEADER]);

/* Reads a request from the front of `data`. `*used` (COMPLETE): its length. An argument with a
 * control character is WRONG. */
enum visor_control_verdict visor_control_read_request(const void *data, size_t size,
                                                      struct visor_control_request *request,
                                                      size_t *used);

/* Reads a reply's header; the body is the caller's to collect. */
enum visor_control_verdict visor_control_read_reply(const void *data, size_t size,
                                                    struct visor_control_reply *reply);

#endif
