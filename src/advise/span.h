/* Spans of time as systemd reads them. */
#ifndef VISOR_ADVISE_SPAN_H
#define VISOR_ADVISE_SPAN_H

#include <stdbool.h>

/* "90", "1min 30s", "1.5h", "infinity"; a number without a unit is of seconds. False: none. */
bool visor_span_read(const char *text, double *seconds);

#endif
