/* What tells of this machine's disruptions, besides the RTC (rtc.h): the devices of a hypervisor
 * and the kernel's own words. None is required; one that fails is said once and tried again. */
#ifndef VISOR_TIMEVISORD_WITNESSES_H
#define VISOR_TIMEVISORD_WITNESSES_H

#include "timevisord/daemon.h"

#include <jansson.h>

#define VISOR_WITNESSES_FDS 8

struct visor_witnesses;

/* Opens them, while we still have the right. NULL: none is wanted (a simulator, a task that ends by
 * itself), or no memory. */
struct visor_witnesses *visor_witnesses_new(struct visor_daemon *daemon);
/* NULL allowed here and below. */
void visor_witnesses_free(struct visor_witnesses *witnesses);

/* For poll(), up to VISOR_WITNESSES_FDS; how many. */
size_t visor_witnesses_fds(const struct visor_witnesses *witnesses, int *fds);
visor_mono visor_witnesses_deadline(const struct visor_witnesses *witnesses);
void visor_witnesses_readable(struct visor_witnesses *witnesses, int fd);

/* After every sleep, before anything else is done: what was measured before a jump must not be
 * taken for what it is after it. `due`: when it was to end at the latest; INT64_MAX: whenever. */
void visor_witnesses_look(struct visor_witnesses *witnesses, visor_mono due);

/* CLOCK_REALTIME was stepped by ourselves. */
void visor_witnesses_stepped(struct visor_witnesses *witnesses);

/* What this machine would notice, how soon and by whom: "detection" of status.schema.json. A new
 * reference, or NULL. */
json_t *visor_witnesses_json(const struct visor_witnesses *witnesses);

#endif
