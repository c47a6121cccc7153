/* libvirt domains: the clock element, the timers in it, and what makes a guest's time stop or jump.
 */
#include "advise/groups.h"

#include <string.h>

#define XML    VISOR_KIND_LIBVIRT
#define FORMAT "libvirt, Domain XML format, Time keeping"

static const struct visor_node *domain_of(const struct visor_check *check)
{
    const struct visor_node *node = visor_node_child(check->document->root, "domain");

    for (node = node ? node : check->document->root->first;
         node && strcmp(node->name, "domain") != 0;)
        node = visor_node_next(node);
    return node;
}

static const struct visor_node *clock_of(const struct visor_check *check)
{
    return visor_node_child(domain_of(check), "clock");
}

static const struct visor_node *timer_named(const struct visor_check *check, const char *name)
{
    const struct visor_node *timer = visor_node_child(clock_of(check), "timer");

    while (timer && strcmp(visor_node_text(timer, "@name"), name) != 0)
        timer = visor_node_again(timer);
    return timer;
}

static bool is_off(const struct visor_node *timer)
{
    return strcmp(visor_node_text(timer, "@present"), "no") == 0;
}

/* KVM or QEMU, and a whole guest: with a name and devices, not an excerpt. */
static bool is_qemu(const struct visor_check *check)
{
    const char *type = visor_node_text(domain_of(check), "@type");

    return strcmp(type, "kvm") == 0 || strcmp(type, "qemu") == 0;
}

static bool is_whole(const struct visor_check *check)
{
    return !check->document->incomplete && visor_node_child(domain_of(check), "devices");
}

/* What libosinfo calls the guest's system, in the metadata: "http://microsoft.com/win/2k22", …
 * "" if it says nothing. */
static const char *system_of(const struct visor_check *check)
{
    const struct visor_node *metadata = visor_node_child(domain_of(check), "metadata");
    const struct visor_node *node = metadata ? visor_node_next_below(metadata, metadata) : NULL;

    for (; node; node = visor_node_next_below(node, metadata))
        if (strcmp(node->name, "@id") == 0 && visor_contains(node->value, "://"))
            return node->value;
    return "";
}

/* "win10", "win-dc1", "winsrv", but not "winter". */
static bool is_windows_name(const char *name)
{
    const char *behind = name + 3;

    if (visor_contains(name, "windows"))
        return true;
    return visor_begins(name, "win") &&
           (!*behind || strchr("0123456789-_.", *behind) || visor_begins(behind, "srv") ||
            visor_begins(behind, "server") || visor_same(behind, "xp"));
}

/* By libosinfo's id; without it by the name, or by Hyper-V enlightenments. */
static bool is_windows(const struct visor_check *check)
{
    const struct visor_node *domain = domain_of(check);
    const char *system = system_of(check);

    if (*system)
        return visor_contains(system, "microsoft.com/win");
    return is_windows_name(visor_node_text(domain, "name")) ||
           visor_node_path(domain, "features/hyperv");
}

static void check_no_clock(struct visor_check *check)
{
    const struct visor_node *domain = domain_of(check);

    if (domain && is_whole(check) && is_qemu(check) && !clock_of(check))
        visor_check_found(check, domain, "clock: none");
}

static void check_windows_hypervclock(struct visor_check *check)
{
    const struct visor_node *timer = timer_named(check, "hypervclock");

    if (domain_of(check) && is_whole(check) && is_qemu(check) && is_windows(check) &&
        (!timer || is_off(timer)))
        visor_check_found(check,
                          timer             ? timer
                          : clock_of(check) ? clock_of(check)
                                            : domain_of(check),
                          "hypervclock: %s", timer ? "no" : "none");
}

static void check_windows_offset(struct visor_check *check)
{
    const struct visor_node *clock = clock_of(check);

    if (clock && is_windows(check) && strcmp(visor_node_text(clock, "@offset"), "utc") == 0)
        visor_check_found(check, clock, "offset='utc'");
}

static void check_linux_localtime(struct visor_check *check)
{
    const struct visor_node *clock = clock_of(check);

    if (clock && is_whole(check) && !is_windows(check) &&
        !visor_contains(system_of(check), "microsoft.com/") /* DOS wants it, too */ &&
        strcmp(visor_node_text(clock, "@offset"), "localtime") == 0)
        visor_check_found(check, clock, "offset='localtime'");
}

static void check_variable(struct visor_check *check)
{
    const struct visor_node *clock = clock_of(check);
    const char *adjustment = visor_node_text(clock, "@adjustment");

    if (clock && strcmp(visor_node_text(clock, "@offset"), "variable") == 0 && *adjustment &&
        strcmp(adjustment, "0") != 0 && strcmp(adjustment, "reset") != 0)
        visor_check_found(check, clock, "offset='variable' adjustment='%s'", adjustment);
}

static void check_absolute(struct visor_check *check)
{
    const struct visor_node *clock = clock_of(check);

    if (clock && strcmp(visor_node_text(clock, "@offset"), "absolute") == 0)
        visor_check_found(check, clock, "offset='absolute' start='%s'",
                          visor_node_text(clock, "@start"));
}

static void check_kvmclock_off(struct visor_check *check)
{
    const struct visor_node *timer = timer_named(check, "kvmclock");

    if (timer && is_off(timer) && !is_windows(check))
        visor_check_found(check, timer, "kvmclock present='no'");
}

static void check_hpet(struct visor_check *check)
{
    const struct visor_node *timer = timer_named(check, "hpet");

    if (timer && !is_off(timer) && !is_windows(check))
        visor_check_found(check, timer, "hpet present='yes'");
}

static bool is_policy(const char *policy)
{
    return strcmp(policy, "delay") == 0 || strcmp(policy, "catchup") == 0 ||
           strcmp(policy, "merge") == 0 || strcmp(policy, "discard") == 0;
}

static void check_policy(struct visor_check *check, const char *name, const char *wanted)
{
    const struct visor_node *timer = timer_named(check, name);
    const char *policy = visor_node_text(timer, "@tickpolicy");

    if (timer && !is_off(timer) && is_policy(policy) && strcmp(policy, wanted) != 0)
        visor_check_found(check, timer, "%s tickpolicy='%s'", name, policy);
}

static void check_pit(struct visor_check *check)
{
    check_policy(check, "pit", "delay");
}

static void check_rtc(struct visor_check *check)
{
    check_policy(check, "rtc", "catchup");
}

static void check_no_such_policy(struct visor_check *check)
{
    const struct visor_node *timer = visor_node_child(clock_of(check), "timer");

    for (; timer; timer = visor_node_again(timer)) {
        const char *policy = visor_node_text(timer, "@tickpolicy");

        if (*policy && !is_policy(policy))
            visor_check_found(check, timer, "tickpolicy='%s'", policy);
    }
}

static void check_no_such_timer(struct visor_check *check)
{
    static const char *const known[] = {"platform", "pit",      "rtc",         "hpet",
                                        "tsc",      "kvmclock", "hypervclock", "armvtimer"};
    const struct visor_node *timer = visor_node_child(clock_of(check), "timer");

    for (; timer; timer = visor_node_again(timer)) {
        const char *name = visor_node_text(timer, "@name");
        bool found = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || strcmp(name, known[i]) == 0;
        if (!found)
            visor_check_found(check, timer, "timer name='%s'", name);
    }
}

static void check_tsc_hotplug(struct visor_check *check)
{
    const struct visor_node *timer = timer_named(check, "tsc");
    const struct visor_node *vcpu = visor_node_child(domain_of(check), "vcpu");
    const char *current = visor_node_text(vcpu, "@current");

    if (timer && *visor_node_text(timer, "@frequency") && *current &&
        strcmp(current, vcpu->value) != 0)
        visor_check_found(check, timer, "tsc frequency='%s'; vcpu current='%s' of %s",
                          visor_node_text(timer, "@frequency"), current, vcpu->value);
}

static const struct visor_node *feature(const struct visor_check *check, const char *name)
{
    const struct visor_node *node =
        visor_node_child(visor_node_child(domain_of(check), "cpu"), "feature");

    while (node && strcmp(visor_node_text(node, "@name"), name) != 0)
        node = visor_node_again(node);
    return node;
}

static void check_invtsc(struct visor_check *check)
{
    const struct visor_node *invtsc = feature(check, "invtsc");
    const char *policy = visor_node_text(invtsc, "@policy");

    if (!*policy)
        policy = "require"; /* libvirt's default */
    if (invtsc && (strcmp(policy, "require") == 0 || strcmp(policy, "force") == 0) &&
        !*visor_node_text(timer_named(check, "tsc"), "@frequency"))
        visor_check_found(check, invtsc, "invtsc policy='%s'; tsc frequency: none", policy);
}

static void check_emulated(struct visor_check *check)
{
    const struct visor_node *domain = domain_of(check);

    if (domain && strcmp(visor_node_text(domain, "@type"), "qemu") == 0 && is_whole(check))
        visor_check_found(check, domain, "type='qemu'");
}

static void check_nic(struct visor_check *check)
{
    const struct visor_node *devices = visor_node_child(domain_of(check), "devices");
    const struct visor_node *interface = visor_node_child(devices, "interface");

    for (; interface; interface = visor_node_again(interface)) {
        const char *model = visor_node_text(visor_node_child(interface, "model"), "@type");

        if (visor_begins(model, "e1000") || strcmp(model, "rtl8139") == 0 ||
            strcmp(model, "ne2k_pci") == 0 || strcmp(model, "pcnet") == 0)
            visor_check_found(check, visor_node_child(interface, "model"), "model type='%s'",
                              model);
    }
}

static void check_suspend(struct visor_check *check)
{
    const struct visor_node *power = visor_node_child(domain_of(check), "pm");
    const struct visor_node *memory = visor_node_child(power, "suspend-to-mem");

    if (memory && strcmp(visor_node_text(memory, "@enabled"), "yes") == 0)
        visor_check_found(check, memory, "suspend-to-mem enabled='yes'");
}

static void check_agent(struct visor_check *check)
{
    const struct visor_node *devices = visor_node_child(domain_of(check), "devices");
    const struct visor_node *channel = visor_node_child(devices, "channel");

    for (; channel; channel = visor_node_again(channel))
        if (strcmp(visor_node_text(visor_node_child(channel, "target"), "@name"),
                   "org.qemu.guest_agent.0") == 0)
            return;
    if (domain_of(check) && is_whole(check) && is_qemu(check))
        visor_check_found(check, devices, "channel org.qemu.guest_agent.0: none");
}

static void check_genid(struct visor_check *check)
{
    const struct visor_node *domain = domain_of(check);

    if (domain && is_whole(check) && is_qemu(check) && !visor_node_child(domain, "genid"))
        visor_check_found(check, domain, "genid: none");
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-KVM-001",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The domain says nothing of its clock"),
        .why = N_("What the guest gets then depends on libvirt's and QEMU's defaults, which differ "
                  "between "
                  "versions and machine types: an HPET in some, lost ticks not caught up."),
        .fix = "+<clock offset='utc'>\n+  <timer name='rtc' tickpolicy='catchup'/>\n"
               "+  <timer name='pit' tickpolicy='delay'/>\n+  <timer name='hpet' "
               "present='no'/>\n+</clock>",
        .source = FORMAT "; virt-install writes this for Linux guests",
        .check = check_no_clock,
    },
    {
        .id = "TV-KVM-002",
        .kinds = XML,
        .severity = VISOR_ORANGE,
        .what = N_("A Windows guest has no Hyper-V clock"),
        .why = N_(
            "Windows then reads the time from emulated devices: each reading leaves the guest, its "
            "processors are busier, and under load it loses ticks."),
        .fix = "+<timer name='hypervclock' present='yes'/>",
        .source = FORMAT ", hypervclock; QEMU, Hyper-V Enlightenments: hv-time",
        .check = check_windows_hypervclock,
    },
    {
        .id = "TV-KVM-003",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("A Windows guest gets its real-time clock in UTC"),
        .why = N_("Windows takes it for local time, and starts wrong by the offset of its time "
                  "zone until it "
                  "has synchronized; unless RealTimeIsUniversal is set in its registry."),
        .fix = "-<clock offset='utc'>\n+<clock offset='localtime'>",
        .source = FORMAT ", offset: localtime for Windows",
        .check = check_windows_offset,
    },
    {
        .id = "TV-KVM-004",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The guest gets its real-time clock in local time"),
        .why = N_(
            "Linux takes it for UTC: the clock starts wrong by the offset of the zone, and twice a "
            "year by another hour."),
        .fix = "-<clock offset='localtime'>\n+<clock offset='utc'>",
        .source = FORMAT ", offset",
        .check = check_linux_localtime,
    },
    {
        .id = "TV-KVM-005",
        .kinds = XML,
        .severity = VISOR_NOTE,
        .what = N_("The guest's real-time clock has an offset of its own (variable)"),
        .why = N_("It is kept from the last time that the guest set it: a guest that once had a "
                  "wrong time "
                  "starts with it again, and as a witness of pauses it is as wrong."),
        .fix = "-<clock offset='variable' adjustment='-28800'>\n+<clock offset='utc'>",
        .source = FORMAT ", offset: variable",
        .check = check_variable,
    },
    {
        .id = "TV-KVM-006",
        .kinds = XML,
        .severity = VISOR_ORANGE,
        .what = N_("The guest always starts at one fixed moment (offset absolute)"),
        .why = N_("Each start begins in the past; certificates and tokens fail until it is "
                  "synchronized."),
        .fix = "-<clock offset='absolute' start='0'>\n+<clock offset='utc'>",
        .source = FORMAT ", offset: absolute",
        .check = check_absolute,
    },
    {
        .id = "TV-KVM-007",
        .kinds = XML,
        .severity = VISOR_ORANGE,
        .what = N_("The paravirtual clock is kept from the guest (kvmclock present='no')"),
        .why = N_("Without an invariant TSC the guest falls back to hpet or acpi_pm: each reading "
                  "of the time "
                  "leaves the guest; and it does not learn of a new TSC rate after a migration."),
        .fix = "-<timer name='kvmclock' present='no'/>",
        .source = FORMAT ", kvmclock; Linux, virt/kvm/x86/timekeeping",
        .check = check_kvmclock_off,
    },
    {
        .id = "TV-KVM-008",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The guest has an HPET"),
        .why = N_("It is emulated outside the kernel, loses ticks under load and tempts old "
                  "kernels to choose "
                  "it as clocksource; neither Linux nor Windows with hypervclock needs it."),
        .fix = "-<timer name='hpet' present='yes'/>\n+<timer name='hpet' present='no'/>",
        .source = FORMAT ", hpet; virt-install switches it off",
        .check = check_hpet,
    },
    {
        .id = "TV-KVM-009",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The programmable timer's lost ticks are not simply delayed (pit tickpolicy)"),
        .why = N_("A modern guest counts no ticks of it: catching up or dropping them makes its "
                  "interrupts "
                  "come in bursts or not at all."),
        .fix = "-<timer name='pit' tickpolicy='catchup'/>\n+<timer name='pit' tickpolicy='delay'/>",
        .source = FORMAT ", tickpolicy: delay for pit",
        .check = check_pit,
    },
    {
        .id = "TV-KVM-010",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("Lost interrupts of the real-time clock are not caught up (rtc tickpolicy)"),
        .why = N_("A guest that keeps time by them, as Windows does without hypervclock, falls "
                  "behind with "
                  "each one lost."),
        .fix = "-<timer name='rtc' tickpolicy='delay'/>\n+<timer name='rtc' tickpolicy='catchup'/>",
        .source = FORMAT ", tickpolicy: catchup for rtc",
        .check = check_rtc,
    },
    {
        .id = "TV-KVM-011",
        .kinds = XML,
        .severity = VISOR_RED,
        .what = N_("There is no such tickpolicy"),
        .why = N_("libvirt refuses the domain; it knows delay, catchup, merge and discard."),
        .fix = "-tickpolicy='slew'\n+tickpolicy='catchup'",
        .source = FORMAT ", tickpolicy",
        .check = check_no_such_policy,
    },
    {
        .id = "TV-KVM-012",
        .kinds = XML,
        .severity = VISOR_RED,
        .what = N_("There is no such timer"),
        .why = N_("libvirt refuses the domain. The paravirtual clock of KVM is called kvmclock "
                  "here, though "
                  "kvm-clock in the guest."),
        .fix = "-<timer name='kvm-clock' present='yes'/>\n+<timer name='kvmclock' present='yes'/>",
        .source = FORMAT ", timer",
        .check = check_no_such_timer,
    },
    {
        .id = "TV-KVM-013",
        .kinds = XML,
        .severity = VISOR_ORANGE,
        .what =
            N_("The TSC has a fixed frequency, and processors may be added while the guest runs"),
        .why = N_(
            "A processor that comes later gets another TSC: the guest's time jumps, or it hangs."),
        .fix = "-<vcpu current='2'>8</vcpu>\n+<vcpu>8</vcpu>",
        .source = "QEMU and libvirt bug reports on tsc-frequency with CPU hot-plug",
        .check = check_tsc_hotplug,
    },
    {
        .id = "TV-KVM-014",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what =
            N_("An invariant TSC is demanded without its frequency: the guest cannot be migrated"),
        .why = N_(
            "QEMU blocks the migration, since the new host's TSC may have another rate. With the "
            "frequency named, hosts that can scale take it."),
        .fix = "+<timer name='tsc' frequency='2100000000'/>",
        .source = "QEMU, target/i386: invtsc is not migratable without tsc-frequency",
        .check = check_invtsc,
    },
    {
        .id = "TV-KVM-015",
        .kinds = XML,
        .severity = VISOR_ORANGE,
        .what = N_("The guest is emulated in software (type qemu), not run by KVM"),
        .why = N_("Its TSC is a calculation: calibration was seen to be wrong by 700 ppm, and "
                  "every interrupt "
                  "may be late by milliseconds."),
        .fix = "-<domain type='qemu'>\n+<domain type='kvm'>",
        .source = "measured: a Debian 12 guest under QEMU 7.2, -0.7 ms each second",
        .check = check_emulated,
    },
    {
        .id = "TV-KVM-016",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The network card is an emulated one"),
        .why = N_("Each packet costs several exits, so that its stamps vary by tens of "
                  "microseconds more than "
                  "with virtio, and more under load."),
        .fix = "-<model type='e1000'/>\n+<model type='virtio'/>",
        .source = "libvirt, Domain XML format, Network interfaces: model virtio",
        .check = check_nic,
    },
    {
        .id = "TV-KVM-017",
        .kinds = XML,
        .severity = VISOR_YELLOW,
        .what = N_("The guest may be suspended to memory"),
        .why = N_("A virtual machine that sleeps comes back with the time at which it fell asleep; "
                  "a server "
                  "has no reason to."),
        .fix = "-<suspend-to-mem enabled='yes'/>\n+<suspend-to-mem enabled='no'/>",
        .source = "libvirt, Domain XML format, Power Management",
        .check = check_suspend,
    },
    {
        .id = "TV-KVM-018",
        .kinds = XML,
        .severity = VISOR_NOTE,
        .what = N_("There is no channel for the guest agent"),
        .why = N_("The host then cannot set the guest's clock after a pause (virsh domtime "
                  "--sync), nor ask "
                  "for it."),
        .fix = "+<channel type='unix'>\n+  <target type='virtio' "
               "name='org.qemu.guest_agent.0'/>\n+</channel>",
        .source = "virsh(1), domtime; QEMU guest agent, guest-set-time",
        .check = check_agent,
    },
    {
        .id = "TV-KVM-019",
        .kinds = XML,
        .severity = VISOR_NOTE,
        .what = N_("The guest is not told when a snapshot of it is restored (no genid)"),
        .why = N_(
            "It goes on with an old clock, old random numbers and old leases and cannot know; with "
            "VMGENID, Linux 5.18 and later learn of it at once."),
        .fix = "+<genid/>",
        .source = "libvirt, Domain XML format, genid; Linux, drivers/virt/vmgenid.c",
        .check = check_genid,
    },
};

const struct visor_rules visor_rules_libvirt = VISOR_RULES(rules);
