/* The one queue of everything that is going to happen, ordered by true time. Events are embedded in
 * what they belong to (a packet, a host's timer) and are never owned by the heap. Equal times keep
 * the order in which they were pushed, so that a run has one order only. */
#ifndef VISOR_SIM_HEAP_H
#define VISOR_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_HEAP_OUT SIZE_MAX /* `slot` of an event that is not queued */

struct visor_happening {
    int64_t at;     /* true ns since the start of the world */
    uint64_t order; /* set by push */
    size_t slot;    /* set by the heap; VISOR_HEAP_OUT before the first push */
    int kind;       /* the caller's */
    void *owner;    /* the caller's */
};

struct visor_heap {
    struct visor_happening **items;
    size_t count, capacity;
    uint64_t order;
};

void visor_heap_init(struct visor_heap *heap);
void visor_heap_done(struct visor_heap *heap);

/* Queue `happening` at time `at`; one that is queued already is moved. False without memory (it is
 * then not queued). */
bool visor_heap_push(struct visor_heap *heap, struct visor_happening *happening, int64_t at);

/* Earliest event, NULL if there is none; pop takes it out. */
struct visor_happening *visor_heap_first(const struct visor_heap *heap);
struct visor_happening *visor_heap_pop(struct visor_heap *heap);

/* Take one out; harmless if it is not queued. */
void visor_heap_remove(struct visor_heap *heap, struct visor_happening *happening);

#endif
