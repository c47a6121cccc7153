/* The words of the kernel's command line that concern time, in GRUB's defaults, in a boot entry, or
 * as the running kernel got them. */
#include "advise/boot.h"
#include "advise/groups.h"

#include <string.h>

#define BOOT (VISOR_KIND_GRUB | VISOR_KIND_CMDLINE)

/* To the kernel "-" and "_" are the same in a word's name. */
static bool is_named(const struct visor_node *word, const char *name)
{
    const char *a = word->name;

    while (*a && (*a == *name || (*a == '_' && *name == '-')))
        a++, name++;
    return *a == *name;
}

/* Words of the kernel: all of a command line; in GRUB's file those below its command lines. */
static const struct visor_node *next_word(const struct visor_check *check,
                                          const struct visor_node *node, const char *name)
{
    bool grub = check->document->kind == VISOR_KIND_GRUB;

    for (node = node ? visor_node_next(node) : check->document->root->first; node;
         node = visor_node_next(node))
        if ((!grub || node->parent != check->document->root) && is_named(node, name))
            return node;
    return NULL;
}

static void found(struct visor_check *check, const struct visor_node *word)
{
    visor_check_found(check, word, "%s%s%s", word->name, *word->value ? "=" : "", word->value);
}

/* All words of this name whose value is in the list (NULL: any value). */
static void find_words(struct visor_check *check, const char *name, const char *const *values)
{
    for (const struct visor_node *word = NULL; (word = next_word(check, word, name));) {
        if (!values)
            found(check, word);
        for (size_t i = 0; values && values[i]; i++)
            if (strcmp(word->value, values[i]) == 0)
                found(check, word);
    }
}

/* Words that are switched off, in all ways that the kernel takes for "no". */
static void find_off(struct visor_check *check, const char *name)
{
    for (const struct visor_node *word = NULL; (word = next_word(check, word, name));)
        if ((*word->value && strchr("nN0fF", *word->value)) || visor_begins(word->value, "of"))
            found(check, word);
}

/* Do both come to the same kernel? GRUB has a variable for recovery, and some for Xen. */
static bool are_together(const struct visor_node *a, const struct visor_node *b)
{
    static const char *const both[] = {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"};
    const char *one = a->parent->name, *other = b->parent->name;

    return strcmp(one, other) == 0 ||
           ((strcmp(one, both[0]) == 0 || strcmp(one, both[1]) == 0) &&
            (strcmp(other, both[0]) == 0 || strcmp(other, both[1]) == 0));
}

/* Of several in one line the last counts. */
static bool is_overruled(const struct visor_node *word)
{
    for (const struct visor_node *later = word->next; later; later = later->next)
        if (is_named(later, word->name))
            return true;
    return false;
}

bool visor_boot_is_clocksource(const char *name)
{
    static const char *const known[] = {
        "tsc",
        "tsc-early",
        "kvm-clock",
        "hyperv_clocksource_tsc_page",
        "hyperv_clocksource_msr",
        "hyperv_clocksource",
        "xen",
        "hpet",
        "acpi_pm",
        "jiffies",
        "refined-jiffies",
        "pit",
        "arch_sys_counter",
        "timebase",
        "tod",
        "riscv_clocksource",
        "Constant", /* LoongArch */
        "stp",
        "arch_mem_counter",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

bool visor_boot_is_slow_clocksource(const char *name)
{
    return strcmp(name, "hpet") == 0 || strcmp(name, "acpi_pm") == 0 || strcmp(name, "pit") == 0 ||
           strcmp(name, "jiffies") == 0 || strcmp(name, "refined-jiffies") == 0;
}

static void check_no_clocksource(struct visor_check *check)
{
    for (const struct visor_node *word = NULL; (word = next_word(check, word, "clocksource"));)
        if (!visor_boot_is_clocksource(word->value))
            found(check, word);
}

static void check_slow_clocksource(struct visor_check *check)
{
    for (const struct visor_node *word = NULL; (word = next_word(check, word, "clocksource"));)
        if (visor_boot_is_slow_clocksource(word->value) && !is_overruled(word))
            found(check, word);
}

static void check_forced_clocksource(struct visor_check *check)
{
    static const char *const values[] = {"kvm-clock", "xen", "hyperv_clocksource_tsc_page", NULL};

    find_words(check, "clocksource", values);
}

static void check_obsolete(struct visor_check *check)
{
    find_words(check, "divider", NULL);
    find_words(check, "clock", NULL);
}

static void check_no_kvmclock_vdso(struct visor_check *check)
{
    find_words(check, "no-kvmclock-vsyscall", NULL);
}

static void check_notsc(struct visor_check *check)
{
    find_words(check, "notsc", NULL);
}

static void check_no_kvmclock(struct visor_check *check)
{
    find_words(check, "no-kvmclock", NULL);
}

static void check_tsc_reliable(struct visor_check *check)
{
    static const char *const values[] = {"reliable", "nowatchdog", NULL};

    find_words(check, "tsc", values);
}

static void check_tsc_unstable(struct visor_check *check)
{
    static const char *const values[] = {"unstable", NULL};

    find_words(check, "tsc", values);
}

/* What a word says of the TSC's trustworthiness; 0: nothing. */
static int trust_of(const struct visor_node *word)
{
    if (strcmp(word->value, "unstable") == 0)
        return 1;
    if (strcmp(word->value, "watchdog") == 0)
        return 2;
    return strcmp(word->value, "reliable") == 0 || strcmp(word->value, "nowatchdog") == 0 ? 3 : 0;
}

static void check_tsc_contradiction(struct visor_check *check)
{
    const struct visor_node *forbidden = next_word(check, NULL, "notsc"), *before = NULL;

    for (const struct visor_node *word = NULL; (word = next_word(check, word, "tsc"));) {
        if (!trust_of(word))
            continue;
        if (!before && forbidden && !visor_same(word->value, "unstable") &&
            are_together(word, forbidden))
            visor_check_found(check, word, "tsc=%s notsc", word->value);
        if (before && trust_of(before) != trust_of(word) && are_together(before, word))
            visor_check_found(check, word, "tsc=%s tsc=%s", before->value, word->value);
        before = word;
    }
}

static void check_nohz_off(struct visor_check *check)
{
    find_off(check, "nohz");
}

static void check_highres_off(struct visor_check *check)
{
    find_off(check, "highres");
}

static void check_no_vdso(struct visor_check *check)
{
    static const char *const values[] = {"0", NULL};

    find_words(check, "vdso", values);
}

static void check_lpj(struct visor_check *check)
{
    find_words(check, "lpj", NULL);
}

static void check_no_apic_timer(struct visor_check *check)
{
    find_words(check, "nolapic", NULL);
    find_words(check, "nolapic_timer", NULL);
    find_words(check, "noapictimer", NULL);
}

static void check_no_steal(struct visor_check *check)
{
    find_words(check, "no-steal-acc", NULL);
}

static void check_idle_poll(struct visor_check *check)
{
    static const char *const values[] = {"poll", NULL};

    find_words(check, "idle", values);
}

static void check_twice(struct visor_check *check)
{
    const struct visor_node *before = next_word(check, NULL, "clocksource"), *word;

    for (; before && (word = next_word(check, before, "clocksource")); before = word)
        if (strcmp(before->value, word->value) != 0 && are_together(before, word))
            visor_check_found(check, word, "clocksource=%s clocksource=%s", before->value,
                              word->value);
}

static void check_unquoted(struct visor_check *check)
{
    for (const struct visor_node *key = check->document->root->first; key; key = key->next)
        if (strcmp(key->name, "?") == 0)
            visor_check_found(check, key, "%s", key->value);
}

static void check_assigned_twice(struct visor_check *check)
{
    for (const struct visor_node *key = check->document->root->first; key; key = key->next) {
        const struct visor_node *again = visor_node_again(key);

        if (again && !check->document->incomplete &&
            visor_begins(key->name, "GRUB_CMDLINE_LINUX") && key->first &&
            !visor_contains(again->value, "$GRUB_CMDLINE") &&
            !visor_contains(again->value, "${GRUB_CMDLINE"))
            visor_check_found(check, again, "%s: line %u, too", key->name, key->line);
    }
}

#define PARAMETERS "Linux, admin-guide/kernel-parameters"

static const struct visor_rule rules[] = {
    {
        .id = "TV-BOOT-001",
        .kinds = BOOT,
        .severity = VISOR_RED,
        .what = N_("No clocksource has this name"),
        .why = N_(
            "The kernel ignores the word and chooses for itself. nohz, notably, is no clocksource: "
            "it is a boot option of its own, and dynamic ticks are on by default."),
        .fix = "-clocksource=nohz\n cat "
               "/sys/devices/system/clocksource/clocksource0/available_clocksource",
        .source = PARAMETERS ", clocksource=, nohz=",
        .check = check_no_clocksource,
    },
    {
        .id = "TV-BOOT-002",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("A slow clocksource is forced: every reading of the time becomes a system call"),
        .why =
            N_("In a virtual machine each reading of acpi_pm or hpet leaves the machine, too: "
               "microseconds in place of 30 ns, and a database reads the time millions of times a "
               "second."),
        .fix = "-clocksource=hpet\n leave the choice to the kernel: kvm-clock, tsc or the Hyper-V "
               "page",
        .source = "measured: 29-34 ns through the vDSO, 147 ns by a system call, microseconds with "
                  "an exit",
        .check = check_slow_clocksource,
    },
    {
        .id = "TV-BOOT-003",
        .kinds = BOOT,
        .severity = VISOR_NOTE,
        .what = N_("The clocksource is fixed that the kernel would choose by itself"),
        .why =
            N_("The word stays when the image moves to another hypervisor, where it fails, or to a "
               "processor whose invariant TSC the kernel would rightly prefer."),
        .fix = "-clocksource=kvm-clock",
        .source = PARAMETERS
        ", clocksource=; Linux, arch/x86/kernel/kvmclock.c: rated below an invariant "
        "TSC",
        .check = check_forced_clocksource,
    },
    {
        .id = "TV-BOOT-004",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("A word of very old kernels"),
        .why = N_(
            "divider= was Red Hat's for RHEL 4 and 5 and does nothing now; clock= is the name that "
            "clocksource= had until 2006, and is taken with a warning (pmtmr is acpi_pm)."),
        .fix = "-divider=10 clock=pmtmr",
        .source = PARAMETERS "; VMware, Timekeeping best practices for Linux guests (1006427)",
        .check = check_obsolete,
    },
    {
        .id = "TV-BOOT-005",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("The TSC is forbidden as a clocksource (notsc)"),
        .why = N_(
            "On real hardware hpet or acpi_pm remain, ten to a hundred times dearer to read; the "
            "reasons for it went with the processors before 2008."),
        .fix = "-notsc",
        .source = PARAMETERS ", notsc",
        .check = check_notsc,
    },
    {
        .id = "TV-BOOT-006",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("The paravirtual clock of KVM is switched off (no-kvmclock)"),
        .why = N_(
            "The guest then does not learn of a new TSC rate after a migration, nor of the time in "
            "which it was not running; without an invariant TSC it falls back to a slow clock."),
        .fix = "-no-kvmclock",
        .source = PARAMETERS ", no-kvmclock; Linux, virt/kvm/x86/timekeeping",
        .check = check_no_kvmclock,
    },
    {
        .id = "TV-BOOT-020",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("The paravirtual clock of KVM is kept out of the vDSO (no-kvmclock-vsyscall)"),
        .why = N_("Each reading of kvm-clock becomes a system call: five times dearer."),
        .fix = "-no-kvmclock-vsyscall",
        .source = PARAMETERS ", no-kvmclock-vsyscall; measured: 30 ns against 150 ns",
        .check = check_no_kvmclock_vdso,
    },
    {
        .id = "TV-BOOT-007",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("The watchdog of the TSC is switched off (tsc=reliable, tsc=nowatchdog)"),
        .why =
            N_("Nothing then notices a TSC that changes its rate or differs between processors, as "
               "after a migration to a host of another rate. It is right where the hypervisor "
               "guarantees an invariant TSC and never migrates to another rate."),
        .fix = "-tsc=reliable",
        .source = PARAMETERS ", tsc=",
        .check = check_tsc_reliable,
    },
    {
        .id = "TV-BOOT-008",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("The TSC is declared unstable by hand (tsc=unstable)"),
        .why = N_(
            "It cannot be the clocksource then, however good it is, and user programs that read it "
            "are on their own. Where the hypervisor's own clock is chosen, nothing is lost."),
        .fix = "-tsc=unstable",
        .source = PARAMETERS ", tsc=",
        .check = check_tsc_unstable,
    },
    {
        .id = "TV-BOOT-009",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("The TSC is told two different things"),
        .why = N_(
            "tsc=reliable drops the watchdog, tsc=unstable forbids the TSC: together they are what "
            "nobody meant, left behind by two hands."),
        .fix = "-tsc=reliable tsc=unstable",
        .source = PARAMETERS ", tsc=",
        .check = check_tsc_contradiction,
    },
    {
        .id = "TV-BOOT-010",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("The timer interrupt never rests (nohz=off)"),
        .why = N_(
            "An idle guest of 250 Hz wakes its host 250 times a second and processor, which makes "
            "all guests of that host later."),
        .fix = "-nohz=off",
        .source = PARAMETERS ", nohz=; Linux, timers/no_hz",
        .check = check_nohz_off,
    },
    {
        .id = "TV-BOOT-011",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("High-resolution timers are switched off (highres=off)"),
        .why = N_(
            "Every timer is then late by up to one tick, 1 to 10 ms, a time daemon's polls among "
            "them."),
        .fix = "-highres=off",
        .source = PARAMETERS ", highres=",
        .check = check_highres_off,
    },
    {
        .id = "TV-BOOT-012",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("The vDSO is switched off: every reading of the time is a system call"),
        .why = N_(
            "Five times dearer on good hardware, and more with mitigations against side channels."),
        .fix = "-vdso=0",
        .source = PARAMETERS ", vdso=; measured: 30 ns against 150 ns",
        .check = check_no_vdso,
    },
    {
        .id = "TV-BOOT-013",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("The delay loop is fixed (lpj=)"),
        .why = N_("The number was right for one processor; after a move to a faster one, drivers "
                  "wait too "
                  "short a time."),
        .fix = "-lpj=4400000",
        .source = PARAMETERS ", lpj=",
        .check = check_lpj,
    },
    {
        .id = "TV-BOOT-014",
        .kinds = BOOT,
        .severity = VISOR_ORANGE,
        .what = N_("The processors' own timers are switched off"),
        .why = N_(
            "All processors then share one old timer: no high-resolution timers, no dynamic ticks, "
            "and an exit to the hypervisor for each tick."),
        .fix = "-nolapic_timer",
        .source = PARAMETERS ", nolapic, nolapic_timer, noapictimer",
        .check = check_no_apic_timer,
    },
    {
        .id = "TV-BOOT-015",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("Stolen time is not counted (no-steal-acc)"),
        .why = N_(
            "A guest that the host lets wait then looks busy; the first sign of why its clock and "
            "its timers are late is gone."),
        .fix = "-no-steal-acc",
        .source = PARAMETERS ", no-steal-acc",
        .check = check_no_steal,
    },
    {
        .id = "TV-BOOT-016",
        .kinds = BOOT,
        .severity = VISOR_NOTE,
        .what = N_("Idle processors spin (idle=poll)"),
        .why = N_("In a guest this takes whole processors from the neighbours, and does not keep "
                  "the time "
                  "better: an invariant TSC does not stop in idle."),
        .fix = "-idle=poll",
        .source = PARAMETERS ", idle=",
        .check = check_idle_poll,
    },
    {
        .id = "TV-BOOT-017",
        .kinds = BOOT,
        .severity = VISOR_YELLOW,
        .what = N_("Two different clocksources are named"),
        .why = N_("The last one counts; whoever reads the first believes something else."),
        .fix = "-clocksource=tsc clocksource=kvm-clock\n+clocksource=tsc",
        .source = PARAMETERS ", clocksource=",
        .check = check_twice,
    },
    {
        .id = "TV-BOOT-018",
        .kinds = VISOR_KIND_GRUB,
        .severity = VISOR_RED,
        .what = N_("This line is no assignment that a shell understands"),
        .why = N_("The file is read by sh: a value with spaces needs quotes, and no space may "
                  "stand beside "
                  "the equals sign. update-grub fails, or the words behind the space are run."),
        .fix = "-GRUB_CMDLINE_LINUX=quiet clocksource=tsc\n+GRUB_CMDLINE_LINUX=\"quiet "
               "clocksource=tsc\"",
        .source = "GNU GRUB manual, Simple configuration handling",
        .check = check_unquoted,
    },
    {
        .id = "TV-BOOT-019",
        .kinds = VISOR_KIND_GRUB,
        .severity = VISOR_YELLOW,
        .what = N_("The kernel's words are assigned twice; only the last counts"),
        .why = N_("What stands in the first assignment is not given to the kernel."),
        .fix = "+GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX tsc=reliable\"",
        .source = "GNU GRUB manual, Simple configuration handling",
        .check = check_assigned_twice,
    },
};

const struct visor_rules visor_rules_boot = VISOR_RULES(rules);
