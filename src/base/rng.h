/* Deterministic random numbers (xoshiro256++, Blackman and Vigna, seeded by splitmix64). For
 * decisions that replay must reproduce; never for keys: packet cookies are drawn from a stream
 * that is seeded with 256 bits of the kernel's randomness at start. */
#ifndef VISOR_BASE_RNG_H
#define VISOR_BASE_RNG_H

#include <stdint.h>

struct visor_rng {
    uint64_t state[4];
};

void visor_rng_init(struct visor_rng *rng, uint64_t seed);
uint64_t visor_rng_next(struct visor_rng *rng);
double visor_rng_uniform(struct visor_rng *rng);     /* [0, 1), 53 bits */
double visor_rng_normal(struct visor_rng *rng);      /* mean 0, deviation 1 */
double visor_rng_exponential(struct visor_rng *rng); /* mean 1 */

#endif
