/* What rules about chrony.conf share. */
#ifndef VISOR_ADVISE_CHRONY_H
#define VISOR_ADVISE_CHRONY_H

#include "advise/rule.h"

enum {
    VISOR_CHRONY_SERVERS = 1,
    VISOR_CHRONY_POOLS = 2,
    VISOR_CHRONY_PEERS = 4,
    VISOR_CHRONY_REFCLOCKS = 8,
    VISOR_CHRONY_NTP = VISOR_CHRONY_SERVERS | VISOR_CHRONY_POOLS | VISOR_CHRONY_PEERS,
    VISOR_CHRONY_SOURCES = VISOR_CHRONY_NTP | VISOR_CHRONY_REFCLOCKS,
};

/* The first directive of these kinds, or the first from `node` on; NULL if there is none. */
const struct visor_node *visor_chrony_first(const struct visor_document *document, unsigned which);
const struct visor_node *visor_chrony_next(const struct visor_node *node, unsigned which);

/* False if there is no number at the start of the word. */
bool visor_chrony_number(const char *word, double *value);

#endif
