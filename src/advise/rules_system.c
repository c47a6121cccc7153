/* sysctl and systemd units. */
#include "advise/groups.h"
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

static const struct visor_node *section(const struct visor_check *check, const char *name)
{
    return visor_node_child(check->document->root, name);
}

static const struct visor_node *key_with(const struct visor_node *in, const char *key,
                                         const char *text)
{
    const struct visor_node *node = visor_node_child(in, key);

    while (node && !visor_contains(node->value, text))
        node = visor_node_again(node);
    return node;
}

static bool runs_time_daemon(const struct visor_check *check)
{
    static const char *const names[] = {"chronyd",    "ntpd",  "timesyncd",
                                        "timevisord", "ptp4l", "phc2sys"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (key_with(section(check, "Service"), "ExecStart", names[i]))
            return true;
    return false;
}

/* It wants the daemon itself, whatever time it is. */
static bool asks_daemon(const struct visor_check *check)
{
    static const char *const programs[] = {"chrony", "ntpq", "ntpwait", "timevisor", "gpsd"};

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (key_with(section(check, "Service"), "ExecStart", programs[i]))
            return true;
    return false;
}

static void check_sync_order(struct visor_check *check)
{
    static const char *const daemons[] = {
        "ntpd.service",   "ntp.service",        "ntpsec.service",           "chronyd.service",
        "chrony.service", "timevisord.service", "systemd-timesyncd.service"};
    const struct visor_node *unit = section(check, "Unit");
    const struct visor_node *after = key_with(unit, "After", "time-sync.target");

    if (after && !key_with(unit, "Wants", "time-sync.target") &&
        !key_with(unit, "Requires", "time-sync.target"))
        return; /* passive target: After= is enough */
    after = NULL;
    for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]) && !after; i++)
        after = key_with(unit, "After", daemons[i]);
    if (after && !runs_time_daemon(check) && !key_with(unit, "After", "time-sync.target") &&
        !key_with(unit, "Before", "time-sync.target") && !asks_daemon(check))
        visor_check_found(check, after, "After=%s", after->value);
}

static void check_clock_protected(struct visor_check *check)
{
    static const char *const words[] = {"yes", "true", "on", "1"};
    const struct visor_node *node = NULL;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !node; i++)
        node = key_with(section(check, "Service"), "ProtectClock", words[i]);
    if (node && runs_time_daemon(check) && !key_with(section(check, "Service"), "ExecStart", " -x"))
        visor_check_found(check, node, "ProtectClock=%s", node->value);
}

static void check_no_capability(struct visor_check *check)
{
    const struct visor_node *set =
        visor_node_child(section(check, "Service"), "CapabilityBoundingSet");
    const struct visor_node *last = NULL;
    bool has = true, begun = false; /* without any line, all */

    /* Lists are merged; "~" takes away, and an empty one takes all. */
    for (; set; set = visor_node_again(set)) {
        bool named = visor_contains(set->value, "CAP_SYS_TIME");

        last = set;
        if (set->value[0] == '~')
            has = has && !named;
        else
            has = *set->value && (named || (begun && has));
        begun = true;
    }
    if (last && !has && runs_time_daemon(check) &&
        !key_with(section(check, "Service"), "ExecStart", " -x"))
        visor_check_found(check, last, "CapabilityBoundingSet=%s", last->value);
}

static void check_stepping(struct visor_check *check)
{
    static const char *const commands[] = {"ntpdate",    "date -s",
                                           "date --set", "hwclock --hctosys",
                                           "hwclock -s", "rdate",
                                           "sntp -S",    "sntp -s",
                                           "ntpd -q",    "ntpd -gq",
                                           "ntpd -g -q", "ntpd -qg",
                                           "chronyd -q", "timedatectl set-time"};

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct visor_node *node =
            key_with(section(check, "Service"), "ExecStart", commands[i]);

        if (!node)
            node = key_with(section(check, "Service"), "ExecStartPre", commands[i]);
        if (node && !visor_contains(node->value, "ntpdate -q"))
            visor_check_found(check, node, "%s=%s", node->name, node->value);
    }
}

static void check_calendar(struct visor_check *check)
{
    const struct visor_node *timer = section(check, "Timer");
    const struct visor_node *node = visor_node_child(timer, "OnCalendar");
    const struct visor_node *accuracy = visor_node_child(timer, "AccuracySec");

    static const char *const spans[] = {"OnUnitActiveSec", "OnUnitInactiveSec"};
    double seconds;

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]) && !accuracy; i++) {
        const struct visor_node *span = visor_node_child(timer, spans[i]);

        if (span && visor_span_read(span->value, &seconds) && seconds < 60.0)
            visor_check_found(check, span, "%s=%s; AccuracySec: none", span->name, span->value);
    }
    if (node && (visor_contains(node->value, "*:*:00/") || visor_contains(node->value, "*:*:0/")) &&
        !accuracy)
        visor_check_found(check, node, "OnCalendar=%s; AccuracySec: none", node->value);
}

static void check_no_restart(struct visor_check *check)
{
    const struct visor_node *service = section(check, "Service");
    const struct visor_node *node = key_with(service, "Restart", "no");

    if (node && strcmp(node->value, "no") == 0 && runs_time_daemon(check))
        visor_check_found(check, node, "Restart=no");
}

static void check_private_network(struct visor_check *check)
{
    const struct visor_node *node = key_with(section(check, "Service"), "PrivateNetwork", "yes");

    if (!node)
        node = key_with(section(check, "Service"), "PrivateNetwork", "true");
    if (node && runs_time_daemon(check))
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
        .check = check_calendar,
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
