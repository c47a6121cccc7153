/* Requests are sorted into reports, engine commands, access rules and acts of the daemon. Left to
 * others: the reports' fields (reports.c), and everything that the host does. */
#include "timevisord/chronyc.h"

#include "timevisord/reports.h"

#include <ctype.h>
#include <string.h>

/* One request on its way to its reply. */
struct asking {
    const struct visor_chronyc *chronyc;
    const struct visor_cmdmon_request *request;
    struct visor_cmdmon_reply *reply;
};

static const struct visor_status *status_of(const struct asking *a)
{
    return a->chronyc->host->status(a->chronyc->context);
}

/* ---- reports ---- */

/* Bits of `opencommands` that open a report; 0: it is none, or is never open. */
static uint32_t opened_by(uint16_t command)
{
    switch (command) {
    case VISOR_CMDMON_ACTIVITY:
        return VISOR_OPEN_ACTIVITY;
    case VISOR_CMDMON_AUTH_DATA:
        return VISOR_OPEN_AUTHDATA;
    case VISOR_CMDMON_CLIENT_ACCESSES_BY_INDEX3:
        return VISOR_OPEN_CLIENTS;
    case VISOR_CMDMON_MANUAL_LIST:
        return VISOR_OPEN_MANUAL;
    case VISOR_CMDMON_N_SOURCES:
        return VISOR_OPEN_AUTHDATA | VISOR_OPEN_NTPDATA | VISOR_OPEN_SELECTDATA |
               VISOR_OPEN_SOURCES | VISOR_OPEN_SOURCESTATS;
    case VISOR_CMDMON_NTP_DATA:
        return VISOR_OPEN_NTPDATA;
    case VISOR_CMDMON_NTP_SOURCE_NAME:
        return VISOR_OPEN_SOURCENAME;
    case VISOR_CMDMON_RTCREPORT:
        return VISOR_OPEN_RTCDATA;
    case VISOR_CMDMON_SELECT_DATA:
        return VISOR_OPEN_SELECTDATA;
    case VISOR_CMDMON_SERVER_STATS:
        return VISOR_OPEN_SERVERSTATS;
    case VISOR_CMDMON_SMOOTHING:
        return VISOR_OPEN_SMOOTHING;
    case VISOR_CMDMON_SOURCESTATS:
        return VISOR_OPEN_SOURCESTATS;
    case VISOR_CMDMON_SOURCE_DATA:
        return VISOR_OPEN_SOURCES;
    case VISOR_CMDMON_TRACKING:
        return VISOR_OPEN_TRACKING;
    default:
        return 0;
    }
}

/* A report about a source that is asked for by index or address; NULL: there is none. */
static const struct visor_source_status *source_of(const struct asking *a)
{
    const struct visor_status *status = status_of(a);

    switch (a->request->command) {
    case VISOR_CMDMON_NTP_DATA:
    case VISOR_CMDMON_NTP_SOURCE_NAME:
    case VISOR_CMDMON_AUTH_DATA:
        return visor_reports_find(status, &a->request->address);
    default:
        return a->request->integer >= 0 && (size_t)a->request->integer < status->source_count
                   ? &status->sources[a->request->integer]
                   : NULL;
    }
}

static void report_auth(const struct asking *a, const struct visor_source_status *source)
{
    const struct visor_chronyc *c = a->chronyc;
    struct visor_cmdmon_auth_data *auth = &a->reply->auth_data;

    auth->last_ke_age = UINT32_MAX;
    if (source->key == 0)
        return;
    auth->mode = VISOR_CMDMON_AUTH_SYMMETRIC;
    auth->key = source->key;
    if (c->host->key)
        c->host->key(c->context, source->key, &auth->key_type, &auth->key_length);
}

static enum visor_cmdmon_status report_source(const struct asking *a)
{
    const struct visor_source_status *source = source_of(a);

    if (!source)
        return VISOR_CMDMON_NO_SUCH_SOURCE;
    a->reply->form = (uint16_t)visor_cmdmon_form_for(a->request);
    switch (a->request->command) {
    case VISOR_CMDMON_SOURCE_DATA:
        visor_reports_source(source, &a->reply->source_data);
        break;
    case VISOR_CMDMON_SOURCESTATS:
        visor_reports_sourcestats(source, &a->reply->sourcestats);
        break;
    case VISOR_CMDMON_SELECT_DATA:
        visor_reports_selection(source, &a->reply->select_data);
        break;
    case VISOR_CMDMON_NTP_DATA:
        visor_reports_ntp(source, &a->reply->ntp_data);
        break;
    case VISOR_CMDMON_AUTH_DATA:
        report_auth(a, source);
        break;
    default:
        memcpy(a->reply->name, source->name, sizeof a->reply->name);
    }
    return VISOR_CMDMON_SUCCESS;
}

static enum visor_cmdmon_status report_clients(const struct asking *a)
{
    const struct visor_chronyc *c = a->chronyc;
    const struct visor_cmdmon_clients_query *query = &a->request->clients;
    struct visor_cmdmon_clients *clients = &a->reply->clients;
    uint32_t limit =
        query->count < VISOR_CMDMON_CLIENTS_MAX ? query->count : VISOR_CMDMON_CLIENTS_MAX;
    uint32_t index = query->first_index;

    clients->indices = c->host->client_count ? c->host->client_count(c->context) : 0;
    if (clients->indices == 0)
        return VISOR_CMDMON_INACTIVE;
    for (; index < clients->indices && clients->count < limit; index++)
        if (c->host->client(c->context, query, index, &clients->clients[clients->count]))
            clients->count++;
    clients->next_index = index;
    a->reply->form = (uint16_t)visor_cmdmon_form_for(a->request);
    return VISOR_CMDMON_SUCCESS;
}

static enum visor_cmdmon_status report(const struct asking *a)
{
    const struct visor_chronyc *c = a->chronyc;
    enum visor_cmdmon_form form = visor_cmdmon_form_for(a->request);

    switch (a->request->command) {
    case VISOR_CMDMON_N_SOURCES:
        a->reply->sources = (uint32_t)status_of(a)->source_count;
        break;
    case VISOR_CMDMON_TRACKING:
        visor_reports_tracking(status_of(a), &a->reply->tracking);
        break;
    case VISOR_CMDMON_ACTIVITY:
        visor_reports_activity(status_of(a), &a->reply->activity);
        break;
    case VISOR_CMDMON_SMOOTHING:
        if (!status_of(a)->smoothing.enabled)
            return VISOR_CMDMON_NOT_ENABLED;
        visor_reports_smoothing(&status_of(a)->smoothing, &a->reply->smoothing);
        break;
    case VISOR_CMDMON_MANUAL_LIST:
        visor_reports_manual(&status_of(a)->manual, &a->reply->manual_list);
        break;
    case VISOR_CMDMON_RTCREPORT:
        if (!c->host->rtc || !c->host->rtc(c->context, &a->reply->rtc))
            return VISOR_CMDMON_NO_RTC;
        break;
    case VISOR_CMDMON_SERVER_STATS:
        if (c->host->server_stats)
            c->host->server_stats(c->context, &a->reply->server_stats);
        break;
    case VISOR_CMDMON_CLIENT_ACCESSES_BY_INDEX3:
        return report_clients(a);
    default:
        return report_source(a);
    }
    a->reply->form = (uint16_t)form;
    return VISOR_CMDMON_SUCCESS;
}

/* ---- commands to the engine ---- */

static enum visor_cmdmon_status result_of(enum visor_answer answer)
{
    switch (answer) {
    case VISOR_ANSWER_OK:
        return VISOR_CMDMON_SUCCESS;
    case VISOR_ANSWER_NO_SUCH_SOURCE:
        return VISOR_CMDMON_NO_SUCH_SOURCE;
    case VISOR_ANSWER_EXISTS:
        return VISOR_CMDMON_SOURCE_ALREADY_KNOWN;
    case VISOR_ANSWER_TOO_MANY:
        return VISOR_CMDMON_TOO_MANY_SOURCES;
    case VISOR_ANSWER_INVALID:
        return VISOR_CMDMON_INVALID;
    case VISOR_ANSWER_NOT_ENABLED:
        return VISOR_CMDMON_NOT_ENABLED;
    case VISOR_ANSWER_INVALID_NAME:
        return VISOR_CMDMON_INVALID_NAME;
    case VISOR_ANSWER_BAD_SAMPLE:
        return VISOR_CMDMON_BAD_SAMPLE;
    case VISOR_ANSWER_FAILED:
        break;
    }
    return VISOR_CMDMON_FAILED;
}

static enum visor_cmdmon_status tell_engine(const struct asking *a,
                                            const struct visor_event_command *command)
{
    struct visor_action_answer answer = {.answer = VISOR_ANSWER_FAILED};

    a->chronyc->host->command(a->chronyc->context, command, &answer);
    if (command->kind == VISOR_COMMAND_SETTIME && answer.answer == VISOR_ANSWER_OK) {
        a->reply->form = VISOR_CMDMON_FORM_MANUAL_TIMESTAMP2;
        a->reply->manual_timestamp.offset = -answer.number[0];
        a->reply->manual_timestamp.frequency_change_ppm = -answer.number[1];
        a->reply->manual_timestamp.frequency_ppm = -answer.number[2];
    }
    return result_of(answer.answer);
}

static void match_one(struct visor_event_command *command,
                      const struct visor_cmdmon_address *address)
{
    command->match.address = address->address;
    command->match.id = address->id;
    command->match.mask.family = address->address.family;
    memset(command->match.mask.bytes, 0xff, sizeof command->match.mask.bytes);
}

static void match_subnet(struct visor_event_command *command,
                         const struct visor_cmdmon_match *match)
{
    match_one(command, &match->address);
    if (match->mask.address.family == match->address.address.family)
        memcpy(command->match.mask.bytes, match->mask.address.bytes,
               sizeof command->match.mask.bytes);
}

static enum visor_cmdmon_status modify(const struct asking *a, enum visor_command_kind kind,
                                       double value)
{
    struct visor_event_command command = {.kind = kind, .number = {value}};

    if (a->request->modify.address.address.family == VISOR_FAMILY_NONE &&
        a->request->modify.address.id == 0)
        return VISOR_CMDMON_NO_SUCH_SOURCE;
    match_one(&command, &a->request->modify.address);
    return tell_engine(a, &command);
}

static enum visor_cmdmon_status set_number(const struct asking *a, enum visor_command_kind kind,
                                           double value)
{
    struct visor_event_command command = {.kind = kind, .number = {value}};

    return tell_engine(a, &command);
}

static enum visor_cmdmon_status set_matching(const struct asking *a, enum visor_command_kind kind)
{
    const struct visor_cmdmon_match *match = &a->request->match;
    struct visor_event_command command = {.kind = kind};

    match_subnet(&command, match);
    if (kind == VISOR_COMMAND_BURST) {
        command.number[0] = match->good;
        command.number[1] = match->total;
    }
    return tell_engine(a, &command);
}

/* Each source by itself: online where there is a way to it. */
static enum visor_cmdmon_status set_onoffline(const struct asking *a)
{
    const struct visor_chronyc *c = a->chronyc;
    struct {
        struct visor_address address;
        bool online;
    } sources[VISOR_SOURCES_MAX];
    const struct visor_status *status = status_of(a);
    size_t count = 0;

    for (size_t i = 0; i < status->source_count; i++)
        if (!status->sources[i].refclock &&
            status->sources[i].address.family != VISOR_FAMILY_NONE) {
            sources[count].address = status->sources[i].address;
            sources[count++].online = status->sources[i].online;
        }
    for (size_t i = 0; i < count; i++) {
        bool online = c->host->routed(c->context, &sources[i].address);
        struct visor_cmdmon_address address = {.address = sources[i].address};
        struct visor_event_command command = {.kind = online ? VISOR_COMMAND_ONLINE
                                                             : VISOR_COMMAND_OFFLINE};

        if (online == sources[i].online)
            continue;
        match_one(&command, &address);
        tell_engine(a, &command);
    }
    return VISOR_CMDMON_SUCCESS;
}

static uint32_t select_options(uint32_t flags)
{
    return (flags & VISOR_CMDMON_FLAG_PREFER ? VISOR_SELECT_PREFER : 0) |
           (flags & VISOR_CMDMON_FLAG_NOSELECT ? VISOR_SELECT_NOSELECT : 0) |
           (flags & VISOR_CMDMON_FLAG_TRUST ? VISOR_SELECT_TRUST : 0) |
           (flags & VISOR_CMDMON_FLAG_REQUIRE ? VISOR_SELECT_REQUIRE : 0);
}

static uint32_t select_mask(uint32_t mask)
{
    return (mask & VISOR_CMDMON_OPTION_PREFER ? VISOR_SELECT_PREFER : 0) |
           (mask & VISOR_CMDMON_OPTION_NOSELECT ? VISOR_SELECT_NOSELECT : 0) |
           (mask & VISOR_CMDMON_OPTION_TRUST ? VISOR_SELECT_TRUST : 0) |
           (mask & VISOR_CMDMON_OPTION_REQUIRE ? VISOR_SELECT_REQUIRE : 0);
}

static enum visor_cmdmon_status set_selected(const struct asking *a, enum visor_command_kind kind)
{
    const struct visor_cmdmon_select *select = &a->request->select;
    struct visor_event_command command = {.kind = kind};

    match_one(&command, &select->address);
    if (select->address.address.family == VISOR_FAMILY_NONE && select->address.id == 0) {
        if (select->refid == 0)
            return VISOR_CMDMON_NO_SUCH_SOURCE;
        for (int i = 0; i < 4; i++)
            command.refid[i] = (char)(select->refid >> (24 - 8 * i));
    }
    if (kind == VISOR_COMMAND_OFFSET) {
        command.number[0] = select->offset;
    } else {
        command.number[0] = select_options(select->options);
        command.number[1] = select_mask(select->mask);
    }
    return tell_engine(a, &command);
}

static enum visor_cmdmon_status set_local(const struct asking *a)
{
    const struct visor_cmdmon_local *l = &a->request->local;
    struct visor_event_command command = {.kind = VISOR_COMMAND_LOCAL,
                                          .number = {l->on != 0, l->stratum, l->distance,
                                                     l->orphan != 0, l->activate, l->wait_synced,
                                                     l->wait_unsynced}};

    return tell_engine(a, &command);
}

static bool is_name(const char *name)
{
    if (name[0] == '\0')
        return false;
    for (; *name; name++)
        if (!isgraph((unsigned char)*name))
            return false;
    return true;
}

static int within(int32_t value, int low, int high, int otherwise)
{
    return value < low ? otherwise : value > high ? high : value;
}

static void source_numbers(const struct visor_cmdmon_source *from, struct visor_source_config *to)
{
    to->port = (uint16_t)from->port;
    to->minpoll = within(from->minpoll, -7, 24, to->minpoll);
    to->maxpoll = within(from->maxpoll, -7, 24, to->maxpoll);
    if (to->maxpoll < to->minpoll)
        to->maxpoll = to->minpoll;
    to->presend = from->presend_minpoll;
    to->key = from->authkey;
    to->certset = from->cert_set;
    to->ntsport = (uint16_t)from->nts_port;
    to->version = within((int32_t)from->version, 1, 4, 0);
    to->max_delay = from->max_delay;
    to->max_delay_ratio = from->max_delay_ratio;
    to->max_delay_dev_ratio = from->max_delay_dev_ratio;
    to->max_delay_quant = from->max_delay_quant;
    to->min_delay = from->min_delay;
    to->asymmetry = from->asymmetry;
    to->offset = from->offset;
    to->min_samples = from->min_samples;
    to->max_samples = from->max_samples;
    to->max_unreach = from->max_unreach > 0 ? from->max_unreach : to->max_unreach;
    to->filter_length = from->filter_length;
    to->min_stratum = within((int32_t)from->min_stratum, 0, 16, 0);
    to->poll_target = within((int32_t)from->poll_target, 1, INT32_MAX, 1);
    to->max_sources = within((int32_t)from->max_sources, 1, 16, 1);
}

/* An address that is of another kind than the options want. */
static bool wrong_family(const struct visor_source_config *source)
{
    struct visor_address address;

    return source->family != VISOR_FAMILY_NONE && visor_address_parse(source->name, &address) &&
           address.family != source->family;
}

static enum visor_cmdmon_status add_source(const struct asking *a)
{
    const struct visor_cmdmon_source *from = &a->request->source;
    struct visor_event_command command = {.kind = VISOR_COMMAND_ADD};
    struct visor_source_config source;
    uint32_t flags = from->flags;

    if (from->type < VISOR_CMDMON_SERVER || from->type > VISOR_CMDMON_POOL ||
        from->port > UINT16_MAX)
        return VISOR_CMDMON_INVALID;
    if (!from->name_terminated || !is_name(from->name))
        return VISOR_CMDMON_INVALID_NAME;
    if (flags & VISOR_CMDMON_FLAG_NTS)
        return VISOR_CMDMON_FAILED;
    visor_source_config_init(&source);
    source_numbers(from, &source);
    source.kind = from->type == VISOR_CMDMON_POOL   ? VISOR_SOURCE_POOL
                  : from->type == VISOR_CMDMON_PEER ? VISOR_SOURCE_PEER
                                                    : VISOR_SOURCE_SERVER;
    memcpy(source.name, from->name, sizeof source.name);
    source.family = flags & VISOR_CMDMON_FLAG_IPV4   ? VISOR_FAMILY_IPV4
                    : flags & VISOR_CMDMON_FLAG_IPV6 ? VISOR_FAMILY_IPV6
                                                     : VISOR_FAMILY_NONE;
    if (wrong_family(&source))
        return VISOR_CMDMON_INVALID_FAMILY;
    source.offline = !(flags & VISOR_CMDMON_FLAG_ONLINE);
    source.auto_offline = flags & VISOR_CMDMON_FLAG_AUTOOFFLINE;
    source.iburst = flags & VISOR_CMDMON_FLAG_IBURST;
    source.burst = flags & VISOR_CMDMON_FLAG_BURST;
    source.xleave = flags & VISOR_CMDMON_FLAG_INTERLEAVED;
    source.copy = flags & VISOR_CMDMON_FLAG_COPY;
    source.extfields = (flags & VISOR_CMDMON_FLAG_EXP_MONO_ROOT ? 1 : 0) |
                       (flags & VISOR_CMDMON_FLAG_NET_CORRECTION ? 2 : 0);
    source.select_options = select_options(flags);
    command.source = &source;
    return tell_engine(a, &command);
}

static enum visor_cmdmon_status delete_source(const struct asking *a)
{
    struct visor_event_command command = {.kind = VISOR_COMMAND_DELETE};

    if (a->request->address.address.family == VISOR_FAMILY_NONE && a->request->address.id == 0)
        return VISOR_CMDMON_NO_SUCH_SOURCE;
    match_one(&command, &a->request->address);
    return tell_engine(a, &command);
}

static enum visor_cmdmon_status set_makestep(const struct asking *a)
{
    struct visor_event_command command = {
        .kind = VISOR_COMMAND_MAKESTEP_POLICY,
        .number = {a->request->makestep.threshold, a->request->makestep.limit}};

    return tell_engine(a, &command);
}

static enum visor_cmdmon_status set_manual(const struct asking *a)
{
    int32_t option = a->request->integer;

    return option < 0 || option > 2 ? VISOR_CMDMON_INVALID
                                    : set_number(a, VISOR_COMMAND_MANUAL, option);
}

static enum visor_cmdmon_status set_smoothing(const struct asking *a)
{
    int32_t option = a->request->integer;

    if (!status_of(a)->smoothing.enabled)
        return VISOR_CMDMON_NOT_ENABLED;
    return option < 0 || option > 1 ? VISOR_CMDMON_INVALID
                                    : set_number(a, VISOR_COMMAND_SMOOTHTIME, option);
}

/* False: it is not a command to the engine about sources. */
static bool to_sources(const struct asking *a, enum visor_cmdmon_status *result)
{
    const struct visor_cmdmon_request *r = a->request;

    switch (r->command) {
    case VISOR_CMDMON_ONLINE:
        *result = set_matching(a, VISOR_COMMAND_ONLINE);
        return true;
    case VISOR_CMDMON_OFFLINE:
        *result = set_matching(a, VISOR_COMMAND_OFFLINE);
        return true;
    case VISOR_CMDMON_ONOFFLINE:
        *result = set_onoffline(a);
        return true;
    case VISOR_CMDMON_BURST:
        *result = set_matching(a, VISOR_COMMAND_BURST);
        return true;
    case VISOR_CMDMON_MODIFY_MINPOLL:
        *result = modify(a, VISOR_COMMAND_MINPOLL, r->modify.integer);
        return true;
    case VISOR_CMDMON_MODIFY_MAXPOLL:
        *result = modify(a, VISOR_COMMAND_MAXPOLL, r->modify.integer);
        return true;
    case VISOR_CMDMON_MODIFY_MAXDELAY:
        *result = modify(a, VISOR_COMMAND_MAXDELAY, r->modify.number);
        return true;
    case VISOR_CMDMON_MODIFY_MAXDELAYRATIO:
        *result = modify(a, VISOR_COMMAND_MAXDELAYRATIO, r->modify.number);
        return true;
    case VISOR_CMDMON_MODIFY_MAXDELAYDEVRATIO:
        *result = modify(a, VISOR_COMMAND_MAXDELAYDEVRATIO, r->modify.number);
        return true;
    case VISOR_CMDMON_MODIFY_MINSTRATUM:
        *result = modify(a, VISOR_COMMAND_MINSTRATUM, r->modify.integer);
        return true;
    case VISOR_CMDMON_MODIFY_POLLTARGET:
        *result = modify(a, VISOR_COMMAND_POLLTARGET, r->modify.integer);
        return true;
    case VISOR_CMDMON_MODIFY_SELECTOPTS:
        *result = set_selected(a, VISOR_COMMAND_SELECT_OPTIONS);
        return true;
    case VISOR_CMDMON_MODIFY_OFFSET:
        *result = set_selected(a, VISOR_COMMAND_OFFSET);
        return true;
    case VISOR_CMDMON_ADD_SOURCE:
        *result = add_source(a);
        return true;
    case VISOR_CMDMON_DEL_SOURCE:
        *result = delete_source(a);
        return true;
    default:
        return false;
    }
}

/* False: it is not a command to the engine about the clock or all sources. */
static bool to_clock(const struct asking *a, enum visor_cmdmon_status *result)
{
    const struct visor_cmdmon_request *r = a->request;

    switch (r->command) {
    case VISOR_CMDMON_MODIFY_MAXUPDATESKEW:
        *result = set_number(a, VISOR_COMMAND_MAX_UPDATE_SKEW, r->number);
        return true;
    case VISOR_CMDMON_MODIFY_MAKESTEP:
        *result = set_makestep(a);
        return true;
    case VISOR_CMDMON_MAKESTEP:
        *result = set_number(a, VISOR_COMMAND_MAKESTEP, 0.0);
        return true;
    case VISOR_CMDMON_SETTIME:
        *result = set_number(a, VISOR_COMMAND_SETTIME, visor_seconds_from_ns(r->time.ns));
        return true;
    case VISOR_CMDMON_MANUAL:
        *result = set_manual(a);
        return true;
    case VISOR_CMDMON_MANUAL_DELETE:
        *result = set_number(a, VISOR_COMMAND_MANUAL_DELETE, r->integer);
        return true;
    case VISOR_CMDMON_LOCAL2:
    case VISOR_CMDMON_LOCAL3:
        *result = set_local(a);
        return true;
    case VISOR_CMDMON_DFREQ: /* chronyc's +: our clock gains more, so that it has to be slowed */
        *result = set_number(a, VISOR_COMMAND_DFREQ, -r->number);
        return true;
    case VISOR_CMDMON_DOFFSET2:
        *result = set_number(a, VISOR_COMMAND_DOFFSET, -r->number);
        return true;
    case VISOR_CMDMON_RESELECT:
        *result = set_number(a, VISOR_COMMAND_RESELECT, 0.0);
        return true;
    case VISOR_CMDMON_RESELECTDISTANCE:
        *result = set_number(a, VISOR_COMMAND_RESELECT_DISTANCE, r->number);
        return true;
    case VISOR_CMDMON_SMOOTHTIME:
        *result = set_smoothing(a);
        return true;
    case VISOR_CMDMON_REFRESH:
        *result = set_number(a, VISOR_COMMAND_REFRESH, 0.0);
        return true;
    case VISOR_CMDMON_RESET_SOURCES:
        *result = set_number(a, VISOR_COMMAND_RESET_SOURCES, 0.0);
        return true;
    default:
        return false;
    }
}

/* ---- the daemon's own ---- */

static enum visor_cmdmon_status add_rule(const struct asking *a, enum visor_chronyc_table table,
                                         bool allow, bool all)
{
    const struct visor_cmdmon_access *access = &a->request->access;
    struct visor_access_config rule = {
        .subnet = access->subnet.address, .allow = allow, .all = all};
    int32_t limit = rule.subnet.family == VISOR_FAMILY_IPV4   ? 32
                    : rule.subnet.family == VISOR_FAMILY_IPV6 ? 128
                                                              : 0;

    if (access->bits < 0 || access->bits > limit || access->subnet.id != 0)
        return VISOR_CMDMON_BAD_SUBNET;
    rule.prefix = (uint8_t)access->bits;
    return a->chronyc->host->restricted(a->chronyc->context, table, &rule);
}

static enum visor_cmdmon_status check_access(const struct asking *a, enum visor_chronyc_table table)
{
    return a->chronyc->host->allowed(a->chronyc->context, table, &a->request->address.address)
               ? VISOR_CMDMON_ACCESS_ALLOWED
               : VISOR_CMDMON_ACCESS_DENIED;
}

static enum visor_cmdmon_status act(const struct asking *a, enum visor_chronyc_act what)
{
    return a->chronyc->host->act(a->chronyc->context, what);
}

static enum visor_cmdmon_status to_daemon(const struct asking *a)
{
    switch (a->request->command) {
    case VISOR_CMDMON_ALLOW:
        return add_rule(a, VISOR_CHRONYC_NTP, true, false);
    case VISOR_CMDMON_ALLOWALL:
        return add_rule(a, VISOR_CHRONYC_NTP, true, true);
    case VISOR_CMDMON_DENY:
        return add_rule(a, VISOR_CHRONYC_NTP, false, false);
    case VISOR_CMDMON_DENYALL:
        return add_rule(a, VISOR_CHRONYC_NTP, false, true);
    case VISOR_CMDMON_CMDALLOW:
        return add_rule(a, VISOR_CHRONYC_COMMAND, true, false);
    case VISOR_CMDMON_CMDALLOWALL:
        return add_rule(a, VISOR_CHRONYC_COMMAND, true, true);
    case VISOR_CMDMON_CMDDENY:
        return add_rule(a, VISOR_CHRONYC_COMMAND, false, false);
    case VISOR_CMDMON_CMDDENYALL:
        return add_rule(a, VISOR_CHRONYC_COMMAND, false, true);
    case VISOR_CMDMON_ACCHECK:
        return check_access(a, VISOR_CHRONYC_NTP);
    case VISOR_CMDMON_CMDACCHECK:
        return check_access(a, VISOR_CHRONYC_COMMAND);
    case VISOR_CMDMON_DUMP:
        return act(a, VISOR_CHRONYC_DUMP);
    case VISOR_CMDMON_CYCLELOGS:
        return act(a, VISOR_CHRONYC_CYCLELOGS);
    case VISOR_CMDMON_REKEY:
        return act(a, VISOR_CHRONYC_REKEY);
    case VISOR_CMDMON_RELOAD_SOURCES:
        return act(a, VISOR_CHRONYC_RELOAD);
    case VISOR_CMDMON_SHUTDOWN:
        return act(a, VISOR_CHRONYC_SHUTDOWN);
    case VISOR_CMDMON_TRIMRTC:
        return act(a, VISOR_CHRONYC_TRIM_RTC);
    case VISOR_CMDMON_WRITERTC:
        return act(a, VISOR_CHRONYC_WRITE_RTC);
    default:
        return VISOR_CMDMON_INVALID;
    }
}

/* ---- a request ---- */

static bool is_loopback(const struct visor_address *address)
{
    static const struct visor_address ipv4 = {.bytes = {127, 0, 0, 1}, .family = VISOR_FAMILY_IPV4},
                                      ipv6 = {.bytes = {[15] = 1}, .family = VISOR_FAMILY_IPV6};

    return visor_address_same(address, &ipv4) || visor_address_same(address, &ipv6);
}

static enum visor_cmdmon_status carry_out(const struct asking *a, bool full_access)
{
    uint32_t open = opened_by(a->request->command);
    enum visor_cmdmon_status result;

    if (!full_access && !(open & a->chronyc->open_commands))
        return VISOR_CMDMON_UNAUTHORISED;
    if (open)
        return report(a);
    if (to_sources(a, &result) || to_clock(a, &result))
        return result;
    return to_daemon(a);
}

size_t visor_chronyc_handle(const struct visor_chronyc *chronyc, const struct visor_address *from,
                            const uint8_t *request_data, size_t request_size, uint8_t *reply_data,
                            size_t reply_size)
{
    const struct visor_chronyc_host *host = chronyc->host;
    bool unix_socket = from->family == VISOR_FAMILY_NONE;
    bool near = unix_socket || is_loopback(from), passed;
    struct visor_cmdmon_request request;
    struct visor_cmdmon_reply reply = {.form = VISOR_CMDMON_FORM_NULL};
    struct asking asking = {chronyc, &request, &reply};
    enum visor_cmdmon_verdict verdict;

    if (!near && !host->allowed(chronyc->context, VISOR_CHRONYC_COMMAND, from))
        return 0;
    verdict = visor_cmdmon_read_request(request_data, request_size, &request);
    if (verdict == VISOR_CMDMON_DROPPED)
        return 0;
    passed = !host->admit || host->admit(chronyc->context, from);
    if (!passed && !near)
        return 0;
    reply.command = request.command;
    reply.sequence = request.sequence;
    if (verdict == VISOR_CMDMON_REFUSED)
        reply.status = (uint16_t)request.refusal;
    else
        reply.status = (uint16_t)carry_out(&asking, unix_socket);
    if (reply.status != VISOR_CMDMON_SUCCESS)
        reply.form = VISOR_CMDMON_FORM_NULL;
    return visor_cmdmon_write_reply(&reply, reply_data,
                                    request_size < reply_size ? request_size : reply_size);
}
