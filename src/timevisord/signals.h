/* Signals as flags that the loop looks at. The handler also makes the loop's timer expire at once,
 * so that a signal between looking and sleeping is not slept over. */
#ifndef VISOR_TIMEVISORD_SIGNALS_H
#define VISOR_TIMEVISORD_SIGNALS_H

#include <stdbool.h>

/* INT, TERM, HUP and QUIT end the daemon, PIPE is ignored. `timer`: a timerfd or -1. */
void visor_signals_init(int timer);
bool visor_signals_ended(void);

#endif
