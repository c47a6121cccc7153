/* Combines readings of a device's clock against a system clock. Taking them is refclock_phc.c's. */
#include "port/readings.h"

#include "base/math.h"
#include "engine/combine.h"

#define NARROW_MIN   6 /* of so many narrow readings the scatter is judged */
#define NORMAL_MAD   1.4826
#define SCATTER_MIN  0.5 /* ns: the resolution of what we read */
#define OUT_OF_REACH 6.0 /* deviations beyond the window's own bound */
#define FAR_NS       (INT64_C(1) << 52)

struct reading {
    double at, offset, window; /* ns; at and offset relative to the first reading */
};

static double absolute(double x)
{
    return x < 0 ? -x : x;
}

static int64_t nearest(double x)
{
    return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

/* Ascending by window; the lists are short. */
static void sort(struct reading *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct reading one = list[i];
        size_t at = i;

        for (; at > 0 && list[at - 1].window > one.window; at--)
            list[at] = list[at - 1];
        list[at] = one;
    }
}

static size_t read_all(const struct visor_readings_one *readings, size_t count,
                       struct reading *list)
{
    size_t found = 0;

    for (size_t i = 0; i < count && i < VISOR_READINGS_MAX; i++) {
        int64_t window, start, device;

        if (__builtin_sub_overflow(readings[i].after_ns, readings[i].before_ns, &window) ||
            __builtin_sub_overflow(readings[i].before_ns, readings[0].before_ns, &start) ||
            __builtin_sub_overflow(readings[i].device_ns, readings[0].device_ns, &device) ||
            window < 0 || window > FAR_NS || start > FAR_NS || start < -FAR_NS || device > FAR_NS ||
            device < -FAR_NS)
            continue;
        list[found].at = (double)start + 0.5 * (double)window;
        list[found].offset = (double)device - list[found].at;
        list[found++].window = (double)window;
    }
    return found;
}

static double deviation_of(const struct reading *list, size_t count, double *centre)
{
    double values[VISOR_READINGS_MAX];

    for (size_t i = 0; i < count; i++)
        values[i] = list[i].offset;
    *centre = visor_combine_median(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = absolute(list[i].offset - *centre);
    return NORMAL_MAD * visor_combine_median(values, count);
}

/* Centre and scatter of the narrowest readings; or of all, as far as the width of the windows does
 * not explain it: noise of the clocks themselves is judged better by 25 readings than by six. */
static double judge(const struct reading *list, size_t count, double *centre)
{
    double deviation, whole, middle, explained = 0;
    size_t narrow = count < NARROW_MIN ? count : NARROW_MIN;

    while (narrow < count && list[narrow].window <= list[narrow - 1].window)
        narrow++; /* all that are as narrow */
    deviation = deviation_of(list, narrow, centre);
    whole = deviation_of(list, count, &middle);
    for (size_t i = 0; i < count; i++) {
        double excess = list[i].window - list[0].window;

        explained += excess * excess / (12.0 * (double)count);
    }
    if (whole * whole - explained > deviation * deviation) {
        deviation = visor_math_sqrt(whole * whole - explained);
        *centre = middle;
    }
    return deviation > SCATTER_MIN ? deviation : SCATTER_MIN;
}

bool visor_readings_combine(const struct visor_readings_one *readings, size_t count,
                            int64_t usual_ns, struct visor_readings_pair *pair)
{
    struct reading list[VISOR_READINGS_MAX];
    double sum = 0, at = 0, offset = 0, window = 0, centre, deviation, narrowest;
    int64_t elapsed;

    count = read_all(readings, count, list);
    if (count == 0)
        return false;
    sort(list, count);
    deviation = judge(list, count, &centre);
    narrowest = list[0].window;
    if (usual_ns >= 0 && (double)usual_ns < narrowest)
        narrowest = (double)usual_ns;
    for (size_t i = 0; i < count; i++) {
        double excess = list[i].window - narrowest, weight;

        /* more than the excess and the scatter of the best can explain: not a reading */
        if (absolute(list[i].offset - centre) > 0.5 * excess + OUT_OF_REACH * deviation)
            continue;
        weight = 1.0 / (deviation * deviation + excess * excess / 12.0);
        sum += weight;
        at += weight * list[i].at;
        offset += weight * list[i].offset;
        window += weight * list[i].window;
    }
    if (sum == 0) /* they lie to both sides of where the clock would have to be */
        return false;
    at /= sum;
    offset /= sum;
    elapsed = nearest(at);
    pair->system_ns = readings[0].before_ns + elapsed;
    pair->device_ns = readings[0].device_ns + elapsed + nearest(offset);
    pair->narrowest_ns = (int64_t)list[0].window;
    pair->error_ns = (int64_t)(0.5 * window / sum + 0.5);
    pair->dispersion_s = 1e-9 * visor_math_sqrt(1.0 / sum);
    return true;
}
