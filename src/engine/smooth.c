/* The curve of a point with limited speed and acceleration to the origin (bang-bang control of a
 * double integrator). Which moves of the estimate count is the caller's business. */
#include "engine/smooth.h"

#include "base/math.h"

/* A point of the curve. */
struct state {
    double offset, frequency, wander;
};

void visor_smooth_init(struct visor_smooth *smooth, const struct visor_config *config)
{
    *smooth = (struct visor_smooth){.leap_only = config->smooth_leap_only};
    if (config->smooth_max_freq > 0.0 && config->smooth_max_wander > 0.0) {
        smooth->max_frequency = config->smooth_max_freq * 1e-6;
        smooth->max_wander = config->smooth_max_wander * 1e-6;
    }
}

static double since(const struct visor_smooth *smooth, visor_mono now)
{
    return visor_seconds_from_ns(visor_mono_diff(now, smooth->updated));
}

static double length_of(const struct visor_smooth *smooth)
{
    return smooth->stages[0].length + smooth->stages[1].length + smooth->stages[2].length;
}

/* At `elapsed` seconds; `stage_end`: when the stage ends, s, -1 after the last. */
static struct state state_at(const struct visor_smooth *smooth, double elapsed, double *stage_end)
{
    struct state s = {smooth->offset, smooth->frequency, 0.0};
    double end = 0.0;

    for (int i = 0; i < VISOR_SMOOTH_STAGES; i++) {
        const struct visor_smooth_stage *stage = &smooth->stages[i];
        double t = elapsed - end < stage->length ? elapsed - end : stage->length;

        s.offset += t * (s.frequency + t * stage->wander / 2.0);
        s.frequency += t * stage->wander;
        end += stage->length;
        if (elapsed < end) {
            s.wander = stage->wander;
            *stage_end = end;
            return s;
        }
    }
    *stage_end = -1.0;
    return (struct state){0.0, 0.0, 0.0};
}

/* With no limit of the rate the peak p of it obeys p^2 = v^2 / 2 - s a x, where s is the direction
 * of the first stage, x the offset, v the rate, a the wander. */
static void plan(struct visor_smooth *smooth)
{
    double x = smooth->offset, v = smooth->frequency, a = smooth->max_wander;
    double speed = v < 0.0 ? -v : v, overshoot = x + v * speed / (2.0 * a);
    double s = overshoot > 0.0 ? -1.0 : overshoot < 0.0 ? 1.0 : v > 0.0 ? -1.0 : 1.0;
    double peak = visor_math_sqrt(v * v / 2.0 - s * a * x), cruise = 0.0;

    if (peak < s * v)
        peak = s * v; /* only by rounding */
    if (peak > smooth->max_frequency) {
        peak = s * v > smooth->max_frequency ? s * v : smooth->max_frequency;
        cruise = -s * x / peak - (2.0 * peak * peak - v * v) / (2.0 * a * peak);
    }
    smooth->stages[0] = (struct visor_smooth_stage){(peak - s * v) / a, s * a};
    smooth->stages[1] = (struct visor_smooth_stage){cruise > 0.0 ? cruise : 0.0, 0.0};
    smooth->stages[2] = (struct visor_smooth_stage){peak / a, -s * a};
}

bool visor_smooth_activate(struct visor_smooth *smooth, visor_mono now)
{
    if (smooth->active || !visor_smooth_enabled(smooth))
        return false;
    smooth->active = true;
    visor_smooth_reset(smooth, now);
    return true;
}

void visor_smooth_reset(struct visor_smooth *smooth, visor_mono now)
{
    smooth->offset = smooth->frequency = 0.0;
    smooth->updated = now;
    for (int i = 0; i < VISOR_SMOOTH_STAGES; i++)
        smooth->stages[i] = (struct visor_smooth_stage){0.0, 0.0};
}

void visor_smooth_move(struct visor_smooth *smooth, visor_mono now, double offset, double frequency)
{
    double unused;
    struct state s;

    if (!smooth->active)
        return;
    s = state_at(smooth, since(smooth, now), &unused);
    smooth->offset = s.offset - offset;
    smooth->frequency = s.frequency - frequency;
    smooth->updated = now;
    plan(smooth);
}

struct visor_smoothing visor_smooth_view(const struct visor_smooth *smooth, visor_mono now)
{
    double unused;
    struct state s = state_at(smooth, since(smooth, now), &unused);

    if (!smooth->active)
        return (struct visor_smoothing){.active = false};
    return (struct visor_smoothing){.active = true,
                                    .start = now,
                                    .offset = s.offset,
                                    .frequency = s.frequency,
                                    .wander = s.wander};
}

visor_mono visor_smooth_deadline(const struct visor_smooth *smooth, visor_mono now)
{
    double end = -1.0;

    if (smooth->active)
        state_at(smooth, since(smooth, now), &end);
    if (end < 0.0)
        return (visor_mono){INT64_MAX};
    return visor_mono_add(smooth->updated, visor_ns_from_seconds(end) + 1);
}

void visor_smooth_status(const struct visor_smooth *smooth, visor_mono now,
                         struct visor_smoothing_status *status)
{
    double unused, elapsed = since(smooth, now), rest = length_of(smooth) - elapsed;
    struct state s = state_at(smooth, elapsed, &unused);

    *status = (struct visor_smoothing_status){.enabled = visor_smooth_enabled(smooth),
                                              .active = smooth->active,
                                              .leap_only = smooth->leap_only};
    if (!smooth->active)
        return;
    status->offset = s.offset;
    status->frequency_ppm = s.frequency * 1e6;
    status->wander_ppm = s.wander * 1e6;
    status->last_update_age = elapsed;
    status->remaining = rest > 0.0 ? rest : 0.0;
}
