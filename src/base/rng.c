/* xoshiro256++ with splitmix64 seeding; the distributions use base/math.h, so that a seed gives
 * the same numbers everywhere. */
#include "base/rng.h"

#include "base/math.h"

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void visor_rng_init(struct visor_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rng->state[i] = z ^ (z >> 31);
    }
}

uint64_t visor_rng_next(struct visor_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double visor_rng_uniform(struct visor_rng *rng)
{
    return (double)(visor_rng_next(rng) >> 11) * 0x1p-53;
}

/* Marsaglia's polar method: no sine, one logarithm. */
double visor_rng_normal(struct visor_rng *rng)
{
    for (;;) {
        double u = 2.0 * visor_rng_uniform(rng) - 1.0;
        double v = 2.0 * visor_rng_uniform(rng) - 1.0;
        double s = u * u + v * v;

        if (s > 0.0 && s < 1.0)
            return u * visor_math_sqrt(-2.0 * visor_math_log(s) / s);
    }
}

double visor_rng_exponential(struct visor_rng *rng)
{
    return -visor_math_log(1.0 - visor_rng_uniform(rng));
}
