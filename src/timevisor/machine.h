/* What the machine tells of its own time: hypervisor, clocksource, RTC, PHC, other daemons. */
#ifndef VISOR_TIMEVISOR_MACHINE_H
#define VISOR_TIMEVISOR_MACHINE_H

#include "advise/facts.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdio.h>

struct visor_machine;

struct visor_machine *visor_machine_new(void); /* NULL without memory: then nothing is printed */
void visor_machine_free(struct visor_machine *machine);

/* As gathered; NULL for NULL. */
const struct visor_facts *visor_machine_facts(const struct visor_machine *machine);

/* Looks again at what changes, and prints a table. */
void visor_machine_print(struct visor_machine *machine, FILE *out, bool colored, int width);

/* The facts as they are now; a new reference. NULL machine: null. */
json_t *visor_machine_json(struct visor_machine *machine);

#endif
