/* One measurement of UTC against the raw counter, whatever it came from. The pair (at, reference)
 * is all that the filter needs: since `at` is on the raw counter, nobody's steering is in it. */
#ifndef VISOR_ENGINE_SAMPLE_H
#define VISOR_ENGINE_SAMPLE_H

#include "base/time.h"
#include "wire/view.h"

struct visor_sample {
    visor_mono at;        /* middle of the exchange */
    visor_mono until;     /* of the last reading, where it is made of several; else 0 */
    visor_wall reference; /* UTC at `at`, as far as the source and a symmetric path say */
    double delay_s;       /* round trip less the server's share; 0 for a reference clock */
    double dispersion_s;  /* precision and stamp errors of both ends */
    double root_delay_s, root_dispersion_s; /* the source's own claim */
    uint8_t stratum;
    enum visor_leap leap;
    double shift_s; /* how far the source moved its own clock since its previous sample, where it
                       tells (F323): older samples of it move along; else 0 */
};

/* UTC - raw. */
static inline int64_t visor_sample_offset_ns(const struct visor_sample *sample)
{
    return visor_ns_diff(sample->reference.ns, sample->at.ns);
}

#define VISOR_SURE_DEVIATIONS 5.0 /* beyond which noise is not expected to reach */

/* How far from UTC the reference can be: a server's dispersion is a bound, a reference clock's the
 * deviation of its noise. `noise_s`: deviation of that noise as learnt, if it is larger; else 0. */
static inline double visor_sample_reach(const struct visor_sample *sample, bool network,
                                        double noise_s)
{
    double dispersion = sample->dispersion_s;

    if (!network)
        dispersion = VISOR_SURE_DEVIATIONS * (noise_s > dispersion ? noise_s : dispersion);
    return (sample->delay_s + sample->root_delay_s) / 2.0 + dispersion + sample->root_dispersion_s;
}

/* What the engine expects of the next sample of a source, for the tests that need it. */
struct visor_prediction {
    bool known;
    visor_mono at;
    visor_wall utc;     /* the estimate at `at` */
    double rate_ppb;    /* its rate against the raw counter; valid even if !known (then 0) */
    double deviation_s; /* of this source's samples */
    double min_delay_s; /* smallest delay in the filter */
};

#endif
