/* Waits for the world and turns what it says into events. poll() with sockets, devices and one
 * timerfd is all it uses, so that it also runs under simulators that preload these calls.
 *
 * Most waits are poll's own timeout, which costs nothing but is late by a thousandth; for short and
 * for long ones, and while a slew must end in time, a timerfd is set. */
#include "port/text.h"
#include "timevisord/alarm.h"
#include "timevisord/auth.h"
#include "timevisord/daemon.h"
#include "timevisord/dumps.h"
#include "timevisord/once.h"
#include "timevisord/process.h"
#include "timevisord/rtc.h"
#include "timevisord/rules.h"
#include "timevisord/signals.h"
#include "timevisord/tempcomp.h"
#include "timevisord/witnesses.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>

#define WAIT_MAX_NS (3600 * VISOR_NS_PER_S) /* never relied on: only keeps the arithmetic small */
#define OVERDUE_NS  1000000
/* Waits that are poll's own: a millisecond more is nothing to them, and what the kernel may add to
 * a timeout (a thousandth, five in a nice process) is no late wake-up yet. */
#define COARSE_MIN_NS 100000000
#define COARSE_MAX_NS 1500000000
#define LOOK_EVERY_NS VISOR_NS_PER_S
#define SUSPEND_NS    10000000 /* what is less is the reading's noise */
#define POLL_MAX      (VISOR_NET_SOCKETS_MAX + 48)

/* What each entry of the poll set is. */
enum poll_kind {
    POLL_CONTROL,
    POLL_REMOTE,
    POLL_TIMER,
    POLL_HELPER,
    POLL_REFCLOCK,
    POLL_RTC,
    POLL_WITNESS,
    POLL_CHRONYD,
    POLL_NET
};

struct poll_set {
    struct pollfd fds[POLL_MAX];
    enum poll_kind kinds[POLL_MAX];
    size_t count;
};

static void add(struct poll_set *set, int fd, enum poll_kind kind)
{
    if (fd < 0 || set->count == POLL_MAX)
        return;
    set->fds[set->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    set->kinds[set->count++] = kind;
}

/* `patient`: replies may wait until the next deadline. */
static void fill(const struct visor_daemon *daemon, bool patient, struct poll_set *set)
{
    int remote[VISOR_REMOTE_FDS], witness[VISOR_WITNESSES_FDS];
    size_t sockets, remotes, witnesses;

    set->count = 0;
    if (daemon->armed)
        add(set, daemon->timer, POLL_TIMER);
    add(set, visor_helper_fd(daemon->helper), POLL_HELPER);
    for (size_t i = 0; i < daemon->device_count; i++)
        add(set, visor_refclock_device_fd(&daemon->devices[i]), POLL_REFCLOCK);
    add(set, visor_rtc_service_fd(daemon->rtc), POLL_RTC);
    witnesses = visor_witnesses_fds(daemon->witnesses, witness);
    for (size_t i = 0; i < witnesses; i++)
        add(set, witness[i], POLL_WITNESS);
    add(set, visor_courier_fd(&daemon->courier), POLL_CHRONYD);
    if (daemon->control) {
        size_t ends =
            visor_control_fds(daemon->control, &set->fds[set->count], POLL_MAX - set->count);

        while (ends--)
            set->kinds[set->count++] = POLL_CONTROL;
    }
    remotes = visor_remote_fds(daemon->remote, remote);
    for (size_t i = 0; i < remotes; i++)
        add(set, remote[i], POLL_REMOTE);
    sockets = visor_net_poll(daemon->net, patient, &set->fds[set->count], POLL_MAX - set->count);
    for (size_t i = 0; i < sockets; i++)
        set->kinds[set->count++] = POLL_NET;
}

static void earlier(visor_mono *earliest, visor_mono deadline)
{
    if (visor_mono_before(deadline, *earliest))
        *earliest = deadline;
}

/* The earliest of what anybody waits for. */
static visor_mono deadline_of(const struct visor_daemon *daemon)
{
    visor_mono earliest = visor_engine_deadline(daemon->engine);

    earlier(&earliest, visor_server_deadline(&daemon->server));
    earlier(&earliest, visor_tempcomp_deadline(daemon));
    earlier(&earliest, visor_hwstamp_deadline(daemon->hwstamp));
    earlier(&earliest, visor_rules_deadline(daemon->rules));
    earlier(&earliest, visor_once_deadline(daemon));
    earlier(&earliest, visor_rtc_service_deadline(daemon->rtc));
    earlier(&earliest, visor_witnesses_deadline(daemon->witnesses));
    earlier(&earliest, visor_daemon_publish_deadline(daemon));
    for (size_t i = 0; i < daemon->device_count; i++)
        earlier(&earliest, visor_refclock_device_deadline(&daemon->devices[i]));
    return earliest;
}

/* ns until the engine wants to be called; never negative. A deadline that stays in the past
 * although the engine was called must not make the loop spin. */
static int64_t wait_ns(const struct visor_daemon *daemon, visor_mono deadline)
{
    visor_mono now = visor_clock_raw();
    int64_t wait;

    if (visor_helper_pending(daemon->helper))
        return 0;
    if (!visor_mono_before(now, deadline))
        return daemon->overdue ? OVERDUE_NS : 0;
    if (visor_mono_before(visor_mono_add(now, WAIT_MAX_NS), deadline))
        return WAIT_MAX_NS;
    wait = visor_mono_diff(deadline, now);
    /* Timers run on MONOTONIC, which is slewed and RAW is not. */
    return wait + 1 + (int64_t)((double)wait * daemon->clock.kernel_ppb * 1e-9);
}

/* Is poll's timeout, which counts in milliseconds, too coarse for this wait? */
static bool is_delicate(const struct visor_daemon *daemon, int64_t wait)
{
    return wait < COARSE_MIN_NS || wait > COARSE_MAX_NS || visor_engine_hurries(daemon->engine) ||
           daemon->once.slew_end.ns != INT64_MAX;
}

/* Returns poll's timeout. The timer stays as it is while it is set for the same moment. `*patient`:
 * we shall be awake so soon that a reply to one source can be read when the next one is asked. */
static int arm(struct visor_daemon *daemon, bool *patient)
{
    visor_mono deadline = deadline_of(daemon);
    bool same = daemon->armed && daemon->deadline.ns == deadline.ns;
    int64_t wait = wait_ns(daemon, deadline);
    struct itimerspec at = {
        .it_value = {.tv_sec = wait / VISOR_NS_PER_S, .tv_nsec = wait % VISOR_NS_PER_S}};

    *patient = wait > 0 && wait <= visor_engine_patience(daemon->engine);
    daemon->deadline = deadline;
    daemon->armed = wait > 0 && daemon->timer >= 0 && is_delicate(daemon, wait) &&
                    (same || !timerfd_settime(daemon->timer, 0, &at, NULL));
    return daemon->armed ? -1 : (int)((wait + 999999) / 1000000);
}

/* While it is suspended no clock of this machine but CLOCK_BOOTTIME runs. */
static void watch_suspend(struct visor_daemon *daemon)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS,
                                .witness = {.kind = VISOR_WITNESS_BOOTTIME}};
    int64_t suspended;

    if (!daemon->has_boottime || visor_clock_suspended(&suspended))
        return;
    if (daemon->suspended_told && suspended - daemon->suspended_ns < SUSPEND_NS)
        return;
    daemon->suspended_told = true;
    daemon->suspended_ns = suspended;
    event.witness.stamp.raw = visor_clock_raw();
    event.witness.marker = (uint64_t)suspended;
    visor_daemon_handle(daemon, &event);
}

static void watch_helper(struct visor_daemon *daemon)
{
    if (visor_helper_has_ended(daemon->helper))
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING, "%s",
                        _("The helper process has ended: until this daemon is restarted nothing is "
                          "held, no hook is run, and a name server that is slow holds us up"));
}

/* Once a second is enough to notice that somebody else has changed the kernel's frequency; setting
 * and reading it is the dearest of all that a wake-up may do. A suspension comes first: the kernel
 * itself has stepped its clock for that. */
static bool look(struct visor_daemon *daemon)
{
    visor_mono now = visor_clock_raw();

    watch_suspend(daemon);
    if (visor_mono_diff(now, daemon->looked) < LOOK_EVERY_NS)
        return visor_daemon_note(daemon);
    daemon->looked = now;
    watch_helper(daemon);
    return visor_daemon_look(daemon);
}

static void take_helper(struct visor_daemon *daemon)
{
    struct visor_helper_reply reply;

    while (visor_helper_next(daemon->helper, &reply)) {
        struct visor_event event = {.kind = VISOR_EVENT_RESOLVED, .resolved = reply.resolved};

        if (reply.work != VISOR_HELPER_RESOLVE) {
            visor_alarm_report(daemon, &reply);
            continue;
        }
        if (reply.epoch == VISOR_RULES_EPOCH)
            visor_rules_resolved(daemon->rules, &reply.resolved);
        else if (reply.epoch == daemon->epoch)
            visor_daemon_handle(daemon, &event);
        visor_dumps_read(daemon);
    }
}

static void take_refclock(struct visor_daemon *daemon, int fd)
{
    struct visor_event event = {.kind = VISOR_EVENT_REFCLOCK};

    for (size_t i = 0; i < daemon->device_count; i++)
        if (visor_refclock_device_fd(&daemon->devices[i]) == fd) {
            if (visor_refclock_device_readable(&daemon->devices[i], &daemon->stamps,
                                               &event.refclock))
                visor_daemon_handle(daemon, &event);
            return;
        }
}

static void tick_refclocks(struct visor_daemon *daemon, visor_mono now)
{
    for (size_t i = 0; i < daemon->device_count && !daemon->ended; i++) {
        struct visor_event event = {.kind = VISOR_EVENT_REFCLOCK};

        if (visor_refclock_device_tick(&daemon->devices[i], now, &event.refclock))
            visor_daemon_handle(daemon, &event);
    }
}

static void take_datagram(struct visor_daemon *daemon, const struct visor_datagram *datagram)
{
    struct visor_event event = {.kind = VISOR_EVENT_PACKET,
                                .packet = {.source = datagram->source,
                                           .peer = datagram->peer,
                                           .local = datagram->local,
                                           .received = datagram->received,
                                           .data = datagram->data,
                                           .size = datagram->size}};

    if (visor_server_handle(&daemon->server, &daemon->view, datagram))
        return;
    event.packet.auth =
        visor_auth_check(daemon->keys, datagram->data, datagram->size, &event.packet.key);
    visor_daemon_handle(daemon, &event);
}

/* False: no stamp was there. */
static bool take_sent(struct visor_daemon *daemon, int fd)
{
    struct visor_net_sent sent;
    struct visor_event event = {.kind = VISOR_EVENT_SENT};

    if (!visor_net_receive_sent(daemon->net, fd, &sent))
        return false;
    if (sent.sent.by == VISOR_STAMPER_NONE)
        return true;
    event.sent =
        (struct visor_event_sent){.source = sent.source, .token = sent.token, .sent = sent.sent};
    if (sent.source)
        visor_daemon_handle(daemon, &event);
    else
        visor_server_sent(&daemon->server, &sent);
    return true;
}

/* The stamp of the request goes first: the reply is measured with it. An error that is no stamp
 * (nobody listens there) is taken off the socket by receiving. */
static void take_net(struct visor_daemon *daemon, const struct pollfd *ready)
{
    const struct visor_datagram *datagrams;
    size_t count;

    if (ready->revents & (POLLERR | POLLPRI) && take_sent(daemon, ready->fd) &&
        !(ready->revents & POLLIN))
        return;
    for (int i = 0; i < 2 && visor_net_await_sent(daemon->net, ready->fd); i++)
        take_sent(daemon, ready->fd);
    count = visor_net_receive(daemon->net, ready->fd, &datagrams);
    for (size_t i = 0; i < count && !daemon->ended; i++)
        take_datagram(daemon, &datagrams[i]);
}

static void take_chronyd(struct visor_daemon *daemon)
{
    struct visor_event event = {.kind = VISOR_EVENT_CHRONYD};

    if (visor_courier_take(&daemon->courier, &event.chronyd))
        visor_daemon_handle(daemon, &event);
}

static void take_held(struct visor_daemon *daemon)
{
    struct pollfd fd;

    for (size_t at = 0; !daemon->ended && visor_net_held(daemon->net, &at, &fd);)
        take_net(daemon, &fd);
}

static void dispatch(struct visor_daemon *daemon, const struct poll_set *set)
{
    for (size_t i = 0; i < set->count && !daemon->ended; i++) {
        if (!set->fds[i].revents)
            continue;
        switch (set->kinds[i]) {
        case POLL_TIMER:
            daemon->armed = false; /* setting it anew takes its readiness away */
            break;
        case POLL_HELPER:
            take_helper(daemon);
            break;
        case POLL_REFCLOCK:
            take_refclock(daemon, set->fds[i].fd);
            break;
        case POLL_RTC:
            visor_rtc_service_readable(daemon->rtc);
            break;
        case POLL_WITNESS:
            visor_witnesses_readable(daemon->witnesses, set->fds[i].fd);
            break;
        case POLL_CHRONYD:
            take_chronyd(daemon);
            break;
        case POLL_CONTROL:
            visor_daemon_take_control(daemon, &set->fds[i]);
            break;
        case POLL_REMOTE:
            visor_remote_handle(daemon->remote, set->fds[i].fd);
            break;
        case POLL_NET:
            take_net(daemon, &set->fds[i]);
            break;
        }
    }
}

/* Somebody's time has come. What was made due meanwhile is found when the timer is set. */
static void tick(struct visor_daemon *daemon)
{
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};
    visor_mono now;

    visor_daemon_handle(daemon, &timer);
    now = visor_clock_raw();
    tick_refclocks(daemon, now);
    visor_hwstamp_tick(daemon->hwstamp, now);
    visor_rules_tick(daemon->rules, now);
    visor_tempcomp_tick(daemon, now);
    visor_rtc_service_tick(daemon->rtc, now);
    visor_server_tick(&daemon->server, &daemon->view, now);
    if (!visor_mono_before(now, visor_daemon_publish_deadline(daemon)))
        visor_daemon_publish(daemon);
}

void visor_daemon_run(struct visor_daemon *daemon)
{
    struct poll_set set;
    struct visor_event timer = {.kind = VISOR_EVENT_TIMER};

    daemon->has_boottime = !visor_process_simulated();
    while (!daemon->ended) {
        visor_mono due = {INT64_MAX};
        int timeout, ready;
        bool patient;

        timeout = arm(daemon, &patient);
        fill(daemon, patient, &set);
        if (visor_signals_ended())
            break;
        if (timeout != 0 && !daemon->overdue)
            due = daemon->deadline;
        ready = poll(set.fds, set.count, timeout);
        if (ready < 0 && errno != EINTR)
            break;
        if (look(daemon)) /* before anybody is answered by the clock as it was */
            visor_daemon_handle(daemon, &timer);
        visor_witnesses_look(daemon->witnesses, due);
        if (ready > 0)
            dispatch(daemon, &set);
        take_held(daemon);
        if (visor_helper_pending(daemon->helper))
            take_helper(daemon);
        daemon->overdue = !daemon->ended && !visor_mono_before(visor_clock_raw(), daemon->deadline);
        if (daemon->overdue)
            tick(daemon);
        visor_once_look(daemon);
    }
}
