/* A tree of what an examination reads: small files, links, and in timevisor/facts.json what no file
 * has. Keys and other secrets are not among them. */
#include "timevisor/doctor.h"

#include "port/facts.h"
#include "port/tree.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const patterns[] = {
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/uptime",
    "/proc/interrupts",
    "/proc/cmdline",
    "/proc/1/comm",
    "/proc/1/cgroup",
    "/proc/[1-9]*/comm",
    "/proc/net/route",
    "/proc/net/ipv6_route",
    "/proc/sys/kernel/osrelease",
    "/proc/self/status",
    "/etc/os-release",
    "/etc/resolv.conf",
    "/etc/timezone",
    "/etc/localtime",
    "/etc/adjtime",
    "/etc/chrony/chrony.conf",
    "/etc/chrony.conf",
    "/etc/chrony/conf.d/*.conf",
    "/etc/chrony/sources.d/*.sources",
    "/etc/chrony.d/*.conf",
    "/etc/ntp.conf",
    "/etc/ntpsec/ntp.conf",
    "/etc/systemd/timesyncd.conf",
    "/etc/systemd/timesyncd.conf.d/*.conf",
    "/etc/vmware-tools/tools.conf",
    "/etc/default/grub",
    "/etc/sysctl.conf",
    "/boot/config-*",
    "/run/systemd/container",
    "/.dockerenv",
    "/run/.containerenv",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/bios_version",
    "/sys/class/dmi/id/bios_vendor",
    "/sys/class/dmi/id/chassis_asset_tag",
    "/sys/hypervisor/type",
    "/sys/module/hv_utils/parameters/timesync_implicit",
    "/sys/devices/system/clocksource/clocksource0/*_clocksource",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
    "/sys/class/rtc/rtc*/name",
    "/sys/class/rtc/rtc*/hctosys",
    "/sys/class/ptp/ptp*/clock_name",
    "/sys/class/pps/pps*/name",
    "/sys/class/misc/vmclock*/name",
    "/sys/bus/acpi/devices/VMCLOCK*/hid",
    "/sys/bus/acpi/devices/AMZNC10C*/hid",
    "/sys/bus/acpi/devices/VMGENCTR*/hid",
    "/sys/bus/acpi/devices/QEMUVGID*/hid",
    "/sys/bus/acpi/devices/VMCLOCK*/driver",
    "/sys/bus/acpi/devices/AMZNC10C*/driver",
    "/sys/bus/acpi/devices/VMGENCTR*/driver",
    "/sys/bus/acpi/devices/QEMUVGID*/driver",
    "/sys/bus/acpi/devices/*/physical_node/driver",
    "/sys/class/net/*/device/driver",
};

static int make_folders(char *path, size_t from)
{
    for (char *slash = path + from; (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        if (mkdir(path, 0755) && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

static int write_file(const char *path, const char *text, size_t size)
{
    FILE *out = fopen(path, "w");
    int result = out ? 0 : -errno;

    if (out && fwrite(text, 1, size, out) != size)
        result = -EIO;
    if (out && fclose(out) && !result)
        result = -errno;
    return result;
}

static bool is_driver(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && !strcmp(slash, "/driver");
}

static int copy(const char *folder, const char *path)
{
    char target[VISOR_TREE_PATH_MAX], link[VISOR_TREE_PATH_MAX], *text;
    ssize_t length = readlink(path, link, sizeof(link) - 1);
    int size, result;

    if (snprintf(target, sizeof(target), "%s%s", folder, path) >= (int)sizeof(target))
        return 0;
    result = make_folders(target, strlen(folder));
    if (result < 0)
        return result;
    if (length > 0 && (is_driver(path) || !strcmp(path, "/etc/localtime"))) {
        link[length] = 0;
        return symlink(link, target) && errno != EEXIST ? -errno : 0;
    }
    text = malloc(VISOR_TREE_FILE_MAX);
    size = text ? visor_tree_read("", path, text, VISOR_TREE_FILE_MAX) : -ENOMEM;
    result =
        size >= 0 ? write_file(target, text, (size_t)size) : 0; /* not ours to read: left out */
    free(text);
    return result;
}

int visor_doctor_collect(const char *folder, const struct visor_facts *facts)
{
    json_t *json = visor_facts_json(facts);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL, path[VISOR_TREE_PATH_MAX];
    int result = mkdir(folder, 0755) ? -errno : text ? 0 : -ENOMEM;

    for (size_t i = 0; result == 0 && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        glob_t found = {.gl_pathc = 0};

        if (glob(patterns[i], 0, NULL, &found) == 0)
            for (size_t j = 0; result == 0 && j < found.gl_pathc; j++)
                result = copy(folder, found.gl_pathv[j]);
        globfree(&found);
    }
    if (result == 0 &&
        snprintf(path, sizeof(path), "%s/timevisor/facts.json", folder) < (int)sizeof(path)) {
        result = make_folders(path, strlen(folder));
        if (result == 0)
            result = write_file(path, text, strlen(text));
    }
    free(text);
    json_decref(json);
    return result;
}
