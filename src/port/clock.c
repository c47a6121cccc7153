/* Reads and steers the system clock through clock_gettime and adjtimex. It carries out and reads
 * back; whether and how far the clock is moved is the engine's business.
 *
 * The rate is set as frequency and tick together: one tick of USER_HZ is 100 ppm, so that slews of
 * up to 10 % are possible where the frequency alone would end at 500 ppm. */
#include "port/clock.h"

#include <errno.h>
#include <time.h>

#define USER_HZ           100
#define TICK_NOMINAL      (1000000 / USER_HZ) /* us */
#define TICK_MIN          (TICK_NOMINAL * 9 / 10)
#define TICK_MAX          (TICK_NOMINAL * 11 / 10)
#define PPB_PER_TICK      (1e9 / TICK_NOMINAL)
#define FREQ_PER_PPB      65.536 /* freq is ppm * 2^16 */
#define FREQ_MAX_PPB      500000.0
#define PHASE_ERROR_MAX_S 16.0 /* the kernel's NTP_PHASE_LIMIT */

#define READ_TRIES        3
#define READ_WIDTH_NS     1000 /* a pair as narrow as this is taken at once */
#define COST_ROUNDS       5    /* the quickest was not interrupted */
#define COST_READS        2000
#define HZ_MAX            10000
#define PRECISION_STEPS   100
#define PRECISION_READS   1000000 /* gives up on a clock that stands */

/* Saturates outside the years 1678 to 2262, where 64 bits of nanoseconds end. */
static int64_t ns_from_timespec(const struct timespec *at)
{
    int64_t ns;

    if (__builtin_mul_overflow((int64_t)at->tv_sec, VISOR_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, (int64_t)at->tv_nsec, &ns))
        return at->tv_sec < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
    return ns;
}

double visor_clock_ppb_from_timex(long freq, long tick)
{
    return (double)(tick - TICK_NOMINAL) * PPB_PER_TICK + (double)freq / FREQ_PER_PPB;
}

static long round_to_long(double value)
{
    return (long)(value < 0.0 ? value - 0.5 : value + 0.5);
}

void visor_clock_timex_from_ppb(double frequency_ppb, long *freq, long *tick)
{
    double limit = (TICK_MAX - TICK_NOMINAL) * PPB_PER_TICK + FREQ_MAX_PPB, rest;

    if (!(frequency_ppb < limit))
        frequency_ppb = limit;
    if (frequency_ppb < -limit)
        frequency_ppb = -limit;
    rest = frequency_ppb - (double)(*tick - TICK_NOMINAL) * PPB_PER_TICK;
    if (rest > FREQ_MAX_PPB || rest < -FREQ_MAX_PPB || *tick < TICK_MIN || *tick > TICK_MAX) {
        *tick = TICK_NOMINAL + round_to_long(frequency_ppb / PPB_PER_TICK);
        if (*tick < TICK_MIN)
            *tick = TICK_MIN;
        if (*tick > TICK_MAX)
            *tick = TICK_MAX;
        rest = frequency_ppb - (double)(*tick - TICK_NOMINAL) * PPB_PER_TICK;
    }
    *freq = round_to_long(rest * FREQ_PER_PPB);
}

struct timeval visor_clock_setoffset_from_ns(int64_t offset_ns)
{
    int64_t seconds = offset_ns / VISOR_NS_PER_S, rest = offset_ns % VISOR_NS_PER_S;

    if (rest < 0) {
        seconds--;
        rest += VISOR_NS_PER_S;
    }
    return (struct timeval){.tv_sec = seconds, .tv_usec = rest};
}

visor_mono visor_clock_raw(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (visor_mono){ns_from_timespec(&now)};
}

int visor_clock_read_pair(struct visor_reading *reading)
{
    int64_t width = INT64_MAX;

    for (int try = 0; try < READ_TRIES && width > READ_WIDTH_NS; try++) {
        struct timespec before, real, after;

        if (clock_gettime(CLOCK_MONOTONIC_RAW, &before) || clock_gettime(CLOCK_REALTIME, &real) ||
            clock_gettime(CLOCK_MONOTONIC_RAW, &after))
            return -errno;
        if (ns_from_timespec(&after) - ns_from_timespec(&before) >= width)
            continue;
        width = ns_from_timespec(&after) - ns_from_timespec(&before);
        reading->raw.ns = ns_from_timespec(&before) + width / 2;
        reading->real.ns = ns_from_timespec(&real);
    }
    reading->width_ns = width;
    return 0;
}

int visor_clock_suspended(int64_t *ns)
{
    struct timespec before, with, after;

    if (clock_gettime(CLOCK_MONOTONIC, &before) || clock_gettime(CLOCK_BOOTTIME, &with) ||
        clock_gettime(CLOCK_MONOTONIC, &after))
        return -errno;
    *ns = ns_from_timespec(&with) - ns_from_timespec(&before) -
          (ns_from_timespec(&after) - ns_from_timespec(&before)) / 2;
    return 0;
}

int visor_clock_read_kernel(struct visor_reading *reading)
{
    struct timex timex = {.modes = 0};

    reading->frequency_ppb = 0.0;
    if (adjtimex(&timex) < 0)
        return -errno;
    reading->frequency_ppb = visor_clock_ppb_from_timex(timex.freq, timex.tick);
    return visor_clock_read_pair(reading);
}

int visor_clock_note(struct visor_stamps *stamps, struct visor_reading *reading)
{
    int error;

    reading->frequency_ppb = visor_stamps_frequency(stamps);
    error = stamps->count ? visor_clock_read_pair(reading) : visor_clock_read_kernel(reading);
    if (!error)
        visor_stamps_note(stamps, reading);
    return error;
}

int visor_clock_look(struct visor_clock *clock, struct visor_reading *kernel)
{
    int error = visor_clock_read_kernel(kernel);

    if (!error)
        clock->kernel_ppb = kernel->frequency_ppb;
    return error;
}

static int kernel_read(struct visor_clock *clock, struct visor_reading *reading)
{
    reading->frequency_ppb = clock->kernel_ppb;
    return visor_clock_read_pair(reading);
}

static int kernel_set_frequency(struct visor_clock *clock, double frequency_ppb)
{
    struct timex timex = {.modes = 0};

    if (adjtimex(&timex) < 0)
        return -errno;
    visor_clock_timex_from_ppb(frequency_ppb, &timex.freq, &timex.tick);
    timex.modes = ADJ_FREQUENCY | ADJ_TICK;
    if (adjtimex(&timex) < 0)
        return -errno;
    clock->kernel_ppb = visor_clock_ppb_from_timex(timex.freq, timex.tick);
    return 0;
}

/* Where ADJ_SETOFFSET is refused: less exact, since the time between reading and setting is lost.
 */
static int step_by_settime(int64_t offset_ns)
{
    struct timespec now;
    int64_t ns;

    if (clock_gettime(CLOCK_REALTIME, &now))
        return -errno;
    ns = ns_from_timespec(&now) + offset_ns;
    now.tv_sec = ns / VISOR_NS_PER_S;
    now.tv_nsec = ns % VISOR_NS_PER_S;
    if (now.tv_nsec < 0) {
        now.tv_sec--;
        now.tv_nsec += VISOR_NS_PER_S;
    }
    return clock_settime(CLOCK_REALTIME, &now) ? -errno : 0;
}

static int kernel_step(struct visor_clock *clock, int64_t offset_ns)
{
    struct timex timex = {.modes = ADJ_SETOFFSET | ADJ_NANO,
                          .time = visor_clock_setoffset_from_ns(offset_ns)};

    (void)clock;
    if (adjtimex(&timex) >= 0)
        return 0;
    return errno == EPERM ? -EPERM : step_by_settime(offset_ns);
}

static long microseconds(double seconds)
{
    if (!(seconds < PHASE_ERROR_MAX_S))
        seconds = PHASE_ERROR_MAX_S;
    return seconds <= 0.0 ? 0 : (long)(seconds * 1e6 + 0.999999); /* a bound rounds up */
}

static void set_tai(struct visor_clock *clock, int tai_offset_s)
{
    struct timex timex = {.modes = ADJ_TAI, .constant = tai_offset_s};

    if (tai_offset_s == 0 || tai_offset_s == clock->tai_offset_s || clock->tai_error)
        return;
    if (adjtimex(&timex) < 0)
        clock->tai_error = -errno;
    else
        clock->tai_offset_s = tai_offset_s;
}

static int kernel_set_status(struct visor_clock *clock, const struct visor_action_status *status)
{
    struct timex timex = {.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR,
                          .maxerror = microseconds(status->max_error_s),
                          .esterror = microseconds(status->est_error_s)};

    timex.status = status->synchronized ? 0 : STA_UNSYNC;
    if (status->leap == VISOR_LEAP_INSERT)
        timex.status |= STA_INS;
    if (status->leap == VISOR_LEAP_DELETE)
        timex.status |= STA_DEL;
    clock->status_bits = timex.status;
    if (adjtimex(&timex) < 0)
        return -errno;
    set_tai(clock, status->tai_offset_s);
    return 0;
}

static const struct visor_clock_ops kernel_ops = {
    .name = "kernel",
    .read = kernel_read,
    .set_frequency = kernel_set_frequency,
    .step = kernel_step,
    .set_status = kernel_set_status,
};

void visor_clock_init(struct visor_clock *clock)
{
    struct visor_reading now;

    *clock = (struct visor_clock){.ops = &kernel_ops};
    visor_clock_look(clock, &now); /* where that fails, so does every reading */
}

int visor_clock_take(struct visor_clock *clock)
{
    /* A zero offset with the PLL on empties what the PLL still had to slew. */
    struct timex timex = {.modes = ADJ_STATUS | ADJ_OFFSET, .status = STA_PLL | STA_UNSYNC};
    struct timex adjtime = {.modes = ADJ_OFFSET_SINGLESHOT};

    if (clock->dry_run)
        return 0;
    if (adjtimex(&timex) < 0)
        return -errno;
    timex = (struct timex){.modes = ADJ_STATUS, .status = STA_UNSYNC};
    if (adjtimex(&timex) < 0 || adjtimex(&adjtime) < 0)
        return -errno;
    clock->status_bits = STA_UNSYNC;
    return 0;
}

double visor_clock_precision(void)
{
    struct timespec last, now;
    int64_t best = VISOR_NS_PER_S / 100;

    if (clock_gettime(CLOCK_REALTIME, &last))
        return visor_seconds_from_ns(best);
    for (int reads = 0, steps = 0; steps < PRECISION_STEPS && reads < PRECISION_READS; reads++) {
        int64_t step;

        if (clock_gettime(CLOCK_REALTIME, &now))
            break;
        step = ns_from_timespec(&now) - ns_from_timespec(&last);
        last = now;
        if (step != 0)
            steps++;
        if (step > 0 && step < best)
            best = step;
    }
    return visor_seconds_from_ns(best);
}

double visor_clock_cost(void)
{
    int64_t best = INT64_MAX;

    for (int round = 0; round < COST_ROUNDS; round++) {
        struct timespec from, now, to;
        int64_t taken;

        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = 0; i < COST_READS; i++)
            clock_gettime(CLOCK_REALTIME, &now);
        clock_gettime(CLOCK_MONOTONIC, &to);
        taken = ns_from_timespec(&to) - ns_from_timespec(&from);
        best = taken < best ? taken : best;
    }
    return visor_seconds_from_ns(best) / COST_READS;
}

unsigned visor_clock_hz(void)
{
    struct timespec step;

    /* (A sandbox's clocks have other steps.) */
    if (clock_getres(CLOCK_REALTIME_COARSE, &step) || step.tv_sec > 0 ||
        step.tv_nsec < VISOR_NS_PER_S / HZ_MAX)
        return 0;
    return (unsigned)((VISOR_NS_PER_S + step.tv_nsec / 2) / step.tv_nsec);
}

/* The dry run. Its REALTIME is a line over RAW that starts on the kernel's clock. */

static visor_wall line_at(const struct visor_clock *clock, visor_mono raw)
{
    int64_t elapsed = visor_mono_diff(raw, clock->base_raw);
    double gain = (double)elapsed * clock->frequency_ppb * 1e-9;

    return visor_wall_add(clock->base_real,
                          elapsed + (int64_t)(gain < 0.0 ? gain - 0.5 : gain + 0.5));
}

static int dry_read(struct visor_clock *clock, struct visor_reading *reading)
{
    int error;

    reading->raw = (visor_mono){0};
    error = visor_clock_read_pair(reading);
    if (error)
        return error;
    reading->real = line_at(clock, reading->raw);
    reading->frequency_ppb = clock->frequency_ppb;
    return 0;
}

static int dry_set_frequency(struct visor_clock *clock, double frequency_ppb)
{
    struct visor_reading now;
    long freq = 0, tick = TICK_NOMINAL;
    int error = dry_read(clock, &now);

    if (error)
        return error;
    visor_clock_timex_from_ppb(frequency_ppb, &freq, &tick);
    clock->base_raw = now.raw;
    clock->base_real = now.real;
    clock->frequency_ppb = visor_clock_ppb_from_timex(freq, tick);
    return 0;
}

static int dry_step(struct visor_clock *clock, int64_t offset_ns)
{
    clock->base_real = visor_wall_add(clock->base_real, offset_ns);
    return 0;
}

static int dry_set_status(struct visor_clock *clock, const struct visor_action_status *status)
{
    clock->status_bits = status->synchronized ? 0 : STA_UNSYNC;
    clock->tai_offset_s = status->tai_offset_s;
    return 0;
}

static const struct visor_clock_ops dry_ops = {
    .name = "dry run",
    .read = dry_read,
    .set_frequency = dry_set_frequency,
    .step = dry_step,
    .set_status = dry_set_status,
};

void visor_clock_init_dry_run(struct visor_clock *clock)
{
    struct visor_reading now = {.frequency_ppb = 0.0};

    *clock = (struct visor_clock){.ops = &dry_ops, .dry_run = true};
    if (visor_clock_look(clock, &now))
        return;
    clock->base_raw = now.raw;
    clock->base_real = now.real;
    clock->frequency_ppb = now.frequency_ppb;
}
