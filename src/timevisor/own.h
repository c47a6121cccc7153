/* A configuration of this machine's own sources, as its other time services are configured. */
#ifndef VISOR_TIMEVISOR_OWN_H
#define VISOR_TIMEVISOR_OWN_H

#include "advise/facts.h"

#include <stdio.h>

/* Of this machine. */
void visor_own_print(FILE *out);

/* Of the facts given. */
void visor_own_write(const struct visor_facts *facts, FILE *out);

#endif
