/* Gathers what a machine's files say of its time: virtualization, clocksource, devices, kernel's
 * state, other daemons, network. Configured time sources are facts_sources.c's, the JSON form is
 * facts_json.c's, and what follows from the facts is the advisor's. */
#include "port/facts.h"

#include "port/clock.h"
#include "port/facts_sources.h"
#include "port/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define TEXT(array)      (array), sizeof(array)
#define PROCESSES_MAX    65536
#define CAP_SYS_TIME_BIT 25

/* ---- virtualization ---- */

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

#if defined(__x86_64__) || defined(__i386__)
static void ask_cpu(struct visor_facts *facts)
{
    unsigned a = 0, b = 0, c = 0, d = 0, signature[3];

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 31))
        return; /* bit 31: a hypervisor is present */
    __cpuid(0x40000000, a, signature[0], signature[1], signature[2]);
    memcpy(facts->hypervisor_id, signature, 12);
    facts->hypervisor_id[12] = 0;
    facts->hypervisor = visor_facts_hypervisor_by_id(facts->hypervisor_id);
    if (a >= 0x40000010 && a <= 0x400000ff) {
        unsigned khz = 0;

        __cpuid(0x40000010, khz, b, c, d);
        if (facts->hypervisor != VISOR_HYPERVISOR_HYPERV)
            facts->tsc_khz = khz;
    }
}
#else
static void ask_cpu(struct visor_facts *facts)
{
    (void)facts;
}
#endif

static void read_dmi(struct visor_facts *facts, const char *root)
{
    enum visor_hypervisor told;
    char type[VISOR_FACTS_TEXT];

    visor_tree_line(root, "/sys/class/dmi/id/sys_vendor", TEXT(facts->vendor));
    visor_tree_line(root, "/sys/class/dmi/id/product_name", TEXT(facts->product));
    visor_tree_line(root, "/sys/class/dmi/id/bios_version", TEXT(facts->bios));
    if (strstr(facts->bios, ".amazon")) /* Xen's version, and then whose it is */
        copy(TEXT(facts->bios), "amazon");
    else if (strncmp(facts->bios, "BHYVE", 5) != 0 && strncmp(facts->bios, "Amazon", 6) != 0)
        visor_tree_line(root, "/sys/class/dmi/id/bios_vendor", TEXT(facts->bios));
    visor_tree_line(root, "/sys/class/dmi/id/chassis_asset_tag", TEXT(facts->asset_tag));
    told = visor_facts_hypervisor_by_dmi(facts, &facts->cloud);
    if (facts->hypervisor == VISOR_HYPERVISOR_NONE || facts->hypervisor == VISOR_HYPERVISOR_UNKNOWN)
        facts->hypervisor = told != VISOR_HYPERVISOR_NONE ? told : facts->hypervisor;
    /* Xen shows Hyper-V's signature when it is told to; its own folder does not lie. */
    if (visor_tree_line(root, "/sys/hypervisor/type", TEXT(type)) && strcmp(type, "xen") == 0)
        facts->hypervisor = VISOR_HYPERVISOR_XEN;
}

bool visor_facts_is_virtual(void)
{
    struct visor_facts facts = {.hypervisor = VISOR_HYPERVISOR_NONE};

    ask_cpu(&facts);
    read_dmi(&facts, "");
    return facts.hypervisor != VISOR_HYPERVISOR_NONE;
}

static void find_container(struct visor_facts *facts, const char *root)
{
    char text[4096];
    const char *value;

    if (strstr(facts->release, "microsoft-standard-WSL")) {
        copy(TEXT(facts->container), "wsl");
        return;
    }
    if (visor_tree_read(root, "/proc/1/environ", text, sizeof(text)) > 0 &&
        (value = strncmp(text, "container=", 10) == 0 ? text : strstr(text, "\ncontainer="))) {
        value = strchr(value, '=') + 1;
        text[(size_t)(value - text) + strcspn(value, "\n")] = 0;
        copy(TEXT(facts->container), value);
    } else if (visor_tree_line(root, "/run/systemd/container", TEXT(facts->container))) {
        return;
    } else if (visor_tree_exists(root, "/var/run/secrets/kubernetes.io")) {
        copy(TEXT(facts->container), "kubernetes");
    } else if (visor_tree_exists(root, "/.dockerenv")) {
        copy(TEXT(facts->container), "docker");
    } else if (visor_tree_exists(root, "/run/.containerenv")) {
        copy(TEXT(facts->container), "podman");
    } else if (visor_tree_read(root, "/proc/1/cgroup", text, sizeof(text)) > 0) {
        if (strstr(text, "kubepods"))
            copy(TEXT(facts->container), "kubernetes");
        else if (strstr(text, "/docker"))
            copy(TEXT(facts->container), "docker");
        else if (strstr(text, "/lxc"))
            copy(TEXT(facts->container), "lxc");
    }
}

/* ---- system ---- */

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at += length)
        if ((at == text || at[-1] == ' ' || at[-1] == '\t') &&
            (at[length] == ' ' || at[length] == 0 || at[length] == '\n'))
            return true;
    return false;
}

static void read_cpu_line(struct visor_facts *facts, const char *line)
{
    const char *value = strchr(line, ':');

    if (!value)
        return;
    if (strncmp(line, "processor", 9) == 0)
        facts->cpus++;
    if (strncmp(line, "model name", 10) == 0)
        visor_tree_trim(TEXT(facts->cpu), value + 1);
    if (strncmp(line, "flags", 5) != 0)
        return;
    facts->tsc = has_word(value, "tsc");
    facts->constant_tsc = has_word(value, "constant_tsc");
    facts->nonstop_tsc = has_word(value, "nonstop_tsc");
    facts->tsc_reliable = has_word(value, "tsc_reliable");
    facts->tsc_known_frequency = has_word(value, "tsc_known_freq");
    if (has_word(value, "hypervisor") && facts->hypervisor == VISOR_HYPERVISOR_NONE)
        facts->hypervisor = VISOR_HYPERVISOR_UNKNOWN;
}

static void read_cpu(struct visor_facts *facts, const char *root)
{
    char *text = malloc(VISOR_TREE_FILE_MAX), line[4096];
    const char *rest = text;

    if (!text)
        return;
    visor_tree_read(root, "/proc/cpuinfo", text, VISOR_TREE_FILE_MAX);
    while ((rest = visor_tree_next_line(rest, line, sizeof(line))))
        read_cpu_line(facts, line);
    free(text);
}

/* "0-3,8": cpuinfo of a large machine is longer than what we read of a file. */
static void count_cpus(struct visor_facts *facts, const char *root)
{
    char line[512], *rest = NULL;
    uint32_t count = 0;

    visor_tree_line(root, "/sys/devices/system/cpu/online", TEXT(line));
    for (char *range = strtok_r(line, ",", &rest); range; range = strtok_r(NULL, ",", &rest)) {
        unsigned first, last;
        int found = sscanf(range, "%9u-%9u", &first, &last);

        if (found == 1)
            count++;
        else if (found == 2 && last >= first)
            count += last - first + 1;
    }
    if (count > 0)
        facts->cpus = count;
}

static void read_command_line(struct visor_facts *facts, const char *root)
{
    char line[4096], *rest = NULL;
    size_t filled = 0;

    if (visor_tree_read(root, "/proc/cmdline", TEXT(line)) <= 0)
        return;
    for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        size_t length = strlen(word);

        if (!visor_facts_is_time_word(word) || filled + length + 2 > sizeof(facts->command_line))
            continue;
        filled += (size_t)sprintf(facts->command_line + filled, "%s%s", filled ? " " : "", word);
    }
}

static void read_system(struct visor_facts *facts, const char *root)
{
    char *text = malloc(VISOR_TREE_FILE_MAX), line[4096];
    const char *rest;

    visor_tree_line(root, "/proc/sys/kernel/osrelease", TEXT(facts->release));
    read_command_line(facts, root);
    if (!text)
        return;
    read_cpu(facts, root);
    count_cpus(facts, root);
    visor_tree_read(root, "/etc/os-release", text, VISOR_TREE_FILE_MAX);
    for (rest = text; (rest = visor_tree_next_line(rest, line, sizeof(line)));) {
        if (strncmp(line, "PRETTY_NAME=", 12) != 0)
            continue;
        visor_tree_trim(TEXT(facts->distribution), line + (line[12] == '"' ? 13 : 12));
        facts->distribution[strcspn(facts->distribution, "\"")] = 0;
    }
    free(text);
}

static void read_capability(struct visor_facts *facts, const char *root)
{
    char text[4096];
    const char *value;

    if (visor_tree_read(root, "/proc/self/status", text, sizeof(text)) > 0 &&
        (value = strstr(text, "\nCapEff:")))
        facts->cap_sys_time = strtoull(value + 8, NULL, 16) >> CAP_SYS_TIME_BIT & 1;
}

/* ---- clocksource and devices ---- */

static void read_clocksource(struct visor_facts *facts, const char *root)
{
    const char *folder = "/sys/devices/system/clocksource/clocksource0/";
    char path[VISOR_TREE_PATH_MAX], line[512], *word, *rest = NULL;

    snprintf(path, sizeof(path), "%scurrent_clocksource", folder);
    visor_tree_line(root, path, TEXT(facts->clocksource));
    snprintf(path, sizeof(path), "%savailable_clocksource", folder);
    visor_tree_line(root, path, line, sizeof(line));
    facts->clocksource_count = 0;
    for (word = strtok_r(line, " ", &rest);
         word && facts->clocksource_count < VISOR_FACTS_CLOCKSOURCES;
         word = strtok_r(NULL, " ", &rest))
        copy(facts->clocksources[facts->clocksource_count++], VISOR_FACTS_TEXT, word);
}

void visor_facts_tsc(bool *present, bool *constant, bool *nonstop, bool *available,
                     const char *root)
{
    struct visor_facts *facts = calloc(1, sizeof(*facts));

    *present = *constant = *nonstop = *available = false;
    if (!facts)
        return;
    read_cpu(facts, root);
    read_clocksource(facts, root);
    *present = facts->tsc;
    *constant = facts->constant_tsc;
    *nonstop = facts->nonstop_tsc;
    for (size_t i = 0; i < facts->clocksource_count; i++)
        *available = *available || strcmp(facts->clocksources[i], "tsc") == 0;
    free(facts);
}

/* All devices of a class; `label`: the file that names one. */
static size_t read_devices(const char *root, const char *class, const char *pattern,
                           const char *label, struct visor_facts_device *devices, size_t *more)
{
    struct visor_tree_name names[VISOR_FACTS_DEVICES];
    size_t count;

    *more = 0;
    count = visor_tree_list(root, class, pattern, names, VISOR_FACTS_DEVICES, more);
    for (size_t i = 0; i < count; i++) {
        struct visor_facts_device *device = &devices[i];
        char path[VISOR_TREE_PATH_MAX], value[8];

        memset(device, 0, sizeof(*device));
        snprintf(device->device, sizeof(device->device), "/dev/%.58s", names[i].text);
        snprintf(path, sizeof(path), "%.64s/%.64s/%.64s", class, names[i].text, label);
        visor_tree_line(root, path, TEXT(device->name));
        device->exists = visor_tree_exists(root, device->device);
        device->readable = visor_tree_readable(root, device->device);
        snprintf(path, sizeof(path), "%.64s/%.64s/hctosys", class, names[i].text);
        device->hctosys = visor_tree_line(root, path, TEXT(value)) && value[0] == '1';
    }
    return count;
}

static void read_acpi(struct visor_facts_acpi *found, const char *root, const char *pattern)
{
    struct visor_tree_name name;
    char path[VISOR_TREE_PATH_MAX], driver[VISOR_FACTS_TEXT];

    if (found->described ||
        visor_tree_list(root, "/sys/bus/acpi/devices", pattern, &name, 1, NULL) == 0)
        return;
    found->described = true;
    copy(TEXT(found->id), name.text);
    snprintf(path, sizeof(path), "/sys/bus/acpi/devices/%s/driver", name.text);
    found->driven = visor_tree_link(root, path, TEXT(driver));
    snprintf(path, sizeof(path), "/sys/bus/acpi/devices/%s/physical_node/driver", name.text);
    found->driven = found->driven || visor_tree_link(root, path, TEXT(driver));
}

void visor_facts_vmgenid(struct visor_facts_acpi *found, const char *root)
{
    read_acpi(found, root, "VMGENCTR*");
    read_acpi(found, root, "QEMUVGID*");
}

static void read_vmclock(struct visor_facts_acpi *found, const char *root)
{
    read_acpi(found, root, "VMCLOCK*");
    read_acpi(found, root, "AMZNC10C*");
}

bool visor_facts_has_vmclock(const char *root)
{
    struct visor_facts_acpi found = {.described = false};

    read_vmclock(&found, root);
    return found.described;
}

static void read_all_devices(struct visor_facts *facts, const char *root)
{
    facts->rtc_count =
        read_devices(root, "/sys/class/rtc", "rtc*", "name", facts->rtcs, &facts->rtc_more);
    facts->phc_count =
        read_devices(root, "/sys/class/ptp", "ptp*", "clock_name", facts->phcs, &facts->phc_more);
    facts->pps_count =
        read_devices(root, "/sys/class/pps", "pps*", "name", facts->pps, &facts->pps_more);
    facts->vmclock_count = read_devices(root, "/sys/class/misc", "vmclock*", "name",
                                        facts->vmclocks, &facts->vmclock_more);
    read_vmclock(&facts->vmclock_acpi, root);
    visor_facts_vmgenid(&facts->vmgenid, root);
}

/* ---- what changes ---- */

static void read_steal(struct visor_facts *facts, const char *root)
{
    unsigned long long user, nice, system, idle, wait, irq, soft, steal;
    char line[512];
    double tick = (double)sysconf(_SC_CLK_TCK);

    facts->steal_known = visor_tree_line(root, "/proc/stat", TEXT(line)) &&
                         sscanf(line, "cpu %20llu %20llu %20llu %20llu %20llu %20llu %20llu %20llu",
                                &user, &nice, &system, &idle, &wait, &irq, &soft, &steal) == 8 &&
                         tick > 0;
    if (!facts->steal_known)
        return;
    facts->steal_s = (double)steal / tick;
    facts->cpu_s = ((double)user + (double)nice + (double)system + (double)idle + (double)wait +
                    (double)irq + (double)soft + (double)steal) /
                   tick;
}

static void read_kernel(struct visor_facts *facts, const char *root)
{
    struct timex timex = {.modes = 0};

    facts->kernel = (struct visor_facts_kernel){.known = false};
    if (root[0])
        return;
    facts->kernel.state = adjtimex(&timex);
    if (facts->kernel.state < 0)
        return;
    facts->kernel.known = true;
    facts->kernel.status = timex.status;
    facts->kernel.max_error_us = timex.maxerror;
    facts->kernel.est_error_us = timex.esterror;
    facts->kernel.frequency_ppm = visor_clock_ppb_from_timex(timex.freq, timex.tick) * 1e-3;
    facts->kernel.tick_us = timex.tick;
    facts->kernel.tai_offset_s = timex.tai;
}

static void note_process(struct visor_facts *facts, const char *root, const char *pid)
{
    struct visor_facts_daemon daemon = {.pid = (uint32_t)strtoul(pid, NULL, 10)};
    char path[VISOR_TREE_PATH_MAX];

    snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    if (!visor_tree_line(root, path, TEXT(daemon.name)) ||
        !visor_facts_is_time_daemon(daemon.name, &daemon.steers))
        return;
    if (facts->daemon_count == VISOR_FACTS_DAEMONS)
        facts->daemon_more++;
    else
        facts->daemons[facts->daemon_count++] = daemon;
}

static int by_pid(const void *a, const void *b)
{
    const struct visor_facts_daemon *x = a, *y = b;

    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void read_daemons(struct visor_facts *facts, const char *root)
{
    char path[VISOR_TREE_PATH_MAX];
    const struct dirent *entry;
    DIR *dir;
    int seen = 0;

    facts->daemon_count = facts->daemon_more = 0;
    snprintf(path, sizeof(path), "%s/proc", root);
    dir = opendir(path);
    if (!dir)
        return;
    while (seen < PROCESSES_MAX && (entry = readdir(dir))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        seen++;
        note_process(facts, root, entry->d_name);
    }
    closedir(dir);
    qsort(facts->daemons, facts->daemon_count, sizeof(facts->daemons[0]), by_pid);
}

/* ---- network ---- */

static void read_network(struct visor_facts *facts, const char *root)
{
    char text[16384], line[512], name[64], target[64], mask[64];
    const char *rest;
    unsigned flags;

    facts->network_known = visor_tree_read(root, "/proc/net/route", text, sizeof(text)) > 0;
    for (rest = text; (rest = visor_tree_next_line(rest, line, sizeof(line)));)
        if (sscanf(line, "%63s %63s %*s %8x %*s %*s %*s %63s", name, target, &flags, mask) == 4 &&
            strcmp(target, "00000000") == 0 && strcmp(mask, "00000000") == 0 && (flags & 1) &&
            !facts->route4[0])
            copy(TEXT(facts->route4), name);
    visor_tree_read(root, "/proc/net/ipv6_route", text, sizeof(text));
    for (rest = text; (rest = visor_tree_next_line(rest, line, sizeof(line)));)
        if (sscanf(line, "%63s %63s %*s %*s %*s %*s %*s %*s %8x %63s", target, mask, &flags,
                   name) == 4 &&
            strspn(target, "0") == 32 && strcmp(mask, "00") == 0 && (flags & 1) &&
            strcmp(name, "lo") != 0 && !facts->route6[0])
            copy(TEXT(facts->route6), name);
    visor_tree_read(root, "/etc/resolv.conf", text, sizeof(text));
    for (rest = text; (rest = visor_tree_next_line(rest, line, sizeof(line)));)
        if (sscanf(line, " nameserver %63s", name) == 1 &&
            facts->nameserver_count < VISOR_FACTS_NAMESERVERS)
            copy(facts->nameservers[facts->nameserver_count++], VISOR_FACTS_TEXT, name);
}

void visor_facts_refresh(struct visor_facts *facts, const char *root)
{
    read_clocksource(facts, root);
    read_steal(facts, root);
    read_kernel(facts, root);
    read_daemons(facts, root);
}

void visor_facts_gather(struct visor_facts *facts, const char *root)
{
    memset(facts, 0, sizeof(*facts));
    if (!root[0])
        ask_cpu(facts);
    read_system(facts, root);
    read_dmi(facts, root);
    find_container(facts, root);
    read_capability(facts, root);
    read_all_devices(facts, root);
    read_network(facts, root);
    visor_facts_gather_sources(facts, root);
    visor_facts_refresh(facts, root);
    visor_facts_conclude(facts);
}
