/* The codec of records. One list of fields a structure serves reading, writing and the digest, so
 * that they cannot come to differ. Files, and running an engine again, are left to others. */
#include "engine/recording.h"

#include <string.h>

#define FNV_BASIS  UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)
#define ACTION_MAX 4096 /* bytes of any action's fields */

static const uint8_t magic[8] = {'T', 'V', 'R', 'E', 'C', 0, 0, VISOR_RECORDING_VERSION};

/* Either end of the codec: `in` reads into the fields, else `out` writes them. */
struct codec {
    struct visor_reader *in;
    struct visor_writer *out;
    bool bad; /* a value that no writer makes */
};

static void u8(struct codec *codec, uint8_t *value)
{
    if (codec->in)
        *value = visor_read_u8(codec->in);
    else
        visor_write_u8(codec->out, *value);
}

static void u16(struct codec *codec, uint16_t *value)
{
    if (codec->in)
        *value = visor_read_u16(codec->in);
    else
        visor_write_u16(codec->out, *value);
}

static void u32(struct codec *codec, uint32_t *value)
{
    if (codec->in)
        *value = visor_read_u32(codec->in);
    else
        visor_write_u32(codec->out, *value);
}

static void u64(struct codec *codec, uint64_t *value)
{
    if (codec->in)
        *value = visor_read_u64(codec->in);
    else
        visor_write_u64(codec->out, *value);
}

static void s64(struct codec *codec, int64_t *value)
{
    uint64_t bits = (uint64_t)*value;

    u64(codec, &bits);
    *value = (int64_t)bits;
}

static void integer(struct codec *codec, int *value)
{
    uint32_t bits = (uint32_t)*value;

    u32(codec, &bits);
    *value = (int)bits;
}

static void real(struct codec *codec, double *value)
{
    if (codec->in)
        *value = visor_read_double(codec->in);
    else
        visor_write_double(codec->out, *value);
}

static void boolean(struct codec *codec, bool *value)
{
    uint8_t byte = !codec->in && *value; /* what is read into may hold anything */

    u8(codec, &byte);
    codec->bad = codec->bad || byte > 1;
    *value = byte == 1;
}

/* An enumeration of values 0 … last. */
static unsigned choice(struct codec *codec, unsigned value, unsigned last)
{
    uint8_t byte = (uint8_t)value;

    u8(codec, &byte);
    if (byte > last) {
        codec->bad = true;
        return 0;
    }
    return byte;
}

#define CHOICE(codec, field, last) ((field) = choice(codec, (unsigned)(field), (unsigned)(last)))

/* A text in a buffer of `size`: its length, and so many bytes. */
static void text(struct codec *codec, char *value, size_t size)
{
    uint16_t length = 0;

    while (!codec->in && length < size - 1 && value[length])
        length++;
    u16(codec, &length);
    if (length > size - 1) {
        codec->bad = true;
        length = 0;
    }
    if (!codec->in) {
        visor_write_bytes(codec->out, value, length);
        return;
    }
    memset(value, 0, size);
    visor_read_bytes(codec->in, value, length);
    codec->bad = codec->bad || memchr(value, 0, length);
}

/* `size` bytes that stay in the reader's buffer. */
static const uint8_t *bytes(struct codec *codec, const uint8_t *data, size_t size)
{
    if (!codec->in) {
        visor_write_bytes(codec->out, data, size);
        return data;
    }
    if (codec->in->failed || size > codec->in->size - codec->in->at) {
        codec->in->failed = true;
        return NULL;
    }
    data = codec->in->data + codec->in->at;
    codec->in->at += size;
    return data;
}

static void address(struct codec *codec, struct visor_address *value)
{
    u8(codec, &value->family);
    for (size_t i = 0; i < sizeof(value->bytes); i++)
        u8(codec, &value->bytes[i]);
    u32(codec, &value->scope);
    u16(codec, &value->port);
}

static void reading(struct codec *codec, struct visor_reading *value)
{
    s64(codec, &value->raw.ns);
    s64(codec, &value->real.ns);
    s64(codec, &value->width_ns);
    real(codec, &value->frequency_ppb);
}

static void stamp(struct codec *codec, struct visor_stamp *value)
{
    s64(codec, &value->raw.ns);
    s64(codec, &value->error_ns);
    CHOICE(codec, value->by, VISOR_STAMPER_HARDWARE);
}

static void source(struct codec *codec, struct visor_source_config *value)
{
    CHOICE(codec, value->kind, VISOR_SOURCE_PEER);
    text(codec, value->name, sizeof(value->name));
    text(codec, value->file, sizeof(value->file));
    u32(codec, &value->line);
    CHOICE(codec, value->family, VISOR_FAMILY_IPV6);
    u16(codec, &value->port);
    integer(codec, &value->minpoll);
    integer(codec, &value->maxpoll);
    integer(codec, &value->presend);
    boolean(codec, &value->iburst);
    boolean(codec, &value->burst);
    boolean(codec, &value->offline);
    boolean(codec, &value->auto_offline);
    boolean(codec, &value->xleave);
    boolean(codec, &value->copy);
    boolean(codec, &value->nts);
    u32(codec, &value->extfields);
    u32(codec, &value->key);
    u32(codec, &value->certset);
    u16(codec, &value->ntsport);
    integer(codec, &value->version);
    real(codec, &value->max_delay);
    real(codec, &value->max_delay_ratio);
    real(codec, &value->max_delay_dev_ratio);
    real(codec, &value->max_delay_quant);
    real(codec, &value->min_delay);
    real(codec, &value->asymmetry);
    real(codec, &value->offset);
    integer(codec, &value->min_samples);
    integer(codec, &value->max_samples);
    integer(codec, &value->max_unreach);
    integer(codec, &value->filter_length);
    integer(codec, &value->min_stratum);
    integer(codec, &value->poll_target);
    integer(codec, &value->max_sources);
    u32(codec, &value->select_options);
    boolean(codec, &value->near);
    boolean(codec, &value->backup);
}

static void configuration(struct codec *codec, struct visor_recording_config *value,
                          struct visor_leap_entry *leaps)
{
    uint32_t size = (uint32_t)value->size, leap_count = (uint32_t)value->leap_count;

    u32(codec, &size);
    u32(codec, &leap_count);
    if (size > VISOR_RECORDING_CONFIG_MAX || leap_count > VISOR_RECORDING_LEAPS_MAX) {
        codec->bad = true;
        return;
    }
    value->size = size;
    value->leap_count = leap_count;
    CHOICE(codec, value->mode, VISOR_MODE_ASSIST);
    real(codec, &value->clock_precision);
    for (size_t i = 0; i < leap_count; i++) {
        struct visor_leap_entry leap = {0};

        if (!codec->in)
            leap = value->leaps[i];
        s64(codec, &leap.utc_s);
        integer(codec, &leap.tai_offset_s);
        if (codec->in)
            leaps[i] = leap;
    }
    if (codec->in)
        value->leaps = leaps;
    value->text = (const char *)bytes(codec, (const uint8_t *)value->text, size);
}

/* The events. */

static void event_packet(struct codec *codec, struct visor_event_packet *value)
{
    uint16_t size = (uint16_t)value->size;

    u32(codec, &value->source);
    address(codec, &value->peer);
    address(codec, &value->local);
    stamp(codec, &value->received);
    s64(codec, &value->received.frame_ns);
    s64(codec, &value->received.held_ns);
    CHOICE(codec, value->auth, VISOR_AUTH_INVALID);
    u32(codec, &value->key);
    u16(codec, &size);
    value->size = size;
    value->data = bytes(codec, value->data, size);
}

static void event_refclock(struct codec *codec, struct visor_event_refclock *value)
{
    u32(codec, &value->refclock);
    CHOICE(codec, value->kind, VISOR_REFCLOCK_FAILED);
    stamp(codec, &value->stamp);
    s64(codec, &value->reference.ns);
    real(codec, &value->dispersion_s);
    CHOICE(codec, value->leap, VISOR_LEAP_HINT_UNSYNCHRONIZED);
    integer(codec, &value->error);
}

static void event_witness(struct codec *codec, struct visor_event_witness *value)
{
    CHOICE(codec, value->kind, VISOR_WITNESS_NEAR);
    stamp(codec, &value->stamp);
    s64(codec, &value->earliest.ns);
    s64(codec, &value->latest.ns);
    u64(codec, &value->marker);
    s64(codec, &value->amount_ns);
    boolean(codec, &value->independent);
}

static void event_resolved(struct codec *codec, struct visor_event_resolved *value)
{
    uint8_t count = (uint8_t)value->count;

    u32(codec, &value->query);
    CHOICE(codec, value->result, VISOR_RESOLVE_FAILED);
    u8(codec, &count);
    if (count > VISOR_RESOLVE_MAX) {
        codec->bad = true;
        count = 0;
    }
    value->count = count;
    for (size_t i = 0; i < count; i++)
        address(codec, &value->addresses[i]);
}

static void event_applied(struct codec *codec, struct visor_event_applied *value)
{
    CHOICE(codec, value->action, VISOR_CLOCK_STATUS);
    integer(codec, &value->error);
    real(codec, &value->frequency_ppb);
    s64(codec, &value->stepped_ns);
    reading(codec, &value->after);
}

static void event_command(struct codec *codec, struct visor_event_command *value,
                          struct visor_source_config *storage)
{
    bool added = value->source != NULL;

    CHOICE(codec, value->kind, VISOR_COMMAND_OFFSET);
    u32(codec, &value->token);
    address(codec, &value->match.address);
    address(codec, &value->match.mask);
    u32(codec, &value->match.id);
    for (size_t i = 0; i < sizeof(value->number) / sizeof(value->number[0]); i++)
        real(codec, &value->number[i]);
    text(codec, value->refid, sizeof(value->refid));
    boolean(codec, &added);
    if (!added) {
        value->source = NULL;
        return;
    }
    if (!codec->in)
        *storage = *value->source;
    source(codec, storage);
    value->source = storage;
}

static void sample(struct codec *codec, struct visor_sample *value)
{
    s64(codec, &value->at.ns);
    s64(codec, &value->reference.ns);
    real(codec, &value->delay_s);
    real(codec, &value->dispersion_s);
    real(codec, &value->root_delay_s);
    real(codec, &value->root_dispersion_s);
    u8(codec, &value->stratum);
    CHOICE(codec, value->leap, VISOR_LEAP_UNSYNCHRONIZED);
}

static void event_restore(struct codec *codec, struct visor_event_restore *value,
                          struct visor_sample *storage)
{
    uint8_t count = (uint8_t)value->count;

    u32(codec, &value->source);
    u8(codec, &value->reach);
    integer(codec, &value->reach_size);
    u8(codec, &count);
    if (count > VISOR_RESTORE_MAX) {
        codec->bad = true;
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!codec->in)
            storage[i] = value->samples[i];
        sample(codec, &storage[i]);
    }
    value->count = count;
    value->samples = storage;
}

static void event_chronyd(struct codec *codec, struct visor_event_chronyd *value)
{
    u32(codec, &value->token);
    integer(codec, &value->error);
    u16(codec, &value->status);
    real(codec, &value->correction_s);
    CHOICE(codec, value->leap, VISOR_LEAP_UNSYNCHRONIZED);
    u32(codec, &value->count);
    address(codec, &value->address);
    boolean(codec, &value->client);
    u16(codec, &value->port);
    boolean(codec, &value->authenticated);
}

/* `entry` holds the event and what it points to. */
static void event(struct codec *codec, struct visor_recording_entry *entry)
{
    struct visor_event *value = &entry->event;

    CHOICE(codec, value->kind, VISOR_EVENT_CHRONYD);
    reading(codec, &value->now);
    switch (value->kind) {
    case VISOR_EVENT_START:
        boolean(codec, &value->start.drift_known);
        real(codec, &value->start.drift_ppm);
        real(codec, &value->start.skew_ppm);
        boolean(codec, &value->start.clock_settable);
        real(codec, &value->start.precision_s);
        break;
    case VISOR_EVENT_PACKET:
        event_packet(codec, &value->packet);
        break;
    case VISOR_EVENT_SENT:
        u32(codec, &value->sent.source);
        u32(codec, &value->sent.token);
        stamp(codec, &value->sent.sent);
        integer(codec, &value->sent.error);
        break;
    case VISOR_EVENT_REFCLOCK:
        event_refclock(codec, &value->refclock);
        break;
    case VISOR_EVENT_WITNESS:
        event_witness(codec, &value->witness);
        break;
    case VISOR_EVENT_RESOLVED:
        event_resolved(codec, &value->resolved);
        break;
    case VISOR_EVENT_APPLIED:
        event_applied(codec, &value->applied);
        break;
    case VISOR_EVENT_CONFIG:
        configuration(codec, &entry->config, entry->leaps);
        value->config = NULL;
        break;
    case VISOR_EVENT_COMMAND:
        event_command(codec, &value->command, &entry->source);
        break;
    case VISOR_EVENT_RESTORE:
        event_restore(codec, &value->restore, entry->samples);
        break;
    case VISOR_EVENT_RATE:
        real(codec, &value->rate.change_ppb);
        break;
    case VISOR_EVENT_CHRONYD:
        event_chronyd(codec, &value->chronyd);
        break;
    case VISOR_EVENT_TIMER:
    case VISOR_EVENT_STOP:
        break;
    }
}

void visor_recording_write_header(struct visor_writer *writer,
                                  const struct visor_recording_header *header)
{
    struct codec codec = {.out = writer};
    struct visor_recording_header copy = *header;

    visor_write_bytes(writer, magic, sizeof(magic));
    for (size_t i = 0; i < 4; i++)
        u64(&codec, &copy.seed[i]);
    configuration(&codec, &copy.config, NULL);
    writer->failed = writer->failed || codec.bad;
}

void visor_recording_write_event(struct visor_writer *writer, const struct visor_event *value,
                                 const struct visor_recording_config *config, uint64_t digest)
{
    struct codec codec = {.out = writer};
    struct visor_recording_entry entry = {.event = *value};
    struct visor_writer length;
    size_t at = writer->at;

    if (config)
        entry.config = *config;
    visor_write_u32(writer, 0);
    event(&codec, &entry);
    visor_write_u64(writer, digest);
    writer->failed = writer->failed || codec.bad;
    if (writer->failed)
        return;
    length = visor_writer_over(writer->data + at, 4);
    visor_write_u32(&length, (uint32_t)(writer->at - at - 4));
}

enum visor_recording_verdict
visor_recording_read_header(struct visor_reader *reader, struct visor_recording_header *header,
                            struct visor_leap_entry leaps[VISOR_RECORDING_LEAPS_MAX])
{
    struct codec codec = {.in = reader};
    uint8_t start[sizeof(magic)];

    *header = (struct visor_recording_header){.seed = {0}};
    visor_read_bytes(reader, start, sizeof(start));
    if (reader->failed || memcmp(start, magic, sizeof(magic) - 1) != 0)
        return VISOR_RECORDING_FOREIGN;
    if (start[7] != VISOR_RECORDING_VERSION)
        return VISOR_RECORDING_VERSION_UNKNOWN;
    for (size_t i = 0; i < 4; i++)
        u64(&codec, &header->seed[i]);
    configuration(&codec, &header->config, leaps);
    if (codec.bad)
        return VISOR_RECORDING_MALFORMED;
    return reader->failed ? VISOR_RECORDING_CUT : VISOR_RECORDING_OK;
}

enum visor_recording_verdict visor_recording_read_event(struct visor_reader *reader,
                                                        struct visor_recording_entry *entry)
{
    struct visor_reader inner;
    struct codec codec = {.in = &inner};
    uint32_t length;

    if (reader->at == reader->size)
        return VISOR_RECORDING_END;
    length = visor_read_u32(reader);
    if (reader->failed || length > reader->size - reader->at)
        return VISOR_RECORDING_CUT;
    inner = visor_reader_over(reader->data + reader->at, length);
    reader->at += length;
    memset(&entry->event, 0, sizeof(entry->event));
    event(&codec, entry);
    entry->digest = visor_read_u64(&inner);
    if (codec.bad || inner.failed || inner.at != inner.size)
        return VISOR_RECORDING_MALFORMED;
    return VISOR_RECORDING_OK;
}

/* The actions, for the digest only. */

static void action_send(struct codec *codec, struct visor_action_send *value)
{
    uint32_t size = (uint32_t)value->size;

    u32(codec, &value->source);
    u32(codec, &value->token);
    address(codec, &value->to);
    address(codec, &value->local);
    u32(codec, &value->key);
    boolean(codec, &value->from_server);
    u32(codec, &size);
    bytes(codec, value->data, size < VISOR_PACKET_MAX ? size : VISOR_PACKET_MAX);
}

static void action_status(struct codec *codec, struct visor_action_status *value)
{
    boolean(codec, &value->synchronized);
    real(codec, &value->max_error_s);
    real(codec, &value->est_error_s);
    CHOICE(codec, value->leap, VISOR_LEAP_UNSYNCHRONIZED);
    integer(codec, &value->tai_offset_s);
}

static void smoothing(struct codec *codec, struct visor_smoothing *value)
{
    boolean(codec, &value->active);
    s64(codec, &value->start.ns);
    real(codec, &value->offset);
    real(codec, &value->frequency);
    real(codec, &value->wander);
}

/* All but the TSC's mapping, which an adapter fills in. */
static void action_view(struct codec *codec, struct visor_view *value)
{
    uint16_t tai = (uint16_t)value->tai_offset_s;
    uint8_t precision = (uint8_t)value->precision;

    u32(codec, &value->version);
    s64(codec, &value->raw.ns);
    s64(codec, &value->utc.ns);
    real(codec, &value->rate_ppb);
    s64(codec, &value->bound_ns);
    real(codec, &value->growth_ppb);
    u64(codec, &value->epoch);
    s64(codec, &value->verified.ns);
    CHOICE(codec, value->trust, VISOR_TRUST_DISRUPTED);
    CHOICE(codec, value->leap, VISOR_LEAP_UNSYNCHRONIZED);
    u16(codec, &tai);
    u8(codec, &value->stratum);
    u32(codec, &value->refid);
    s64(codec, &value->reference.ns);
    s64(codec, &value->root_delay_ns);
    s64(codec, &value->root_dispersion_ns);
    real(codec, &value->dispersion_rate_ppb);
    u8(codec, &precision);
    boolean(codec, &value->orphan);
    smoothing(codec, &value->smoothing);
}

static void action_message(struct codec *codec, struct visor_message *value)
{
    CHOICE(codec, value->kind, UINT8_MAX);
    CHOICE(codec, value->severity, VISOR_SEVERITY_FATAL);
    u32(codec, &value->source);
    address(codec, &value->address);
    address(codec, &value->address2);
    text(codec, value->name, sizeof(value->name));
    for (size_t i = 0; i < 2; i++) {
        real(codec, &value->number[i]);
        s64(codec, &value->count[i]);
    }
}

static void action_chronyd(struct codec *codec, struct visor_action_chronyd *value)
{
    uint32_t command = (uint32_t)value->command;

    u32(codec, &value->token);
    u32(codec, &command);
    real(codec, &value->number);
    integer(codec, &value->good);
    integer(codec, &value->total);
    u32(codec, &value->index);
    address(codec, &value->address);
}

static void action_answer(struct codec *codec, struct visor_action_answer *value)
{
    u32(codec, &value->token);
    CHOICE(codec, value->answer, VISOR_ANSWER_BAD_SAMPLE);
    for (size_t i = 0; i < sizeof(value->number) / sizeof(value->number[0]); i++)
        real(codec, &value->number[i]);
}

static void action_resolve(struct codec *codec, struct visor_action_resolve *value)
{
    u32(codec, &value->query);
    CHOICE(codec, value->family, VISOR_FAMILY_IPV6);
    text(codec, value->name, sizeof(value->name));
}

/* A line of a log is told by its kind and time: what it reports is told by the other actions. */
static void action_record(struct codec *codec, struct visor_record *value)
{
    CHOICE(codec, value->kind, UINT8_MAX);
    s64(codec, &value->at.ns);
}

static void action_fields(struct codec *codec, struct visor_action *value)
{
    CHOICE(codec, value->kind, UINT8_MAX);
    switch (value->kind) {
    case VISOR_ACTION_SEND:
        action_send(codec, &value->send);
        break;
    case VISOR_ACTION_CLOSE:
        u32(codec, &value->source);
        break;
    case VISOR_ACTION_MEASURE:
        u32(codec, &value->refclock);
        break;
    case VISOR_ACTION_FREQUENCY:
        real(codec, &value->frequency.frequency_ppb);
        break;
    case VISOR_ACTION_STEP:
        s64(codec, &value->step.offset_ns);
        break;
    case VISOR_ACTION_STATUS:
        action_status(codec, &value->status);
        break;
    case VISOR_ACTION_PUBLISH:
        action_view(codec, &value->view);
        break;
    case VISOR_ACTION_RESOLVE:
        action_resolve(codec, &value->resolve);
        break;
    case VISOR_ACTION_LOG:
    case VISOR_ACTION_FATAL:
        action_message(codec, &value->message);
        break;
    case VISOR_ACTION_RECORD:
        action_record(codec, &value->record);
        break;
    case VISOR_ACTION_ANSWER:
        action_answer(codec, &value->answer);
        break;
    case VISOR_ACTION_DRIFT:
        real(codec, &value->drift.frequency_ppm);
        real(codec, &value->drift.skew_ppm);
        break;
    case VISOR_ACTION_CHRONYD:
        action_chronyd(codec, &value->chronyd);
        break;
    }
}

uint64_t visor_recording_digest_begin(void)
{
    return FNV_BASIS;
}

uint64_t visor_recording_digest(uint64_t digest, const struct visor_action *action)
{
    uint8_t fields[ACTION_MAX];
    struct visor_writer writer = visor_writer_over(fields, sizeof(fields));
    struct codec codec = {.out = &writer};
    struct visor_action copy = *action;

    action_fields(&codec, &copy);
    for (size_t i = 0; i < writer.at; i++)
        digest = (digest ^ fields[i]) * FNV_PRIME;
    return digest;
}
