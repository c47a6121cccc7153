/* Points in time and differences. Points are one-field structs, so that the compiler refuses to
 * mix a reading of the raw counter with a time of day; differences are int64_t nanoseconds
 * (…_ns) at every interface and double SI seconds inside the estimator only.
 *
 * One sign everywhere: offset = reference - local; positive means that the local clock must go
 * forward. Frequencies are double parts per billion (…_ppb), positive: must run faster. */
#ifndef VISOR_BASE_TIME_H
#define VISOR_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define VISOR_NS_PER_S INT64_C(1000000000)
#define VISOR_NS_MAX   INT64_MAX /* "unknown" or "unbounded" for a bound */

/* A reading of CLOCK_MONOTONIC_RAW, ns since its own arbitrary zero. Never steered by anybody. */
typedef struct {
    int64_t ns;
} visor_mono;

/* UTC (or what claims to be), ns since 1970-01-01, leap seconds not counted (POSIX). */
typedef struct {
    int64_t ns;
} visor_wall;

/* Sums and differences end at the ends of int64_t: a recording, a device or an unset clock may say
 * any time at all, and "unbounded" stays so whatever is added. */
static inline int64_t visor_ns_add(int64_t a, int64_t b)
{
    int64_t sum;

    return !__builtin_add_overflow(a, b, &sum) ? sum : b < 0 ? INT64_MIN : INT64_MAX;
}

static inline int64_t visor_ns_diff(int64_t a, int64_t b)
{
    int64_t difference;

    return !__builtin_sub_overflow(a, b, &difference) ? difference : b < 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t visor_mono_diff(visor_mono later, visor_mono earlier)
{
    return visor_ns_diff(later.ns, earlier.ns);
}

static inline visor_mono visor_mono_add(visor_mono at, int64_t ns)
{
    return (visor_mono){visor_ns_add(at.ns, ns)};
}

static inline bool visor_mono_before(visor_mono a, visor_mono b)
{
    return a.ns < b.ns;
}

static inline int64_t visor_wall_diff(visor_wall later, visor_wall earlier)
{
    return visor_ns_diff(later.ns, earlier.ns);
}

static inline visor_wall visor_wall_add(visor_wall at, int64_t ns)
{
    return (visor_wall){visor_ns_add(at.ns, ns)};
}

/* Nearest nanosecond to a difference in seconds; saturates at the ends of int64_t, NaN gives 0. */
int64_t visor_ns_from_seconds(double seconds);

static inline double visor_seconds_from_ns(int64_t ns)
{
    return (double)ns * 1e-9;
}

#endif
