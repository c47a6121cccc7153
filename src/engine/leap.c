/* The calendar of leap seconds and the few seconds around one. Where the kernel makes the step
 * (`leapsecmode system`) it does so by CLOCK_REALTIME, we by the estimate: whoever is second finds
 * the other's step accounted for in owed_s. */
#include "engine/core.h"

#define DAY_S        INT64_C(86400)
#define CLOSE_NS     (5 * VISOR_NS_PER_S)
#define IMMINENT_NS  (VISOR_NS_PER_S / 2)
#define AFTERMATH_NS (2 * VISOR_NS_PER_S)

static int64_t day_of(int64_t utc_s)
{
    return utc_s / DAY_S - (utc_s % DAY_S < 0 ? 1 : 0);
}

/* 30 June or 31 December? Counted in years that begin in March, of 400-year cycles, so that the
 * leap day is the last one of its year (Hinnant, "chrono-compatible low-level date algorithms"). */
static bool is_usual_day(int64_t day)
{
    int64_t since = day + 719468; /* 0000-03-01 */
    int64_t cycle = (since >= 0 ? since : since - 146096) / 146097;
    int64_t in_cycle = since - cycle * 146097;
    int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);

    return in_year == 121 || in_year == 305;
}

enum visor_leap visor_leap_today(int64_t utc_s, enum visor_leap voted,
                                 const struct visor_leap_entry *leaps, size_t count,
                                 int *tai_offset_s)
{
    int64_t midnight = (day_of(utc_s) + 1) * DAY_S;

    *tai_offset_s = 0;
    for (size_t i = 0; i < count && leaps[i].utc_s <= utc_s; i++)
        *tai_offset_s = leaps[i].tai_offset_s;
    if (voted == VISOR_LEAP_INSERT || voted == VISOR_LEAP_DELETE)
        return is_usual_day(day_of(utc_s)) ? voted : VISOR_LEAP_NONE;
    for (size_t i = 1; i < count; i++)
        if (leaps[i].utc_s == midnight)
            return leaps[i].tai_offset_s > leaps[i - 1].tai_offset_s ? VISOR_LEAP_INSERT
                                                                     : VISOR_LEAP_DELETE;
    return VISOR_LEAP_NONE;
}

/* More than half of the sources that agree; only of the trusted ones where there are any. */
static enum visor_leap count_votes(const struct visor_engine *e)
{
    int votes[2] = {0, 0}, insert[2] = {0, 0}, delete[2] = {0, 0}, trusted;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *s = &e->sources[i];
        int trust = (s->candidate.options & VISOR_SELECT_TRUST) != 0;

        if (s->id == 0 || !visor_select_agrees(s->candidate.state))
            continue;
        votes[trust]++;
        insert[trust] += s->leap == VISOR_LEAP_INSERT;
        delete[trust] += s->leap == VISOR_LEAP_DELETE;
    }
    trusted = votes[1] > 0;
    if (2 * insert[trusted] > votes[trusted])
        return VISOR_LEAP_INSERT;
    if (2 * delete[trusted] > votes[trusted])
        return VISOR_LEAP_DELETE;
    return VISOR_LEAP_NONE;
}

static int shift_of(enum visor_leap leap)
{
    return leap == VISOR_LEAP_INSERT ? -1 : leap == VISOR_LEAP_DELETE ? 1 : 0;
}

static visor_wall utc_now(const struct visor_engine *e)
{
    return visor_line_utc(&e->line, e->now.raw);
}

/* Is the step left to the kernel? Where somebody else keeps the clock it may come as well. */
static bool kernel_steps(const struct visor_engine *e)
{
    return !e->settable || e->config->leap_mode == VISOR_LEAP_MODE_SYSTEM;
}

void visor_leap_init(struct visor_engine *e)
{
    e->leap = (struct visor_leap_second){.made = {INT64_MIN}, .looked_day = INT64_MIN};
}

static void tell(struct visor_engine *e, enum visor_message_kind kind, int64_t count)
{
    visor_engine_log(e, kind, VISOR_SEVERITY_INFO)->count[0] = count;
}

static void decide(struct visor_engine *e, enum visor_leap voted)
{
    struct visor_leap_second *leap = &e->leap;
    bool system = e->settable && e->config->leap_mode == VISOR_LEAP_MODE_SYSTEM;
    int64_t utc_s = utc_now(e).ns / VISOR_NS_PER_S;
    enum visor_leap announced;
    int64_t midnight_s;
    int tai;

    leap->looked_day = day_of(utc_s);
    announced = visor_leap_today(utc_s, voted, e->config->leaps, e->config->leap_count, &tai);
    midnight_s = announced == VISOR_LEAP_NONE ? 0 : (leap->looked_day + 1) * DAY_S;
    if (announced == leap->announced && tai == leap->tai_offset_s && midnight_s == leap->midnight_s)
        return;
    if (system && tai != 0 && tai != leap->tai_offset_s)
        tell(e, VISOR_MESSAGE_TAI_OFFSET, tai);
    if (system && announced != leap->announced)
        tell(e, VISOR_MESSAGE_LEAP, announced);
    leap->tai_offset_s = tai;
    leap->announced = announced;
    leap->phase = announced == VISOR_LEAP_NONE ? VISOR_LEAP_IDLE : VISOR_LEAP_ARMED;
    leap->midnight_s = midnight_s;
    e->steer.leap_s = kernel_steps(e) ? shift_of(announced) : 0.0;
    visor_discipline_status(e, true);
}

void visor_leap_update(struct visor_engine *e)
{
    if (!visor_leap_is_close(e, utc_now(e)))
        decide(e, count_votes(e));
}

bool visor_leap_is_close(const struct visor_engine *e, visor_wall utc)
{
    int64_t away;

    if (e->leap.midnight_s == 0)
        return false;
    away = visor_ns_diff(utc.ns, e->leap.midnight_s * VISOR_NS_PER_S);
    return away >= -CLOSE_NS && away < CLOSE_NS;
}

/* Clients shall not see that there was one. */
static bool smeared(const struct visor_engine *e)
{
    return e->config->leap_mode == VISOR_LEAP_MODE_SLEW && visor_smooth_enabled(&e->smooth);
}

enum visor_leap visor_leap_told(const struct visor_engine *e)
{
    if (smeared(e))
        return VISOR_LEAP_NONE;
    if (e->leap.phase == VISOR_LEAP_IMMINENT || e->leap.phase == VISOR_LEAP_MADE)
        return VISOR_LEAP_UNSYNCHRONIZED;
    return e->leap.announced;
}

int64_t visor_leap_shift_ns(const struct visor_engine *e, visor_mono at)
{
    return visor_mono_before(at, e->leap.made) ? e->leap.shift_s * VISOR_NS_PER_S : 0;
}

/* When UTC must be shifted: at midnight, or a second before if that second does not exist. */
static visor_wall moment(const struct visor_engine *e)
{
    int64_t early_s = e->leap.announced == VISOR_LEAP_DELETE ? 1 : 0;

    return (visor_wall){(e->leap.midnight_s - early_s) * VISOR_NS_PER_S};
}

static void shift_all(struct visor_engine *e, int shift_s)
{
    e->line.offset_ns = visor_ns_add(e->line.offset_ns, shift_s * VISOR_NS_PER_S);
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *s = &e->sources[i];

        if (s->id == 0)
            continue;
        visor_filter_shift(&s->filter, shift_s);
        if (s->refclock)
            visor_refclock_shift(s->clock, shift_s * VISOR_NS_PER_S);
    }
}

static void make(struct visor_engine *e)
{
    struct visor_leap_second *leap = &e->leap;
    enum visor_leap_mode mode = e->config->leap_mode;

    leap->phase = VISOR_LEAP_MADE;
    leap->made = e->now.raw;
    leap->shift_s = mode == VISOR_LEAP_MODE_IGNORE ? 0 : shift_of(leap->announced);
    shift_all(e, leap->shift_s);
    if (mode == VISOR_LEAP_MODE_SLEW || (mode == VISOR_LEAP_MODE_STEP && e->smooth.leap_only))
        visor_smooth_move(&e->smooth, e->now.raw, leap->shift_s, 0.0);
    if (!kernel_steps(e) && leap->shift_s != 0) {
        if (mode == VISOR_LEAP_MODE_STEP)
            visor_discipline_step(e, leap->shift_s);
        else
            visor_discipline_slew(e);
    } else if (leap->shift_s != 0) {
        leap->owed_s = e->steer.leap_s != 0.0 ? leap->shift_s : 0.0;
    }
    if (mode != VISOR_LEAP_MODE_SYSTEM)
        visor_engine_log(e, VISOR_MESSAGE_LEAP_DONE, VISOR_SEVERITY_WARNING)->count[0] = mode;
    visor_publish_view(e);
}

void visor_leap_kernel_stepped(struct visor_engine *e)
{
    e->leap.owed_s = e->leap.phase == VISOR_LEAP_MADE ? 0.0 : -shift_of(e->leap.announced);
}

/* A kernel that has not stepped until now never will: what is left becomes an ordinary offset. */
static void finish(struct visor_engine *e)
{
    struct visor_leap_second *leap = &e->leap;
    bool missed = leap->owed_s != 0.0;

    if (leap->tai_offset_s != 0)
        leap->tai_offset_s -= leap->shift_s;
    leap->phase = VISOR_LEAP_IDLE;
    leap->announced = VISOR_LEAP_NONE;
    leap->owed_s = 0.0;
    e->steer.leap_s = 0.0;
    if (e->settable && e->config->leap_mode == VISOR_LEAP_MODE_SYSTEM)
        tell(e, VISOR_MESSAGE_LEAP_DONE, VISOR_LEAP_MODE_SYSTEM);
    if (missed && e->settable)
        visor_discipline_step(e, leap->shift_s);
    visor_discipline_status(e, true);
    visor_publish_view(e);
}

void visor_leap_timer(struct visor_engine *e)
{
    struct visor_leap_second *leap = &e->leap;

    if (!e->known)
        return;
    if (leap->phase == VISOR_LEAP_IDLE) {
        /* Whatever was voted was for a day that is over. */
        if (leap->looked_day != INT64_MIN &&
            day_of(utc_now(e).ns / VISOR_NS_PER_S) != leap->looked_day &&
            !visor_leap_is_close(e, utc_now(e)))
            decide(e, VISOR_LEAP_NONE);
        return;
    }
    if (leap->phase == VISOR_LEAP_ARMED && utc_now(e).ns >= moment(e).ns - IMMINENT_NS) {
        leap->phase = VISOR_LEAP_IMMINENT;
        visor_publish_view(e);
    }
    if (leap->phase == VISOR_LEAP_IMMINENT && utc_now(e).ns >= moment(e).ns)
        make(e);
    if (leap->phase == VISOR_LEAP_MADE && visor_mono_diff(e->now.raw, leap->made) >= AFTERMATH_NS)
        finish(e);
}

/* When the estimate will read `utc`. */
static visor_mono raw_at(const struct visor_engine *e, visor_wall utc)
{
    double away = (double)visor_wall_diff(utc, utc_now(e)) / (1.0 + e->line.rate);

    if (!(away < 9e18)) /* a rate that no counter has: it will change before */
        return (visor_mono){INT64_MAX};
    return visor_mono_add(e->now.raw, away > 0.0 ? (int64_t)away + 1 : 0);
}

visor_mono visor_leap_deadline(const struct visor_engine *e)
{
    const struct visor_leap_second *leap = &e->leap;

    if (!e->known || leap->looked_day == INT64_MIN)
        return (visor_mono){INT64_MAX};
    switch (leap->phase) {
    case VISOR_LEAP_ARMED:
        return raw_at(e, visor_wall_add(moment(e), -IMMINENT_NS));
    case VISOR_LEAP_IMMINENT:
        return raw_at(e, moment(e));
    case VISOR_LEAP_MADE:
        return visor_mono_add(leap->made, AFTERMATH_NS);
    default:
        return raw_at(e, (visor_wall){(leap->looked_day + 1) * DAY_S * VISOR_NS_PER_S + CLOSE_NS});
    }
}
