/* The hybrid logical clock in one 64-bit number (Kulkarni and others, "Logical Physical Clocks",
 * 2014): ns since 1970 whose lowest 16 bits count. One compare-and-swap moves it. */
#include "lib/handle.h"

#include <timevisor/timevisor.h>

#include <errno.h>

#define COUNT UINT64_C(0xffff)

static bool is_known(int status)
{
    return status == TIMEVISOR_SYNCHRONIZED || status == TIMEVISOR_HOLDOVER;
}

/* The middle without its lowest bits; 0 before 1970 or where nothing is known. */
static uint64_t physical(const struct timevisor_interval *now)
{
    int64_t middle;

    if (!is_known(now->status) || now->earliest_ns == TIMEVISOR_MIN)
        return 0;
    middle = now->earliest_ns + (now->latest_ns - now->earliest_ns) / 2;
    return middle > 0 ? (uint64_t)middle & ~COUNT : 0;
}

/* Larger than `clock` and `remote`, and not behind `least`. */
static uint64_t advance(uint64_t *clock, uint64_t remote, uint64_t least)
{
    uint64_t last = __atomic_load_n(clock, __ATOMIC_RELAXED), next;

    do {
        next = (last > remote ? last : remote) + 1;
        if (next < least)
            next = least;
    } while (
        !__atomic_compare_exchange_n(clock, &last, next, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return next;
}

int timevisor_hlc_now(timevisor *handle, uint64_t *clock, uint64_t *stamp)
{
    struct timevisor_interval now;
    int status = timevisor_now(handle, &now);

    *stamp = advance(clock, 0, physical(&now));
    return status;
}

int timevisor_hlc_receive(timevisor *handle, uint64_t *clock, uint64_t remote, int64_t ahead_ns,
                          uint64_t *stamp)
{
    struct timevisor_interval now;
    int status = timevisor_now(handle, &now);
    int64_t limit;

    if (!is_known(status) || now.latest_ns == TIMEVISOR_MAX) {
        errno = EAGAIN;
        return -1;
    }
    limit = visor_ns_add(now.latest_ns, ahead_ns);
    if (limit < 0 || remote > (uint64_t)limit) {
        errno = ERANGE;
        return -1;
    }
    *stamp = advance(clock, remote, physical(&now));
    return status;
}
