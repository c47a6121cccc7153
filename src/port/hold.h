/* Holding a control group (cgroup v2): what is in it stands still until the time is right. The
 * keeper is a process of its own, so that nothing stays frozen whoever else dies. */
#ifndef VISOR_PORT_HOLD_H
#define VISOR_PORT_HOLD_H

#include "port/hook.h"

/* Freezes, waits, and releases: when `helper` (a pipe's end) or `daemon` (a socket) is closed at
 * its other end, or the limit is over. FAILED: it was never frozen. */
void visor_hold_keep(const struct visor_hold_config *hold, int daemon, int helper,
                     struct visor_outcome *outcome);

/* Releases what an earlier run has left frozen. True: there was something. */
bool visor_hold_release(const struct visor_hold_config *hold);

/* Is this process in the group, or below it? It would freeze itself. */
bool visor_hold_has_us(const char *cgroup);

#endif
