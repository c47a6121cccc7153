/* Commands of chronyc and of our own command line, each answered once. */
#include "engine/core.h"

#include <string.h>

static bool matches(const struct visor_command_match *match, const struct visor_source *source)
{
    const struct visor_address *address = &source->association.remote;
    bool all_bits = match->mask.family != match->address.family;

    if (source->refclock)
        return false;
    if (match->id != 0)
        return source->id == match->id;
    if (match->address.family == VISOR_FAMILY_NONE)
        return true;
    if (!source->resolved || match->address.family != address->family)
        return false;
    for (size_t i = 0; i < sizeof(address->bytes); i++)
        if ((address->bytes[i] ^ match->address.bytes[i]) &
            (all_bits ? 0xff : match->mask.bytes[i]))
            return false;
    return true;
}

void visor_command_set_online(struct visor_engine *e, struct visor_source *source, bool online)
{
    if (!source->resolved) { /* it will begin so */
        e->origins[source->origin].config.offline = !online;
        if (online)
            visor_names_retry(e, source->origin);
        return;
    }
    if (source->association.online == online)
        return;
    visor_association_set_online(&source->association, online, e->now.raw);
    visor_source_describe(
        source, e->origins,
        visor_engine_log(e, online ? VISOR_MESSAGE_SOURCE_ONLINE : VISOR_MESSAGE_SOURCE_OFFLINE,
                         VISOR_SEVERITY_INFO));
}

#define SECONDS_MAX 1e9
#define BURST_MAX   255.0

static double within(double value, double low, double high)
{
    return value > low ? value < high ? value : high : low; /* NaN: low */
}

/* A source option changed by a command; false: the command is another one, or the value is out of
 * its range, which chronyd takes without a word. */
static bool set_option(struct visor_source_config *config,
                       const struct visor_event_command *command)
{
    double value = command->number[0];
    bool poll = value >= VISOR_ASSOCIATION_POLL_MIN && value <= VISOR_ASSOCIATION_POLL_MAX;

    switch (command->kind) {
    case VISOR_COMMAND_MINPOLL:
        config->minpoll = poll ? (int)value : config->minpoll;
        return poll;
    case VISOR_COMMAND_MAXPOLL:
        config->maxpoll = poll ? (int)value : config->maxpoll;
        return poll;
    case VISOR_COMMAND_MAXDELAY:
        config->max_delay = within(value, 0.0, 1e3);
        return true;
    case VISOR_COMMAND_MAXDELAYRATIO:
        config->max_delay_ratio = within(value, 0.0, 1e6);
        return true;
    case VISOR_COMMAND_MAXDELAYDEVRATIO:
        config->max_delay_dev_ratio = within(value, 0.0, 1e6);
        return true;
    case VISOR_COMMAND_MINSTRATUM:
        config->min_stratum = (int)within(value, 0.0, 16.0);
        return true;
    case VISOR_COMMAND_POLLTARGET:
        config->poll_target = (int)within(value, 1.0, 1e6);
        return true;
    case VISOR_COMMAND_OFFSET:
        config->offset = within(value, -1e9, 1e9);
        return true;
    default:
        return false;
    }
}

static void tell_modified(struct visor_engine *e, const struct visor_source *source,
                          const struct visor_event_command *command)
{
    struct visor_message *message =
        visor_engine_log(e, VISOR_MESSAGE_SOURCE_MODIFIED, VISOR_SEVERITY_INFO);

    visor_source_describe(source, e->origins, message);
    message->count[0] = command->kind;
    message->number[0] = command->number[0];
}

/* An option of a source that has an address is its own; of one that has none yet, its origin's. */
static void modify(struct visor_engine *e, struct visor_source *source,
                   const struct visor_event_command *command)
{
    struct visor_association *a = &source->association;

    if (!set_option(source->resolved ? &a->config : &e->origins[source->origin].config, command))
        return;
    tell_modified(e, source, command);
    if (source->resolved && command->kind == VISOR_COMMAND_MINPOLL)
        visor_association_set_minpoll(a, (int)command->number[0], e->now.raw);
    if (source->resolved && command->kind == VISOR_COMMAND_MAXPOLL)
        visor_association_set_maxpoll(a, (int)command->number[0], e->now.raw);
}

/* What a command does to one source that it means; false: nothing of the sort. */
static bool to_source(struct visor_engine *e, struct visor_source *source,
                      const struct visor_event_command *command)
{
    switch (command->kind) {
    case VISOR_COMMAND_BURST:
        if (source->resolved)
            visor_association_start_burst(
                &source->association, (int)within(command->number[0], 0.0, BURST_MAX),
                (int)within(command->number[1], 0.0, BURST_MAX), e->now.raw);
        return true;
    case VISOR_COMMAND_ONLINE:
    case VISOR_COMMAND_ONOFFLINE: /* the caller asks for it only where there is a route */
        visor_command_set_online(e, source, true);
        return true;
    case VISOR_COMMAND_OFFLINE:
        visor_command_set_online(e, source, false);
        return true;
    case VISOR_COMMAND_MINPOLL:
    case VISOR_COMMAND_MAXPOLL:
    case VISOR_COMMAND_MAXDELAY:
    case VISOR_COMMAND_MAXDELAYRATIO:
    case VISOR_COMMAND_MAXDELAYDEVRATIO:
    case VISOR_COMMAND_MINSTRATUM:
    case VISOR_COMMAND_POLLTARGET:
    case VISOR_COMMAND_OFFSET:
        modify(e, source, command);
        return true;
    default:
        return false;
    }
}

static enum visor_answer to_matching(struct visor_engine *e,
                                     const struct visor_event_command *command)
{
    bool any = false;

    for (int i = 0; i < e->source_count; i++)
        if (e->sources[i].id != 0 && matches(&command->match, &e->sources[i]))
            any |= to_source(e, &e->sources[i], command);
    return any ? VISOR_ANSWER_OK : VISOR_ANSWER_NO_SUCH_SOURCE;
}

/* The one that the command means: by its reference id, else by address or number. */
static struct visor_source *find_one(struct visor_engine *e,
                                     const struct visor_event_command *command)
{
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];
        char refid[5] = "";

        if (source->id == 0)
            continue;
        if (source->refclock)
            visor_refclock_refid_text(source->clock_config, source->origin, refid);
        if (command->refid[0] ? strcmp(command->refid, refid) == 0
                              : matches(&command->match, source))
            return source;
    }
    return NULL;
}

static enum visor_answer set_options(struct visor_engine *e,
                                     const struct visor_event_command *command)
{
    uint32_t options = (uint32_t)within(command->number[0], 0.0, UINT32_MAX);
    uint32_t mask = (uint32_t)within(command->number[1], 0.0, UINT32_MAX);
    struct visor_source *source = find_one(e, command);

    if (!source)
        return VISOR_ANSWER_NO_SUCH_SOURCE;
    options = (source->options & ~mask) | (options & mask);
    if (options == source->options)
        return VISOR_ANSWER_OK;
    source->options = options;
    tell_modified(e, source, command);
    return VISOR_ANSWER_OK;
}

static enum visor_answer set_offset(struct visor_engine *e,
                                    const struct visor_event_command *command)
{
    struct visor_source *source = find_one(e, command);

    if (!source)
        return VISOR_ANSWER_NO_SUCH_SOURCE;
    if (!source->refclock) {
        modify(e, source, command);
        return VISOR_ANSWER_OK;
    }
    visor_refclock_set_offset(source->clock, within(command->number[0], -1e9, 1e9));
    tell_modified(e, source, command);
    return VISOR_ANSWER_OK;
}

static enum visor_answer delete_source(struct visor_engine *e,
                                       const struct visor_event_command *command)
{
    struct visor_source *source = find_one(e, command);

    if (!source || source->refclock)
        return VISOR_ANSWER_NO_SUCH_SOURCE;
    visor_sources_delete(e, source);
    return VISOR_ANSWER_OK;
}

static enum visor_answer make_step(struct visor_engine *e)
{
    if (!e->settable || !e->known)
        return VISOR_ANSWER_FAILED;
    if (!e->step_pending)
        visor_discipline_step(e, visor_discipline_remaining(e));
    return VISOR_ANSWER_OK;
}

/* Whoever says that the measurements are not to be relied on says so of what was made of them. */
static void forget_time(struct visor_engine *e)
{
    e->leader = 0;
    e->combined = 0;
    e->stratum = 0;
    e->refid = e->followed = 0;
    visor_discipline_halt(e); /* nobody knows where to any more */
    e->known = false;
    e->trust = VISOR_TRUST_UNKNOWN;
    e->epoch++;
    visor_publish_view(e);
    visor_discipline_status(e, true);
}

static enum visor_answer reset_sources(struct visor_engine *e)
{
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        visor_filter_reset(&source->filter);
        visor_sources_expect(e, source);
        source->reach = source->reach_size = 0;
        source->association.reach = 0;
        source->association.reach_size = 0;
        if (!source->refclock && source->resolved)
            visor_association_reset(&source->association);
    }
    visor_engine_log(e, VISOR_MESSAGE_SOURCES_RESET, VISOR_SEVERITY_INFO);
    forget_time(e);
    visor_follow_update(e);
    return VISOR_ANSWER_OK;
}

static enum visor_answer smooth_time(struct visor_engine *e, bool activate)
{
    if (!visor_smooth_enabled(&e->smooth))
        return VISOR_ANSWER_NOT_ENABLED;
    if (activate) {
        visor_publish_smooth(e);
    } else {
        visor_smooth_reset(&e->smooth, e->now.raw);
        visor_engine_log(e, VISOR_MESSAGE_SMOOTHING, VISOR_SEVERITY_INFO);
    }
    visor_publish_view(e);
    return VISOR_ANSWER_OK;
}

static enum visor_answer set_local(struct visor_engine *e, const double *number)
{
    struct visor_local *local = &e->local;

    local->enabled = number[0] != 0.0;
    if (local->enabled) {
        local->stratum = (int)within(number[1], 1.0, 15.0);
        local->distance = within(number[2], 0.0, SECONDS_MAX);
        local->orphan = number[3] != 0.0;
        local->activate = within(number[4], 0.0, SECONDS_MAX);
        local->wait_synced = within(number[5], 0.0, SECONDS_MAX);
        local->wait_unsynced = within(number[6], 0.0, SECONDS_MAX);
    }
    visor_engine_log(e, VISOR_MESSAGE_LOCAL, VISOR_SEVERITY_INFO)->count[0] = local->enabled;
    visor_follow_update(e);
    visor_publish_view(e);
    return VISOR_ANSWER_OK;
}

static enum visor_answer carry_out(struct visor_engine *e,
                                   const struct visor_event_command *command, double number[3])
{
    switch (command->kind) {
    case VISOR_COMMAND_MAKESTEP:
        return make_step(e);
    case VISOR_COMMAND_ADD:
        return visor_sources_add(e, command->source, -1);
    case VISOR_COMMAND_DELETE:
        return delete_source(e, command);
    case VISOR_COMMAND_REFRESH:
        visor_names_refresh(e);
        return VISOR_ANSWER_OK;
    case VISOR_COMMAND_RESET_SOURCES:
        return reset_sources(e);
    case VISOR_COMMAND_RESELECT:
        e->leader = 0;
        visor_follow_update(e);
        return VISOR_ANSWER_OK;
    case VISOR_COMMAND_RESELECT_DISTANCE:
        e->reselect_distance = within(command->number[0], 0.0, SECONDS_MAX);
        return VISOR_ANSWER_OK;
    case VISOR_COMMAND_MAKESTEP_POLICY:
        e->makestep_threshold = within(command->number[0], 0.0, SECONDS_MAX);
        e->makestep_limit = (int)within(command->number[1], -1.0, 1e9);
        return VISOR_ANSWER_OK;
    case VISOR_COMMAND_MAX_UPDATE_SKEW:
        e->max_update_skew = within(command->number[0], 0.0, 1e9);
        return VISOR_ANSWER_OK;
    case VISOR_COMMAND_SMOOTHTIME:
        return smooth_time(e, command->number[0] != 0.0);
    case VISOR_COMMAND_LOCAL:
        return set_local(e, command->number);
    case VISOR_COMMAND_MANUAL:
    case VISOR_COMMAND_SETTIME:
    case VISOR_COMMAND_MANUAL_DELETE:
    case VISOR_COMMAND_DFREQ:
    case VISOR_COMMAND_DOFFSET:
        return visor_manual_command(e, command, number);
    case VISOR_COMMAND_SELECT_OPTIONS:
        return set_options(e, command);
    case VISOR_COMMAND_OFFSET:
        return set_offset(e, command);
    default:
        return to_matching(e, command);
    }
}

void visor_command_handle(struct visor_engine *e, const struct visor_event_command *command)
{
    double number[3] = {0.0, 0.0, 0.0};
    enum visor_answer answer = carry_out(e, command, number);
    struct visor_action *action = visor_engine_push(e, VISOR_ACTION_ANSWER);

    memset(&action->answer, 0, sizeof(action->answer));
    action->answer.token = command->token;
    action->answer.answer = answer;
    memcpy(action->answer.number, number, sizeof(number));
}
