/* What is known of clocksources by their names. */
#ifndef VISOR_ADVISE_BOOT_H
#define VISOR_ADVISE_BOOT_H

#include <stdbool.h>

bool visor_boot_is_clocksource(const char *name);
/* One that costs a system call, and mostly an exit to the hypervisor. */
bool visor_boot_is_slow_clocksource(const char *name);

#endif
