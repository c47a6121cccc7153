/* What an association makes of a packet: the tests of RFC 5905 section 8 and RFC 9769, chronyd's
 * further ones (A-D), kiss-o'-death, the choice of stamps in the interleaved modes, the sample.
 * Scheduling is in association.c. */
#include "base/math.h"
#include "engine/association.h"
#include "engine/serve.h"

#define SERVER_INTERVAL_S 4.0 /* a server's processing time at most */
#define NEAR_S            0.01
#define BESIDE_S          0.001
#define OFFSET_MAX_NS     (INT64_C(4294967296) * VISOR_NS_PER_S) /* beyond: another era */
#define INTERLEAVED_RATIO 0.1
#define MONO_SHIFT_MAX_S  16.0
#define SWITCH_RATE       1e-4
#define SKEW_KNOWN        1e-6
#define SKEW_UNKNOWN      1e-4
#define QUANTILE_MIN      0.05
#define QUANTILE_MAX      0.95

struct reply_work {
    struct visor_association *a;
    const struct visor_event_packet *packet;
    const struct visor_association_context *context;
    struct visor_association_reply *reply;
    struct visor_ntp_layout layout;
    struct visor_ntp_mono_root mono;
    bool has_mono;
    int64_t held_ns; /* of the request that this reply tells of; 0: not known */
    bool measured;   /* there were stamps to make a sample of */
    struct visor_stamp arrived;
    double shift_s; /* of the remote clock since its last reply */

    /* the stamps chosen for the sample */
    struct visor_stamp sent, received;
    visor_wall remote_received, remote_sent, request_received;
    int64_t request_held_ns;
    double root_delay_s, root_dispersion_s;
    visor_wall reference;
};

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static bool is_client(const struct visor_association *a)
{
    return a->config.kind != VISOR_SOURCE_PEER;
}

/* ---- reading ---- */

static void read_fields(struct reply_work *w)
{
    struct visor_association_reply *reply = w->reply;
    struct visor_ntp_field field;
    uint32_t wanted = w->a->config.extfields & w->layout.fields;
    size_t at = VISOR_NTP_HEADER;

    reply->root_delay_s = visor_seconds_from_ns(visor_ntp_short_to_ns(reply->header.root_delay));
    reply->root_dispersion_s =
        visor_seconds_from_ns(visor_ntp_short_to_ns(reply->header.root_dispersion));
    while (visor_ntp_field_next(w->packet->data, &w->layout, &at, &field)) {
        if (wanted & VISOR_NTP_HAS_MONO_ROOT && field.type == VISOR_NTP_FIELD_MONO_ROOT &&
            visor_ntp_mono_root_read(&w->mono, field.body, field.size))
            w->has_mono = true;
        if (wanted & VISOR_NTP_HAS_NET_CORRECTION && field.type == VISOR_NTP_FIELD_NET_CORRECTION)
            w->held_ns = visor_ntp_net_correction_read(field.body, field.size);
    }
    if (!w->has_mono)
        return;
    reply->root_delay_s = visor_seconds_from_ns(visor_ntp_short28_to_ns(w->mono.root_delay));
    reply->root_dispersion_s =
        visor_seconds_from_ns(visor_ntp_short28_to_ns(w->mono.root_dispersion));
}

static bool authentic(const struct reply_work *w)
{
    uint32_t key = w->a->config.key;

    if (key == 0)
        return w->layout.mac_size == 0;
    return w->packet->auth == VISOR_AUTH_VALID && w->packet->key == key && w->layout.mac_size > 4;
}

/* Tests 1 to 7. */
static void judge_packet(struct reply_work *w)
{
    struct visor_association *a = w->a;
    struct visor_association_reply *reply = w->reply;
    const struct visor_ntp_header *h = &reply->header;
    bool basic = h->origin == a->request.transmit && h->origin != 0;
    bool interleaved = a->config.xleave && h->origin == a->request.receive && h->origin != 0;
    uint16_t tests = 0;

    reply->interleaved = !basic && interleaved;
    if (h->receive != a->remote_receive || h->transmit != a->remote_transmit)
        tests |= VISOR_TEST_1;
    if (basic || interleaved)
        tests |= VISOR_TEST_2;
    if (h->origin && h->receive && h->transmit)
        tests |= VISOR_TEST_3;
    if (authentic(w))
        tests |= VISOR_TEST_5;
    if (h->leap != VISOR_LEAP_UNSYNCHRONIZED && h->stratum > 0 &&
        h->stratum < VISOR_NTP_STRATUM_MAX)
        tests |= VISOR_TEST_6;
    if (reply->root_delay_s / 2.0 + reply->root_dispersion_s < VISOR_NTP_DISPERSION_MAX_S)
        tests |= VISOR_TEST_7;
    reply->tests = tests;
    reply->valid = (tests & VISOR_TEST_1) && (tests & VISOR_TEST_2) && (tests & VISOR_TEST_3) &&
                   (tests & VISOR_TEST_5);
    reply->synced = reply->valid && (tests & VISOR_TEST_6) && (tests & VISOR_TEST_7);
    if (reply->valid && h->leap == VISOR_LEAP_UNSYNCHRONIZED && h->stratum == 0 &&
        (h->refid == VISOR_NTP_KISS_RATE || h->refid == VISOR_NTP_KISS_DENY ||
         h->refid == VISOR_NTP_KISS_RSTR))
        reply->kiss = h->refid;
}

/* ---- the sample ---- */

/* How the remote clock moved against its continuous timescale since the last reply (F323). */
static void find_shift(struct reply_work *w)
{
    const struct visor_association *a = w->a;
    double shift;

    if (!w->has_mono || !w->mono.receive || !a->remote_mono || a->remote_epoch != w->mono.epoch)
        return;
    /* a difference of differences: exact */
    shift = visor_seconds_from_ns(visor_ntp_diff_ns(w->reply->header.receive - a->remote_receive,
                                                    w->mono.receive - a->remote_mono));
    if (visor_math_size(shift) <= MONO_SHIFT_MAX_S)
        w->shift_s = shift;
}

/* An interleaved reply brings the departure of the reply before. It is paired with that exchange's
 * request where it is known and much closer than the new one; stamps that the remote took before it
 * moved its clock are moved along. */
static void choose_interleaved(struct reply_work *w)
{
    const struct visor_association *a = w->a;
    const struct visor_association_reply *reply = w->reply;
    const struct visor_ntp_header *h = &reply->header;
    int64_t shift_ns = visor_ns_from_seconds(w->shift_s);

    w->received = a->received;
    w->remote_sent = visor_wall_add(visor_ntp_to_wall(h->transmit), shift_ns);
    if (a->previous.sent.by != VISOR_STAMPER_NONE &&
        INTERLEAVED_RATIO * (double)visor_mono_diff(a->request.sent.raw, a->received.raw) >
            (double)visor_mono_diff(a->received.raw, a->previous.sent.raw)) {
        w->sent = a->previous.sent;
        w->remote_received = visor_wall_add(visor_ntp_to_wall(a->remote_receive), shift_ns);
        w->request_received = w->remote_received;
        w->request_held_ns = a->remote_held_ns;
        w->root_delay_s = a->remote_root_delay_s;
        w->root_dispersion_s = a->remote_root_dispersion_s;
    } else {
        w->sent = a->request.sent;
        w->remote_received = visor_ntp_to_wall(h->receive);
        w->request_received = visor_ntp_to_wall(a->remote_receive);
        w->root_delay_s = larger(reply->root_delay_s, a->remote_root_delay_s);
        w->root_dispersion_s = larger(reply->root_dispersion_s, a->remote_root_dispersion_s);
    }
}

static void choose_stamps(struct reply_work *w)
{
    const struct visor_association_reply *reply = w->reply;

    find_shift(w);
    w->request_held_ns = w->held_ns;
    if (reply->interleaved) {
        choose_interleaved(w);
        return;
    }
    w->sent = w->a->request.sent;
    w->received = w->arrived;
    w->remote_received = w->request_received = visor_ntp_to_wall(reply->header.receive);
    w->remote_sent = visor_ntp_to_wall(reply->header.transmit);
    w->root_delay_s = reply->root_delay_s;
    w->root_dispersion_s = reply->root_dispersion_s;
}

static double precision_s(const struct reply_work *w)
{
    return visor_math_exp2i(w->context->precision) + visor_math_exp2i(w->reply->header.precision);
}

/* What switches held the packets for is no delay of the path (the way through them may differ), but
 * they may lie, so the bound goes on counting it. Both links are taken to be as fast as ours. They
 * may run fast by 100 ppm, and something must be left to tell good samples from bad ones. */
static void take_off_held(struct reply_work *w)
{
    struct visor_association_reply *reply = w->reply;
    int64_t back = w->received.held_ns, there = w->request_held_ns - w->received.frame_ns;
    double held = visor_seconds_from_ns(back + there) * (1.0 - SWITCH_RATE);

    if (w->received.by != VISOR_STAMPER_HARDWARE || back <= 0 || w->request_held_ns <= 0 ||
        held < 0.0 || held > reply->delay_s)
        return;
    w->reference = visor_wall_add(w->reference, (back - there) / 2);
    w->root_delay_s += held;
    reply->delay_s = larger(reply->delay_s - held, precision_s(w));
}

/* offset = middle of T2, T3 - middle of T1, T4; delay = (T4 - T1) - (T3 - T2), the local part at
 * the rate of UTC. */
static void measure(struct reply_work *w)
{
    struct visor_association_reply *reply = w->reply;
    const struct visor_prediction *expected = &w->context->prediction;
    const struct visor_reading *now = &w->context->now;
    int64_t local_ns = visor_mono_diff(w->received.raw, w->sent.raw);
    int64_t remote_ns = visor_wall_diff(w->remote_sent, w->remote_received);
    double precision = precision_s(w), local = visor_seconds_from_ns(local_ns);
    double delay = visor_seconds_from_ns(visor_ns_diff(local_ns, remote_ns)) +
                   local * expected->rate_ppb * 1e-9;
    double error = visor_seconds_from_ns(
        w->sent.error_ns > w->received.error_ns ? w->sent.error_ns : w->received.error_ns);
    visor_wall real;

    reply->at = visor_mono_add(w->sent.raw, local_ns / 2);
    w->reference = visor_wall_add(visor_wall_add(w->remote_received, remote_ns / 2),
                                  visor_ns_from_seconds(w->a->config.offset));
    reply->delay_s = larger(visor_math_size(delay), precision);
    take_off_held(w);
    reply->dispersion_s = larger(precision, error) +
                          visor_math_size(local) * (expected->known ? SKEW_KNOWN : SKEW_UNKNOWN);
    reply->response_s = visor_math_size(
        visor_seconds_from_ns(visor_wall_diff(w->remote_sent, w->request_received)));
    real = visor_wall_add(
        now->real,
        -visor_ns_from_seconds(visor_seconds_from_ns(visor_mono_diff(now->raw, reply->at)) *
                               (1.0 + now->frequency_ppb * 1e-9)));
    reply->offset_s = visor_seconds_from_ns(visor_wall_diff(w->reference, real));
    reply->tx = w->sent.by;
    reply->rx = w->received.by;
}

/* ---- tests A to D ---- */

/* In symmetric mode several packets of ours may have gone out to one of the peer's: the intervals
 * must not look like that. */
static bool peer_intervals_sane(const struct reply_work *w)
{
    const struct visor_association *a = w->a;
    const struct visor_ntp_header *h = &w->reply->header;
    int poll = a->remote_poll < a->previous_poll ? a->remote_poll : a->previous_poll;
    double interval = visor_math_exp2i(poll);
    double sent = visor_seconds_from_ns(
        visor_wall_diff(w->remote_sent, visor_ntp_to_wall(a->remote_transmit)));

    return w->reply->delay_s <= 0.5 * interval && (int64_t)(h->receive - h->transmit) > 0 &&
           !(a->remote_poll <= a->previous_poll && sent > 1.5 * interval);
}

static bool test_a(const struct reply_work *w)
{
    const struct visor_association *a = w->a;
    const struct visor_association_reply *reply = w->reply;

    if (reply->delay_s - reply->dispersion_s > a->config.max_delay ||
        precision_s(w) > a->config.max_delay || a->warmup > 0)
        return false;
    if (!(visor_math_size(reply->offset_s) < visor_seconds_from_ns(OFFSET_MAX_NS)))
        return false;
    if (is_client(a))
        return reply->response_s <= SERVER_INTERVAL_S &&
               !(reply->interleaved && a->previous.sent.by == VISOR_STAMPER_NONE);
    return !reply->interleaved || peer_intervals_sane(w);
}

static double drift_s(const struct reply_work *w)
{
    double ago = visor_seconds_from_ns(visor_mono_diff(w->reply->at, w->a->last_sample));

    return visor_math_size(ago) * (SKEW_KNOWN + w->context->max_clock_error_ppm * 1e-6);
}

static bool test_b(const struct reply_work *w)
{
    const struct visor_prediction *expected = &w->context->prediction;
    double ratio = w->a->config.max_delay_ratio;

    if (ratio < 1.0 || !expected->known || !w->a->sampled)
        return true;
    return w->reply->delay_s <= expected->min_delay_s * ratio + drift_s(w);
}

/* Number of remembered delays that are smaller. */
static uint32_t rank(const struct visor_association *a, double delay)
{
    uint32_t kept =
        a->delay_count < VISOR_ASSOCIATION_QUANTILE ? a->delay_count : VISOR_ASSOCIATION_QUANTILE;
    uint32_t smaller = 0;

    for (uint32_t i = 0; i < kept; i++)
        smaller += (double)a->delays[i] < delay;
    return smaller;
}

static bool test_quantile(const struct reply_work *w)
{
    const struct visor_association *a = w->a;
    double quantile = a->config.max_delay_quant;
    uint32_t kept =
        a->delay_count < VISOR_ASSOCIATION_QUANTILE ? a->delay_count : VISOR_ASSOCIATION_QUANTILE;

    quantile = quantile < QUANTILE_MIN   ? QUANTILE_MIN
               : quantile > QUANTILE_MAX ? QUANTILE_MAX
                                         : quantile;
    return (double)rank(a, w->reply->delay_s) <= quantile * (double)kept;
}

static bool test_deviation(const struct reply_work *w)
{
    const struct visor_prediction *expected = &w->context->prediction;
    double excess, allowed, error, elapsed;

    if (!expected->known || !w->a->sampled)
        return true;
    allowed = expected->deviation_s * w->a->config.max_delay_dev_ratio + drift_s(w);
    excess = (w->reply->delay_s - expected->min_delay_s) / 2.0;
    if (excess <= allowed)
        return true;
    /* a late packet is believed where the error is much more than lateness explains */
    elapsed = visor_seconds_from_ns(visor_mono_diff(w->reply->at, expected->at));
    error = visor_seconds_from_ns(visor_wall_diff(w->reference, expected->utc)) -
            elapsed * (1.0 + expected->rate_ppb * 1e-9);
    return visor_math_size(error) - excess > allowed;
}

/* It names our address as its reference, or it is ourselves. */
static bool test_d(const struct reply_work *w)
{
    const struct visor_ntp_header *h = &w->reply->header;
    const struct visor_view *view = w->context->view;
    struct visor_ntp_header ours;

    if (!w->context->serving)
        return true;
    if (h->stratum > 1 && h->refid == visor_ntp_refid(&w->packet->local) && h->refid != 0)
        return false;
    visor_serve_describe(view, w->context->now.raw, &ours);
    return !(h->stratum == ours.stratum && h->refid == ours.refid &&
             h->root_delay == ours.root_delay && h->reference != 0 &&
             h->reference == ours.reference);
}

static void judge_sample(struct reply_work *w)
{
    uint16_t *tests = &w->reply->tests;

    if (test_a(w))
        *tests |= VISOR_TEST_A;
    if (test_b(w))
        *tests |= VISOR_TEST_B;
    if (w->a->config.max_delay_quant > 0.0 ? test_quantile(w) : test_deviation(w))
        *tests |= VISOR_TEST_C;
    if (test_d(w))
        *tests |= VISOR_TEST_D;
}

/* ---- remembering ---- */

static void remember_mono(struct reply_work *w)
{
    struct visor_association *a = w->a;

    if (w->has_mono && w->mono.receive) {
        a->remote_epoch = w->mono.epoch;
        a->remote_mono = w->mono.receive;
        a->remote_shift_s += w->shift_s;
    } else {
        a->remote_epoch = 0;
        a->remote_mono = 0;
        a->remote_shift_s = 0.0;
    }
}

/* The stamps of this reply, for the next one in interleaved mode or for our answer in symmetric
 * mode. There a packet that is no valid reply, but may be from the peer, is answered too: so the
 * protocol starts, and starts again after a loss. */
static void remember_stamps(struct reply_work *w, bool good)
{
    struct visor_association *a = w->a;
    const struct visor_association_reply *reply = w->reply;
    const struct visor_ntp_header *h = &reply->header;
    bool newer = (int64_t)(h->transmit - a->remote_transmit) > 0;

    if (reply->valid && (!a->answered || (!is_client(a) && newer))) {
        a->remote_receive = h->receive;
        a->remote_transmit = h->transmit;
        a->remote_held_ns = w->held_ns;
        a->received = w->arrived;
        a->stamps_valid = reply->synced;
        a->start_transmit = 0;
        a->start_received.by = VISOR_STAMPER_NONE;
        a->start_updated = false;
        remember_mono(w);
        /* after a good basic reply the exchange is used up */
        if (reply->interleaved || !good)
            a->previous = a->request;
        else
            a->previous = (struct visor_association_exchange){0};
    } else if (!is_client(a) && (reply->tests & VISOR_TEST_1) && h->transmit &&
               (reply->tests & VISOR_TEST_5) &&
               (!a->start_updated || (int64_t)(h->transmit - a->start_transmit) > 0)) {
        a->start_transmit = h->transmit;
        a->start_received = w->arrived;
        a->start_updated = true;
    }
}

static void note_answer(struct reply_work *w)
{
    struct visor_association *a = w->a;
    const struct visor_association_reply *reply = w->reply;
    const struct visor_ntp_header *h = &reply->header;

    a->answered = true;
    a->remote_poll = h->poll < VISOR_ASSOCIATION_POLL_MIN   ? VISOR_ASSOCIATION_POLL_MIN
                     : h->poll > VISOR_ASSOCIATION_POLL_MAX ? VISOR_ASSOCIATION_POLL_MAX
                                                            : h->poll;
    a->remote_stratum =
        h->stratum > 0 && h->stratum < VISOR_NTP_STRATUM_MAX ? h->stratum : VISOR_NTP_STRATUM_MAX;
    a->remote_root_delay_s = reply->root_delay_s;
    a->remote_root_dispersion_s = reply->root_dispersion_s;
    a->previous_poll = a->poll;
    a->previous_unanswered = a->unanswered;
    a->unanswered = a->missed = a->missed_polls = 0;
    a->total_valid++;
    if (reply->synced) {
        a->near = reply->delay_s <= NEAR_S ||
                  (w->context->prediction.known && w->context->prediction.min_delay_s <= NEAR_S);
        a->beside = reply->delay_s <= BESIDE_S || (w->context->prediction.known &&
                                                   w->context->prediction.min_delay_s <= BESIDE_S);
        if (reply->tests & VISOR_TEST_A) /* else it can be anything */
            a->last_delay_s = reply->delay_s;
        if (a->config.max_delay_quant > 0.0)
            a->delays[a->delay_count++ % VISOR_ASSOCIATION_QUANTILE] = (float)reply->delay_s;
    }
    a->valid = *reply;
}

static void fill_sample(struct reply_work *w, struct visor_sample *sample)
{
    const struct visor_association *a = w->a;
    const struct visor_association_reply *reply = w->reply;
    uint8_t stratum = reply->header.stratum;

    if (a->config.copy)
        stratum--;
    if ((int)stratum < a->config.min_stratum)
        stratum = (uint8_t)a->config.min_stratum;
    *sample = (struct visor_sample){.at = reply->at,
                                    .reference = w->reference,
                                    .delay_s = reply->delay_s,
                                    .dispersion_s = reply->dispersion_s,
                                    .root_delay_s = w->root_delay_s,
                                    .root_dispersion_s = w->root_dispersion_s,
                                    .stratum = stratum,
                                    .leap = reply->header.leap,
                                    .shift_s = a->remote_shift_s};
}

static void note_sample(struct visor_association *a, const struct visor_association_reply *reply)
{
    a->remote_shift_s = 0.0;
    a->sampled = true;
    a->last_sample = reply->at;
    a->total_good++;
}

static enum visor_association_verdict verdict_of(const struct reply_work *w)
{
    static const struct {
        uint16_t test;
        enum visor_association_verdict verdict;
    } order[] = {
        {VISOR_TEST_1, VISOR_VERDICT_DUPLICATE},      {VISOR_TEST_2, VISOR_VERDICT_BOGUS},
        {VISOR_TEST_3, VISOR_VERDICT_INVALID},        {VISOR_TEST_5, VISOR_VERDICT_UNAUTHENTICATED},
        {VISOR_TEST_6, VISOR_VERDICT_UNSYNCHRONIZED}, {VISOR_TEST_7, VISOR_VERDICT_DISTANT},
        {VISOR_TEST_A, VISOR_VERDICT_TEST_A},         {VISOR_TEST_B, VISOR_VERDICT_TEST_B},
        {VISOR_TEST_C, VISOR_VERDICT_TEST_C},         {VISOR_TEST_D, VISOR_VERDICT_TEST_D},
    };
    const struct visor_association_reply *reply = w->reply;

    if (reply->kiss)
        return VISOR_VERDICT_KISS;
    if (reply->synced && !w->measured)
        return VISOR_VERDICT_INTERLEAVING;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (!(reply->tests & order[i].test))
            return order[i].verdict;
    return VISOR_VERDICT_SAMPLE;
}

/* ---- the packet ---- */

static bool mode_fits(const struct visor_association *a, uint8_t mode)
{
    if (is_client(a))
        return mode == VISOR_NTP_MODE_SERVER;
    return mode == VISOR_NTP_MODE_ACTIVE || mode == VISOR_NTP_MODE_PASSIVE;
}

/* The client's own socket, or the server's (symmetric mode, and `acquisitionport` where it is the
 * server's port); never another source's. */
static bool right_socket(const struct visor_association *a, const struct visor_event_packet *packet)
{
    return packet->source == 0 || (is_client(a) && packet->source == a->id);
}

/* The answer's consequences for the schedule. */
static void go_on(struct reply_work *w, enum visor_association_verdict verdict)
{
    struct visor_association *a = w->a;

    a->vain_polls = verdict == VISOR_VERDICT_TEST_D ? a->vain_polls + 1 : 0;
    visor_association_answered(a, w->context->view, w->context->now.raw,
                               verdict == VISOR_VERDICT_SAMPLE, w->reply->synced);
    if (verdict == VISOR_VERDICT_KISS)
        visor_association_back_off(a, w->reply->kiss == VISOR_NTP_KISS_RATE, w->context->now.raw);
}

static enum visor_association_verdict process(struct reply_work *w, struct visor_sample *sample)
{
    struct visor_association *a = w->a;
    struct visor_association_reply *reply = w->reply;
    enum visor_association_verdict verdict;

    read_fields(w);
    judge_packet(w);
    w->measured = reply->synced && (!reply->interleaved || a->stamps_valid);
    if (w->measured) {
        choose_stamps(w);
        measure(w);
        judge_sample(w);
    }
    verdict = verdict_of(w);
    remember_stamps(w, verdict == VISOR_VERDICT_SAMPLE);
    if (a->answered) { /* one reply a request */
        reply->tests &= (uint16_t) ~(VISOR_TEST_2 | VISOR_TEST_3);
        reply->valid = reply->synced = false;
        return VISOR_VERDICT_DUPLICATE;
    }
    if (!reply->valid)
        return verdict;
    note_answer(w);
    if (visor_verdict_measured(verdict))
        fill_sample(w, sample);
    if (verdict == VISOR_VERDICT_SAMPLE)
        note_sample(a, reply);
    go_on(w, verdict);
    return verdict;
}

enum visor_association_verdict visor_association_handle_packet(
    struct visor_association *a, const struct visor_event_packet *packet,
    const struct visor_association_context *context, struct visor_sample *sample)
{
    struct visor_association_reply *reply = &a->last;
    struct reply_work w = {
        .a = a, .packet = packet, .context = context, .reply = reply, .arrived = packet->received};

    *reply = (struct visor_association_reply){.local = packet->local,
                                              .received = packet->received.raw,
                                              .at = packet->received.raw,
                                              .tx = a->request.sent.by};
    if (w.arrived.by == VISOR_STAMPER_NONE)
        w.arrived.by = VISOR_STAMPER_DAEMON;
    reply->rx = w.arrived.by;
    a->total_rx++;
    if (w.arrived.by == VISOR_STAMPER_KERNEL)
        a->total_kernel_rx++;
    else if (w.arrived.by == VISOR_STAMPER_HARDWARE)
        a->total_hardware_rx++;

    if (!visor_ntp_read(&reply->header, &w.layout, packet->data, packet->size))
        reply->verdict = VISOR_VERDICT_MALFORMED;
    else if (!mode_fits(a, reply->header.mode) || !right_socket(a, packet))
        reply->verdict = VISOR_VERDICT_NOT_FOR_US;
    else if (!visor_association_listens(a))
        reply->verdict = VISOR_VERDICT_OFFLINE;
    else
        reply->verdict = process(&w, sample);
    return reply->verdict;
}

/* ---- reports ---- */

void visor_association_record(const struct visor_association *a,
                              struct visor_record_measurement *record)
{
    static const char stampers[] = {'D', 'D', 'K', 'H'};
    const struct visor_association_reply *r = &a->last;

    *record = (struct visor_record_measurement){
        .peer = a->remote,
        .leap = r->header.leap,
        .stratum = r->header.stratum,
        .test_bits_low = (uint8_t)(r->tests >> 7 & 7),
        .test_bits_mid = (uint8_t)(r->tests >> 4 & 7),
        .test_bits_high = (uint8_t)(r->tests & 15),
        .local_poll = a->poll,
        .remote_poll = (int)r->header.poll,
        .score = a->stretch - 1.0,
        .offset = r->offset_s,
        .delay = r->delay_s,
        .dispersion = r->dispersion_s,
        .root_delay = r->root_delay_s,
        .root_dispersion = r->root_dispersion_s,
        .refid = r->header.refid,
        .mode = {(char)('0' + r->header.mode), r->interleaved ? 'I' : 'B', '\0'},
        .tx = stampers[r->tx],
        .rx = stampers[r->rx],
        .raw = !r->synced,
    };
}

void visor_association_status(const struct visor_association *a, struct visor_source_status *status)
{
    const struct visor_association_reply *r = &a->valid;

    status->id = a->id;
    status->address = a->remote;
    status->kind = a->config.kind;
    status->online = a->online;
    status->key = a->config.key;
    status->authenticated = a->config.key != 0;
    status->poll = visor_association_poll(a);
    status->reach = a->reach;
    status->send_error = a->send_error;
    status->total_tx = a->total_tx;
    status->total_rx = a->total_rx;
    status->total_valid = a->total_valid;
    status->total_good = a->total_good;
    status->total_kernel_tx = a->total_kernel_tx;
    status->total_kernel_rx = a->total_kernel_rx;
    status->total_hardware_tx = a->total_hardware_tx;
    status->total_hardware_rx = a->total_hardware_rx;
    status->remote_stratum = r->header.stratum;
    status->remote_leap = r->header.leap;
    status->local = r->local;
    status->version = r->header.version;
    status->mode = r->header.mode;
    status->remote_poll = (int)r->header.poll;
    status->precision = (int)r->header.precision;
    status->root_delay = r->root_delay_s;
    status->root_dispersion = r->root_dispersion_s;
    status->response_time = r->response_s;
    status->remote_refid = r->header.refid;
    status->remote_reference =
        r->header.reference ? visor_ntp_to_wall(r->header.reference) : (visor_wall){0};
    status->tests = r->tests;
    status->interleaved = r->interleaved;
    status->tx = r->tx;
    status->rx = r->rx;
    status->reply_offset = r->offset_s;
    status->reply_delay = r->delay_s;
    status->reply_dispersion = r->dispersion_s;
}
