/* One function a report, each a plain list of fields. Left to others: which report is wanted, and
 * whether it may be given (chronyc.c). */
#include "timevisord/reports.h"

#include <string.h>

#define UNKNOWN_AGE UINT32_MAX

/* The other sign, and never "-0". */
static double opposite(double value)
{
    return value == 0.0 ? 0.0 : -value;
}

static uint32_t whole(double seconds)
{
    return seconds >= (double)UINT32_MAX ? UINT32_MAX : seconds > 0.0 ? (uint32_t)seconds : 0;
}

static uint32_t age(const struct visor_source_status *source)
{
    return source->last_sample_age < 0.0 ? UNKNOWN_AGE : whole(source->last_sample_age);
}

/* The address that chronyc knows a source by; unspecified for a reference clock. */
static struct visor_cmdmon_address label(const struct visor_source_status *source)
{
    struct visor_cmdmon_address address = {.address = source->address};

    if (!source->refclock && source->address.family == VISOR_FAMILY_NONE)
        address.id = source->id;
    return address;
}

const struct visor_source_status *visor_reports_find(const struct visor_status *status,
                                                     const struct visor_cmdmon_address *address)
{
    for (size_t i = 0; i < status->source_count; i++) {
        const struct visor_source_status *source = &status->sources[i];

        if (source->refclock)
            continue;
        if (address->address.family != VISOR_FAMILY_NONE
                ? visor_address_same(&source->address, &address->address)
                : address->id != 0 && address->id == label(source).id)
            return source;
    }
    return NULL;
}

void visor_reports_tracking(const struct visor_status *status, struct visor_cmdmon_tracking *out)
{
    const struct visor_tracking *t = &status->tracking;

    out->refid = t->refid;
    out->address.address = t->address;
    out->stratum = t->stratum;
    out->leap = (uint16_t)t->leap;
    out->reference = t->reference;
    out->correction = t->offset;
    out->last_offset = opposite(t->last_offset);
    out->rms_offset = t->rms_offset;
    out->frequency_ppm = opposite(t->frequency_ppm);
    out->residual_frequency_ppm = opposite(t->residual_frequency_ppm);
    out->skew_ppm = t->skew_ppm;
    out->root_delay = t->root_delay;
    out->root_dispersion = t->root_dispersion;
    out->update_interval = t->update_interval;
}

void visor_reports_activity(const struct visor_status *status, struct visor_cmdmon_activity *out)
{
    out->online = (int32_t)status->online;
    out->offline = (int32_t)status->offline;
    out->burst_online = (int32_t)status->burst_online;
    out->burst_offline = (int32_t)status->burst_offline;
    out->unresolved = (int32_t)status->unresolved;
}

void visor_reports_smoothing(const struct visor_smoothing_status *s,
                             struct visor_cmdmon_smoothing *out)
{
    out->flags = (s->active ? 1 : 0) | (s->leap_only ? 2 : 0);
    out->offset = s->offset;
    out->frequency_ppm = s->frequency_ppm;
    out->wander_ppm = s->wander_ppm;
    out->last_update_age = s->last_update_age;
    out->remaining = s->remaining;
}

void visor_reports_manual(const struct visor_manual_status *manual,
                          struct visor_cmdmon_manual_list *out)
{
    for (size_t i = 0; i < manual->count && i < VISOR_CMDMON_MANUAL_MAX; i++) {
        out->samples[i].when = manual->samples[i].when;
        out->samples[i].slewed_offset = opposite(manual->samples[i].slewed_offset);
        out->samples[i].original_offset = opposite(manual->samples[i].original_offset);
        out->samples[i].residual = opposite(manual->samples[i].residual);
        out->count++;
    }
}

static uint16_t source_state(enum visor_select_state state)
{
    switch (state) {
    case VISOR_STATE_FALSETICKER:
        return VISOR_CMDMON_STATE_FALSETICKER;
    case VISOR_STATE_JITTERY:
        return VISOR_CMDMON_STATE_JITTERY;
    case VISOR_STATE_WAITING_SOURCES:
    case VISOR_STATE_NOT_PREFERRED:
    case VISOR_STATE_WAITING_UPDATE:
    case VISOR_STATE_UNSELECTED_DISTANCE:
        return VISOR_CMDMON_STATE_SELECTABLE;
    case VISOR_STATE_COMBINED:
        return VISOR_CMDMON_STATE_UNSELECTED;
    case VISOR_STATE_SELECTED:
        return VISOR_CMDMON_STATE_SELECTED;
    default:
        return VISOR_CMDMON_STATE_NONSELECTABLE;
    }
}

void visor_reports_source(const struct visor_source_status *s, struct visor_cmdmon_source_data *out)
{
    out->address = label(s);
    out->mode = s->refclock                    ? VISOR_CMDMON_MODE_REFERENCE
                : s->kind == VISOR_SOURCE_PEER ? VISOR_CMDMON_MODE_PEER
                                               : VISOR_CMDMON_MODE_CLIENT;
    if (s->refclock) {
        out->address.address.family = VISOR_FAMILY_IPV4;
        for (int i = 0; i < 4; i++)
            out->address.address.bytes[i] = (uint8_t)(s->refid >> (24 - 8 * i));
    }
    out->poll = (int16_t)s->poll;
    out->state = source_state(s->state);
    out->reach = s->reach;
    out->since_sample = age(s);
    if (s->last_sample_age < 0.0)
        return;
    out->stratum = s->stratum;
    out->original_offset = opposite(s->last_raw_offset);
    out->offset = opposite(s->last_offset);
    out->offset_error =
        0.5 * (s->root_delay + s->last_delay) + s->root_dispersion + s->last_dispersion;
}

void visor_reports_sourcestats(const struct visor_source_status *s,
                               struct visor_cmdmon_sourcestats *out)
{
    out->refid = s->refid;
    out->address = label(s);
    out->samples = s->samples > 0 ? (uint32_t)s->samples : 0;
    out->runs = s->runs > 0 ? (uint32_t)s->runs : 0;
    out->span = whole(s->span + 0.5);
    if (s->samples == 0) { /* what chronyd takes for "anything" */
        out->sd = 4.0;
        out->skew_ppm = 2000.0;
        return;
    }
    out->sd = s->sd;
    out->frequency_ppm = opposite(s->frequency_ppm);
    out->skew_ppm = s->skew_ppm;
    out->offset = opposite(s->estimated_offset);
    out->offset_error = s->estimated_error;
}

static uint16_t select_options(uint32_t options)
{
    return (uint16_t)((options & VISOR_SELECT_NOSELECT ? VISOR_CMDMON_OPTION_NOSELECT : 0) |
                      (options & VISOR_SELECT_PREFER ? VISOR_CMDMON_OPTION_PREFER : 0) |
                      (options & VISOR_SELECT_TRUST ? VISOR_CMDMON_OPTION_TRUST : 0) |
                      (options & VISOR_SELECT_REQUIRE ? VISOR_CMDMON_OPTION_REQUIRE : 0));
}

void visor_reports_selection(const struct visor_source_status *s,
                             struct visor_cmdmon_select_data *out)
{
    out->refid = s->refid;
    out->address = label(s);
    out->state = (uint8_t)s->state;
    out->authenticated = s->authenticated;
    out->leap = (uint8_t)s->leap;
    out->options = select_options(s->options);
    out->effective_options = select_options(s->effective_options);
    out->last_sample_age =
        s->selected_age < 0.0 ? 0 : whole(s->selected_age); /* unlike `sources` */
    out->score = s->score;
    out->lo = opposite(s->hi);
    out->hi = opposite(s->lo);
}

static uint8_t stamper_letter(enum visor_stamper by)
{
    switch (by) {
    case VISOR_STAMPER_DAEMON:
        return 'D';
    case VISOR_STAMPER_KERNEL:
        return 'K';
    case VISOR_STAMPER_HARDWARE:
        return 'H';
    default:
        return 0;
    }
}

void visor_reports_ntp(const struct visor_source_status *s, struct visor_cmdmon_ntp_data *out)
{
    out->remote.address = s->address;
    out->local.address = s->local;
    out->remote_port = s->address.port;
    out->leap = (uint8_t)s->remote_leap;
    out->version = s->version;
    out->mode = s->mode;
    out->stratum = s->remote_stratum;
    out->poll = (int8_t)s->remote_poll;
    out->precision = (int8_t)s->precision;
    out->root_delay = s->root_delay;
    out->root_dispersion = s->root_dispersion;
    out->refid = s->remote_refid;
    out->reference = s->remote_reference;
    out->offset = s->reply_offset;
    out->peer_delay = s->reply_delay;
    out->peer_dispersion = s->reply_dispersion;
    out->response_time = s->response_time;
    out->jitter_asymmetry = s->jitter_asymmetry;
    out->flags =
        (uint16_t)((s->tests & 0x3ff) | (s->interleaved ? VISOR_CMDMON_NTP_INTERLEAVED : 0) |
                   (s->authenticated ? VISOR_CMDMON_NTP_AUTHENTICATED : 0));
    out->tx_by = stamper_letter(s->tx);
    out->rx_by = stamper_letter(s->rx);
    out->total_tx = s->total_tx;
    out->total_rx = s->total_rx;
    out->total_valid = s->total_valid;
    out->total_good = s->total_good;
    out->total_kernel_tx = s->total_kernel_tx;
    out->total_kernel_rx = s->total_kernel_rx;
    out->total_hardware_tx = s->total_hardware_tx;
    out->total_hardware_rx = s->total_hardware_rx;
}
