/* Statistics of a run in constant memory: moments, and histograms on a logarithmic scale. */
#include "sim/score.h"

#include "base/math.h"

#include <string.h>

void visor_score_init(struct visor_score *score, const struct visor_score_limits *limits)
{
    memset(score, 0, sizeof(*score));
    score->limits = *limits;
    score->first_published = score->first_in = score->last_out = -1.0;
}

static void add_moment(struct visor_moments *m, double x)
{
    double size = x < 0.0 ? -x : x;

    m->count++;
    m->sum += x;
    m->square += x * x;
    if (size > m->largest)
        m->largest = size;
}

/* Octave from the exponent, share of it from the leading bits of the mantissa: linear within an
 * octave, and no logarithm a sample. */
static unsigned bucket_of(double size)
{
    uint64_t bits;
    int64_t octave;
    unsigned share;

    memcpy(&bits, &size, sizeof(bits));
    octave = (int64_t)(bits >> 52) - 1023 - VISOR_SCORE_LOWEST;
    share = (unsigned)((bits >> 46) & 0x3f);
    if (octave < 0)
        return 0;
    if (octave >= VISOR_SCORE_OCTAVES)
        return VISOR_SCORE_BUCKETS - 1;
    return (unsigned)octave * VISOR_SCORE_SHARE + share;
}

static void count(struct visor_histogram *histogram, double x)
{
    histogram->count++;
    histogram->bucket[bucket_of(x < 0.0 ? -x : x)]++;
}

/* Seconds out of the limit, after having been within it. */
static void count_outage(struct visor_score *score, bool in)
{
    if (in) {
        score->outage_now = 0;
        return;
    }
    score->outages += score->outage_now++ == 0;
    score->outage_samples++;
    if (score->outage_now > score->outage_longest)
        score->outage_longest = score->outage_now;
}

void visor_score_add(struct visor_score *score, const struct visor_score_sample *sample)
{
    const struct visor_score_limits *limits = &score->limits;
    bool near = sample->error <= limits->error && sample->error >= -limits->error;
    bool in = near && sample->rate <= limits->frequency && sample->rate >= -limits->frequency;

    score->samples++;
    score->last = sample->seconds;
    if (!in)
        score->last_out = sample->seconds;
    if (near && score->first_in < 0.0)
        score->first_in = sample->seconds;
    if (score->first_in >= 0.0 && sample->seconds >= limits->from)
        count_outage(score, near);
    if (sample->published && score->first_published < 0.0)
        score->first_published = sample->seconds;
    if (score->first_published >= 0.0) {
        score->since_first++;
        score->bounded += sample->published && sample->bound >= 0.0;
    }
    if (sample->seconds < limits->from)
        return;
    add_moment(&score->clock, sample->error);
    add_moment(&score->frequency, sample->rate);
    count(&score->clock_errors, sample->error);
    if (!sample->published)
        return;
    add_moment(&score->estimate, sample->estimate);
    count(&score->estimate_errors, sample->estimate);
    if (sample->bound >= 0.0)
        count(&score->bounds, sample->bound);
}

double visor_score_sync(const struct visor_score *score)
{
    if (score->samples == 0 || score->last_out >= score->last)
        return -1.0;
    return score->last_out < 0.0 ? 0.0 : score->last_out + 1.0;
}

double visor_moments_rms(const struct visor_moments *moments)
{
    return moments->count > 0 ? visor_math_sqrt(moments->square / (double)moments->count) : 0.0;
}

double visor_histogram_quantile(const struct visor_histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count, seen = 0.0;

    for (int i = 0; i < VISOR_SCORE_BUCKETS; i++) {
        double here = (double)histogram->bucket[i];

        if (here > 0.0 && seen + here >= wanted) {
            double within =
                ((double)(i % VISOR_SCORE_SHARE) + (wanted - seen) / here) / VISOR_SCORE_SHARE;

            return visor_math_exp2i(i / VISOR_SCORE_SHARE + VISOR_SCORE_LOWEST) * (1.0 + within);
        }
        seen += here;
    }
    return 0.0;
}

void visor_histogram_merge(struct visor_histogram *into, const struct visor_histogram *from)
{
    into->count += from->count;
    for (int i = 0; i < VISOR_SCORE_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}
