/* Drains both descriptors. One change may be told by both: what comes within a second is one. */
#include "port/vmgenid.h"

#include "port/facts.h"
#include "wire/vmgenid.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KERNEL_GROUP 1 /* of uevents; the others are udev's */
#define AT_ONCE      64
#define LOG_NS       (VISOR_NS_PER_S / 4)
#define SAME_NS      VISOR_NS_PER_S
#define MESSAGE_MAX  8192

static int listen_to_uevents(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
    int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC) ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* From its end on. */
static int listen_to_log(void)
{
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void visor_vmgenid_init(struct visor_vmgenid *vmgenid, const char *root)
{
    struct visor_facts_acpi device = {.described = false};

    if (root)
        visor_facts_vmgenid(&device, root);
    *vmgenid = (struct visor_vmgenid){
        .described = device.described, .driven = device.driven, .uevents = -1, .log = -1};
    vmgenid->heard.ns = INT64_MIN;
    if (!vmgenid->driven)
        return;
    vmgenid->uevents = listen_to_uevents();
    vmgenid->log = listen_to_log();
}

void visor_vmgenid_done(struct visor_vmgenid *vmgenid)
{
    if (vmgenid->uevents >= 0)
        close(vmgenid->uevents);
    if (vmgenid->log >= 0)
        close(vmgenid->log);
    vmgenid->uevents = vmgenid->log = -1;
}

bool visor_vmgenid_listens(const struct visor_vmgenid *vmgenid)
{
    return vmgenid->uevents >= 0 || vmgenid->log >= 0;
}

size_t visor_vmgenid_fds(const struct visor_vmgenid *vmgenid, visor_mono now, int *fds)
{
    size_t count = 0;

    if (vmgenid->uevents >= 0)
        fds[count++] = vmgenid->uevents;
    if (vmgenid->log >= 0 && !visor_mono_before(now, vmgenid->log_at))
        fds[count++] = vmgenid->log;
    return count;
}

visor_mono visor_vmgenid_deadline(const struct visor_vmgenid *vmgenid, visor_mono now)
{
    return vmgenid->log >= 0 && visor_mono_before(now, vmgenid->log_at) ? vmgenid->log_at
                                                                        : (visor_mono){INT64_MAX};
}

/* Whatever another process sends is not the kernel's word. */
static bool heard_uevent(const struct visor_vmgenid *vmgenid)
{
    char message[MESSAGE_MAX];
    bool heard = false;

    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
        struct iovec part = {.iov_base = message, .iov_len = sizeof(message)};
        struct msghdr header = {
            .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
        ssize_t size = recvmsg(vmgenid->uevents, &header, 0);

        if (size < 0 && errno != ENOBUFS)
            break;
        if (size > 0 && header.msg_namelen == sizeof(from) && from.nl_family == AF_NETLINK &&
            from.nl_pid == 0)
            heard = heard || visor_vmgenid_in_uevent(message, (size_t)size);
    }
    return heard;
}

static bool heard_record(struct visor_vmgenid *vmgenid)
{
    char message[MESSAGE_MAX];
    bool heard = false;
    int read_so_far = 0;

    for (; read_so_far < AT_ONCE; read_so_far++) {
        ssize_t size = read(vmgenid->log, message, sizeof(message));

        if (size < 0 && errno != EPIPE) /* some were overwritten before they were read */
            break;
        if (size > 0)
            heard = heard || visor_vmgenid_in_record(message, (size_t)size);
    }
    if (read_so_far == AT_ONCE)
        (void)lseek(vmgenid->log, 0, SEEK_END);
    return heard;
}

bool visor_vmgenid_look(struct visor_vmgenid *vmgenid, visor_mono now,
                        struct visor_event_witness *witness)
{
    bool heard = false;

    if (vmgenid->uevents >= 0)
        heard = heard_uevent(vmgenid);
    if (vmgenid->log >= 0 && !visor_mono_before(now, vmgenid->log_at)) {
        heard = heard_record(vmgenid) || heard;
        vmgenid->log_at = visor_mono_add(now, LOG_NS);
    }
    if (heard && vmgenid->heard.ns != INT64_MIN && visor_mono_diff(now, vmgenid->heard) < SAME_NS)
        heard = false;
    if ((!heard && vmgenid->told) || !visor_vmgenid_listens(vmgenid))
        return false;
    if (heard) {
        vmgenid->heard = now;
        vmgenid->changes++;
    }
    vmgenid->told = true;
    *witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_VMGENID,
        .stamp = {.raw = now, .by = VISOR_STAMPER_DAEMON},
        .marker = vmgenid->changes,
        .independent = true,
    };
    return true;
}
