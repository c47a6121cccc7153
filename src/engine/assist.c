/* The order of the questions, and what each answer means. Which disruptions there are is
 * disruption.c's, when the estimate is good follow.c's, the protocol wire/cmdmon.c's. */
#include "engine/assist.h"

#include "base/math.h"

#include <errno.h>
#include <string.h>

#define BURST_GOOD  4
#define BURST_TOTAL 8
#define BURSTS_MAX  4 /* one that comes while another is going on has no effect */
#define BURST_NS    (10 * VISOR_NS_PER_S)
#define ANSWER_NS                                                                                  \
    VISOR_NS_PER_S /* it answers within microseconds, unless the machine is starved                \
                    */
#define LOOK_NS      (16 * VISOR_NS_PER_S) /* is it still there? */
#define UNSURE_NS    (2 * VISOR_NS_PER_S)  /* and synchronised by now? */
#define SOURCES_NS   (60 * VISOR_NS_PER_S)
#define RETRY_NS     VISOR_NS_PER_S
#define RETRY_MAX_NS (16 * VISOR_NS_PER_S)
#define SETTLING_NS  (VISOR_NS_PER_S / 2) /* until an older chronyd has measured something new */
#define STEPPING_NS  VISOR_NS_PER_S
#define OFFSETS_MAX  4
#define STEPS_MAX    2
#define LOOKS_MAX    60   /* that an older chronyd is given to measure by itself */
#define AGREED_S     1e-3 /* what is less is left to chronyd's own measurements */
#define FLOAT_ERROR  2e-7 /* relative, of the protocol's numbers */
#define SLEW_MAX     0.1  /* s/s, of chronyd's clock */

void visor_assist_init(struct visor_assist *a, bool wants_sources, visor_mono now)
{
    memset(a, 0, sizeof(*a));
    a->state = VISOR_ASSIST_ABSENT;
    a->wants_sources = wants_sources;
    a->pause_ns = RETRY_NS;
    a->look_at = a->sources_at = now;
    a->disrupted_at.ns = INT64_MIN;
}

void visor_assist_disrupted(struct visor_assist *a, visor_mono now)
{
    a->reset = a->burst = a->wanting = true;
    a->bursts = 0;
    a->correct = a->step = a->fresh = false;
    a->disrupted_at = now;
    a->pause_ns = RETRY_NS;
    a->look_at = now; /* also where it was not there a moment ago */
}

void visor_assist_rescue(struct visor_assist *a, bool offline, visor_mono now)
{
    a->online = a->online || offline;
    a->refresh = a->refresh || !offline;
    a->burst = true;
    a->bursts = 0;
    a->look_at = now;
}

void visor_assist_forget(struct visor_assist *a, visor_mono now)
{
    a->reset = a->burst = true;
    a->bursts = 0;
    a->look_at = now;
}

void visor_assist_correct(struct visor_assist *a, bool step, visor_mono now)
{
    a->correct = true;
    a->step = step;
    a->fresh = false;
    a->offsets = a->steps = a->looks = 0;
    if (a->state == VISOR_ASSIST_READY)
        a->look_at = now;
}

/* ---- questions ---- */

static bool changes(enum visor_cmdmon_command command)
{
    switch (command) {
    case VISOR_CMDMON_RESET_SOURCES:
    case VISOR_CMDMON_ONLINE:
    case VISOR_CMDMON_REFRESH:
    case VISOR_CMDMON_BURST:
    case VISOR_CMDMON_DOFFSET2:
    case VISOR_CMDMON_MAKESTEP:
        return true;
    default:
        return false;
    }
}

static struct visor_assist_deed *newest(struct visor_assist *a)
{
    return &a->deeds[(a->deed_count - 1) % VISOR_ASSIST_DEEDS];
}

static bool ask(struct visor_assist *a, enum visor_cmdmon_command command, double number,
                visor_mono now, struct visor_action_chronyd *question)
{
    memset(question, 0, sizeof(*question));
    question->token = ++a->token;
    question->command = command;
    question->number = number;
    question->index = a->index;
    question->address = a->candidate;
    if (command == VISOR_CMDMON_BURST) {
        question->good = BURST_GOOD;
        question->total = BURST_TOTAL;
        a->bursts++;
        a->burst_at = now;
    }
    a->asked = *question;
    a->asked_at = now;
    a->waits = true;
    if (changes(command)) {
        a->fresh = false;
        a->deed_count++;
        *newest(a) = (struct visor_assist_deed){
            .command = command,
            .number = command == VISOR_CMDMON_DOFFSET2 ? -number : 0.0,
            .asked = now,
        };
    }
    return true;
}

/* How far chronyd's idea of the time may be from ours to be called the same: what we know no better
 * ourselves, chronyd will measure. Its clock may be slewing while the answer is on its way. */
static double tolerance(const struct visor_assist *a, double error_s)
{
    double least = AGREED_S + FLOAT_ERROR * visor_math_size(a->remaining_s);

    return (error_s > least ? error_s : least) + SLEW_MAX * a->took_s;
}

/* The next move of a correction; false: none now, or none any more. */
static bool correct(struct visor_assist *a, double error_s, visor_mono now,
                    struct visor_action_chronyd *question)
{
    double limit = tolerance(a, error_s);
    double gap = a->remaining_s - a->correction_s;

    if (visor_math_size(gap) > limit) {
        if (!a->too_old && a->offsets++ < OFFSETS_MAX) /* chronyd's + is a clock that is fast */
            return ask(a, VISOR_CMDMON_DOFFSET2, -gap, now, question);
        a->fresh = false;
        a->look_at = visor_mono_add(now, SETTLING_NS);
        a->correct = a->looks++ < LOOKS_MAX;
        return false;
    }
    if (a->step && visor_math_size(a->remaining_s) > limit && a->steps++ < STEPS_MAX)
        return ask(a, VISOR_CMDMON_MAKESTEP, 0.0, now, question);
    a->correct = false;
    return false;
}

/* Its sources one by one, and then whether it authenticates the one. */
static bool next_source(struct visor_assist *a, visor_mono now,
                        struct visor_action_chronyd *question)
{
    if (a->found)
        return ask(a, a->open ? VISOR_CMDMON_NTP_DATA : VISOR_CMDMON_AUTH_DATA, 0.0, now, question);
    if (a->index < a->count)
        return ask(a, VISOR_CMDMON_SOURCE_DATA, 0.0, now, question);
    if (visor_mono_before(now, a->sources_at))
        return false;
    a->sources_at = visor_mono_add(now, SOURCES_NS);
    a->index = a->count = 0;
    return ask(a, VISOR_CMDMON_N_SOURCES, 0.0, now, question);
}

static bool look(struct visor_assist *a, visor_mono now, struct visor_action_chronyd *question)
{
    if (visor_mono_before(now, a->look_at))
        return false;
    a->look_at = visor_mono_add(now, a->synchronized ? LOOK_NS : UNSURE_NS);
    return ask(a, VISOR_CMDMON_TRACKING, 0.0, now, question);
}

bool visor_assist_next(struct visor_assist *a, double error_s, visor_mono now,
                       struct visor_action_chronyd *question)
{
    if (a->state == VISOR_ASSIST_OFF || a->waits)
        return false;
    if (a->state != VISOR_ASSIST_READY)
        return look(a, now, question);
    if (a->reset)
        return ask(a, VISOR_CMDMON_RESET_SOURCES, 0.0, now, question);
    if (a->online)
        return ask(a, VISOR_CMDMON_ONLINE, 0.0, now, question);
    if (a->refresh)
        return ask(a, VISOR_CMDMON_REFRESH, 0.0, now, question);
    if (a->burst)
        return ask(a, VISOR_CMDMON_BURST, 0.0, now, question);
    if (a->correct && a->fresh && correct(a, error_s, now, question))
        return true;
    if (look(a, now, question))
        return true;
    return a->wants_sources && next_source(a, now, question);
}

/* ---- answers ---- */

/* What was wished remains wished: it is done when chronyd is there again. */
static void lose(struct visor_assist *a, int error, visor_mono now)
{
    a->state = error == EACCES || error == EPERM ? VISOR_ASSIST_REFUSED : VISOR_ASSIST_ABSENT;
    a->error = error;
    a->fresh = a->heard = a->found = a->open = a->too_old = false;
    a->index = a->count = 0;
    a->look_at = visor_mono_add(now, a->pause_ns);
    a->pause_ns = 2 * a->pause_ns < RETRY_MAX_NS ? 2 * a->pause_ns : RETRY_MAX_NS;
}

static enum visor_assist_news fail(struct visor_assist *a, int error, visor_mono now)
{
    enum visor_assist_state before = a->state;
    int reason = a->error;

    if (changes(a->asked.command)) {
        newest(a)->answered = true;
        newest(a)->error = error;
    }
    lose(a, error, now);
    return a->state != before || error != reason ? VISOR_ASSIST_STATE : VISOR_ASSIST_NO_NEWS;
}

/* What was asked for is done, or will not be done by this chronyd. */
static enum visor_assist_news done(struct visor_assist *a, uint16_t status, visor_mono now)
{
    newest(a)->answered = true;
    newest(a)->status = status;
    switch (a->asked.command) {
    case VISOR_CMDMON_RESET_SOURCES:
        a->reset = false;
        break;
    case VISOR_CMDMON_ONLINE:
        a->online = false;
        break;
    case VISOR_CMDMON_REFRESH:
        a->refresh = false;
        break;
    case VISOR_CMDMON_BURST:
        a->burst = false;
        break;
    case VISOR_CMDMON_DOFFSET2:
        a->too_old = status == VISOR_CMDMON_INVALID;
        if (status != VISOR_CMDMON_SUCCESS)
            a->offsets = OFFSETS_MAX;
        break;
    default:
        if (status != VISOR_CMDMON_SUCCESS)
            a->step = false; /* as with -x: then it goes there by itself, or not at all */
        break;
    }
    if (a->correct)
        a->look_at = now;
    return VISOR_ASSIST_DEED;
}

static enum visor_assist_news hear(struct visor_assist *a, const struct visor_event_chronyd *event,
                                   double remaining_s, visor_mono now)
{
    bool came = a->state != VISOR_ASSIST_READY;

    a->state = VISOR_ASSIST_READY;
    a->error = 0;
    a->pause_ns = RETRY_NS;
    a->fresh = a->heard = true;
    a->heard_at = now;
    a->took_s = visor_seconds_from_ns(visor_mono_diff(now, a->asked_at));
    a->remaining_s = remaining_s;
    a->correction_s = event->correction_s;
    a->synchronized = event->leap != VISOR_LEAP_UNSYNCHRONIZED;
    if (!a->synchronized && a->bursts > 0 && a->bursts < BURSTS_MAX &&
        visor_mono_diff(now, a->burst_at) >= BURST_NS)
        a->burst = true;
    if (came)
        a->sources_at = now;
    return came ? VISOR_ASSIST_STATE : VISOR_ASSIST_NO_NEWS;
}

static enum visor_assist_news hear_of_source(struct visor_assist *a,
                                             const struct visor_event_chronyd *event)
{
    bool answered = event->status == VISOR_CMDMON_SUCCESS;

    switch (a->asked.command) {
    case VISOR_CMDMON_N_SOURCES:
        a->count = answered ? event->count : 0;
        return VISOR_ASSIST_NO_NEWS;
    case VISOR_CMDMON_SOURCE_DATA:
        a->index++;
        a->candidate = event->address;
        a->found = answered && event->client && event->address.family != VISOR_FAMILY_NONE;
        return VISOR_ASSIST_NO_NEWS;
    case VISOR_CMDMON_AUTH_DATA:
        a->open = answered && !event->authenticated;
        a->found = a->open;
        if (!answered || a->open || a->locked_told)
            return VISOR_ASSIST_NO_NEWS;
        a->locked_told = true;
        return VISOR_ASSIST_LOCKED;
    default:
        a->found = a->open = false;
        a->candidate.port = event->port;
        return answered && event->port ? VISOR_ASSIST_SOURCE : VISOR_ASSIST_NO_NEWS;
    }
}

static enum visor_assist_news time_out(struct visor_assist *a, visor_mono now)
{
    a->waits = false;
    return fail(a, ETIMEDOUT, now);
}

enum visor_assist_news visor_assist_take(struct visor_assist *a,
                                         const struct visor_event_chronyd *event,
                                         double remaining_s, visor_mono now)
{
    if (a->state == VISOR_ASSIST_OFF || !a->waits)
        return VISOR_ASSIST_NO_NEWS;
    if (!event) /* time has passed */
        return visor_mono_diff(now, a->asked_at) >= ANSWER_NS ? time_out(a, now)
                                                              : VISOR_ASSIST_NO_NEWS;
    if (event->token != a->token)
        return VISOR_ASSIST_NO_NEWS;
    a->waits = false;
    if (event->error)
        return fail(a, event->error, now);
    if (event->status == VISOR_CMDMON_UNAUTHORISED)
        return fail(a, EACCES, now);
    if (changes(a->asked.command))
        return done(a, event->status, now);
    if (a->asked.command != VISOR_CMDMON_TRACKING)
        return hear_of_source(a, event);
    return event->status == VISOR_CMDMON_SUCCESS ? hear(a, event, remaining_s, now)
                                                 : fail(a, EPROTO, now);
}

bool visor_assist_steps(const struct visor_assist *a, visor_mono now)
{
    const struct visor_assist_deed *last =
        a->deed_count ? &a->deeds[(a->deed_count - 1) % VISOR_ASSIST_DEEDS] : NULL;

    return last && last->command == VISOR_CMDMON_MAKESTEP &&
           visor_mono_diff(now, last->asked) < STEPPING_NS;
}

visor_mono visor_assist_deadline(const struct visor_assist *a)
{
    visor_mono deadline = a->look_at;

    if (a->state == VISOR_ASSIST_OFF)
        return (visor_mono){INT64_MAX};
    if (a->waits)
        return visor_mono_add(a->asked_at, ANSWER_NS);
    if (a->state == VISOR_ASSIST_READY && a->wants_sources &&
        visor_mono_before(a->sources_at, deadline))
        deadline = a->sources_at;
    return deadline;
}
