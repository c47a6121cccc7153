/* VMGENID as a witness: the kernel's word that this machine has become another one (restored from a
 * snapshot, or cloned). Linux shows the generation to nobody; it sends a uevent, or, where it does
 * not do that yet, writes a line into its log. Both are listened to, and only where the kernel
 * drives such a device: elsewhere nothing is open and nobody is woken.
 *
 * The uevents are heard by netlink, for which the process must be in a network namespace of the
 * first user namespace; the log needs the right to read it. Neither is required. */
#ifndef VISOR_PORT_VMGENID_H
#define VISOR_PORT_VMGENID_H

#include "engine/event.h"

#include <poll.h>

#define VISOR_VMGENID_FDS 2

struct visor_vmgenid {
    bool described, driven; /* by ACPI, and by the kernel */
    int uevents, log;       /* -1: not heard */
    visor_mono log_at;      /* the log is listened to from then on: it may be written much into */
    bool told;
    visor_mono heard; /* when it was last heard of */
    uint64_t changes;
};

/* Opens what there is. `root`: "", or where a recorded machine's files are; NULL: listen to
 * nothing.
 */
void visor_vmgenid_init(struct visor_vmgenid *vmgenid, const char *root);
void visor_vmgenid_done(struct visor_vmgenid *vmgenid);

/* Can this machine see it? */
bool visor_vmgenid_listens(const struct visor_vmgenid *vmgenid);

/* For poll(), up to VISOR_VMGENID_FDS; how many. `now`: see log_at. */
size_t visor_vmgenid_fds(const struct visor_vmgenid *vmgenid, visor_mono now, int *fds);
/* When there will be more of them; INT64_MAX: at no time. */
visor_mono visor_vmgenid_deadline(const struct visor_vmgenid *vmgenid, visor_mono now);

/* Takes what has come, if anything. True: `witness` is filled. The first call tells that there is
 * such a witness. */
bool visor_vmgenid_look(struct visor_vmgenid *vmgenid, visor_mono now,
                        struct visor_event_witness *witness);

#endif
