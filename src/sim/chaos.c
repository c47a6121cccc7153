/* Dice for worlds. All numbers are written as integers with a unit, so that the text says exactly
 * what is simulated. What is expected in the end: every host has a published estimate again that
 * is as good as its networks allow. */
#include "sim/chaos.h"

#include "base/math.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define SETTLE_S    5400
#define STEADY_S    2700
#define SERVERS_MAX 6

struct dice {
    struct visor_rng rng, own, watch; /* the latter of what came later: the rest stays as it was */
    char *text;
    size_t at;
    int64_t duration;                    /* s */
    int networks, servers, liars, hosts; /* servers 1 … liars may be false */
    int64_t worst_us;                    /* how wrong a good estimate may be, by the networks */
};

__attribute__((format(printf, 2, 3))) static void put(struct dice *dice, const char *format, ...)
{
    size_t left = VISOR_CHAOS_TEXT_MAX - dice->at;
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(dice->text + dice->at, left, format, list);
    va_end(list);
    if (length > 0)
        dice->at += (size_t)length < left ? (size_t)length : left - 1;
}

/* One draw a statement: the order in which arguments are evaluated is the compiler's choice. */
static int64_t between(struct dice *dice, int64_t least, int64_t most)
{
    return least + (int64_t)(visor_rng_uniform(&dice->rng) * (double)(most - least + 1));
}

/* Any order of magnitude is as likely as any other; least > 0. */
static int64_t magnitude(struct dice *dice, int64_t least, int64_t most)
{
    double span = visor_math_log((double)most / (double)least);

    return (int64_t)((double)least * visor_math_exp(span * visor_rng_uniform(&dice->rng)));
}

static bool chance(struct dice *dice, int percent)
{
    return between(dice, 1, 100) <= percent;
}

static int64_t either_sign(struct dice *dice, int64_t x)
{
    return chance(dice, 50) ? x : -x;
}

/* ---- what there is ---- */

static void put_network(struct dice *dice, int number)
{
    static const char *const kinds[] = {"exponential", "gamma 2", "gamma 5", "pareto 2.5",
                                        "uniform"};
    int64_t delay = magnitude(dice, 20, 40000), up, down, jitter[2], worst;

    up = delay + between(dice, 0, delay / 4);
    down = delay + between(dice, 0, delay / 4);
    jitter[0] = magnitude(dice, 2, delay > 2 ? delay : 3);
    jitter[1] = magnitude(dice, 2, delay > 2 ? delay : 3);
    put(dice, "network n%d delay-up %ldus delay-down %ldus", number, (long)up, (long)down);
    put(dice, " jitter-up %s %ldus", kinds[between(dice, 0, 4)], (long)jitter[0]);
    put(dice, " jitter-down %s %ldus", kinds[between(dice, 0, 4)], (long)jitter[1]);
    if (chance(dice, 60))
        put(dice, " loss %ld%%",
            (long)(chance(dice, 20) ? between(dice, 5, 20) : between(dice, 0, 2)));
    if (chance(dice, 30))
        put(dice, " reorder %ld%%", (long)between(dice, 1, 5));
    if (chance(dice, 30)) {
        put(dice, " congestion %lds", (long)between(dice, 600, 7200));
        put(dice, " %lds", (long)between(dice, 10, 900));
        put(dice, " %ld", (long)between(dice, 2, 20));
        put(dice, " congestion-loss %ld%%", (long)between(dice, 0, 20));
    }
    put(dice, "\n");
    worst = (up + down) / 2 + 4 * (jitter[0] + jitter[1]);
    if (worst > dice->worst_us)
        dice->worst_us = worst;
}

static void put_server(struct dice *dice, int number)
{
    int64_t error = chance(dice, 60) ? magnitude(dice, 1, 1000) : 0;

    put(dice, "server s%d network n%ld", number, (long)between(dice, 1, dice->networks));
    if (chance(dice, 30)) {
        put(dice, " stratum %ld", (long)between(dice, 2, 4));
        put(dice, " root-delay %ldus", (long)between(dice, 10, 5000));
    }
    if (error)
        put(dice, " error %ldus", (long)error);
    put(dice, " processing %ldus", (long)between(dice, 5, 100));
    if (number <= dice->liars && chance(dice, 40))
        put(dice, " falseticker %ldus",
            (long)either_sign(dice, magnitude(dice, 100000, 100000000)));
    put(dice, "\n");
    if (error > dice->worst_us)
        dice->worst_us = error;
}

static void put_sources(struct dice *dice)
{
    int64_t least = chance(dice, 10) ? between(dice, 0, 2) : between(dice, 4, 6);
    int64_t most = least + (chance(dice, 50) ? between(dice, 0, 4) : 0);

    for (int i = 1; i <= dice->servers; i++)
        put(dice, "  server s%d%s minpoll %ld maxpoll %ld\n", i, chance(dice, 70) ? " iburst" : "",
            (long)least, (long)most);
}

/* What else is watched. */
static void put_watch(struct dice *dice)
{
    static const struct {
        const char *word;
        int percent;
    } words[] = {{"boottime", 50}, {"timer", 50},         {"steal", 30},          {"vmclock", 25},
                 {"vmgenid", 25},  {"phc noise 1us", 15}, {"cancelled-timer", 20}};
    struct dice own = *dice;

    own.rng = dice->watch;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (chance(&own, words[i].percent))
            put(&own, " %s", words[i].word);
    dice->watch = own.rng;
    dice->at = own.at;
}

static void put_rtc(struct dice *dice)
{
    static const char *const copied[] = {"", " copied", " copied whole"};
    struct dice own = *dice;

    own.rng = dice->own;
    if (chance(&own, 30)) {
        put(&own, " rtc noise %ldus", (long)magnitude(&own, 10, 1000));
        put(&own, " off %ldms", (long)either_sign(&own, magnitude(&own, 1, 100000)));
        put(&own, " drift %ldppb", (long)either_sign(&own, magnitude(&own, 1, 100000)));
        put(&own, "%s", copied[between(&own, 0, 2)]);
    } else if (chance(&own, 15)) {
        put(&own, " rtc derived");
    }
    dice->own = own.rng;
    dice->at = own.at;
}

static void put_host(struct dice *dice, int number)
{
    static const char *const kinds[] = {"quartz", "quartz", "quartz", "tcxo", "ocxo"};
    static const char *const steps[] = {"1.0 3", "1.0 -1", "0.1 -1", "0.1 1"};

    put(dice, "host h%d oscillator %s", number, kinds[between(dice, 0, 4)]);
    if (chance(dice, 40)) {
        put(dice, " load %ld", (long)between(dice, 1, 8));
        put(dice, " %lds", (long)between(dice, 60, 3600));
    }
    if (chance(dice, 30))
        put(dice, " frequency %ldppm", (long)either_sign(dice, magnitude(dice, 1, 300)));
    put(dice, " offset within %ldms", (long)magnitude(dice, 1, 100000));
    if (chance(dice, 20))
        put(dice, " stamps %s", chance(dice, 50) ? "daemon" : "hardware");
    if (chance(dice, 20))
        put(dice, " drift-known");
    put_rtc(dice);
    put_watch(dice);
    put(dice, "\n");
    put_sources(dice);
    if (chance(dice, 80))
        put(dice, "  makestep %s\n", steps[between(dice, 0, 3)]);
    if (chance(dice, 30))
        put(dice, "  maxslewrate %ld\n", (long)magnitude(dice, 500, 80000));
    if (chance(dice, 50))
        put(dice, "  rtcsync\n");
}

/* ---- what happens ---- */

static void put_host_fault(struct dice *dice, int64_t at)
{
    long n = (long)between(dice, 1, dice->hosts);

    put(dice, "at %lds h%ld ", (long)at, n);
    switch (between(dice, 0, 11)) {
    case 0:
    case 1:
        put(dice, "pause %ldms\n", (long)magnitude(dice, 5, 1000000));
        break;
    case 2:
        put(dice, "stall %ldms\n", (long)magnitude(dice, 5, 1000000));
        break;
    case 3:
    case 4:
        put(dice, "migrate %ldms", (long)magnitude(dice, 20, 5000));
        put(dice, " jump %ldms", (long)(chance(dice, 50) ? between(dice, -20, 500) : 0));
        put(dice, " rate %ldppb\n",
            (long)(chance(dice, 70) ? either_sign(dice, magnitude(dice, 100, 50000)) : 0));
        break;
    case 5:
        put(dice, "restore %lds\n", (long)magnitude(dice, 10, 1500));
        break;
    case 6:
        put(dice, "steal %ld%%", (long)between(dice, 10, 95));
        put(dice, " for %lds", (long)between(dice, 30, 900));
        put(dice, " burst %ldms\n", (long)magnitude(dice, 1, 2000));
        break;
    case 7:
        put(dice, "io %ldms", (long)magnitude(dice, 1, 500));
        put(dice, " for %lds\n", (long)between(dice, 30, 900));
        break;
    case 8:
        put(dice, "step %ldms\n", (long)either_sign(dice, magnitude(dice, 1, 100000)));
        break;
    case 9:
        put(dice, "slew %ldms\n", (long)either_sign(dice, magnitude(dice, 1, 200)));
        break;
    case 10:
        put(dice, "frequency %ldppb\n", (long)either_sign(dice, magnitude(dice, 100, 100000)));
        break;
    default:
        put(dice, "restart after %lds\n", (long)magnitude(dice, 1, 600));
        break;
    }
}

/* Only those that may lie do; the others can at most fall silent. Each comes back in time. */
static void put_server_fault(struct dice *dice, int64_t at)
{
    static const char *const silent[] = {"die", "unsynchronized"};
    bool may_lie = dice->liars > 0 && chance(dice, 70);
    long n = (long)(may_lie ? between(dice, 1, dice->liars) : between(dice, 1, dice->servers));
    int64_t back = at + magnitude(dice, 60, 5400);

    if (back > dice->duration - SETTLE_S)
        back = dice->duration - SETTLE_S;
    put(dice, "at %lds s%ld ", (long)at, n);
    switch (may_lie ? between(dice, 0, 4) : 4) {
    case 0:
    case 1:
        put(dice, "step %ldus\n", (long)either_sign(dice, magnitude(dice, 1000, 100000000)));
        break;
    case 2:
        put(dice, "freeze\n");
        break;
    case 3:
        put(dice, "frequency %ldppb\n", (long)either_sign(dice, magnitude(dice, 1000, 500000)));
        break;
    default:
        put(dice, "%s\n", silent[between(dice, 0, 1)]);
        break;
    }
    put(dice, "at %lds s%ld repair\n", (long)back, n);
}

static void put_path_fault(struct dice *dice, int64_t at)
{
    bool network = chance(dice, 50);
    char name[32];
    int64_t back = at + magnitude(dice, 60, 5400);

    if (back > dice->duration - SETTLE_S)
        back = dice->duration - SETTLE_S;
    snprintf(name, sizeof(name), "%c%ld", network ? 'n' : 's',
             (long)between(dice, 1, network ? dice->networks : dice->servers));
    put(dice, "at %lds %s ", (long)at, name);
    switch (between(dice, 0, 4)) {
    case 0:
        put(dice, "delay %ldus\n", (long)magnitude(dice, 100, 50000));
        break;
    case 1:
        put(dice, "delay-up %ldus\n", (long)magnitude(dice, 100, 50000));
        break;
    case 2:
        put(dice, "loss %ld%%\n", (long)between(dice, 5, 50));
        break;
    case 3:
        put(dice, "jitter %ld\n", (long)between(dice, 2, 30));
        break;
    default:
        put(dice, "cut\n");
        break;
    }
    put(dice, "at %lds %s restore-path\n", (long)back, name);
}

size_t visor_chaos_write(uint64_t seed, char text[VISOR_CHAOS_TEXT_MAX])
{
    struct dice dice = {.text = text};
    int64_t faults;

    visor_rng_init(&dice.rng, seed ^ UINT64_C(0x6368616f73));
    visor_rng_init(&dice.own, seed ^ UINT64_C(0x727463));
    visor_rng_init(&dice.watch, seed ^ UINT64_C(0x7761746368));
    dice.duration = between(&dice, 6 * 3600, 8 * 3600);
    dice.networks = (int)between(&dice, 1, 3);
    dice.servers = (int)between(&dice, 3, SERVERS_MAX);
    dice.liars = (dice.servers - 1) / 2;
    dice.hosts = (int)between(&dice, 1, 2);
    put(&dice, "title random world %llu\nduration %lds\nseed %llu\n", (unsigned long long)seed,
        (long)dice.duration, (unsigned long long)seed);
    for (int i = 1; i <= dice.networks; i++)
        put_network(&dice, i);
    for (int i = 1; i <= dice.servers; i++)
        put_server(&dice, i);
    for (int i = 1; i <= dice.hosts; i++)
        put_host(&dice, i);
    faults = between(&dice, 0, 8);
    for (int64_t i = 0; i < faults; i++) {
        int64_t at = between(&dice, 60, dice.duration - SETTLE_S - 1800);

        if (chance(&dice, 60))
            put_host_fault(&dice, at);
        else if (chance(&dice, 60))
            put_server_fault(&dice, at);
        else
            put_path_fault(&dice, at);
    }
    put(&dice, "expect all unsynchronized < 0.1%% from %lds\n", (long)(dice.duration - STEADY_S));
    put(&dice, "expect all estimate < %ldus from %lds\n", (long)(dice.worst_us * 2 + 5000),
        (long)(dice.duration - 600));
    return dice.at;
}
