/* Many noisy readings of one steady clock into one, robustly: outliers out, the rest by weighted
 * least squares. With normal noise this is the best there is (the mean is, at the mean of the
 * times, the value of the least-squares line), and up to a third of wild points does not move it.
 */
#ifndef VISOR_ENGINE_COMBINE_H
#define VISOR_ENGINE_COMBINE_H

#include <stdbool.h>
#include <stddef.h>

#define VISOR_COMBINE_MAX 256

struct visor_combine_point {
    double x, y;  /* s */
    double sigma; /* s: noise that this point is known to have, 0: none known */
};

struct visor_combined {
    double x, y;     /* weighted means of the points used */
    double slope;    /* dy/dx */
    double variance; /* of y; 0 when dof is 0 */
    double scatter;  /* standard deviation of one point about the line; 0 when dof is 0 */
    double inner;    /* the same of the middle 60 % only: what is left when the tails are cut */
    int used, dof;
};

/* Combine 1 <= count <= VISOR_COMBINE_MAX points with ascending x. `level`: y is known to have no
 * slope (a few points are then judged better). `typical`: scatter as learnt before, 0: not yet; it
 * keeps three or four points from being thrown out because the others happen to agree. */
struct visor_combined visor_combine(const struct visor_combine_point *points, size_t count,
                                    bool level, double typical);

/* Median of 1 <= count <= VISOR_COMBINE_MAX values; reorders them. */
double visor_combine_median(double *values, size_t count);

#endif
