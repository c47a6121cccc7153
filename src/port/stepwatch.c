/* See the header. */
#include "port/stepwatch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NEVER_S INT64_C(9000000000) /* the year 2255: a clock may be set to any time before it */

static int arm(int fd)
{
    struct itimerspec at = {.it_value = {.tv_sec = NEVER_S}};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) ? -errno : 0;
}

int visor_stepwatch_open(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC), error;

    if (fd < 0)
        return -errno;
    error = arm(fd);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

bool visor_stepwatch_take(int fd)
{
    uint64_t times;
    bool cancelled = read(fd, &times, sizeof(times)) < 0 && errno == ECANCELED;

    if (cancelled)
        (void)arm(fd);
    return cancelled;
}
