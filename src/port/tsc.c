/* Pairs of the TSC and the raw counter, and the line through the first and the last of them. */
#include "port/tsc.h"

#include "port/clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define TRIES       8
#define BASE_MIN_NS 100000000              /* between the first and the last pair */
#define PERIOD_MAX  (UINT64_C(1000) << 48) /* a TSC of 1 MHz */

__extension__ typedef unsigned __int128 wide;

void visor_tsc_init(struct visor_tsc *tsc)
{
    *tsc = (struct visor_tsc){.source = -1};
#ifdef __x86_64__
    tsc->source = open(CLOCKSOURCE, O_RDONLY | O_CLOEXEC);
#endif
}

void visor_tsc_done(struct visor_tsc *tsc)
{
    if (tsc->source >= 0)
        close(tsc->source);
    tsc->source = -1;
    tsc->any = false;
    tsc->period = 0;
}

static int64_t ns_of(const struct visor_tsc *tsc, uint64_t ticks)
{
    return (int64_t)((wide)ticks * tsc->period >> 48);
}

static void begin(struct visor_tsc *tsc, const struct visor_tsc_pair *pair)
{
    tsc->first = tsc->last = *pair;
    tsc->period = 0;
    tsc->any = true;
}

/* By the line so far; the kernel rounds RAW down to 1 ns, and so do we. */
static bool fits(const struct visor_tsc *tsc, const struct visor_tsc_pair *pair)
{
    uint64_t ticks = pair->tsc - tsc->last.tsc;
    int64_t elapsed = visor_mono_diff(pair->raw, tsc->last.raw), missed;
    double allowed;

    if (pair->tsc <= tsc->last.tsc || elapsed <= 0 || ticks >> 60)
        return false;
    if (tsc->period == 0)
        return true;
    missed = elapsed - ns_of(tsc, ticks);
    allowed = (double)ns_of(tsc, pair->width + tsc->last.width) +
              (double)elapsed * tsc->period_ppb * 1e-9 + 4.0;
    return (double)missed <= allowed && (double)missed >= -allowed;
}

bool visor_tsc_note(struct visor_tsc *tsc, const struct visor_tsc_pair *pair)
{
    int64_t base;
    uint64_t ticks;
    wide period;

    if (!tsc->any || !fits(tsc, pair)) {
        begin(tsc, pair);
        return false;
    }
    tsc->last = *pair;
    base = visor_mono_diff(pair->raw, tsc->first.raw);
    ticks = pair->tsc - tsc->first.tsc;
    if (base < BASE_MIN_NS)
        return false;
    period = ((wide)(uint64_t)base << 48) / ticks;
    if (period == 0 || period > PERIOD_MAX) {
        begin(tsc, pair);
        return false;
    }
    tsc->period = (uint64_t)period;
    tsc->period_ppb =
        ((double)ns_of(tsc, pair->width + tsc->first.width) + 4.0) / (double)base * 1e9 + 0.01;
    return true;
}

struct visor_tsc_line visor_tsc_line_at(const struct visor_tsc *tsc, visor_mono raw)
{
    int64_t away = visor_mono_diff(raw, tsc->last.raw), back = away < 0 ? -away : away;
    struct visor_tsc_line line = {.period = tsc->period, .growth_ppb = tsc->period_ppb};
    uint64_t middle = tsc->last.tsc + tsc->last.width / 2, ticks;

    if (tsc->period == 0 || back > 86400 * VISOR_NS_PER_S)
        return (struct visor_tsc_line){0};
    ticks = (uint64_t)(((wide)(uint64_t)back << 48) / tsc->period);
    if (away < 0 && ticks > middle)
        return (struct visor_tsc_line){0};
    line.tsc = away < 0 ? middle - ticks : middle + ticks;
    line.error_ns =
        ns_of(tsc, tsc->last.width) / 2 + 3 + (int64_t)((double)back * tsc->period_ppb * 1e-9) + 1;
    return line;
}

#ifdef __x86_64__
/* Nothing that comes later in the program is done before it, nor the other way round. */
static uint64_t read_tsc(void)
{
    uint64_t tsc;

    __builtin_ia32_lfence();
    tsc = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return tsc;
}

bool visor_tsc_pair_read(struct visor_tsc_pair *narrowest)
{
    struct visor_tsc_pair best = {.width = UINT64_MAX};

    for (int i = 0; i < TRIES; i++) {
        struct visor_tsc_pair pair = {.tsc = read_tsc()};

        pair.raw = visor_clock_raw();
        pair.width = read_tsc() - pair.tsc;
        if (pair.width < best.width)
            best = pair;
    }
    *narrowest = best;
    return true;
}

static bool kernel_counts_by_it(const struct visor_tsc *tsc)
{
    char word[8];

    return tsc->source >= 0 && pread(tsc->source, word, sizeof(word), 0) == 4 &&
           memcmp(word, "tsc\n", 4) == 0;
}

bool visor_tsc_look(struct visor_tsc *tsc)
{
    struct visor_tsc_pair pair;

    if (!kernel_counts_by_it(tsc)) {
        tsc->any = false;
        tsc->period = 0;
        return false;
    }
    visor_tsc_pair_read(&pair);
    if (!kernel_counts_by_it(tsc)) { /* changed in between */
        tsc->any = false;
        tsc->period = 0;
        return false;
    }
    return visor_tsc_note(tsc, &pair);
}
#else
bool visor_tsc_pair_read(struct visor_tsc_pair *pair)
{
    (void)pair;
    return false;
}

bool visor_tsc_look(struct visor_tsc *tsc)
{
    tsc->period = 0;
    return false;
}
#endif
