/* Reference clocks in the engine: schedule, meaning of raw samples and pulses, one filtered sample
 * a poll. Robust combination is combine.c's; reading devices is port/refclock*.c's; what becomes of
 * the filtered sample (estimate, selection, `local`'s following, stratum of lone pulses) is the
 * source's and the engine's. */
#include "engine/refclock.h"

#include "base/math.h"
#include "engine/combine.h"

#include <stdlib.h>

#define LOCK_LIMIT     0.4     /* of the pulse interval: farther from the reference is ambiguous */
#define LEARN_DOF      50      /* memory of the learnt scatter, in degrees of freedom */
#define SCATTER_FLOOR  1e-10   /* s: nothing that reaches us is quieter than its own resolution */
#define AHEAD_NS       1000000 /* a stamp may be this much after `now`: conversion errors */
#define LOCAL_LOCK_AGE 3
#define RATE_MAX_PPB   2e8  /* of a raw counter that polls can be timed by */
#define HURRY          4    /* samples: what a filter needs to believe a jump */
#define NOISY          10.0 /* times the usual deviation of a reading */
#define TELL_EVERY_NS  (64 * VISOR_NS_PER_S)
#define SIGMA_MAX      1e9                              /* s */
#define WALL_MAX_NS    (INT64_MAX - (INT64_C(1) << 53)) /* room for sums of days */

struct raw_sample {
    visor_mono raw;
    visor_wall reference;
    double sigma, error; /* s: random and systematic part of the reading */
};

struct visor_refclock {
    const struct visor_refclock_config *config; /* the copy */
    struct visor_refclock_config copy;
    double offset; /* s, the option or what a command has made of it */
    char refid[5];
    double precision;
    int64_t rate;    /* pulses a second */
    bool asks;       /* the driver is asked every dpoll; else it speaks by itself */
    int64_t step_ns; /* of true time between deadlines, and what it is in raw time */
    int64_t raw_step_ns;
    int64_t per_poll; /* measurements a poll */

    bool started, waiting, poll_ended;
    int failing;        /* errno of the last event; 0: it does not */
    bool told;          /* that it fails, … */
    visor_mono told_at; /* … last */
    int hurry;          /* so many raw samples end a poll each */
    visor_mono next;
    int64_t measured; /* in this poll */
    int64_t reached;

    bool have_last; /* survives the poll: locked pulses are paired with it */
    struct raw_sample last;
    enum visor_leap leap;
    bool pulses; /* the last sample was a pulse completed by the estimate */

    size_t limit, count, at; /* ring of `limit` samples, `at`: next to be written */
    struct raw_sample *samples;
    double scatter_var, inner_var; /* learnt, s^2 */
    double usual_sigma;            /* learnt, s; 0: not yet */
    double learnt_dof;
};

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t interval_ns(int power)
{
    return visor_ns_from_seconds(visor_math_exp2i(power));
}

/* ---- refid ---- */

void visor_refclock_refid_text(const struct visor_refclock_config *config, uint32_t index,
                               char text[5])
{
    static const char names[][4] = {[VISOR_REFCLOCK_PPS] = "PPS",
                                    [VISOR_REFCLOCK_SHM] = "SHM",
                                    [VISOR_REFCLOCK_SOCK] = "SOC",
                                    [VISOR_REFCLOCK_PHC] = "PHC",
                                    [VISOR_REFCLOCK_RTC] = "RTC"};

    for (size_t i = 0; i < 5; i++)
        text[i] = config->refid[i];
    text[4] = 0;
    if (text[0])
        return;
    for (size_t i = 0; i < 3; i++)
        text[i] = names[config->driver][i];
    text[3] = (char)('0' + index % 10);
    if (index >= 10)
        text[2] = (char)('0' + index / 10 % 10);
}

uint32_t visor_refclock_refid(const struct visor_refclock_config *config, uint32_t index)
{
    char text[5];
    uint32_t id = 0;

    visor_refclock_refid_text(config, index, text);
    for (size_t i = 0, ended = 0; i < 4; i++) {
        ended |= text[i] == 0;
        id = id << 8 | (ended ? 0 : (uint8_t)text[i]);
    }
    return id;
}

/* ---- life ---- */

struct visor_refclock *visor_refclock_new(const struct visor_refclock_config *config,
                                          uint32_t index, double precision_s)
{
    struct visor_refclock *clock = calloc(1, sizeof(*clock));
    int dpoll = config->dpoll < config->poll ? config->dpoll : config->poll;
    int limit = config->filter_length;

    if (!clock)
        return NULL;
    limit = limit < 1 ? 1 : limit > VISOR_COMBINE_MAX ? VISOR_COMBINE_MAX : limit;
    clock->copy = *config;
    clock->config = &clock->copy;
    clock->told_at = (visor_mono){INT64_MIN};
    clock->offset = config->offset;
    clock->limit = (size_t)limit;
    clock->precision = larger(precision_s, config->precision);
    clock->rate = config->rate >= 1.0 && config->rate < 1e9 ? (int64_t)config->rate : 1;
    clock->asks = config->driver != VISOR_REFCLOCK_SOCK;
    clock->step_ns = interval_ns(clock->asks ? dpoll : config->poll);
    clock->raw_step_ns = clock->step_ns;
    clock->per_poll = interval_ns(config->poll) / clock->step_ns;
    clock->leap = config->local ? VISOR_LEAP_UNSYNCHRONIZED : VISOR_LEAP_NONE;
    visor_refclock_refid_text(config, index, clock->refid);
    clock->samples = calloc(clock->limit, sizeof(*clock->samples));
    if (!clock->samples) {
        free(clock);
        return NULL;
    }
    return clock;
}

void visor_refclock_set_offset(struct visor_refclock *clock, double offset_s)
{
    clock->offset = offset_s;
}

void visor_refclock_free(struct visor_refclock *clock)
{
    if (clock)
        free(clock->samples);
    free(clock);
}

static void drop_samples(struct visor_refclock *clock)
{
    clock->count = clock->at = 0;
}

void visor_refclock_forget(struct visor_refclock *clock)
{
    drop_samples(clock);
    clock->have_last = false;
}

void visor_refclock_shift(struct visor_refclock *clock, int64_t ns)
{
    for (size_t i = 0; i < clock->limit; i++)
        clock->samples[i].reference = visor_wall_add(clock->samples[i].reference, ns);
    clock->last.reference = visor_wall_add(clock->last.reference, ns);
}

/* ---- schedule ---- */

static void answer(struct visor_refclock *clock)
{
    if (!clock->waiting)
        return;
    clock->waiting = false;
    if (++clock->measured >= clock->per_poll)
        clock->poll_ended = true;
}

unsigned visor_refclock_due(struct visor_refclock *clock, visor_mono now)
{
    unsigned due = 0;
    bool tick;

    if (!clock)
        return 0;
    if (!clock->started) {
        clock->started = true;
        clock->next = clock->asks ? now : visor_mono_add(now, clock->raw_step_ns);
    }
    tick = !visor_mono_before(now, clock->next);
    if (tick) {
        clock->next = visor_mono_add(clock->next, clock->raw_step_ns);
        if (visor_mono_before(clock->next,
                              now)) /* we were late by more than a step: no catching up */
            clock->next = visor_mono_add(now, clock->raw_step_ns);
        answer(clock); /* an adapter that owes an answer has failed; the poll goes on */
        if (clock->asks)
            due |= VISOR_REFCLOCK_MEASURE;
        else
            clock->poll_ended = true;
    }
    if (clock->poll_ended) {
        due |= VISOR_REFCLOCK_POLL;
        clock->poll_ended = false;
        clock->measured = 0;
    }
    if (due & VISOR_REFCLOCK_MEASURE)
        clock->waiting = true;
    return due;
}

visor_mono visor_refclock_deadline(const struct visor_refclock *clock)
{
    if (!clock)
        return (visor_mono){INT64_MAX};
    if (!clock->started || clock->poll_ended)
        return (visor_mono){INT64_MIN};
    return clock->next;
}

/* ---- what a raw sample means ---- */

static bool sum_ns(int64_t a, int64_t b, int64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

static bool sane(visor_wall wall)
{
    return wall.ns <= WALL_MAX_NS && wall.ns >= -WALL_MAX_NS;
}

/* The estimate carried to `raw`; REALTIME there where there is no estimate. */
static bool utc_at(const struct visor_refclock_context *context, visor_mono raw, bool estimate,
                   visor_wall *utc)
{
    const struct visor_prediction *known = &context->prediction;
    int64_t away;
    double ppb;

    if (estimate && !known->known)
        return false;
    away = visor_mono_diff(raw, estimate ? known->at : context->now.raw);
    ppb = estimate ? known->rate_ppb : context->now.frequency_ppb;
    return sum_ns(estimate ? known->utc.ns : context->now.real.ns,
                  visor_ns_add(away, visor_ns_from_seconds((double)away * ppb * 1e-18)),
                  &utc->ns) &&
           sane(*utc);
}

/* The clock's offset option, and TAI to UTC. */
static enum visor_refclock_verdict full_time(const struct visor_refclock *clock,
                                             const struct visor_refclock_context *context,
                                             visor_wall *reference)
{
    int tai = 0;

    for (size_t i = 0; clock->config->tai && i < context->leap_count; i++) {
        /* the table is in UTC: a second of TAI is compared with its own difference taken off */
        int64_t utc_s = floor_div(reference->ns, VISOR_NS_PER_S) - context->leaps[i].tai_offset_s;

        if (utc_s >= context->leaps[i].utc_s)
            tai = context->leaps[i].tai_offset_s;
    }
    if (clock->config->tai && tai == 0)
        return VISOR_REFCLOCK_NO_TAI;
    if (!sane(*reference) ||
        !sum_ns(reference->ns - tai * VISOR_NS_PER_S, visor_ns_from_seconds(clock->offset),
                &reference->ns) ||
        !sane(*reference))
        return VISOR_REFCLOCK_BAD_TIME;
    return VISOR_REFCLOCK_TAKEN;
}

/* The time nearest to `base` that is `phase` past a pulse of the grid. */
static visor_wall align(const struct visor_refclock *clock, visor_wall base, int64_t phase_ns)
{
    int64_t second = floor_div(base.ns - phase_ns, VISOR_NS_PER_S);
    int64_t part = base.ns - phase_ns - second * VISOR_NS_PER_S;
    int64_t period = VISOR_NS_PER_S / clock->rate;
    int64_t pulse = (part + period / 2) / period;

    if (pulse > clock->rate)
        pulse = clock->rate;
    return (visor_wall){second * VISOR_NS_PER_S + pulse * VISOR_NS_PER_S / clock->rate + phase_ns};
}

static bool wrong_edge(const struct visor_refclock *clock, double off, double distance)
{
    double width = clock->config->pulse_width, rest = 1.0 / (double)clock->rate - width;
    double limit = 0.5 * (width < rest ? width : rest);

    return width > 0 && (visor_math_size(off) > limit || distance > limit);
}

/* A pulse gets its second from the last raw sample of another clock, or of itself (`local`). */
static enum visor_refclock_verdict lock_pulse(struct visor_refclock *clock,
                                              const struct visor_refclock_context *context,
                                              struct raw_sample *sample, int64_t phase_ns)
{
    const struct visor_refclock *lock = clock->config->local ? clock : context->lock;
    int age_limit = clock->config->max_lock_age;
    struct raw_sample base;
    int64_t age;
    double off, spread;

    if (clock->config->local && age_limit < LOCAL_LOCK_AGE)
        age_limit = LOCAL_LOCK_AGE;
    base = lock->last;
    if (!lock->have_last) {
        if (!clock->config->local)
            return VISOR_REFCLOCK_NO_REFERENCE;
        base = (struct raw_sample){.raw = sample->raw};
        if (!utc_at(context, sample->raw, context->prediction.known, &base.reference))
            return VISOR_REFCLOCK_BAD_TIME;
        base.reference = align(clock, base.reference, phase_ns);
    }
    if (__builtin_sub_overflow(sample->raw.ns, base.raw.ns, &age))
        age = INT64_MAX;
    if (visor_math_size((double)age * 1e-9) >= (double)age_limit / (double)clock->rate) {
        if (!clock->config->local)
            return VISOR_REFCLOCK_LOCK_OLD;
        visor_refclock_forget(clock);
        return VISOR_REFCLOCK_LOST_LOCK;
    }
    base.reference = visor_wall_add(
        base.reference,
        age + visor_ns_from_seconds((double)age * context->prediction.rate_ppb * 1e-18));
    sample->reference = align(clock, base.reference, phase_ns);
    off = visor_seconds_from_ns(visor_wall_diff(base.reference, sample->reference));
    spread = base.sigma + base.error + visor_math_sqrt(lock->inner_var) + sample->sigma +
             sample->error + clock->precision;
    if (visor_math_size(off) + spread > LOCK_LIMIT / (double)clock->rate)
        return VISOR_REFCLOCK_AMBIGUOUS;
    if (wrong_edge(clock, off, 0.0))
        return VISOR_REFCLOCK_WRONG_EDGE;
    clock->leap = lock->leap;
    return VISOR_REFCLOCK_TAKEN;
}

/* A pulse gets its second from our own estimate. */
static enum visor_refclock_verdict own_pulse(struct visor_refclock *clock,
                                             const struct visor_refclock_context *context,
                                             struct raw_sample *sample, int64_t phase_ns)
{
    visor_wall base;

    if (!context->reference || context->distance_s >= 0.5 / (double)clock->rate ||
        !utc_at(context, sample->raw, context->prediction.known, &base)) {
        drop_samples(clock);
        return VISOR_REFCLOCK_NO_REFERENCE;
    }
    sample->reference = align(clock, base, phase_ns);
    if (wrong_edge(clock, visor_seconds_from_ns(visor_wall_diff(sample->reference, base)),
                   context->distance_s))
        return VISOR_REFCLOCK_WRONG_EDGE;
    clock->leap = context->leap;
    return VISOR_REFCLOCK_TAKEN;
}

static enum visor_refclock_verdict meaning(struct visor_refclock *clock,
                                           const struct visor_event_refclock *event,
                                           const struct visor_refclock_context *context,
                                           struct raw_sample *sample, bool pulse)
{
    int64_t phase = visor_ns_from_seconds(clock->offset) % VISOR_NS_PER_S;
    enum visor_refclock_verdict verdict;

    if (pulse) {
        if (event->kind == VISOR_REFCLOCK_TIME) /* `pps` and `local`: only its part of a second */
            phase = (phase + event->reference.ns % VISOR_NS_PER_S) % VISOR_NS_PER_S;
        return clock->config->local || context->lock ? lock_pulse(clock, context, sample, phase)
                                                     : own_pulse(clock, context, sample, phase);
    }
    if (event->leap == VISOR_LEAP_HINT_UNSYNCHRONIZED)
        return VISOR_REFCLOCK_BAD_LEAP;
    sample->reference = event->reference;
    verdict = full_time(clock, context, &sample->reference);
    if (verdict == VISOR_REFCLOCK_TAKEN)
        clock->leap = event->leap == VISOR_LEAP_HINT_INSERT   ? VISOR_LEAP_INSERT
                      : event->leap == VISOR_LEAP_HINT_DELETE ? VISOR_LEAP_DELETE
                                                              : VISOR_LEAP_NONE;
    return verdict;
}

static bool recent(const struct visor_refclock *clock, const struct visor_refclock_context *context,
                   visor_mono raw)
{
    int64_t age;

    if (__builtin_sub_overflow(context->now.raw.ns, raw.ns, &age))
        return false;
    /* a last one from the future is of a counter that has jumped back since */
    if (clock->have_last && !visor_mono_before(clock->last.raw, raw) &&
        visor_mono_diff(clock->last.raw, context->now.raw) <= AHEAD_NS)
        return false;
    return age >= -AHEAD_NS && age <= interval_ns(clock->config->poll + 1);
}

static double offset_from(visor_wall reference, visor_wall local)
{
    int64_t ns;

    if (__builtin_sub_overflow(reference.ns, local.ns, &ns))
        ns = reference.ns > local.ns ? INT64_MAX : INT64_MIN;
    return visor_seconds_from_ns(ns);
}

static void record_raw(const struct visor_refclock *clock,
                       const struct visor_refclock_context *context,
                       const struct raw_sample *sample, bool pulse,
                       struct visor_refclock_taken *taken)
{
    visor_wall local, estimate;

    if (!utc_at(context, sample->raw, false, &local))
        return;
    if (!utc_at(context, sample->raw, true, &estimate))
        estimate = local;
    taken->logged = true;
    taken->at = estimate;
    taken->record.pulse = (int32_t)clock->measured;
    taken->record.leap = clock->leap;
    taken->record.pps = pulse ? '1' : '0';
    taken->record.raw_offset = offset_from(sample->reference, local) - clock->offset;
    taken->record.offset = offset_from(sample->reference, estimate);
    taken->record.dispersion = sample->sigma + sample->error + clock->precision;
    for (size_t i = 0; i < sizeof(clock->refid); i++)
        taken->record.refid[i] = clock->refid[i];
}

/* A reading in a storm of interrupts or bus traffic. It has next to no weight beside the usual
 * ones; but one that contradicts the estimate by more than it can be wrong does tell something.
 * What is unusual is learnt anew when it stays. */
static bool is_noisy(struct visor_refclock *clock, const struct visor_refclock_context *context,
                     const struct raw_sample *sample)
{
    double usual = clock->usual_sigma, more = sample->sigma - usual;
    visor_wall estimate;

    if (usual <= 0) {
        clock->usual_sigma = sample->sigma;
        return false;
    }
    clock->usual_sigma += more < 0 ? more / 4.0 : (more < usual ? more : usual) / 16.0;
    return sample->sigma > NOISY * usual && utc_at(context, sample->raw, true, &estimate) &&
           visor_math_size(offset_from(sample->reference, estimate)) <
               4.0 * sample->sigma + sample->error;
}

static void keep(struct visor_refclock *clock, const struct raw_sample *sample)
{
    clock->last = *sample;
    clock->have_last = true;
    clock->samples[clock->at] = *sample;
    clock->at = (clock->at + 1) % clock->limit;
    if (clock->count < clock->limit)
        clock->count++;
}

void visor_refclock_hurry(struct visor_refclock *clock)
{
    if (clock->hurry > 0 || clock->count == 0)
        return;
    drop_samples(clock);
    keep(clock, &clock->last);
    clock->hurry = HURRY - 1;
    clock->poll_ended = true;
}

void visor_refclock_begin_anew(struct visor_refclock *clock, visor_mono now)
{
    visor_refclock_forget(clock);
    clock->hurry = HURRY;
    if (clock->started && clock->asks)
        clock->next = now;
}

static enum visor_refclock_verdict take_sample(struct visor_refclock *clock,
                                               const struct visor_event_refclock *event,
                                               const struct visor_refclock_context *context,
                                               struct visor_refclock_taken *taken)
{
    bool pulse = event->kind == VISOR_REFCLOCK_PULSE || clock->config->pps || clock->config->local;
    struct raw_sample sample = {.raw = event->stamp.raw};
    enum visor_refclock_verdict verdict;

    sample.error = visor_seconds_from_ns(event->stamp.error_ns > 0 ? event->stamp.error_ns : 0);
    sample.sigma = event->dispersion_s > 0 ? event->dispersion_s : 0; /* NaN too */
    if (sample.sigma > SIGMA_MAX)
        sample.sigma = SIGMA_MAX;
    if (!recent(clock, context, sample.raw))
        return VISOR_REFCLOCK_BAD_TIME;
    verdict = meaning(clock, event, context, &sample, pulse);
    if (verdict != VISOR_REFCLOCK_TAKEN)
        return verdict;
    if (clock->config->local)
        clock->leap = VISOR_LEAP_UNSYNCHRONIZED;
    clock->pulses = pulse && !clock->config->local && !context->lock;
    clock->reached++;
    if (is_noisy(clock, context, &sample))
        return VISOR_REFCLOCK_NOISY;
    keep(clock, &sample);
    record_raw(clock, context, &sample, pulse, taken);
    taken->sample = (struct visor_sample){
        .at = sample.raw,
        .reference = sample.reference,
        .delay_s = clock->config->delay,
        .dispersion_s = larger(sample.sigma, SCATTER_FLOOR),
        .root_dispersion_s = sample.error + clock->precision,
    };
    if (!clock->asks)
        clock->measured++;
    if (clock->hurry > 0) {
        clock->hurry--;
        clock->poll_ended = true;
    }
    return VISOR_REFCLOCK_TAKEN;
}

int visor_refclock_error(const struct visor_refclock *clock)
{
    return clock->failing;
}

/* Good and bad ones in turn are told of once in a while. */
static bool may_tell(const struct visor_refclock *clock, visor_mono now)
{
    return clock->told_at.ns == INT64_MIN || visor_mono_diff(now, clock->told_at) >= TELL_EVERY_NS;
}

struct visor_refclock_taken visor_refclock_take(struct visor_refclock *clock,
                                                const struct visor_event_refclock *event,
                                                const struct visor_refclock_context *context)
{
    struct visor_refclock_taken taken = {0};

    if (event->kind == VISOR_REFCLOCK_FAILED) {
        bool fault = event->error != VISOR_REFCLOCK_NOTHING_NEW;

        taken.verdict = fault ? VISOR_REFCLOCK_FAULT : VISOR_REFCLOCK_EMPTY;
        if (fault)
            clock->failing = event->error;
        taken.failed = fault && !clock->told && may_tell(clock, context->now.raw);
    } else {
        taken.verdict = take_sample(clock, event, context, &taken);
        clock->failing = 0;
        taken.back = clock->told;
        clock->told = false;
    }
    if (taken.failed) {
        clock->told = true;
        clock->told_at = context->now.raw;
    }
    answer(clock);
    return taken;
}

/* ---- end of a poll ---- */

/* Samples as points: x since the oldest, y against the predicted rate. */
static void points_of(const struct visor_refclock *clock, double rate_ppb,
                      struct visor_combine_point *points)
{
    size_t first = (clock->at + clock->limit - clock->count) % clock->limit;
    const struct raw_sample *base = &clock->samples[first];

    for (size_t i = 0; i < clock->count; i++) {
        const struct raw_sample *sample = &clock->samples[(first + i) % clock->limit];
        int64_t elapsed = visor_mono_diff(sample->raw, base->raw), moved;

        if (__builtin_sub_overflow(sample->reference.ns, base->reference.ns, &moved) ||
            __builtin_sub_overflow(moved, elapsed, &moved))
            moved = INT64_MAX;
        points[i].x = visor_seconds_from_ns(elapsed);
        points[i].y = visor_seconds_from_ns(moved) - points[i].x * rate_ppb * 1e-9;
        points[i].sigma = larger(sample->sigma, SCATTER_FLOOR);
    }
}

/* Learn the scatter, and say how sure the combined value is by it: a poll that looks quiet by
 * chance is not believed to be, a poll that is much noisier than usual is. */
static double standard_error(struct visor_refclock *clock, const struct visor_combined *combined)
{
    double own = combined->scatter * combined->scatter, dof = (double)combined->dof, pooled, share;

    if (combined->dof == 0)
        return visor_math_sqrt(clock->scatter_var / (double)combined->used);
    own = larger(own, SCATTER_FLOOR * SCATTER_FLOOR);
    pooled = (clock->scatter_var * clock->learnt_dof + own * dof) / (clock->learnt_dof + dof);
    share = dof / (clock->learnt_dof + dof);
    clock->inner_var += share * (combined->inner * combined->inner - clock->inner_var);
    clock->scatter_var = pooled;
    clock->learnt_dof += dof;
    if (clock->learnt_dof > LEARN_DOF)
        clock->learnt_dof = LEARN_DOF;
    return visor_math_sqrt(larger(pooled, own * dof / (dof + 4.0)) / (double)combined->used);
}

static double known_error(const struct visor_combine_point *points, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += 1.0 / (points[i].sigma * points[i].sigma);
    return visor_math_sqrt(1.0 / sum);
}

static double systematic(const struct visor_refclock *clock)
{
    double sum = 0;

    for (size_t i = 0; i < clock->count; i++)
        sum += clock->samples[i].error;
    return sum / (double)clock->count + clock->precision;
}

static bool fill_sample(struct visor_refclock *clock, const struct visor_prediction *prediction,
                        struct visor_refclock_polled *polled)
{
    struct visor_combine_point points[VISOR_COMBINE_MAX];
    size_t first = (clock->at + clock->limit - clock->count) % clock->limit;
    const struct raw_sample base = clock->samples[first];
    struct visor_combined combined;
    double limit = clock->config->max_dispersion, error;
    int64_t away, moved;

    points_of(clock, prediction->rate_ppb, points);
    combined =
        visor_combine(points, clock->count, prediction->known, visor_math_sqrt(clock->scatter_var));
    if (limit > 0 && combined.scatter > limit)
        return false;
    error = standard_error(clock, &combined);
    away = visor_ns_from_seconds(combined.x);
    polled->combined = combined.used;
    polled->sample = (struct visor_sample){
        .at = visor_mono_add(base.raw, away),
        .until = clock->samples[(clock->at + clock->limit - 1) % clock->limit].raw,
        .delay_s = clock->config->delay,
        .dispersion_s = larger(error, known_error(points, clock->count)),
        .root_dispersion_s = systematic(clock),
        .stratum = (uint8_t)clock->config->stratum,
        .leap = clock->leap,
    };
    moved = visor_ns_from_seconds(combined.y +
                                  visor_seconds_from_ns(away) * prediction->rate_ppb * 1e-9);
    return sum_ns(base.reference.ns, away, &polled->sample.reference.ns) &&
           sum_ns(polled->sample.reference.ns, moved, &polled->sample.reference.ns) &&
           sane(polled->sample.reference);
}

static void record_filtered(const struct visor_refclock *clock, const struct visor_reading *now,
                            const struct visor_prediction *prediction,
                            struct visor_refclock_polled *polled)
{
    struct visor_refclock_context context = {.now = *now, .prediction = *prediction};

    if (!utc_at(&context, polled->sample.at, prediction->known, &polled->at))
        polled->at = polled->sample.reference;
    polled->record = (struct visor_record_refclock){
        .pulse = -1,
        .leap = clock->leap,
        .pps = '-',
        .offset = offset_from(polled->sample.reference, polled->at),
        .dispersion = polled->sample.dispersion_s,
        .filtered = true,
    };
    for (size_t i = 0; i < sizeof(clock->refid); i++)
        polled->record.refid[i] = clock->refid[i];
}

/* Once the time is known, intervals are counted in it and begin a tenth after its seconds, when
 * pulses and their sentences have just come: samples are then as fresh as they can be. */
static void follow_seconds(struct visor_refclock *clock, const struct visor_reading *now,
                           const struct visor_prediction *prediction)
{
    int64_t unit = clock->step_ns < VISOR_NS_PER_S ? clock->step_ns : VISOR_NS_PER_S, off;
    const struct visor_refclock_context context = {.now = *now, .prediction = *prediction};
    visor_wall next;

    if (!(visor_math_size(prediction->rate_ppb) < RATE_MAX_PPB) ||
        !utc_at(&context, clock->next, true, &next))
        return;
    clock->raw_step_ns = clock->step_ns - visor_ns_from_seconds((double)clock->step_ns * 1e-18 *
                                                                prediction->rate_ppb);
    off = visor_ns_diff(next.ns, unit / 10);
    off -= floor_div(off, unit) * unit;
    if (off >= unit / 2)
        off -= unit;
    clock->next = visor_mono_add(clock->next, -off);
    if (!visor_mono_before(now->raw, clock->next))
        clock->next = visor_mono_add(clock->next, unit);
}

struct visor_refclock_polled visor_refclock_poll(struct visor_refclock *clock,
                                                 const struct visor_reading *now,
                                                 const struct visor_prediction *prediction)
{
    struct visor_refclock_polled polled = {.reached = clock->reached > 0, .pulses = clock->pulses};

    clock->reached = 0;
    if (prediction->known)
        follow_seconds(clock, now, prediction);
    if (clock->count > 0 && fill_sample(clock, prediction, &polled)) {
        polled.sampled = true;
        record_filtered(clock, now, prediction, &polled);
    }
    drop_samples(clock);
    return polled;
}
