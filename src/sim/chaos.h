/* Random worlds with random faults, as scenario text: a seed that fails can be saved, read and
 * changed like any other scenario. */
#ifndef VISOR_SIM_CHAOS_H
#define VISOR_SIM_CHAOS_H

#include <stddef.h>
#include <stdint.h>

#define VISOR_CHAOS_TEXT_MAX 8192

/* Write the world of `seed`: at least six hours, one or two hosts, three to six servers of which
 * fewer than half ever lie, and up to eight faults, the last of them at least 90 min before the
 * end. Returns the length. */
size_t visor_chaos_write(uint64_t seed, char text[VISOR_CHAOS_TEXT_MAX]);

#endif
