/* The only file-scope state of the project: what a signal handler can reach. */
#include "timevisord/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/timerfd.h>

static volatile sig_atomic_t ended;
static volatile sig_atomic_t wake = -1;

/* timerfd_settime is a bare system call, safe in a handler. Only the first signal wakes: the loop
 * is on its way out from then on. An absolute time long past expires at once. */
static void end(int number)
{
    struct itimerspec past = {.it_value = {.tv_nsec = 1}};

    (void)number;
    if (!ended && wake >= 0)
        timerfd_settime(wake, TFD_TIMER_ABSTIME, &past, NULL);
    ended = 1;
}

void visor_signals_init(int timer)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};
    struct sigaction action = {.sa_handler = end};

    wake = timer;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
        sigaction(ending[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool visor_signals_ended(void)
{
    return ended != 0;
}
