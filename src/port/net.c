/* Opens NTP's sockets and sends through them. Receiving and stamps are in net_receive.c; who may be
 * answered, and with what, is decided above. */
#include "port/net.h"
#include "port/clock.h"

#include "port/net_internal.h"
#include "port/socket.h"
#include "wire/ntp.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAMP_RECEIVE (SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE)
#define STAMP_SEND    SOF_TIMESTAMPING_TX_SOFTWARE
#define STAMP_CARDS                                                                                \
    (SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_TX_HARDWARE | \
     SOF_TIMESTAMPING_OPT_CMSG | SOF_TIMESTAMPING_OPT_PKTINFO | SOF_TIMESTAMPING_OPT_TX_SWHW)

struct visor_net *visor_net_new(const struct visor_config *config, struct visor_stamps *stamps)
{
    struct visor_net *net = calloc(1, sizeof(*net));

    if (!net)
        return NULL;
    net->config = config;
    net->stamps = stamps;
    net->pending_count = config->max_tx_buffers > 0 ? (size_t)config->max_tx_buffers : 1;
    net->pending = calloc(net->pending_count, sizeof(*net->pending));
    if (!net->pending) {
        free(net);
        return NULL;
    }
    return net;
}

void visor_net_use_hwstamp(struct visor_net *net, const struct visor_hwstamp *hwstamp)
{
    net->hwstamp = hwstamp;
}

static void close_socket(struct net_socket *socket)
{
    close(socket->fd);
    *socket = (struct net_socket){.role = NET_UNUSED, .fd = -1};
}

void visor_net_free(struct visor_net *net)
{
    if (!net)
        return;
    for (size_t i = 0; i < net->socket_count; i++)
        if (net->sockets[i].role != NET_UNUSED)
            close_socket(&net->sockets[i]);
    free(net->pending);
    free(net);
}

void visor_net_restrict(struct visor_net *net, enum visor_family only)
{
    net->only = only;
}

struct net_socket *visor_net_find(struct visor_net *net, int fd)
{
    for (size_t i = 0; i < net->socket_count; i++)
        if (net->sockets[i].role != NET_UNUSED && net->sockets[i].fd == fd)
            return &net->sockets[i];
    return NULL;
}

static struct net_socket *find_role(struct visor_net *net, enum net_role role,
                                    enum visor_family family, uint32_t source)
{
    for (size_t i = 0; i < net->socket_count; i++) {
        struct net_socket *socket = &net->sockets[i];

        if (socket->role == role && (!family || socket->family == family) &&
            (role != NET_CLIENT || socket->source == source))
            return socket;
    }
    return NULL;
}

static struct net_socket *free_entry(struct visor_net *net)
{
    for (size_t i = 0; i < net->socket_count; i++)
        if (net->sockets[i].role == NET_UNUSED)
            return &net->sockets[i];
    return net->socket_count < VISOR_NET_SOCKETS_MAX ? &net->sockets[net->socket_count++] : NULL;
}

/* All of these improve the stamps; none is needed, and daemon stamps are the last resort. */
static bool request_stamps(const struct visor_net *net, int fd, enum visor_family family)
{
    int cards = net->hwstamp ? STAMP_CARDS : 0;

    if (family == VISOR_FAMILY_IPV6)
        visor_socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        visor_socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (cards &&
        !visor_socket_set(fd, SOL_SOCKET, SO_TIMESTAMPING, STAMP_RECEIVE | STAMP_SEND | cards))
        return true;
    if (!visor_socket_set(fd, SOL_SOCKET, SO_TIMESTAMPING, STAMP_RECEIVE | STAMP_SEND))
        return true;
    if (visor_socket_set(fd, SOL_SOCKET, SO_TIMESTAMPING, STAMP_RECEIVE))
        visor_socket_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    return false;
}

static void set_dscp(const struct visor_net *net, int fd, enum visor_family family)
{
    if (net->config->dscp <= 0)
        return;
    if (family == VISOR_FAMILY_IPV6)
        visor_socket_set(fd, IPPROTO_IPV6, IPV6_TCLASS, net->config->dscp << 2);
    else
        visor_socket_set(fd, IPPROTO_IP, IP_TOS, net->config->dscp << 2);
}

/* A socket of `role` at `port` of the address that the configuration has for it. */
static int open_socket(struct visor_net *net, enum net_role role, enum visor_family family,
                       uint16_t port, struct net_socket **opened)
{
    const struct visor_config *config = net->config;
    bool six = family == VISOR_FAMILY_IPV6;
    struct visor_address local = six ? config->bind_acq_address6 : config->bind_acq_address4;
    bool served = role == NET_SERVER || role == NET_PTP;
    const char *device = served ? config->bind_device : config->bind_acq_device;
    struct net_socket *socket;
    int fd;

    if (net->only && family != net->only)
        return -EAFNOSUPPORT;
    if (served)
        local = six ? config->bind_address6 : config->bind_address4;
    if (!local.family && port)
        local = (struct visor_address){.family = (uint8_t)family};
    local.port = port;
    socket = free_entry(net);
    if (!socket)
        return -ENFILE;
    fd = visor_socket_open_udp(family, &local, device);
    if (fd < 0)
        return fd;
    *socket =
        (struct net_socket){.role = role, .fd = fd, .family = family, .serial = ++net->opened};
    socket->stamping = request_stamps(net, fd, family);
    set_dscp(net, fd, family);
    if (role == NET_SERVER)
        visor_socket_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    *opened = socket;
    return 0;
}

/* The kernel turns stamping on late when the first socket asks for it. One that always does keeps
 * it on, so that a fresh socket's first reply has its stamp. */
static void keep_stamping(struct visor_net *net, enum visor_family family)
{
    struct net_socket *socket = NULL;

    if (!find_role(net, NET_IDLE, VISOR_FAMILY_NONE, 0) &&
        !find_role(net, NET_SERVER, VISOR_FAMILY_NONE, 0))
        open_socket(net, NET_IDLE, family, 0, &socket);
}

static int open_both(struct visor_net *net, enum net_role role, int port)
{
    static const enum visor_family families[] = {VISOR_FAMILY_IPV4, VISOR_FAMILY_IPV6};
    int error = 0;
    bool any = false;

    for (size_t i = 0; i < 2; i++) {
        struct net_socket *socket = find_role(net, role, families[i], 0);
        int result = socket ? 0 : open_socket(net, role, families[i], (uint16_t)port, &socket);

        any = any || result == 0;
        if (result && result != -EAFNOSUPPORT)
            error = result;
    }
    return any ? 0 : error;
}

int visor_net_open_server(struct visor_net *net)
{
    return open_both(net, NET_SERVER, net->config->port);
}

int visor_net_open_ptp(struct visor_net *net)
{
    return net->config->ptp_port > 0 ? open_both(net, NET_PTP, net->config->ptp_port) : 0;
}

void visor_net_close_server(struct visor_net *net)
{
    for (size_t i = 0; i < net->socket_count; i++)
        if (net->sockets[i].role == NET_SERVER)
            close_socket(&net->sockets[i]);
}

bool visor_net_serves(const struct visor_net *net)
{
    return find_role((struct visor_net *)net, NET_SERVER, VISOR_FAMILY_NONE, 0) != NULL;
}

void visor_net_close(struct visor_net *net, uint32_t source)
{
    struct net_socket *socket = find_role(net, NET_CLIENT, VISOR_FAMILY_NONE, source);

    if (socket)
        close_socket(socket);
    for (size_t i = 0; i < net->target_count; i++)
        if (net->targets[i].source == source) {
            net->targets[i] = net->targets[--net->target_count];
            break;
        }
}

void visor_net_close_all(struct visor_net *net)
{
    for (size_t i = 0; i < net->socket_count; i++)
        if (net->sockets[i].role == NET_CLIENT)
            close_socket(&net->sockets[i]);
    net->target_count = 0;
}

void visor_net_configure(struct visor_net *net, const struct visor_config *config)
{
    net->config = config;
}

bool visor_net_is_peer(const struct visor_net *net, const struct visor_address *address)
{
    for (size_t i = 0; i < net->target_count; i++)
        if (net->targets[i].peer && net->targets[i].to.port == address->port &&
            visor_address_same(&net->targets[i].to, address))
            return true;
    return false;
}

static void remember_target(struct visor_net *net, const struct visor_action_send *send)
{
    size_t i = 0;

    while (i < net->target_count && net->targets[i].source != send->source)
        i++;
    if (i == VISOR_NET_SOCKETS_MAX)
        return;
    if (i == net->target_count)
        net->target_count++;
    net->targets[i] =
        (struct net_target){.source = send->source, .peer = send->from_server, .to = send->to};
}

static int open_client(struct visor_net *net, const struct visor_action_send *send,
                       struct net_socket **opened)
{
    struct sockaddr_storage to;
    socklen_t length = visor_socket_address_write(&send->to, &to);
    int error;

    visor_net_close(net, send->source);
    error = open_socket(net, NET_CLIENT, send->to.family, 0, opened);
    if (error)
        return error;
    (*opened)->source = send->source;
    if (connect((*opened)->fd, (struct sockaddr *)&to, length)) {
        error = -errno;
        close_socket(*opened);
    }
    return error;
}

/* The socket that this request leaves through; opened if need be. */
static int choose_socket(struct visor_net *net, const struct visor_action_send *send,
                         struct net_socket **socket)
{
    const struct visor_config *config = net->config;
    /* who only observes leaves the servers' port to others */
    bool observing = config->mode == VISOR_MODE_OBSERVE;
    bool server = !observing &&
                  (send->from_server || (config->port && config->acquisition_port == config->port));
    enum net_role role = server ? NET_SERVER : NET_SHARED;
    int port = server ? config->port : config->acquisition_port;

    if (config->ptp_port > 0 && send->to.port == config->ptp_port) {
        role = NET_PTP;
        port = config->ptp_port;
    } else if (!server && (port < 0 || (observing && port == VISOR_NTP_PORT))) {
        keep_stamping(net, send->to.family);
        return open_client(net, send, socket);
    }
    if (send->source)
        remember_target(net, send);
    *socket = find_role(net, role, send->to.family, 0);
    return *socket ? 0 : open_socket(net, role, send->to.family, (uint16_t)port, socket);
}

static void put_control(struct msghdr *message, int level, int type, const void *data, size_t size)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);

    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), data, size);
    message->msg_controllen = CMSG_SPACE(size);
}

/* The address (and, for link-local ones, the interface) that the packet leaves from. */
static void put_local(struct msghdr *message, const struct visor_address *local)
{
    if (local->family == VISOR_FAMILY_IPV4) {
        struct in_pktinfo info = {.ipi_ifindex = 0};

        memcpy(&info.ipi_spec_dst, local->bytes, 4);
        put_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    } else if (local->family == VISOR_FAMILY_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};

        memcpy(&info.ipi6_addr, local->bytes, 16);
        put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
}

/* What goes out where an NTP message goes as it is, or wrapped; returns its size. */
static size_t wrap(struct visor_net *net, const struct net_socket *socket, const uint8_t **data,
                   size_t size, uint8_t *wrapped)
{
    if (socket->role != NET_PTP)
        return size;
    visor_ptp_write(wrapped, (uint8_t)net->config->ptp_domain, net->sequence++, size);
    memcpy(wrapped + VISOR_PTP_PREFIX, *data, size);
    *data = wrapped;
    return VISOR_PTP_PREFIX + size;
}

static int send_datagram(const struct net_socket *socket, const struct visor_address *to,
                         const struct visor_address *local, const uint8_t *data, size_t size)
{
    _Alignas(8) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
    struct sockaddr_storage name;
    struct iovec part = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (socket->role != NET_CLIENT) {
        message.msg_name = &name;
        message.msg_namelen = visor_socket_address_write(to, &name);
        if (local->family) {
            message.msg_control = control;
            message.msg_controllen = sizeof(control);
            put_local(&message, local);
        }
    }
    return sendmsg(socket->fd, &message, 0) < 0 ? -errno : 0;
}

static struct net_pending *expect_stamp(struct visor_net *net, const struct net_socket *socket,
                                        const uint8_t *data, size_t size)
{
    struct net_pending *pending = &net->pending[net->pending_next];

    if (!socket->stamping || size < NET_HEAD)
        return NULL;
    net->pending_next = (net->pending_next + 1) % net->pending_count;
    *pending = (struct net_pending){.serial = socket->serial, .size = size};
    memcpy(pending->head, data, NET_HEAD);
    return pending;
}

/* Nothing more will be heard of the newest: its place is taken by the next, so that a client uses
 * the same few bytes again and again. */
static void expect_no_more(struct visor_net *net)
{
    struct net_pending *newest = visor_net_pending(net, 0);

    newest->serial = 0;
    net->pending_next = (size_t)(newest - net->pending);
}

/* Most drivers give the kernel's stamp before sendmsg() returns: then nobody need wake up for it.
 */
static void take_stamp(struct visor_net *net, int fd, uint32_t token, struct visor_stamp *stamp)
{
    struct visor_net_sent sent;

    if (!visor_net_receive_sent(net, fd, &sent) || sent.sent.by != VISOR_STAMPER_KERNEL ||
        sent.token != token)
        return;
    *stamp = sent.sent;
    expect_no_more(net);
}

int visor_net_send(struct visor_net *net, const struct visor_action_send *send, const uint8_t *data,
                   size_t size, struct visor_stamp *sent)
{
    uint8_t wrapped[VISOR_PTP_PREFIX + VISOR_PACKET_MAX];
    struct net_socket *socket = NULL;
    struct net_pending *pending;
    int error = size > VISOR_PACKET_MAX ? -EMSGSIZE : choose_socket(net, send, &socket);

    *sent = (struct visor_stamp){.by = VISOR_STAMPER_NONE};
    if (error)
        return error;
    pending = expect_stamp(net, socket, data, size);
    if (pending) {
        pending->source = send->source;
        pending->token = send->token;
    }
    size = wrap(net, socket, &data, size, wrapped);
    sent->raw = visor_clock_raw();
    error = send_datagram(socket, &send->to, &send->local, data, size);
    sent->error_ns = visor_mono_diff(visor_clock_raw(), sent->raw);
    sent->by = VISOR_STAMPER_DAEMON;
    if (error && pending)
        expect_no_more(net);
    socket->asked = sent->raw;
    socket->awaited = !error && pending;
    if (socket->awaited && socket->role == NET_CLIENT && !net->hwstamp)
        take_stamp(net, socket->fd, send->token, sent);
    return error;
}

int visor_net_reply(struct visor_net *net, const struct visor_datagram *request,
                    const uint8_t *data, size_t size, uint32_t token, bool stamped)
{
    uint8_t wrapped[VISOR_PTP_PREFIX + VISOR_PACKET_MAX];
    enum net_role role = request->ptp ? NET_PTP : NET_SERVER;
    struct net_socket *socket = find_role(net, role, request->peer.family, 0);
    struct net_pending *pending = NULL;
    int error;

    if (!socket)
        return -ENOTCONN;
    if (size > VISOR_PACKET_MAX)
        return -EMSGSIZE;
    if (stamped)
        pending = expect_stamp(net, socket, data, size);
    if (pending)
        pending->token = token;
    size = wrap(net, socket, &data, size, wrapped);
    error = send_datagram(socket, &request->peer, &request->local, data, size);
    if (error && pending)
        expect_no_more(net);
    return error;
}

size_t visor_net_poll(struct visor_net *net, bool patient, struct pollfd *fds, size_t size)
{
    size_t count = 0;

    patient = patient && net->stamped && !net->hwstamp;
    for (size_t i = 0; i < net->socket_count && count < size; i++) {
        struct net_socket *socket = &net->sockets[i];

        socket->held = patient && socket->role == NET_CLIENT;
        if (socket->role != NET_UNUSED && socket->role != NET_IDLE && !socket->held)
            fds[count++] = (struct pollfd){.fd = socket->fd, .events = POLLIN | POLLPRI};
    }
    return count;
}

bool visor_net_held(const struct visor_net *net, size_t *at, struct pollfd *fd)
{
    while (*at < net->socket_count) {
        const struct net_socket *socket = &net->sockets[(*at)++];

        if (!socket->held)
            continue;
        *fd = (struct pollfd){.fd = socket->fd,
                              .revents = (short)(POLLIN | (socket->awaited ? POLLERR : 0))};
        return true;
    }
    return false;
}
