/* sysctl and systemd units. */
#include "advise/command.h"
#include "advise/groups.h"
#include "advise/span.h"
#include "config/number.h"

#include <string.h>

#define SYSCTL VISOR_KIND_SYSCTL
#define UNIT   VISOR_KIND_SYSTEMD

static void find_setting(struct visor_check *check, const char *name, const char *value)
{
    for (const struct visor_node *node = check->document->root->first; node; node = node->next)
        if (strcmp(node->name, name) == 0 && (!value || strcmp(node->value, value) == 0))
            visor_check_found(check, node, "%s = %s", node->name, node->value);
}

static void check_timer_migration(struct visor_check *check)
{
    find_setting(check, "kernel.timer_migration", "0");
}

static void check_no_clocksource(struct visor_check *check)
{
    static const char *const wishes[] = {"kernel.clocksource", "dev.clocksource",
                                         "kernel.nohz",        "kernel.current_clocksource",
                                         "kernel.tickless",    "kernel.dynticks"};

    for (const struct visor_node *node = check->document->root->first; node; node = node->next) {
        bool wished = strcmp(node->name, "kernel.hz") == 0;

        for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
            wished = wished || visor_begins(node->name, wishes[i]);
        if (wished)
            visor_check_found(check, node, "%s = %s", node->name, node->value);
    }
}

static void check_hpet(struct visor_check *check)
{
    for (const struct visor_node *node = check->document->root->first; node; node = node->next) {
        int64_t frequency;

        if (strcmp(node->name, "dev.hpet.max-user-freq") == 0 &&
            visor_number_read_whole(node->value, &frequency) > 0 && frequency > 64)
            visor_check_found(check, node, "%s = %s", node->name, node->value);
    }
}

static void check_runtime(struct visor_check *check)
{
    find_setting(check, "kernel.sched_rt_runtime_us", "-1");
}

static void check_vsyscall(struct visor_check *check)
{
    find_setting(check, "kernel.vsyscall64", "0");
    find_setting(check, "kernel.vsyscall64", "2");
    find_setting(check, "abi.vsyscall32", "0");
}

static void check_timestamps(struct visor_check *check)
{
    find_setting(check, "net.ipv4.tcp_timestamps", "0");
}

static void check_recycle(struct visor_check *check)
{
    find_setting(check, "net.ipv4.tcp_tw_recycle", "1");
}

/* ---- units ---- */

static const struct visor_node *next_key(const struct visor_check *check, const char *section,
                                         const char *key, const struct visor_node *node)
{
    return visor_document_key(check->document, section, key, node);
}

static const struct visor_node *key_with(const struct visor_check *check, const char *section,
                                         const char *key, const char *text)
{
    const struct visor_node *node = NULL;

    while ((node = next_key(check, section, key, node)) && !visor_contains(node->value, text))
        ;
    return node;
}

/* Of settings that are no lists the last line is in force. */
static const struct visor_node *last_key(const struct visor_check *check, const char *section,
                                         const char *key)
{
    const struct visor_node *last = NULL;

    for (const struct visor_node *node = NULL; (node = next_key(check, section, key, node));)
        last = node;
    return last;
}

static const struct visor_node *switched_on(const struct visor_check *check, const char *key)
{
    static const char *const words[] = {"yes", "true", "on", "1", "y", "t"};
    const struct visor_node *node = last_key(check, "Service", key);

    for (size_t i = 0; node && i < sizeof(words) / sizeof(words[0]); i++)
        if (visor_same(node->value, words[i]))
            return node;
    return NULL;
}

static bool runs(const struct visor_check *check, const char *name)
{
    struct visor_command command;

    for (const struct visor_node *node = NULL;
         (node = next_key(check, "Service", "ExecStart", node));) {
        visor_command_begin(&command, node->value);
        while (visor_command_next(&command))
            if (strcmp(command.program, name) == 0)
                return true;
    }
    return false;
}

/* Daemons that set the system's clock from the network; not those that are told to leave it alone.
 */
static bool runs_network_daemon(const struct visor_check *check)
{
    return runs(check, "ntpd") || runs(check, "systemd-timesyncd") ||
           ((runs(check, "chronyd") || runs(check, "timevisord")) &&
            !key_with(check, "Service", "ExecStart", " -x"));
}

static bool runs_time_daemon(const struct visor_check *check)
{
    return runs_network_daemon(check) || runs(check, "ptp4l") || runs(check, "phc2sys");
}

/* It wants the daemon itself, whatever time it is. */
static bool asks_daemon(const struct visor_check *check)
{
    static const char *const programs[] = {"chrony", "ntpq",      "ntpwait",  "ntp-wait",
                                           "ntpd",   "timevisor", "timesync", "gpsd"};

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (key_with(check, "Service", "ExecStart", programs[i]))
            return true;
    return false;
}

static bool names_unit(const char *list, const char *unit)
{
    size_t length = strlen(unit);

    for (const char *at = list; (at = strstr(at, unit)); at++)
        if ((at == list || at[-1] == ' ' || at[-1] == '\t') &&
            (!at[length] || at[length] == ' ' || at[length] == '\t'))
            return true;
    return false;
}

static void check_sync_order(struct visor_check *check)
{
    static const char *const daemons[] = {
        "ntpd.service",   "ntp.service",      "ntpsec.service",     "chronyd.service",
        "chrony.service", "openntpd.service", "timevisord.service", "systemd-timesyncd.service"};
    const struct visor_node *found = NULL;

    /* time-sync.target is passive: After= is enough. The others wait for the right time, too. */
    if (key_with(check, "Unit", "After", "time-sync.target") ||
        key_with(check, "Unit", "Before", "time-sync.target") ||
        key_with(check, "Unit", "After", "-wait.service") ||
        key_with(check, "Unit", "After", "time-wait-sync.service"))
        return;
    for (const struct visor_node *node = NULL;
         !found && (node = next_key(check, "Unit", "After", node));)
        for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
            if (names_unit(node->value, daemons[i]))
                found = node;
    if (found && !runs_time_daemon(check) && !asks_daemon(check))
        visor_check_found(check, found, "After=%s", found->value);
}

static void check_clock_protected(struct visor_check *check)
{
    const struct visor_node *node = switched_on(check, "ProtectClock");

    if (node && runs_time_daemon(check))
        visor_check_found(check, node, "ProtectClock=%s", node->value);
}

/* Lines add up; an empty one leaves nothing, "~" takes away. ptp4l, which sets a network
 * card's clock, works without this one, not without all. */
static void check_no_capability(struct visor_check *check)
{
    static const char wanted[] = "CAP_SYS_TIME";
    const struct visor_node *lacking = NULL;
    bool has = true, first = true;

    for (const struct visor_node *node = NULL;
         (node = next_key(check, "Service", "CapabilityBoundingSet", node)); first = false) {
        bool named = visor_contains(node->value, wanted);

        if (node->value[0] == '~')
            has = has && !named;
        else
            has = *node->value && (named || (has && !first));
        lacking = has ? NULL : node;
    }
    if (lacking && (runs_network_daemon(check) || runs(check, "phc2sys") ||
                    (!*lacking->value && runs(check, "ptp4l"))))
        visor_check_found(check, lacking, "CapabilityBoundingSet=%s", lacking->value);
}

static bool sets_clock(const struct visor_command *command)
{
    const char *name = command->program;

    if (visor_begins(name, "ntpdate"))
        return !visor_command_option(command, 'q', NULL) &&
               !visor_command_option(command, 'd', NULL);
    if (strcmp(name, "rdate") == 0)
        return !visor_command_option(command, 'p', NULL);
    if (strcmp(name, "date") == 0)
        return visor_command_option(command, 's', "--set");
    if (strcmp(name, "hwclock") == 0)
        return visor_command_option(command, 's', "--hctosys");
    if (strcmp(name, "timedatectl") == 0)
        return visor_command_option(command, '\0', "set-time");
    if (strcmp(name, "sntp") == 0)
        return visor_command_option(command, 'S', NULL) || visor_command_option(command, 's', NULL);
    return (strcmp(name, "ntpd") == 0 || strcmp(name, "chronyd") == 0) &&
           visor_command_option(command, 'q', NULL);
}

static void check_stepping(struct visor_check *check)
{
    for (const struct visor_node *node = NULL; (node = next_key(check, "Service", NULL, node));) {
        struct visor_command command;

        if (!visor_begins(node->name, "Exec"))
            continue;
        visor_command_begin(&command, node->value);
        while (visor_command_next(&command))
            if (sets_clock(&command)) {
                visor_check_found(check, node, "%s=%s", node->name, node->value);
                break;
            }
    }
}

/* Does it come more often than once a minute? The seconds stand behind the second colon. */
static bool is_of_seconds(const char *calendar)
{
    const char *seconds = strchr(calendar, ':');
    size_t length;

    seconds = seconds ? strchr(seconds + 1, ':') : NULL;
    if (!seconds)
        return false;
    length = strcspn(++seconds, " \t");
    return strcspn(seconds, "/,*") < length ||
           (strstr(seconds, "..") && strstr(seconds, "..") < seconds + length);
}

static void check_accuracy(struct visor_check *check)
{
    static const char *const keys[] = {"OnUnitActiveSec", "OnUnitInactiveSec"};

    if (next_key(check, "Timer", "AccuracySec", NULL))
        return;
    for (const struct visor_node *node = NULL;
         (node = next_key(check, "Timer", "OnCalendar", node));)
        if (is_of_seconds(node->value))
            visor_check_found(check, node, "OnCalendar=%s; AccuracySec: none", node->value);
    for (size_t i = 0; i < 2; i++)
        for (const struct visor_node *node = NULL;
             (node = next_key(check, "Timer", keys[i], node));) {
            double seconds;

            if (visor_span_read(node->value, &seconds) && seconds < 60.0)
                visor_check_found(check, node, "%s=%s; AccuracySec: none", node->name, node->value);
        }
}

static void check_no_restart(struct visor_check *check)
{
    const struct visor_node *node = last_key(check, "Service", "Restart");

    if (node && strcmp(node->value, "no") == 0 && runs_time_daemon(check))
        visor_check_found(check, node, "Restart=no");
}

static void check_private_network(struct visor_check *check)
{
    const struct visor_node *node = switched_on(check, "PrivateNetwork");

    if (node && (runs_network_daemon(check) || runs(check, "ptp4l")) &&
        !next_key(check, "Unit", "JoinsNamespaceOf", NULL))
        visor_check_found(check, node, "PrivateNetwork=%s", node->value);
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-SYSCTL-001",
        .kinds = SYSCTL,
        .severity = VISOR_NOTE,
        .what = N_("Timers stay on the processor that set them (timer_migration)"),
        .why = N_("Idle processors are then woken for them, in a virtual machine at the host's "
                  "cost. It is "
                  "right where processors are isolated for real-time work."),
        .fix = "-kernel.timer_migration = 0\n+kernel.timer_migration = 1",
        .source = "Linux, admin-guide/sysctl/kernel, timer_migration",
        .check = check_timer_migration,
    },
    {
        .id = "TV-SYSCTL-002",
        .kinds = SYSCTL,
        .severity = VISOR_RED,
        .what = N_("No sysctl chooses the clocksource or the tick"),
        .why = N_("The line fails at each start. The clocksource is chosen in /sys or on the "
                  "kernel's command "
                  "line, the tick's rate when the kernel is built."),
        .fix = "-kernel.clocksource = tsc\n+GRUB_CMDLINE_LINUX=\"… clocksource=tsc\"",
        .source = "Linux, admin-guide/sysctl; admin-guide/kernel-parameters, clocksource=",
        .check = check_no_clocksource,
    },
    {
        .id = "TV-SYSCTL-003",
        .kinds = SYSCTL,
        .severity = VISOR_NOTE,
        .what = N_("User programs may have HPET interrupts at a high rate"),
        .why = N_("A setting of old audio guides: in a virtual machine each such interrupt is an "
                  "exit, and "
                  "modern programs use high-resolution timers."),
        .fix = "-dev.hpet.max-user-freq = 3072",
        .source = "Linux, timers/hpet",
        .check = check_hpet,
    },
    {
        .id = "TV-SYSCTL-004",
        .kinds = SYSCTL,
        .severity = VISOR_YELLOW,
        .what = N_("Real-time processes may take a processor wholly"),
        .why = N_("One that loops keeps the time daemon, which is an ordinary process, from "
                  "running at all."),
        .fix = "-kernel.sched_rt_runtime_us = -1\n+kernel.sched_rt_runtime_us = 950000",
        .source = "sched(7), Limiting the CPU usage of real-time and deadline processes",
        .check = check_runtime,
    },
    {
        .id = "TV-SYSCTL-005",
        .kinds = SYSCTL,
        .severity = VISOR_ORANGE,
        .what = N_("The fast way of reading the time is switched off (vsyscall)"),
        .why = N_("Every reading becomes a system call where the setting still exists (RHEL 5 and "
                  "6, 32-bit "
                  "programs); elsewhere the line fails."),
        .fix = "-kernel.vsyscall64 = 0",
        .source = "Red Hat, RHEL 6 MRG, gettimeofday speedup; vdso(7)",
        .check = check_vsyscall,
    },
    {
        .id = "TV-SYSCTL-006",
        .kinds = SYSCTL,
        .severity = VISOR_NOTE,
        .what = N_("TCP time stamps are switched off"),
        .why = N_("Round trips are then measured worse. The stamps do not reveal the machine's "
                  "time: since "
                  "Linux 4.10 each connection has an offset of its own."),
        .fix = "-net.ipv4.tcp_timestamps = 0",
        .source = "Linux, networking/ip-sysctl, tcp_timestamps",
        .check = check_timestamps,
    },
    {
        .id = "TV-SYSCTL-007",
        .kinds = SYSCTL,
        .severity = VISOR_ORANGE,
        .what = N_("Connections are refused by their time stamps (tcp_tw_recycle)"),
        .why = N_("Clients behind one address have different clocks: all but one are turned away. "
                  "Linux 4.12 "
                  "took the setting out; on newer kernels the line fails."),
        .fix = "-net.ipv4.tcp_tw_recycle = 1",
        .source = "Linux 4.12, tcp: remove tcp_tw_recycle",
        .check = check_recycle,
    },
    {
        .id = "TV-UNIT-001",
        .kinds = UNIT,
        .severity = VISOR_YELLOW,
        .what = N_("A service waits for the time daemon's start, not for the right time"),
        .why = N_("The daemon is started long before it has synchronized; the service still sees "
                  "the boot "
                  "time. time-sync.target, with the daemon's wait service, is what is meant."),
        .fix = "-After=chronyd.service\n+After=time-sync.target\n"
               " systemctl enable chrony-wait.service (or timevisor-wait.service)",
        .source = "systemd.special(7), time-sync.target",
        .check = check_sync_order,
    },
    {
        .id = "TV-UNIT-002",
        .kinds = UNIT,
        .severity = VISOR_RED,
        .what = N_("A time daemon is kept from the clock (ProtectClock)"),
        .why =
            N_("adjtimex and the real-time clock are refused: the daemon ends or only observes."),
        .fix = "-ProtectClock=yes",
        .source = "systemd.exec(5), ProtectClock=",
        .check = check_clock_protected,
    },
    {
        .id = "TV-UNIT-003",
        .kinds = UNIT,
        .severity = VISOR_RED,
        .what = N_("A time daemon's capabilities lack CAP_SYS_TIME"),
        .why = N_("It cannot set the clock: it ends, or only observes."),
        .fix = "-CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
               "+CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SYS_TIME CAP_SETUID CAP_SETGID",
        .source = "capabilities(7), CAP_SYS_TIME",
        .check = check_no_capability,
    },
    {
        .id = "TV-UNIT-004",
        .kinds = UNIT,
        .severity = VISOR_ORANGE,
        .what = N_("A unit sets the clock by itself"),
        .why = N_("Beside a time daemon this is a second writer; run again by a timer, time jumps "
                  "each time."),
        .fix = "-ExecStart=/usr/sbin/ntpdate pool.ntp.org\n+chronyc waitsync, or "
               "After=time-sync.target",
        .source = "RFC 8633, 3.1",
        .check = check_stepping,
    },
    {
        .id = "TV-UNIT-005",
        .kinds = UNIT,
        .severity = VISOR_NOTE,
        .what = N_("A timer of seconds has the default accuracy of one minute"),
        .why = N_("systemd may be late by AccuracySec, which is 1 min unless set: a timer of every "
                  "10 s comes "
                  "when it likes."),
        .fix = "+AccuracySec=1s",
        .source = "systemd.timer(5), AccuracySec=",
        .check = check_accuracy,
    },
    {
        .id = "TV-UNIT-006",
        .kinds = UNIT,
        .severity = VISOR_YELLOW,
        .what = N_("A time daemon that ends is not started again"),
        .why = N_("From its first crash, or its first exit after a large correction, nobody keeps "
                  "the time."),
        .fix = "-Restart=no\n+Restart=on-failure",
        .source = "systemd.service(5), Restart=",
        .check = check_no_restart,
    },
    {
        .id = "TV-UNIT-007",
        .kinds = UNIT,
        .severity = VISOR_RED,
        .what = N_("A time daemon has no network (PrivateNetwork)"),
        .why = N_("It can ask no server; only reference clocks are left to it."),
        .fix = "-PrivateNetwork=yes",
        .source = "systemd.exec(5), PrivateNetwork=",
        .check = check_private_network,
    },
};

const struct visor_rules visor_rules_system = VISOR_RULES(rules);
