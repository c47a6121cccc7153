#include "sim/confusion.h"

#include "base/math.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS   86400000
#define AFTER_MS 1500000 /* in which the slowest source is heard often enough */

enum fault { PAUSE, STALL, SUSPEND, MIGRATION, RESTORE, STARVATION, CLOCK_SET, SERVER };

static const struct visor_confusion_fault FAULTS[VISOR_CONFUSION_FAULTS] = {
    [PAUSE] = {"pause", VISOR_DISRUPTION_PAUSE},
    [STALL] = {"pause, counter on", VISOR_DISRUPTION_PAUSE},
    [SUSPEND] = {"suspend", VISOR_DISRUPTION_SUSPEND},
    [MIGRATION] = {"migration", VISOR_DISRUPTION_MIGRATION},
    [RESTORE] = {"restore", VISOR_DISRUPTION_RESTORE},
    [STARVATION] = {"starvation", VISOR_DISRUPTION_STARVATION},
    [CLOCK_SET] = {"clock-set", VISOR_DISRUPTION_CLOCK_SET},
    [SERVER] = {"server", VISOR_DISRUPTION_SERVER},
};

#define BIT(fault) (1u << (fault))
#define ALWAYS     (BIT(SUSPEND) | BIT(CLOCK_SET))

/* Every Linux has CLOCK_BOOTTIME and timers. */
static const struct {
    struct visor_confusion_set set;
    int servers;
    bool cut; /* the network, before the fault */
    const char *options;
} SETS[VISOR_CONFUSION_SETS] = {
    {{"one source", ALWAYS}, 1, false, ""},
    {{"sources", ALWAYS | BIT(SERVER)}, 3, false, ""},
    {{"sources, rtc derived", ALWAYS | BIT(SERVER)}, 3, false, " rtc derived"},
    {{"one source, rtc", ALWAYS | BIT(SERVER)}, 1, false, " rtc noise 300us"},
    {{"sources, rtc", ALWAYS | BIT(SERVER)}, 3, false, " rtc noise 300us"},
    {{"sources, rtc, vmclock", ALWAYS | BIT(SERVER) | BIT(PAUSE)},
     3,
     false,
     " rtc noise 300us vmclock"},
    {{"sources, vmgenid, phc", ALWAYS | BIT(SERVER) | BIT(RESTORE)},
     3,
     false,
     " phc noise 1us vmgenid"},
    {{"sources, vmclock, vmgenid, steal",
      ALWAYS | BIT(SERVER) | BIT(PAUSE) | BIT(MIGRATION) | BIT(RESTORE) | BIT(STARVATION)},
     3,
     false,
     " vmclock vmgenid steal"},
    {{"rtc, vmclock, vmgenid, steal; no network",
      ALWAYS | BIT(PAUSE) | BIT(MIGRATION) | BIT(RESTORE) | BIT(STARVATION)},
     3,
     true,
     " rtc noise 300us vmclock vmgenid steal"},
    {{"all", ALWAYS | BIT(SERVER) | BIT(PAUSE) | BIT(MIGRATION) | BIT(RESTORE) | BIT(STARVATION)},
     3,
     false,
     " rtc noise 300us phc noise 1us vmclock vmgenid steal cancelled-timer"},
};

struct dice {
    struct visor_rng rng;
    char *text;
    size_t at;
};

const struct visor_confusion_fault *visor_confusion_fault(size_t fault)
{
    return &FAULTS[fault];
}

const struct visor_confusion_set *visor_confusion_set(size_t set)
{
    return &SETS[set].set;
}

size_t visor_confusion_fault_of(uint64_t seed)
{
    return (size_t)(seed % VISOR_CONFUSION_FAULTS);
}

__attribute__((format(printf, 2, 3))) static void put(struct dice *dice, const char *format, ...)
{
    size_t left = VISOR_CONFUSION_TEXT_MAX - dice->at;
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(dice->text + dice->at, left, format, list);
    va_end(list);
    if (length > 0)
        dice->at += (size_t)length < left ? (size_t)length : left - 1;
}

static long between(struct dice *dice, long least, long most)
{
    return least + (long)(visor_rng_uniform(&dice->rng) * (double)(most - least + 1));
}

static long magnitude(struct dice *dice, long least, long most)
{
    double span = visor_math_log((double)most / (double)least);

    return (long)((double)least * visor_math_exp(span * visor_rng_uniform(&dice->rng)));
}

static long either_sign(struct dice *dice, long x)
{
    return between(dice, 0, 1) ? x : -x;
}

/* Returns how long it takes, ms. */
static long put_fault(struct dice *dice, enum fault fault, long at)
{
    long lasts = 0, size;

    put(dice, "at %ldms %s ", at, fault == SERVER ? "s1" : "h");
    switch (fault) {
    case PAUSE:
        lasts = magnitude(dice, 200, DAY_MS);
        put(dice, "pause %ldms\n", lasts);
        break;
    case STALL:
        lasts = magnitude(dice, 200, 600000);
        put(dice, "stall %ldms\n", lasts);
        break;
    case SUSPEND:
        lasts = magnitude(dice, 2000, DAY_MS);
        put(dice, "suspend %ldms\n", lasts);
        break;
    case MIGRATION:
        lasts = magnitude(dice, 20, 5000);
        size = between(dice, 0, 1) ? between(dice, -20, 500) : 0;
        put(dice, "migrate %ldms jump %ldms", lasts, size);
        size = between(dice, 0, 1) ? either_sign(dice, magnitude(dice, 100, 50000)) : 0;
        put(dice, " rate %ldppb\n", size);
        break;
    case RESTORE:
        lasts = magnitude(dice, 1000, DAY_MS);
        put(dice, "restore %ldms\n", lasts);
        break;
    case STARVATION:
        lasts = between(dice, 30000, 300000);
        put(dice, "steal %ld%%", between(dice, 30, 95));
        put(dice, " for %ldms", lasts);
        put(dice, " burst %ldms\n", magnitude(dice, 100, 2000));
        break;
    case CLOCK_SET:
        put(dice, "step %ldms\n", either_sign(dice, magnitude(dice, 5, 100000)));
        break;
    case SERVER:
        put(dice, "step %ldms\n", either_sign(dice, magnitude(dice, 100, 1000000)));
        break;
    }
    return lasts;
}

size_t visor_confusion_write(uint64_t seed, size_t set, char text[VISOR_CONFUSION_TEXT_MAX],
                             double *begins)
{
    struct dice dice = {.text = text};
    char fault[256];
    long at, lasts;

    visor_rng_init(&dice.rng, seed ^ UINT64_C(0x6b696e64));
    at = between(&dice, 900000, 1200000);
    lasts = put_fault(&dice, (enum fault)visor_confusion_fault_of(seed), at);
    snprintf(fault, sizeof(fault), "%s", text);
    dice.at = 0;
    put(&dice, "title %s, seed %llu\nduration %ldms\nseed %llu\n", SETS[set].set.name,
        (unsigned long long)seed, at + lasts + AFTER_MS, (unsigned long long)seed);
    put(&dice, "network lan delay 200us jitter exponential 50us loss 1%%\n");
    for (int i = 1; i <= SETS[set].servers; i++)
        put(&dice, "server s%d network lan\n", i);
    put(&dice, "host h oscillator quartz offset 100ms boottime timer%s\n", SETS[set].options);
    for (int i = 1; i <= SETS[set].servers; i++)
        put(&dice, "  server s%d iburst minpoll 4 maxpoll 6\n", i);
    put(&dice, "  makestep 1.0 -1\n%s%s", SETS[set].cut ? "at 850s lan cut\n" : "", fault);
    *begins = (double)at * 1e-3;
    return dice.at;
}
