/* How Linux tells that a virtual machine is another one than before (restored from a snapshot, or
 * cloned): by a message to all that listen to uevents, and by a line in its log. Which of the two
 * depends on the kernel; the generation itself is not shown to programs. */
#ifndef VISOR_WIRE_VMGENID_H
#define VISOR_WIRE_VMGENID_H

#include <stdbool.h>
#include <stddef.h>

/* A datagram of netlink's NETLINK_KOBJECT_UEVENT: strings, each zero-terminated. */
bool visor_vmgenid_in_uevent(const char *data, size_t size);

/* A record of /dev/kmsg: "level,number,time,flags;text\n" and lines of properties. */
bool visor_vmgenid_in_record(const char *data, size_t size);

#endif
