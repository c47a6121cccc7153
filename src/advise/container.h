/* What rules about containers share. */
#ifndef VISOR_ADVISE_CONTAINER_H
#define VISOR_ADVISE_CONTAINER_H

#include <stdbool.h>

/* An image, a command or a name in which a time daemon's stands. */
bool visor_container_is_time_daemon(const char *text);

/* Can this be a name of the zone database, or a POSIX rule? Also what is filled in later ("$TZ").
 */
bool visor_container_is_zone(const char *zone);

#endif
