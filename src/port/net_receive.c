/* Receives datagrams and the kernel's stamps of what was sent. Stamps are turned into raw ones
 * here; where the kernel gives none, or none that can be trusted, the moment of reading stands in.
 */
#include "port/clock.h"
#include "port/hwstamp.h"
#include "port/net_internal.h"
#include "port/socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <time.h>

#define MODE_MASK       7
#define MODE_SERVER     4
#define FUTURE_NS       1000
#define WAITS_MAX       3 /* for a card's stamp that does not come: then no more, until one comes */
#define CARD_AGE_NS     (4 * VISOR_NS_PER_S)
#define HEADERS         42    /* of Ethernet, IPv4 and UDP, where the kernel does not say */
#define DAEMON_ERROR_NS 50000 /* of the moment of reading as a stamp: an ordinary wake-up */

/* What the control messages of a datagram say. */
struct control {
    bool stamped, carded;
    visor_wall software;    /* CLOCK_REALTIME */
    int64_t card_ns;        /* the network card's clock */
    unsigned int interface; /* 0: not known */
    size_t frame;           /* bytes on the link; 0: not known */
    struct visor_address local;
};

static visor_wall wall_from_timespec(const struct timespec *at)
{
    return (visor_wall){(int64_t)at->tv_sec * VISOR_NS_PER_S + at->tv_nsec};
}

static void read_software(const struct timespec *at, struct control *control)
{
    if (at->tv_sec == 0 && at->tv_nsec == 0)
        return;
    control->stamped = true;
    control->software = wall_from_timespec(at);
}

/* The kernel's stamp, one that is no longer used, and the card's. */
static void read_stamps(const struct cmsghdr *header, struct control *control)
{
    struct timespec at[3];

    if (header->cmsg_type == SCM_TIMESTAMPNS && header->cmsg_len >= CMSG_LEN(sizeof(at[0]))) {
        memcpy(&at[0], CMSG_DATA(header), sizeof(at[0]));
        read_software(&at[0], control);
    }
    if (header->cmsg_type == SCM_TIMESTAMPING && header->cmsg_len >= CMSG_LEN(sizeof(at))) {
        memcpy(at, CMSG_DATA(header), sizeof(at));
        read_software(&at[0], control);
        control->carded = at[2].tv_sec != 0 || at[2].tv_nsec != 0;
        control->card_ns = wall_from_timespec(&at[2]).ns;
    }
    if (header->cmsg_type == SCM_TIMESTAMPING_PKTINFO &&
        header->cmsg_len >= CMSG_LEN(sizeof(struct scm_ts_pktinfo))) {
        struct scm_ts_pktinfo info;

        memcpy(&info, CMSG_DATA(header), sizeof(info));
        control->interface = info.if_index;
        control->frame = info.pkt_length;
    }
}

static void read_local(const struct cmsghdr *header, struct control *control)
{
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO &&
        header->cmsg_len >= CMSG_LEN(sizeof(struct in_pktinfo))) {
        struct in_pktinfo info;

        memcpy(&info, CMSG_DATA(header), sizeof(info));
        control->local = (struct visor_address){.family = VISOR_FAMILY_IPV4};
        memcpy(control->local.bytes, &info.ipi_spec_dst, 4);
        if (!control->interface)
            control->interface = (unsigned int)info.ipi_ifindex;
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO &&
        header->cmsg_len >= CMSG_LEN(sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo info;

        memcpy(&info, CMSG_DATA(header), sizeof(info));
        control->local = (struct visor_address){.family = VISOR_FAMILY_IPV6};
        memcpy(control->local.bytes, &info.ipi6_addr, 16);
        if (!control->interface)
            control->interface = (unsigned int)info.ipi6_ifindex;
        if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            control->local.scope = (uint32_t)info.ipi6_ifindex;
    }
}

static void read_control(struct msghdr *message, struct control *control)
{
    *control = (struct control){.stamped = false};
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == SOL_SOCKET)
            read_stamps(header, control);
        else
            read_local(header, control);
    }
}

/* The best stamp of what has just been read; `frame`: its bytes on the link if it was received, 0
 * if it was sent; `now`: a reading taken after it. NONE: there is no stamp that can be trusted. */
static struct visor_stamp best_stamp(const struct visor_net *net, const struct control *control,
                                     size_t frame, const struct visor_reading *now)
{
    struct visor_stamp kernel = {.by = VISOR_STAMPER_KERNEL}, card = {.held_ns = 0};
    int64_t ahead;

    if (!control->stamped || !visor_stamps_convert(net->stamps, control->software, &kernel))
        kernel.by = VISOR_STAMPER_NONE;
    ahead = visor_mono_diff(kernel.raw, now->raw);
    if (kernel.by && ahead > now->width_ns + FUTURE_NS)
        kernel.by = VISOR_STAMPER_NONE;
    if (kernel.by && ahead > 0) /* nothing comes from the future but by rounding */
        kernel.raw = now->raw;
    if (control->carded &&
        visor_hwstamp_convert(net->hwstamp, control->interface, control->card_ns, frame, &card) &&
        !visor_mono_before(visor_mono_add(now->raw, FUTURE_NS), card.raw) &&
        visor_mono_diff(now->raw, card.raw) < CARD_AGE_NS)
        return card;
    return kernel;
}

static int receive_single(int fd, struct mmsghdr *message)
{
    ssize_t size = recvmsg(fd, &message->msg_hdr, 0);

    if (size < 0)
        return -1;
    message->msg_len = (unsigned int)size;
    return 1;
}

static int receive_batch(struct visor_net *net, int fd, struct mmsghdr *messages, unsigned int most)
{
    int count;

    if (most > 1 && !net->single) {
        count = recvmmsg(fd, messages, most, MSG_DONTWAIT, NULL);
        if (count >= 0 || errno != ENOSYS)
            return count;
        net->single = true;
    }
    return receive_single(fd, messages);
}

static uint32_t source_of_address(const struct visor_net *net, const struct visor_address *peer)
{
    for (size_t i = 0; i < net->target_count; i++)
        if (net->targets[i].to.port == peer->port && visor_address_same(&net->targets[i].to, peer))
            return net->targets[i].source;
    return 0;
}

/* False: not an NTP packet that anybody could have sent us in good faith. */
static bool fill_datagram(struct visor_net *net, const struct net_socket *socket,
                          const struct mmsghdr *message, struct visor_datagram *datagram)
{
    const struct sockaddr *name = message->msg_hdr.msg_name;
    struct visor_ptp_message content = {.ntp = message->msg_hdr.msg_iov[0].iov_base,
                                        .size = message->msg_len};

    datagram->ptp = socket->role == NET_PTP;
    if ((message->msg_hdr.msg_flags & (MSG_TRUNC | MSG_ERRQUEUE)) ||
        (datagram->ptp &&
         !visor_ptp_read(&content, content.ntp, content.size, (uint8_t)net->config->ptp_domain)) ||
        content.size > VISOR_PACKET_MAX || content.size == 0 ||
        !visor_socket_address_read(name, &datagram->peer))
        return false;
    datagram->data = content.ntp;
    datagram->size = content.size;
    datagram->received.held_ns = content.correction_ns;
    datagram->server = socket->role == NET_SERVER || datagram->ptp;
    datagram->source = socket->source;
    if (socket->role != NET_CLIENT && (datagram->data[0] & MODE_MASK) == MODE_SERVER)
        datagram->source = source_of_address(net, &datagram->peer);
    return true;
}

/* How long a reply may have lain there because nobody looked. */
static int64_t waited_ns(const struct net_socket *socket, const struct visor_reading *now)
{
    return socket->held ? visor_mono_diff(now->raw, socket->asked) : 0;
}

size_t visor_net_receive(struct visor_net *net, int fd, const struct visor_datagram **datagrams)
{
    const struct net_socket *socket = visor_net_find(net, fd);
    struct mmsghdr messages[VISOR_NET_BATCH];
    struct iovec parts[VISOR_NET_BATCH];
    struct visor_reading now;
    unsigned int most = socket && socket->role == NET_CLIENT ? 1 : VISOR_NET_BATCH;
    size_t count = 0;
    int received;

    *datagrams = net->datagrams;
    if (!socket)
        return 0;
    for (size_t i = 0; i < most; i++) {
        parts[i] = (struct iovec){.iov_base = net->frames[i], .iov_len = NET_FRAME};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &net->names[i],
                                                   .msg_namelen = sizeof(net->names[i]),
                                                   .msg_iov = &parts[i],
                                                   .msg_iovlen = 1,
                                                   .msg_control = net->controls[i],
                                                   .msg_controllen = NET_CONTROL}};
    }
    received = receive_batch(net, fd, messages, most);
    if (received <= 0 || visor_clock_note(net->stamps, &now))
        return 0;
    for (int i = 0; i < received; i++) {
        struct visor_datagram *datagram = &net->datagrams[count];
        struct control control;
        int64_t held_ns;

        if (!fill_datagram(net, socket, &messages[i], datagram))
            continue;
        read_control(&messages[i].msg_hdr, &control);
        datagram->local = control.local;
        held_ns = datagram->received.held_ns;
        datagram->received = best_stamp(
            net, &control, control.frame ? control.frame : messages[i].msg_len + HEADERS, &now);
        if (datagram->received.by == VISOR_STAMPER_HARDWARE)
            datagram->received.held_ns = held_ns;
        net->stamped = datagram->received.by == VISOR_STAMPER_KERNEL &&
                       visor_stamp_is_of_arrival(&datagram->received, &now);
        if (datagram->received.by == VISOR_STAMPER_NONE)
            datagram->received =
                (struct visor_stamp){.raw = now.raw,
                                     .error_ns = DAEMON_ERROR_NS + waited_ns(socket, &now),
                                     .by = VISOR_STAMPER_DAEMON};
        count++;
    }
    return count;
}

/* The looped packet ends with what we sent, after headers that differ by link. */
static struct net_pending *match_pending(struct visor_net *net, const struct net_socket *socket,
                                         const uint8_t *frame, size_t size)
{
    for (size_t i = 0; i < net->pending_count; i++) {
        struct net_pending *pending = visor_net_pending(net, i);

        if (pending->serial == socket->serial && pending->size <= size &&
            memcmp(frame + size - pending->size, pending->head, NET_HEAD) == 0)
            return pending;
    }
    return NULL;
}

bool visor_net_receive_sent(struct visor_net *net, int fd, struct visor_net_sent *sent)
{
    uint8_t frame[NET_FRAME]; /* what was received last is still needed */
    struct iovec part = {.iov_base = frame, .iov_len = sizeof(frame)};
    struct msghdr message = {.msg_name = &net->names[0],
                             .msg_namelen = sizeof(net->names[0]),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = net->controls[0],
                             .msg_controllen = NET_CONTROL};
    struct net_socket *socket = visor_net_find(net, fd);
    struct net_pending *pending;
    struct visor_reading now;
    struct control control;
    ssize_t size;

    if (!socket)
        return false;
    size = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (size < 0 || visor_clock_note(net->stamps, &now))
        return false;
    read_control(&message, &control);
    pending = match_pending(net, socket, frame, (size_t)size);
    *sent = (struct visor_net_sent){.sent = {.by = VISOR_STAMPER_NONE}};
    if (!pending)
        return true; /* read, and of no use: `by` is NONE */
    sent->sent = best_stamp(net, &control, 0, &now);
    socket->awaited = false;
    pending->stamped = sent->sent.by == VISOR_STAMPER_HARDWARE;
    if (pending->stamped)
        net->waits_in_vain = 0;
    sent->source = pending->source;
    sent->token = pending->token;
    return true;
}

bool visor_net_await_sent(struct visor_net *net, int fd)
{
    const struct net_socket *socket = visor_net_find(net, fd);
    const struct net_pending *last = NULL;
    struct pollfd wanted = {.fd = fd, .events = POLLPRI};

    if (!socket || !net->hwstamp || net->waits_in_vain >= WAITS_MAX)
        return false;
    for (size_t i = 0; i < net->pending_count && !last; i++)
        if (visor_net_pending(net, i)->serial == socket->serial)
            last = visor_net_pending(net, i);
    if (!last || last->stamped)
        return false;
    net->waits_in_vain++;
    return poll(&wanted, 1, (net->config->hwts_timeout_us + 999) / 1000) > 0 &&
           wanted.revents & (POLLERR | POLLPRI);
}
