/* The TSC beside CLOCK_MONOTONIC_RAW: how fast it is, whether it can be trusted and why not, and
 * whether the two jump apart, where the kernel counts by something else (after a pause under KVM
 * kvm-clock goes on where it stopped and the TSC does not). Also: what the kernel counts by. */
#ifndef VISOR_PORT_TSCWATCH_H
#define VISOR_PORT_TSCWATCH_H

#include "engine/event.h"
#include "port/tsc.h"

#define VISOR_CLOCKSOURCE_NAME 32

enum visor_tsc_verdict {
    VISOR_TSC_TRUSTWORTHY,
    VISOR_TSC_UNTRIED,    /* not compared for long enough */
    VISOR_TSC_ABSENT,     /* this CPU has none */
    VISOR_TSC_REJECTED,   /* the kernel has marked it unstable, or was told not to use it */
    VISOR_TSC_INCONSTANT, /* its rate changes, or it stops in sleep states: no flag denies it */
    VISOR_TSC_JUMPED,     /* it and the raw counter have jumped apart */
};

/* What the machine says of it; see visor_facts. */
struct visor_tsc_facts {
    bool present, constant, nonstop, available; /* available: the kernel would count by it */
};

struct visor_tscwatch {
    int source; /* descriptor of the kernel's word for what it counts by; -1: none */
    struct visor_tsc_facts facts;
    char clocksource[VISOR_CLOCKSOURCE_NAME]; /* "": not read */
    uint32_t changes;                         /* of it */
    struct visor_tsc tsc;
    bool told; /* that it is there */
    uint32_t jumps;
    int64_t last_jump_ns;
    visor_mono next;
};

/* `root`: "", or where a recorded machine's files are. Before privileges are dropped. */
void visor_tscwatch_init(struct visor_tscwatch *watch, const char *root);
void visor_tscwatch_done(struct visor_tscwatch *watch);

/* Once a second: is it time to look and to compare? */
bool visor_tscwatch_due(struct visor_tscwatch *watch, visor_mono now);

/* A number for what the kernel counts by; another one when that changes. True: `witness` has it,
 * the first time, and when it is another one. */
bool visor_tscwatch_look(struct visor_tscwatch *watch, visor_mono now,
                         struct visor_event_witness *witness);

/* After look(). True: `witness` says by how much the TSC has gained on the raw counter at once, the
 * first time 0. */
bool visor_tscwatch_compare(struct visor_tscwatch *watch, visor_mono now,
                            struct visor_event_witness *witness);
/* The same for a pair of readings. Pure. */
bool visor_tscwatch_note(struct visor_tscwatch *watch, const struct visor_tsc_pair *pair,
                         int64_t *jump_ns);

enum visor_tsc_verdict visor_tscwatch_verdict(const struct visor_tscwatch *watch);
/* Hz, and how wrong that can be; false: not known yet. */
bool visor_tscwatch_rate(const struct visor_tscwatch *watch, double *hz, double *error_hz);

#endif
