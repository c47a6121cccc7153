/* Elementary functions by argument reduction and short series, in + - * / only. */
#include "base/math.h"

#include <stdint.h>
#include <string.h>

static const double LN2_HIGH =
    0x1.62e42fefa3800p-1; /* 42 bits: a small integer times it is exact */
static const double LN2_LOW = 0x1.ef35793c76730p-45;

#define TAIL_MOST 36.0 /* deviations: beyond there is nothing */

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

double visor_math_exp2i(int power)
{
    if (power < -1022)
        return 0.0;
    if (power > 1023)
        return double_of(UINT64_C(0x7fefffffffffffff));
    return double_of((uint64_t)(power + 1023) << 52);
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)); log m = 2 s + s R(s^2), s = (m - 1) / (m + 1). R is the
 * minimax polynomial of degree 14 in s that is used in fdlibm (error below 2^-58), in two halves
 * that a processor works out side by side. */
double visor_math_log(double x)
{
    uint64_t bits;
    int k;
    double m, s, z, w, odd, even;

    if (!(x > 0.0))
        return -1e308;
    if (x < 0x1p-1000)
        return visor_math_log(x * 0x1p200) - 200.0 * (LN2_HIGH + LN2_LOW);
    bits = bits_of(x);
    k = (int)(bits >> 52) - 1023;
    m = double_of((bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff0000000000000));
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        k++;
    }
    s = (m - 1.0) / (m + 1.0);
    z = s * s;
    w = z * z;
    even = w * (3.999999999940941908e-01 +
                w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    odd = z * (6.666666666666735130e-01 +
               w * (2.857142874366239149e-01 +
                    w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    return (double)k * LN2_HIGH + ((double)k * LN2_LOW + s * (2.0 + (odd + even)));
}

double visor_math_exp(double x)
{
    double n, r, sum = 1.0;
    int k;

    if (!(x == x))
        return x;
    if (x < -745.0)
        return 0.0;
    if (x > 709.0)
        return double_of(UINT64_C(0x7fefffffffffffff));
    n = x * (1.0 / (LN2_HIGH + LN2_LOW));
    k = (int)(n < 0.0 ? n - 0.5 : n + 0.5);
    r = (x - (double)k * LN2_HIGH) - (double)k * LN2_LOW;
    for (int i = 16; i >= 1; i--)
        sum = 1.0 + sum * r / (double)i;
    if (k < -1000)
        return sum * visor_math_exp2i(k + 200) * 0x1p-200;
    return sum * visor_math_exp2i(k);
}

/* exp(-x) for 0 <= x < 700, to 3e-7: without a division, in two halves that a processor works out
 * side by side. */
static double fading(double x)
{
    int k = (int)(x * (1.0 / (LN2_HIGH + LN2_LOW)) + 0.5);
    double r = (double)k * LN2_HIGH - x, z = r * r;
    double even = 1.0 + z * (1.0 / 2.0 + z * (1.0 / 24.0 + z * (1.0 / 720.0)));
    double odd = r * (1.0 + z * (1.0 / 6.0 + z * (1.0 / 120.0)));

    return (even + odd) * double_of((uint64_t)(1023 - k) << 52);
}

/* Abramowitz and Stegun, 26.2.17. */
double visor_math_tail(double x, double *density)
{
    double size = visor_math_size(x), t = 1.0 / (1.0 + 0.2316419 * size), tail;

    *density = size < TAIL_MOST ? 0.3989422804014327 * fading(0.5 * size * size) : 0.0;
    tail = *density * t *
           (0.319381530 +
            t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return x < 0.0 ? 1.0 - tail : tail;
}

/* Reduced to [-pi/4, pi/4] with a two-part pi/2, then the sine's or the cosine's series. */
double visor_math_sin(double x)
{
    static const double half_pi_high = 0x1.921fb54400000p+0, half_pi_low = 0x1.0b4611a626331p-34;
    double n = x / (half_pi_high + half_pi_low);
    int64_t k;
    double r, r2, sum = 0.0;

    if (!(x > -1e9 && x < 1e9))
        return 0.0;
    k = (int64_t)(n < 0.0 ? n - 0.5 : n + 0.5);
    r = (x - (double)k * half_pi_high) - (double)k * half_pi_low;
    r2 = r * r;
    if (k & 1) {
        for (int i = 18; i >= 2; i -= 2)
            sum = (1.0 - sum) * r2 / (double)(i * (i - 1));
        sum = 1.0 - sum;
    } else {
        for (int i = 19; i >= 3; i -= 2)
            sum = (1.0 - sum) * r2 / (double)(i * (i - 1));
        sum = r * (1.0 - sum);
    }
    return k & 2 ? -sum : sum;
}

double visor_math_sqrt(double x)
{
    return x > 0.0 ? __builtin_sqrt(x) : 0.0;
}
