/* Oscillator models, one true second a step. The noise is a sum of four uniform numbers from one
 * draw: its own tails do not matter, since only sums of many steps are seen, and it costs a tenth
 * of a proper normal number. */
#include "sim/oscillator.h"

#include "base/math.h"

#define DAY        86400.0
#define TWO_PI     6.283185307179586476925
#define SLOW_STEPS 16 /* temperature and ageing are looked at once in so many seconds */

static const struct {
    const char *name;
    struct visor_oscillator_model model;
} KINDS[VISOR_OSCILLATOR_KINDS] = {
    [VISOR_OSCILLATOR_PERFECT] = {"perfect", {0}},
    [VISOR_OSCILLATOR_QUARTZ] = {"quartz",
                                 {.tolerance = 2e-5,
                                  .white = 1e-9,
                                  .wander = 1e-9,
                                  .ageing = 3e-6 / (365.0 * DAY),
                                  .temperature = 1e-7,
                                  .daily = 1.0,
                                  .load = 3.0,
                                  .lag = 300.0}},
    [VISOR_OSCILLATOR_TCXO] = {"tcxo",
                               {.tolerance = 1e-6,
                                .white = 3e-10,
                                .wander = 1e-10,
                                .ageing = 1e-6 / (365.0 * DAY),
                                .temperature = 1e-8,
                                .daily = 1.0,
                                .load = 3.0,
                                .lag = 300.0}},
    [VISOR_OSCILLATOR_OCXO] = {"ocxo",
                               {.tolerance = 5e-8,
                                .white = 1e-11,
                                .wander = 3e-13,
                                .ageing = 5e-10 / DAY,
                                .temperature = 3e-10,
                                .daily = 1.0,
                                .load = 3.0,
                                .lag = 600.0}},
    [VISOR_OSCILLATOR_RUBIDIUM] = {"rubidium",
                                   {.tolerance = 5e-11,
                                    .white = 2e-11,
                                    .wander = 1e-15,
                                    .ageing = 5e-11 / (30.0 * DAY),
                                    .temperature = 1e-12,
                                    .daily = 1.0,
                                    .load = 1.0,
                                    .lag = 1800.0}},
    [VISOR_OSCILLATOR_CAESIUM] =
        {"caesium",
         {.tolerance = 5e-13, .white = 1.2e-11, .wander = 1e-17, .daily = 1.0, .lag = 1800.0}},
    [VISOR_OSCILLATOR_MASER] = {"maser",
                                {.tolerance = 5e-14,
                                 .white = 1.5e-13,
                                 .wander = 5e-18,
                                 .ageing = 2e-16 / DAY,
                                 .temperature = 1e-14,
                                 .daily = 0.1,
                                 .lag = 1800.0}},
    [VISOR_OSCILLATOR_OPTICAL] =
        {"optical", {.tolerance = 2e-18, .white = 5e-17, .wander = 1e-21, .lag = 1800.0}},
};

const char *visor_oscillator_name(enum visor_oscillator_kind kind)
{
    return kind < VISOR_OSCILLATOR_KINDS ? KINDS[kind].name : NULL;
}

void visor_oscillator_model_init(struct visor_oscillator_model *model,
                                 enum visor_oscillator_kind kind)
{
    *model = KINDS[kind].model;
}

/* Mean 0, deviation 1: a uniform of 16 bits has the variance 1/12 of its range squared. */
static double noise(struct visor_rng *rng)
{
    uint64_t draw = visor_rng_next(rng);
    int64_t sum = (int64_t)((draw & 0xffff) + ((draw >> 16) & 0xffff) + ((draw >> 32) & 0xffff) +
                            (draw >> 48));

    return (double)(2 * sum - 4 * 0xffff) * (1.7320508075688772 / 2.0 / 65536.0);
}

void visor_oscillator_init(struct visor_oscillator *oscillator,
                           const struct visor_oscillator_model *model, uint64_t seed)
{
    *oscillator = (struct visor_oscillator){.model = *model};
    visor_rng_init(&oscillator->rng, seed);
    oscillator->phase = TWO_PI * visor_rng_uniform(&oscillator->rng);
}

static void load(struct visor_oscillator *o)
{
    const struct visor_oscillator_model *m = &o->model;
    double towards;

    if (o->seconds >= o->load_ends) {
        if (o->load_ends > 0)
            o->busy = !o->busy;
        o->load_ends = o->seconds + 1 + (int64_t)(m->load_period * visor_rng_exponential(&o->rng));
    }
    towards = o->busy ? m->load : 0.0;
    o->warmth += (towards - o->warmth) * (SLOW_STEPS / (m->lag + SLOW_STEPS));
}

static void slow(struct visor_oscillator *o)
{
    const struct visor_oscillator_model *m = &o->model;
    double t = (double)o->seconds, kelvin = 0.0;

    if (m->daily > 0.0)
        kelvin =
            m->daily * (visor_math_sin(TWO_PI * t / DAY + o->phase) - visor_math_sin(o->phase));
    if (m->load_period > 0.0)
        load(o);
    o->slow = m->frequency + m->ageing * t + m->temperature * (kelvin + o->warmth);
}

void visor_oscillator_shift(struct visor_oscillator *oscillator, double frequency)
{
    oscillator->model.frequency += frequency;
    oscillator->slow += frequency;
}

double visor_oscillator_step(struct visor_oscillator *oscillator)
{
    const struct visor_oscillator_model *m = &oscillator->model;
    double y;

    if (oscillator->seconds % SLOW_STEPS == 0)
        slow(oscillator);
    oscillator->seconds++;
    y = oscillator->slow + oscillator->walk;
    if (m->wander > 0.0)
        oscillator->walk += m->wander * noise(&oscillator->rng);
    if (m->white > 0.0)
        y += m->white * noise(&oscillator->rng);
    return y;
}
