/* REALTIME stamps to raw ones, by a piecewise line through the recent readings.
 *
 * A piece lasts as long as the readings agree with its rate. Where they stop agreeing although the
 * kernel's frequency is the same, or by more than a change of frequency explains, somebody stepped
 * the clock between two readings; the time between them belongs to no piece. Reading the clocks is
 * left to the clock adapter. */
#include "port/stamp.h"

#define REACH_NS  VISOR_NS_PER_S        /* beyond the first and last reading */
#define SINGLE_NS (64 * VISOR_NS_PER_S) /* for a single reading */

#define FAR_NS    (INT64_C(1) << 60)

/* Two readings of one steady clock differ by their widths, the scheduling of our own code, and
 * what a slewing kernel does beside its frequency (nothing, in the kernels we steer). */
#define AGREE_NS  2000
#define AGREE_PPB 1000.0

#define WAKING_NS 200 /* from a packet's arrival until it has been read, at least */

static int64_t absolute(int64_t ns)
{
    return ns < 0 ? visor_ns_diff(0, ns) : ns;
}

/* Raw nanoseconds that `real_ns` of a REALTIME running at `frequency_ppb` last. */
static int64_t raw_of(int64_t real_ns, double frequency_ppb)
{
    double ratio = frequency_ppb * 1e-9;

    return real_ns - visor_ns_from_seconds((double)real_ns * (ratio / (1.0 + ratio)) * 1e-9);
}

static int64_t real_of(int64_t raw_ns, double frequency_ppb)
{
    return raw_ns + visor_ns_from_seconds((double)raw_ns * frequency_ppb * 1e-18);
}

static int64_t drift(int64_t ns, double ppb)
{
    double size = (double)absolute(ns) * (ppb < 0 ? -ppb : ppb) * 1e-9;

    return size < 1e18 ? (int64_t)size + 1 : INT64_MAX / 4;
}

void visor_stamps_init(struct visor_stamps *stamps)
{
    *stamps = (struct visor_stamps){0};
}

static void push(struct visor_stamps *stamps, const struct visor_reading *reading, visor_mono begin)
{
    size_t keep = stamps->count < VISOR_STAMPS_PIECES ? stamps->count : VISOR_STAMPS_PIECES - 1;

    for (size_t i = keep; i > 0; i--)
        stamps->pieces[i] = stamps->pieces[i - 1];
    stamps->pieces[0] = (struct visor_stamps_piece){
        .begin = begin, .sure = reading->raw, .end = reading->raw, .anchor = *reading};
    stamps->count = keep + 1;
}

bool visor_stamps_note(struct visor_stamps *stamps, const struct visor_reading *reading)
{
    struct visor_stamps_piece *last = &stamps->pieces[0];
    int64_t elapsed, missed, allowed;
    double turn;

    if (stamps->count == 0) {
        push(stamps, reading, reading->raw);
        return false;
    }
    elapsed = visor_mono_diff(reading->raw, last->anchor.raw);
    if (elapsed < 0)
        return false;
    turn = reading->frequency_ppb - last->anchor.frequency_ppb;
    missed = visor_wall_diff(reading->real, last->anchor.real) -
             real_of(elapsed, last->anchor.frequency_ppb);
    allowed = AGREE_NS + reading->width_ns + last->anchor.width_ns + drift(elapsed, AGREE_PPB) +
              drift(elapsed, turn);
    if (absolute(missed) > allowed) {
        push(stamps, reading, reading->raw);
        return true;
    }
    last->end = reading->raw;
    if (turn != 0.0) {
        last->turn_ppb = turn;
        push(stamps, reading, reading->raw);
        return false;
    }
    last->sure = reading->raw;
    last->anchor = *reading;
    return false;
}

double visor_stamps_frequency(const struct visor_stamps *stamps)
{
    return stamps->count ? stamps->pieces[0].anchor.frequency_ppb : 0.0;
}

/* Place of `real` on a piece, if it lies there. */
static bool place(const struct visor_stamps *stamps, size_t index, visor_wall real,
                  struct visor_stamp *stamp)
{
    const struct visor_stamps_piece *piece = &stamps->pieces[index];
    int64_t away = raw_of(visor_wall_diff(real, piece->anchor.real), piece->anchor.frequency_ppb);
    visor_mono raw = visor_mono_add(piece->anchor.raw, away);
    int64_t slack = piece->anchor.width_ns + AGREE_NS;
    int64_t before = index + 1 == stamps->count ? REACH_NS : slack;
    int64_t after = index == 0 ? REACH_NS : slack;

    if (visor_mono_diff(piece->begin, raw) > before || visor_mono_diff(raw, piece->end) > after)
        return false;
    stamp->raw = raw;
    stamp->error_ns = (piece->anchor.width_ns + 1) / 2;
    if (visor_mono_before(piece->sure, raw))
        stamp->error_ns += drift(visor_mono_diff(raw, piece->sure), piece->turn_ppb);
    return true;
}

bool visor_stamps_convert(const struct visor_stamps *stamps, visor_wall real,
                          struct visor_stamp *stamp)
{
    struct visor_stamp found = *stamp, other;
    bool any = false;
    int64_t away;

    for (size_t i = 0; i < stamps->count; i++) {
        /* Devices give any number; a piece is at most days long. */
        if (__builtin_sub_overflow(real.ns, stamps->pieces[i].anchor.real.ns, &away) ||
            away > FAR_NS || away < -FAR_NS)
            continue;
        other = found;
        if (!place(stamps, i, real, &other))
            continue;
        /* After a backward step the same REALTIME comes twice. */
        if (any && absolute(visor_mono_diff(found.raw, other.raw)) >
                       2 * (AGREE_NS + found.error_ns + other.error_ns))
            return false;
        if (!any || other.error_ns < found.error_ns)
            found = other;
        any = true;
    }
    if (any)
        *stamp = found;
    return any;
}

bool visor_stamp_from_real(const struct visor_reading *reading, visor_wall real,
                           struct visor_stamp *stamp)
{
    int64_t away;

    if (__builtin_sub_overflow(real.ns, reading->real.ns, &away) || away > SINGLE_NS ||
        away < -SINGLE_NS)
        return false;
    stamp->raw = visor_mono_add(reading->raw, raw_of(away, reading->frequency_ppb));
    stamp->error_ns = (reading->width_ns + 1) / 2 + drift(away, AGREE_PPB);
    return true;
}

bool visor_stamp_is_of_arrival(const struct visor_stamp *stamp, const struct visor_reading *read)
{
    return visor_mono_diff(read->raw, stamp->raw) > WAKING_NS;
}
