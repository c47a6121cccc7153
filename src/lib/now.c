/* The time now, waiting for it, and stamps that can be confirmed later. */
#include "lib/handle.h"

#include <timevisor/timevisor.h>

#include <errno.h>
#include <time.h>

#define NAP_NS     10000000       /* while nothing is known */
#define NAP_MAX_NS VISOR_NS_PER_S /* the interval may move meanwhile */
#define NAP_MIN_NS 1000

int timevisor_after(timevisor *handle, int64_t utc_ns)
{
    struct timevisor_interval now;

    timevisor_now(handle, &now);
    return now.earliest_ns > utc_ns;
}

int timevisor_before(timevisor *handle, int64_t utc_ns)
{
    struct timevisor_interval now;

    timevisor_now(handle, &now);
    return now.latest_ns < utc_ns;
}

/* ---- waiting ---- */

static int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * VISOR_NS_PER_S + now.tv_nsec;
}

/* How long to sleep before it is worth looking again. */
static int64_t nap(const struct timevisor_interval *now, int64_t utc_ns, int64_t left_ns)
{
    int64_t ns = visor_ns_add(visor_ns_diff(utc_ns, now->earliest_ns), NAP_MIN_NS);

    if (now->earliest_ns == TIMEVISOR_MIN)
        ns = NAP_NS;
    if (ns > NAP_MAX_NS)
        ns = NAP_MAX_NS;
    return ns < left_ns ? ns : left_ns;
}

int timevisor_wait(timevisor *handle, int64_t utc_ns, int64_t timeout_ns)
{
    int64_t began = clock_ns();
    struct timevisor_interval now;

    for (;;) {
        int64_t left = timeout_ns < 0 ? INT64_MAX : timeout_ns - (clock_ns() - began), ns;
        struct timespec time;

        timevisor_now(handle, &now);
        if (now.earliest_ns > utc_ns)
            return 0;
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        ns = nap(&now, utc_ns, left);
        time = (struct timespec){ns / VISOR_NS_PER_S, ns % VISOR_NS_PER_S};
        if (nanosleep(&time, NULL))
            return -1; /* EINTR */
    }
}

/* ---- stamps ---- */

int timevisor_stamp(timevisor *handle, struct timevisor_stamp *stamp)
{
    struct visor_handle_look look;
    struct visor_segment_interval interval;

    visor_handle_look(handle, &look);
    visor_handle_interval(&look, look.raw, look.error_ns, &interval);
    *stamp = (struct timevisor_stamp){.raw_ns = look.raw.ns,
                                      .raw_error_ns = look.error_ns,
                                      .epoch = look.snapshot.epoch,
                                      .boot = visor_handle_boot(handle)};
    return visor_handle_tell(&interval, &stamp->interval);
}

static bool is_bounded(const struct timevisor_interval *interval)
{
    return interval->earliest_ns != TIMEVISOR_MIN && interval->latest_ns != TIMEVISOR_MAX;
}

/* Of the time that the present line is about. */
static bool belongs(const timevisor *handle, const struct visor_handle_look *look,
                    const struct timevisor_stamp *stamp)
{
    return stamp->boot == visor_handle_boot(handle) && stamp->epoch == look->snapshot.epoch;
}

/* The line was another one then, and says nothing of it; what was said then still holds. */
static bool is_older(const struct visor_handle_look *look, const struct timevisor_stamp *stamp)
{
    return visor_mono_before((visor_mono){stamp->raw_ns}, look->snapshot.since);
}

int timevisor_confirm(timevisor *handle, const struct timevisor_stamp *stamp)
{
    struct visor_handle_look look;
    struct visor_segment_interval then;

    if (!is_bounded(&stamp->interval))
        return TIMEVISOR_REVOKED;
    if (!visor_handle_look(handle, &look) || look.trust == VISOR_TRUST_UNKNOWN)
        return TIMEVISOR_NOT_YET;
    if (look.trust == VISOR_TRUST_DISRUPTED || !belongs(handle, &look, stamp))
        return TIMEVISOR_REVOKED;
    visor_handle_interval(&look, (visor_mono){stamp->raw_ns}, stamp->raw_error_ns, &then);
    if (!is_older(&look, stamp) && (then.earliest.ns > stamp->interval.latest_ns ||
                                    then.latest.ns < stamp->interval.earliest_ns))
        return TIMEVISOR_REVOKED;
    /* Who would notice a stall may overlook a short one: only a measurement tells. */
    if (look.trust == VISOR_TRUST_SYNCHRONIZED &&
        visor_mono_before(visor_mono_add((visor_mono){stamp->raw_ns}, stamp->raw_error_ns),
                          look.snapshot.checked))
        return TIMEVISOR_CONFIRMED;
    return TIMEVISOR_NOT_YET;
}

int timevisor_convert(timevisor *handle, const struct timevisor_stamp *stamp,
                      struct timevisor_interval *interval)
{
    struct visor_handle_look look;
    struct visor_segment_interval then = {{INT64_MIN}, {INT64_MAX}, VISOR_TRUST_DISRUPTED};

    if (!visor_handle_look(handle, &look)) {
        then.trust = VISOR_TRUST_UNKNOWN;
    } else if (belongs(handle, &look, stamp) && !is_older(&look, stamp)) {
        visor_handle_interval(&look, (visor_mono){stamp->raw_ns}, stamp->raw_error_ns, &then);
    } else if (look.trust == VISOR_TRUST_SYNCHRONIZED || look.trust == VISOR_TRUST_HOLDOVER) {
        if (belongs(handle, &look, stamp))
            then = (struct visor_segment_interval){
                {stamp->interval.earliest_ns}, {stamp->interval.latest_ns}, look.trust};
    } else {
        then.trust = look.trust;
    }
    return visor_handle_tell(&then, interval);
}

int timevisor_convert_raw(timevisor *handle, int64_t raw_ns, struct timevisor_interval *interval)
{
    struct visor_handle_look look;
    struct visor_segment_interval then = {{INT64_MIN}, {INT64_MAX}, VISOR_TRUST_DISRUPTED};
    visor_mono raw = visor_handle_raw(handle, raw_ns);

    if (!visor_handle_look(handle, &look))
        then.trust = VISOR_TRUST_UNKNOWN;
    else if (!visor_mono_before(raw, look.snapshot.since))
        visor_handle_interval(&look, raw, 1, &then);
    return visor_handle_tell(&then, interval);
}

int64_t timevisor_monotonic(timevisor *handle)
{
    struct visor_handle_look look;

    visor_handle_look(handle, &look);
    return visor_handle_forward(handle, look.raw.ns);
}

/* By what was known of each of them then. */
static void between(const struct timevisor_stamp *from, const struct timevisor_stamp *to,
                    struct timevisor_duration *duration)
{
    if (!is_bounded(&from->interval) || !is_bounded(&to->interval))
        return;
    duration->least_ns = visor_ns_diff(to->interval.earliest_ns, from->interval.latest_ns);
    duration->most_ns = visor_ns_diff(to->interval.latest_ns, from->interval.earliest_ns);
}

int timevisor_elapsed(timevisor *handle, const struct timevisor_stamp *from,
                      const struct timevisor_stamp *to, struct timevisor_duration *duration)
{
    int64_t raw_ns = visor_ns_diff(to->raw_ns, from->raw_ns);
    struct visor_handle_look look;
    double size = (double)raw_ns, extra, error;

    *duration = (struct timevisor_duration){TIMEVISOR_MIN, TIMEVISOR_MAX};
    if (!visor_handle_look(handle, &look) || look.trust == VISOR_TRUST_UNKNOWN)
        return TIMEVISOR_UNKNOWN;
    if (look.trust == VISOR_TRUST_DISRUPTED || !belongs(handle, &look, from) ||
        !belongs(handle, &look, to))
        return TIMEVISOR_DISRUPTED;
    if (is_older(&look, from) || is_older(&look, to)) {
        between(from, to, duration);
        return (int)look.trust;
    }
    extra = size * look.snapshot.rate_ppb * 1e-9;
    error = (size < 0.0 ? -size : size) * look.snapshot.growth_ppb * 1e-9 +
            (double)visor_ns_add(from->raw_error_ns, to->raw_error_ns) + 3.0;
    if (extra < 4e18 && extra > -4e18 && error < 4e18) {
        duration->least_ns = visor_ns_add(raw_ns, (int64_t)extra - (int64_t)error);
        duration->most_ns = visor_ns_add(raw_ns, (int64_t)extra + (int64_t)error);
    }
    return (int)look.trust;
}

/* ---- more about it ---- */

int timevisor_info(timevisor *handle, struct timevisor_info *info)
{
    struct visor_handle_look look;
    const struct visor_segment_snapshot *snapshot = &look.snapshot;
    struct visor_segment_interval now = {{INT64_MIN}, {INT64_MAX}, VISOR_TRUST_UNKNOWN};

    if (!visor_handle_look(handle, &look)) {
        *info = (struct timevisor_info){.bound_ns = TIMEVISOR_MAX,
                                        .verified_age_ns = TIMEVISOR_MAX,
                                        .published_age_ns = TIMEVISOR_MAX,
                                        .blind_ns = TIMEVISOR_MAX};
        return TIMEVISOR_UNKNOWN;
    }
    visor_handle_interval(&look, look.raw, look.error_ns, &now);
    *info = (struct timevisor_info){
        .status = (int32_t)now.trust,
        .flags = visor_handle_flags(handle, &look),
        .epoch = snapshot->epoch,
        .bound_ns =
            now.latest.ns == INT64_MAX ? TIMEVISOR_MAX : (now.latest.ns - now.earliest.ns + 1) / 2,
        .growth_ppb = snapshot->growth_ppb,
        .rate_ppb = snapshot->rate_ppb,
        .verified_age_ns = snapshot->trust == VISOR_TRUST_UNKNOWN
                               ? TIMEVISOR_MAX
                               : visor_mono_diff(look.raw, snapshot->checked),
        .published_age_ns = visor_mono_diff(look.raw, snapshot->published),
        .blind_ns = snapshot->blind_ns,
        .tai_offset_s = snapshot->tai_offset_s,
        .leap = snapshot->leap == VISOR_LEAP_UNSYNCHRONIZED ? 0 : (int32_t)snapshot->leap,
    };
    return info->status;
}
