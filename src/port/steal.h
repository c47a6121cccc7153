/* How much of its CPUs' time the host has taken from this machine. */
#ifndef VISOR_PORT_STEAL_H
#define VISOR_PORT_STEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of /proc/stat's text: all CPUs together since boot, in ns. False: it does not say. Pure. */
bool visor_steal_parse(const char *text, int64_t ticks_per_s, int64_t *ns);

/* Of the open file. False: it does not say. */
bool visor_steal_read(int fd, int64_t *ns);

#endif
