/* The engine: UTC as a function of the raw counter, learnt from sources, and CLOCK_REALTIME steered
 * towards it. A deterministic function of (configuration, seed, events); five verbs, no callbacks.
 *
 *     visor_engine_handle(engine, &event);
 *     while (visor_engine_next(engine, &action))
 *         carry out the action;
 *     sleep until visor_engine_deadline(engine) or until the world has something to say;
 *
 * Not thread-safe; other threads use the published view. */
#ifndef VISOR_ENGINE_ENGINE_H
#define VISOR_ENGINE_ENGINE_H

#include "engine/action.h"
#include "engine/event.h"
#include "engine/status.h"

struct visor_engine;

/* All memory is allocated here. `config` is borrowed until a CONFIG event replaces it. `seed`: all
 * of the engine's randomness. NULL without memory. */
struct visor_engine *visor_engine_new(const struct visor_config *config, const uint64_t seed[4]);
void visor_engine_free(struct visor_engine *engine); /* NULL allowed */

/* Take one event. `event->now.raw` never goes backward (an earlier one is taken as the last). */
void visor_engine_handle(struct visor_engine *engine, const struct visor_event *event);

/* Next action, in order; false: none left. */
bool visor_engine_next(struct visor_engine *engine, struct visor_action *action);

/* Raw time at which a TIMER event is wanted; INT64_MAX: none. */
visor_mono visor_engine_deadline(const struct visor_engine *engine);

/* A millisecond later would matter: what the clock is slewed beyond its aim must be slewed back. */
bool visor_engine_hurries(const struct visor_engine *engine);

/* ns that a reply may wait before it is handed over: little against the interval between them, and
 * none while there is anything to find out. */
int64_t visor_engine_patience(const struct visor_engine *engine);

/* The status model at a reading. Reads only. */
void visor_engine_status(const struct visor_engine *engine, const struct visor_reading *now,
                         struct visor_status *status);

/* The samples that a source's line is made of, oldest first; at most `max`, returns how many. They
 * may be given back after a restart by a RESTORE event. */
size_t visor_engine_samples(const struct visor_engine *engine, uint32_t source,
                            struct visor_sample *samples, size_t max);

#endif
