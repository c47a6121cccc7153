/* Preloaded into peers that would set the clock: every change succeeds and does nothing. The tests
 * run on a machine whose clock is not theirs. */
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int read_only(clockid_t clock, struct timex *state)
{
    struct timex asked = *state;
    int result;

    state->modes = 0;
    result = (int)syscall(SYS_clock_adjtime, clock, state);
    state->modes = asked.modes;
    if (asked.modes & ADJ_FREQUENCY)
        state->freq = asked.freq;
    if (asked.modes & ADJ_TICK)
        state->tick = asked.tick;
    if (asked.modes & ADJ_STATUS)
        state->status = asked.status;
    return result;
}

int clock_adjtime(clockid_t clock, struct timex *state)
{
    return read_only(clock, state);
}

int adjtimex(struct timex *state)
{
    return read_only(CLOCK_REALTIME, state);
}

int ntp_adjtime(struct timex *state)
{
    return read_only(CLOCK_REALTIME, state);
}

int adjtime(const struct timeval *delta, struct timeval *old)
{
    (void)delta;
    if (old)
        *old = (struct timeval){0};
    return 0;
}

int clock_settime(clockid_t clock, const struct timespec *time)
{
    (void)clock, (void)time;
    return 0;
}

int settimeofday(const struct timeval *time, const struct timezone *zone)
{
    (void)time, (void)zone;
    return 0;
}
