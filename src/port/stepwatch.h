/* A timer on CLOCK_REALTIME that is never due: the kernel cancels it when somebody sets that clock
 * (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Slewing cancels nothing. */
#ifndef VISOR_PORT_STEPWATCH_H
#define VISOR_PORT_STEPWATCH_H

#include <stdbool.h>

/* A descriptor for poll(), or -errno. */
int visor_stepwatch_open(void);

/* Has the clock been set since the last call? Watches on. */
bool visor_stepwatch_take(int fd);

#endif
