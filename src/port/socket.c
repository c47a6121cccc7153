/* Makes sockets. What is sent through them, and when they are closed, is the caller's. */
#include "port/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

int visor_socket_open(int domain, int type)
{
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), flags;

    if (fd >= 0 || errno != EINVAL)
        return fd >= 0 ? fd : -errno;
    fd = socket(domain, type, 0); /* simulators that preload it know no flags */
    if (fd < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL, 0);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    return fd;
}

int visor_socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int bind_to(int fd, const struct visor_address *local)
{
    struct sockaddr_storage address;
    socklen_t length = visor_socket_address_write(local, &address);

    return length && bind(fd, (struct sockaddr *)&address, length) ? -errno : 0;
}

bool visor_socket_routed(const struct visor_address *address)
{
    struct sockaddr_storage to;
    socklen_t length = visor_socket_address_write(address, &to);
    int fd =
        visor_socket_open(address->family == VISOR_FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
    bool routed;

    if (fd < 0)
        return false;
    routed = length > 0 && connect(fd, (struct sockaddr *)&to, length) == 0;
    close(fd);
    return routed;
}

int visor_socket_open_udp(enum visor_family family, const struct visor_address *local,
                          const char *device)
{
    int fd = visor_socket_open(family == VISOR_FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
    int error = 0;

    if (fd < 0)
        return fd;
    if (family == VISOR_FAMILY_IPV6)
        error = visor_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error && local->family)
        visor_socket_set(fd, IPPROTO_IP, IP_FREEBIND, 1); /* as good as without, if refused */
    if (!error && device && device[0] &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1))
        error = -errno;
    if (!error)
        error = bind_to(fd, local);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

socklen_t visor_socket_address_write(const struct visor_address *address,
                                     struct sockaddr_storage *to)
{
    memset(to, 0, sizeof(*to));
    if (address->family == VISOR_FAMILY_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;

        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->bytes, 4);
        return sizeof(*in);
    }
    if (address->family == VISOR_FAMILY_IPV6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope;
        memcpy(&in6->sin6_addr, address->bytes, 16);
        return sizeof(*in6);
    }
    return 0;
}

bool visor_socket_address_read(const struct sockaddr *from, struct visor_address *address)
{
    *address = (struct visor_address){.family = VISOR_FAMILY_NONE};
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

        address->family = VISOR_FAMILY_IPV4;
        address->port = ntohs(in->sin_port);
        memcpy(address->bytes, &in->sin_addr, 4);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;

        address->port = ntohs(in6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            address->family = VISOR_FAMILY_IPV4;
            memcpy(address->bytes, (const uint8_t *)&in6->sin6_addr + 12, 4);
            return true;
        }
        address->family = VISOR_FAMILY_IPV6;
        memcpy(address->bytes, &in6->sin6_addr, 16);
        if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
            address->scope = in6->sin6_scope_id;
        return true;
    }
    return false;
}
