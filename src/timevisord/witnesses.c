/* Connects the adapters of port/ with the engine and the log. */
#include "timevisord/witnesses.h"

#include "engine/coverage.h"
#include "port/facts.h"
#include "port/phcwatch.h"
#include "port/statusjson.h"
#include "port/steal.h"
#include "port/stepwatch.h"
#include "port/text.h"
#include "port/tscwatch.h"
#include "port/vmclock.h"
#include "port/vmgenid.h"
#include "timevisord/process.h"
#include "timevisord/rtc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LATE_NS        10000000 /* what is less is any machine's */
#define STEAL_EVERY_NS (10 * VISOR_NS_PER_S)
#define COVER_EVERY_NS (16 * VISOR_NS_PER_S) /* as often as the segment is published at least */
#define LOOKOUTS       VISOR_WITNESS_KINDS

struct visor_witnesses {
    struct visor_daemon *daemon;
    struct visor_vmclock_device vmclock;
    enum visor_vmclock_state vmclock_said;
    bool vmclock_described; /* by ACPI: the machine has one */
    struct visor_vmgenid vmgenid;
    bool counted; /* `generation`, of the vmclock, was told instead */
    uint64_t generation;
    struct visor_phcwatch phc;
    int phc_said; /* errno that was said; 0: none */
    struct visor_tscwatch tsc;
    int stepwatch; /* -1: none */
    uint64_t steps;
    bool late_told;
    int stat; /* of /proc/stat; -1: none */
    int64_t stolen_ns;
    visor_mono stat_at;
    visor_mono looked, covered;
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
    enum visor_vmclock_state before = witnesses->vmclock.state;
    struct visor_event_witness witness;

    while (!witnesses->daemon->ended &&
           visor_vmclock_device_look(&witnesses->vmclock, now, &witness))
        tell_engine(witnesses, &witness);
    if (witnesses->vmclock.state != before)
        witnesses->daemon->segment.due = now; /* its readers look at the same page */
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

/* ---- the kernel's and the CPU's ---- */

static struct visor_event_witness witness_of(enum visor_witness_kind kind, visor_mono now)
{
    return (struct visor_event_witness){.kind = kind,
                                        .stamp = {.raw = now, .by = VISOR_STAMPER_DAEMON}};
}

/* How much has been stolen since this was asked last; false: it cannot be told. */
static bool read_steal(struct visor_witnesses *witnesses, visor_mono now, int64_t *amount_ns)
{
    int64_t before = witnesses->stolen_ns;

    if (witnesses->stat < 0 || !visor_steal_read(witnesses->stat, &witnesses->stolen_ns))
        return false;
    witnesses->stat_at = visor_mono_add(now, STEAL_EVERY_NS);
    *amount_ns = witnesses->stolen_ns > before ? witnesses->stolen_ns - before : 0;
    return true;
}

/* Only a wake-up that came late asks who has had the CPU. */
static void look_at_lateness(struct visor_witnesses *witnesses, visor_mono now, visor_mono due)
{
    struct visor_event_witness late = witness_of(VISOR_WITNESS_TIMER, now);
    struct visor_event_witness steal = witness_of(VISOR_WITNESS_STEAL, now);
    bool first = !witnesses->late_told;

    late.amount_ns = due.ns == INT64_MAX ? 0 : visor_mono_diff(now, due);
    if (first || late.amount_ns >= LATE_NS) {
        witnesses->late_told = true;
        late.amount_ns = first ? 0 : late.amount_ns;
        if (read_steal(witnesses, now, &steal.amount_ns)) {
            steal.amount_ns = first ? 0 : steal.amount_ns;
            tell_engine(witnesses, &steal);
        }
        tell_engine(witnesses, &late);
    } else if (witnesses->stat >= 0 && !visor_mono_before(now, witnesses->stat_at)) {
        (void)read_steal(witnesses, now, &steal.amount_ns); /* what was long ago does not count */
    }
}

static void look_at_tsc(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_event_witness witness;
    char before[VISOR_CLOCKSOURCE_NAME];

    if (!visor_tscwatch_due(&witnesses->tsc, now))
        return;
    memcpy(before, witnesses->tsc.clocksource, sizeof(before));
    if (visor_tscwatch_look(&witnesses->tsc, now, &witness)) {
        if (before[0])
            visor_log_write(witnesses->daemon->log, VISOR_SEVERITY_WARNING,
                            _("The kernel's clocksource is now %s, and was %s"),
                            witnesses->tsc.clocksource, before);
        tell_engine(witnesses, &witness);
    }
    if (visor_tscwatch_compare(&witnesses->tsc, now, &witness))
        tell_engine(witnesses, &witness);
}

static void tell_steps(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_event_witness witness = witness_of(VISOR_WITNESS_CANCELLED_TIMER, now);

    witness.marker = witnesses->steps;
    tell_engine(witnesses, &witness);
}

void visor_witnesses_stepped(struct visor_witnesses *witnesses)
{
    if (witnesses && witnesses->stepwatch >= 0)
        (void)visor_stepwatch_take(witnesses->stepwatch);
}

static void open_cpu(struct visor_witnesses *witnesses)
{
    int64_t amount_ns;

    visor_tscwatch_init(&witnesses->tsc, "");
    witnesses->stepwatch = visor_stepwatch_open();
    if (visor_facts_is_virtual())
        witnesses->stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    (void)read_steal(witnesses, visor_clock_raw(), &amount_ns);
}

/* ---- PHC ---- */

static void look_at_phc(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_log *log = witnesses->daemon->log;
    struct visor_event_witness witness;

    if (visor_phcwatch_look(&witnesses->phc, now, &witnesses->daemon->stamps, &witness))
        tell_engine(witnesses, &witness);
    if (witnesses->phc.error == witnesses->phc_said)
        return;
    witnesses->phc_said = witnesses->phc.error;
    if (witnesses->phc.error)
        visor_log_write(log, VISOR_SEVERITY_WARNING, _("Could not read the PTP clock %s (%s) : %s"),
                        witnesses->phc.config.parameter, witnesses->phc.name,
                        strerror(witnesses->phc.error));
    else
        visor_log_write(log, VISOR_SEVERITY_INFO, _("The PTP clock %s (%s) can be read again"),
                        witnesses->phc.config.parameter, witnesses->phc.name);
}

static void open_phc(struct visor_witnesses *witnesses, enum visor_witness_mode mode)
{
    struct visor_event_witness lost;

    visor_phcwatch_init(&witnesses->phc, mode == VISOR_WITNESS_OFF ? NULL : "",
                        mode == VISOR_WITNESS_ON);
    (void)visor_phcwatch_look(&witnesses->phc, visor_clock_raw(), &witnesses->daemon->stamps,
                              &lost); /* that opens it */
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
    witnesses->stepwatch = witnesses->stat = witnesses->tsc.source = -1;
    visor_vmclock_device_init(&witnesses->vmclock, NULL);
    if (config->witness_vmclock != VISOR_WITNESS_OFF)
        visor_vmclock_device_open(&witnesses->vmclock, visor_clock_raw());
    else
        witnesses->vmclock.next.ns = INT64_MAX;
    visor_vmgenid_init(&witnesses->vmgenid,
                       config->witness_vmgenid != VISOR_WITNESS_OFF ? "" : NULL);
    witnesses->vmclock_described = visor_facts_has_vmclock("");
    say_vmgenid(witnesses);
    open_phc(witnesses, config->witness_phc);
    if (config->witness_cpu != VISOR_WITNESS_OFF)
        open_cpu(witnesses);
    return witnesses;
}

void visor_witnesses_free(struct visor_witnesses *witnesses)
{
    if (!witnesses)
        return;
    visor_vmclock_device_done(&witnesses->vmclock);
    visor_vmgenid_done(&witnesses->vmgenid);
    visor_phcwatch_done(&witnesses->phc);
    visor_tscwatch_done(&witnesses->tsc);
    if (witnesses->stepwatch >= 0)
        close(witnesses->stepwatch);
    if (witnesses->stat >= 0)
        close(witnesses->stat);
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
    if (witnesses->stepwatch >= 0)
        fds[count++] = witnesses->stepwatch;
    return count;
}

visor_mono visor_witnesses_deadline(const struct visor_witnesses *witnesses)
{
    visor_mono earliest, next;

    if (!witnesses)
        return (visor_mono){INT64_MAX};
    earliest = visor_vmclock_device_deadline(&witnesses->vmclock);
    next = visor_vmgenid_deadline(&witnesses->vmgenid, witnesses->looked);
    earliest = visor_mono_before(next, earliest) ? next : earliest;
    next = visor_phcwatch_deadline(&witnesses->phc);
    return visor_mono_before(next, earliest) ? next : earliest;
}

void visor_witnesses_readable(struct visor_witnesses *witnesses, int fd)
{
    visor_mono now = visor_clock_raw();

    if (fd == visor_vmclock_device_fd(&witnesses->vmclock)) {
        visor_vmclock_device_readable(&witnesses->vmclock);
        look_at_vmclock(witnesses, now);
    } else if (fd == witnesses->stepwatch) {
        if (visor_stepwatch_take(fd)) { /* the step itself was read back at this wake-up already */
            witnesses->steps++;
            tell_steps(witnesses, now);
        }
    } else {
        look_at_vmgenid(witnesses, now);
    }
}

/* ---- coverage ---- */

#define RTC_LONG_NS 300000000            /* it is read four times a second, and again */
#define RTC_NS      (3 * VISOR_NS_PER_S) /* if the pause has swallowed an edge: see port/rtc.c */
#define LOOK_NS     (VISOR_NS_PER_S / 4)

/* What is looked at whenever the loop is awake: as often as that is sure to be. */
static int64_t awake_ns(const struct visor_daemon *daemon)
{
    if (visor_rtc_service_fd(daemon->rtc) >= 0 || visor_rtc_service_polls(daemon->rtc))
        return VISOR_NS_PER_S;
    return daemon->segment.path[0] ? COVER_EVERY_NS + VISOR_NS_PER_S : VISOR_NS_MAX;
}

/* Who is there and works. */
static size_t find_lookouts(const struct visor_witnesses *witnesses,
                            struct visor_lookout lookouts[LOOKOUTS])
{
    const struct visor_vmclock_device *vmclock = &witnesses->vmclock;
    int64_t awake = awake_ns(witnesses->daemon);
    size_t count = 0;

    lookouts[count++] = (struct visor_lookout){
        .kind = VISOR_WITNESS_RTC, .within_ns = RTC_NS, .long_ns = RTC_LONG_NS, .timed = true};
    if (vmclock->state == VISOR_VMCLOCK_SOUND && vmclock->page)
        lookouts[count++] = (struct visor_lookout){.kind = VISOR_WITNESS_VMCLOCK,
                                                   .within_ns = vmclock->notifies ? 0 : LOOK_NS,
                                                   .timed = vmclock->timed};
    if (visor_vmgenid_listens(&witnesses->vmgenid) || witnesses->counted)
        lookouts[count++] = (struct visor_lookout){.kind = VISOR_WITNESS_VMGENID};
    if (witnesses->phc.name[0] && !witnesses->phc.error)
        lookouts[count++] =
            (struct visor_lookout){.kind = VISOR_WITNESS_PHC, .within_ns = LOOK_NS, .timed = true};
    if (witnesses->daemon->has_boottime)
        lookouts[count++] =
            (struct visor_lookout){.kind = VISOR_WITNESS_BOOTTIME, .within_ns = awake};
    if (witnesses->tsc.clocksource[0])
        lookouts[count++] =
            (struct visor_lookout){.kind = VISOR_WITNESS_CLOCKSOURCE, .within_ns = awake};
    if (witnesses->stepwatch >= 0)
        lookouts[count++] = (struct visor_lookout){.kind = VISOR_WITNESS_CANCELLED_TIMER};
    if (witnesses->late_told)
        lookouts[count++] = (struct visor_lookout){.kind = VISOR_WITNESS_TIMER};
    return count;
}

static void cover(const struct visor_witnesses *witnesses,
                  struct visor_coverage coverage[VISOR_HAPPENINGS])
{
    struct visor_lookout lookouts[LOOKOUTS];
    size_t count = find_lookouts(witnesses, lookouts);

    visor_engine_coverage(witnesses->daemon->engine, lookouts, count, coverage);
}

/* The clock segment says, too, how long a stall could go by unseen. */
static void tell_segment(struct visor_witnesses *witnesses, visor_mono now)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];

    if (!witnesses->daemon->segment.path[0] || visor_mono_before(now, witnesses->covered))
        return;
    witnesses->covered = visor_mono_add(now, COVER_EVERY_NS);
    cover(witnesses, coverage);
    witnesses->daemon->segment.blind_ns = coverage[VISOR_HAPPENS_PAUSE].within_ns;
}

void visor_witnesses_look(struct visor_witnesses *witnesses, visor_mono due)
{
    visor_mono now;

    if (!witnesses)
        return;
    now = witnesses->looked = visor_clock_raw();
    look_at_vmclock(witnesses, now);
    if (!witnesses->vmgenid.told)
        look_at_vmgenid(witnesses, now);
    look_at_phc(witnesses, now);
    if (witnesses->daemon->config->witness_cpu != VISOR_WITNESS_OFF) {
        if (!witnesses->late_told && witnesses->stepwatch >= 0)
            tell_steps(witnesses, now);
        look_at_lateness(witnesses, now, due);
        look_at_tsc(witnesses, now);
    }
    tell_segment(witnesses, now);
}

/* ---- what is told of it ---- */

static json_t *seconds(int64_t ns)
{
    return ns == VISOR_NS_MAX ? json_null() : json_real(visor_seconds_from_ns(ns));
}

static json_t *coverage_json(const struct visor_coverage *coverage)
{
    static const char *const names[VISOR_HAPPENINGS] = {
        [VISOR_HAPPENS_LONG_PAUSE] = "long-pause",
        [VISOR_HAPPENS_PAUSE] = "pause",
        [VISOR_HAPPENS_MIGRATION] = "migration",
        [VISOR_HAPPENS_RESTORE] = "restore",
        [VISOR_HAPPENS_SUSPEND] = "suspend",
        [VISOR_HAPPENS_STARVATION] = "starvation",
        [VISOR_HAPPENS_STEP] = "step",
        [VISOR_HAPPENS_CLOCKSOURCE] = "clocksource",
    };
    json_t *array = json_array();

    for (int i = 0; i < VISOR_HAPPENINGS; i++) {
        json_t *by = visor_statusjson_witnesses(coverage[i].by & ~(1u << VISOR_WITNESS_NEAR));

        if (coverage[i].by & 1u << VISOR_WITNESS_NEAR)
            json_array_append_new(by, json_string("source"));
        json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "event", names[i], "within_s",
                                               seconds(coverage[i].within_ns), "by", by));
    }
    return array;
}

/* A device: there, and does it work? */
static json_t *device_json(const char *witness, const char *device, const char *state)
{
    return json_pack("{s:s, s:s, s:s}", "witness", witness, "device", device, "state", state);
}

static json_t *devices_json(const struct visor_witnesses *witnesses)
{
    static const char *const vmclock[] = {
        [VISOR_VMCLOCK_ABSENT] = "unreadable",
        [VISOR_VMCLOCK_SOUND] = "working",
        [VISOR_VMCLOCK_STUCK] = "stuck",
        [VISOR_VMCLOCK_INVALID] = "invalid",
    };
    json_t *array = json_array();

    if (visor_rtc_service_polls(witnesses->daemon->rtc))
        json_array_append_new(array, device_json("rtc", "/sys/class/rtc/rtc0", "polled"));
    if (!witnesses->vmclock.path[0] && witnesses->vmclock_described)
        json_array_append_new(array, device_json("vmclock", "", "undriven"));
    if (witnesses->vmclock.path[0])
        json_array_append_new(array, device_json("vmclock", witnesses->vmclock.path,
                                                 vmclock[witnesses->vmclock.state]));
    if (witnesses->vmgenid.described)
        json_array_append_new(array,
                              device_json("vmgenid", "",
                                          visor_vmgenid_listens(&witnesses->vmgenid) ? "working"
                                          : witnesses->vmgenid.driven                ? "unreadable"
                                                                                     : "undriven"));
    if (witnesses->phc.name[0])
        json_array_append_new(array, device_json("phc", witnesses->phc.config.parameter,
                                                 witnesses->phc.error ? "unreadable" : "working"));
    return array;
}

static json_t *tsc_json(const struct visor_tscwatch *watch)
{
    static const char *const verdicts[] = {
        [VISOR_TSC_TRUSTWORTHY] = "trustworthy", [VISOR_TSC_UNTRIED] = "untried",
        [VISOR_TSC_ABSENT] = "absent",           [VISOR_TSC_REJECTED] = "rejected",
        [VISOR_TSC_INCONSTANT] = "inconstant",   [VISOR_TSC_JUMPED] = "jumped",
    };
    double hz = 0.0, error_hz = 0.0;
    bool known = visor_tscwatch_rate(watch, &hz, &error_hz);

    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i}", "clocksource", watch->clocksource, "verdict",
                     verdicts[visor_tscwatch_verdict(watch)], "frequency_hz",
                     known ? json_real(hz) : json_null(), "error_hz",
                     known ? json_real(error_hz) : json_null(), "jumps", (int)watch->jumps,
                     "clocksource_changes", (int)watch->changes);
}

json_t *visor_witnesses_json(const struct visor_witnesses *witnesses)
{
    struct visor_coverage coverage[VISOR_HAPPENINGS];

    if (!witnesses)
        return NULL;
    cover(witnesses, coverage);
    return json_pack("{s:o, s:o, s:o, s:o}", "blind_s",
                     seconds(coverage[VISOR_HAPPENS_PAUSE].within_ns), "events",
                     coverage_json(coverage), "devices", devices_json(witnesses), "tsc",
                     tsc_json(&witnesses->tsc));
}
