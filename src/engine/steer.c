/* The slewing plan and the watch for other hands on the clock. */
#include "engine/steer.h"

#include "base/math.h"

#define SLEW_LONGEST    1e9    /* s */
#define GENTLE          5e-6   /* s/s: rate at which small offsets are removed */
#define GENTLE_LONGEST  10.0   /* s */
#define NOISE_LIMIT     5e4    /* tolerances: what noise of the estimate can never explain */
#define FOREIGN_STEP_NS 200000 /* a reading off by more is no noise of ours */
#define FOREIGN_PPB     50.0
#define FOREIGN_FROM_NS VISOR_NS_PER_S /* a slow slew shows over such a time only */
#define LEAP_MARGIN_S   0.1 /* the kernel's own leap second may come beside small things */

enum visor_foreign visor_steer_watch(struct visor_steer *steer, const struct visor_reading *now,
                                     double *change)
{
    int64_t elapsed = visor_mono_diff(now->raw, steer->last.raw);
    visor_wall expected;
    int64_t off, tolerance;
    double difference = now->frequency_ppb - steer->frequency_ppb;

    *change = 0.0;
    if (!steer->started) {
        steer->started = true;
        steer->last = *now;
        steer->frequency_ppb = now->frequency_ppb;
        return VISOR_FOREIGN_NONE;
    }
    expected =
        visor_wall_add(visor_wall_add(steer->last.real, elapsed),
                       visor_ns_from_seconds((double)elapsed * steer->frequency_ppb * 1e-18));
    off = visor_wall_diff(now->real, expected);
    tolerance = visor_ns_add(visor_ns_add(now->width_ns, steer->last.width_ns),
                             FOREIGN_STEP_NS + elapsed / 1000000);
    if (difference > FOREIGN_PPB || difference < -FOREIGN_PPB) {
        steer->last = *now;
        steer->frequency_ppb = now->frequency_ppb;
        steer->foreign_changes++;
        steer->last_foreign_s = *change = difference;
        return VISOR_FOREIGN_FREQUENCY;
    }
    if (off > tolerance || off < visor_ns_diff(0, tolerance)) {
        double beside = visor_seconds_from_ns(off) - steer->leap_s;

        steer->last = *now;
        if (steer->leap_s != 0.0 && beside < LEAP_MARGIN_S && beside > -LEAP_MARGIN_S) {
            steer->leap_s = 0.0;
            return VISOR_FOREIGN_LEAP;
        }
        steer->foreign_changes++;
        steer->last_foreign_s = *change = visor_seconds_from_ns(off);
        return VISOR_FOREIGN_STEP;
    }
    if (elapsed >= FOREIGN_FROM_NS)
        steer->last = *now;
    return VISOR_FOREIGN_NONE;
}

void visor_steer_applied(struct visor_steer *steer, const struct visor_event_applied *applied)
{
    steer->last = applied->after;
    steer->started = true;
    steer->frequency_ppb = applied->frequency_ppb;
    if (applied->action == VISOR_CLOCK_STEP && applied->error == 0)
        steer->steps++;
}

/* `corrtimeratio` makes the clock smooth where corrections are noise. One that is far beyond the
 * noise is not slowed down, nor any beyond half of the time to the next one. */
static double stretched(double time, double scale, double beyond_noise, double interval_s)
{
    double longest = time > interval_s / 2.0 ? time : interval_s / 2.0;

    if (scale > 1.0 && beyond_noise > 1.0)
        scale = 1.0 + (scale - 1.0) / beyond_noise;
    return scale > 1.0 && scale * time > longest ? longest : scale * time;
}

double visor_steer_plan(struct visor_steer *steer, const struct visor_config *config,
                        const struct visor_reading *now, double remaining_s, double interval_s,
                        double tolerance_s)
{
    double size = remaining_s < 0.0 ? -remaining_s : remaining_s;
    double base = visor_math_size(steer->base_ppb) * 1e-9 + steer->apart_ppb * 1e-9;
    double limit = config->max_slew_rate * 1e-6, shortest, time = size / GENTLE, rate;

    shortest = interval_s < 0.25 ? 4.0 * interval_s : 1.0;
    if (time > GENTLE_LONGEST)
        time = GENTLE_LONGEST;
    if (size > 1e-3)
        time = shortest; /* beyond gentleness: as fast as the limit allows */
    if (time < shortest)
        time = shortest;
    time = stretched(time, config->correction_time_ratio / 3.0, size / (NOISE_LIMIT * tolerance_s),
                     interval_s);
    limit = base < limit / 2.0 ? limit - base : limit / 2.0;
    if (size > limit * time)
        time = size / limit;
    steer->slewing = size > tolerance_s;
    if (!steer->slewing)
        return steer->wanted_ppb = steer->base_ppb;
    rate = remaining_s / time;
    if (time > SLEW_LONGEST)
        time = SLEW_LONGEST; /* its end must be a time; it is looked at again long before */
    steer->slew_end = visor_mono_add(now->raw, visor_ns_from_seconds(time));
    return steer->wanted_ppb = steer->base_ppb + rate * 1e9;
}

double visor_steer_wait(struct visor_steer *steer, visor_mono now, double seconds)
{
    steer->slewing = true;
    steer->slew_end = visor_mono_add(now, visor_ns_from_seconds(seconds));
    return steer->wanted_ppb = steer->base_ppb;
}

double visor_steer_pending(const struct visor_steer *steer, visor_mono now)
{
    if (!steer->slewing || !visor_mono_before(now, steer->slew_end))
        return 0.0;
    return (steer->wanted_ppb - steer->base_ppb) * 1e-9 *
           visor_seconds_from_ns(visor_mono_diff(steer->slew_end, now));
}

bool visor_steer_due(const struct visor_steer *steer, visor_mono now)
{
    return steer->slewing && now.ns >= steer->slew_end.ns;
}
