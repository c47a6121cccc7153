/* chronyc's datagrams in and out. The UNIX socket's protection is its directory, which nobody but
 * the daemon's user and group may enter, as with chronyd. Left to others: who may ask what
 * (timevisord/cmdmon.c), and when a descriptor is ready (the loop). */
#include "port/monitor.h"

#include "port/socket.h"
#include "port/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { IPV4, IPV6, UNIX };

struct visor_monitor {
    int fds[VISOR_MONITOR_SOCKETS];                         /* -1: none */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of the UNIX socket, if we made it */
};

static int open_udp(enum visor_family family, const struct visor_config *config)
{
    struct visor_address local =
        family == VISOR_FAMILY_IPV6 ? config->bind_cmd_address6 : config->bind_cmd_address4;
    int fd, error;

    local.port = (uint16_t)config->cmd_port;
    fd = visor_socket_open_udp(family, &local, config->bind_cmd_device);
    if (fd < 0)
        return fd;
    error = family == VISOR_FAMILY_IPV6 ? visor_socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                        : visor_socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

struct visor_monitor *visor_monitor_new(const struct visor_config *config, int families,
                                        struct visor_log *log)
{
    struct visor_monitor *monitor = calloc(1, sizeof *monitor);

    if (!monitor)
        return NULL;
    for (int i = 0; i < VISOR_MONITOR_SOCKETS; i++)
        monitor->fds[i] = -1;
    for (int i = IPV4; i <= IPV6 && config->cmd_port > 0; i++) {
        enum visor_family family = i == IPV4 ? VISOR_FAMILY_IPV4 : VISOR_FAMILY_IPV6;
        char address[64];

        if (families != 0 && families != (int)family)
            continue;
        monitor->fds[i] = open_udp(family, config);
        if (monitor->fds[i] >= 0)
            continue;
        visor_log_write(
            log, VISOR_SEVERITY_ERROR, "Could not open command socket on %s:%d : %s",
            visor_address_print(i == IPV4 ? &config->bind_cmd_address4 : &config->bind_cmd_address6,
                                address, sizeof address),
            config->cmd_port, strerror(-monitor->fds[i]));
        monitor->fds[i] = -1;
    }
    return monitor;
}

void visor_monitor_free(struct visor_monitor *monitor)
{
    if (!monitor)
        return;
    for (int i = 0; i < VISOR_MONITOR_SOCKETS; i++)
        if (monitor->fds[i] >= 0)
            close(monitor->fds[i]);
    if (monitor->path[0] != '\0')
        unlink(monitor->path);
    free(monitor);
}

/* The directory is ours or root's, and closed to others; made if it is missing. */
static int check_directory(const char *path)
{
    char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat st;
    char *slash;

    strcpy(directory, path);
    slash = strrchr(directory, '/');
    if (!slash || slash == directory)
        return -EINVAL;
    *slash = '\0';
    if (stat(directory, &st) != 0) {
        if (errno != ENOENT || mkdir(directory, 0770) != 0 || stat(directory, &st) != 0)
            return -errno;
    }
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if ((st.st_mode & S_IRWXO) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
        return -EPERM;
    return 0;
}

/* What a daemon that died has left is removed; one that lives keeps its socket. */
static int clear_path(const struct sockaddr_un *address)
{
    struct stat st;
    int fd, connected;

    if (lstat(address->sun_path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = visor_socket_open(AF_UNIX, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    connected = connect(fd, (const struct sockaddr *)address, sizeof *address);
    close(fd);
    if (connected == 0)
        return -EADDRINUSE;
    return unlink(address->sun_path) == 0 ? 0 : -errno;
}

static int open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, error;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    error = check_directory(path);
    if (error)
        return error;
    fd = visor_socket_open(AF_UNIX, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    error = clear_path(&address);
    if (!error && bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        error = -errno;
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

void visor_monitor_open_path(struct visor_monitor *monitor, const char *path, struct visor_log *log)
{
    int fd;

    if (path[0] == '\0' || monitor->fds[UNIX] >= 0)
        return;
    fd = open_unix(path);
    if (fd == -EPERM) {
        visor_log_write(
            log, VISOR_SEVERITY_WARNING,
            _("Disabled command socket %s: its directory is open to others or not ours"), path);
        return;
    }
    if (fd < 0) {
        visor_log_write(log, VISOR_SEVERITY_ERROR, "Could not open command socket on %s : %s", path,
                        strerror(-fd));
        return;
    }
    monitor->fds[UNIX] = fd;
    strcpy(monitor->path, path);
}

size_t visor_monitor_fds(const struct visor_monitor *monitor, int *fds)
{
    size_t count = 0;

    for (int i = 0; i < VISOR_MONITOR_SOCKETS; i++)
        if (monitor->fds[i] >= 0)
            fds[count++] = monitor->fds[i];
    return count;
}

/* ---- one datagram ---- */

union control {
    struct cmsghdr align;
    char bytes[256];
};

static void read_own_address(struct msghdr *message, struct visor_address *own)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            own->family = VISOR_FAMILY_IPV4;
            memcpy(own->bytes, &info.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            own->family = VISOR_FAMILY_IPV6;
            memcpy(own->bytes, &info.ipi6_addr, 16);
        }
    }
}

/* Size of the datagram, or -errno. */
static ssize_t receive(int fd, struct visor_monitor_peer *peer, uint8_t *data, size_t size)
{
    struct sockaddr_storage name;
    union control control;
    struct iovec iov = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_name = &name,
        .msg_namelen = sizeof name,
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t length = recvmsg(fd, &message, 0);

    if (length < 0)
        return -errno;
    if (message.msg_flags & MSG_TRUNC)
        return -EMSGSIZE;
    memset(peer, 0, sizeof *peer);
    peer->fd = fd;
    if (message.msg_namelen >= sizeof(sa_family_t) && name.ss_family == AF_UNIX) {
        struct sockaddr_un *un = (struct sockaddr_un *)&name;
        size_t offset = offsetof(struct sockaddr_un, sun_path);

        if (message.msg_namelen <= offset || message.msg_namelen > sizeof *un)
            return -EDESTADDRREQ; /* it has no name: there is no answering it */
        peer->local = true;
        peer->path_length = message.msg_namelen - offset;
        memcpy(peer->path, un->sun_path, peer->path_length);
        return length;
    }
    if (!visor_socket_address_read((struct sockaddr *)&name, &peer->remote))
        return -EAFNOSUPPORT;
    read_own_address(&message, &peer->own);
    return length;
}

void visor_monitor_handle(struct visor_monitor *monitor, int fd, visor_monitor_handler *handler,
                          void *context)
{
    uint8_t request[VISOR_MONITOR_MESSAGE_MAX], reply[VISOR_MONITOR_MESSAGE_MAX];
    struct visor_monitor_peer peer = {0};
    ssize_t size = receive(fd, &peer, request, sizeof request);
    size_t length;

    if (size < 0 || peer.local != (fd == monitor->fds[UNIX]))
        return;
    length = handler(context, &peer, request, (size_t)size, reply);
    if (length > 0)
        visor_monitor_send(monitor, &peer, reply, length);
}

/* The reply leaves from the address that was asked. */
static void write_own_address(struct msghdr *message, const struct visor_monitor_peer *peer)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);

    if (peer->own.family == VISOR_FAMILY_IPV4) {
        struct in_pktinfo info = {0};

        memcpy(&info.ipi_spec_dst, peer->own.bytes, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        message->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = peer->remote.scope};

        memcpy(&info.ipi6_addr, peer->own.bytes, 16);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        message->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

void visor_monitor_send(struct visor_monitor *monitor, const struct visor_monitor_peer *peer,
                        const uint8_t *reply, size_t size)
{
    struct sockaddr_storage name = {0};
    union control control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)reply, .iov_len = size};
    struct msghdr message = {.msg_name = &name, .msg_iov = &iov, .msg_iovlen = 1};
    bool open = false;

    for (int i = 0; i < VISOR_MONITOR_SOCKETS; i++)
        open = open || monitor->fds[i] == peer->fd;
    if (!open)
        return;
    if (peer->local) {
        struct sockaddr_un *un = (struct sockaddr_un *)&name;

        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, peer->path, peer->path_length);
        message.msg_namelen =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + peer->path_length);
    } else {
        message.msg_namelen = visor_socket_address_write(&peer->remote, &name);
    }
    if (peer->own.family != VISOR_FAMILY_NONE) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        write_own_address(&message, peer);
    }
    (void)sendmsg(peer->fd, &message, 0); /* chronyc asks again; nobody else is concerned */
}
