/* Times as people read them, with three digits and a unit, and back. */
#ifndef VISOR_TIMEVISOR_QUANTITY_H
#define VISOR_TIMEVISOR_QUANTITY_H

#include <stdbool.h>

#define VISOR_QUANTITY_MAX 24

/* "134 ns", "2.10 ms", "12.0 s", "12 min", "3 h", "40 d"; infinity is "unknown". Returns `text`. */
char *visor_quantity_print(double seconds, char text[VISOR_QUANTITY_MAX]);

/* The same with its sign, always: "+2.10 ms". */
char *visor_quantity_print_signed(double seconds, char text[VISOR_QUANTITY_MAX]);

/* Whole units, for ages and intervals: "5 s", "12 min". */
char *visor_quantity_print_age(double seconds, char text[VISOR_QUANTITY_MAX]);

/* "100ms", "50 us", "1s", "2min", "3h"; a bare number is in seconds. False: not a time >= 0. */
bool visor_quantity_parse(const char *text, double *seconds);

#endif
