/* What names and signatures mean. Reading them from a machine is port/facts.c's. */
#include "advise/facts.h"

#include <string.h>

const char *visor_facts_hypervisor_name(enum visor_hypervisor hypervisor)
{
    static const char *const names[] = {
        [VISOR_HYPERVISOR_NONE] = "",
        [VISOR_HYPERVISOR_UNKNOWN] = "unknown",
        [VISOR_HYPERVISOR_KVM] = "KVM",
        [VISOR_HYPERVISOR_QEMU] = "QEMU",
        [VISOR_HYPERVISOR_VMWARE] = "VMware",
        [VISOR_HYPERVISOR_HYPERV] = "Microsoft Hyper-V",
        [VISOR_HYPERVISOR_XEN] = "Xen",
        [VISOR_HYPERVISOR_VIRTUALBOX] = "VirtualBox",
        [VISOR_HYPERVISOR_BHYVE] = "bhyve",
        [VISOR_HYPERVISOR_PARALLELS] = "Parallels",
        [VISOR_HYPERVISOR_ACRN] = "ACRN",
        [VISOR_HYPERVISOR_FIRECRACKER] = "Firecracker",
        [VISOR_HYPERVISOR_APPLE] = "Apple Virtualization",
    };

    return hypervisor < sizeof(names) / sizeof(names[0]) ? names[hypervisor] : "";
}

const char *visor_facts_cloud_name(enum visor_cloud cloud)
{
    static const char *const names[] = {
        [VISOR_CLOUD_NONE] = "",
        [VISOR_CLOUD_AWS] = "AWS",
        [VISOR_CLOUD_AZURE] = "Microsoft Azure",
        [VISOR_CLOUD_GCP] = "Google Cloud",
        [VISOR_CLOUD_ALIBABA] = "Alibaba Cloud",
        [VISOR_CLOUD_TENCENT] = "Tencent Cloud",
        [VISOR_CLOUD_HUAWEI] = "Huawei Cloud",
        [VISOR_CLOUD_ORACLE] = "Oracle Cloud",
        [VISOR_CLOUD_OPENSTACK] = "OpenStack",
        [VISOR_CLOUD_DIGITALOCEAN] = "DigitalOcean",
        [VISOR_CLOUD_HETZNER] = "Hetzner",
    };

    return cloud < sizeof(names) / sizeof(names[0]) ? names[cloud] : "";
}

const char *visor_facts_origin_name(enum visor_facts_origin origin)
{
    static const char *const names[] = {
        [VISOR_ORIGIN_CHRONY] = "chrony",
        [VISOR_ORIGIN_TIMESYNCD] = "timesyncd",
        [VISOR_ORIGIN_TIMESYNCD_FALLBACK] = "timesyncd fallback",
        [VISOR_ORIGIN_NTP] = "ntp.conf",
        [VISOR_ORIGIN_DHCP] = "DHCP",
    };

    return origin < sizeof(names) / sizeof(names[0]) ? names[origin] : "";
}

enum visor_hypervisor visor_facts_hypervisor_by_id(const char *id)
{
    static const struct {
        const char *id;
        enum visor_hypervisor hypervisor;
    } known[] = {
        {"KVMKVMKVM", VISOR_HYPERVISOR_KVM},
        {"Linux KVM Hv", VISOR_HYPERVISOR_KVM}, /* with Hyper-V enlightenments */
        {"TCGTCGTCGTCG", VISOR_HYPERVISOR_QEMU},
        {"VMwareVMware", VISOR_HYPERVISOR_VMWARE},
        {"Microsoft Hv", VISOR_HYPERVISOR_HYPERV},
        {"XenVMMXenVMM", VISOR_HYPERVISOR_XEN},
        {"VBoxVBoxVBox", VISOR_HYPERVISOR_VIRTUALBOX},
        {"bhyve bhyve ", VISOR_HYPERVISOR_BHYVE},
        {" lrpepyh  vr", VISOR_HYPERVISOR_PARALLELS},
        {"prl hyperv  ", VISOR_HYPERVISOR_PARALLELS},
        {"ACRNACRNACRN", VISOR_HYPERVISOR_ACRN},
        {"VirtualApple", VISOR_HYPERVISOR_APPLE},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(id, known[i].id) == 0)
            return known[i].hypervisor;
    return VISOR_HYPERVISOR_UNKNOWN;
}

/* One row: all non-NULL prefixes must match. */
struct dmi_rule {
    const char *vendor, *product, *bios, *asset_tag;
    enum visor_hypervisor hypervisor;
    enum visor_cloud cloud;
};

static bool begins(const char *text, const char *with)
{
    return !with || strncmp(text, with, strlen(with)) == 0;
}

enum visor_hypervisor visor_facts_hypervisor_by_dmi(const struct visor_facts *facts,
                                                    enum visor_cloud *cloud)
{
    static const struct dmi_rule rules[] = {
        {"Amazon EC2", NULL, NULL, NULL, VISOR_HYPERVISOR_NONE, VISOR_CLOUD_AWS},
        {"Xen", "HVM domU", "amazon", NULL, VISOR_HYPERVISOR_XEN, VISOR_CLOUD_AWS},
        {NULL, NULL, "Amazon EC2", NULL, VISOR_HYPERVISOR_NONE, VISOR_CLOUD_AWS},
        {"Google", "Google Compute Engine", NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_GCP},
        {"Microsoft Corporation", "Virtual Machine", NULL, "7783-7084-3265-9085-8269-3286-77",
         VISOR_HYPERVISOR_HYPERV, VISOR_CLOUD_AZURE},
        {"Microsoft Corporation", "Virtual Machine", NULL, NULL, VISOR_HYPERVISOR_HYPERV,
         VISOR_CLOUD_NONE},
        {"Alibaba Cloud", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_ALIBABA},
        {"Tencent Cloud", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_TENCENT},
        {"Huawei", "KVM", NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_HUAWEI},
        {"HUAWEICLOUD", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_HUAWEI},
        {NULL, NULL, NULL, "OracleCloud.com", VISOR_HYPERVISOR_KVM, VISOR_CLOUD_ORACLE},
        {"OpenStack", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_OPENSTACK},
        {NULL, "OpenStack", NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_OPENSTACK},
        {"DigitalOcean", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_DIGITALOCEAN},
        {"Hetzner", NULL, NULL, NULL, VISOR_HYPERVISOR_KVM, VISOR_CLOUD_HETZNER},
        {"VMware", NULL, NULL, NULL, VISOR_HYPERVISOR_VMWARE, VISOR_CLOUD_NONE},
        {"innotek GmbH", NULL, NULL, NULL, VISOR_HYPERVISOR_VIRTUALBOX, VISOR_CLOUD_NONE},
        {NULL, "VirtualBox", NULL, NULL, VISOR_HYPERVISOR_VIRTUALBOX, VISOR_CLOUD_NONE},
        {"Xen", NULL, NULL, NULL, VISOR_HYPERVISOR_XEN, VISOR_CLOUD_NONE},
        {"Parallels", NULL, NULL, NULL, VISOR_HYPERVISOR_PARALLELS, VISOR_CLOUD_NONE},
        {"Apple Inc.", "Apple Virtualization", NULL, NULL, VISOR_HYPERVISOR_APPLE,
         VISOR_CLOUD_NONE},
        {"QEMU", NULL, NULL, NULL, VISOR_HYPERVISOR_QEMU, VISOR_CLOUD_NONE},
        {NULL, NULL, "BHYVE", NULL, VISOR_HYPERVISOR_BHYVE, VISOR_CLOUD_NONE},
        {"Bochs", NULL, NULL, NULL, VISOR_HYPERVISOR_QEMU, VISOR_CLOUD_NONE},
    };

    *cloud = VISOR_CLOUD_NONE;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct dmi_rule *rule = &rules[i];

        if (!begins(facts->vendor, rule->vendor) || !begins(facts->product, rule->product) ||
            !begins(facts->bios, rule->bios) || !begins(facts->asset_tag, rule->asset_tag))
            continue;
        *cloud = rule->cloud;
        return rule->hypervisor;
    }
    return VISOR_HYPERVISOR_NONE;
}

static bool has_clocksource(const struct visor_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->clocksource_count; i++)
        if (begins(facts->clocksources[i], name))
            return true;
    return false;
}

void visor_facts_conclude(struct visor_facts *facts)
{
    bool unknown =
        facts->hypervisor == VISOR_HYPERVISOR_NONE || facts->hypervisor == VISOR_HYPERVISOR_UNKNOWN;

    if (has_clocksource(facts, "xen"))
        facts->hypervisor = VISOR_HYPERVISOR_XEN;
    else if (has_clocksource(facts, "kvm-clock") &&
             (unknown || facts->hypervisor == VISOR_HYPERVISOR_BHYVE))
        facts->hypervisor = VISOR_HYPERVISOR_KVM;
    else if (has_clocksource(facts, "hyperv_clocksource") && unknown)
        facts->hypervisor = VISOR_HYPERVISOR_HYPERV;
    /* It shows Linux KVM's signature and clock, so that Linux knows them. */
    if (facts->hypervisor == VISOR_HYPERVISOR_KVM && begins(facts->vendor, "innotek GmbH"))
        facts->hypervisor = VISOR_HYPERVISOR_VIRTUALBOX;
    if (facts->cloud == VISOR_CLOUD_NONE && begins(facts->vmclock_acpi.id, "AMZNC10C"))
        facts->cloud = VISOR_CLOUD_AWS;
}

bool visor_facts_is_time_daemon(const char *comm, bool *steers)
{
    /* The kernel cuts names to 15 characters. */
    static const struct {
        const char *name;
        bool steers;
    } known[] = {
        {"chronyd", true},
        {"ntpd", true},
        {"ntp-daemon", true},
        {"ntpd-rs", true},
        {"systemd-timesyn", true},
        {"timevisord", true},
        {"ptp4l", true},
        {"phc2sys", true},
        {"ts2phc", false},
        {"sfptpd", true},
        {"timemaster", true},
        {"vmtoolsd", true},
        {"VBoxService", true},
        {"prltoolsd", true},
        {"xe-daemon", false},
        {"qemu-ga", true},
        {"hv_kvp_daemon", false},
        {"hv_vss_daemon", false},
        {"hv_fcopy_daemon", false},
        {"gpsd", false},
        {"clockboundd", false},
        {"ptpd", true},
        {"openntpd", true},
        {"busybox-ntpd", true},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(comm, known[i].name) != 0)
            continue;
        *steers = known[i].steers;
        return true;
    }
    if (strncmp(comm, "hv_", 3) != 0)
        return false;
    *steers = false;
    return true;
}

bool visor_facts_is_time_word(const char *word)
{
    static const char *const known[] = {
        "clocksource",
        "clock=",
        "tsc",
        "notsc",
        "no-kvmclock",
        "no-kvmclock-vsyscall",
        "no-vmw-sched-clock",
        "nohz",
        "nohz_full",
        "hpet",
        "nohpet",
        "divider=",
        "lpj=",
        "highres",
        "skew_tick",
        "no-steal-acc",
        "no_timer_check",
        "noapictimer",
        "nolapic_timer",
        "lapic",
        "idle=",
        "processor.max_cstate",
        "intel_idle.",
        "vdso",
        "isolcpus",
        "xen_timer_slop",
        "time.",
        "acpi_pm",
        "pmtmr",
        "nopvspin",
        "apicpmtimer",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t length = strlen(known[i]);
        char last = known[i][length - 1];

        if (strncmp(word, known[i], length) == 0 &&
            (last == '=' || last == '.' || word[length] == 0 || word[length] == '='))
            return true;
    }
    return false;
}
