/* Each sample surely allows an interval of its own; between samples the line moves what was sure
 * before. What all of them have in common is narrower than any of them. Beside that the line itself
 * is known to within its deviations, in which the samples' noise averages out, and to within what
 * no sample shows: half of a delay. */
#include "engine/interval.h"

#include "base/math.h"

#define UNBOUNDED            1e9
#define LEAST_OVERLAP        0.8 /* of what honest samples have in common */
#define LEAST_OVERLAP_DEVICE 0.5
#define AVERAGES_FROM        16   /* samples, by which the noise and both walls are known … */
#define AVERAGES_APART_S     60.0 /* … and which are not held up by the same traffic */
#define UNUSUAL              6.0 /* times what delays are usually longer by than the smallest one */
#define AVERAGES_FROM_DEVICE 8

static double reach_of(const struct visor_filter *filter, const struct visor_filter_entry *entry)
{
    struct visor_sample sample = {
        .delay_s = entry->delay_s,
        .dispersion_s = entry->dispersion_s,
        .root_delay_s = entry->root_delay_s,
        .root_dispersion_s = entry->root_dispersion_s,
    };

    return visor_sample_reach(&sample, filter->network, visor_filter_deviation(filter));
}

/* What all intervals of honest samples have in common is no narrower than the interval of a sample
 * that no queue has held up, s. The smallest delay was held up a little, too: of a sum of two
 * exponential queues, the smallest of n by 1.25 mean / sqrt(n). */
static double least_width(const struct visor_filter *filter, const struct visor_filter_entry *entry)
{
    double held = 1.25 * filter->queue_excess_s / visor_math_sqrt((double)filter->count), base;

    if (!filter->network)
        return LEAST_OVERLAP_DEVICE * 2.0 * reach_of(filter, entry);
    base = filter->min_delay_s > held ? filter->min_delay_s - held : 0.0;
    return LEAST_OVERLAP *
           (base + entry->root_delay_s + 2.0 * (entry->dispersion_s + entry->root_dispersion_s));
}

/* How far UTC can be from the line. A queue's share of a delay is noise, which the line has
 * averaged out; of the smallest delay nobody knows how much of it is on which way. */
static double reach_of_line(const struct visor_filter *filter,
                            const struct visor_filter_entry *entry)
{
    double delay =
        filter->network ? filter->min_delay_s + 2.0 * entry->dispersion_s : entry->delay_s;

    return (delay + entry->root_delay_s) / 2.0 + entry->root_dispersion_s +
           VISOR_SURE_DEVIATIONS * visor_math_sqrt(filter->line.p00);
}

/* A delay that is much longer than usual may be a way that has become longer, on one side. */
static bool is_ordinary(const struct visor_filter *filter, const struct visor_filter_entry *entry,
                        double aged)
{
    return filter->count > 1 && aged >= AVERAGES_APART_S &&
           entry->delay_s - filter->min_delay_s <= UNUSUAL * filter->typical_excess_s;
}

static bool averages(const struct visor_filter *filter)
{
    if (filter->on_trial)
        return false;
    return filter->network ? filter->apart >= AVERAGES_FROM : filter->count >= AVERAGES_FROM_DEVICE;
}

static void average(struct visor_filter *filter, const struct visor_filter_entry *entry,
                    double slack_s)
{
    double reach = reach_of_line(filter, entry) + slack_s;
    double low = filter->line.phase - reach, high = filter->line.phase + reach;

    low = low > filter->low ? low : filter->low;
    high = high < filter->high ? high : filter->high;
    if (!averages(filter) || high - low < least_width(filter, entry))
        return;
    filter->low = low;
    filter->high = high;
}

/* By how much the source may have strayed since the sample before, says it itself, s: the line has
 * followed it there. */
static double strayed(const struct visor_filter *filter, const struct visor_filter_entry *entry)
{
    double grown = entry->root_dispersion_s -
                   visor_filter_entry(filter, filter->count - 2u)->root_dispersion_s;

    return grown > 0.0 ? grown : 0.0;
}

/* Where too little is left in common, the drift allowed for was too small and it starts anew. What
 * the sample misses the line by beyond its noise (the slack) may be an error of the older interval.
 */
void visor_interval_take(struct visor_filter *filter, const struct visor_line *before,
                         const struct visor_filter_entry *entry, double drift,
                         const struct visor_miss *miss)
{
    double aged = visor_seconds_from_ns(visor_mono_diff(entry->point.at, before->at));
    double reach = reach_of(filter, entry);
    double low =
        visor_seconds_from_ns(visor_ns_diff(entry->point.offset_ns, filter->line.offset_ns)) -
        reach;
    double high = low + 2.0 * reach;

    if (filter->count > 1) {
        double moved = before->rate * aged;
        double shift =
            visor_seconds_from_ns(visor_ns_diff(before->offset_ns, filter->line.offset_ns));
        double spread = drift * aged + miss->slack_s + strayed(filter, entry);
        double old_low = filter->low + moved + shift - spread;
        double old_high = filter->high + moved + shift + spread;

        double common_low = old_low > low ? old_low : low;
        double common_high = old_high < high ? old_high : high;

        /* a line that missed what the sample surely says cannot have moved the older one rightly */
        if (visor_math_size(miss->by_s) <= reach &&
            common_high - common_low >= least_width(filter, entry)) {
            low = common_low;
            high = common_high;
        }
    }
    filter->low = low;
    filter->high = high;
    filter->apart = is_ordinary(filter, entry, aged) ? filter->apart + 1 : 0;
    average(filter, entry, miss->slack_s);
}

void visor_interval_forget(struct visor_filter *filter)
{
    filter->low = -UNBOUNDED;
    filter->high = UNBOUNDED;
}

void visor_interval_at(const struct visor_filter *filter, visor_mono raw,
                       const struct visor_growth *growth, double *low, double *high)
{
    double aged = visor_seconds_from_ns(visor_mono_diff(raw, filter->line.at)), spread;
    double covered = visor_seconds_from_ns(visor_mono_diff(growth->until, filter->line.at));

    aged = aged < 0.0 ? -aged : aged;
    covered = covered > aged ? aged : covered;
    spread = growth->measured * covered + growth->drift * (aged - covered);
    *low = filter->low - filter->line.phase - spread;
    *high = filter->high - filter->line.phase + spread;
}
