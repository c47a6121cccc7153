/* Binary heap of pointers whose events know their own slot, so that a timer can be moved in place
 * instead of leaving a dead entry behind at every change of a deadline. */
#include "sim/heap.h"

#include <stdlib.h>

void visor_heap_init(struct visor_heap *heap)
{
    *heap = (struct visor_heap){0};
}

void visor_heap_done(struct visor_heap *heap)
{
    free(heap->items);
    *heap = (struct visor_heap){0};
}

static bool earlier(const struct visor_happening *a, const struct visor_happening *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void put(struct visor_heap *heap, size_t slot, struct visor_happening *happening)
{
    heap->items[slot] = happening;
    happening->slot = slot;
}

static void rise(struct visor_heap *heap, size_t slot, struct visor_happening *happening)
{
    while (slot > 0) {
        size_t parent = (slot - 1) / 2;

        if (!earlier(happening, heap->items[parent]))
            break;
        put(heap, slot, heap->items[parent]);
        slot = parent;
    }
    put(heap, slot, happening);
}

static void sink(struct visor_heap *heap, size_t slot, struct visor_happening *happening)
{
    for (;;) {
        size_t child = 2 * slot + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && earlier(heap->items[child + 1], heap->items[child]))
            child++;
        if (!earlier(heap->items[child], happening))
            break;
        put(heap, slot, heap->items[child]);
        slot = child;
    }
    put(heap, slot, happening);
}

static bool grow(struct visor_heap *heap)
{
    size_t capacity = heap->capacity ? heap->capacity * 2 : 64;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the items are pointers */
    struct visor_happening **items = realloc(heap->items, capacity * sizeof(*items));

    if (!items)
        return false;
    heap->items = items;
    heap->capacity = capacity;
    return true;
}

bool visor_heap_push(struct visor_heap *heap, struct visor_happening *happening, int64_t at)
{
    visor_heap_remove(heap, happening);
    if (heap->count == heap->capacity && !grow(heap))
        return false;
    happening->at = at;
    happening->order = heap->order++;
    rise(heap, heap->count++, happening);
    return true;
}

struct visor_happening *visor_heap_first(const struct visor_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

struct visor_happening *visor_heap_pop(struct visor_heap *heap)
{
    struct visor_happening *first = visor_heap_first(heap);

    if (first)
        visor_heap_remove(heap, first);
    return first;
}

void visor_heap_remove(struct visor_heap *heap, struct visor_happening *happening)
{
    size_t slot = happening->slot;
    struct visor_happening *last;

    if (slot == VISOR_HEAP_OUT)
        return;
    happening->slot = VISOR_HEAP_OUT;
    last = heap->items[--heap->count];
    if (last == happening)
        return;
    if (slot > 0 && earlier(last, heap->items[(slot - 1) / 2]))
        rise(heap, slot, last);
    else
        sink(heap, slot, last);
}
