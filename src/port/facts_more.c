/* Facts for the doctor from files: kernel's configuration, interrupts, cards, zone, logs. */
#include "port/facts.h"

#include "port/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(array)     (array), sizeof(array)
#define HYPERV_IMPLICIT "/sys/module/hv_utils/parameters/timesync_implicit"

/* Calls `take` for each line of a file, read up to its limit. False if it cannot be read. */
static bool each_line(const char *root, const char *path, struct visor_facts *facts,
                      void (*take)(struct visor_facts *facts, const char *line))
{
    char *text = malloc(VISOR_TREE_FILE_MAX), line[2048];
    const char *rest = text;
    bool there = text && visor_tree_read(root, path, text, VISOR_TREE_FILE_MAX) > 0;

    while (there && (rest = visor_tree_next_line(rest, line, sizeof(line))))
        take(facts, line);
    free(text);
    return there;
}

static void take_config(struct visor_facts *facts, const char *line)
{
    unsigned hz;

    if (sscanf(line, "CONFIG_HZ=%9u", &hz) == 1)
        facts->hz = hz;
    if (!strcmp(line, "CONFIG_HZ_PERIODIC=y"))
        strcpy(facts->tick, "periodic");
    if (!strcmp(line, "CONFIG_NO_HZ_IDLE=y"))
        strcpy(facts->tick, "idle");
    if (!strcmp(line, "CONFIG_NO_HZ_FULL=y"))
        strcpy(facts->tick, "full");
}

/* The configuration is longer than what is read of a file: its timer settings stand within it. */
static void read_config(struct visor_facts *facts, const char *root)
{
    char path[VISOR_TREE_PATH_MAX];

    snprintf(path, sizeof(path), "/boot/config-%s", facts->release);
    each_line(root, path, facts, take_config);
}

static void take_interrupts(struct visor_facts *facts, const char *line)
{
    const char *at = strstr(line, "LOC:");
    char *end;

    if (!at)
        return;
    for (at += 4;; at = end) {
        unsigned long long count = strtoull(at, &end, 10);

        if (end == at)
            break;
        facts->timer_rate_hz += (double)count;
    }
}

static void read_interrupts(struct visor_facts *facts, const char *root)
{
    char line[64];
    double uptime;

    each_line(root, "/proc/interrupts", facts, take_interrupts);
    if (visor_tree_line(root, "/proc/uptime", TEXT(line)) && sscanf(line, "%lf", &uptime) == 1 &&
        uptime > 0.0 && facts->cpus > 0)
        facts->timer_rate_hz /= uptime * facts->cpus;
    else
        facts->timer_rate_hz = 0.0;
}

static void read_cards(struct visor_facts *facts, const char *root)
{
    struct visor_tree_name names[VISOR_TREE_LIST_MAX];
    size_t count = visor_tree_list(root, "/sys/class/net", "*", names, VISOR_TREE_LIST_MAX, NULL);

    for (size_t i = 0; i < count && facts->card_count < VISOR_FACTS_DEVICES; i++) {
        struct visor_facts_card *card = &facts->cards[facts->card_count];
        char path[VISOR_TREE_PATH_MAX];

        snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", names[i].text);
        if (!visor_tree_link(root, path, TEXT(card->driver)))
            continue;
        snprintf(card->name, sizeof(card->name), "%.15s", names[i].text);
        facts->card_count++;
    }
}

/* "" if it cannot be told: no link, and no name in /etc/timezone. */
static void zone_of(const char *root, char zone[VISOR_FACTS_TEXT])
{
    char full[VISOR_TREE_PATH_MAX], target[VISOR_TREE_PATH_MAX];
    const char *name;
    ssize_t length;

    snprintf(full, sizeof(full), "%.480s/etc/localtime", root);
    length = readlink(full, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = 0;
    name = strstr(target, "zoneinfo/");
    if (name)
        visor_tree_trim(zone, VISOR_FACTS_TEXT, name + 9);
    else
        visor_tree_line(root, "/etc/timezone", zone, VISOR_FACTS_TEXT);
}

/* The names that most machines have of one zone: tzdata, backward. */
static const char *first_name(const char *zone)
{
    static const struct {
        const char *name, *first;
    } names[] = {
        {"UTC", "Etc/UTC"},
        {"Etc/UCT", "Etc/UTC"},
        {"UCT", "Etc/UTC"},
        {"Universal", "Etc/UTC"},
        {"Etc/Universal", "Etc/UTC"},
        {"Zulu", "Etc/UTC"},
        {"Etc/Zulu", "Etc/UTC"},
        {"PRC", "Asia/Shanghai"},
        {"Asia/Chongqing", "Asia/Shanghai"},
        {"Asia/Harbin", "Asia/Shanghai"},
        {"Hongkong", "Asia/Hong_Kong"},
        {"ROC", "Asia/Taipei"},
        {"Japan", "Asia/Tokyo"},
        {"ROK", "Asia/Seoul"},
        {"Singapore", "Asia/Singapore"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(zone, names[i].name) == 0)
            return names[i].first;
    return zone;
}

static bool same_zone(const char *a, const char *b)
{
    return strcmp(first_name(a), first_name(b)) == 0;
}

/* Only root may look into others' namespaces, and only the first that differs is told. */
static void take_process(struct visor_facts *facts, const char *pid)
{
    char path[VISOR_TREE_PATH_MAX], own[VISOR_FACTS_TEXT], its[VISOR_FACTS_TEXT],
        zone[VISOR_FACTS_TEXT];

    snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", pid);
    if (!visor_tree_link("", path, TEXT(its)) ||
        !visor_tree_link("", "/proc/self/ns/mnt", TEXT(own)) || strcmp(own, its) == 0)
        return;
    snprintf(path, sizeof(path), "/proc/%.16s/root", pid);
    zone_of(path, zone);
    if (!zone[0] || same_zone(zone, facts->zone))
        return;
    strcpy(facts->other_zone, zone);
    snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    visor_tree_line("", path, TEXT(own));
    snprintf(facts->other_zone_of, sizeof(facts->other_zone_of), "%.40s (%.16s)", own, pid);
}

static void read_zones(struct visor_facts *facts, const char *root)
{
    const struct dirent *entry;
    DIR *dir;

    zone_of(root, facts->zone);
    facts->zone_known = facts->zone[0] != 0;
    if (!facts->zone_known || root[0] || !(dir = opendir("/proc")))
        return;
    while (!facts->other_zone[0] && (entry = readdir(dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            take_process(facts, entry->d_name);
    closedir(dir);
}

bool visor_facts_compare_node(struct visor_facts *facts, const char *folder)
{
    struct visor_facts_nodes *nodes = &facts->nodes;
    char zone[VISOR_FACTS_TEXT] = "";
    size_t length = strlen(folder);

    if (!visor_tree_exists(folder, "/"))
        return false;
    nodes->count++;
    zone_of(folder, zone);
    if (!zone[0] || !facts->zone_known)
        return true;
    nodes->known++;
    if (same_zone(zone, facts->zone))
        return true;
    if (nodes->differ++ == 0) {
        strcpy(nodes->zone, zone);
        snprintf(nodes->first, sizeof(nodes->first), "%s",
                 length < sizeof(nodes->first) ? folder
                                               : folder + length + 1 - sizeof(nodes->first));
    }
    return true;
}

static void take_adjtime(struct visor_facts *facts, const char *line)
{
    facts->rtc_local = facts->rtc_local || !strcmp(line, "LOCAL");
}

static void take_tools(struct visor_facts *facts, const char *line)
{
    if (!strncmp(line, "disable-all=true", 16) || !strncmp(line, "disable-periodic=true", 21))
        facts->tools_periodic = false;
}

static void take_log(struct visor_facts *facts, const char *line)
{
    static const char *const daemons[] = {"chronyd[", "ntpd[", "systemd-timesyncd[", "timevisord["};
    static const char *const complaints[] = {
        "Can't synchronise", "no selectable sources", "no majority",
        "not permitted",     "Fatal error",           "Could not",
        "Timed out",         "Source replaced",       "was stepped",
        "wrong by",          "Forward time jump",     "Backward time jump",
    };
    bool told = false, complains = false;

    for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
        told = told || strstr(line, daemons[i]);
    for (size_t i = 0; told && i < sizeof(complaints) / sizeof(complaints[0]); i++)
        complains = complains || strcasestr(line, complaints[i]);
    if (complains)
        snprintf(facts->log, sizeof(facts->log), "%.*s", VISOR_FACTS_LINE - 1, line);
}

static void read_logs(struct visor_facts *facts, const char *root)
{
    facts->log_known = each_line(root, "/var/log/syslog", facts, take_log) ||
                       each_line(root, "/var/log/messages", facts, take_log);
}

void visor_facts_gather_more(struct visor_facts *facts, const char *root)
{
    char line[VISOR_FACTS_TEXT];

    read_config(facts, root);
    read_interrupts(facts, root);
    read_cards(facts, root);
    read_zones(facts, root);
    read_logs(facts, root);
    visor_tree_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
                    TEXT(facts->scaling_driver));
    each_line(root, "/etc/adjtime", facts, take_adjtime);
    facts->hyperv_sets = visor_tree_line(root, HYPERV_IMPLICIT, TEXT(line)) && line[0] == 'Y';
    facts->tools_periodic = true;
    each_line(root, "/etc/vmware-tools/tools.conf", facts, take_tools);
    facts->live = visor_tree_line(root, "/proc/1/comm", TEXT(line));
}
