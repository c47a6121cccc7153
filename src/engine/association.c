/* The schedule of an association: when a request is due, retried, given up, and the switches that
 * people and the core turn. What a request holds is in request.c, replies are judged in reply.c.
 *
 * Polls lie on a grid (`slot`), so that jitter and retries do not change the long-run rate of one
 * request a poll; bursts are spaced as chronyd's. Left to others: the poll interval's choice
 * (core), sockets and MACs (port), the separation of several sources' requests (core, by defer()).
 */
#include "engine/association.h"

#include "base/math.h"

#define NEVER           ((visor_mono){INT64_MAX})
#define MS              (VISOR_NS_PER_S / 1000)
#define INITIAL_DELAY   (200 * MS)
#define JITTER          0.02                 /* of the interval, added at random */
#define BURST_INTERVAL  (2 * VISOR_NS_PER_S) /* at most, and a quarter of the poll */
#define IBURST_GOOD     4
#define IBURST_TOTAL    8
#define BURST_GOOD      1
#define BURST_TOTAL     4
#define WARM_UP         (2 * VISOR_NS_PER_S)
#define RETRY_AFTER     (1900 * MS) /* a missing reply is retried within 2 s */
#define RETRY_TRUST     2           /* retries without an answer before they are no use */
#define RETRY_PRESSED   (-6)        /* the same while it is pressed */
#define RETRY_KISSED    (-16)       /* trust after a kiss-o'-death: none for 32 answers */
#define RETRY_EARNED    3           /* by one that is answered */
#define RETRY_REACH     4           /* of the last 8 polls answered */
#define PRESSED_MOST    8           /* requests a poll of a source that is pressed */
#define OWED_MOST       8
#define HEARTBEAT_REACH 7 /* it has answered one of the last three */
#define GOOD_FIRST      3 /* samples that selection waits for: no poll is left out before them */
#define VAIN_POLLS      8 /* in succession: the interval is doubled */
#define VAIN_POLLS_MORE 4 /* doubled again; and for who has never answered */
#define VAIN_POLL_MOST  3 /* log2 */
#define SERVER_INTERVAL (4 * VISOR_NS_PER_S) /* a server's processing time at most */
#define SEPARATION_MIN  (2 * MS)
#define SEPARATION_MAX  (200 * MS)
#define SHARES_LEAST    8 /* of an interval: requests to all sources fit into the first half of it */
#define PUT_OFF_MOST    8 /* separations in all: those who ask more often must not starve a source */
#define PEER_STRETCH    1.1
#define PEER_ROUNDING   1.4142
#define LATENCY_MAX     MS
#define STAMP_SLACK     1000 /* ns: of a card's clock that is converted, beyond what it says */
#define MAX_DELAY_MAX_S 1000.0

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static int64_t interval_ns(int poll)
{
    return poll >= 0 ? VISOR_NS_PER_S << poll : VISOR_NS_PER_S >> -poll;
}

static bool is_client(const struct visor_association *a)
{
    return a->config.kind != VISOR_SOURCE_PEER;
}

static bool is_active(const struct visor_association *a)
{
    return (a->online || a->burst.active) && !a->denied;
}

/* What an interval is on average with its jitter. */
static int64_t mean_ns(int64_t interval)
{
    return interval + (int64_t)(JITTER / 2.0 * (double)interval);
}

static int64_t jitter_ns(struct visor_association *a, int64_t interval)
{
    return (int64_t)(visor_rng_uniform(a->rng) * JITTER * (double)interval);
}

/* Ours, whatever the peer's. A source that is silent, or follows us, is asked less often, so that
 * the dead are left in peace; after its first useful answer all is as before. */
int visor_association_own_poll(const struct visor_association *a)
{
    uint32_t vain = a->vain_polls;
    uint32_t enough = a->total_valid > 0 ? VAIN_POLLS : VAIN_POLLS_MORE;
    int more = vain < enough ? 0 : 1 + (int)((vain - enough) / VAIN_POLLS_MORE);

    return clamp(a->poll + (more < VAIN_POLL_MOST ? more : VAIN_POLL_MOST), a->minpoll, a->maxpoll);
}

/* A source on the same link costs nobody anything, and sees at once that this machine has stopped.
 */
static bool has_heartbeat(const struct visor_association *a)
{
    return a->config.near && a->beside && !a->kissed && is_client(a) &&
           (a->reach & HEARTBEAT_REACH) != 0;
}

/* Sub-second polling is for sources that answer from nearby. */
int visor_association_poll(const struct visor_association *a)
{
    int poll = visor_association_own_poll(a);

    if (poll > a->remote_poll && a->reach && !is_client(a))
        poll = a->remote_poll > a->minpoll ? a->remote_poll : a->minpoll;
    if (poll < 0 && (!a->reach || !a->near))
        poll = 0;
    return poll > 0 && has_heartbeat(a) ? 0 : poll;
}

/* What the poll interval is stretched to: the core wants it continuous, the protocol's exponent is
 * the power of two below. */
static int64_t spacing_ns(const struct visor_association *a)
{
    int poll = visor_association_poll(a);
    int64_t interval = interval_ns(poll);

    if (poll != a->poll || poll >= a->maxpoll || !is_client(a))
        return interval;
    return (int64_t)((double)interval * a->stretch);
}

static int64_t burst_interval_ns(const struct visor_association *a)
{
    int64_t quarter = interval_ns(visor_association_poll(a)) / 4;

    return quarter < BURST_INTERVAL ? quarter : BURST_INTERVAL;
}

/* The next request of an ordinary poll, a full interval after the slot of this one; after a
 * warm-up at short polls a little later. */
static void plan_next_slot(struct visor_association *a)
{
    int64_t interval = spacing_ns(a);
    visor_mono earliest = visor_mono_add(a->queued, interval / 2);

    a->planned_ns = interval;
    a->on_grid = true;
    a->next = visor_mono_add(a->slot, interval + jitter_ns(a, interval));
    if (visor_mono_before(a->next, earliest))
        a->next = earliest;
}

static void plan_first(struct visor_association *a, visor_mono now)
{
    visor_mono earliest = visor_mono_add(now, INITIAL_DELAY + jitter_ns(a, VISOR_NS_PER_S));

    a->next = earliest;
    if (a->request.sent.by != VISOR_STAMPER_NONE) {
        int64_t interval = a->burst.active ? burst_interval_ns(a) : spacing_ns(a);
        visor_mono due = visor_mono_add(a->request.sent.raw, interval);

        if (visor_mono_before(earliest, due))
            a->next = due;
    }
    a->planned_ns = spacing_ns(a);
    a->on_grid = false;
}

/* In symmetric mode our packet is also the answer to the peer's: the one of higher stratum answers
 * soon after it hears, equals send half-way between each other (as chronyd does). */
static void plan_peer(struct visor_association *a, const struct visor_view *view, visor_mono now,
                      bool sending)
{
    int64_t interval = interval_ns(visor_association_poll(a));
    int64_t elapsed = sending ? 0 : visor_mono_diff(now, a->queued);
    int ours = view->stratum ? view->stratum : VISOR_NTP_STRATUM_MAX;
    int difference = a->remote_stratum - ours;
    double share = (double)elapsed / (double)interval;

    if ((difference > 0 && share * PEER_STRETCH < 1.0) ||
        (!sending && difference == 0 && share > PEER_STRETCH - 0.5))
        interval = (int64_t)((double)interval * PEER_STRETCH);
    a->planned_ns = spacing_ns(a);
    a->next = visor_mono_add(a->queued, interval + jitter_ns(a, interval));
    if (visor_mono_before(a->next, now))
        a->next = now;
}

void visor_association_reset(struct visor_association *a)
{
    a->asked = a->answered = false;
    a->unanswered = a->missed = a->missed_polls = a->vain_polls = 0;
    a->owed = 0;
    a->warmup = 0;
    a->retries = 0;
    a->await_until = NEVER;
    a->request.sent.by = VISOR_STAMPER_NONE;
    a->request.transmit = a->request.receive = 0;
    a->previous = (struct visor_association_exchange){0};
    a->previous_poll = 0;
    a->previous_unanswered = 0;
    a->stamps_valid = false;
    a->remote_receive = a->remote_transmit = a->remote_mono = 0;
    a->remote_epoch = 0;
    a->remote_shift_s = 0.0;
    a->remote_held_ns = 0;
    a->received = a->start_received = (struct visor_stamp){.by = VISOR_STAMPER_NONE};
    a->start_transmit = 0;
    a->start_updated = false;
    a->remote_poll = 0;
    a->remote_stratum = 0;
    a->remote_root_delay_s = a->remote_root_dispersion_s = 0.0;
    a->sampled = false;
    a->last_delay_s = 0.0;
    a->delay_count = 0;
}

static void close_socket(struct visor_association *a)
{
    if (a->close_at.ns != INT64_MAX)
        a->close_wanted = true;
    a->close_at = NEVER;
}

static void start(struct visor_association *a, visor_mono now)
{
    struct visor_stamp sent = a->request.sent;

    visor_association_reset(a);
    a->request.sent = sent; /* only to keep the interval; nothing can answer it any more */
    a->reach = 0;
    a->reach_size = 0;
    a->unreached = 0;
    a->denied = a->kissed = false;
    plan_first(a, now);
}

static void stop(struct visor_association *a)
{
    a->burst = (struct visor_association_burst){0};
    a->next = a->await_until = NEVER;
    a->retries = 0;
    a->reach = 0;
    a->reach_size = 0;
    close_socket(a);
}

void visor_association_init(struct visor_association *a, const struct visor_source_config *config,
                            const struct visor_address *remote, uint32_t id, struct visor_rng *rng,
                            visor_mono now)
{
    *a = (struct visor_association){.config = *config, .remote = *remote, .id = id, .rng = rng};
    a->minpoll = clamp(config->minpoll, VISOR_ASSOCIATION_POLL_MIN, VISOR_ASSOCIATION_POLL_MAX);
    a->maxpoll = clamp(config->maxpoll, a->minpoll, VISOR_ASSOCIATION_POLL_MAX);
    a->version = (uint8_t)(config->version ? clamp(config->version, 1, VISOR_NTP_VERSION)
                                           : VISOR_NTP_VERSION);
    if (!(a->config.max_delay <= MAX_DELAY_MAX_S))
        a->config.max_delay = MAX_DELAY_MAX_S;
    a->poll = a->minpoll;
    a->stretch = 1.0;
    a->retry_trust = RETRY_TRUST;
    a->next = a->await_until = a->close_at = NEVER;
    visor_association_reset(a);
    if (!config->offline)
        visor_association_set_online(a, true, now);
}

visor_mono visor_association_deadline(const struct visor_association *a)
{
    visor_mono deadline = a->next;

    if (visor_mono_before(a->await_until, deadline))
        deadline = a->await_until;
    if (visor_mono_before(a->close_at, deadline))
        deadline = a->close_at;
    return deadline;
}

/* ---- sending ---- */

static void transmit(struct visor_association *a, const struct visor_association_context *context,
                     struct visor_action_send *send)
{
    struct visor_ntp_header header;

    visor_association_compose(a, context, &header, send);
    a->queued = context->now.raw;
    a->request = (struct visor_association_exchange){
        .sent = {.raw = a->queued, .error_ns = LATENCY_MAX, .by = VISOR_STAMPER_DAEMON},
        .transmit = header.transmit,
        .receive = header.receive,
        .token = a->tokens};
    a->answered = a->start_updated = a->retrying = false;
    a->asked = true;
    a->unanswered++;
    a->total_tx++;
    if (is_client(a)) {
        close_socket(a);
        a->close_at =
            visor_mono_add(a->queued, SERVER_INTERVAL + visor_ns_from_seconds(a->config.max_delay));
    }
}

/* ---- the timer ---- */

static void shift_reach(struct visor_association *a, bool answered)
{
    a->reach = (uint8_t)(a->reach << 1 | (answered ? 1 : 0));
    if (a->reach_size < 8)
        a->reach_size++;
    a->unreached = a->reach ? 0 : a->unreached + 1;
}

static int ones(uint8_t bits)
{
    int count = 0;

    for (; bits; bits &= (uint8_t)(bits - 1))
        count++;
    return count;
}

/* How long to wait for a reply before it counts as missing: before the first one nothing is known
 * but what `maxdelay` would refuse. */
static int64_t patience_ns(const struct visor_association *a)
{
    int64_t usual =
        visor_ns_from_seconds(a->total_valid ? 1.5 * a->last_delay_s + 0.25 : a->config.max_delay);
    int64_t least = RETRY_AFTER, share = spacing_ns(a) / PRESSED_MOST;

    if (a->pressed && share < least)
        least = share;
    return usual > least ? usual : least;
}

/* A source that has been answering is asked again; one that drops most requests or has been silent
 * for a poll is not, unless the core must know whether it is silent. Where retries are not answered
 * either, the loss is no accident but a rate limit, which they must not try to get round. Of the
 * polls that `filter` puts together some may miss. */
static int retries_allowed(const struct visor_association *a, int pressed)
{
    int poll = visor_association_poll(a), usual = poll == 2 ? 1 : 2;

    if (!is_client(a) || a->config.filter_length > 1 || a->burst.active || a->warmup ||
        a->missed_polls > 1 || (a->total_valid && patience_ns(a) > RETRY_AFTER))
        return 0;
    if (poll < 2 || (a->polls > 1 && ones(a->reach) < RETRY_REACH))
        usual = 0;
    return a->pressed && pressed - 1 > usual ? pressed - 1 : usual;
}

static int least_trust(const struct visor_association *a)
{
    return a->pressed ? RETRY_PRESSED : 0;
}

static void give_up(struct visor_association *a)
{
    a->await_until = NEVER;
    if (a->retrying && a->retry_trust > least_trust(a))
        a->retry_trust--;
    if (a->missed++ == 0)
        a->missed_since = a->queued;
}

/* The last poll's outcome, at the start of the next. */
static void close_poll(struct visor_association *a)
{
    if (!a->asked || a->answered)
        return;
    if (a->await_until.ns != INT64_MAX)
        give_up(a);
    a->missed_polls++;
    a->vain_polls++;
    shift_reach(a, false);
}

static bool burst_ends(struct visor_association *a)
{
    if (!a->burst.active) {
        int longer = a->poll - a->minpoll;

        if (a->config.burst && is_client(a) && longer > 0)
            a->burst =
                (struct visor_association_burst){.active = true,
                                                 .good = BURST_GOOD,
                                                 .total = longer >= 2 ? BURST_TOTAL : 1 << longer};
    } else if (!a->burst.then_offline && a->burst.total <= 1) {
        /* the last one of an online burst begins the ordinary interval */
        a->burst = (struct visor_association_burst){0};
    } else if (a->burst.then_offline && a->burst.total <= 0) {
        return true;
    }
    return false;
}

static void warm_up(struct visor_association *a, bool interleaved)
{
    if (!is_client(a))
        return;
    if (a->config.presend <= visor_association_poll(a) && !a->warmup && !a->burst.active)
        a->warmup = interleaved ? 2 : 1;
    else if (a->warmup > 0)
        a->warmup--;
}

static void plan_after_send(struct visor_association *a, const struct visor_view *view)
{
    visor_mono now = a->queued;

    if (!is_client(a)) {
        plan_peer(a, view, now, true);
    } else if (a->burst.active) {
        int64_t interval = burst_interval_ns(a);

        a->burst.total--;
        a->on_grid = false;
        a->planned_ns = spacing_ns(a);
        a->next = visor_mono_add(now, interval + jitter_ns(a, interval));
    } else if (a->warmup) {
        a->on_grid = false;
        a->next = visor_mono_add(now, WARM_UP + jitter_ns(a, WARM_UP));
    } else {
        plan_next_slot(a);
    }
}

/* The nominal time of a request sent now: its place in the grid unless it comes far too late. */
static visor_mono nominal_slot(const struct visor_association *a, visor_mono now)
{
    int64_t interval = a->planned_ns;
    visor_mono slot = visor_mono_add(a->slot, mean_ns(interval));
    int64_t late = visor_mono_diff(now, slot);

    return a->on_grid && late >= -interval / 4 && late <= interval / 4 ? slot : now;
}

/* A retry is owed: it takes the place of a later poll, though never of two in a row, so that in the
 * long run there is one request a poll whatever is lost. */
static bool leave_out(struct visor_association *a, visor_mono now)
{
    a->left_out = a->owed > 0 && a->total_good >= GOOD_FIRST && !a->left_out && a->on_grid &&
                  !a->burst.active && !a->warmup;
    if (!a->left_out)
        return false;
    a->owed--;
    a->slot = nominal_slot(a, now);
    plan_next_slot(a);
    return true;
}

static bool begin_poll(struct visor_association *a, const struct visor_association_context *context,
                       struct visor_action_send *send)
{
    visor_mono now = context->now.raw;

    if (leave_out(a, now))
        return false;
    close_poll(a);
    if (burst_ends(a)) {
        stop(a);
        return false;
    }
    if (!a->warmup) { /* what follows a warm-up belongs to the same poll */
        a->slot = nominal_slot(a, now);
        a->polls++;
    }
    warm_up(a, a->config.xleave && a->unanswered < VISOR_ASSOCIATION_MISSED_MAX);
    transmit(a, context, send);
    plan_after_send(a, context->view);
    a->pressed = context->pressed > 0 && context->pressed <= PRESSED_MOST;
    a->retries = retries_allowed(a, context->pressed);
    a->await_until = visor_mono_add(now, patience_ns(a));
    return true;
}

bool visor_association_handle_timer(struct visor_association *a,
                                    const struct visor_association_context *context,
                                    struct visor_action_send *send)
{
    visor_mono now = context->now.raw;
    bool retry = false;

    if (!visor_mono_before(now, a->close_at))
        close_socket(a);
    if (!visor_mono_before(now, a->await_until)) {
        give_up(a);
        retry = a->retries > 0 && a->retry_trust > least_trust(a);
    }
    if (!is_active(a))
        return false;
    if (!visor_mono_before(now, a->next))
        return begin_poll(a, context, send);
    if (!retry)
        return false;
    a->retries--;
    a->owed += a->owed < OWED_MOST;
    transmit(a, context, send);
    a->retrying = true;
    a->await_until = visor_mono_add(now, patience_ns(a));
    return true;
}

bool visor_association_take_close(struct visor_association *a)
{
    bool wanted = a->close_wanted;

    a->close_wanted = false;
    return wanted;
}

void visor_association_handle_sent(struct visor_association *a,
                                   const struct visor_event_sent *event, visor_mono now)
{
    int64_t delay = visor_mono_diff(event->sent.raw, a->queued);

    if (event->error) {
        if (event->token != a->tokens)
            return;
        a->sends_failed++;
        a->send_error = event->error;
        if (a->total_tx)
            a->total_tx--;
        if (a->burst.active && !a->burst.then_offline && !a->reach)
            a->burst.total++; /* a burst waits for the network */
        if (a->config.auto_offline)
            visor_association_set_online(a, false, now);
        return;
    }
    if (event->sent.by == VISOR_STAMPER_KERNEL)
        a->total_kernel_tx++;
    else if (event->sent.by == VISOR_STAMPER_HARDWARE)
        a->total_hardware_tx++;
    if (event->token != a->request.token || a->request.sent.by == VISOR_STAMPER_NONE ||
        event->sent.by < a->request.sent.by || delay < -event->sent.error_ns - STAMP_SLACK ||
        delay > VISOR_NS_PER_S)
        return;
    a->sends_failed = 0;
    a->send_error = 0;
    a->request.sent = event->sent;
    if (a->previous.token == event->token && a->previous.sent.by != VISOR_STAMPER_NONE)
        a->previous.sent = event->sent;
    a->send_latency_ns += (delay - a->send_latency_ns) / 8;
    a->send_latency_ns = a->send_latency_ns < 0             ? 0
                         : a->send_latency_ns > LATENCY_MAX ? LATENCY_MAX
                                                            : a->send_latency_ns;
}

/* ---- after a reply ---- */

bool visor_association_listens(const struct visor_association *a)
{
    return is_active(a);
}

/* A new interval counts from the slot of the last poll; bursts and warm-ups go on as planned. */
static void replan(struct visor_association *a, visor_mono now)
{
    if (!is_active(a) || a->burst.active || a->warmup || !a->asked ||
        a->planned_ns == spacing_ns(a))
        return;
    plan_next_slot(a);
    if (visor_mono_before(a->next, now))
        a->next = now;
}

static void burst_answered(struct visor_association *a, visor_mono now)
{
    if (--a->burst.good > 0)
        return;
    if (a->burst.then_offline) {
        stop(a);
        return;
    }
    a->burst = (struct visor_association_burst){0};
    a->slot = a->queued;
    plan_next_slot(a);
    if (visor_mono_before(a->next, now))
        a->next = now;
}

static void earn_retries(struct visor_association *a)
{
    if (a->retrying)
        a->retry_trust += RETRY_EARNED;
    else if (a->retry_trust < RETRY_TRUST && a->total_valid % 2 == 0)
        a->retry_trust++;
    if (a->retry_trust > 2 * RETRY_TRUST)
        a->retry_trust = 2 * RETRY_TRUST;
}

void visor_association_answered(struct visor_association *a, const struct visor_view *view,
                                visor_mono now, bool good, bool synced)
{
    shift_reach(a, synced);
    earn_retries(a);
    a->await_until = NEVER;
    a->retries = 0;
    if (is_client(a))
        close_socket(a);
    if (a->burst.active && good)
        burst_answered(a, now);
    if (!is_active(a))
        return;
    if (is_client(a))
        replan(a, now);
    else
        plan_peer(a, view, now, false);
}

void visor_association_back_off(struct visor_association *a, bool rate, visor_mono now)
{
    int64_t pause;

    if (!is_active(a))
        return;
    a->kissed = true;
    pause = 4 * interval_ns(visor_association_poll(a));
    if (!rate) {
        a->denied = true;
        stop(a);
        return;
    }
    a->retry_trust = RETRY_KISSED;
    if (a->burst.active) {
        a->burst.good = 1;
        burst_answered(a, now);
    }
    if (!is_active(a))
        return;
    a->slot = visor_mono_add(a->slot, pause);
    a->next = visor_mono_add(a->next, pause);
}

/* ---- switches ---- */

void visor_association_set_poll(struct visor_association *a, int poll, visor_mono now)
{
    a->poll = clamp(poll, a->minpoll, a->maxpoll);
    a->stretch = 1.0;
    replan(a, now);
}

void visor_association_set_interval(struct visor_association *a, double seconds, visor_mono now)
{
    double nearest = is_client(a) ? 1.0 : PEER_ROUNDING; /* peers know powers of two only */
    int poll = a->minpoll;

    while (poll < a->maxpoll && visor_math_exp2i(poll + 1) <= nearest * seconds)
        poll++;
    a->poll = poll;
    a->stretch = seconds / visor_math_exp2i(poll);
    if (!(a->stretch > 1.0))
        a->stretch = 1.0;
    if (a->stretch > 2.0)
        a->stretch = 2.0;
    replan(a, now);
}

double visor_association_interval(const struct visor_association *a)
{
    return visor_seconds_from_ns(spacing_ns(a));
}

void visor_association_set_minpoll(struct visor_association *a, int minpoll, visor_mono now)
{
    if (minpoll < VISOR_ASSOCIATION_POLL_MIN || minpoll > VISOR_ASSOCIATION_POLL_MAX)
        return;
    a->minpoll = minpoll;
    if (a->maxpoll < minpoll)
        a->maxpoll = minpoll;
    visor_association_set_poll(a, a->poll, now);
}

void visor_association_set_maxpoll(struct visor_association *a, int maxpoll, visor_mono now)
{
    if (maxpoll < VISOR_ASSOCIATION_POLL_MIN || maxpoll > VISOR_ASSOCIATION_POLL_MAX)
        return;
    a->maxpoll = maxpoll;
    if (a->minpoll > maxpoll)
        a->minpoll = maxpoll;
    visor_association_set_poll(a, a->poll, now);
}

void visor_association_move(struct visor_association *a, int64_t by_ns)
{
    int64_t shortest = mean_ns(interval_ns(a->minpoll)) - visor_mono_diff(a->next, a->queued);

    if (!a->on_grid || a->burst.active || a->warmup)
        return;
    if (by_ns < 0 && by_ns < shortest)
        by_ns = shortest < 0 ? shortest : 0;
    a->slot = visor_mono_add(a->slot, by_ns);
    a->next = visor_mono_add(a->next, by_ns);
}

int64_t visor_association_separation_ns(const struct visor_association *a, int sources)
{
    int share = sources > SHARES_LEAST / 2 ? 2 * sources : SHARES_LEAST;
    int64_t separation = interval_ns(visor_association_poll(a)) / share;

    return separation < SEPARATION_MIN   ? SEPARATION_MIN
           : separation > SEPARATION_MAX ? SEPARATION_MAX
                                         : separation;
}

void visor_association_defer(struct visor_association *a, visor_mono now, int64_t separation_ns)
{
    visor_mono until = visor_mono_add(now, separation_ns), latest;

    if (a->next.ns == INT64_MAX || !visor_mono_before(a->next, until))
        return;
    if (a->next.ns != a->put_off.ns)
        a->due = a->next;
    latest = visor_mono_add(a->due, PUT_OFF_MOST * separation_ns);
    until = visor_mono_before(latest, until) ? latest : until;
    if (visor_mono_before(a->next, until))
        a->next = until;
    a->put_off = a->next;
}

void visor_association_start_burst(struct visor_association *a, int good, int total, visor_mono now)
{
    if (!is_client(a) || a->burst.active || a->denied || good < 1 || total < 1)
        return;
    a->burst = (struct visor_association_burst){
        .active = true, .good = good, .total = total, .then_offline = !a->online};
    plan_first(a, now);
}

void visor_association_set_online(struct visor_association *a, bool online, visor_mono now)
{
    if (online && a->denied && a->online) {
        start(a, now);
    } else if (online && !a->online) {
        a->online = true;
        if (a->burst.active) {
            a->burst.then_offline = false;
            return;
        }
        start(a, now);
        if (a->config.iburst)
            visor_association_start_burst(a, IBURST_GOOD, IBURST_TOTAL, now);
    } else if (!online && a->online) {
        a->online = a->denied = false;
        if (a->burst.active)
            a->burst.then_offline = true;
        else
            stop(a);
    }
}

void visor_association_change_address(struct visor_association *a,
                                      const struct visor_address *remote, visor_mono now)
{
    a->remote = *remote;
    a->poll = a->minpoll;
    a->stretch = 1.0;
    a->burst = (struct visor_association_burst){0};
    a->valid = (struct visor_association_reply){0};
    a->total_tx = a->total_rx = a->total_valid = a->total_good = 0;
    a->total_kernel_tx = a->total_kernel_rx = a->total_hardware_tx = a->total_hardware_rx = 0;
    close_socket(a);
    a->denied = false;
    if (is_active(a)) {
        start(a, now);
        return;
    }
    visor_association_reset(a);
    stop(a); /* a burst, which has just ended, was all that was going on */
}
