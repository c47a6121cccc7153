/* The time sources that this machine's other time services are configured with. */
#ifndef VISOR_PORT_FACTS_SOURCES_H
#define VISOR_PORT_FACTS_SOURCES_H

#include "advise/facts.h"

/* Fills facts->sources from chrony.conf and what it includes, timesyncd.conf, ntp.conf and DHCP
 * leases, in this order, each name once an origin. */
void visor_facts_gather_sources(struct visor_facts *facts, const char *root);

#endif
