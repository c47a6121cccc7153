/* VMware: the .vmx of a virtual machine and tools.conf in the guest. */
#include "advise/groups.h"
#include "config/number.h"

#include <string.h>

#define VMX       VISOR_KIND_VMX
#define TOOLS     VISOR_KIND_VMTOOLS
#define PRACTICES "VMware, Timekeeping best practices for Linux guests (1006427)"
#define DISABLING "VMware, Disabling Time Synchronization (1189)"

static const struct visor_node *find(const struct visor_check *check, const char *name)
{
    const struct visor_node *node = check->document->root->first;

    while (node && !visor_same(node->name, name))
        node = node->next;
    return node;
}

static bool is_true(const struct visor_node *node)
{
    return node && (visor_same(node->value, "true") || strcmp(node->value, "1") == 0 ||
                    visor_same(node->value, "yes"));
}

static bool is_false(const struct visor_node *node)
{
    return node && (visor_same(node->value, "false") || strcmp(node->value, "0") == 0 ||
                    visor_same(node->value, "no"));
}

/* One switch for all synchronisation, the periodic one, too; newer versions only. */
static const char allow[] = "time.synchronize.allow";

static void check_periodic(struct visor_check *check)
{
    const struct visor_node *node = find(check, "tools.syncTime");

    if (is_true(node) && !is_false(find(check, allow)))
        visor_finding_edit(visor_check_found(check, node, "tools.syncTime = \"%s\"", node->value),
                           VISOR_EDIT_REPLACE, "tools.syncTime = \"FALSE\"");
}

/* The switches of one-off synchronisation, after events that leave the guest's clock behind. */
static const char *const events[] = {
    "time.synchronize.continue",      "time.synchronize.restore",
    "time.synchronize.resume.disk",   "time.synchronize.resume.host",
    "time.synchronize.tools.startup", "time.synchronize.shrink",
    "time.synchronize.tools.enable",
};

static void check_no_event(struct visor_check *check)
{
    for (size_t i = 0; i < 5; i++) { /* those that follow a stop, and the switch for all */
        const struct visor_node *node = find(check, i < 4 ? events[i] : allow);

        if (is_false(node))
            visor_check_found(check, node, "%s = \"%s\"", node->name, node->value);
    }
}

static void check_half_off(struct visor_check *check)
{
    const struct visor_node *off = NULL, *missing = NULL;
    const char *name = "";

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        const struct visor_node *node = find(check, events[i]);

        if (is_false(node))
            off = node;
        else if (!node)
            missing = check->document->root, name = events[i];
    }
    if (off && missing && !is_false(find(check, allow)))
        visor_check_found(check, off, "%s = \"%s\"; %s: none", off->name, off->value, name);
}

/* Beside the events: open-vm-tools, vmware/guestrpc/timesync.h. */
static bool is_setting(const char *name)
{
    static const char *const known[] = {"time.synchronize.tools.startup.backward",
                                        "time.synchronize.tools.slewCorrection",
                                        "time.synchronize.tools.percentCorrection"};

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (visor_same(name, events[i]))
            return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (visor_same(name, known[i]))
            return true;
    return visor_same(name, allow) || visor_begins(name, "time.synchronize.guest.");
}

static void check_no_such_key(struct visor_check *check)
{
    for (const struct visor_node *node = check->document->root->first; node; node = node->next)
        if (visor_begins(node->name, "tso ") || visor_begins(node->name, "tso.") ||
            (visor_begins(node->name, "time.") && !is_setting(node->name)) ||
            visor_same(node->name, "tools.timeSync") ||
            visor_same(node->name, "tools.synctime.enable"))
            visor_check_found(check, node, "%s = \"%s\"", node->name, node->value);
}

static void check_no_hardware_time(struct visor_check *check)
{
    const struct visor_node *start = find(check, "rtc.startTime");

    if (start && *start->value)
        visor_check_found(check, start, "rtc.startTime = \"%s\"", start->value);
}

static void check_rtc_offset(struct visor_check *check)
{
    const struct visor_node *node = find(check, "rtc.diffFromUTC");

    if (node && strcmp(node->value, "0") != 0)
        visor_check_found(check, node, "rtc.diffFromUTC = \"%s\"", node->value);
}

static void check_tsc(struct visor_check *check)
{
    const struct visor_node *node = find(check, "monitor_control.virtual_rdtsc");

    if (is_false(node))
        visor_check_found(check, node, "%s = \"%s\"", node->name, node->value);
}

static void check_apparent(struct visor_check *check)
{
    static const char *const names[] = {"timeTracker.apparentTimeIgnoresInterrupts",
                                        "timeTracker.catchupPercentage"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct visor_node *node = find(check, names[i]);

        if (node)
            visor_check_found(check, node, "%s = \"%s\"", node->name, node->value);
    }
}

/* A card may be there no more: present = "FALSE". There are ten at most. */
static int card_of(const char *name)
{
    return visor_begins(name, "ethernet") && name[8] >= '0' && name[8] <= '9' && name[9] == '.'
               ? name[8] - '0'
               : -1;
}

static void check_nic(struct visor_check *check)
{
    bool absent[10] = {false};

    for (const struct visor_node *node = check->document->root->first; node; node = node->next)
        if (card_of(node->name) >= 0 && visor_same(node->name + 10, "present"))
            absent[card_of(node->name)] = is_false(node);
    for (const struct visor_node *node = check->document->root->first; node; node = node->next)
        if (card_of(node->name) >= 0 && visor_same(node->name + 10, "virtualDev") &&
            (visor_begins(node->value, "e1000") || visor_same(node->value, "vlance")) &&
            !absent[card_of(node->name)])
            visor_check_found(check, node, "%s = \"%s\"", node->name, node->value);
}

/* GLib's words for yes and no: others ("yes", "TRUE", a comment behind) are passed over. */
static bool is_word(const char *value, const char *word, const char *digit)
{
    return strcmp(value, word) == 0 || strcmp(value, digit) == 0;
}

/* A key of [timeSync] that has an effect: names are case-sensitive there. */
static bool is_effective(const struct visor_node *key)
{
    static const char *const known[] = {"disable-all", "disable-periodic", "timeInfo.enabled"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(key->name, known[i]) == 0)
            return strcmp(key->parent->name, "timeSync") == 0 &&
                   (is_word(key->value, "true", "1") || is_word(key->value, "false", "0"));
    return false;
}

static void check_tools_keys(struct visor_check *check)
{
    const struct visor_node *section = check->document->root->first;

    for (; section; section = section->next)
        for (const struct visor_node *key = section->first; key; key = key->next)
            if (visor_same(section->name, "timeSync") && !is_effective(key))
                visor_check_found(check, key, "[%s] %s=%s", section->name, key->name, key->value);
}

static void check_disable_all(struct visor_check *check)
{
    const struct visor_node *section = visor_node_child(check->document->root, "timeSync");

    for (; section; section = visor_node_again(section)) {
        const struct visor_node *key = visor_node_child(section, "disable-all");

        if (key && is_word(key->value, "true", "1"))
            visor_finding_edit(visor_check_found(check, key, "disable-all=%s", key->value),
                               VISOR_EDIT_REPLACE, "disable-periodic=true");
    }
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-VMWARE-001",
        .kinds = VMX,
        .severity = VISOR_YELLOW,
        .what = N_("VMware Tools synchronises the guest's clock periodically"),
        .why = N_(
            "Once a minute it moves the clock forward, never gently back, to the host's time, "
            "whatever "
            "that is; beside an NTP client it is a second writer, and without one it is a thousand "
            "times less accurate."),
        .fix = "-tools.syncTime = \"TRUE\"\n+tools.syncTime = \"FALSE\"",
        .source = PRACTICES,
        .check = check_periodic,
    },
    {
        .id = "TV-VMWARE-002",
        .kinds = VMX,
        .severity = VISOR_YELLOW,
        .what =
            N_("After a pause, a snapshot or a resume the guest's clock is not set right at once"),
        .why = N_("The one-off synchronisation is what repairs a gap in the moment in which it "
                  "arises; an NTP "
                  "client in the guest needs minutes. It is no second writer: it acts on these "
                  "events only. "
                  "Domain controllers are the exception."),
        .fix = "-time.synchronize.continue = \"FALSE\"\n+time.synchronize.continue = \"TRUE\"",
        .source = PRACTICES "; " DISABLING
                            "; measured with chrony 4.8: a gap of 60 s lasts 94 to 1,222 s",
        .check = check_no_event,
    },
    {
        .id = "TV-VMWARE-003",
        .kinds = VMX,
        .severity = VISOR_YELLOW,
        .what = N_("Some of the one-off synchronisations are switched off, others are not"),
        .why = N_("Who wants none must switch off all seven, or in newer versions "
                  "time.synchronize.allow alone: the clock is still set on the events left out."),
        .fix = "+time.synchronize.tools.startup = \"0\"\n+time.synchronize.tools.enable = \"0\"\n"
               "+time.synchronize.resume.host = \"0\"",
        .source = DISABLING,
        .check = check_half_off,
    },
    {
        .id = "TV-VMWARE-004",
        .kinds = VMX,
        .severity = VISOR_ORANGE,
        .what = N_("VMware knows no such setting of time"),
        .why = N_("It is passed over without a word. Time Sync Options (tso synchronisation, tso "
                  "frequency) "
                  "exist in no VMware product: TSO is a network card's segmentation."),
        .fix = "-tso synchronisation = \"1\"\n+tools.syncTime = \"FALSE\"",
        .source = DISABLING ": the settings named there",
        .check = check_no_such_key,
    },
    {
        .id = "TV-VMWARE-005",
        .kinds = VMX,
        .severity = VISOR_ORANGE,
        .what = N_("The guest always starts at one fixed moment (rtc.startTime)"),
        .why = N_("Each start begins in the past, until something synchronizes it."),
        .fix = "-rtc.startTime = \"1136073600\"",
        .source = "VMware, Timekeeping in VMware Virtual Machines",
        .check = check_no_hardware_time,
    },
    {
        .id = "TV-VMWARE-006",
        .kinds = VMX,
        .severity = VISOR_NOTE,
        .what = N_("The virtual real-time clock has an offset from UTC"),
        .why = N_("That is right for Windows; Linux takes the clock for UTC and starts wrong by as "
                  "much."),
        .fix = "-rtc.diffFromUTC = \"28800\"",
        .source = "VMware, Timekeeping in VMware Virtual Machines",
        .check = check_rtc_offset,
    },
    {
        .id = "TV-VMWARE-007",
        .kinds = VMX,
        .severity = VISOR_ORANGE,
        .what = N_("The guest reads the host's TSC itself (virtual_rdtsc off)"),
        .why = N_("After a migration it jumps to another host's count and rate, and between "
                  "processors of "
                  "one host it may differ."),
        .fix = "-monitor_control.virtual_rdtsc = \"FALSE\"",
        .source = "VMware, Timekeeping in VMware Virtual Machines: not for migration",
        .check = check_tsc,
    },
    {
        .id = "TV-VMWARE-008",
        .kinds = VMX,
        .severity = VISOR_YELLOW,
        .what = N_("Settings of the lost-tick tracker are changed"),
        .why = N_("They were for guests that count ticks, before 2007; a guest with a TSC clock "
                  "runs too fast "
                  "or too slow with them."),
        .fix = "-timeTracker.apparentTimeIgnoresInterrupts = \"TRUE\"",
        .source = "VMware, Timekeeping in VMware Virtual Machines",
        .check = check_apparent,
    },
    {
        .id = "TV-VMWARE-009",
        .kinds = VMX,
        .severity = VISOR_YELLOW,
        .what = N_("The network card is an emulated one"),
        .why = N_("Its packets take several times as long as those of vmxnet3, and vary more: NTP "
                  "is less "
                  "accurate by as much."),
        .fix = "-ethernet0.virtualDev = \"e1000\"\n+ethernet0.virtualDev = \"vmxnet3\"",
        .source = "VMware, Choosing a network adapter for your virtual machine (1001805)",
        .check = check_nic,
    },
    {
        .id = "TV-VMWARE-010",
        .kinds = TOOLS,
        .severity = VISOR_ORANGE,
        .what = N_("VMware Tools takes no such setting of time"),
        .why = N_("It is passed over without a word; the synchronisation that was to be switched "
                  "off goes on."),
        .fix = "-disable=true\n+disable-periodic=true",
        .source = "open-vm-tools, tools.conf: [timeSync]",
        .check = check_tools_keys,
    },
    {
        .id = "TV-VMWARE-011",
        .kinds = TOOLS,
        .severity = VISOR_YELLOW,
        .what = N_("All synchronisation by VMware Tools is off, also after a pause or a snapshot"),
        .why = N_("Only the periodic one fights an NTP client. Without the one-off synchronisation "
                  "a guest "
                  "that was paused stays behind until NTP notices, minutes later."),
        .fix = "-disable-all=true\n+disable-periodic=true",
        .source = "open-vm-tools, tools.conf: [timeSync]; " PRACTICES,
        .check = check_disable_all,
    },
};

const struct visor_rules visor_rules_vmware = VISOR_RULES(rules);
