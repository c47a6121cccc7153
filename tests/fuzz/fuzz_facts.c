/* Every file that the facts are gathered from, filled with the input: its first byte says which
 * tree of files is made of it. */
#include "port/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[] = {
    "proc",
    "proc/1",
    "proc/7",
    "proc/net",
    "proc/sys",
    "proc/sys/kernel",
    "proc/self",
    "etc",
    "etc/chrony",
    "etc/chrony/d",
    "etc/systemd",
    "sys",
    "sys/class",
    "sys/class/rtc",
    "sys/class/rtc/rtc0",
    "sys/class/dmi",
    "sys/class/dmi/id",
    "sys/devices",
    "sys/devices/system",
    "sys/devices/system/clocksource",
    "sys/devices/system/clocksource/clocksource0",
    "sys/devices/system/cpu",
    "var",
    "var/lib",
    "var/lib/dhcp",
};

static const char *const files[] = {
    "proc/cpuinfo",
    "proc/stat",
    "proc/cmdline",
    "proc/1/environ",
    "proc/1/cgroup",
    "proc/7/comm",
    "proc/net/route",
    "proc/net/ipv6_route",
    "proc/sys/kernel/osrelease",
    "proc/self/status",
    "etc/os-release",
    "etc/resolv.conf",
    "etc/chrony/chrony.conf",
    "etc/chrony/d/a.conf",
    "etc/ntp.conf",
    "etc/systemd/timesyncd.conf",
    "sys/class/rtc/rtc0/name",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/dmi/id/chassis_asset_tag",
    "sys/devices/system/clocksource/clocksource0/available_clocksource",
    "sys/devices/system/cpu/online",
    "var/lib/dhcp/x.leases",
};

#define FILES (sizeof(files) / sizeof(files[0]))

static const char *root_folder(void)
{
    static char root[64];

    if (root[0])
        return root;
    snprintf(root, sizeof(root), "/tmp/visor-fuzz-facts-%d", (int)getpid());
    mkdir(root, 0700);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        mkdir(path, 0700);
    }
    return root;
}

static void remove_all(void)
{
    const char *root = root_folder();
    char path[256];

    for (size_t i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", root, files[i]);
        unlink(path);
    }
    for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;) {
        snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        rmdir(path);
    }
    rmdir(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct visor_facts facts;
    static int runs;
    char path[256];
    json_t *json;
    FILE *file;

    if (size < 1)
        return 0;
    if (runs++ == 0)
        atexit(remove_all);
    snprintf(path, sizeof(path), "%s/%s", root_folder(), files[data[0] % FILES]);
    file = fopen(path, "w");
    if (!file)
        return 0;
    fwrite(data + 1, 1, size - 1, file);
    fclose(file);
    visor_facts_gather(&facts, root_folder());
    json = visor_facts_json(&facts);
    json_decref(json);
    return 0;
}
