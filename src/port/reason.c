/* Turns errors and counters of a silent source into the cause that a person can act on. */
#include "port/reason.h"

#include "port/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has_route(const struct visor_facts *facts, enum visor_family family)
{
    return family == VISOR_FAMILY_IPV6 ? facts->route6[0] != 0 : facts->route4[0] != 0;
}

static enum visor_reason of_name(const struct visor_reason_case *source)
{
    if (source->facts && source->facts->network_known && source->facts->nameserver_count == 0)
        return VISOR_REASON_NO_NAMESERVER;
    if (source->resolve == VISOR_RESOLVE_FAILED)
        return VISOR_REASON_NO_SUCH_NAME;
    if (source->facts && source->facts->network_known && !source->facts->route4[0] &&
        !source->facts->route6[0])
        return VISOR_REASON_NO_NETWORK;
    if (source->resolve == VISOR_RESOLVE_TRY_AGAIN)
        return VISOR_REASON_DNS_SILENT;
    return source->resolving ? VISOR_REASON_RESOLVING : VISOR_REASON_NONE;
}

static enum visor_reason of_error(const struct visor_reason_case *source)
{
    const struct visor_facts *facts = source->facts;

    switch (source->error) {
    case ENETUNREACH:
    case EADDRNOTAVAIL:
        if (!facts || !facts->network_known || has_route(facts, source->family))
            return VISOR_REASON_NO_ROUTE;
        return facts->route4[0] || facts->route6[0] ? VISOR_REASON_NO_FAMILY
                                                    : VISOR_REASON_NO_NETWORK;
    case EAFNOSUPPORT:
        return VISOR_REASON_NO_FAMILY;
    case ENETDOWN:
        return VISOR_REASON_NO_NETWORK;
    case EHOSTUNREACH:
    case EHOSTDOWN:
        return VISOR_REASON_HOST_DOWN;
    case ECONNREFUSED:
    case ENOPROTOOPT: /* ICMP protocol unreachable */
        return VISOR_REASON_REFUSED;
    case EPERM:
    case EACCES:
        return VISOR_REASON_FORBIDDEN;
    default:
        return VISOR_REASON_SEND_FAILED;
    }
}

enum visor_reason visor_reason_of(const struct visor_reason_case *source)
{
    if (source->good > 0)
        return VISOR_REASON_NONE;
    if (source->refclock)
        return VISOR_REASON_DEVICE;
    if (!source->resolved)
        return of_name(source);
    if (!source->online)
        return VISOR_REASON_OFFLINE;
    if (source->error != 0)
        return of_error(source);
    if (source->answered > 0)
        return VISOR_REASON_UNUSABLE;
    return source->asked > 0 ? VISOR_REASON_SILENT : VISOR_REASON_NONE;
}

static const char *family_name(enum visor_family family)
{
    return family == VISOR_FAMILY_IPV6 ? "IPv6" : "IPv4";
}

static const char *plain_text(enum visor_reason reason)
{
    switch (reason) {
    case VISOR_REASON_RESOLVING:
        return _("its name is being resolved");
    case VISOR_REASON_NO_NAMESERVER:
        return _("its name cannot be resolved: no name server is configured");
    case VISOR_REASON_DNS_SILENT:
        return _("its name cannot be resolved: the name servers do not answer");
    case VISOR_REASON_NO_SUCH_NAME:
        return _("its name does not exist (DNS)");
    case VISOR_REASON_OFFLINE:
        return _("it is switched offline");
    case VISOR_REASON_NO_NETWORK:
        return _("this machine has no default route: the network is down or not set up");
    case VISOR_REASON_NO_ROUTE:
        return _("there is no route to it");
    case VISOR_REASON_HOST_DOWN:
        return _("the network says that it cannot be reached");
    case VISOR_REASON_FORBIDDEN:
        return _("this machine's own firewall or sandbox forbids to send to it");
    case VISOR_REASON_UNUSABLE:
        return _("it answers, but no answer is usable yet");
    default:
        return "";
    }
}

const char *visor_reason_device(int error)
{
    switch (error) {
    case EADDRINUSE:
        return _("a file of that name is there and is no socket; remove it");
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return _("no such device here; load its driver, or correct the refclock line");
    case EACCES:
    case EPERM:
        return _("permission denied; let this daemon's user open the device");
    default:
        return strerror(error);
    }
}

char *visor_reason_text(const struct visor_reason_case *source, char *text, size_t size)
{
    enum visor_reason reason = visor_reason_of(source);

    switch (reason) {
    case VISOR_REASON_DEVICE:
        if (source->error)
            snprintf(text, size, _("the device gives nothing: %s"),
                     visor_reason_device(source->error));
        else
            snprintf(text, size, "%s", _("the device gives nothing"));
        break;
    case VISOR_REASON_NO_FAMILY:
        snprintf(text, size, _("this machine has no way out for %s"), family_name(source->family));
        break;
    case VISOR_REASON_REFUSED:
        snprintf(text, size, _("it refuses: nothing listens on its port %u"),
                 (unsigned)source->port);
        break;
    case VISOR_REASON_SEND_FAILED:
        snprintf(text, size, _("it cannot be asked: %s"), strerror(source->error));
        break;
    case VISOR_REASON_SILENT:
        snprintf(text, size,
                 ngettext("no reply from port %u (asked once): it is down, or a firewall drops NTP",
                          "no reply from port %u (asked %llu times): it is down, or a firewall "
                          "drops NTP",
                          (unsigned long)source->asked),
                 (unsigned)source->port, (unsigned long long)source->asked);
        break;
    default:
        snprintf(text, size, "%s", plain_text(reason));
        break;
    }
    return text;
}
