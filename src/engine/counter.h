/* The counter that the engine counts by: the raw one; or, with a reference clock that is `local`, a
 * steadier one made of both: it runs on with the raw counter, and follows the reference clock in
 * rate. All of the engine between visor_engine_handle() and visor_engine_next() knows this counter
 * only, so that sources are compared, and silence is bridged, by the better oscillator.
 *
 * Piecewise linear over raw, continuous, without a step. It starts as the raw counter itself. The
 * pieces follow the reference clock's samples directly: it is by far the steadier of the two, or it
 * would not be `local`, and nothing is known of how the raw counter wanders. */
#ifndef VISOR_ENGINE_COUNTER_H
#define VISOR_ENGINE_COUNTER_H

#include "engine/action.h"
#include "engine/event.h"
#include "engine/sample.h"
#include "engine/status.h"

struct visor_counter {
    bool in_use;          /* false: the raw counter */
    visor_mono raw, made; /* where the present piece begins */
    double rate, before;  /* d made / d raw - 1, of this piece and of the one before */

    bool known, following;
    visor_mono last; /* the reference clock's last sample: raw time, its time, and … */
    visor_wall last_local;
    double local_rate, trend; /* … its rate against raw at that moment, and how it changes, 1/s */
    double mean_rate;         /* between the last two samples */
    bool two;                 /* there were two */
    visor_mono anchor;        /* made counter at the anchor … */
    visor_wall anchor_local;  /* … and the reference clock's time there */
    double base;              /* its rate there, against the made counter's */
};

void visor_counter_init(struct visor_counter *counter, bool in_use);

visor_mono visor_counter_from_raw(const struct visor_counter *counter, visor_mono raw);
visor_mono visor_counter_to_raw(const struct visor_counter *counter, visor_mono made);
/* Rates of something against the one counter, and the other. */
double visor_counter_ppb_from_raw(const struct visor_counter *counter, double ppb);
double visor_counter_ppb_to_raw(const struct visor_counter *counter, double ppb);

/* All stamps and rates in it. */
void visor_counter_read_reading(const struct visor_counter *counter, struct visor_reading *reading);
void visor_counter_read_event(const struct visor_counter *counter, struct visor_event *event);
void visor_counter_write_action(const struct visor_counter *counter, struct visor_action *action);
void visor_counter_write_view(const struct visor_counter *counter, struct visor_view *view);
void visor_counter_write_tracking(const struct visor_counter *counter,
                                  struct visor_tracking *tracking);

/* A polled sample of the local clock (raw stamps), and the present raw time; `interval_s` until the
 * next one. True: the rate has changed, from `now` on. */
bool visor_counter_follow(struct visor_counter *counter, const struct visor_sample *sample,
                          visor_mono now, double interval_s);
/* The local clock has lost its phase: run on at the present rate until it is known anew. */
void visor_counter_lose(struct visor_counter *counter);

#endif
