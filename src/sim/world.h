/* The world: true time, one queue of everything that will happen, networks, servers, and hosts that
 * each run the real engine. A world is a deterministic function of (scenario, seed): nothing of the
 * real machine's time or randomness gets in. Read the results from its hosts when the run is over.
 */
#ifndef VISOR_SIM_WORLD_H
#define VISOR_SIM_WORLD_H

#include "engine/engine.h"
#include "engine/exchanges.h"
#include "sim/checker.h"
#include "sim/heap.h"
#include "sim/kernel.h"
#include "sim/network.h"
#include "sim/oscillator.h"
#include "sim/scenario.h"
#include "sim/score.h"
#include "sim/server.h"

/* From one host to one server; made when it is first used. */
struct visor_route {
    uint32_t target; /* see visor_world_address() */
    struct visor_path path;
};

/* A reference clock, for one refclock directive. */
struct visor_device {
    const struct visor_scenario_device *model; /* NULL: the machine has none */
    struct visor_rng rng;
    int64_t last_second; /* true second of the last sample of PPS, SHM, SOCK, RTC */
    double step;         /* s */
    bool failed, frozen;
    int64_t frozen_at;
};

/* The driver of a real-time clock. */
struct visor_chip {
    struct visor_happening happening;
    struct visor_rng rng;
    int64_t armed_at; /* true ns: edges come again from the next one on */
    int64_t planned;  /* of the happening, before it was put off */
    bool awaits_edge;
    int read;                       /* coarse readings that this life of the daemon has had */
    struct visor_happening copying; /* our kernel's clock to it */
    int64_t copy_at;                /* CLOCK_REALTIME at which it will be */
    int64_t set_ns;                 /* by that, in all */
};

/* What else it watches: looked at once a second. */
struct visor_watch {
    struct visor_happening happening;
    struct visor_rng rng;
    int64_t planned_raw;                      /* when it was to be woken, by its own counter */
    uint64_t markers[VISOR_WITNESS_READBACK]; /* by witness, as they are now … */
    uint64_t told[VISOR_WITNESS_READBACK];    /* … and as they were told */
    bool introduced;                          /* each has spoken once to this life of the daemon */
    int64_t stolen_ns, stolen_told_ns;
};

/* An expectation of the scenario that was not met. */
struct visor_unmet {
    uint64_t count;     /* samples, or 1 */
    uint64_t seen, off; /* of a share: samples looked at, and that were not so */
    double at, value;   /* of the first: s, and what was seen */
};

struct visor_host {
    char name[VISOR_SCENARIO_NAME_MAX];
    const struct visor_scenario_host *model;
    struct visor_engine *engine;
    uint64_t engine_seed[4];
    struct visor_kernel kernel;
    struct visor_oscillator oscillator;
    struct visor_rng rng;          /* of its operating system: latencies, stamps */
    int64_t grid;                  /* true ns of the next whole second to sample */
    int64_t busy_until;            /* true ns: it does not run before */
    int64_t lost_before;           /* true ns: replies to older requests never arrive */
    int64_t steal_until, io_until; /* true ns */
    double steal_share, steal_burst, io_latency; /* s */
    int64_t resume_jump;                         /* ns that the counter gains when it resumes */
    int64_t lost_ns, won_ns, paused_at;          /* by our counter since the last step, true ns */
    double resume_rate;                          /* s/s by which its rate changes then */
    int64_t born_raw, born_real;                 /* clocks at the start of the world */
    bool running;                                /* the daemon was started */
    uint64_t steps_before;                       /* made by earlier lives of the daemon */
    bool drift_known;                            /* a drift file exists, with: */
    double drift_ppm, drift_skew_ppm;
    struct visor_happening timer, start, resume;
    int64_t leaves_late_ns; /* the packet at hand, after the daemon's own stamp */
    bool frequency_set;     /* by the event at hand */
    uint32_t selected;      /* server; NONE */
    struct visor_view view; /* last published */
    bool published;
    struct visor_chip chip;
    struct visor_watch watch;
    int64_t suspend_ns;                /* it is its own kernel that stops it, for so long */
    struct visor_device *devices;      /* one a refclock directive */
    int64_t second_at, second_raw;     /* last whole true second that it lived through */
    struct visor_exchanges *exchanges; /* of a server, for interleaved mode; NULL: not yet */
    struct visor_route *routes;
    size_t route_count;
    struct visor_score score;
    struct visor_checker checker;
    struct visor_unmet *unmet; /* one an expectation of the scenario */
};

/* What a drawing or a log wants to see; NULL functions are not called. Calls must change nothing.
 */
struct visor_observer {
    void *context;
    void (*sample)(void *context, const struct visor_host *host,
                   const struct visor_score_sample *sample);
    void (*action)(void *context, const struct visor_host *host, int64_t at,
                   const struct visor_action *action);
    /* `member` is the one that it happens to, or 0. */
    void (*mishap)(void *context, const struct visor_scenario_mishap *mishap, int64_t at);
    /* Around an event: before the engine has it, and when its actions are drained. */
    void (*event)(void *context, const struct visor_host *host, const struct visor_event *event);
    void (*handled)(void *context, const struct visor_host *host, const struct visor_event *event);
};

/* A mishap of the scenario, waiting for its time. */
struct visor_waiting {
    struct visor_happening happening;
    const struct visor_scenario_mishap *mishap;
};

struct visor_world {
    const struct visor_scenario *scenario;
    uint64_t seed;
    int64_t now; /* true ns since the start */
    int64_t end;
    struct visor_heap heap;
    struct visor_network *networks;
    struct visor_server *servers;
    struct visor_host *hosts;
    size_t host_count;
    struct visor_waiting *waiting;
    struct visor_rng dice; /* of mishaps to any member of a group */
    struct visor_observer observer;
    struct visor_parcel *parcels; /* free list */
    struct visor_event *answers;  /* what the operating system will tell the host that acts now */
    size_t answer_count, answer_room;
    bool out_of_memory; /* the run is incomplete */
};

/* `scenario` is borrowed. NULL without memory. */
struct visor_world *visor_world_new(const struct visor_scenario *scenario, uint64_t seed);
void visor_world_free(struct visor_world *world); /* NULL allowed */

/* Run to the end of the scenario. False if memory ran out on the way. */
bool visor_world_run(struct visor_world *world);

visor_wall visor_world_utc(const struct visor_world *world, int64_t at); /* at true ns */

/* Seed of one entity's stream for one purpose: does not depend on what else is in the world. */
uint64_t visor_world_seed(uint64_t seed, const char *name, const char *purpose);

#define VISOR_TARGET_IS_HOST 0x1000000u

/* A host by its group and number in it, by its target, and back. */
struct visor_host *visor_world_host(const struct visor_world *world, uint32_t group,
                                    uint32_t member);
struct visor_host *visor_world_host_of(const struct visor_world *world, uint32_t target);
uint32_t visor_world_target_of(const struct visor_world *world, const struct visor_host *host);

/* Addresses are 10.1.x.y for servers and 10.2.x.y for hosts, by index; a target is the index with
 * the kind in bit 24. */
struct visor_address visor_world_address(uint32_t target);
bool visor_world_target(const struct visor_address *address, uint32_t *target);

#endif
