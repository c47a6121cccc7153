/* Two predictions for every reading, one by each of our clocks. What follows from a jump is
 * disruption.c's affair. */
#include "engine/witness.h"

#include "base/math.h"

#define SHARP_NS      5000000 /* readings as narrow as this are points, others only intervals */
#define LEAST_JUMP_S  0.01    /* what is less is the sources' affair */
#define DEVIATIONS    8.0
#define FREE_RATE     1e-3 /* s/s: the counter of an emulator may be so far off */
#define NOISE_FIRST_S 1e-3
#define NOISE_LEAST_S 2e-5
#define NOISE_MEMORY  16.0
#define WANDER        1e-7 /* s/s per sqrt(s): oscillators of RTCs, hosts that slew */
#define SET_S         0.03 /* who sets an RTC hits the second so closely */
#define COPY_NS       (659 * VISOR_NS_PER_S) /* Linux 6: ntp.c, sched_sync_hw_clock() */
#define DOUBTFUL_NS   (15 * VISOR_NS_PER_S)  /* a kernel told of 16 s is not synchronised */
#define COPY_SOON_NS  (2 * VISOR_NS_PER_S)   /* an edge shows it when it is over */
#define COPY_LATE_NS  (12 * VISOR_NS_PER_S)  /* tried anew every two seconds; LATE_PROOF edges */
#define COPY_BUSY_NS  (30 * VISOR_NS_PER_S)  /* the same of a machine that hardly gets its CPU */
#define DRIFTED_S     0.05                   /* by what an RTC drifts between two copies, or less */
#define SLEW_PART     10                     /* no kernel slews by more than a tenth */
#define SLEWED_NS     VISOR_NS_PER_S         /* between two edges, at most */
#define VISIBLE       6.0                    /* times their mean size */
#define PROOF         3                      /* readings that tell the clocks apart */
#define TRAINING      4
#define COARSE_PROOF  16 /* a device whose edges are not its seconds' is read in vain */
#define LATE_S        1.0
#define LATER         2.0 /* times what edges have been late by, the next one may be */
#define LATE_SAME_S   5e-4
#define LATE_SAME     6.0
#define LATE_PROOF    5                     /* delays are rarely the same so often */
#define LATE_AGAIN    2                     /* right after a jump */
#define LATE_NS       (60 * VISOR_NS_PER_S) /* for so long a machine is taken to be as busy as it was */
#define IN_TIME       3                     /* edges that say the same are in time */
#define LEAD_WANDER   1e-5 /* s/s: what a clock's gain on UTC may change by, with its temperature */
#define RATE_MOVED    1e-4 /* s a reading, one a second: our own rate after a migration */
#define BLIND_NS      (4 * VISOR_NS_PER_S) /* in which a jump is noticed */
#define LEAD_SURE     5.0                  /* deviations of that gain, as learnt */
#define CRYSTAL       1e-5                 /* s/s: deviation of what they gain, or hosts do */
#define GAIN_MOST     1e-4                 /* s/s: of any crystal, on UTC */
#define BACKWARD_MOST 8

static visor_wall middle(const struct visor_event_witness *event)
{
    return visor_wall_add(event->earliest, visor_wall_diff(event->latest, event->earliest) / 2);
}

static struct visor_noise noise_of(const struct visor_witness *w)
{
    double mean = w->noise_s > NOISE_LEAST_S ? w->noise_s : NOISE_LEAST_S;

    return (struct visor_noise){.wander = WANDER, .white = 1.25 * mean};
}

/* Our two clocks at the stamp; REALTIME is not far from it and moves at its present rate. */
static struct visor_reading clocks_at(const struct visor_reading *now, visor_mono raw)
{
    struct visor_reading at = *now;
    int64_t ago = visor_mono_diff(now->raw, raw);

    at.raw = raw;
    at.real = visor_wall_add(
        now->real, -ago - visor_ns_from_seconds((double)ago * now->frequency_ppb * 1e-18));
    return at;
}

static struct visor_point point_of(const struct visor_reading *ours, visor_wall said,
                                   double variance)
{
    return (struct visor_point){
        .at = ours->raw, .offset_ns = visor_ns_diff(said.ns, ours->raw.ns), .variance = variance};
}

static void begin(struct visor_witness *w, const struct visor_reading *ours, visor_wall said,
                  double rate, double rate_deviation)
{
    struct visor_point point = point_of(ours, said, 0.0);
    struct visor_noise noise;

    if (w->noise_s == 0.0)
        w->noise_s = NOISE_FIRST_S;
    noise = noise_of(w);
    w->line = (struct visor_line){
        .at = point.at,
        .offset_ns = point.offset_ns,
        .rate = rate,
        .p00 = visor_noise_variance(&noise, &point),
        .p11 = rate_deviation * rate_deviation,
    };
    w->known = true;
    w->pending = false;
    w->denied_error_s = 0.0;
    w->begun_at = ours->raw;
}

static void remember(struct visor_witness *w, const struct visor_reading *ours, visor_wall said)
{
    w->ours = *ours;
    w->said = said;
    w->ahead[w->readings++ % VISOR_WITNESS_RECENT] = visor_wall_diff(said, ours->real);
}

/* A late reading makes it seem behind: the largest of a few tells how far it is ahead of REALTIME.
 */
static int64_t ahead_of_real(const struct visor_witness *w)
{
    int64_t most = w->ahead[(w->readings - 1) % VISOR_WITNESS_RECENT];

    for (uint32_t i = 0; i < w->readings && i < VISOR_WITNESS_RECENT; i++)
        most = w->ahead[i] > most ? w->ahead[i] : most;
    return most;
}

/* What was said before tells nothing of where it is now. */
static void begin_anew(struct visor_witness *w, const struct visor_reading *ours, visor_wall said,
                       double rate_deviation)
{
    begin(w, ours, said, w->line.rate, rate_deviation);
    for (int i = 0; i < VISOR_WITNESS_RECENT; i++)
        w->ahead[i] = INT64_MIN;
    remember(w, ours, said);
}

static void remember_lead(struct visor_witness *w, const struct visor_trusted *utc,
                          const struct visor_reading *ours, visor_wall said)
{
    if (!utc) {
        uint32_t place = w->since_count++ % VISOR_WITNESS_SINCE;

        w->since[place] = visor_ns_diff(said.ns, ours->raw.ns);
        w->since_at[place] = ours->raw;
        return;
    }
    w->leads[w->led++ % VISOR_WITNESS_LEADS] = (struct visor_lead){
        .at = ours->raw,
        .said = said,
        .ns = visor_wall_diff(said, visor_line_utc(&utc->line, ours->raw)),
        .bound_ns = utc->bound_ns,
        .rate = w->line.rate - utc->line.rate,
        .rate_error = LEAD_WANDER + LEAD_SURE * visor_math_sqrt(w->line.p11 + utc->line.p11),
    };
    w->since_count = 0;
}

/* Of those from `from` on and before `until`. The greatest is of the edge that was least late. */
static const struct visor_lead *greatest_lead(const struct visor_witness *w, visor_mono from,
                                              visor_mono until, const struct visor_lead **newest)
{
    const struct visor_lead *most = NULL;

    *newest = NULL;
    for (uint32_t i = 0; i < w->led && i < VISOR_WITNESS_LEADS; i++) {
        const struct visor_lead *lead = &w->leads[i];

        if (visor_mono_before(lead->at, from) || !visor_mono_before(lead->at, until))
            continue;
        most = !most || lead->ns > most->ns ? lead : most;
        *newest = !*newest || visor_mono_before((*newest)->at, lead->at) ? lead : *newest;
    }
    return most;
}

/* On a busy machine the line rests on late readings: by how much those that were least late are
 * ahead of it, s. What is no more than noise is none. */
static double held_back(const struct visor_witness *w)
{
    double most = 0.0;

    for (uint32_t i = 0; i < w->led && i < VISOR_WITNESS_LEADS; i++) {
        double ahead = visor_seconds_from_ns(
            visor_wall_diff(w->leads[i].said, visor_line_utc(&w->line, w->leads[i].at)));

        if (ahead > most && !visor_mono_before(w->leads[i].at, w->begun_at))
            most = ahead;
    }
    return most > LEAST_JUMP_S ? most : 0.0;
}

/* From when on leads tell where the witness stands now: over a long stall it has moved against UTC
 * itself. Until some are from after it, those from before are the best there are. */
static visor_mono leads_hold_from(const struct visor_witness *w)
{
    int since = 0;

    for (uint32_t i = 0; i < w->led && i < VISOR_WITNESS_LEADS; i++)
        since += visor_mono_before(w->parted_at, w->leads[i].at);
    return since >= IN_TIME ? visor_mono_add(w->parted_at, 1) : (visor_mono){INT64_MIN};
}

/* So much an edge may be late, s: as one was in the last minute. */
static double lateness(const struct visor_witness *w, visor_mono raw)
{
    return visor_mono_diff(raw, w->latest_at) < LATE_NS ? w->latest_s : 0.0;
}

/* On a busy machine the line may rest on late readings, one after a jump on a single one; one that
 * is in time then seems to be `ahead`. But it is where it has been against the estimate of UTC,
 * which a jump of our counter would have left behind. Right after it was set that is not known. */
static bool is_in_time(const struct visor_witness *w, const struct visor_trusted *utc,
                       const struct visor_reading *ours, visor_wall said, double ahead,
                       double allowed)
{
    const struct visor_lead *newest, *most;

    if (!utc || ahead <= 0.0 || w->pending)
        return false;
    most = greatest_lead(w, leads_hold_from(w), (visor_mono){INT64_MAX}, &newest);
    return most ? visor_ns_diff(visor_wall_diff(said, visor_line_utc(&utc->line, ours->raw)),
                                most->ns) <= visor_ns_from_seconds(allowed)
                : ahead <= LATE_S && lateness(w, ours->raw) > 0.0;
}

static enum visor_witness_verdict begin_in_time(struct visor_witness *w,
                                                const struct visor_reading *ours, visor_wall said)
{
    begin_anew(w, ours, said, visor_math_sqrt(w->line.p11));
    return VISOR_WITNESS_NOTHING;
}

/* By how much a reading misses what one of our clocks let expect, s. */
struct misses {
    double raw, real;
    double half;    /* of the reading's interval */
    double allowed; /* by the line's own uncertainty */
    bool unsure;    /* the witness may have been set */
};

static struct misses misses_of(const struct visor_witness *w,
                               const struct visor_event_witness *event,
                               const struct visor_reading *ours)
{
    visor_wall said = middle(event);
    struct visor_line line = w->line;
    struct visor_noise noise = noise_of(w);
    struct misses m;
    double variance;

    visor_line_move(&line, ours->raw, WANDER);
    m.half = visor_seconds_from_ns(visor_wall_diff(event->latest, event->earliest)) / 2.0;
    variance = line.p00 + noise.white * noise.white;
    m.allowed = DEVIATIONS * visor_math_sqrt(variance);
    if (m.allowed < LEAST_JUMP_S)
        m.allowed = LEAST_JUMP_S;
    m.raw = visor_seconds_from_ns(visor_wall_diff(said, visor_line_utc(&line, ours->raw)));
    m.real =
        visor_seconds_from_ns(visor_ns_diff(visor_wall_diff(said, ours->real), ahead_of_real(w)));
    m.unsure = false;
    return m;
}

static void learn_noise(struct visor_witness *w, double miss)
{
    double size = visor_math_size(miss), share = (double)w->readings + 2.0;

    share = share > NOISE_MEMORY ? NOISE_MEMORY : share;
    w->noise_s += (size - w->noise_s) / share;
}

/* A sharp reading that one of the clocks has let expect. */
static void take_sharp(struct visor_witness *w, const struct visor_reading *ours, visor_wall said,
                       const struct misses *m)
{
    struct visor_point point = point_of(ours, said, 0.0);
    struct visor_noise noise = noise_of(w);
    bool fits_raw = visor_math_size(m->raw) <= m->allowed;
    bool fits_real = visor_math_size(m->real) <= m->allowed;

    if (fits_raw && !fits_real)
        w->beside_real++;
    if (fits_real && !fits_raw)
        w->with_real++;
    if (fits_raw) {
        learn_noise(w, m->raw);
        visor_line_take(&w->line, &point, &noise, NULL);
    } else {
        begin(w, ours, said, w->line.rate, FREE_RATE);
    }
    remember(w, ours, said);
}

/* Does it say what REALTIME said, now or since its last sharp reading? A slew goes on meanwhile. An
 * edge that is late seems to say less. */
static bool says_real(const struct visor_witness *w, const struct visor_event_witness *event,
                      const struct visor_reading *ours, double slack_s, double late_s)
{
    int64_t slack = visor_ns_from_seconds(slack_s), late = visor_ns_from_seconds(late_s);
    int64_t elapsed = visor_mono_diff(ours->raw, w->ours.raw);
    int64_t slewed = visor_ns_diff(visor_wall_diff(ours->real, w->ours.real), elapsed);
    int64_t most = elapsed < SLEWED_NS * SLEW_PART ? elapsed / SLEW_PART : SLEWED_NS;

    if (slewed > most || slewed < -most)
        slewed = 0; /* that was a step */
    return visor_wall_diff(event->earliest, ours->real) <= slack + (slewed < 0 ? -slewed : 0) &&
           visor_wall_diff(ours->real, event->latest) <= slack + late + (slewed > 0 ? slewed : 0);
}

/* What one edge seldom misses the line by. */
static double visible(const struct visor_witness *w)
{
    return VISIBLE * (w->noise_s > NOISE_LEAST_S ? w->noise_s : NOISE_LEAST_S);
}

/* From REALTIME: at its last sharp reading, or now if it had gone on. REALTIME may have been
 * stepped in between, and not by what our counter has lost. */
static double away_before(const struct visor_witness *w, const struct visor_reading *ours,
                          const struct visor_event_witness *event, const struct misses *m)
{
    double then = visor_seconds_from_ns(visor_wall_diff(w->said, w->ours.real));
    double now = visor_seconds_from_ns(visor_wall_diff(middle(event), ours->real)) - m->raw;

    then = visor_math_size(then);
    now = visor_math_size(now);
    return now > then && !w->pending ? now : then;
}

/* Is it still where it told of a jump that others have denied? Or was it away from REALTIME before,
 * and is it there now? Whoever sets an RTC sets it so; or, where the moment at which its seconds
 * begin cannot be set, to the nearest whole second: beside what others have told of a stall in
 * which that was done. */
static bool was_set(const struct visor_witness *w, const struct visor_reading *ours,
                    const struct visor_event_witness *event, const struct misses *m)
{
    double before = away_before(w, ours, event, m);
    bool told = w->pending && w->told_error_s >= 0.0 && w->told_error_s <= SET_S;
    double size = visor_math_size(told ? m->raw - w->told_s : m->raw);
    double whole = (double)(int64_t)(size + 0.5);
    double late = LATER * lateness(w, ours->raw);
    double unsure = m->allowed + late + (told ? w->told_error_s : 0.0);

    if (w->denied_error_s > 0.0 &&
        visor_math_size(m->raw - w->denied_s) <= m->allowed + m->half + w->denied_error_s)
        return true;
    if (before > visible(w) && says_real(w, event, ours, before > SET_S ? SET_S : before / 2.0,
                                         size > LATE_S ? late : 0.0))
        return true;
    return before > 0.5 - SET_S && says_real(w, event, ours, 0.5 + SET_S, late) &&
           (m->half > 0.0 || (whole > 0.0 && visor_math_size(size - whole) <= unsure));
}

/* Of the times that are known of it, the one by which the kernel copies then; -1: none. */
static int copies_between(const struct visor_witness *w, visor_wall from, visor_wall until)
{
    for (int i = 0; i < VISOR_WITNESS_COPIES && (uint32_t)i < w->copies; i++) {
        int64_t since = visor_wall_diff(until, w->copied_at[i]);

        if (since >= 0 && since % COPY_NS <= visor_wall_diff(until, from))
            return i;
    }
    return -1;
}

static int copies_about(const struct visor_witness *w, visor_mono raw, visor_wall real)
{
    int64_t late_ns = lateness(w, raw) > 0.0 ? COPY_BUSY_NS : COPY_LATE_NS;

    return copies_between(w, visor_wall_add(real, -late_ns), visor_wall_add(real, COPY_SOON_NS));
}

static void add_copy(struct visor_witness *w, visor_wall real)
{
    w->copied_at[w->copies++ % VISOR_WITNESS_COPIES] = real;
}

static void note_copy(struct visor_witness *w, visor_mono raw, visor_wall real)
{
    int known = copies_about(w, raw, real);

    if (known >= 0)
        w->copied_at[known] = real;
    else
        add_copy(w, real);
}

/* The kernel copies once its clock has become synchronised, and then by its own timer, which waits
 * for that again where it is not: then, or by the time at which it tried. */
static void follow_copies(struct visor_witness *w, bool trusted, visor_wall real)
{
    if (trusted && !w->trusted &&
        (w->copies == 0 ||
         copies_between(w, visor_wall_add(w->trusted_until, -COPY_LATE_NS), real) >= 0))
        add_copy(w, real);
    if (w->trusted && !trusted)
        w->trusted_until = real;
    w->trusted = trusted;
}

/* Whoever sets whole seconds only does so as soon as the chip is more than half a second off. That
 * a stall of whole seconds hits it just then is no case to be prepared for. */
static bool is_set_when_due(const struct visor_witness *w, const struct visor_reading *ours,
                            const struct visor_event_witness *event, const struct misses *m)
{
    double off = visor_math_size(away_before(w, ours, event, m) - 0.5);
    double size = visor_math_size(m->raw), whole = (double)(int64_t)(size + 0.5);

    return m->half == 0.0 && off <= SET_S && whole > 0.0 &&
           visor_math_size(size - whole) <= visible(w);
}

/* A stall by as much as it was behind looks as if it had been set. That only those know who have
 * told it already, and who knows when the kernel copies; and right after a jump it seems to be
 * behind where it was read late. */
static bool may_have_jumped(const struct visor_witness *w, const struct visor_event_witness *event,
                            const struct visor_reading *ours, const struct misses *m)
{
    bool told = w->pending && w->told_error_s >= 0.0 && w->told_error_s <= SET_S;
    bool copied = event->kind == VISOR_WITNESS_RTC && copies_about(w, ours->raw, ours->real) >= 0;

    return m->raw > DRIFTED_S && !told && !copied && w->denied_error_s == 0.0 &&
           visor_mono_diff(ours->raw, w->begun_at) > BLIND_NS &&
           !is_set_when_due(w, ours, event, m);
}

/* What the witness gains on UTC itself over a stall, as far as that was learnt, +- *error_s. */
static double gained(const struct visor_witness *w, double stall_s, double *error_s)
{
    const struct visor_lead *newest;
    double size = visor_math_size(stall_s);

    *error_s = GAIN_MOST * size;
    if (!greatest_lead(w, (visor_mono){INT64_MIN}, (visor_mono){INT64_MAX}, &newest) ||
        newest->rate_error >= GAIN_MOST)
        return 0.0;
    *error_s = newest->rate_error * size;
    return newest->rate * stall_s;
}

/* Another jump before the first one was measured? An edge may be late, but is never early. */
static bool is_another(const struct visor_witness *w, double jump_s, double error_s)
{
    double unsure;

    if (!w->pending || w->told_error_s < 0.0)
        return false;
    gained(w, w->told_s, &unsure);
    return jump_s - w->told_s > w->told_error_s + error_s + unsure;
}

static void tell_more(struct visor_witness *w, double jump_s, double error_s)
{
    w->told_s = jump_s;
    w->told_error_s = error_s;
}

/* What was told belongs to an earlier jump from now on. */
static void put_behind(struct visor_witness *w)
{
    if (!w->pending) {
        w->before_s = w->before_error_s = 0.0;
    } else if (w->told_error_s >= 0.0) {
        w->before_s = w->told_s;
        w->before_error_s = w->told_error_s;
    }
}

/* The next edge tells what it was set to. That may be late; so it is known from now on what has not
 * happened. */
static void await_edge(struct visor_witness *w, const struct visor_reading *ours,
                       const struct misses *m)
{
    if (w->denied_error_s == 0.0)
        w->jumped_real = ours->real;
    w->denied_s = m->raw;
    w->denied_error_s = LATE_S;
}

/* By REALTIME: the edge that proves it may not be the first one that showed it. */
static visor_wall when_set(const struct visor_witness *w, const struct visor_reading *ours,
                           const struct misses *m)
{
    if (w->denied_error_s > 0.0)
        return w->jumped_real;
    return m->raw < 0.0 && w->late > 0 ? w->late_real : ours->real;
}

static enum visor_witness_verdict set(struct visor_witness *w, const struct visor_reading *ours,
                                      visor_wall said, const struct misses *m, bool sharp)
{
    if (!sharp) {
        await_edge(w, ours, m);
        return VISOR_WITNESS_NOTHING;
    }
    w->sets++;
    w->led = 0;
    note_copy(w, ours->raw, when_set(w, ours, m));
    begin_anew(w, ours, said, visor_math_sqrt(w->line.p11));
    return VISOR_WITNESS_SET;
}

static enum visor_witness_verdict jumped(struct visor_witness *w, const struct visor_reading *ours,
                                         visor_wall said, const struct misses *m, bool sharp,
                                         bool again)
{
    if (again && !sharp)
        return VISOR_WITNESS_NOTHING; /* that is known */
    w->pending = !again;
    w->late = 0;
    w->since_count = 0;
    if (m->unsure)
        w->led = 0; /* nobody knows where it stands now */
    else
        w->beside_real += PROOF; /* REALTIME did not go there */
    if (!again) {
        w->jumps++;
        w->backward += m->raw < 0.0;
        w->jumped_at = w->parted_at = ours->raw;
        w->jumped_real = ours->real;
        w->maybe_set = m->unsure;
        return m->unsure ? VISOR_WITNESS_UNSURE : VISOR_WITNESS_JUMPED;
    }
    begin_anew(w, ours, said, visor_math_sqrt(w->line.p11));
    remember_lead(w, NULL, ours, said);
    return m->unsure ? VISOR_WITNESS_UNSURE : VISOR_WITNESS_MEASURED;
}

/* We may have been woken late for an edge: that looks as if the witness had fallen behind. If it
 * has, the next edges say the same; right after a jump, of which nobody else knows how far it was,
 * the first one waited for us to go on, and the second is enough. */
static bool was_late(struct visor_witness *w, double miss, const struct visor_reading *ours)
{
    double apart = visor_math_size(miss - w->late_s);
    bool same = w->late > 0 && apart <= LATE_SAME_S + LATE_SAME * w->noise_s;

    if (miss > -LATE_S && -miss > lateness(w, ours->raw)) {
        w->latest_s = -miss;
        w->latest_at = ours->raw;
    }
    if (!same)
        w->late_real = ours->real;
    w->late = same ? w->late + 1 : 1;
    w->late_s = miss;
    return w->late < (w->pending ? LATE_AGAIN : LATE_PROOF);
}

/* An edge of a clock that goes with REALTIME, which was just stepped, may reach us late. If it was
 * set beside the step, the next edges say the same. */
static bool may_go_with_real(const struct visor_witness *w, const struct visor_event_witness *event,
                             const struct misses *m)
{
    return !event->independent && m->real < 0.0 && m->real > -LATE_S &&
           m->raw - m->real > m->allowed && visor_witness_class(w) != VISOR_WITNESS_INDEPENDENT;
}

static void begin_first(struct visor_witness *w, const struct visor_reading *ours, visor_wall said,
                        bool sharp)
{
    if (!sharp)
        return;
    begin(w, ours, said, 0.0, FREE_RATE);
    remember(w, ours, said);
}

/* Who is surely not derived from REALTIME goes with it only if it was set right after a jump. */
static bool fits(const struct visor_event_witness *event, const struct misses *m)
{
    double allowed = m->allowed + m->half;

    return visor_math_size(m->raw) <= allowed ||
           (!event->independent && visor_math_size(m->real) <= allowed);
}

static void take_fitting(struct visor_witness *w, const struct visor_reading *ours, visor_wall said,
                         const struct misses *m, bool sharp, const struct visor_trusted *utc)
{
    w->denied_error_s = 0.0; /* it was not set after all */
    if (!sharp) {
        w->coarse++;
        return;
    }
    if (w->pending)
        begin_anew(w, ours, said, FREE_RATE); /* it has come back */
    else
        take_sharp(w, ours, said, m);
    w->late = 0;
    remember_lead(w, utc, ours, said);
}

/* The jump that a reading shows, beside what was told before. True: it was told already. */
static bool size_up(struct visor_witness *w, const struct misses *m, bool sharp, bool may_be_late,
                    double *jump_s, double *error_s)
{
    bool again =
        w->pending && !is_another(w, *jump_s, *error_s) && !(may_be_late && w->told_error_s < 0.0);

    if (m->raw < 0.0)
        w->led = 0;                       /* whoever fell behind is where it never was */
    if (may_be_late && sharp && !again) { /* an edge that waited for us to go on */
        *jump_s += LATE_S / 2.0;
        *error_s += LATE_S / 2.0;
    }
    if (!again) {
        put_behind(w);
        tell_more(w, *jump_s, *error_s);
    }
    *jump_s -= w->before_s;
    *error_s += w->before_error_s;
    return again;
}

enum visor_witness_verdict visor_witness_take(struct visor_witness *w,
                                              const struct visor_event_witness *event,
                                              const struct visor_reading *now,
                                              const struct visor_trusted *utc, double *jump_s,
                                              double *error_s)
{
    struct visor_reading ours = clocks_at(now, event->stamp.raw);
    bool sharp = visor_wall_diff(event->latest, event->earliest) <= SHARP_NS;
    bool edge = sharp && event->kind == VISOR_WITNESS_RTC;
    struct misses m;

    *jump_s = *error_s = 0.0;
    follow_copies(w, utc && utc->bound_ns < DOUBTFUL_NS, ours.real);
    if (!w->known) {
        begin_first(w, &ours, middle(event), sharp);
        return VISOR_WITNESS_NOTHING;
    }
    if (visor_mono_before(ours.raw, w->line.at))
        return VISOR_WITNESS_NOTHING; /* out of order */
    m = misses_of(w, event, &ours);
    /* by less than a jump: taken for noise it would hide jumps for minutes */
    if (sharp && !w->pending && w->readings >= TRAINING && visor_math_size(m.raw) > visible(w) &&
        visor_math_size(m.raw) <= m.allowed && was_set(w, &ours, event, &m))
        return is_in_time(w, utc, &ours, middle(event), m.raw, visible(w))
                   ? begin_in_time(w, &ours, middle(event))
                   : set(w, &ours, middle(event), &m, sharp);
    if (fits(event, &m)) {
        take_fitting(w, &ours, middle(event), &m, sharp, utc);
        return VISOR_WITNESS_NOTHING;
    }
    if (sharp && w->readings < TRAINING) { /* the first may have been a bogus one */
        w->readings = 0;
        begin_anew(w, &ours, middle(event), FREE_RATE);
        return VISOR_WITNESS_NOTHING;
    }
    if (sharp && may_go_with_real(w, event, &m) && was_late(w, m.real, &ours))
        return VISOR_WITNESS_NOTHING;
    if (!sharp && w->coarse < COARSE_PROOF) {
        w->coarse = 0;
        return VISOR_WITNESS_NOTHING;
    }
    if (edge && m.raw < 0.0 && (!w->pending || w->told_error_s < 0.0) && was_late(w, m.raw, &ours))
        return VISOR_WITNESS_NOTHING;
    if (sharp && is_in_time(w, utc, &ours, middle(event), m.raw, m.allowed))
        return begin_in_time(w, &ours, middle(event));
    *jump_s = m.raw - held_back(w);
    *error_s = m.half + m.allowed * 5.0 / DEVIATIONS;
    if (sharp)
        *error_s += lateness(w, ours.raw); /* so much the line may be late */
    m.unsure = was_set(w, &ours, event, &m);
    if (m.unsure && !may_have_jumped(w, event, &ours, &m))
        return set(w, &ours, middle(event), &m, sharp);
    return jumped(
        w, &ours, middle(event), &m, sharp,
        size_up(w, &m, sharp, event->kind == VISOR_WITNESS_RTC && m.raw > 0.0, jump_s, error_s));
}

/* What others have found is counted as the witness does, who has gained on UTC meanwhile. If it has
 * told of more, it was set, as its next readings show. */
void visor_witness_told(struct visor_witness *w, double jump_s, double error_s)
{
    double unsure;

    if (w->maybe_set && w->told_error_s >= 0.0 && w->told_s - jump_s > w->told_error_s + error_s)
        note_copy(w, w->jumped_at, w->jumped_real);
    w->maybe_set = false;
    if (!w->pending)
        return;
    jump_s += gained(w, jump_s, &unsure) + w->before_s;
    error_s += w->before_error_s;
    if (w->told_error_s >= 0.0 && w->told_s - jump_s > w->told_error_s + error_s + unsure) {
        w->denied_s = w->told_s;
        w->denied_error_s = w->told_error_s;
    }
    tell_more(w, jump_s, error_s);
}

void visor_witness_doubt(struct visor_witness *w)
{
    put_behind(w);
    w->told_error_s = -1.0;
    w->denied_error_s = 0.0;
    w->pending = w->known;
    w->parted_at = w->ours.raw;
    w->late = 0;
    w->since_count = 0;
}

/* What it says at the newest of its readings since our counter jumped, by the one that was least
 * late, if others were in time with it. */
static bool says_the_same(const struct visor_witness *w, uint32_t count, visor_wall *said,
                          visor_mono *raw)
{
    double same = LATE_SAME_S + LATE_SAME * w->noise_s;
    int64_t now[VISOR_WITNESS_SINCE], most = INT64_MIN;
    int agreeing = 0;

    if (count < IN_TIME)
        return false;
    *raw = w->since_at[(w->since_count - 1) % VISOR_WITNESS_SINCE];
    for (uint32_t i = 0; i < count; i++) {
        double passed = visor_seconds_from_ns(visor_mono_diff(*raw, w->since_at[i]));

        now[i] = visor_ns_add(w->since[i], visor_ns_from_seconds(w->line.rate * passed));
        most = now[i] > most ? now[i] : most;
    }
    for (uint32_t i = 0; i < count; i++)
        agreeing += visor_seconds_from_ns(visor_ns_diff(most, now[i])) <= same;
    *said = (visor_wall){visor_ns_add(raw->ns, most)};
    return agreeing >= IN_TIME;
}

/* Learnt from a few edges, a gain says less than what crystals are: over a day it would be seconds.
 */
static double likely_gain(const struct visor_lead *lead)
{
    double deviation = (lead->rate_error - LEAD_WANDER) / LEAD_SURE;

    return lead->rate * CRYSTAL * CRYSTAL / (CRYSTAL * CRYSTAL + deviation * deviation);
}

/* What was said just before the jump was noticed may have been said after it: an edge that waited
 * for us to go on seems to be in time, where both were late. */
bool visor_witness_utc(const struct visor_witness *w, visor_mono noticed, visor_mono *raw,
                       visor_wall *utc, double *error_s)
{
    const struct visor_lead *newest;
    const struct visor_lead *lead =
        greatest_lead(w, (visor_mono){INT64_MIN}, visor_mono_add(noticed, -BLIND_NS), &newest);
    uint32_t count = w->since_count < VISOR_WITNESS_SINCE ? w->since_count : VISOR_WITNESS_SINCE;
    double noise = w->noise_s > NOISE_LEAST_S ? w->noise_s : NOISE_LEAST_S;
    double went, gain;
    visor_wall said;

    if (!lead || !says_the_same(w, count, &said, raw))
        return false;
    went = visor_seconds_from_ns(visor_wall_diff(said, newest->said));
    gain = likely_gain(newest);
    *utc = visor_wall_add(said, visor_ns_diff(visor_ns_from_seconds(-gain * went), lead->ns));
    *error_s = visor_seconds_from_ns(lead->bound_ns) +
               (newest->rate_error + visor_math_size(newest->rate - gain)) * visor_math_size(went) +
               DEVIATIONS * noise + RATE_MOVED * (double)count;
    return true;
}

enum visor_witness_class visor_witness_class(const struct visor_witness *w)
{
    if (w->backward > BACKWARD_MOST && 2 * w->backward > w->jumps)
        return VISOR_WITNESS_NONSENSE;
    if (w->with_real >= PROOF && w->with_real > w->beside_real)
        return VISOR_WITNESS_DERIVED;
    if (w->beside_real >= PROOF)
        return VISOR_WITNESS_INDEPENDENT;
    return VISOR_WITNESS_UNPROVEN;
}
