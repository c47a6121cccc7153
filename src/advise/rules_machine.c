/* Machines: what the doctor finds in the facts. A predicate is called only where its topic could be
 * looked at, or says for itself what it needs. */
#include "advise/boot.h"
#include "advise/groups.h"
#include "advise/topic.h"

#include <string.h>

#define MACHINE    VISOR_KIND_MACHINE
#define STA_UNSYNC 0x40
#define FOUND(...) visor_check_found(check, NULL, __VA_ARGS__)
#define MEASURED_READ                                                                              \
    "measured: 29-34 ns through the vDSO, 147 ns by a system call, microseconds with an exit"

static bool is_virtual(const struct visor_facts *f)
{
    return f->hypervisor != VISOR_HYPERVISOR_NONE;
}

static bool is_contained(const struct visor_facts *f)
{
    return f->container[0] != 0;
}

/* A container that cannot set the clock has its host's time, and its host's witnesses. */
static bool is_guest_of_host(const struct visor_facts *f)
{
    return is_contained(f) && !f->cap_sys_time;
}

static unsigned count_steering(const struct visor_facts *f)
{
    unsigned count = 0;

    for (size_t i = 0; i < f->daemon_count;
         i++) /* agents set the clock only when they are told to */
        count += f->daemons[i].steers && strcmp(f->daemons[i].name, "vmtoolsd") != 0 &&
                 strcmp(f->daemons[i].name, "qemu-ga") != 0 &&
                 strcmp(f->daemons[i].name, "phc2sys") != 0 &&
                 strcmp(f->daemons[i].name, "VBoxService") != 0;
    return count;
}

static const struct visor_facts_device *clock_named(const struct visor_facts *f, const char *name)
{
    for (size_t i = 0; i < f->phc_count; i++)
        if (visor_begins(f->phcs[i].name, name))
            return &f->phcs[i];
    return NULL;
}

static bool has_source(const struct visor_facts *f, const char *directive, const char *name)
{
    for (size_t i = 0; i < f->source_count; i++)
        if (strcmp(f->sources[i].directive, directive) == 0 &&
            visor_begins(f->sources[i].name, name))
            return true;
    return false;
}

static void check_slow(struct visor_check *check)
{
    if (visor_boot_is_slow_clocksource(check->facts->clocksource) &&
        !visor_contains(check->facts->clocksource, "jiffies"))
        FOUND("current_clocksource=%s", check->facts->clocksource);
}

static void check_jiffies(struct visor_check *check)
{
    if (visor_contains(check->facts->clocksource, "jiffies"))
        FOUND("current_clocksource=%s", check->facts->clocksource);
}

static void check_exit(struct visor_check *check)
{
    if (strcmp(check->facts->clocksource, "xen") == 0 ||
        strcmp(check->facts->clocksource, "hyperv_clocksource_msr") == 0)
        FOUND("current_clocksource=%s", check->facts->clocksource);
}

static void check_tsc(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (strcmp(f->clocksource, "tsc") == 0 && f->tsc && !(f->constant_tsc && f->nonstop_tsc) &&
        !f->tsc_reliable)
        FOUND("current_clocksource=tsc; constant_tsc: %s, nonstop_tsc: %s",
              f->constant_tsc ? "yes" : "no", f->nonstop_tsc ? "yes" : "no");
}

static void check_scaling(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (f->tsc && !f->constant_tsc && f->scaling_driver[0])
        FOUND("scaling_driver=%s; constant_tsc: no", f->scaling_driver);
}

static void check_steal(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (f->steal_known && f->cpu_s > 60.0 && f->steal_s > 0.05 * f->cpu_s)
        FOUND("steal %.1f s of %.1f s", f->steal_s, f->cpu_s);
}

static void check_no_rtc(struct visor_check *check)
{
    if (is_virtual(check->facts) && check->facts->rtc_count == 0 && check->facts->phc_count == 0 &&
        !is_guest_of_host(check->facts))
        FOUND("/sys/class/rtc: none");
}

static void check_local_rtc(struct visor_check *check)
{
    if (check->facts->rtc_local)
        FOUND("/etc/adjtime: LOCAL");
}

static void check_no_kvm_phc(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    /* AWS has other devices (ENA, vmclock), and no ptp_kvm. */
    if (f->hypervisor == VISOR_HYPERVISOR_KVM && f->cloud != VISOR_CLOUD_AWS && !is_contained(f) &&
        !clock_named(f, "KVM"))
        FOUND("clock_name \"KVM virtual PTP\": none");
}

static void check_no_hyperv_phc(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (f->hypervisor == VISOR_HYPERVISOR_HYPERV && !is_contained(f) && !clock_named(f, "hyperv"))
        FOUND("clock_name \"hyperv\": none");
}

static void check_unused_phc(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;
    const struct visor_facts_device *clock = clock_named(f, "KVM");

    if (!clock)
        clock = clock_named(f, "hyperv");
    if (clock && clock->exists && f->source_count > 0 && !has_source(f, "refclock", "PHC") &&
        !is_contained(f))
        FOUND("%s (%s); refclock PHC: none", clock->device, clock->name);
}

static void check_vmclock(struct visor_check *check)
{
    if (check->facts->vmclock_acpi.described && !check->facts->vmclock_acpi.driven &&
        check->facts->vmclock_count == 0)
        FOUND("ACPI %s; driver: none", check->facts->vmclock_acpi.id);
}

static void check_vmgenid(struct visor_check *check)
{
    if (check->facts->vmgenid.described && !check->facts->vmgenid.driven)
        FOUND("ACPI %s; driver: none", check->facts->vmgenid.id);
}

static void check_no_witness(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (is_virtual(f) && f->rtc_count == 0 && f->phc_count == 0 && f->vmclock_count == 0 &&
        !is_guest_of_host(f))
        FOUND("RTC: none; PHC: none; vmclock: none");
}

static void check_two_daemons(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;
    const char *names[2] = {"", ""};
    unsigned count = 0;

    if (count_steering(f) < 2)
        return;
    for (size_t i = 0; i < f->daemon_count && count < 2; i++)
        if (f->daemons[i].steers)
            names[count++] = f->daemons[i].name;
    /* ptp4l steers a card's clock, phc2sys the system's by it: together they are one */
    if (strcmp(names[0], names[1]) != 0 && strcmp(names[0], "ptp4l") != 0 &&
        strcmp(names[1], "ptp4l") != 0)
        FOUND("%s, %s", names[0], names[1]);
}

static void check_no_daemon(struct visor_check *check)
{
    if (check->facts->live && check->facts->daemon_count == 0 && !is_contained(check->facts))
        FOUND("chronyd, ntpd, systemd-timesyncd, timevisord: none");
}

static void check_daemon_in_container(struct visor_check *check)
{
    if (is_contained(check->facts) && count_steering(check->facts) > 0 &&
        check->facts->cap_sys_time)
        FOUND("container=%s; CAP_SYS_TIME; %s", check->facts->container,
              check->facts->daemons[0].name);
}

static void check_powerless(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (is_guest_of_host(f) && count_steering(f) > 0)
        FOUND("%s (%u); CAP_SYS_TIME: none", f->daemons[0].name, f->daemons[0].pid);
}

static void check_tools(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    for (size_t i = 0; i < f->daemon_count; i++)
        if (strcmp(f->daemons[i].name, "vmtoolsd") == 0 && f->tools_periodic &&
            count_steering(f) > 0)
            FOUND("vmtoolsd (%u); tools.conf: disable-periodic: none", f->daemons[i].pid);
}

static bool runs(const struct visor_facts *f, const char *name)
{
    for (size_t i = 0; i < f->daemon_count; i++)
        if (strcmp(f->daemons[i].name, name) == 0)
            return true;
    return false;
}

static void check_vbox(struct visor_check *check)
{
    if (runs(check->facts, "VBoxService") && count_steering(check->facts) > 0)
        FOUND("VBoxService, %s", check->facts->daemons[0].name);
}

static void check_hyperv_implicit(struct visor_check *check)
{
    if (check->facts->hyperv_sets && count_steering(check->facts) > 0)
        FOUND("/sys/module/hv_utils/parameters/timesync_implicit: Y");
}

static void check_wsl(struct visor_check *check)
{
    if (strcmp(check->facts->container, "wsl") == 0)
        FOUND("%s", check->facts->release);
}

static void check_sntp(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    for (size_t i = 0; i < f->daemon_count; i++)
        if (strcmp(f->daemons[i].name, "systemd-timesyn") == 0 && is_virtual(f))
            FOUND("systemd-timesyncd (%u)", f->daemons[i].pid);
}

static void check_unsynchronized(struct visor_check *check)
{
    if (check->facts->kernel.known && (check->facts->kernel.status & STA_UNSYNC) &&
        count_steering(check->facts) > 0 && !is_guest_of_host(check->facts))
        FOUND("adjtimex: STA_UNSYNC");
}

static void check_unsynchronized_alone(struct visor_check *check)
{
    if (check->facts->kernel.known && (check->facts->kernel.status & STA_UNSYNC) &&
        count_steering(check->facts) == 0)
        FOUND("adjtimex: STA_UNSYNC");
}

static void check_wide(struct visor_check *check)
{
    const struct visor_facts_kernel *kernel = &check->facts->kernel;

    if (kernel->known && !(kernel->status & STA_UNSYNC) && kernel->max_error_us > 1000000)
        FOUND("adjtimex: maxerror %.3f s", (double)kernel->max_error_us * 1e-6);
}

static void check_rate(struct visor_check *check)
{
    const struct visor_facts_kernel *kernel = &check->facts->kernel;

    if (kernel->known && (kernel->frequency_ppm > 200.0 || kernel->frequency_ppm < -200.0))
        FOUND("adjtimex: %.1f ppm", kernel->frequency_ppm);
}

/* (systemd-timesyncd has servers of its distribution built in.) */
static void check_no_source(struct visor_check *check)
{
    if (check->facts->source_count == 0 && !is_contained(check->facts) &&
        !runs(check->facts, "systemd-timesyn"))
        FOUND("chrony.conf, ntp.conf, timesyncd.conf, DHCP: none");
}

static void check_cloud(struct visor_check *check, enum visor_cloud cloud, const char *directive,
                        const char *name)
{
    const struct visor_facts *f = check->facts;

    if (f->cloud == cloud && f->source_count > 0 && !is_contained(f) &&
        !has_source(f, directive, name) && !has_source(f, "refclock", "PHC"))
        FOUND("%s: none", name);
}

static void check_aws(struct visor_check *check)
{
    if (!has_source(check->facts, "server", "fd00:ec2::123"))
        check_cloud(check, VISOR_CLOUD_AWS, "server", "169.254.169.123");
}

static void check_gcp(struct visor_check *check)
{
    check_cloud(check, VISOR_CLOUD_GCP, "server", "metadata.google.internal");
}

static void check_azure(struct visor_check *check)
{
    check_cloud(check, VISOR_CLOUD_AZURE, "refclock", "PHC");
}

static void check_periodic_tick(struct visor_check *check)
{
    if (strcmp(check->facts->tick, "periodic") == 0 && is_virtual(check->facts))
        FOUND("CONFIG_HZ_PERIODIC=y; CONFIG_HZ=%u", check->facts->hz);
}

static void check_no_vdso(struct visor_check *check)
{
    if (check->facts->vdso_known && !check->facts->vdso)
        FOUND("/proc/self/maps: no [vdso]");
}

static void check_card(struct visor_check *check)
{
    for (size_t i = 0; is_virtual(check->facts) && i < check->facts->card_count; i++) {
        const char *driver = check->facts->cards[i].driver;

        if (visor_begins(driver, "e1000") || strcmp(driver, "8139cp") == 0 ||
            strcmp(driver, "pcnet32") == 0 || strcmp(driver, "ne2k-pci") == 0)
            FOUND("%s: %s", check->facts->cards[i].name, driver);
    }
}

static void check_zone(struct visor_check *check)
{
    if (check->facts->zone_known && visor_begins(check->facts->zone, "right/"))
        FOUND("/etc/localtime: %s", check->facts->zone);
}

static void check_other_zone(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    if (f->other_zone[0])
        FOUND("%s: %s; /etc/localtime: %s", f->other_zone_of, f->other_zone, f->zone);
}

static void check_nodes(struct visor_check *check)
{
    const struct visor_facts_nodes *nodes = &check->facts->nodes;

    if (nodes->differ > 0)
        FOUND("%s: %s; /etc/localtime: %s; %u of %u differ", nodes->first, nodes->zone,
              check->facts->zone, nodes->differ, nodes->known);
}

static void check_log(struct visor_check *check)
{
    if (check->facts->log_known && check->facts->log[0])
        FOUND("%s", check->facts->log);
}

#define ON(topic_, severity_)                                                                      \
    .kinds = MACHINE, .topic = VISOR_TOPIC_##topic_, .severity = VISOR_##severity_

static const struct visor_rule rules[] = {
    {.id = "TV-CLOCK-001",
     ON(CLOCKSOURCE, ORANGE),
     .what = N_("Every reading of the time costs a system call, and mostly an exit"),
     .why =
         N_("This clocksource is an emulated device: microseconds in place of 30 ns, for each of "
            "millions of readings a second; and it drifts with the emulation."),
     .fix = "cat /sys/devices/system/clocksource/clocksource0/available_clocksource\n"
            "dmesg | grep -i -e clocksource -e tsc",
     .source = MEASURED_READ,
     .check = check_slow},
    {.id = "TV-CLOCK-002",
     ON(CLOCKSOURCE, RED),
     .what = N_("The kernel counts ticks to know the time"),
     .why = N_(
         "No hardware clock was found good: resolution is one tick, and each tick that is lost is "
         "time that is lost."),
     .fix = "dmesg | grep -i -e clocksource -e tsc",
     .source = "Linux, timers/timekeeping: jiffies has the lowest rating",
     .check = check_jiffies},
    {.id = "TV-CLOCK-003",
     ON(CLOCKSOURCE, YELLOW),
     .what = N_("The clocksource cannot be read through the vDSO"),
     .why = N_("Each reading is a system call: five times dearer. With an invariant TSC, tsc is "
               "the better "
               "choice on Xen; on Hyper-V it is the TSC page."),
     .fix = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
     .source = MEASURED_READ "; AWS, Manage system clock: tsc on Xen instances",
     .check = check_exit},
    {.id = "TV-CLOCK-004",
     ON(TSC, ORANGE),
     .what = N_("The TSC is the clocksource, and it changes its rate or stops"),
     .why = N_("With each change of the processor's frequency, or in idle, the clock runs at "
               "another rate."),
     .fix =
         "-tsc=reliable\n cat /sys/devices/system/clocksource/clocksource0/available_clocksource",
     .source = "Intel SDM 17.17, Invariant TSC",
     .check = check_tsc},
    {.id = "TV-CLOCK-005",
     ON(TSC, YELLOW),
     .what = N_("The processors' frequency is scaled, and the TSC goes with it"),
     .why =
         N_("Without constant_tsc the TSC cannot be a clock, and the kernel takes a slower one."),
     .fix = "cpupower frequency-set -g performance",
     .source = "Linux, virt/kvm/x86/timekeeping",
     .check = check_scaling},
    {.id = "TV-HOST-001",
     ON(STEAL, YELLOW),
     .what = N_("The host lets this machine wait often"),
     .why = N_("Its timers are late and its packets are stamped late: offsets and delays are "
               "measured wrong "
               "by as much, and one-way, which no filter sees."),
     .fix = "fewer virtual processors on the host, or a reservation for this machine",
     .source = "proc(5), /proc/stat: steal",
     .check = check_steal},
    {.id = "TV-RTC-001",
     ON(RTC, YELLOW),
     .what = N_("This virtual machine has no real-time clock"),
     .why =
         N_("At start it does not know the time; and nothing but the network can tell that it was "
            "paused."),
     .fix = "modprobe rtc_cmos; a PHC (ptp_kvm) does as well",
     .source = "measured under QEMU: the emulated RTC goes on while the machine stands still",
     .check = check_no_rtc},
    {.id = "TV-RTC-002",
     ON(RTC, YELLOW),
     .what = N_("The real-time clock keeps local time"),
     .why = N_("Twice a year it is an hour wrong, and until the zone is known at boot the clock is "
               "wrong by "
               "its offset."),
     .fix = "timedatectl set-local-rtc 0",
     .source = "timedatectl(1), set-local-rtc",
     .check = check_local_rtc},
    {.id = "TV-PHC-001",
     ON(PHC, YELLOW),
     .what = N_("The host's clock is not used: there is no KVM clock device"),
     .why = N_("ptp_kvm gives the host's time within a microsecond and without a network; a pause "
               "is seen at "
               "the next reading of it."),
     .fix = "modprobe ptp_kvm && echo ptp_kvm > /etc/modules-load.d/ptp_kvm.conf\n"
            "+refclock PHC /dev/ptp_kvm poll 2 dpoll -2 offset 0",
     .source = "Red Hat, RHEL 8, Enabling host time synchronization with ptp_kvm",
     .check = check_no_kvm_phc},
    {.id = "TV-PHC-002",
     ON(PHC, YELLOW),
     .what = N_("The host's clock is not used: there is no Hyper-V clock device"),
     .why = N_("hv_utils gives the host's time without a network; Azure's own images use it."),
     .fix =
         "modprobe hv_utils; on premises: Enable-VMIntegrationService -Name 'Time Synchronization'",
     .source = "Microsoft, Time sync for Linux VMs in Azure",
     .check = check_no_hyperv_phc},
    {.id = "TV-PHC-003",
     ON(PHC, YELLOW),
     .what = N_("The host's clock is there, and no configured source uses it"),
     .why = N_("It is nearer and steadier than any server, and the first to show a pause or a "
               "migration."),
     .fix = "+refclock PHC /dev/ptp_kvm poll 2 dpoll -2 offset 0",
     .source =
         "measured with chrony 4.8: 2 s behind mended after 16 s with a PHC, 98 to 505 s without",
     .check = check_unused_phc},
    {.id = "TV-VM-001",
     ON(DISRUPTION, ORANGE),
     .what = N_("The hypervisor offers vmclock, and this kernel has no driver for it"),
     .why = N_("Migrations and restores are announced there at once; without the driver this "
               "machine goes on "
               "with a wrong clock until a server tells it."),
     .fix =
         "a kernel from Linux 6.13 on, or a distribution's with ptp_vmclock: modprobe ptp_vmclock",
     .source = "Linux 6.13, drivers/ptp/ptp_vmclock.c",
     .check = check_vmclock},
    {.id = "TV-VM-002",
     ON(DISRUPTION, YELLOW),
     .what = N_("The hypervisor offers VMGENID, and this kernel has no driver for it"),
     .why = N_("A machine that was restored from a snapshot, or cloned, does not learn of it: old "
               "time, old "
               "random numbers."),
     .fix = "a kernel from Linux 5.18 on: modprobe vmgenid",
     .source = "Linux 5.18, drivers/virt/vmgenid.c",
     .check = check_vmgenid},
    {.id = "TV-VM-003",
     ON(DISRUPTION, ORANGE),
     .what = N_("Nothing here can tell that this machine was paused"),
     .why = N_(
         "After a pause the kernel's own clocks agree with each other, and all are behind. Only a "
         "server can tell, at its next poll."),
     .fix = "+server NEAREST iburst minpoll 2 maxpoll 4\n or give the machine an RTC, a PHC or "
            "vmclock",
     .source =
         "measured under QEMU 7.2 and 10.0: 15 s of pause, 15 s behind, no kernel clock differs",
     .check = check_no_witness},
    {.id = "TV-VM-004",
     ON(PLATFORM, NOTE),
     .what = N_("This is Windows' Subsystem for Linux: its clock stands while Windows sleeps"),
     .why = N_("After that it is behind by as much, until something sets it. All distributions in "
               "it have one kernel and one clock: only one of them can keep it."),
     .fix =
         "timevisord with: refclock PHC /dev/ptp_hyperv poll 2\n or after a sleep: wsl --shutdown",
     .source = "Linux, drivers/hv/hv_util.c: the host's PTP clock; wsl --help",
     .check = check_wsl},
    {.id = "TV-DAEMON-001",
     ON(DAEMONS, RED),
     .what = N_("Two daemons set this machine's clock"),
     .why =
         N_("Each takes the other's corrections for an error of the clock and works against them."),
     .fix = "systemctl disable --now ONE-OF-THEM",
     .source = "chrony, FAQ 3.6; systemd-timesyncd(8)",
     .check = check_two_daemons},
    {.id = "TV-DAEMON-002",
     ON(DAEMONS, RED),
     .what = N_("No daemon keeps the time"),
     .why = N_("The clock runs free: seconds a day, and after a pause as far behind as the pause "
               "was long."),
     .fix = "apt-get install chrony || dnf install chrony\nsystemctl enable --now chronyd",
     .source = "RFC 8633, 3",
     .check = check_no_daemon},
    {.id = "TV-DAEMON-003",
     ON(DAEMONS, ORANGE),
     .what = N_("A container sets its host's clock"),
     .why = N_("There is one CLOCK_REALTIME for all: this daemon and the host's, if there is one, "
               "fight."),
     .fix = "docker run without --cap-add SYS_TIME and --privileged",
     .source = "time_namespaces(7): CLOCK_REALTIME is not virtualized",
     .check = check_daemon_in_container},
    {.id = "TV-DAEMON-005",
     ON(DAEMONS, ORANGE),
     .what = N_("A time daemon runs in a container that may not set the clock"),
     .why = N_("It does nothing, and who relies on it does not notice. A container's clock is its "
               "host's: it is kept there, once."),
     .fix = "keep the time on the host; in the container: apt-get purge chrony",
     .source = "capabilities(7), CAP_SYS_TIME; time_namespaces(7)",
     .check = check_powerless},
    {.id = "TV-DAEMON-004",
     ON(DAEMONS, NOTE),
     .what = N_("A simple client keeps the time of a virtual machine (systemd-timesyncd)"),
     .why = N_("It follows one server and checks it against no other, polls every 34 minutes when "
               "all is well, "
               "and so sees a pause half an hour later."),
     .fix = "apt-get install chrony || dnf install chrony",
     .source = "systemd-timesyncd(8): SNTP only; timesyncd.conf(5), PollIntervalMaxSec=2048",
     .check = check_sntp},
    {.id = "TV-TOOLS-001",
     ON(GUEST_TOOLS, YELLOW),
     .what = N_("VMware Tools runs beside a time daemon, and its periodic synchronisation is not "
                "surely off"),
     .why = N_("If it is on, two writers pull at one clock. The virtual machine's settings decide, "
               "which are "
               "not seen from here."),
     .fix = "vmware-toolbox-cmd timesync status\nvmware-toolbox-cmd timesync disable\n"
            "or in /etc/vmware-tools/tools.conf:\n+[timeSync]\n+disable-periodic=true",
     .source = "VMware, Timekeeping best practices for Linux guests (1006427)",
     .check = check_tools},
    {.id = "TV-TOOLS-002",
     ON(GUEST_TOOLS, YELLOW),
     .what = N_("Hyper-V's time service sets the clock beside a time daemon"),
     .why = N_("Each of the host's samples counts as an order then, whenever the clock is behind: "
               "the daemon sees steps that it did not make."),
     .fix = "echo N > /sys/module/hv_utils/parameters/timesync_implicit",
     .source = "Linux, drivers/hv/hv_util.c: timesync_implicit",
     .check = check_hyperv_implicit},
    {.id = "TV-TOOLS-003",
     ON(GUEST_TOOLS, YELLOW),
     .what = N_("VirtualBox's guest service runs beside a time daemon, and it sets the clock, too"),
     .why = N_("It slews by its own measure every ten seconds, and steps beyond 20 minutes: the "
               "two pull at one clock."),
     .fix = "VBoxService --disable-timesync",
     .source = "VirtualBox manual, Tuning the Guest Additions time synchronization parameters",
     .check = check_vbox},
    {.id = "TV-KERNEL-001",
     ON(KERNEL, RED),
     .what = N_("The kernel calls its clock unsynchronized, though a daemon is there to keep it"),
     .why = N_("The daemon has no source that it believes; nobody knows how wrong the clock is."),
     .fix = "timevisor sources; chronyc sources -v",
     .source = "adjtimex(2), STA_UNSYNC",
     .check = check_unsynchronized},
    {.id = "TV-KERNEL-002",
     ON(KERNEL, ORANGE),
     .what = N_("The kernel calls its clock unsynchronized"),
     .why = N_("No program here has said that the time is right. In a virtual machine whose host "
               "sets the "
               "clock by other ways, this is all that can be known."),
     .fix = "systemctl enable --now chronyd",
     .source = "adjtimex(2), STA_UNSYNC",
     .check = check_unsynchronized_alone},
    {.id = "TV-KERNEL-003",
     ON(KERNEL, ORANGE),
     .what = N_("The kernel's own bound of its error is beyond a second"),
     .why = N_("No source has been heard for long, or it is very far."),
     .fix = "timevisor sources; chronyc sources -v",
     .source = "adjtimex(2), maxerror",
     .check = check_wide},
    {.id = "TV-KERNEL-004",
     ON(KERNEL, YELLOW),
     .what = N_("The clock's rate is off by more than any sound oscillator's"),
     .why = N_("A TSC that was calibrated wrongly, or an emulated one: when sources are lost, the "
               "clock is "
               "wrong by ten seconds a day or more."),
     .fix = "dmesg | grep -i tsc; ask for the TSC's frequency from the hypervisor",
     .source = "sound oscillators: 100 ppm; measured under QEMU's emulation: 700 ppm",
     .check = check_rate},
    {.id = "TV-SOURCE-001",
     ON(SOURCES, RED),
     .what = N_("No time source is configured"),
     .why = N_("Whatever daemon runs has nothing to follow; the clock runs free."),
     .fix = "+pool pool.ntp.org iburst\n or, in a cloud, its own service",
     .source = "RFC 8633, 3.2",
     .check = check_no_source},
    {.id = "TV-CLOUD-001",
     ON(SOURCES, YELLOW),
     .what = N_("AWS's own time service is not used"),
     .why = N_("It is next door, needs no route to the Internet and no rule in a security group."),
     .fix = "+server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4",
     .source = "AWS, Set the time reference on your EC2 instance",
     .check = check_aws},
    {.id = "TV-CLOUD-002",
     ON(SOURCES, YELLOW),
     .what = N_("Google Cloud's own time service is not used"),
     .why = N_("It is next door and smears leap seconds as Google's other services do; other "
               "servers differ "
               "from those by up to half a second then."),
     .fix = "+server metadata.google.internal prefer iburst",
     .source = "Google Cloud, Configure NTP on a VM",
     .check = check_gcp},
    {.id = "TV-CLOUD-003",
     ON(SOURCES, YELLOW),
     .what = N_("Azure's host clock is not used"),
     .why = N_(
         "The host's clock comes without a network and shows pauses of maintenance, up to 30 s, at "
         "once."),
     .fix = "+refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2\n+makestep 1.0 -1",
     .source = "Microsoft, Time sync for Linux VMs in Azure",
     .check = check_azure},
    {.id = "TV-TICK-001",
     ON(TICK, YELLOW),
     .what = N_("This virtual machine's kernel never lets its timer rest"),
     .why =
         N_("Idle, it wakes the host as often as busy; all guests of that host are later for it."),
     .fix = "a kernel with CONFIG_NO_HZ_IDLE=y",
     .source = "Linux, timers/no_hz",
     .check = check_periodic_tick},
    {.id = "TV-READ-001",
     ON(READCOST, ORANGE),
     .what = N_("There is no vDSO: every reading of the time is a system call"),
     .why = N_("Five times dearer than it need be."),
     .fix = "-vdso=0",
     .source = MEASURED_READ,
     .check = check_no_vdso},
    {.id = "TV-NIC-001",
     ON(NIC, YELLOW),
     .what = N_("The network card is an emulated one, where a paravirtual one would do"),
     .why = N_("Each packet costs several exits; its stamps vary by tens of microseconds more."),
     .fix = "virtio (KVM), vmxnet3 (VMware), hv_netvsc (Hyper-V)",
     .source = "VMware, Choosing a network adapter (1001805); libvirt, Network interfaces",
     .check = check_card},
    {.id = "TV-ZONE-001",
     ON(ZONE, ORANGE),
     .what = N_("The machine's time zone counts leap seconds (right/)"),
     .why =
         N_("Local time is 27 s behind everybody else's: the kernel's clock does not count them."),
     .fix = "timedatectl set-timezone Asia/Shanghai",
     .source = "tzfile(5)",
     .check = check_zone},
    {.id = "TV-ZONE-002",
     ON(ZONE, NOTE),
     .what = N_("A container here has another time zone than this machine"),
     .why = N_("Lines of their logs that belong together are hours apart."),
     .fix = "docker run -e TZ=ZONE; Kubernetes: env TZ in the Pod, not hostPath",
     .source = "tzset(3)",
     .check = check_other_zone},
    {.id = "TV-ZONE-003",
     ON(ZONE, YELLOW),
     .what = N_("Nodes of one cluster have different time zones"),
     .why = N_("cron's jobs run at another hour on each; so do CronJobs without timeZone where the "
               "controller manager has its node's zone. Lines of their logs are hours apart."),
     .fix = "timedatectl set-timezone Etc/UTC",
     .source = "Kubernetes, CronJobSpec: timeZone; crontab(5); tzset(3)",
     .check = check_nodes},
    {.id = "TV-LOG-001",
     ON(LOGS, YELLOW),
     .what = N_("A time daemon complains in the log"),
     .why = N_("Its own words are the nearest to the cause."),
     .fix = "journalctl -u chronyd -u ntpd -u systemd-timesyncd -n 50",
     .source = "this machine's log",
     .check = check_log},
};

const struct visor_rules visor_rules_machine = VISOR_RULES(rules);
