/* `fallbackdrift`: means of the clock's rate over ever longer times, to which it goes back when no
 * source has been heard for as long; a rate that was only a passing one is then forgotten. */
#ifndef VISOR_ENGINE_FALLBACK_H
#define VISOR_ENGINE_FALLBACK_H

#include "config/config.h"

#define VISOR_FALLBACK_LEVELS 32

struct visor_fallback {
    int shortest, count;                /* log2 s; 0 means: off */
    int used;                           /* levels gone through since the last update of the clock */
    double mean[VISOR_FALLBACK_LEVELS]; /* s/s */
    double covered[VISOR_FALLBACK_LEVELS]; /* s that the mean tells of, at most the level's time */
};

void visor_fallback_init(struct visor_fallback *fallback, const struct visor_config *config);

/* The clock was updated; in the `seconds` since the update before, its rate was `rate`. */
void visor_fallback_learn(struct visor_fallback *fallback, double rate, double seconds);

/* s after the last update at which visor_fallback_take() is due; negative: never. */
double visor_fallback_due(const struct visor_fallback *fallback);

/* Takes the level that is due; true: `rate` is its mean. A level that has not seen enough of the
 * clock gives none. */
bool visor_fallback_take(struct visor_fallback *fallback, double *rate);

#endif
