/* What rules about containers share. */
#ifndef VISOR_ADVISE_CONTAINER_H
#define VISOR_ADVISE_CONTAINER_H

#include <stdbool.h>

/* An image or a name: that of a time daemon? ("chrony-exporter" is none.) */
bool visor_container_is_time_daemon(const char *name);

/* The same, or ours, which observes where it has no right to set the clock. */
bool visor_container_may_set_time(const char *name);

/* Does a command, in a shell's form or a list's, start one that sets the clock? */
bool visor_container_starts_time_daemon(const char *command);

/* Can this be a name of the zone database, or a POSIX rule? Also what is filled in later ("$TZ").
 */
bool visor_container_is_zone(const char *zone);

#endif
