/* The line between the two is port/tsc.c's. */
#include "port/tscwatch.h"

#include "port/facts.h"
#include "port/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define EVERY_NS    VISOR_NS_PER_S
#define EARLY_NS    (VISOR_NS_PER_S / 20)
#define JUMP_NS     1000000               /* what is less is reading noise, or the kernel's own */
#define TRIED_NS    (10 * VISOR_NS_PER_S) /* of comparing */

void visor_tscwatch_init(struct visor_tscwatch *watch, const char *root)
{
    char path[VISOR_TREE_PATH_MAX];

    *watch = (struct visor_tscwatch){.source = -1, .tsc = {.source = -1}};
    watch->next.ns = INT64_MIN;
    visor_facts_tsc(&watch->facts.present, &watch->facts.constant, &watch->facts.nonstop,
                    &watch->facts.available, root);
    if (snprintf(path, sizeof(path), "%s%s", root, CLOCKSOURCE) < (int)sizeof(path))
        watch->source = open(path, O_RDONLY | O_CLOEXEC);
}

void visor_tscwatch_done(struct visor_tscwatch *watch)
{
    if (watch->source >= 0)
        close(watch->source);
    watch->source = -1;
}

static bool read_clocksource(const struct visor_tscwatch *watch, char name[VISOR_CLOCKSOURCE_NAME])
{
    char text[VISOR_CLOCKSOURCE_NAME] = "";
    ssize_t size = watch->source < 0 ? -1 : pread(watch->source, text, sizeof(text) - 1, 0);

    if (size <= 0)
        return false;
    visor_tree_trim(name, VISOR_CLOCKSOURCE_NAME, text);
    return name[0] != 0;
}

/* FNV-1a: any number that differs with the name. */
static uint64_t number_of(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    while (*name)
        hash = (hash ^ (unsigned char)*name++) * UINT64_C(0x100000001b3);
    return hash;
}

static struct visor_event_witness witness_of(enum visor_witness_kind kind, visor_mono now)
{
    return (struct visor_event_witness){.kind = kind,
                                        .stamp = {.raw = now, .by = VISOR_STAMPER_DAEMON}};
}

bool visor_tscwatch_due(struct visor_tscwatch *watch, visor_mono now)
{
    if (visor_mono_before(now, watch->next))
        return false;
    watch->next = visor_mono_add(now, EVERY_NS - EARLY_NS);
    return true;
}

bool visor_tscwatch_look(struct visor_tscwatch *watch, visor_mono now,
                         struct visor_event_witness *witness)
{
    char name[VISOR_CLOCKSOURCE_NAME];
    bool first = !watch->clocksource[0];

    if (!read_clocksource(watch, name) || strcmp(name, watch->clocksource) == 0)
        return false;
    memcpy(watch->clocksource, name, sizeof(name));
    watch->changes += !first;
    watch->tsc.any = false; /* the raw counter's rate is another one from now on */
    watch->tsc.period = 0;
    *witness = witness_of(VISOR_WITNESS_CLOCKSOURCE, now);
    witness->marker = number_of(name);
    return true;
}

bool visor_tscwatch_note(struct visor_tscwatch *watch, const struct visor_tsc_pair *pair,
                         int64_t *jump_ns)
{
    struct visor_tsc_line line = visor_tsc_line_at(&watch->tsc, pair->raw);
    int64_t away = 0;

    /* What the TSC says that it is later than the raw counter does. */
    if (line.period) {
        uint64_t middle = pair->tsc + pair->width / 2;
        double ticks =
            middle >= line.tsc ? (double)(middle - line.tsc) : -(double)(line.tsc - middle);

        away = visor_ns_from_seconds(ticks * (double)line.period * 0x1p-48 * 1e-9);
    }
    visor_tsc_note(&watch->tsc, pair);
    *jump_ns = away;
    if (away < JUMP_NS + line.error_ns && away > -JUMP_NS - line.error_ns)
        return false;
    watch->jumps++;
    watch->last_jump_ns = away;
    return true;
}

bool visor_tscwatch_compare(struct visor_tscwatch *watch, visor_mono now,
                            struct visor_event_witness *witness)
{
    struct visor_tsc_pair pair;
    bool first = !watch->told;
    int64_t jump_ns = 0;
    bool jumped;

    if (!watch->facts.present || !visor_tsc_pair_read(&pair))
        return false;
    jumped = visor_tscwatch_note(watch, &pair, &jump_ns);
    if (strcmp(watch->clocksource, "tsc") == 0 || (!first && !jumped))
        return false; /* the two are one counter: it says nothing of itself */
    watch->told = true;
    *witness = witness_of(VISOR_WITNESS_TSC, now);
    witness->amount_ns = first ? 0 : jump_ns;
    return true;
}

enum visor_tsc_verdict visor_tscwatch_verdict(const struct visor_tscwatch *watch)
{
    if (!watch->facts.present)
        return VISOR_TSC_ABSENT;
    if (!watch->facts.available)
        return VISOR_TSC_REJECTED;
    if (!watch->facts.constant || !watch->facts.nonstop)
        return VISOR_TSC_INCONSTANT;
    if (watch->jumps > 0)
        return VISOR_TSC_JUMPED;
    if (watch->tsc.period == 0 ||
        visor_mono_diff(watch->tsc.last.raw, watch->tsc.first.raw) < TRIED_NS)
        return VISOR_TSC_UNTRIED;
    return VISOR_TSC_TRUSTWORTHY;
}

bool visor_tscwatch_rate(const struct visor_tscwatch *watch, double *hz, double *error_hz)
{
    if (watch->tsc.period == 0)
        return false;
    *hz = 1e9 * 0x1p48 / (double)watch->tsc.period;
    *error_hz = *hz * watch->tsc.period_ppb * 1e-9;
    return true;
}
