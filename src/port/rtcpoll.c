/* See the header. */
#include "port/rtcpoll.h"

#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define USUAL        "/sys/class/rtc/rtc0/since_epoch"
#define EVERY_NS     (VISOR_NS_PER_S / 4)
#define SURE_NS      3000000 /* an edge known to that is not sought more closely */
#define DRIFT_NS     200000  /* that the RTC and our counter may part in a second */
#define SLOW_NS      5000000 /* a reading that took so long says little */
#define SECONDS_MAX  (INT64_C(1) << 33)
#define RETRY_MIN_NS VISOR_NS_PER_S
#define RETRY_MAX_NS (64 * VISOR_NS_PER_S)

void visor_rtcpoll_init(struct visor_rtcpoll *poll, const char *path)
{
    *poll = (struct visor_rtcpoll){.fd = -1};
    snprintf(poll->path, sizeof(poll->path), "%s", path ? path : USUAL);
    poll->next.ns = INT64_MIN;
}

void visor_rtcpoll_done(struct visor_rtcpoll *poll)
{
    if (poll->fd >= 0)
        close(poll->fd);
    poll->fd = -1;
    poll->known = poll->read = false;
}

visor_mono visor_rtcpoll_deadline(const struct visor_rtcpoll *poll)
{
    return poll->next;
}

static int64_t doubt(const struct visor_rtcpoll *poll)
{
    return visor_mono_diff(poll->high, poll->low);
}

/* At both ends of the doubt and, where it is large, in its middle; and now and then. */
static visor_mono plan(const struct visor_rtcpoll *poll)
{
    visor_mono usual = visor_mono_add(poll->at, EVERY_NS);
    visor_mono wanted[] = {poll->low, visor_mono_add(poll->low, doubt(poll) / 2), poll->high};

    for (int i = 0; poll->known && i < 3; i++)
        if (visor_mono_before(poll->at, wanted[i]) && (i != 1 || doubt(poll) > SURE_NS))
            return visor_mono_before(usual, wanted[i]) ? usual : wanted[i];
    return usual;
}

/* What it says of UTC at `at`: a second's begin lay between `low` and `high`. */
static void tell(struct visor_event_witness *witness, visor_mono at, int64_t seconds,
                 int64_t since_least, int64_t since_most)
{
    *witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_RTC,
        .stamp = {.raw = at, .error_ns = since_most - since_least, .by = VISOR_STAMPER_DAEMON},
        .earliest = {seconds * VISOR_NS_PER_S + since_least},
        .latest = {seconds * VISOR_NS_PER_S + since_most},
    };
}

void visor_rtcpoll_take(struct visor_rtcpoll *poll, visor_mono at, int64_t seconds,
                        struct visor_event_witness *witness)
{
    bool began = poll->read && seconds == poll->seconds + 1;
    bool same = poll->read && seconds == poll->seconds;

    tell(witness, at, seconds, 0, VISOR_NS_PER_S);
    if (began) { /* what was foretold binds nothing: only what was read */
        tell(witness, at, seconds, 0, visor_mono_diff(at, poll->at));
        poll->known = true;
        poll->low = visor_mono_add(poll->at, VISOR_NS_PER_S - DRIFT_NS);
        poll->high = visor_mono_add(at, VISOR_NS_PER_S + DRIFT_NS);
    } else if (!same || !visor_mono_before(at, poll->high)) {
        poll->known = false; /* it has jumped, or is overdue */
    }
    poll->read = true;
    poll->at = at;
    poll->seconds = seconds;
    poll->next = plan(poll);
}

static bool fail(struct visor_rtcpoll *poll, int error, visor_mono now)
{
    visor_rtcpoll_done(poll);
    poll->error = error;
    poll->retry_ns = poll->retry_ns == 0 ? RETRY_MIN_NS : 2 * poll->retry_ns;
    if (poll->retry_ns > RETRY_MAX_NS)
        poll->retry_ns = RETRY_MAX_NS;
    poll->next = visor_mono_add(now, poll->retry_ns);
    return false;
}

bool visor_rtcpoll_parse(const char *text, int64_t *seconds)
{
    char *end;

    *seconds = strtoll(text, &end, 10);
    return end != text && (!*end || *end == '\n') && *seconds > 0 && *seconds < SECONDS_MAX;
}

static int read_seconds(struct visor_rtcpoll *poll, int64_t *seconds)
{
    char text[32];
    ssize_t size;

    if (poll->fd < 0)
        poll->fd = open(poll->path, O_RDONLY | O_CLOEXEC);
    if (poll->fd < 0)
        return errno;
    size = pread(poll->fd, text, sizeof(text) - 1, 0);
    if (size < 0)
        return errno;
    text[size] = 0;
    return visor_rtcpoll_parse(text, seconds) ? 0 : EBADMSG;
}

bool visor_rtcpoll_look(struct visor_rtcpoll *poll, visor_mono now,
                        struct visor_event_witness *witness)
{
    visor_mono before, after;
    int64_t seconds = 0;
    int error;

    if (visor_mono_before(now, poll->next))
        return false;
    before = visor_clock_raw();
    error = read_seconds(poll, &seconds);
    if (error)
        return fail(poll, error, now);
    after = visor_clock_raw();
    poll->error = 0;
    poll->retry_ns = 0;
    if (visor_mono_diff(after, before) >= SLOW_NS) {
        poll->known = poll->read = false;
        poll->next = visor_mono_add(after, EVERY_NS);
        return false;
    }
    visor_rtcpoll_take(poll, after, seconds, witness);
    return true;
}
