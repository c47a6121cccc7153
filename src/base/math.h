/* Elementary functions made of + - * / only, so that a run gives the same bits on every C library
 * (see docs/simulation.md). Accuracy about 1e-14 relative over the ranges given. */
#ifndef VISOR_BASE_MATH_H
#define VISOR_BASE_MATH_H

double visor_math_log(double x); /* natural logarithm, x > 0; -HUGE for x <= 0 */
double visor_math_exp(double x); /* saturates to 0 and DBL_MAX */
double visor_math_sin(double x); /* |x| < 1e9 */
/* Share of a normal distribution that lies beyond x deviations, to 1e-7; *density: at x, to 3e-7
 * of it. */
double visor_math_tail(double x, double *density);
double visor_math_sqrt(double x);              /* correctly rounded (IEEE); 0 for x <= 0 */
static inline double visor_math_size(double x) /* its absolute value */
{
    return x < 0.0 ? -x : x;
}
double visor_math_exp2i(int power); /* 2^power, exact; for log2 seconds such as poll intervals */

#endif
