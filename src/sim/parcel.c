/* A free list, since packets come and go by the million. */
#include "sim/parcel.h"

#include <stdlib.h>

struct visor_parcel *visor_parcel_take(struct visor_world *world)
{
    struct visor_parcel *parcel = world->parcels;

    if (parcel) {
        world->parcels = parcel->next;
    } else {
        parcel = malloc(sizeof(*parcel));
        if (!parcel) {
            world->out_of_memory = true;
            return NULL;
        }
    }
    parcel->stamped = false;
    parcel->happening = (struct visor_happening){.slot = VISOR_HEAP_OUT, .owner = parcel};
    return parcel;
}

void visor_parcel_drop(struct visor_world *world, struct visor_parcel *parcel)
{
    parcel->next = world->parcels;
    world->parcels = parcel;
}

void visor_parcel_post(struct visor_world *world, struct visor_parcel *parcel,
                       enum visor_happening_kind kind, int64_t at)
{
    parcel->happening.kind = (int)kind;
    if (visor_heap_push(&world->heap, &parcel->happening, at))
        return;
    world->out_of_memory = true;
    visor_parcel_drop(world, parcel);
}
