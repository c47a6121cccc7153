/* Ring of samples, noise learning, suspects. The line itself is estimate.c's. */
#include "engine/filter.h"

#include "base/assert.h"
#include "base/math.h"
#include "engine/interval.h"
#include "engine/trial.h"

#define GATE            12.0         /* deviations beyond which a sample is a suspect */
#define AGREE           5.0          /* deviations within which suspects agree with one another */
#define UNIFORM         0.2886751346 /* deviation of a uniform distribution of width 1 */
#define SMALLEST        1.2533141373 /* of n sums of two queues of mean 1, times sqrt(n) */
#define WALLS_FROM      8            /* samples, of which one will have been quick */
#define HIDDEN_CHANGE   0.1          /* of it: a smaller one is not worth reckoning all anew */
#define RATE_KEPT       1e-8         /* s/s: what is known of a rate across a jump */
#define MOSTLY          3            /* suspects that agree: the first one is none */
#define ANY_RATE        0.1          /* s/s: after evidence that it is no ordinary one */
#define RECENT          4            /* samples whose smallest root distance counts */
#define NEWCOMERS       4            /* samples that do not say yet what is typical */
#define EVEN_SAMPLES    6            /* the newest ones */
#define SHORTER         6.0          /* times their spread of delays: that is another way */
#define YOUNG           3            /* samples below which two suspects are enough to restart */
#define OUTLIER         4.0   /* times the mean excess: one in 50 of a single queue is more */
#define SETTLED         0.95  /* of it: what changes by less does not matter */
#define EXPLAINED       3.0   /* deviations of the line */
#define SLACK_BEYOND    2.0   /* deviations */
#define BIAS_MEMORY     16.0  /* samples */
#define BIAS_MOST       0.8   /* 4.4 deviations of a mean over that memory */
#define RATE_DEVIATIONS 5.0   /* that a bound allows for */
#define YOUNG_RATE      125.0 /* Student's far tails: 1 + this / freedom^2 normal ones */

#define CAUTION         1.5 /* times a wander that was learnt from enough samples */
#define WANDER_TYPICAL  1e-9
#define WANDER_WORST    1e-7 /* of a counter of which little is known yet */
#define UNSEEN          6.0  /* deviations of a sample */
#define WANDER_MIN      1e-11
#define WANDER_MAX      1e-5
#define WHITE_MIN       1e-10
#define COUPLING_MIN    0.01
#define ASIDE           0.3 /* of the way to a wall */
#define ASIDE_MOST      0.4
#define QUARTER_DECADE  1.7782794100389228 /* 10^(1/4) */

void visor_filter_init(struct visor_filter *filter, bool network, int limit)
{
    *filter = (struct visor_filter){
        .network = network,
        .limit = (uint16_t)(limit < 4                      ? 4
                            : limit > VISOR_FILTER_SAMPLES ? VISOR_FILTER_SAMPLES
                                                           : limit),
        .noise = {.wander = WANDER_TYPICAL, .coupling = network ? UNIFORM : 0.0},
        .prior_rate_deviation = VISOR_RATE_FREE,
    };
}

void visor_filter_path(struct visor_filter *filter, double min_delay_s, double asymmetry)
{
    filter->known_delay_s = min_delay_s;
    filter->asymmetry_fixed = asymmetry <= 0.5 && asymmetry >= -0.5;
    if (filter->asymmetry_fixed)
        filter->noise.asymmetry = asymmetry;
}

void visor_filter_expect(struct visor_filter *filter, double rate, double deviation)
{
    filter->prior_rate = rate;
    filter->prior_rate_deviation = deviation;
    filter->hearsay = false;
}

void visor_filter_reset(struct visor_filter *filter)
{
    filter->first = filter->count = filter->suspect_count = 0;
    filter->bias = filter->scatter_s = 0.0;
    filter->on_trial = false;
}

void visor_filter_rebase(struct visor_filter *filter)
{
    double deviation = visor_math_sqrt(filter->line.p11);

    if (filter->count == 0)
        return;
    if (filter->count >= WALLS_FROM || filter->kept_delay_s == 0.0 ||
        filter->min_delay_s < filter->kept_delay_s)
        filter->kept_delay_s = filter->min_delay_s;
    visor_filter_reset(filter);
    visor_filter_expect(filter, filter->line.rate, deviation > RATE_KEPT ? deviation : RATE_KEPT);
    filter->rebased = true;
}

const struct visor_filter_entry *visor_filter_entry(const struct visor_filter *filter,
                                                    unsigned int from_oldest)
{
    return &filter->entries[(filter->first + from_oldest) % VISOR_FILTER_SAMPLES];
}

const struct visor_filter_entry *visor_filter_newest(const struct visor_filter *filter)
{
    return visor_filter_entry(filter, filter->count - 1u);
}

static double distance_of(const struct visor_filter_entry *entry)
{
    return (entry->delay_s + entry->root_delay_s) / 2.0 + entry->dispersion_s +
           entry->root_dispersion_s;
}

/* Over the last few samples. */
static double least_distance(const struct visor_filter *filter)
{
    double best = 1e9;

    for (unsigned int i = 0; i < RECENT && i < filter->count; i++) {
        double distance = distance_of(visor_filter_entry(filter, filter->count - 1u - i));

        if (distance < best)
            best = distance;
    }
    return best;
}

/* Even the smallest delay was held up a little: of n sums of two exponential queues the smallest by
 * 1.25 sqrt(m1 m2 / n), where m1 and m2 are their means; of n single ones by mean / n. */
static double hidden_of(const struct visor_filter *filter, double asymmetry)
{
    double n = (double)filter->count, both = 0.25 - asymmetry * asymmetry;
    double two = SMALLEST * visor_math_sqrt(both / n), one = 1.0 / n;

    if (filter->known_delay_s > 0.0)
        return 0.0;
    return filter->queue_excess_s * (two > one ? two : one);
}

static void measure_hidden(struct visor_filter *filter)
{
    double hidden = hidden_of(filter, filter->noise.asymmetry);
    double change = visor_math_size(hidden - filter->noise.hidden_s);

    if (change <= HIDDEN_CHANGE * filter->noise.hidden_s)
        return;
    filter->noise.hidden_s = hidden;
    filter->stale = true;
}

/* Of queues: samples that were held up by something else beside them, a starved machine for one,
 * tell nothing of how much the quickest ones were held up. */
static double queue_excess(const struct visor_filter *filter, double mean, double guess)
{
    double last;

    do {
        double sum = guess;

        last = mean;
        for (unsigned int i = 0; i < filter->count; i++) {
            double excess = visor_filter_entry(filter, i)->point.excess_s;

            sum += excess < OUTLIER * last ? excess : OUTLIER * last;
        }
        mean = sum / (double)filter->count;
    } while (mean < SETTLED * last);
    return mean;
}

/* Smallest delay, and excesses over it. */
static void measure_delays(struct visor_filter *filter)
{
    double sum = 0.0, smallest = 1e9, largest = 0.0, n = (double)filter->count, guess;

    for (unsigned int i = 0; i < filter->count; i++) {
        double delay = visor_filter_entry(filter, i)->delay_s;

        smallest = delay < smallest ? delay : smallest;
        largest = delay > largest ? delay : largest;
    }
    if (!filter->network) { /* a reference clock's delay is a statement, no measurement */
        filter->min_delay_s = smallest;
        return;
    }
    if (filter->known_delay_s > 0.0 && filter->known_delay_s < smallest)
        smallest = filter->known_delay_s;
    filter->stale |= smallest < filter->min_delay_s || smallest > filter->min_delay_s;
    filter->min_delay_s = smallest;
    if (filter->count < WALLS_FROM && filter->kept_delay_s > 0.0 && filter->kept_delay_s < smallest)
        smallest = filter->kept_delay_s;
    for (unsigned int i = 0; i < filter->count; i++) {
        struct visor_filter_entry *entry =
            &filter->entries[(filter->first + i) % VISOR_FILTER_SAMPLES];

        entry->point.excess_s = entry->delay_s - smallest;
        sum += entry->point.excess_s;
    }
    /* One imagined sample keeps small n honest. */
    guess = 0.25 * smallest;
    if (n > 1.0 && guess > 2.0 * (largest - smallest))
        guess = 2.0 * (largest - smallest);
    filter->mean_excess_s = (sum + guess) / n;
    filter->queue_excess_s = queue_excess(filter, filter->mean_excess_s, guess);
    filter->late_excess_s = 1e9;
    for (unsigned int i = 0; i < NEWCOMERS && i < filter->count; i++) {
        double excess = visor_filter_entry(filter, filter->count - 1u - i)->point.excess_s;

        sum -= excess;
        if (i < VISOR_FILTER_LATE && excess < filter->late_excess_s)
            filter->late_excess_s = excess;
    }
    filter->typical_excess_s = n > NEWCOMERS ? (sum + guess) / (n - NEWCOMERS) : sum + guess;
    measure_hidden(filter);
    filter->stale |= filter->noise.walls != (filter->count >= WALLS_FROM);
    filter->noise.walls = filter->count >= WALLS_FROM;
}

static double white_floor(const struct visor_filter *filter)
{
    double least = UNIFORM * filter->noise.hidden_s;

    if (least > filter->floor_s)
        return least;
    return filter->floor_s > WHITE_MIN ? filter->floor_s : WHITE_MIN;
}

/* The line from the stored samples under a noise model, and -2 log likelihood. */
static double run(const struct visor_filter *filter, const struct visor_noise *noise,
                  struct visor_line *line)
{
    struct visor_cost cost = visor_cost_begin();

    *line = filter->prior;
    for (unsigned int i = 0; i < filter->count; i++)
        visor_line_take(line, &visor_filter_entry(filter, i)->point, noise, &cost);
    return visor_cost_value(&cost);
}

/* The same for the present noise, where only the newest sample is new. */
static void extend(struct visor_filter *filter)
{
    struct visor_cost cost = visor_cost_begin();

    if (filter->stale) {
        filter->cost = run(filter, &filter->noise, &filter->line);
        filter->stale = false;
        return;
    }
    visor_line_take(&filter->line, &visor_filter_newest(filter)->point, &filter->noise, &cost);
    filter->cost += visor_cost_value(&cost);
}

/* White noise that a reference clock may have beside what its samples state: a part of it. */
static double told_white(double dispersion_s)
{
    return 0.3 * dispersion_s > WHITE_MIN ? 0.3 * dispersion_s : WHITE_MIN;
}

/* How much more a parameter costs for being far from what clocks and networks usually do. */
static double prejudice(const struct visor_filter *filter, const struct visor_noise *noise)
{
    double wander = visor_math_log(noise->wander / WANDER_TYPICAL) / 2.302585;
    double coupling = noise->coupling > 0.0 ? visor_math_log(noise->coupling / UNIFORM) : 0.0;
    double aside = visor_math_size(noise->asymmetry), white = 0.0;

    if (filter->network && noise->white > white_floor(filter))
        white = visor_math_log(noise->white / white_floor(filter)) / 2.302585;
    if (!filter->network && filter->count > 0) {
        double told = told_white(visor_filter_newest(filter)->dispersion_s);

        if (noise->white > told)
            white = visor_math_log(noise->white / told) / 2.302585;
    }
    return wander * wander + 6.0 * coupling * coupling + 30.0 * aside / (aside + 0.2) +
           4.0 * white * white;
}

/* Queues that are longer on one side. */
static bool lean(const struct visor_filter *filter, struct visor_noise *noise, double asymmetry,
                 double coupling)
{
    noise->asymmetry = asymmetry;
    noise->coupling = coupling > COUPLING_MIN ? coupling : COUPLING_MIN;
    noise->hidden_s = hidden_of(filter, asymmetry);
    return filter->network && !filter->asymmetry_fixed && filter->count >= 8 &&
           visor_math_size(asymmetry) < 0.51;
}

/* One wall stays, the other one comes closer. */
static bool lean_more(const struct visor_filter *filter, struct visor_noise *noise, double side)
{
    double apart = noise->coupling / UNIFORM / 2.0;

    return lean(filter, noise, noise->asymmetry + side * ASIDE * apart,
                (1.0 - ASIDE) * noise->coupling);
}

/* Neighbour number `which` of a noise model; false where there is none. */
static bool neighbour(const struct visor_filter *filter, unsigned int which,
                      struct visor_noise *noise)
{
    double floor = white_floor(filter);

    switch (which) {
    case 0:
        noise->wander *= QUARTER_DECADE;
        return noise->wander < WANDER_MAX;
    case 1:
        noise->wander /= QUARTER_DECADE;
        return noise->wander > WANDER_MIN;
    case 2:
        noise->white *= 1.5;
        return noise->white < 1.0;
    case 3:
        noise->white /= 1.5;
        return noise->white > floor;
    case 4:
        noise->coupling *= 1.5;
        return filter->network && noise->coupling < 0.6;
    case 5:
        noise->coupling /= 1.5;
        return filter->network && noise->coupling > COUPLING_MIN;
    case 6:
        return lean_more(filter, noise, 1.0);
    case 7:
        return lean_more(filter, noise, -1.0);
    case 8:
        return lean(filter, noise, ASIDE_MOST, (1.0 - 2.0 * ASIDE_MOST) * UNIFORM);
    case 9:
        return lean(filter, noise, -ASIDE_MOST, (1.0 - 2.0 * ASIDE_MOST) * UNIFORM);
    /* Slow wander looks like white noise until both change at once. */
    case 10:
        noise->wander *= 10.0;
        noise->white = noise->white / 4.0 > floor ? noise->white / 4.0 : floor;
        return noise->wander < WANDER_MAX;
    case 11:
        noise->wander *= 100.0;
        noise->white = noise->white / 16.0 > floor ? noise->white / 16.0 : floor;
        return noise->wander < WANDER_MAX;
    default:
        noise->wander /= 10.0;
        noise->white *= 4.0;
        return noise->wander > WANDER_MIN;
    }
}

#define NEIGHBOURS 13

/* Coordinate-wise hill climbing: a direction is kept while it helps. */
static void learn(struct visor_filter *filter)
{
    struct visor_line line;
    double floor = white_floor(filter), best;
    unsigned int tries;

    if (filter->noise.white < floor) {
        filter->noise.white = floor;
        filter->stale = true;
    }
    extend(filter);
    if (filter->count < 3)
        return;
    best = filter->cost + prejudice(filter, &filter->noise);
    /* A young filter tries everything at every sample: what it starts with is only a guess. */
    tries = filter->learnt < 32 ? NEIGHBOURS : 2;
    for (unsigned int i = 0; i < tries; i++) {
        struct visor_noise noise = filter->noise;

        if (neighbour(filter, filter->learning, &noise)) {
            double likelihood = run(filter, &noise, &line);
            double cost = likelihood + prejudice(filter, &noise);

            if (cost < best - 0.1) {
                best = cost;
                filter->cost = likelihood;
                filter->noise = noise;
                filter->line = line;
                continue;
            }
        }
        filter->learning = (uint16_t)((filter->learning + 1u) % NEIGHBOURS);
    }
}

static void drop_oldest(struct visor_filter *filter)
{
    struct visor_cost cost = visor_cost_begin();

    visor_line_take(&filter->prior, &visor_filter_entry(filter, 0)->point, &filter->noise, &cost);
    filter->cost -= visor_cost_value(&cost);
    filter->first = (uint16_t)((filter->first + 1u) % VISOR_FILTER_SAMPLES);
    filter->count--;
}

static void append(struct visor_filter *filter, const struct visor_filter_entry *entry)
{
    if (filter->count == filter->limit)
        drop_oldest(filter);
    filter->entries[(filter->first + filter->count) % VISOR_FILTER_SAMPLES] = *entry;
    filter->count++;
    filter->taken++;
    filter->learnt++;
    if (filter->count > 1)
        return;
    filter->stale = true;
    filter->prior = (struct visor_line){
        .at = entry->point.at,
        .offset_ns = entry->point.offset_ns,
        .rate = filter->prior_rate,
        .p00 = 1.0,
        .p11 = filter->prior_rate_deviation * filter->prior_rate_deviation,
    };
}

static const struct visor_miss no_miss = {0.0, 0.0};

static void accept(struct visor_filter *filter, const struct visor_filter_entry *entry,
                   double drift, const struct visor_miss *miss)
{
    struct visor_line before = filter->line;

    append(filter, entry);
    measure_delays(filter);
    learn(filter);
    visor_interval_take(filter, &before, entry, drift, miss);
    filter->until = entry->until;
    filter->root_distance_s = least_distance(filter);
    filter->suspect_count = 0;
}

static void shift_ns(int64_t *offset_ns, int64_t by_ns)
{
    *offset_ns = visor_ns_add(*offset_ns, by_ns);
}

void visor_filter_shift(struct visor_filter *filter, double jump_s)
{
    int64_t jump_ns = visor_ns_from_seconds(jump_s);

    for (unsigned int i = 0; i < filter->count; i++)
        shift_ns(&filter->entries[(filter->first + i) % VISOR_FILTER_SAMPLES].point.offset_ns,
                 jump_ns);
    for (unsigned int i = 0; i < filter->suspect_count; i++)
        shift_ns(&filter->suspects[i].point.offset_ns, jump_ns);
    shift_ns(&filter->prior.offset_ns, jump_ns);
    shift_ns(&filter->line.offset_ns, jump_ns);
    shift_ns(&filter->trial.offset_ns, jump_ns);
    shift_ns(&filter->trial_prior.offset_ns, jump_ns);
}

/* What wander the samples could hide: over their span it would have led the line away by some
 * deviations of their noise. */
static double unseen_wander(const struct visor_filter *filter)
{
    double span = filter->count > 1 ? visor_seconds_from_ns(visor_mono_diff(
                                          filter->line.at, visor_filter_entry(filter, 0)->point.at))
                                    : 0.0;

    return span > 0.0 ? UNSEEN * visor_filter_deviation(filter) / (span * visor_math_sqrt(span))
                      : WANDER_WORST;
}

static double unknown_wander(const struct visor_filter *filter)
{
    double few = 8.0 / (filter->learnt > 0 ? (double)filter->learnt : 1.0);
    double unknown = WANDER_WORST * few * few * few, unseen = few * unseen_wander(filter);

    return unseen < unknown ? unseen : unknown;
}

static double caution(double samples)
{
    return samples >= 60.0 ? CAUTION
                           : 1.0 + 60.0 * (CAUTION - 1.0) / (samples > 1.0 ? samples : 1.0);
}

double visor_filter_cautious_wander(const struct visor_filter *filter)
{
    return filter->noise.wander * caution((double)filter->learnt) + unknown_wander(filter);
}

double visor_filter_shared_wander(const struct visor_filter *filter, double mean, double samples)
{
    double alone = filter->noise.wander * caution((double)filter->learnt);
    double least = filter->noise.wander * CAUTION, shared = mean * caution(samples);

    shared = shared < least ? least : shared;
    return (shared < alone ? shared : alone) + unknown_wander(filter);
}

/* By how much an entry misses the line, in seconds and in deviations. The wander of a young filter
 * is only a guess and gets the benefit of the doubt. */
static double misfit(const struct visor_filter *filter, const struct visor_filter_entry *entry,
                     double *deviations)
{
    struct visor_line line = filter->line;
    double variance, innovation;

    visor_line_move(&line, entry->point.at, visor_filter_cautious_wander(filter));
    innovation = visor_line_innovation(&line, &entry->point, &filter->noise, &variance);
    *deviations = innovation / visor_math_sqrt(variance);
    return innovation;
}

/* Mean jump of the suspects, weighted, and how many of the newest agree on one: from each to the
 * next the counter must have run at the rate of the line. */
static unsigned int agreeing_suspects(const struct visor_filter *filter, double *jump_s)
{
    double sum = 0.0, weight = 0.0, last = 0.0, last_variance = 0.0, unused;
    unsigned int agree = 0;

    for (unsigned int i = 0; i < filter->suspect_count; i++) {
        const struct visor_point *point = &filter->suspects[i].point;
        double variance = visor_noise_variance(&filter->noise, point);
        double jump = misfit(filter, &filter->suspects[i], &unused);

        if (i > 0) {
            double dt =
                visor_seconds_from_ns(visor_mono_diff(point->at, filter->suspects[i - 1].point.at));
            double wander = visor_filter_cautious_wander(filter);
            double allowed = variance + last_variance +
                             dt * dt * (filter->line.p11 + wander * wander * dt / 3.0);

            if ((jump - last) * (jump - last) > AGREE * AGREE * allowed)
                agree = 0;
        }
        agree++;
        sum += jump / variance;
        weight += 1.0 / variance;
        last = jump;
        last_variance = variance;
    }
    *jump_s = sum / weight;
    return agree;
}

/* A line through samples from both sides of a jump can have any slope: it is not to be kept. */
static bool is_sane(double rate)
{
    return visor_math_size(rate) <= VISOR_RATE_MOST;
}

static void drop_suspects(struct visor_filter *filter, unsigned int oldest)
{
    filter->suspect_count = (uint16_t)(filter->suspect_count - oldest);
    for (unsigned int i = 0; i < filter->suspect_count; i++)
        filter->suspects[i] = filter->suspects[i + oldest];
}

/* A reply that waited for a stalled machine to go on was under way for longer than its counter
 * says: it may be the newest sample before a jump, or the first one after it. */
VISOR_RARE static void drop_spanning(struct visor_filter *filter)
{
    if (filter->network && filter->suspects[0].delay_s < filter->min_delay_s)
        drop_suspects(filter, 1);
    if (filter->count < YOUNG) { /* then nothing is left of before but the rate */
        uint16_t suspects = filter->suspect_count;

        visor_filter_rebase(filter);
        filter->rebased = false;
        filter->suspect_count = suspects;
        return;
    }
    filter->count--;
    measure_delays(filter);
    filter->cost = run(filter, &filter->noise, &filter->line);
}

/* Enough suspects: either a jump, or a counter that runs at another rate than was believed. One
 * that was under way during the jump tells of neither. In a young filter nothing says that the
 * first samples were the right ones: all are taken again. */
VISOR_RARE static enum visor_filter_verdict believe(struct visor_filter *filter, double *jump_s)
{
    struct visor_filter_entry again[YOUNG + VISOR_FILTER_SUSPECTS];
    unsigned int agree = agreeing_suspects(filter, jump_s);
    bool jumped = agree == filter->suspect_count && is_sane(filter->line.rate);
    double deviation = jumped ? VISOR_RATE_FREE : ANY_RATE;
    unsigned int n = 0;

    if (agree >= MOSTLY && agree < filter->suspect_count) {
        drop_suspects(filter, filter->suspect_count - agree);
        return VISOR_FILTER_SUSPECT;
    }
    if (!jumped && filter->count < YOUNG)
        for (; n < filter->count; n++)
            again[n] = *visor_filter_entry(filter, n);
    if (jumped) {
        drop_spanning(filter);
        agreeing_suspects(filter, jump_s);
    }
    for (unsigned int i = 0; i < filter->suspect_count; i++)
        again[n++] = filter->suspects[i];
    if (jumped) {
        visor_filter_shift(filter, *jump_s);
        visor_interval_forget(filter); /* the jump is known to within the noise only */
        visor_trial_begin(filter, &again[0]);
    } else {
        visor_filter_reset(filter);
        visor_filter_expect(filter, is_sane(filter->line.rate) ? filter->line.rate : 0.0,
                            deviation);
    }
    for (unsigned int i = 0; i < n; i++)
        accept(filter, &again[i], deviation, &no_miss);
    if (jumped)
        visor_trial_run(filter);
    filter->scatter_s = filter->bias = 0.0;
    return jumped ? VISOR_FILTER_JUMPED : VISOR_FILTER_RESTARTED;
}

/* The line has missed sample after sample to one side, or a trial found another rate: what it was
 * learnt from is of no use any more, but for the last few samples. */
VISOR_RARE static enum visor_filter_verdict restart(struct visor_filter *filter)
{
    struct visor_filter_entry again[NEWCOMERS];
    unsigned int n = filter->count < NEWCOMERS ? filter->count : NEWCOMERS;
    const struct visor_line *line = filter->on_trial ? &filter->trial : &filter->line;
    uint32_t taken = filter->taken;
    double rate = line->rate;
    double deviation = is_sane(rate) ? visor_math_sqrt(visor_trial_freed(line)) : ANY_RATE;

    for (unsigned int i = 0; i < n; i++)
        again[i] = *visor_filter_entry(filter, filter->count - n + i);
    visor_filter_reset(filter);
    visor_filter_expect(filter, is_sane(rate) ? rate : 0.0, deviation);
    filter->noise.white = 0.0; /* too large, if it was to explain the misses */
    for (unsigned int i = 0; i < n; i++)
        accept(filter, &again[i], deviation, &no_miss);
    filter->taken = taken;
    filter->learnt = n;
    return VISOR_FILTER_RESTARTED;
}

/* A server's dispersion is a bound, a reference clock's (engine/refclock.h) is the deviation
 * itself. The excess of a delay below the smallest one known is zero: it becomes the smallest. */
static struct visor_filter_entry entry_of(const struct visor_filter *filter,
                                          const struct visor_sample *sample)
{
    double excess = filter->count ? sample->delay_s - filter->min_delay_s : 0.0;
    double deviation = sample->dispersion_s * (filter->network ? UNIFORM : 1.0);

    return (struct visor_filter_entry){
        .point = {.at = sample->at,
                  .offset_ns = visor_sample_offset_ns(sample),
                  .excess_s = filter->network && excess > 0.0 ? excess : 0.0,
                  .variance = deviation * deviation},
        .until = visor_mono_before(sample->until, sample->at) ? sample->at : sample->until,
        .delay_s = sample->delay_s,
        .dispersion_s = sample->dispersion_s,
        .root_delay_s = sample->root_delay_s,
        .root_dispersion_s = sample->root_dispersion_s,
    };
}

/* A noisy sample may fit the line by chance while it fits the last suspect better. */
static bool sides_with_suspects(const struct visor_filter *filter, double jump_s)
{
    double last, unused;

    if (filter->suspect_count == 0)
        return false;
    last = misfit(filter, &filter->suspects[filter->suspect_count - 1], &unused);
    return visor_math_size(jump_s - last) < visor_math_size(jump_s);
}

double visor_filter_expected(const struct visor_filter *filter)
{
    double deviation = visor_filter_deviation(filter);
    double stated = filter->count > 0 ? visor_filter_newest(filter)->point.variance : 0.0;

    return visor_math_sqrt(deviation * deviation + stated);
}

/* What the line's own uncertainty explains of a miss is left out. */
static void learn_scatter(struct visor_filter *filter, visor_mono at, double missed_s)
{
    struct visor_line line = filter->line;
    double unexplained;

    visor_line_move(&line, at, filter->noise.wander);
    unexplained = missed_s * missed_s - EXPLAINED * EXPLAINED * line.p00;
    filter->scatter_s +=
        ((unexplained > 0.0 ? visor_math_sqrt(unexplained) : 0.0) - filter->scatter_s) / 4.0;
}

/* No queue that was so even is so much emptier at once: the way is another one. What was measured
 * on the old one was off by as much as the two ways differ on one side, all samples alike: the rate
 * is all that it is good for. */
static bool is_shorter_way(const struct visor_filter *filter, const struct visor_sample *sample)
{
    double least = 1e9, most = 0.0;

    if (!filter->network || filter->count < EVEN_SAMPLES)
        return false;
    for (unsigned int i = filter->count - EVEN_SAMPLES; i < filter->count; i++) {
        double delay = visor_filter_entry(filter, i)->delay_s;

        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    return least - sample->delay_s > SHORTER * (most - least + 2.0 * sample->dispersion_s);
}

enum visor_filter_verdict visor_filter_take(struct visor_filter *filter,
                                            const struct visor_sample *sample, double drift,
                                            double *jump_s)
{
    struct visor_filter_entry entry;
    struct visor_miss miss = no_miss;
    double deviations, deviation;
    bool far;

    *jump_s = 0.0;
    if (is_shorter_way(filter, sample))
        visor_filter_rebase(filter);
    entry = entry_of(filter, sample);
    if (!filter->network && filter->taken == 0)
        filter->noise.white = told_white(sample->dispersion_s);
    if (filter->count == 0) {
        if (filter->rebased)
            visor_trial_begin(filter, &entry);
        filter->rebased = false;
        accept(filter, &entry, drift, &no_miss);
        if (filter->on_trial)
            visor_trial_run(filter);
        return VISOR_FILTER_TAKEN;
    }
    *jump_s = misfit(filter, &entry, &deviations);
    deviation = deviations != 0.0 ? *jump_s / deviations : 0.0;
    far = visor_math_size(deviations) > GATE || sides_with_suspects(filter, *jump_s);
    learn_scatter(filter, entry.point.at, far ? GATE * deviation : visor_math_size(*jump_s));
    if (!far) {
        filter->bias += (deviations - filter->bias) / BIAS_MEMORY;
        miss.by_s = *jump_s;
        if (visor_math_size(deviations) > SLACK_BEYOND)
            miss.slack_s = visor_math_size(*jump_s) - deviation;
        accept(filter, &entry, drift, &miss);
        if (visor_trial_contradicts(filter) || visor_math_size(filter->bias) > BIAS_MOST)
            return restart(filter);
        return VISOR_FILTER_TAKEN;
    }
    if (visor_trial_fits(filter, &entry.point)) {
        accept(filter, &entry, VISOR_RATE_FREE, &no_miss);
        visor_trial_run(filter);
        return restart(filter);
    }
    filter->suspects[filter->suspect_count++] = entry;
    if (filter->suspect_count == (filter->count < YOUNG ? 2 : VISOR_FILTER_SUSPECTS))
        return believe(filter, jump_s);
    return VISOR_FILTER_SUSPECT;
}

/* What a rate may be wrong by beside its deviation while the noise is known from the same few
 * samples only, but not beyond what was known of it before. */
static double youth(const struct visor_filter *filter, const struct visor_line *line, double known)
{
    double freedom = filter->learnt > 2 ? (double)filter->learnt - 2.0 : 1.0;
    double deviation = visor_math_sqrt(line->p11);
    double more = deviation * YOUNG_RATE / (freedom * freedom), most = known - deviation;

    return RATE_DEVIATIONS * (more < most ? more : most > 0.0 ? most : 0.0);
}

/* What was only heard of is no better known than an unknown rate. */
static double known_rate(const struct visor_filter *filter)
{
    double known = filter->prior_rate_deviation;

    return filter->hearsay && known < VISOR_RATE_FREE ? VISOR_RATE_FREE : known;
}

double visor_filter_unrest(const struct visor_filter *filter, double interval_s)
{
    double unexplained = filter->scatter_s - 1.5 * visor_filter_expected(filter), unrest = 0.0;

    if (unexplained > 0.0 && unexplained < 1e-3 * interval_s)
        unrest = 2.0 * unexplained / interval_s;
    return unrest + youth(filter, &filter->line, known_rate(filter)) + visor_filter_trial(filter);
}

double visor_filter_trial(const struct visor_filter *filter)
{
    const struct visor_line *trial = &filter->trial;

    if (!filter->on_trial)
        return 0.0;
    return visor_math_size(trial->rate - filter->line.rate) +
           RATE_DEVIATIONS * visor_math_sqrt(trial->p11) +
           youth(filter, trial, visor_math_sqrt(filter->trial_prior.p11));
}

double visor_filter_jitter(const struct visor_filter *filter)
{
    double deviation = visor_filter_deviation(filter);

    return filter->scatter_s > deviation ? filter->scatter_s : deviation;
}

double visor_filter_deviation(const struct visor_filter *filter)
{
    double spread = filter->noise.coupling * filter->mean_excess_s;

    return visor_math_sqrt(filter->noise.white * filter->noise.white + spread * spread);
}
