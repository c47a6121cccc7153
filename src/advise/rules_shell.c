/* Shell scripts that set up or watch the time. */
#include "advise/boot.h"
#include "advise/groups.h"

#include <string.h>

#define CLOCKSOURCE_FILE "/clocksource0/current_clocksource"

/* The next simple command of this name (NULL: of any) behind `node` (NULL: from the start). */
static const struct visor_node *next_command(const struct visor_check *check,
                                             const struct visor_node *node, const char *name)
{
    for (node = node ? node->next : check->document->root->first; node; node = node->next)
        if (!name || strcmp(node->name, name) == 0)
            return node;
    return NULL;
}

static bool writes_to(const struct visor_node *command, const char *end)
{
    for (const struct visor_node *word = command->first; word; word = word->next)
        if ((word->name[0] == '>' || strcmp(command->name, "tee") == 0) &&
            visor_ends(word->value, end))
            return true;
    return false;
}

/* What `echo NAME > current_clocksource` writes; "" if this command does not. */
static const char *written_clocksource(const struct visor_node *command)
{
    const struct visor_node *echo = command;
    const char *word;

    if (!writes_to(command, CLOCKSOURCE_FILE))
        return "";
    if (strcmp(command->name, "tee") == 0) /* echo NAME | tee FILE */
        for (echo = command->parent->first; echo->next != command; echo = echo->next)
            continue;
    word = visor_node_word(echo, 0);
    if (*word == '-')
        word = visor_node_word(echo, 1);
    return strcmp(echo->name, "echo") == 0 || strcmp(echo->name, "printf") == 0 ? word : "";
}

static void check_no_clocksource(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        const char *name = written_clocksource(command);

        if (*name && *name != '$' && !visor_boot_is_clocksource(name))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_slow_clocksource(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        if (visor_boot_is_slow_clocksource(written_clocksource(command)))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_lost_clocksource(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        if (visor_boot_is_clocksource(written_clocksource(command)))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_chrony_command(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "chrony"));) {
        visor_finding_edit(visor_check_found(check, command, "%s", command->value), VISOR_EDIT_NONE,
                           "%s", "");
    }
}

static void check_setting(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        const char *name = command->name;
        bool sets =
            (strcmp(name, "ntpdate") == 0 && !visor_node_find_word(command, "-q")) ||
            (strcmp(name, "date") == 0 &&
             (visor_node_find_word(command, "-s") || visor_node_find_word(command, "--set"))) ||
            strcmp(name, "rdate") == 0 ||
            (strcmp(name, "hwclock") == 0 &&
             (visor_node_find_word(command, "--hctosys") || visor_node_find_word(command, "-s"))) ||
            (strcmp(name, "timedatectl") == 0 && visor_node_find_word(command, "set-time"));

        if (sets)
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_ntpdate_query(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "ntpdate"));) {
        if (visor_node_find_word(command, "-q"))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_ssh_date(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "ssh"));) {
        const struct visor_node *date = visor_node_find_word(command, "date");

        if (date)
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_one_sided(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, "bc"));) {
        const struct visor_node *echo = check->document->root->first;

        while (echo->next != command && echo != command)
            echo = echo->next;
        if (strcmp(echo->name, "echo") == 0 && visor_contains(echo->value, "offset") &&
            visor_contains(echo->value, ">") && !visor_contains(echo->value, "<") &&
            !visor_contains(echo->value, "abs") && !visor_contains(echo->value, "sqrt") &&
            !visor_contains(echo->value, "*"))
            visor_check_found(check, echo, "%s", echo->value);
    }
}

static bool manages(const struct visor_node *command, const char *verb)
{
    return (strcmp(command->name, "systemctl") == 0 && visor_node_find_word(command, verb));
}

static const struct visor_node *find_started(const struct visor_check *check,
                                             const char *const *names)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "systemctl"));) {
        if (!manages(command, "enable") && !manages(command, "start") &&
            !manages(command, "restart"))
            continue;
        for (size_t i = 0; names[i]; i++)
            if (visor_node_find_word(command, names[i]))
                return command;
    }
    return NULL;
}

static void check_two_daemons(struct visor_check *check)
{
    static const char *const names[][5] = {
        {"chronyd", "chrony", "chronyd.service", "chrony.service", NULL},
        {"ntpd", "ntp", "ntpsec", "ntpd.service", NULL},
        {"systemd-timesyncd", "systemd-timesyncd.service", NULL},
        {"openntpd", NULL},
    };
    const struct visor_node *first = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct visor_node *found = find_started(check, names[i]);

        if (found && first) {
            visor_check_found(check, found, "%s; line %u: %s", found->value, first->line,
                              first->value);
            return;
        }
        if (found)
            first = found;
    }
}

static void check_old_package(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        const char *name = command->name;

        if ((strcmp(name, "yum") == 0 || strcmp(name, "dnf") == 0 || strcmp(name, "apt") == 0 ||
             strcmp(name, "apt-get") == 0) &&
            visor_node_find_word(command, "install") &&
            (visor_node_find_word(command, "ntp") || visor_node_find_word(command, "ntpdate")))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_tools_and_daemon(struct visor_check *check)
{
    static const char *const names[] = {"chronyd",           "chrony", "ntpd", "ntp", "ntpsec",
                                        "systemd-timesyncd", NULL};
    const struct visor_node *started = find_started(check, names);

    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "vmware-toolbox-cmd"));) {
        if (visor_node_find_word(command, "timesync") && visor_node_find_word(command, "enable") &&
            started)
            visor_check_found(check, command, "%s; line %u: %s", command->value, started->line,
                              started->value);
    }
}

static void check_tools_sync(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "vmware-toolbox-cmd"));) {
        if (visor_node_find_word(command, "timesync") && visor_node_find_word(command, "enable"))
            visor_check_found(check, command, "%s", command->value);
    }
}

static void check_esxcli(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "esxcli"));) {
        for (const struct visor_node *word = command->first; word; word = word->next)
            if (visor_node_find_word(command, "ntp") && visor_node_find_word(command, "set") &&
                visor_begins(word->value, "--server=") && strchr(word->value, ','))
                visor_check_found(check, word, "%s", word->value);
    }
}

static void check_container_clock(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        bool runs =
            (strcmp(command->name, "docker") == 0 || strcmp(command->name, "podman") == 0) &&
            visor_node_find_word(command, "run");

        for (const struct visor_node *word = command->first; runs && word; word = word->next)
            if (visor_contains(word->value, "SYS_TIME"))
                visor_check_found(check, word, "%s", word->value);
    }
}

static void check_localtime_mount(struct visor_check *check)
{
    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        bool runs =
            (strcmp(command->name, "docker") == 0 || strcmp(command->name, "podman") == 0) &&
            visor_node_find_word(command, "run");

        for (const struct visor_node *word = command->first; runs && word; word = word->next)
            if (visor_begins(word->value, "/etc/localtime:"))
                visor_check_found(check, word, "-v %s", word->value);
    }
}

static void check_date_benchmark(struct visor_check *check)
{
    const struct visor_node *loop = NULL;

    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        if (strcmp(command->name, "for") == 0 &&
            (visor_contains(command->value, "{1..") || visor_contains(command->value, "seq ")))
            loop = command;
        /* (Where a loop ends is not kept: within two lines it is its body.) */
        if (loop && strcmp(command->name, "date") == 0 &&
            (loop->line == command->line ||
             (command->line <= loop->line + 2 && writes_to(command, "/dev/null"))))
            visor_check_found(check, command, "%s; %s", loop->value, command->value);
    }
}

static void check_kvmclock_module(struct visor_check *check)
{
    const struct visor_node *before = NULL;

    for (const struct visor_node *command = NULL; (command = next_command(check, command, NULL));) {
        if (before && strcmp(before->name, "lsmod") == 0 && strcmp(command->name, "grep") == 0 &&
            before->line == command->line &&
            (visor_node_find_word(command, "kvm") || visor_contains(command->value, "kvm-clock") ||
             visor_contains(command->value, "kvmclock")))
            visor_check_found(check, before, "%s | %s", before->value, command->value);
        before = command;
    }
}

static void check_append(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "echo"));) {
        for (const struct visor_node *word = command->first; word; word = word->next)
            if (strcmp(word->name, ">>") == 0 &&
                (visor_ends(word->value, "chrony.conf") || visor_ends(word->value, "/ntp.conf") ||
                 visor_ends(word->value, "/etc/default/grub")))
                visor_check_found(check, command, "%s", command->value);
    }
}

static void check_local_rtc(struct visor_check *check)
{
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "timedatectl"));) {
        const char *value = visor_node_word_after(command, "set-local-rtc");

        if (strcmp(value, "1") == 0 || visor_same(value, "true") || visor_same(value, "yes"))
            visor_check_found(check, command, "%s", command->value);
    }
    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "hwclock"));)
        if (visor_node_find_word(command, "--localtime") || visor_node_find_word(command, "-l"))
            visor_check_found(check, command, "%s", command->value);
}

/* Somebody who asks chronyd, or starts it. */
static const struct visor_node *chrony_user(const struct visor_check *check)
{
    const struct visor_node *command = next_command(check, NULL, "chronyc");

    if (command)
        return command;
    while ((command = next_command(check, command, "systemctl")))
        if (visor_contains(command->value, "chrony") &&
            (visor_node_find_word(command, "start") || visor_node_find_word(command, "enable") ||
             visor_node_find_word(command, "restart")))
            return command;
    return NULL;
}

static void check_timesync_status(struct visor_check *check)
{
    const struct visor_node *other = chrony_user(check);

    for (const struct visor_node *command = NULL;
         (command = next_command(check, command, "timedatectl"));) {
        if (other && (visor_node_find_word(command, "timesync-status") ||
                      visor_node_find_word(command, "show-timesync")))
            visor_check_found(check, command, "%s; line %u: %s", command->value, other->line,
                              other->value);
    }
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-SHELL-001",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_RED,
        .what = N_("What is written to current_clocksource is no clocksource"),
        .why = N_(
            "The kernel refuses it, and nothing changes. nohz is a boot option and no clocksource; "
            "dynamic ticks are on by default and need no command."),
        .fix = "-echo nohz > /sys/devices/system/clocksource/clocksource0/current_clocksource\n"
               " cat /sys/devices/system/clocksource/clocksource0/available_clocksource",
        .source = "Linux, kernel/time/clocksource.c: a name of available_clocksource; timers/no_hz",
        .check = check_no_clocksource,
    },
    {
        .id = "TV-SHELL-002",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_ORANGE,
        .what = N_("The script switches to a slow clocksource"),
        .why = N_(
            "Every reading of the time becomes a system call, in a virtual machine an exit to the "
            "hypervisor, too: microseconds in place of 30 ns."),
        .fix = "-echo hpet > …/current_clocksource",
        .source = "measured: 29-34 ns through the vDSO, 147 ns by a system call, microseconds with "
                  "an exit",
        .check = check_slow_clocksource,
    },
    {
        .id = "TV-SHELL-003",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("A clocksource that is chosen by hand lasts until the next restart"),
        .why = N_("The kernel chooses again at boot, mostly rightly. If it must be fixed, the "
                  "place is the "
                  "kernel's command line."),
        .fix = "+GRUB_CMDLINE_LINUX=\"… clocksource=tsc\"",
        .source = "Linux, admin-guide/kernel-parameters, clocksource=",
        .check = check_lost_clocksource,
    },
    {
        .id = "TV-SHELL-004",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_RED,
        .what = N_("There is no command chrony: the daemon is chronyd, the command chronyc"),
        .why = N_("The line fails, and what it was to show is not seen."),
        .fix = "-chrony sources -v\n+chronyc sources -v",
        .source = "chronyc(1)",
        .check = check_chrony_command,
    },
    {
        .id = "TV-SHELL-005",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_ORANGE,
        .what = N_("The script sets the clock by itself"),
        .why = N_(
            "Beside a time daemon this is a second writer: the daemon sees a jump that no source "
            "explains, and corrects it back or starts anew. Time may go backward."),
        .fix = "-ntpdate SERVER\n+chronyc waitsync 10 0.1",
        .source = "RFC 8633, 3.1; ntpdate(8): deprecated",
        .check = check_setting,
    },
    {
        .id = "TV-SHELL-006",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("ntpdate is retired, and its output was never meant for scripts"),
        .why = N_(
            "On new systems it is missing or another program under its name, whose columns differ; "
            "the script then compares a word with a number and stays silent."),
        .fix = "-ntpdate -q SERVER\n+timevisor drift --against SERVER\n or: chronyd -Q 'server "
               "SERVER iburst'",
        .source = "NTPsec, ntpdate is now a wrapper of ntpdig",
        .check = check_ntpdate_query,
    },
    {
        .id = "TV-SHELL-007",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_YELLOW,
        .what = N_("Two clocks are compared by ssh and date"),
        .why = N_("Connecting takes 0.1 to several seconds and the result is in whole seconds: the "
                  "difference shown is mostly that of the connection."),
        .fix = "-$(ssh HOST date +%s)\n+timevisor drift --against HOST",
        .source = "measured: a new ssh connection, 0.1 s and more before date runs",
        .check = check_ssh_date,
    },
    {
        .id = "TV-SHELL-008",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_ORANGE,
        .what = N_("Only a clock that is behind is noticed, never one that is ahead"),
        .why = N_(
            "The offset has a sign: one of -3600 s is smaller than any limit, and the script calls "
            "it good."),
        .fix = "-echo \"$offset > $MAX\" | bc -l\n+echo \"sqrt(($offset)^2) > $MAX\" | bc -l",
        .source = "arithmetic; the sign convention of ntpdate and chronyc",
        .check = check_one_sided,
    },
    {
        .id = "TV-SHELL-009",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_RED,
        .what = N_("Two time daemons are started"),
        .why = N_(
            "Both correct one clock, each against the other's corrections; only one can have port "
            "123."),
        .fix = "+systemctl disable --now ntpd",
        .source = "chrony, FAQ 3.6; systemd-timesyncd(8): conflicts",
        .check = check_two_daemons,
    },
    {
        .id = "TV-SHELL-010",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_YELLOW,
        .what = N_("The package ntp is gone from current systems"),
        .why = N_("RHEL 8 and later have none, in Debian 12 it is a name for ntpsec: the command "
                  "fails, or "
                  "installs something with other files."),
        .fix = "-yum install -y ntp\n+dnf install -y chrony",
        .source = "Red Hat, RHEL 8, Considerations in adopting: ntp is replaced by chrony; Debian "
                  "12, ntp",
        .check = check_old_package,
    },
    {
        .id = "TV-SHELL-011",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_RED,
        .what = N_("VMware Tools' periodic synchronisation and a time daemon are both switched on"),
        .why = N_(
            "Two writers pull at one clock: Tools steps it forward once a minute, the daemon slews "
            "it back."),
        .fix = "-vmware-toolbox-cmd timesync enable\n+vmware-toolbox-cmd timesync disable",
        .source = "VMware, Timekeeping best practices for Linux guests (1006427)",
        .check = check_tools_and_daemon,
    },
    {
        .id = "TV-SHELL-012",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_YELLOW,
        .what = N_("VMware Tools' periodic synchronisation is switched on"),
        .why = N_(
            "It looks once a minute and only moves the clock forward; an NTP client is a thousand "
            "times more accurate. Beside one it is a second writer."),
        .fix = "-vmware-toolbox-cmd timesync enable\n+vmware-toolbox-cmd timesync disable\n"
               "+systemctl enable --now chronyd",
        .source = "VMware, Timekeeping best practices for Linux guests (1006427)",
        .check = check_tools_sync,
    },
    {
        .id = "TV-SHELL-013",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_ORANGE,
        .what = N_("Several NTP servers are given to esxcli as one name with commas"),
        .why = N_("The option is repeated, once a server; a name with a comma is no host, and the "
                  "ESXi host "
                  "and all that trust it stay unsynchronized."),
        .fix = "-esxcli system ntp set --server=A,B\n+esxcli system ntp set --server=A --server=B",
        .source = "VMware, ESXCLI reference, esxcli system ntp set: the option may be given "
                  "several times",
        .check = check_esxcli,
    },
    {
        .id = "TV-SHELL-014",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_YELLOW,
        .what = N_("A container is given the right to set the clock"),
        .why = N_(
            "There is one CLOCK_REALTIME for the host and all its containers: what this one sets, "
            "all get. The host's own daemon is the one place for it."),
        .fix = "-docker run --cap-add SYS_TIME IMAGE",
        .source = "time_namespaces(7): CLOCK_REALTIME is not virtualized",
        .check = check_container_clock,
    },
    {
        .id = "TV-SHELL-015",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("The container's time zone is the host's file, mounted"),
        .why = N_(
            "It follows whatever host the container lands on; where the image's programs read TZ "
            "or "
            "their own zone data, it does nothing. TZ says it once and for all, if the image has "
            "tzdata."),
        .fix = "-docker run -v /etc/localtime:/etc/localtime:ro IMAGE\n+docker run -e "
               "TZ=Asia/Shanghai IMAGE",
        .source = "tzset(3)",
        .check = check_localtime_mount,
    },
    {
        .id = "TV-SHELL-016",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_YELLOW,
        .what =
            N_("A loop over date measures how long a program takes to start, not to read the time"),
        .why = N_("Starting one takes about a millisecond, reading the clock 30 ns: the loop says "
                  "nothing "
                  "of the vDSO or the clocksource."),
        .fix = "-for i in {1..100000}; do date; done\n+timevisor bench clocks",
        .source = "measured: 30 ns a reading",
        .check = check_date_benchmark,
    },
    {
        .id = "TV-SHELL-017",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("lsmod does not show kvm-clock: it is part of the kernel, not a module"),
        .why = N_(
            "What it lists as kvm is the hypervisor's side, found on hosts; a guest without it may "
            "well use kvm-clock."),
        .fix = "-lsmod | grep kvm\n+cat "
               "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        .source = "Linux, arch/x86/kernel/kvmclock.c: built in with CONFIG_KVM_GUEST",
        .check = check_kvmclock_module,
    },
    {
        .id = "TV-SHELL-018",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("A line is appended to a configuration: each run appends it again"),
        .why = N_("The second server of the same name is refused or counts twice; and what the "
                  "distribution's file already says stays in force."),
        .fix = "-echo 'server HOST iburst' >> /etc/chrony/chrony.conf\n"
               "+echo 'server HOST iburst' > /etc/chrony/sources.d/host.sources && chronyc reload "
               "sources",
        .source = "chrony.conf(5), sourcedir",
        .check = check_append,
    },
    {
        .id = "TV-SHELL-019",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_ORANGE,
        .what = N_("The real-time clock is set to local time"),
        .why = N_("Twice a year it is an hour wrong until somebody corrects it, and until the zone "
                  "is known "
                  "at boot the system's clock is wrong by its offset."),
        .fix = "-timedatectl set-local-rtc 1\n+timedatectl set-local-rtc 0",
        .source = "timedatectl(1), set-local-rtc",
        .check = check_local_rtc,
    },
    {
        .id = "TV-SHELL-020",
        .kinds = VISOR_KIND_SHELL,
        .severity = VISOR_NOTE,
        .what = N_("timedatectl timesync-status speaks of systemd-timesyncd only"),
        .why = N_(
            "Where chronyd keeps the time it fails or shows a service that is not in use; chronyc "
            "tracking has the answer."),
        .fix = "-timedatectl timesync-status\n+chronyc tracking",
        .source = "timedatectl(1), timesync-status",
        .check = check_timesync_status,
    },
};

const struct visor_rules visor_rules_shell = VISOR_RULES(rules);
