/* Field by field, in the model's order, so that the two can be compared by eye. Left to others:
 * what is sent to whom (control socket, command line), and what the daemon adds of its own. */
#include "port/statusjson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct builder {
    json_t *object;
    bool failed; /* no memory */
};

static struct builder begin(void)
{
    struct builder b = {.object = json_object()};

    b.failed = b.object == NULL;
    return b;
}

/* The object, or NULL if any part of it could not be made. */
static json_t *finish(struct builder *b)
{
    if (!b->failed)
        return b->object;
    json_decref(b->object);
    return NULL;
}

static void put(struct builder *b, const char *key, json_t *value)
{
    if (!b->object || !value || json_object_set_new(b->object, key, value) != 0)
        b->failed = true;
}

static void put_integer(struct builder *b, const char *key, int64_t value)
{
    put(b, key, json_integer(value));
}

static void put_number(struct builder *b, const char *key, double value)
{
    put(b, key, isfinite(value) ? json_real(value) : json_null());
}

static void put_bool(struct builder *b, const char *key, bool value)
{
    put(b, key, json_boolean(value));
}

/* Names come from files and from other hosts: what is not UTF-8 loses its foreign bytes. */
static void put_text(struct builder *b, const char *key, const char *text)
{
    json_t *value = json_string(text);
    char ascii[VISOR_CONFIG_NAME_MAX];
    size_t i;

    if (!value) {
        for (i = 0; i < sizeof ascii - 1 && text[i] != '\0'; i++)
            ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
        ascii[i] = '\0';
        value = json_string(ascii);
    }
    put(b, key, value);
}

static void put_bound(struct builder *b, const char *key, int64_t ns)
{
    put(b, key, ns == VISOR_NS_MAX ? json_null() : json_integer(ns));
}

static void put_refid(struct builder *b, const char *key, uint32_t refid)
{
    char text[9];

    snprintf(text, sizeof text, "%08" PRIX32, refid);
    put_text(b, key, text);
}

static void put_address(struct builder *b, const char *key, const struct visor_address *address)
{
    char text[64];

    if (address->family == VISOR_FAMILY_NONE)
        put(b, key, json_null());
    else
        put_text(b, key, visor_address_print(address, text, sizeof text));
}

static void put_options(struct builder *b, const char *key, uint32_t options)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {VISOR_SELECT_NOSELECT, "noselect"},
        {VISOR_SELECT_PREFER, "prefer"},
        {VISOR_SELECT_TRUST, "trust"},
        {VISOR_SELECT_REQUIRE, "require"},
    };
    json_t *array = json_array();

    for (size_t i = 0; array && i < sizeof names / sizeof *names; i++)
        if ((options & names[i].bit) && json_array_append_new(array, json_string(names[i].name)))
            b->failed = true;
    put(b, key, array);
}

const char *visor_statusjson_trust(enum visor_trust trust)
{
    switch (trust) {
    case VISOR_TRUST_SYNCHRONIZED:
        return "synchronized";
    case VISOR_TRUST_HOLDOVER:
        return "holdover";
    case VISOR_TRUST_DISRUPTED:
        return "disrupted";
    default:
        return "unknown";
    }
}

const char *visor_statusjson_leap(enum visor_leap leap)
{
    static const char *const names[] = {"none", "insert", "delete", "unsynchronized"};

    return names[(unsigned int)leap & 3];
}

const char *visor_statusjson_mode(enum visor_mode mode)
{
    switch (mode) {
    case VISOR_MODE_OBSERVE:
        return "observe";
    case VISOR_MODE_ASSIST:
        return "assist";
    default:
        return "discipline";
    }
}

const char *visor_statusjson_state(enum visor_select_state state)
{
    switch (state) {
    case VISOR_STATE_NOT_SELECTABLE:
        return "noselect";
    case VISOR_STATE_NO_SAMPLES:
        return "no samples";
    case VISOR_STATE_UNSYNCHRONIZED:
        return "unsynchronized";
    case VISOR_STATE_STRATUM:
        return "stratum";
    case VISOR_STATE_DISTANT:
        return "distant";
    case VISOR_STATE_JITTERY:
        return "jittery";
    case VISOR_STATE_WAITING_SAMPLES:
        return "waiting for samples";
    case VISOR_STATE_STALE:
        return "stale";
    case VISOR_STATE_ORPHAN:
        return "orphan";
    case VISOR_STATE_TRUSTED_OTHERS:
        return "against trusted";
    case VISOR_STATE_FALSETICKER:
        return "falseticker";
    case VISOR_STATE_WAITING_SOURCES:
        return "waiting for sources";
    case VISOR_STATE_NOT_PREFERRED:
        return "not preferred";
    case VISOR_STATE_WAITING_UPDATE:
        return "waiting for update";
    case VISOR_STATE_UNSELECTED_DISTANCE:
        return "not combined";
    case VISOR_STATE_COMBINED:
        return "combined";
    case VISOR_STATE_SELECTED:
        return "selected";
    }
    return "unknown";
}

const char *visor_statusjson_fault(enum visor_source_fault fault)
{
    static const char *const names[] = {
        [VISOR_FAULT_NONE] = "none",
        [VISOR_FAULT_SILENT] = "silent",
        [VISOR_FAULT_STEPPED] = "stepped",
        [VISOR_FAULT_FROZEN] = "frozen",
        [VISOR_FAULT_ASYMMETRIC] = "asymmetric",
        [VISOR_FAULT_FALSETICKER] = "falseticker",
        [VISOR_FAULT_UNSYNCHRONIZED] = "unsynchronized",
    };

    return (size_t)fault < sizeof names / sizeof *names ? names[fault] : "unknown";
}

static const char *kind_name(const struct visor_source_status *source)
{
    if (source->refclock)
        return "refclock";
    switch (source->kind) {
    case VISOR_SOURCE_POOL:
        return "pool";
    case VISOR_SOURCE_PEER:
        return "peer";
    default:
        return "server";
    }
}

static const char *stamper_name(enum visor_stamper by)
{
    static const char *const names[] = {"none", "daemon", "kernel", "hardware"};

    return names[(unsigned int)by & 3];
}

static const char *resolve_name(const struct visor_source_status *source)
{
    if (source->resolved)
        return "resolved";
    return source->resolve_result == VISOR_RESOLVE_FAILED      ? "failed"
           : source->resolve_result == VISOR_RESOLVE_TRY_AGAIN ? "retrying"
                                                               : "pending";
}

/* The last valid reply, and the counters: `ntpdata`. */
static json_t *ntp_object(const struct visor_source_status *s)
{
    struct builder b = begin();

    put_address(&b, "local_address", &s->local);
    put_integer(&b, "remote_port", s->address.port);
    put_text(&b, "leap", visor_statusjson_leap(s->remote_leap));
    put_integer(&b, "version", s->version);
    put_integer(&b, "mode", s->mode);
    put_integer(&b, "stratum", s->remote_stratum);
    put_integer(&b, "poll", s->remote_poll);
    put_integer(&b, "precision", s->precision);
    put_number(&b, "root_delay_s", s->root_delay);
    put_number(&b, "root_dispersion_s", s->root_dispersion);
    put_refid(&b, "refid", s->remote_refid);
    put_integer(&b, "reference_ns", s->remote_reference.ns);
    put_number(&b, "offset_s", s->reply_offset);
    put_number(&b, "delay_s", s->reply_delay);
    put_number(&b, "dispersion_s", s->reply_dispersion);
    put_number(&b, "response_time_s", s->response_time);
    put_number(&b, "jitter_asymmetry", s->jitter_asymmetry);
    put_integer(&b, "tests", s->tests);
    put_bool(&b, "interleaved", s->interleaved);
    put_bool(&b, "authenticated", s->authenticated);
    put_text(&b, "tx_stamp", stamper_name(s->tx));
    put_text(&b, "rx_stamp", stamper_name(s->rx));
    put_integer(&b, "total_tx", s->total_tx);
    put_integer(&b, "total_rx", s->total_rx);
    put_integer(&b, "total_valid", s->total_valid);
    put_integer(&b, "total_good", s->total_good);
    put_integer(&b, "total_kernel_tx", s->total_kernel_tx);
    put_integer(&b, "total_kernel_rx", s->total_kernel_rx);
    put_integer(&b, "total_hardware_tx", s->total_hardware_tx);
    put_integer(&b, "total_hardware_rx", s->total_hardware_rx);
    return finish(&b);
}

static json_t *statistics_object(const struct visor_source_status *s)
{
    struct builder b = begin();

    put_integer(&b, "samples", s->samples);
    put_integer(&b, "runs", s->runs);
    put_number(&b, "span_s", s->span);
    put_number(&b, "frequency_ppm", s->frequency_ppm);
    put_number(&b, "skew_ppm", s->skew_ppm);
    put_number(&b, "deviation_s", s->sd);
    put_number(&b, "asymmetry", s->asymmetry);
    return finish(&b);
}

json_t *visor_statusjson_source(const struct visor_source_status *s)
{
    char letter[2] = {(char)s->state, '\0'};
    struct builder b = begin();

    put_integer(&b, "id", s->id);
    put_text(&b, "kind", kind_name(s));
    put_text(&b, "name", s->name);
    put_address(&b, "address", &s->address);
    put_refid(&b, "refid", s->refid);
    put_text(&b, "resolve", s->refclock ? "resolved" : resolve_name(s));
    put(&b, "send_errno", s->send_error ? json_integer(s->send_error) : json_null());
    put_bool(&b, "online", s->online);
    put_bool(&b, "authenticated", s->authenticated);
    put_integer(&b, "key", s->key);
    put_text(&b, "state", visor_statusjson_state(s->state));
    put_text(&b, "state_letter", letter);
    put_text(&b, "fault", visor_statusjson_fault(s->fault));
    put_options(&b, "options", s->options);
    put_options(&b, "effective_options", s->effective_options);
    put_integer(&b, "poll", s->poll);
    put_integer(&b, "reach", s->reach);
    put_integer(&b, "stratum", s->stratum);
    put_text(&b, "leap", visor_statusjson_leap(s->leap));
    put(&b, "last_sample_age_s",
        s->last_sample_age < 0.0 ? json_null() : json_real(s->last_sample_age));
    put(&b, "selected_age_s", s->selected_age < 0.0 ? json_null() : json_real(s->selected_age));
    put_number(&b, "last_offset_s", s->last_offset);
    put_number(&b, "last_raw_offset_s", s->last_raw_offset);
    put_number(&b, "last_delay_s", s->last_delay);
    put_number(&b, "last_dispersion_s", s->last_dispersion);
    put_number(&b, "estimated_offset_s", s->estimated_offset);
    put_number(&b, "estimated_error_s", s->estimated_error);
    put_number(&b, "interval_low_s", s->lo);
    put_number(&b, "interval_high_s", s->hi);
    put_number(&b, "score", s->score);
    put_bound(&b, "bound_ns", s->bound_ns);
    put(&b, "statistics", statistics_object(s));
    put(&b, "ntp", s->refclock ? json_null() : ntp_object(s));
    return finish(&b);
}

static json_t *tracking_object(const struct visor_tracking *t)
{
    struct builder b = begin();

    put_refid(&b, "refid", t->refid);
    put(&b, "source", t->source ? json_integer(t->source) : json_null());
    put_address(&b, "address", &t->address);
    put_text(&b, "name", t->name);
    put_integer(&b, "stratum", t->stratum);
    put_text(&b, "leap", visor_statusjson_leap(t->leap));
    put_integer(&b, "reference_ns", t->reference.ns);
    put_number(&b, "offset_s", t->offset);
    put_number(&b, "last_offset_s", t->last_offset);
    put_number(&b, "rms_offset_s", t->rms_offset);
    put_number(&b, "frequency_ppm", t->frequency_ppm);
    put_number(&b, "residual_frequency_ppm", t->residual_frequency_ppm);
    put_number(&b, "skew_ppm", t->skew_ppm);
    put_number(&b, "root_delay_s", t->root_delay);
    put_number(&b, "root_dispersion_s", t->root_dispersion);
    put_number(&b, "update_interval_s", t->update_interval);
    put_bound(&b, "bound_ns", t->bound_ns);
    put_bound(&b, "estimate_bound_ns", t->estimate_bound_ns);
    put_number(&b, "bound_growth_ppb", t->bound_growth_ppb);
    put_text(&b, "trust", visor_statusjson_trust(t->trust));
    put_integer(&b, "verified_raw_ns", t->verified.ns);
    put_integer(&b, "epoch", (int64_t)t->epoch);
    put_integer(&b, "tai_offset_s", t->tai_offset_s);
    put_number(&b, "kernel_frequency_ppb", t->kernel_frequency_ppb);
    put_integer(&b, "steps", t->steps);
    put_integer(&b, "foreign_changes", t->foreign_changes);
    put_number(&b, "last_foreign_s", t->last_foreign_s);
    put_number(&b, "wander_ppb", t->wander_ppb);
    return finish(&b);
}

static json_t *smoothing_object(const struct visor_smoothing_status *s)
{
    struct builder b = begin();

    put_bool(&b, "enabled", s->enabled);
    put_bool(&b, "active", s->active);
    put_bool(&b, "leap_only", s->leap_only);
    put_number(&b, "offset_s", s->offset);
    put_number(&b, "frequency_ppm", s->frequency_ppm);
    put_number(&b, "wander_ppm", s->wander_ppm);
    put_number(&b, "last_update_age_s", s->last_update_age);
    put_number(&b, "remaining_s", s->remaining);
    return finish(&b);
}

static json_t *manual_object(const struct visor_manual_status *manual)
{
    struct builder b = begin();
    json_t *samples = json_array();

    put_bool(&b, "enabled", manual->enabled);
    for (size_t i = 0; samples && i < manual->count && i < VISOR_MANUAL_MAX; i++) {
        const struct visor_manual_sample *sample = &manual->samples[i];
        struct builder one = begin();

        put_integer(&one, "when_ns", sample->when.ns);
        put_number(&one, "slewed_offset_s", sample->slewed_offset);
        put_number(&one, "original_offset_s", sample->original_offset);
        put_number(&one, "residual_s", sample->residual);
        if (json_array_append_new(samples, finish(&one)) != 0)
            b.failed = true;
    }
    put(&b, "samples", samples);
    return finish(&b);
}

static json_t *witness_object(const struct visor_witness_status *witness)
{
    static const char *const classes[] = {"unproven", "independent", "derived", "nonsense"};
    struct builder b = begin();
    bool timed = witness->readings > 0;

    put_text(&b, "kind", visor_kind_witness(witness->kind));
    put(&b, "class", timed ? json_string(classes[witness->what]) : json_null());
    put_integer(&b, "readings", witness->readings);
    put_integer(&b, "jumps", witness->jumps);
    put_integer(&b, "sets", witness->sets);
    put_number(&b, "noise_s", timed ? witness->noise_s : NAN);
    put_number(&b, "age_s", timed ? witness->age_s : NAN);
    return finish(&b);
}

json_t *visor_statusjson_witnesses(uint32_t bits)
{
    json_t *array = json_array();

    for (int i = 0; array && i < VISOR_WITNESS_KINDS; i++)
        if (bits & 1u << i)
            json_array_append_new(array,
                                  json_string(visor_kind_witness((enum visor_witness_kind)i)));
    return array;
}

static json_t *possible_array(uint32_t bits)
{
    json_t *array = json_array();

    for (int i = 0; array && i < VISOR_DISRUPTION_KINDS; i++)
        if (bits & 1u << i)
            json_array_append_new(array,
                                  json_string(visor_kind_word((enum visor_disruption_kind)i)));
    return array;
}

static json_t *disruption_object(const struct visor_disruption *disruption)
{
    struct builder b = begin();

    put_text(&b, "kind", visor_kind_word(disruption->kind));
    put(&b, "possible", possible_array(disruption->possible));
    put_bool(&b, "judged", disruption->judged);
    put_integer(&b, "raw_ns", disruption->raw.ns);
    put_integer(&b, "utc_ns", disruption->utc.ns);
    put_number(&b, "size_s", disruption->sized ? disruption->size_s : NAN);
    put_number(&b, "error_s", disruption->sized ? disruption->error_s : NAN);
    put(&b, "evidence", visor_statusjson_witnesses(disruption->evidence));
    put(&b, "silent", visor_statusjson_witnesses(disruption->silent));
    put_number(&b, "settled_after_s", disruption->settled ? disruption->settled_after_s : NAN);
    return finish(&b);
}

const char *visor_statusjson_level(uint32_t level)
{
    static const char *const names[] = {"normal", "yellow", "orange", "red"};

    return level < sizeof(names) / sizeof(names[0]) ? names[level] : "unknown";
}

const char *visor_statusjson_cause(uint32_t cause)
{
    static const char *const names[] = {"none", "error", "limit", "sources", "stopped"};

    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "unknown";
}

static json_t *rescues_array(uint32_t rescues)
{
    static const char *const names[] = {"backup", "online",     "pool",    "resync",
                                        "reset",  "quarantine", "release", "return"};
    json_t *array = json_array();

    for (size_t i = 0; array && i < sizeof(names) / sizeof(names[0]); i++)
        if (rescues & 1u << i)
            json_array_append_new(array, json_string(names[i]));
    return array;
}

static json_t *emergency_record(const struct visor_emergency_record *record)
{
    struct builder b = begin();

    put_text(&b, "level", visor_statusjson_level(record->level));
    put_text(&b, "cause", visor_statusjson_cause(record->cause));
    put_integer(&b, "raw_ns", record->raw.ns);
    put_integer(&b, "utc_ns", record->utc.ns);
    put_number(&b, "error_s", record->error_s >= 0.0 ? record->error_s : NAN);
    put(&b, "actions", rescues_array(record->rescues));
    return finish(&b);
}

static json_t *emergency_object(const struct visor_emergency_status *emergency)
{
    struct builder b = begin();
    json_t *history = json_array();

    put_text(&b, "level", visor_statusjson_level(emergency->level));
    put_text(&b, "cause", visor_statusjson_cause(emergency->cause));
    put(&b, "since_raw_ns", emergency->count > 0 ? json_integer(emergency->since.ns) : json_null());
    put_number(&b, "limit_s", emergency->limit_s > 0.0 ? emergency->limit_s : NAN);
    if (emergency->profile)
        put_text(&b, "profile", emergency->profile);
    else
        put(&b, "profile", json_null());
    put_bool(&b, "quarantined", emergency->quarantined);
    put_integer(&b, "lent_sources", emergency->lent);
    put_bool(&b, "automatic", !emergency->by_hand);
    for (size_t i = 0; history && i < emergency->count && i < VISOR_EMERGENCIES; i++)
        if (json_array_append_new(history, emergency_record(&emergency->list[i])) != 0)
            b.failed = true;
    put(&b, "history", history);
    return finish(&b);
}

static json_t *activity_object(const struct visor_status *status)
{
    struct builder b = begin();

    put_integer(&b, "online", (int64_t)status->online);
    put_integer(&b, "offline", (int64_t)status->offline);
    put_integer(&b, "burst_online", (int64_t)status->burst_online);
    put_integer(&b, "burst_offline", (int64_t)status->burst_offline);
    put_integer(&b, "unresolved", (int64_t)status->unresolved);
    return finish(&b);
}

const char *visor_statusjson_answer(uint16_t status)
{
    switch (status) {
    case VISOR_CMDMON_SUCCESS:
        return "OK";
    case VISOR_CMDMON_FAILED:
        return "failed";
    case VISOR_CMDMON_UNAUTHORISED:
        return "not authorised";
    case VISOR_CMDMON_INVALID:
        return "unknown command";
    case VISOR_CMDMON_NO_SUCH_SOURCE:
        return "no such source";
    case VISOR_CMDMON_NOT_ENABLED:
        return "not enabled";
    case VISOR_CMDMON_BAD_VERSION:
        return "bad version";
    case VISOR_CMDMON_BAD_LENGTH:
        return "bad length";
    default:
        return "refused";
    }
}

static const char *deed_name(enum visor_cmdmon_command command)
{
    switch (command) {
    case VISOR_CMDMON_RESET_SOURCES:
        return "reset sources";
    case VISOR_CMDMON_ONLINE:
        return "online";
    case VISOR_CMDMON_REFRESH:
        return "refresh";
    case VISOR_CMDMON_BURST:
        return "burst";
    case VISOR_CMDMON_DOFFSET2:
        return "doffset";
    default:
        return "makestep";
    }
}

static json_t *deed_object(const struct visor_assist_deed *deed, visor_mono now)
{
    struct builder b = begin();

    put_text(&b, "what", deed_name(deed->command));
    put_number(&b, "offset_s", deed->command == VISOR_CMDMON_DOFFSET2 ? deed->number : NAN);
    put_integer(&b, "raw_ns", deed->asked.ns);
    put_number(&b, "age_s", visor_seconds_from_ns(visor_mono_diff(now, deed->asked)));
    put(&b, "answer",
        !deed->answered ? json_null()
        : deed->error   ? json_string("none")
                        : json_string(visor_statusjson_answer(deed->status)));
    return finish(&b);
}

static json_t *assist_object(const struct visor_assist_status *assist, visor_mono now)
{
    static const char *const states[] = {"off", "absent", "refused", "ready"};
    struct builder b = begin();
    json_t *deeds = json_array();

    put_text(&b, "state", states[assist->state]);
    put_text(&b, "socket", assist->socket);
    put(&b, "errno", assist->error ? json_integer(assist->error) : json_null());
    put(&b, "synchronized", assist->heard ? json_boolean(assist->synchronized) : json_null());
    put_number(&b, "correction_s", assist->heard ? assist->correction_s : NAN);
    put_number(&b, "heard_age_s", assist->heard ? assist->heard_age_s : NAN);
    put_bool(&b, "busy", assist->busy);
    for (size_t i = 0; deeds && i < assist->deed_count; i++)
        if (json_array_append_new(deeds, deed_object(&assist->deeds[i], now)) != 0)
            b.failed = true;
    put(&b, "asked", deeds);
    return finish(&b);
}

json_t *visor_statusjson_write(const struct visor_status *status)
{
    struct builder b = begin();
    json_t *sources = json_array(), *witnesses = json_array(), *disruptions = json_array();

    put_integer(&b, "version", VISOR_STATUS_VERSION);
    put_integer(&b, "raw_ns", status->now.raw.ns);
    put_integer(&b, "realtime_ns", status->now.real.ns);
    put_integer(&b, "utc_ns", status->utc.ns);
    put_text(&b, "mode", visor_statusjson_mode(status->mode));
    put_bool(&b, "clock_settable", status->clock_settable);
    put(&b, "tracking", tracking_object(&status->tracking));
    put(&b, "smoothing", smoothing_object(&status->smoothing));
    put(&b, "manual", manual_object(&status->manual));
    put(&b, "activity", activity_object(status));
    for (size_t i = 0; witnesses && i < status->witness_count; i++)
        if (json_array_append_new(witnesses, witness_object(&status->witnesses[i])) != 0)
            b.failed = true;
    put(&b, "witnesses", witnesses);
    for (size_t i = 0; disruptions && i < status->disruption_count; i++)
        if (json_array_append_new(disruptions, disruption_object(&status->disruptions[i])) != 0)
            b.failed = true;
    put(&b, "disruptions", disruptions);
    put(&b, "assist", assist_object(&status->assist, status->now.raw));
    put(&b, "emergency", emergency_object(&status->emergency));
    for (size_t i = 0; sources && i < status->source_count && i < VISOR_SOURCES_MAX; i++)
        if (json_array_append_new(sources, visor_statusjson_source(&status->sources[i])) != 0)
            b.failed = true;
    put(&b, "sources", sources);
    return finish(&b);
}
