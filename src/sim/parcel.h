/* Packets and name queries on their way. Internal to the world. */
#ifndef VISOR_SIM_PARCEL_H
#define VISOR_SIM_PARCEL_H

#include "sim/world.h"

enum visor_happening_kind {
    VISOR_HAPPENING_START,   /* owner: host */
    VISOR_HAPPENING_TIMER,   /* owner: host */
    VISOR_HAPPENING_RESUME,  /* owner: host, after a pause */
    VISOR_HAPPENING_CHIP,    /* owner: host */
    VISOR_HAPPENING_COPY,    /* owner: host */
    VISOR_HAPPENING_WATCH,   /* owner: host */
    VISOR_HAPPENING_MISHAP,  /* owner: visor_waiting */
    VISOR_HAPPENING_REQUEST, /* owner: parcel, at the server */
    VISOR_HAPPENING_VISIT,   /* owner: parcel, at a host that serves, or a peer */
    VISOR_HAPPENING_REPLY,   /* owner: parcel, at the host */
    VISOR_HAPPENING_NAME,    /* owner: parcel, at the host: `target` or NONE for `query` */
};

struct visor_parcel {
    struct visor_happening happening;
    struct visor_parcel *next; /* in the free list */
    struct visor_host *host;   /* the client */
    uint32_t target;           /* the server */
    uint32_t source, query;    /* of the client's engine */
    int64_t began_at;          /* true ns at which the request left */
    int64_t began_raw;         /* raw ns of the client then */
    int64_t left_at;           /* true ns at which the reply left */
    bool stamped;              /* by the kernel, before the daemon came to it: */
    struct visor_stamp stamp;
    size_t size;
    uint8_t data[VISOR_SIM_PACKET_MAX];
};

/* NULL without memory; the world notes it. Give it back with drop. */
struct visor_parcel *visor_parcel_take(struct visor_world *world);
void visor_parcel_drop(struct visor_world *world, struct visor_parcel *parcel);

/* Queue it for the true time `at`. */
void visor_parcel_post(struct visor_world *world, struct visor_parcel *parcel,
                       enum visor_happening_kind kind, int64_t at);

#endif
