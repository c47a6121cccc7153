/* Why a source gives nothing, in a sentence: from what happened when it was asked and from the
 * machine's facts. */
#ifndef VISOR_PORT_REASON_H
#define VISOR_PORT_REASON_H

#include "advise/facts.h"
#include "engine/event.h"

#include <stddef.h>

enum visor_reason {
    VISOR_REASON_NONE,   /* it gives time, or it was not asked yet */
    VISOR_REASON_DEVICE, /* reference clock: the device does not give samples */
    VISOR_REASON_RESOLVING,
    VISOR_REASON_NO_NAMESERVER, /* none is configured */
    VISOR_REASON_DNS_SILENT,    /* the name servers do not answer */
    VISOR_REASON_NO_SUCH_NAME,
    VISOR_REASON_OFFLINE,     /* switched off by `offline` or chronyc */
    VISOR_REASON_NO_NETWORK,  /* no default route at all */
    VISOR_REASON_NO_FAMILY,   /* no way for this address family, but for the other one */
    VISOR_REASON_NO_ROUTE,    /* to this address */
    VISOR_REASON_HOST_DOWN,   /* the next hop says that it cannot be reached */
    VISOR_REASON_REFUSED,     /* nobody listens on the port (ICMP) */
    VISOR_REASON_FORBIDDEN,   /* our own firewall or sandbox */
    VISOR_REASON_SEND_FAILED, /* for another cause: `error` says it */
    VISOR_REASON_SILENT,      /* asked, and no reply came */
    VISOR_REASON_UNUSABLE,    /* replies come, and none is good */
};

struct visor_reason_case {
    bool refclock, resolved, online;
    bool resolving;                    /* asked for and not answered yet */
    enum visor_resolve_result resolve; /* of the last attempt */
    enum visor_family family;          /* of the address; NONE: unknown */
    int error;                         /* errno of the last request or what ICMP answered; 0 */
    uint64_t asked, answered, good;    /* requests, replies, those that were used */
    uint16_t port;                     /* 123 */
    const char *name;                  /* as configured */
    const struct visor_facts *facts;   /* may be NULL */
};

enum visor_reason visor_reason_of(const struct visor_reason_case *source);

/* Why a reference clock cannot be read, by errno, and what helps (gettext). */
const char *visor_reason_device(int error);

/* The sentence (gettext) without a full stop; "" for NONE. Returns `text`. */
char *visor_reason_text(const struct visor_reason_case *source, char *text, size_t size);

#endif
