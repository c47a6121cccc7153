/* A hypervisor's PTP clock as a witness: the host's time, read a few times a second. Which of
 * /dev/ptpN is one is known by its name (/sys/class/ptp/ptpN/clock_name), never by its number. */
#ifndef VISOR_PORT_PHCWATCH_H
#define VISOR_PORT_PHCWATCH_H

#include "port/refclock.h"

struct visor_phcwatch {
    char name[64]; /* clock_name; "": there is none */
    struct visor_refclock_config config;
    struct visor_refclock_device device;
    int error;        /* positive errno of the last reading, 0: none */
    visor_mono next;  /* when to read at the latest; INT64_MAX: never */
    visor_mono read;  /* when it was last tried */
    int64_t every_ns; /* the longer it fails, the longer */
};

/* Does a clock of this name tell the host's time? */
bool visor_phcwatch_is_virtual(const char *name);

/* Looks for one; opens it with the first reading. `any`: a network card's is as good. `root`: "",
 * or where a recorded machine's files are; NULL: none is wanted. */
void visor_phcwatch_init(struct visor_phcwatch *watch, const char *root, bool any);
void visor_phcwatch_done(struct visor_phcwatch *watch);

visor_mono visor_phcwatch_deadline(const struct visor_phcwatch *watch);
/* At every wake-up. True: it was read. */
bool visor_phcwatch_look(struct visor_phcwatch *watch, visor_mono now, struct visor_stamps *stamps,
                         struct visor_event_witness *witness);

#endif
