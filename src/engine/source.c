/* What one source is like: its health, its candidacy, the poll interval it deserves. */
#include "engine/source.h"

#include "base/math.h"
#include "engine/interval.h"

#include <string.h>

#define SAMPLES_NEEDED   3
#define LOSS_MEMORY      64.0 /* requests */
#define LOSS_LEAST       0.001
#define LOSS_GUESS       0.3 /* before anything is known, as if from two requests */
#define LOSS_GUESS_WORTH 2.0
#define LOSS_MOST        0.9
#define STRANGE          1e-4 /* chance */
#define LATE_EXCESS      6.0  /* times the typical one */
#define UNSETTLED        2e-5 /* s/s */
#define UNSETTLED_NOISE  4.0  /* deviations of a sample, in one interval … */
#define UNSETTLED_LEAST  5e-6 /* … and s: who is so good is left for no other */
#define USEFUL_INTERVAL                                                                            \
    45.0 /* s, times (noise / wander)^(1/4): beyond it the clock only coasts                       \
          */
#define SHARE_TARGET                                                                               \
    5.0 /* over polltarget: share of a new sample at which the interval is right                   \
         */
#define DEARER                0.1 /* of the interval: where nothing is answered, a sample costs more requests */
#define TARGET_USUAL          8.0  /* polltarget that the figures above are for */
#define FASTEST_GROWTH        0.3  /* of the interval with each sample */
#define COARSE                1e-3 /* s: a clock this uncertain is worth more packets */
#define GROWTH_SAMPLES_COARSE 15.0 /* later, and more steeply */
#define GROWTH_SAMPLES        8.7 /* samples after which the shortest interval has grown by itself */

void visor_source_init(struct visor_source *source, uint32_t id, const struct visor_config *config)
{
    int limit = config->max_samples;

    memset(source, 0, sizeof(*source));
    source->id = id;
    source->last_at = source->restarted_at = source->jumped_at = (visor_mono){INT64_MIN};
    source->least_claim_s = 1e9;
    source->loss = LOSS_GUESS;
    source->loss_weight = LOSS_GUESS_WORTH;
    visor_filter_init(&source->filter, true, limit > 0 ? limit : VISOR_FILTER_SAMPLES);
    source->wander = visor_filter_cautious_wander(&source->filter);
}

void visor_source_describe(const struct visor_source *source, const struct visor_origin *origins,
                           struct visor_message *message)
{
    message->source = source->id;
    if (source->refclock) {
        visor_refclock_refid_text(source->clock_config, source->origin, message->name);
        return;
    }
    memcpy(message->name, origins[source->origin].config.name, sizeof(message->name) - 1);
    if (source->resolved)
        message->address = source->association.remote;
}

uint32_t visor_source_refid(const struct visor_source *source)
{
    if (source->refclock)
        return visor_refclock_refid(source->clock_config, source->origin);
    return source->resolved ? visor_ntp_refid(&source->association.remote) : 0;
}

uint32_t visor_source_reference(const struct visor_source *source)
{
    if (!source->refclock && source->association.config.copy)
        return source->association.valid.header.refid;
    return visor_source_refid(source);
}

uint8_t visor_source_reach(const struct visor_source *source)
{
    return source->refclock ? source->reach : source->association.reach;
}

double visor_source_interval(const struct visor_source *source)
{
    return source->refclock ? visor_math_exp2i(source->clock_config->poll)
                            : visor_association_interval(&source->association);
}

double visor_source_growth(double rate_variance, const struct visor_config *config)
{
    double unmeasured = config->max_clock_error * 1e-6;

    return visor_math_sqrt(unmeasured * unmeasured +
                           VISOR_RATE_DEVIATIONS * VISOR_RATE_DEVIATIONS * rate_variance);
}

/* Of the rate, over so many seconds. */
static double rate_variance(const struct visor_source *source, double seconds)
{
    double wander = source->wander;

    return source->filter.line.p11 + wander * wander * (seconds > 0.0 ? seconds : 0.0);
}

double visor_source_measured_drift(const struct visor_source *source, visor_mono until)
{
    double seconds = visor_seconds_from_ns(visor_mono_diff(until, source->filter.line.at));

    return VISOR_RATE_DEVIATIONS * visor_math_sqrt(rate_variance(source, VISOR_WALK * seconds)) +
           visor_filter_unrest(&source->filter, visor_source_interval(source));
}

double visor_source_drift(const struct visor_source *source, const struct visor_config *config)
{
    double interval = visor_source_interval(source);

    return visor_source_growth(rate_variance(source, VISOR_WALK * 2.0 * interval), config) +
           visor_filter_unrest(&source->filter, interval);
}

/* Its root dispersion is smallest right after it was measured and grows until it is again: so its
 * age tells when that was. If it has become smaller, that was after the sample before. */
void visor_source_vouch(struct visor_source *source, const struct visor_config *config)
{
    const struct visor_filter *filter = &source->filter;
    const struct visor_filter_entry *newest = visor_filter_newest(filter);
    double claim = newest->root_dispersion_s, growth = config->max_clock_error * 1e-6;
    visor_mono at = newest->point.at;

    if (claim < source->least_claim_s)
        source->least_claim_s = claim;
    if (growth > 0.0)
        at = visor_mono_add(at, -visor_ns_from_seconds((claim - source->least_claim_s) / growth));
    if (filter->count > 1) {
        const struct visor_filter_entry *before = visor_filter_entry(filter, filter->count - 2u);

        if (claim < before->root_dispersion_s && visor_mono_before(at, before->point.at))
            at = before->point.at;
    }
    if (visor_mono_before(source->vouched_at, at))
        source->vouched_at = at;
}

static void count_request(struct visor_source *source, double lost)
{
    source->loss_weight += source->loss_weight < LOSS_MEMORY;
    source->loss += (lost - source->loss) / source->loss_weight;
}

int visor_source_patience(const struct visor_source *source)
{
    double loss = source->loss + 2.0 * visor_math_sqrt(source->loss / (2.0 * source->loss_weight));
    double chance = 1.0;
    int misses = 0;

    loss = loss < LOSS_LEAST ? LOSS_LEAST : loss > LOSS_MOST ? LOSS_MOST : loss;
    for (; chance > STRANGE; misses++)
        chance *= loss;
    return misses;
}

/* The share of requests that go unanswered, learnt over some dozen of them; those of a silence
 * count once it is over, and as one if it was too long to be chance: an outage tells nothing of
 * the next one. */
static void learn_loss(struct visor_source *source)
{
    const struct visor_association *a = &source->association;
    uint32_t heard = a->total_valid - source->heard;

    if (a->missed < source->missed) {
        bool chance = source->missed < (uint32_t)visor_source_patience(source);

        for (uint32_t i = 0; i < (chance ? source->missed : 1u); i++)
            count_request(source, 1.0);
    }
    for (; heard > 0; heard--)
        count_request(source, 0.0);
    source->heard = a->total_valid;
    source->missed = a->missed;
}

/* Silence is a fault when so many misses in a row would be a strange chance, given how many
 * requests this source usually leaves unanswered, by as much as that may have been underrated. */
static bool is_silent(struct visor_source *source)
{
    learn_loss(source);
    return source->missed > 0 && source->missed >= (uint32_t)visor_source_patience(source);
}

/* A path on which suddenly every packet is late has grown longer, probably on one side only. */
static bool is_late(const struct visor_filter *filter)
{
    return filter->network && filter->count >= 8 &&
           filter->late_excess_s > LATE_EXCESS * filter->typical_excess_s + 1e-6;
}

enum visor_source_fault visor_source_judge(struct visor_source *source, visor_mono now)
{
    if (source->filter.suspect_count > 0)
        return VISOR_FAULT_STEPPED;
    if (source->refclock) {
        double silent = visor_seconds_from_ns(visor_mono_diff(now, source->last_at));

        return source->last_at.ns != INT64_MIN && silent > 2.5 * visor_source_interval(source) + 1.0
                   ? VISOR_FAULT_SILENT
                   : VISOR_FAULT_NONE;
    }
    if (is_silent(source))
        return VISOR_FAULT_SILENT;
    if (source->leap == VISOR_LEAP_UNSYNCHRONIZED)
        return VISOR_FAULT_UNSYNCHRONIZED;
    return source->rejected >= VISOR_FILTER_LATE || is_late(&source->filter)
               ? VISOR_FAULT_ASYMMETRIC
               : VISOR_FAULT_NONE;
}

static enum visor_select_state usability(const struct visor_source *source,
                                         const struct visor_config *config)
{
    const struct visor_filter *filter = &source->filter;
    int unreach = source->refclock ? source->clock_config->max_unreach
                                   : source->association.config.max_unreach;

    if (visor_source_options(source) & VISOR_SELECT_NOSELECT)
        return VISOR_STATE_NOT_SELECTABLE;
    if (source->leap == VISOR_LEAP_UNSYNCHRONIZED)
        return VISOR_STATE_UNSYNCHRONIZED;
    if (filter->count == 0)
        return VISOR_STATE_NO_SAMPLES;
    if (source->idle_polls >= unreach || filter->line.rate > VISOR_RATE_MOST ||
        filter->line.rate < -VISOR_RATE_MOST)
        return VISOR_STATE_STALE; /* silent, or its clock stands still */
    if (source->candidate.distance > config->max_distance)
        return VISOR_STATE_DISTANT;
    if (visor_filter_jitter(filter) > config->max_jitter)
        return VISOR_STATE_JITTERY;
    if (source->stratum > config->max_stratum || source->stratum < config->min_stratum)
        return VISOR_STATE_STRATUM;
    return VISOR_STATE_WAITING_SOURCES;
}

/* A rate that is on trial, or that would soon be worse than the noise, does not lead while others
 * can. */
static bool is_unsettled(const struct visor_source *source)
{
    const struct visor_filter *filter = &source->filter;
    double rate = visor_math_sqrt(filter->line.p11), grown = rate * visor_source_interval(source);

    return filter->on_trial || rate > UNSETTLED ||
           (grown > UNSETTLED_LEAST && grown > UNSETTLED_NOISE * visor_filter_deviation(filter));
}

void visor_source_nominate(struct visor_source *source, const struct visor_line *base,
                           const struct visor_config *config, visor_mono now, double missed_rate)
{
    struct visor_candidate *candidate = &source->candidate;
    const struct visor_filter *filter = &source->filter;
    double drift, low, high, aged, center, interval;
    struct visor_line line = filter->line;
    struct visor_growth growth;

    candidate->options = visor_source_options(source);
    candidate->usable = false;
    candidate->stratum = source->stratum;
    candidate->newcomer =
        (int)filter->taken < (filter->limit < SAMPLES_NEEDED ? filter->limit : SAMPLES_NEEDED);
    candidate->faulty = source->fault != VISOR_FAULT_NONE;
    candidate->silent = source->fault == VISOR_FAULT_SILENT;
    candidate->suspect = source->fault != VISOR_FAULT_NONE || is_unsettled(source);
    if (filter->count > 0) {
        candidate->age = visor_seconds_from_ns(visor_mono_diff(now, source->last_at));
        drift = visor_source_drift(source, config);
        growth = (struct visor_growth){
            .until = source->measured_until,
            .measured = visor_source_measured_drift(source, source->measured_until) + missed_rate,
            .drift = drift + missed_rate,
        };
        visor_line_move(&line, now, filter->noise.wander);
        visor_interval_at(filter, now, &growth, &low, &high);
        center = visor_line_diff(&line, base, now);
        aged = visor_seconds_from_ns(visor_mono_diff(now, filter->line.at));
        interval = visor_source_interval(source);
        candidate->low = center + low + (source->missed_s < 0.0 ? source->missed_s : 0.0);
        candidate->high = center + high + (source->missed_s > 0.0 ? source->missed_s : 0.0);
        candidate->distance = filter->root_distance_s + visor_math_sqrt(line.p00) + drift * aged;
        candidate->waiting = visor_math_sqrt(line.p00) - visor_math_sqrt(filter->line.p00) +
                             drift * (aged < interval ? aged : interval);
    }
    candidate->state = usability(source, config);
    candidate->usable = candidate->state == VISOR_STATE_WAITING_SOURCES;
}

void visor_source_shift(struct visor_source *source, double shift_s)
{
    if (shift_s == 0.0)
        return;
    visor_filter_shift(&source->filter, shift_s);
    source->thin.reference = visor_wall_add(source->thin.reference, visor_ns_from_seconds(shift_s));
}

bool visor_source_thin_end(struct visor_source *source, uint32_t polls, struct visor_sample *sample)
{
    int length = source->refclock ? 1 : source->association.config.filter_length;

    if (length <= 1 || polls - source->thin_from < (uint32_t)length)
        return false;
    source->thin_from = polls;
    if (source->thinned == 0)
        return false;
    *sample = source->thin;
    source->thinned = 0;
    return true;
}

bool visor_source_thin(struct visor_source *source, struct visor_sample *sample)
{
    if (source->refclock || source->association.config.filter_length <= 1)
        return true;
    if (source->thinned == 0 || sample->delay_s < source->thin.delay_s)
        source->thin = *sample;
    source->thinned++;
    return visor_source_thin_end(source, source->association.polls, sample);
}

/* The share of the newest sample in the estimate tells how many samples it rests on: with many,
 * they may come less often; with few, the clock wanders too much between them. Until there are
 * samples enough to know, the interval grows with the number of requests only. */
double visor_source_adapt(const struct visor_source *source, double interval_s, int poll_target)
{
    const struct visor_filter *filter = &source->filter;
    struct visor_line line = filter->line;
    double deviation = visor_filter_deviation(filter), share, factor;
    bool coarse = line.p00 > COARSE * COARSE;
    double fewer = TARGET_USUAL / (double)poll_target, fastest = 1.0 + FASTEST_GROWTH * fewer;
    double answered = 1.0 - (source->loss < LOSS_MOST ? source->loss : LOSS_MOST);
    double requests = (double)filter->learnt / answered;
    double grown = fewer * requests / (coarse ? GROWTH_SAMPLES_COARSE : GROWTH_SAMPLES);
    double more = grown * visor_math_sqrt(grown) * (coarse ? grown : 1.0);
    double longest = visor_math_exp2i(source->association.minpoll) * (1.0 + more);
    double useful = USEFUL_INTERVAL * visor_math_sqrt(fewer) *
                    visor_math_sqrt(visor_math_sqrt(deviation / filter->noise.wander));

    visor_line_move(&line, visor_mono_add(line.at, visor_ns_from_seconds(interval_s)),
                    filter->noise.wander);
    share = line.p00 / (line.p00 + deviation * deviation);
    factor = visor_math_sqrt(SHARE_TARGET / ((double)poll_target * share));
    factor *= 1.0 + DEARER * (1.0 - answered);
    factor = factor < 0.5 ? 0.5 : factor > fastest ? fastest : factor;
    if (longest > useful)
        longest = useful;
    return factor * interval_s < longest ? factor * interval_s : longest;
}
