/* Facts for the doctor from files: kernel's configuration, interrupts, cards, zone, logs. */
#include "port/facts.h"

#include "port/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(array) (array), sizeof(array)

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

static void read_zone(struct visor_facts *facts, const char *root)
{
    char full[VISOR_TREE_PATH_MAX], target[VISOR_TREE_PATH_MAX];
    const char *zone;
    ssize_t length;

    snprintf(full, sizeof(full), "%s/etc/localtime", root);
    length = readlink(full, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = 0;
    zone = strstr(target, "zoneinfo/");
    if (zone)
        visor_tree_trim(TEXT(facts->zone), zone + 9);
    else
        visor_tree_line(root, "/etc/timezone", TEXT(facts->zone));
    facts->zone_known = facts->zone[0] != 0;
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
    read_zone(facts, root);
    read_logs(facts, root);
    visor_tree_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
                    TEXT(facts->scaling_driver));
    each_line(root, "/etc/adjtime", facts, take_adjtime);
    facts->tools_periodic = true;
    each_line(root, "/etc/vmware-tools/tools.conf", facts, take_tools);
    facts->live = visor_tree_line(root, "/proc/1/comm", TEXT(line));
}
