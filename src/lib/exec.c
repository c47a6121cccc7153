/* Loaded before an unmodified program (`timevisor exec`): it sees the library's clock in place of
 * CLOCK_REALTIME, in clock_gettime(), gettimeofday(), time() and timespec_get(). So are the clocks
 * that are told from it: CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM and CLOCK_TAI.
 *
 * What is told is the middle of the interval; where there is none (unknown, disrupted), the
 * kernel's clock. It never goes back: after a correction backward it runs at half the rate until it
 * is right again. Left to the kernel: timers, timeouts, and the times of files. */
#include <timevisor/timevisor.h>

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

typedef int clock_function(clockid_t id, struct timespec *now);

/* Of the process, as the functions are that these stand in for. */
static timevisor *_Atomic handle;
static clock_function *_Atomic kernel; /* NULL: not found yet */
static _Atomic int64_t told_ns;        /* the latest that was told */
static _Atomic int64_t held_raw_ns;    /* when it was last held back; 0: it is not */

static int ask_kernel(clockid_t id, struct timespec *now)
{
    clock_function *call = atomic_load_explicit(&kernel, memory_order_acquire);

    return call ? call(id, now) : (int)syscall(SYS_clock_gettime, id, now);
}

static int64_t kernel_ns(clockid_t id)
{
    struct timespec now = {0};

    ask_kernel(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What may be told in the place of a step back: what was told, and half of what has passed since.
 * How long that is counts from the first time that it happens. */
static int64_t hold(int64_t last)
{
    int64_t raw = kernel_ns(CLOCK_MONOTONIC_RAW), before = atomic_exchange(&held_raw_ns, raw);

    return before && raw > before ? last + (raw - before) / 2 : last;
}

static int64_t never_back(int64_t ns)
{
    int64_t last = atomic_load_explicit(&told_ns, memory_order_relaxed), next = ns;

    if (ns < last)
        next = hold(last);
    else if (atomic_load_explicit(&held_raw_ns, memory_order_relaxed))
        atomic_store_explicit(&held_raw_ns, 0, memory_order_relaxed);
    while (next > last && !atomic_compare_exchange_weak(&told_ns, &last, next))
        ;
    return next > last ? next : last;
}

static int64_t now_ns(void)
{
    timevisor *open = atomic_load_explicit(&handle, memory_order_acquire);
    struct timevisor_interval now;

    if (!open || timevisor_now(open, &now) == TIMEVISOR_UNKNOWN || now.latest_ns == TIMEVISOR_MAX ||
        now.earliest_ns == TIMEVISOR_MIN)
        return never_back(kernel_ns(CLOCK_REALTIME));
    return never_back(now.earliest_ns + (now.latest_ns - now.earliest_ns) / 2);
}

/* TAI - UTC, of the daemon or, where it does not know, of the kernel; that has whole seconds, too.
 */
static int64_t tai_ns(void)
{
    timevisor *open = atomic_load_explicit(&handle, memory_order_acquire);
    struct timevisor_info info = {0};
    int64_t tai;

    if (open)
        timevisor_info(open, &info);
    if (info.tai_offset_s != 0)
        return info.tai_offset_s * NS_PER_S;
    tai = kernel_ns(CLOCK_TAI); /* 0: some sandboxes have none */
    return tai ? (tai - kernel_ns(CLOCK_REALTIME) + NS_PER_S / 2) / NS_PER_S * NS_PER_S : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int64_t ns;

    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE && id != CLOCK_REALTIME_ALARM &&
        id != CLOCK_TAI)
        return ask_kernel(id, now);
    ns = now_ns();
    if (id == CLOCK_TAI)
        ns += tai_ns();
    now->tv_sec = ns / NS_PER_S;
    now->tv_nsec = ns % NS_PER_S;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timeval *volatile to = now; /* may be NULL, whatever its declaration says */
    int64_t ns = now_ns();

    if (to) {
        to->tv_sec = ns / NS_PER_S;
        to->tv_usec = ns % NS_PER_S / 1000;
    }
    if (zone)
        memset(zone, 0, sizeof(struct timezone));
    return 0;
}

time_t time(time_t *now)
{
    time_t seconds = now_ns() / NS_PER_S;

    if (now)
        *now = seconds;
    return seconds;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

__attribute__((constructor)) static void begin(void)
{
    void *found = dlsym(RTLD_NEXT, "clock_gettime");
    clock_function *call;

    memcpy(&call, &found, sizeof(call)); /* ISO C has no conversion between the two */
    atomic_store_explicit(&kernel, call, memory_order_release);
    atomic_store_explicit(&handle, timevisor_open(NULL), memory_order_release);
}
