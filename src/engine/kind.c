/* The table of kinds. */
#include "engine/kind.h"

#include <stdbool.h>
#include <stddef.h>

/* Letters in the order of enum visor_sign: P S W M F U T L H (parted, source, witness, moved,
 * forked, suspended, set, late, host stole).
 *     !  must have been seen
 *     +  is seen if anybody can
 *     0  is not seen
 *     .  may be there
 * Each row needs something seen: nothing is told by silence alone. Several rows of one kind are its
 * several looks. */
static const struct {
    enum visor_disruption_kind kind;
    char signs[VISOR_SIGNS + 1];
} ROWS[] = {
    /*                              PSWMFUTLH */
    {VISOR_DISRUPTION_PAUSE, "!00000..."},
    {VISOR_DISRUPTION_PAUSE, "000000.!0"}, /* the counter ran on */
    {VISOR_DISRUPTION_MIGRATION, ".0.!00..."},
    {VISOR_DISRUPTION_MIGRATION, "!00+00..."},
    {VISOR_DISRUPTION_MIGRATION, "000+00.!0"}, /* the hypervisor made up for it */
    {VISOR_DISRUPTION_RESTORE, ".0..!0..."},
    {VISOR_DISRUPTION_RESTORE, "!00++0..."},
    {VISOR_DISRUPTION_SUSPEND, ".0000!..."},
    {VISOR_DISRUPTION_SUSPEND, "!0000+..."},
    {VISOR_DISRUPTION_STARVATION, "000000.!."},
    {VISOR_DISRUPTION_CLOCK_SET, "000000!.."},
    {VISOR_DISRUPTION_SERVER, "!+0000..."},
    {VISOR_DISRUPTION_WITNESS, "!0+000..."},
};

static bool fits(char rule, bool seen, bool missed)
{
    return rule == '!' ? seen : rule == '+' ? !missed : rule == '0' ? !seen : true;
}

uint32_t visor_kind_possible(const struct visor_signs *signs)
{
    uint32_t possible = 0;

    for (size_t row = 0; row < sizeof(ROWS) / sizeof(ROWS[0]); row++) {
        bool all = true;

        for (int sign = 0; sign < VISOR_SIGNS; sign++)
            all &=
                fits(ROWS[row].signs[sign], signs->seen & 1u << sign, signs->missed & 1u << sign);
        possible |= all ? 1u << ROWS[row].kind : 0;
    }
    return possible;
}

enum visor_disruption_kind visor_kind_of(const struct visor_signs *signs)
{
    uint32_t possible = visor_kind_possible(signs);

    for (int kind = VISOR_DISRUPTION_UNKNOWN + 1; kind < VISOR_DISRUPTION_KINDS; kind++)
        if (possible == 1u << kind)
            return (enum visor_disruption_kind)kind;
    return VISOR_DISRUPTION_UNKNOWN;
}

const char *visor_kind_word(enum visor_disruption_kind kind)
{
    static const char *const names[VISOR_DISRUPTION_KINDS] = {
        [VISOR_DISRUPTION_UNKNOWN] = "unknown",     [VISOR_DISRUPTION_PAUSE] = "pause",
        [VISOR_DISRUPTION_SUSPEND] = "suspend",     [VISOR_DISRUPTION_MIGRATION] = "migration",
        [VISOR_DISRUPTION_RESTORE] = "restore",     [VISOR_DISRUPTION_STARVATION] = "starvation",
        [VISOR_DISRUPTION_CLOCK_SET] = "clock-set", [VISOR_DISRUPTION_SERVER] = "server",
        [VISOR_DISRUPTION_WITNESS] = "witness",
    };

    return names[kind < VISOR_DISRUPTION_KINDS ? kind : 0];
}

const char *visor_kind_witness(enum visor_witness_kind witness)
{
    static const char *const names[] = {
        [VISOR_WITNESS_RTC] = "rtc",           [VISOR_WITNESS_VMCLOCK] = "vmclock",
        [VISOR_WITNESS_VMGENID] = "vmgenid",   [VISOR_WITNESS_PHC] = "phc",
        [VISOR_WITNESS_TSC] = "tsc",           [VISOR_WITNESS_TIMER] = "timer",
        [VISOR_WITNESS_STEAL] = "steal",       [VISOR_WITNESS_CANCELLED_TIMER] = "cancelled-timer",
        [VISOR_WITNESS_BOOTTIME] = "boottime", [VISOR_WITNESS_CLOCKSOURCE] = "clocksource",
        [VISOR_WITNESS_NEAR] = "near",         [VISOR_WITNESS_SOURCES] = "sources",
        [VISOR_WITNESS_READBACK] = "readback",
    };

    return names[witness];
}
