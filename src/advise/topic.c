/* One function a line. Judging is the rules'. */
#include "advise/topic.h"

#include <string.h>

#define SHOW(figure, sentence) ((figure)->text = (sentence))
#define DETAIL                 visor_phrase_detail

static enum visor_look look_platform(const struct visor_facts *f, struct visor_phrase *figure)
{
    const char *cloud = visor_facts_cloud_name(f->cloud);

    SHOW(figure, f->container[0] ? N_("%1, in a container (%2)") : f->product[0] ? "%1 %2" : "%1");
    DETAIL(figure, 0, "%s%s%s",
           f->hypervisor == VISOR_HYPERVISOR_NONE ? "bare metal"
                                                  : visor_facts_hypervisor_name(f->hypervisor),
           cloud[0] ? ", " : "", cloud);
    DETAIL(figure, 1, "%s", f->container[0] ? f->container : f->product);
    return VISOR_LOOK_DONE;
}

static enum visor_look not_checked(struct visor_phrase *figure, const char *why)
{
    SHOW(figure, why);
    return VISOR_LOOK_NOT;
}

static enum visor_look look_clocksource(const struct visor_facts *f, struct visor_phrase *figure)
{
    const char *asked;

    if (!f->clocksource[0])
        return not_checked(figure, N_("/sys/devices/system/clocksource cannot be read"));
    asked = strstr(f->command_line, "clocksource=");
    /* The kernel lists them by its rating. */
    SHOW(figure, asked ? visor_begins(asked + 12, f->clocksource)
                             ? N_("%1, by the kernel's command line (there is: %2)")
                             : N_("%1, though the command line asks for another (there is: %2)")
                 : strcmp(f->clocksource, f->clocksources[0]) == 0
                     ? N_("%1, the kernel's own choice (there is: %2)")
                     : N_("%1, chosen by hand, or a better one failed (there is: %2)"));
    DETAIL(figure, 0, "%s", f->clocksource);
    DETAIL(figure, 1, "%s%s%s%s%s", f->clocksources[0], f->clocksource_count > 1 ? " " : "",
           f->clocksources[1], f->clocksource_count > 2 ? " " : "", f->clocksources[2]);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_tsc(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->cpu[0] && !f->cpus)
        return not_checked(figure, N_("/proc/cpuinfo cannot be read"));
    if (!f->tsc)
        return VISOR_LOOK_USELESS;
    SHOW(figure, "%1%2");
    DETAIL(figure, 0, "%s%s", f->constant_tsc ? "constant_tsc " : "",
           f->nonstop_tsc ? "nonstop_tsc " : "");
    DETAIL(figure, 1, "%s", f->scaling_driver);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_steal(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (f->hypervisor == VISOR_HYPERVISOR_NONE)
        return VISOR_LOOK_USELESS;
    if (!f->steal_known || f->cpu_s <= 0.0)
        return not_checked(figure, N_("/proc/stat does not tell"));
    SHOW(figure, N_("%1 % since boot"));
    DETAIL(figure, 0, "%.2f", 100.0 * f->steal_s / f->cpu_s);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_devices(const struct visor_facts_device *devices, size_t count,
                                    struct visor_phrase *figure)
{
    SHOW(figure, count ? "%1 %2" : N_("none"));
    for (size_t i = 0; i < count && i < 2; i++)
        DETAIL(figure, (int)i, "%s (%s)", devices[i].device, devices[i].name);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_rtc(const struct visor_facts *f, struct visor_phrase *figure)
{
    return look_devices(f->rtcs, f->rtc_count, figure);
}

static enum visor_look look_phc(const struct visor_facts *f, struct visor_phrase *figure)
{
    return look_devices(f->phcs, f->phc_count, figure);
}

static enum visor_look look_disruption(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (f->hypervisor == VISOR_HYPERVISOR_NONE)
        return VISOR_LOOK_USELESS;
    SHOW(figure, "%1");
    DETAIL(figure, 0, "RTC %s, PHC %s, vmclock %s, VMGENID %s", f->rtc_count ? "+" : "-",
           f->phc_count ? "+" : "-", f->vmclock_count ? "+" : "-", f->vmgenid.driven ? "+" : "-");
    return VISOR_LOOK_DONE;
}

/* Is it known whether the timer rests in idle? A periodic one interrupts CONFIG_HZ times a second.
 */
static bool is_tick_known(const struct visor_facts *f)
{
    return f->tick[0] || (f->timer_rate_hz > 0.0 && f->timer_rate_hz < 0.9 * f->hz);
}

static enum visor_look look_tick(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->hz)
        return not_checked(figure, N_("the kernel's configuration is not in /boot"));
    SHOW(figure, f->timer_rate_hz > 0.0
                     ? N_("%1; %2 timer interrupts a second and processor since boot")
                     : "%1");
    DETAIL(figure, 0, "HZ=%u%s%s", f->hz, f->tick[0] ? " nohz=" : "", f->tick);
    DETAIL(figure, 1, "%.0f", f->timer_rate_hz);
    return is_tick_known(f) ? VISOR_LOOK_DONE : VISOR_LOOK_NOT;
}

static enum visor_look look_readcost(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->vdso_known)
        return not_checked(figure, N_("seen only on the machine itself"));
    if (f->read_ns > 0.0)
        SHOW(figure, f->vdso ? N_("the vDSO is there; a reading of the clock takes %1 ns")
                             : N_("no vDSO; a reading of the clock takes %1 ns"));
    else
        SHOW(figure, f->vdso ? N_("the vDSO is there") : N_("no vDSO"));
    DETAIL(figure, 0, "%.0f", f->read_ns);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_nic(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (f->card_count == 0)
        return not_checked(figure, N_("no network card shows its driver"));
    SHOW(figure, "%1");
    DETAIL(figure, 0, "%s: %s", f->cards[0].name, f->cards[0].driver);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_zone(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->zone_known)
        return not_checked(figure, N_("neither /etc/localtime nor /etc/timezone tells"));
    DETAIL(figure, 0, "%s", f->zone);
    DETAIL(figure, 1, "%u/%u", f->nodes.known, f->nodes.count);
    SHOW(figure, f->nodes.count ? N_("%1; compared with other nodes: %2") : "%1");
    return f->nodes.known == f->nodes.count ? VISOR_LOOK_DONE : VISOR_LOOK_NOT;
}

static enum visor_look look_network(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->network_known)
        return not_checked(figure, N_("/proc/net/route cannot be read"));
    SHOW(figure, f->route4[0] || f->route6[0] ? N_("default route by %1") : N_("no default route"));
    DETAIL(figure, 0, "%s", f->route4[0] ? f->route4 : f->route6);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_names(const struct visor_facts *f, struct visor_phrase *figure)
{
    SHOW(figure, f->nameserver_count ? "%1" : N_("no name server"));
    DETAIL(figure, 0, "%s", f->nameservers[0]);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_reach(const struct visor_facts *f, struct visor_phrase *figure)
{
    unsigned good = 0;

    if (f->source_count == 0)
        return VISOR_LOOK_USELESS;
    if (f->reach_count == 0)
        return not_checked(figure, N_("sources were not asked"));
    for (size_t i = 0; i < f->reach_count; i++)
        good += f->reach[i].answer == VISOR_ANSWER_GOOD;
    SHOW(figure, N_("%1 of %2 sources answer"));
    DETAIL(figure, 0, "%u", good);
    DETAIL(figure, 1, "%zu", f->reach_count);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_daemons(const struct visor_facts *f, struct visor_phrase *figure)
{
    SHOW(figure, f->daemon_count ? "%1 %2" : N_("no time daemon runs"));
    for (size_t i = 0; i < f->daemon_count && i < 2; i++)
        DETAIL(figure, (int)i, "%s (%u)", f->daemons[i].name, f->daemons[i].pid);
    return VISOR_LOOK_DONE;
}

static bool has_daemon(const struct visor_facts *f, const char *name)
{
    for (size_t i = 0; i < f->daemon_count; i++)
        if (strcmp(f->daemons[i].name, name) == 0)
            return true;
    return false;
}

static enum visor_look look_tools(const struct visor_facts *f, struct visor_phrase *figure)
{
    static const char *const agents[] = {"VBoxService", "qemu-ga", "prltoolsd"};

    if (has_daemon(f, "vmtoolsd")) {
        if (f->tools_periodic)
            return not_checked(figure, N_("ask: vmware-toolbox-cmd timesync status"));
        SHOW(figure, N_("periodic synchronisation is off"));
        return VISOR_LOOK_DONE;
    }
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (has_daemon(f, agents[i])) {
            SHOW(figure, agents[i]);
            return VISOR_LOOK_DONE;
        }
    if (f->hypervisor != VISOR_HYPERVISOR_HYPERV || f->container[0])
        return VISOR_LOOK_USELESS;
    SHOW(figure, f->hyperv_sets ? N_("Hyper-V's service sets this clock when it is behind")
                                : N_("Hyper-V's service sets this clock after a pause only"));
    return VISOR_LOOK_DONE;
}

static enum visor_look look_sources(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (f->source_count == 0 && f->container[0])
        return VISOR_LOOK_USELESS; /* its host's are what counts */
    SHOW(figure, f->source_count ? "%1 %2" : N_("none is configured"));
    for (size_t i = 0; i < f->source_count && i < 2; i++)
        DETAIL(figure, (int)i, "%s", f->sources[i].name);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_kernel(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->kernel.known)
        return not_checked(figure, N_("seen only on the machine itself"));
    SHOW(figure, "%1 %2");
    DETAIL(figure, 0, "%s maxerror %.3f ms", f->kernel.status & 0x40 ? "STA_UNSYNC" : "",
           (double)f->kernel.max_error_us * 1e-3);
    DETAIL(figure, 1, "%.3f ppm", f->kernel.frequency_ppm);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_sync(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!has_daemon(f, "chronyd"))
        return VISOR_LOOK_USELESS;
    if (!f->chronyd.answers)
        return not_checked(figure, N_("chronyd does not answer on its command port"));
    SHOW(figure, "%1");
    DETAIL(figure, 0, "stratum %u, offset %.6f s, root distance %.6f s", f->chronyd.stratum,
           f->chronyd.offset_s, f->chronyd.root_distance_s);
    return VISOR_LOOK_DONE;
}

static enum visor_look look_logs(const struct visor_facts *f, struct visor_phrase *figure)
{
    if (!f->log_known)
        return not_checked(figure, N_("no log that can be read; ask: journalctl -u chronyd"));
    SHOW(figure, f->log[0] ? "%1" : N_("no complaint of a time daemon"));
    DETAIL(figure, 0, "%s", f->log);
    return VISOR_LOOK_DONE;
}

static const struct {
    const char *name, *title;
    enum visor_step step;
    enum visor_look (*look)(const struct visor_facts *facts, struct visor_phrase *figure);
} topics[VISOR_TOPICS] = {
    [VISOR_TOPIC_PLATFORM] = {"platform", N_("Platform"), VISOR_STEP_MACHINE, look_platform},
    [VISOR_TOPIC_CLOCKSOURCE] = {"clocksource", N_("Clocksource"), VISOR_STEP_MACHINE,
                                 look_clocksource},
    [VISOR_TOPIC_TSC] = {"tsc", "TSC", VISOR_STEP_MACHINE, look_tsc},
    [VISOR_TOPIC_STEAL] = {"steal", N_("Stolen time"), VISOR_STEP_MACHINE, look_steal},
    [VISOR_TOPIC_RTC] = {"rtc", "RTC", VISOR_STEP_MACHINE, look_rtc},
    [VISOR_TOPIC_PHC] = {"phc", "PHC", VISOR_STEP_MACHINE, look_phc},
    [VISOR_TOPIC_DISRUPTION] = {"witnesses", N_("Witnesses of a pause"), VISOR_STEP_MACHINE,
                                look_disruption},
    [VISOR_TOPIC_TICK] = {"tick", N_("Timer tick"), VISOR_STEP_MACHINE, look_tick},
    [VISOR_TOPIC_READCOST] = {"vdso", "vDSO", VISOR_STEP_MACHINE, look_readcost},
    [VISOR_TOPIC_NIC] = {"nic", N_("Network card"), VISOR_STEP_MACHINE, look_nic},
    [VISOR_TOPIC_ZONE] = {"zone", N_("Time zone"), VISOR_STEP_MACHINE, look_zone},
    [VISOR_TOPIC_NETWORK] = {"route", N_("Route"), VISOR_STEP_NETWORK, look_network},
    [VISOR_TOPIC_NAMES] = {"names", N_("Name servers"), VISOR_STEP_NETWORK, look_names},
    [VISOR_TOPIC_REACH] = {"reach", N_("Sources asked"), VISOR_STEP_NETWORK, look_reach},
    [VISOR_TOPIC_DAEMONS] = {"daemons", N_("Time daemons"), VISOR_STEP_SERVICE, look_daemons},
    [VISOR_TOPIC_GUEST_TOOLS] = {"tools", N_("Guest tools"), VISOR_STEP_SERVICE, look_tools},
    [VISOR_TOPIC_SOURCES] = {"sources", N_("Configured sources"), VISOR_STEP_SYNC, look_sources},
    [VISOR_TOPIC_SYNC] = {"chronyd", "chronyd", VISOR_STEP_SYNC, look_sync},
    [VISOR_TOPIC_KERNEL] = {"kernel", N_("Kernel's clock"), VISOR_STEP_SYNC, look_kernel},
    [VISOR_TOPIC_LOGS] = {"logs", N_("Logs"), VISOR_STEP_LOGS, look_logs},
};

const char *visor_step_title(enum visor_step step)
{
    static const char *const titles[VISOR_STEPS] = {
        N_("The machine"),
        N_("1. Network"),
        N_("2. Service"),
        N_("3. Synchronisation"),
        N_("4. Configuration files"),
        N_("5. Logs"),
    };

    return titles[step];
}

const char *visor_topic_title(enum visor_topic topic)
{
    return topics[topic].title ? topics[topic].title : "";
}

const char *visor_topic_name(enum visor_topic topic)
{
    return topics[topic].name ? topics[topic].name : "";
}

enum visor_step visor_topic_step(enum visor_topic topic)
{
    return topics[topic].step;
}

enum visor_look visor_topic_look(enum visor_topic topic, const struct visor_facts *facts,
                                 struct visor_phrase *figure)
{
    *figure = (struct visor_phrase){.text = ""};
    return topics[topic].look ? topics[topic].look(facts, figure) : VISOR_LOOK_USELESS;
}
