/* Robust combination of readings: a first line that outliers cannot tilt (median of the slopes of
 * points half the span apart), rejection by the median absolute deviation about it, and a weighted
 * least-squares line through the rest. What the points mean is left to the caller. */
#include "engine/combine.h"

#include "base/assert.h"
#include "base/math.h"

#define REJECT       4.5    /* deviations; a normal point is beyond that once in 150,000 */
#define NORMAL_MAD   1.4826 /* standard deviation of normal noise by its median deviation */
#define TILT_POINTS  6      /* from here on the slope is taken from the points */
#define JUDGE_POINTS 3      /* fewer give no majority */

static double square(double x)
{
    return x * x;
}

/* Shell sort: short arrays, no recursion, the same on every machine. */
static void sort(double *values, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (size_t i = gap; i < count; i++) {
            double value = values[i];
            size_t at = i;

            for (; at >= gap && values[at - gap] > value; at -= gap)
                values[at] = values[at - gap];
            values[at] = value;
        }
    }
}

double visor_combine_median(double *values, size_t count)
{
    VISOR_ASSERT(count >= 1 && count <= VISOR_COMBINE_MAX);
    sort(values, count);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static double first_slope(const struct visor_combine_point *points, size_t count)
{
    double slopes[VISOR_COMBINE_MAX];
    size_t half = count / 2, found = 0;

    for (size_t i = 0; i + half < count; i++) {
        double dx = points[i + half].x - points[i].x;

        if (dx > 0)
            slopes[found++] = (points[i + half].y - points[i].y) / dx;
    }
    return found ? visor_combine_median(slopes, found) : 0.0;
}

/* Centre and deviation about the first line. */
static void judge(const struct visor_combine_point *points, size_t count, double slope,
                  double *centre, double *deviation)
{
    double values[VISOR_COMBINE_MAX];

    for (size_t i = 0; i < count; i++)
        values[i] = points[i].y - slope * points[i].x;
    *centre = visor_combine_median(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = visor_math_size(points[i].y - slope * points[i].x - *centre);
    *deviation = NORMAL_MAD * visor_combine_median(values, count);
    if (count < 10) /* the median deviation of few points is too small on average */
        *deviation *= 1.0 + 1.0 / (double)count;
}

/* Deviation of the middle 60 % about their mean; `values` are residuals. */
static double inner_deviation(double *values, size_t count)
{
    size_t cut = count > 2 ? count / 5 : 0, kept;
    double mean = 0, sum = 0;

    if (count > 2 && cut == 0)
        cut = 1;
    kept = count - 2 * cut;
    if (kept < 2)
        return 0;
    sort(values, count);
    for (size_t i = cut; i < cut + kept; i++)
        mean += values[i];
    mean /= (double)kept;
    for (size_t i = cut; i < cut + kept; i++)
        sum += square(values[i] - mean);
    return visor_math_sqrt(sum / (double)(kept - 1));
}

/* Weighted least squares; a weight of 0 leaves a point out. */
static void fit(const struct visor_combine_point *points, const double *weight, size_t count,
                bool tilt, struct visor_combined *out)
{
    double residual[VISOR_COMBINE_MAX];
    double sum = 0, xx = 0, xy = 0, rr = 0;
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        sum += weight[i];
        out->x += weight[i] * (points[i].x - points[0].x);
        out->y += weight[i] * (points[i].y - points[0].y);
    }
    out->x = points[0].x + out->x / sum;
    out->y = points[0].y + out->y / sum;
    for (size_t i = 0; i < count && tilt; i++) {
        xx += weight[i] * square(points[i].x - out->x);
        xy += weight[i] * (points[i].x - out->x) * (points[i].y - out->y);
    }
    if (tilt && xx > 0)
        out->slope = xy / xx;
    for (size_t i = 0; i < count; i++) {
        double r = points[i].y - out->y - out->slope * (points[i].x - out->x);

        if (weight[i] <= 0)
            continue;
        residual[used++] = r;
        rr += weight[i] * square(r);
    }
    out->used = (int)used;
    out->dof = (int)used - (tilt ? 2 : 1);
    if (out->dof < 1) {
        out->dof = 0;
        return;
    }
    out->variance = rr / sum / (double)out->dof;
    out->scatter = visor_math_sqrt(rr / sum * (double)used / (double)out->dof);
    out->inner = inner_deviation(residual, used);
}

struct visor_combined visor_combine(const struct visor_combine_point *points, size_t count,
                                    bool level, double typical)
{
    struct visor_combined out = {0};
    double weight[VISOR_COMBINE_MAX], centre, deviation, slope;
    bool tilt = count >= TILT_POINTS || (!level && count >= JUDGE_POINTS);

    VISOR_ASSERT(count >= 1 && count <= VISOR_COMBINE_MAX);
    slope = !level && count > JUDGE_POINTS ? first_slope(points, count) : 0.0;
    judge(points, count, slope, &centre, &deviation);
    if (count < TILT_POINTS && deviation < typical)
        deviation = typical;
    for (size_t i = 0; i < count; i++) {
        double known = square(deviation) + square(points[i].sigma);
        double off = points[i].y - slope * points[i].x - centre;
        bool judged = count >= TILT_POINTS || (level && count >= JUDGE_POINTS);

        weight[i] = known > 0 ? 1.0 / known : 1.0;
        if (judged && square(off) > square(REJECT) * known && known > 0)
            weight[i] = 0.0;
    }
    fit(points, weight, count, tilt, &out);
    return out;
}
