/* Connects the adapters of port/ with the engine and the log. */
#include "timevisord/witnesses.h"

#include "port/text.h"
#include "port/vmclock.h"
#include "port/vmgenid.h"
#include "timevisord/process.h"

#include <stdlib.h>
#include <string.h>

struct visor_witnesses {
    struct visor_daemon *daemon;
    struct visor_vmclock_device vmclock;
    enum visor_vmclock_state vmclock_said;
    struct visor_vmgenid vmgenid;
    bool counted; /* `generation`, of the vmclock, was told instead */
    uint64_t generation;
    visor_mono looked;
};

static void tell_engine(struct visor_witnesses *witnesses,
                        const struct visor_event_witness *witness)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS, .witness = *witness};

    visor_daemon_handle(witnesses->daemon, &event);
}

/* ---- vmclock ---- */

static void say_vmclock(struct visor_witnesses *witnesses)
{
    const struct visor_vmclock_device *device = &witnesses->vmclock;
    struct visor_log *log = witnesses->daemon->log;

    if (device->state == witnesses->vmclock_said)
        return;
    witnesses->vmclock_said = device->state;
    switch (device->state) {
    case VISOR_VMCLOCK_SOUND:
        visor_log_write(log, VISOR_SEVERITY_INFO,
                        _("%s tells of this machine's migrations and restores"), device->path);
        break;
    case VISOR_VMCLOCK_STUCK:
        visor_log_write(log, VISOR_SEVERITY_WARNING,
                        _("%s is being written without end: it tells nothing until that is over"),
                        device->path);
        break;
    case VISOR_VMCLOCK_INVALID:
        visor_log_write(log, VISOR_SEVERITY_WARNING,
                        _("%s is no vmclock page of version 1: it tells nothing"), device->path);
        break;
    case VISOR_VMCLOCK_ABSENT:
        visor_log_write(log, VISOR_SEVERITY_WARNING, _("Could not open %s : %s"), device->path,
                        strerror(device->error));
        break;
    }
}

/* The kernel's word for a new generation is as good, and has another number. */
static void tell_generation(struct visor_witnesses *witnesses, visor_mono now)
{
    const struct visor_vmclock_device *device = &witnesses->vmclock;
    const struct visor_event_witness witness = {
        .kind = VISOR_WITNESS_VMGENID,
        .stamp = {.raw = now, .by = VISOR_STAMPER_DAEMON},
        .marker = device->generation,
        .independent = true,
    };

    if (device->state != VISOR_VMCLOCK_SOUND || !device->counts ||
        visor_vmgenid_listens(&witnesses->vmgenid) ||
        witnesses->daemon->config->witness_vmgenid == VISOR_WITNESS_OFF ||
        (witnesses->counted && witnesses->generation == device->generation))
        return;
    witnesses->counted = true;
    witnesses->generation = device->generation;
    tell_engine(witnesses, &witness);
}

static void look_at_vmclock(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_event_witness witness;

    while (!witnesses->daemon->ended &&
           visor_vmclock_device_look(&witnesses->vmclock, now, &witness))
        tell_engine(witnesses, &witness);
    tell_generation(witnesses, now);
    say_vmclock(witnesses);
}

/* ---- VMGENID ---- */

static void say_vmgenid(const struct visor_witnesses *witnesses)
{
    struct visor_log *log = witnesses->daemon->log;

    if (visor_vmgenid_listens(&witnesses->vmgenid))
        visor_log_write(log, VISOR_SEVERITY_INFO, "%s",
                        _("VMGENID tells of this machine's restores and clones"));
    else if (witnesses->vmgenid.driven)
        visor_log_write(log, VISOR_SEVERITY_WARNING, "%s",
                        _("The kernel has a VMGENID device, but neither its events nor its log can "
                          "be read: restores and clones are noticed by others only"));
    else if (witnesses->vmgenid.described)
        visor_log_write(log, VISOR_SEVERITY_WARNING, "%s",
                        _("This machine has a VMGENID device and the kernel no driver for it "
                          "(vmgenid): restores and clones are noticed by others only"));
}

static void look_at_vmgenid(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_event_witness witness;

    if (visor_vmgenid_look(&witnesses->vmgenid, now, &witness))
        tell_engine(witnesses, &witness);
}

/* ---- all ---- */

struct visor_witnesses *visor_witnesses_new(struct visor_daemon *daemon)
{
    const struct visor_config *config = daemon->config;
    struct visor_witnesses *witnesses;

    if (daemon->options.task != VISOR_TASK_RUN || visor_process_simulated())
        return NULL;
    witnesses = calloc(1, sizeof(*witnesses));
    if (!witnesses)
        return NULL;
    witnesses->daemon = daemon;
    visor_vmclock_device_init(&witnesses->vmclock, NULL);
    if (config->witness_vmclock != VISOR_WITNESS_OFF)
        visor_vmclock_device_open(&witnesses->vmclock, visor_clock_raw());
    else
        witnesses->vmclock.next.ns = INT64_MAX;
    visor_vmgenid_init(&witnesses->vmgenid,
                       config->witness_vmgenid != VISOR_WITNESS_OFF ? "" : NULL);
    say_vmgenid(witnesses);
    return witnesses;
}

void visor_witnesses_free(struct visor_witnesses *witnesses)
{
    if (!witnesses)
        return;
    visor_vmclock_device_done(&witnesses->vmclock);
    visor_vmgenid_done(&witnesses->vmgenid);
    free(witnesses);
}

size_t visor_witnesses_fds(const struct visor_witnesses *witnesses, int *fds)
{
    size_t count;

    if (!witnesses)
        return 0;
    count = visor_vmgenid_fds(&witnesses->vmgenid, witnesses->looked, fds);
    if (visor_vmclock_device_fd(&witnesses->vmclock) >= 0)
        fds[count++] = visor_vmclock_device_fd(&witnesses->vmclock);
    return count;
}

visor_mono visor_witnesses_deadline(const struct visor_witnesses *witnesses)
{
    visor_mono earliest, next;

    if (!witnesses)
        return (visor_mono){INT64_MAX};
    earliest = visor_vmclock_device_deadline(&witnesses->vmclock);
    next = visor_vmgenid_deadline(&witnesses->vmgenid, witnesses->looked);
    return visor_mono_before(next, earliest) ? next : earliest;
}

void visor_witnesses_readable(struct visor_witnesses *witnesses, int fd)
{
    visor_mono now = visor_clock_raw();

    if (fd == visor_vmclock_device_fd(&witnesses->vmclock)) {
        visor_vmclock_device_readable(&witnesses->vmclock);
        look_at_vmclock(witnesses, now);
    } else {
        look_at_vmgenid(witnesses, now);
    }
}

void visor_witnesses_look(struct visor_witnesses *witnesses)
{
    if (!witnesses)
        return;
    witnesses->looked = visor_clock_raw();
    look_at_vmclock(witnesses, witnesses->looked);
    if (!witnesses->vmgenid.told)
        look_at_vmgenid(witnesses, witnesses->looked);
}
