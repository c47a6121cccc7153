/* Assist mode inside the engine: a disruption becomes questions to the chronyd beside us, its
 * answers become messages, and its sources ours where we have none. The order is assist.c's. */
#include "engine/core.h"

#include "base/math.h"

#include <string.h>

#define TAKEN_MINPOLL 6 /* of sources taken over: they are asked by two daemons now */
#define TAKEN_MAXPOLL 10
#define SLEWED_S      0.1 /* that its slew may have made between two looks at the clock */

/* Ask what is to be asked. */
static void pump(struct visor_engine *e)
{
    int64_t bound = visor_discipline_bound_ns(e, e->now.raw);
    double error_s = bound == VISOR_NS_MAX ? 0.0 : visor_seconds_from_ns(bound);
    struct visor_action_chronyd question;

    while (visor_assist_next(&e->assist, error_s, e->now.raw, &question))
        visor_engine_push(e, VISOR_ACTION_CHRONYD)->chronyd = question;
}

static void say_state(struct visor_engine *e)
{
    bool ready = e->assist.state == VISOR_ASSIST_READY;
    struct visor_message *message = visor_engine_log(
        e, VISOR_MESSAGE_ASSIST_STATE, ready ? VISOR_SEVERITY_INFO : VISOR_SEVERITY_WARNING);

    message->count[0] = (int64_t)e->assist.state;
    message->count[1] = e->assist.error;
    memcpy(message->name, e->config->chronyd_socket, sizeof(message->name) - 1);
}

static void say_deed(struct visor_engine *e)
{
    const struct visor_assist_deed *deed =
        &e->assist.deeds[(e->assist.deed_count - 1) % VISOR_ASSIST_DEEDS];
    struct visor_message *message = visor_engine_log(
        e, VISOR_MESSAGE_ASSIST_ASKED,
        deed->status == VISOR_CMDMON_SUCCESS ? VISOR_SEVERITY_INFO : VISOR_SEVERITY_WARNING);

    message->count[0] = (int64_t)deed->command;
    message->count[1] = deed->status;
    message->number[0] = deed->number;
}

static void take_source(struct visor_engine *e)
{
    struct visor_source_config source;

    visor_source_config_init(&source);
    source.kind = VISOR_SOURCE_SERVER;
    source.iburst = true;
    source.minpoll = TAKEN_MINPOLL;
    source.maxpoll = TAKEN_MAXPOLL;
    source.port = e->assist.candidate.port;
    visor_address_print(&e->assist.candidate, source.name, sizeof(source.name));
    visor_sources_add(e, &source, -1); /* one that we have, or have no room for, is no news */
}

static void take(struct visor_engine *e, const struct visor_event_chronyd *event)
{
    double remaining = e->known ? visor_discipline_remaining(e) : 0.0;

    switch (visor_assist_take(&e->assist, event, remaining, e->now.raw)) {
    case VISOR_ASSIST_STATE:
        say_state(e);
        break;
    case VISOR_ASSIST_DEED:
        say_deed(e);
        break;
    case VISOR_ASSIST_SOURCE:
        take_source(e);
        break;
    case VISOR_ASSIST_LOCKED:
        visor_engine_log(e, VISOR_MESSAGE_ASSIST_LOCKED, VISOR_SEVERITY_WARNING)->address =
            e->assist.candidate;
        break;
    case VISOR_ASSIST_NO_NEWS:
        break;
    }
    pump(e);
}

void visor_chronyd_start(struct visor_engine *e)
{
    const struct visor_config *config = e->config;

    if (config->mode == VISOR_MODE_ASSIST)
        visor_assist_init(&e->assist, config->source_count == 0 && config->refclock_count == 0,
                          e->now.raw);
}

void visor_chronyd_answered(struct visor_engine *e, const struct visor_event_chronyd *event)
{
    take(e, event);
}

void visor_chronyd_disrupted(struct visor_engine *e)
{
    if (e->assist.state == VISOR_ASSIST_OFF)
        return;
    visor_assist_disrupted(&e->assist, e->now.raw);
    pump(e);
}

void visor_chronyd_rescue(struct visor_engine *e, bool offline)
{
    if (e->assist.state == VISOR_ASSIST_OFF)
        return;
    visor_assist_rescue(&e->assist, offline, e->now.raw);
    pump(e);
}

void visor_chronyd_forget(struct visor_engine *e)
{
    if (e->assist.state == VISOR_ASSIST_OFF)
        return;
    visor_assist_forget(&e->assist, e->now.raw);
    pump(e);
}

/* Only what a disruption has brought about: all else is chronyd's own affair. */
bool visor_chronyd_correct(struct visor_engine *e, bool step)
{
    struct visor_assist *a = &e->assist;

    if (a->state == VISOR_ASSIST_OFF)
        return false;
    if (!a->wanting)
        return true;
    visor_assist_correct(a, step, e->now.raw);
    a->wanting =
        e->disruptions.open; /* by a witness's word alone: the sources will say it better */
    pump(e);
    return true;
}

bool visor_chronyd_may_step(const struct visor_engine *e, double change_s)
{
    return e->assist.state != VISOR_ASSIST_OFF &&
           (visor_math_size(change_s) < SLEWED_S || visor_assist_steps(&e->assist, e->now.raw));
}

void visor_chronyd_timer(struct visor_engine *e)
{
    if (e->assist.state != VISOR_ASSIST_OFF &&
        !visor_mono_before(e->now.raw, visor_assist_deadline(&e->assist)))
        take(e, NULL);
}
