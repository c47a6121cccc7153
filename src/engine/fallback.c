/* The means of `fallbackdrift`. What becomes of the clock is discipline.c's. */
#include "engine/fallback.h"

#include "base/math.h"

void visor_fallback_init(struct visor_fallback *fallback, const struct visor_config *config)
{
    int least = config->fallback_drift_min, most = config->fallback_drift_max;

    *fallback = (struct visor_fallback){.shortest = least};
    if (least > 0 && most >= least)
        fallback->count =
            most - least < VISOR_FALLBACK_LEVELS ? most - least + 1 : VISOR_FALLBACK_LEVELS;
}

static double length_of(const struct visor_fallback *fallback, int level)
{
    return visor_math_exp2i(fallback->shortest + level);
}

void visor_fallback_learn(struct visor_fallback *fallback, double rate, double seconds)
{
    fallback->used = 0;
    if (!(seconds > 0.0))
        return;
    for (int i = 0; i < fallback->count; i++) {
        double length = length_of(fallback, i), covered = fallback->covered[i] + seconds;

        fallback->mean[i] += (rate - fallback->mean[i]) * seconds / covered;
        fallback->covered[i] = covered < length ? covered : length;
    }
}

double visor_fallback_due(const struct visor_fallback *fallback)
{
    return fallback->used < fallback->count ? length_of(fallback, fallback->used) : -1.0;
}

bool visor_fallback_take(struct visor_fallback *fallback, double *rate)
{
    int level = fallback->used++;

    *rate = fallback->mean[level];
    return fallback->covered[level] >= length_of(fallback, level);
}
