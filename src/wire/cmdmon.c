/* Every message is a table of fields, from which it is read, written and measured; there is no code
 * for single messages. A request's or reply's own structure is the memory that the table's offsets
 * are in. Left to others: who may ask, and what the answer is. */
#include "wire/cmdmon.h"

#include "wire/layout.h"

#include <string.h>

#define VERSION          6
#define VERSION_ANSWERED 5 /* from here on a client understands BAD_VERSION */
#define TYPE_REQUEST     1
#define TYPE_REPLY       2
#define REQUEST_HEADER   20
#define REPLY_HEADER     28

#define F(kind, type, member)                                                                      \
    {                                                                                              \
        VISOR_LAYOUT_##kind, offsetof(struct visor_cmdmon_##type, member), 0, 0, NULL              \
    }
#define PAD(bytes)                                                                                 \
    {                                                                                              \
        VISOR_LAYOUT_ZERO_PAD, 0, bytes, 0, NULL                                                   \
    }
#define ONES(bytes)                                                                                \
    {                                                                                              \
        VISOR_LAYOUT_ONES_PAD, 0, bytes, 0, NULL                                                   \
    }
#define BARE(kind)                                                                                 \
    {                                                                                              \
        VISOR_LAYOUT_##kind, 0, 0, 0, NULL                                                         \
    } /* the whole structure is one value */
#define LAST                                                                                       \
    {                                                                                              \
        VISOR_LAYOUT_END, 0, 0, 0, NULL                                                            \
    }

/* ---- requests ---- */

static const struct visor_layout_field null_fields[] = {LAST};
static const struct visor_layout_field match_fields[] = {F(ADDRESS, match, mask),
                                                         F(ADDRESS, match, address), LAST};
static const struct visor_layout_field burst_fields[] = {
    F(ADDRESS, match, mask), F(ADDRESS, match, address), F(U32, match, good), F(U32, match, total),
    LAST};
static const struct visor_layout_field modify_integer_fields[] = {F(ADDRESS, modify, address),
                                                                  F(U32, modify, integer), LAST};
static const struct visor_layout_field modify_number_fields[] = {F(ADDRESS, modify, address),
                                                                 F(FLOAT, modify, number), LAST};
static const struct visor_layout_field dump_fields[] = {PAD(4), LAST};
static const struct visor_layout_field number_fields[] = {BARE(FLOAT), LAST};
static const struct visor_layout_field integer_fields[] = {BARE(U32), LAST};
static const struct visor_layout_field address_fields[] = {BARE(ADDRESS), LAST};
static const struct visor_layout_field time_fields[] = {BARE(TIME), LAST};
static const struct visor_layout_field makestep_fields[] = {F(U32, makestep, limit),
                                                            F(FLOAT, makestep, threshold), LAST};
static const struct visor_layout_field local2_fields[] = {F(U32, local, on), F(U32, local, stratum),
                                                          F(FLOAT, local, distance),
                                                          F(U32, local, orphan), LAST};
static const struct visor_layout_field local3_fields[] = {F(U32, local, on),
                                                          F(U32, local, stratum),
                                                          F(FLOAT, local, distance),
                                                          F(U32, local, orphan),
                                                          F(FLOAT, local, activate),
                                                          F(FLOAT, local, wait_synced),
                                                          F(FLOAT, local, wait_unsynced),
                                                          LAST};
static const struct visor_layout_field access_fields[] = {F(ADDRESS, access, subnet),
                                                          F(U32, access, bits), LAST};
static const struct visor_layout_field source_fields[] = {
    F(U32, source, type),
    F(NAME, source, name),
    F(U32, source, port),
    F(U32, source, minpoll),
    F(U32, source, maxpoll),
    F(U32, source, presend_minpoll),
    F(U32, source, min_stratum),
    F(U32, source, poll_target),
    F(U32, source, version),
    F(U32, source, max_sources),
    F(U32, source, min_samples),
    F(U32, source, max_samples),
    F(U32, source, authkey),
    F(U32, source, nts_port),
    F(FLOAT, source, max_delay),
    F(FLOAT, source, max_delay_ratio),
    F(FLOAT, source, max_delay_dev_ratio),
    F(FLOAT, source, min_delay),
    F(FLOAT, source, asymmetry),
    F(FLOAT, source, offset),
    F(U32, source, flags),
    F(U32, source, filter_length),
    F(U32, source, cert_set),
    F(FLOAT, source, max_delay_quant),
    F(U32, source, max_unreach),
    LAST,
};
static const struct visor_layout_field clients_query_fields[] = {
    F(U32, clients_query, first_index), F(U32, clients_query, count),
    F(U32, clients_query, min_hits), F(U32, clients_query, reset), LAST};
static const struct visor_layout_field select_options_fields[] = {
    F(ADDRESS, select, address), F(U32, select, refid), F(U32, select, mask),
    F(U32, select, options), LAST};
static const struct visor_layout_field select_offset_fields[] = {
    F(ADDRESS, select, address), F(U32, select, refid), F(FLOAT, select, offset), LAST};

/* ---- replies ---- */

static const struct visor_layout_field name_fields[] = {BARE(NAME), LAST};
static const struct visor_layout_field source_data_fields[] = {
    F(ADDRESS, source_data, address),
    F(U16, source_data, poll),
    F(U16, source_data, stratum),
    F(U16, source_data, state),
    F(U16, source_data, mode),
    F(U16, source_data, flags),
    F(U16, source_data, reach),
    F(U32, source_data, since_sample),
    F(FLOAT, source_data, original_offset),
    F(FLOAT, source_data, offset),
    F(FLOAT, source_data, offset_error),
    LAST,
};
static const struct visor_layout_field tracking_fields[] = {
    F(U32, tracking, refid),
    F(ADDRESS, tracking, address),
    F(U16, tracking, stratum),
    F(U16, tracking, leap),
    F(TIME, tracking, reference),
    F(FLOAT, tracking, correction),
    F(FLOAT, tracking, last_offset),
    F(FLOAT, tracking, rms_offset),
    F(FLOAT, tracking, frequency_ppm),
    F(FLOAT, tracking, residual_frequency_ppm),
    F(FLOAT, tracking, skew_ppm),
    F(FLOAT, tracking, root_delay),
    F(FLOAT, tracking, root_dispersion),
    F(FLOAT, tracking, update_interval),
    LAST,
};
static const struct visor_layout_field sourcestats_fields[] = {
    F(U32, sourcestats, refid),
    F(ADDRESS, sourcestats, address),
    F(U32, sourcestats, samples),
    F(U32, sourcestats, runs),
    F(U32, sourcestats, span),
    F(FLOAT, sourcestats, sd),
    F(FLOAT, sourcestats, frequency_ppm),
    F(FLOAT, sourcestats, skew_ppm),
    F(FLOAT, sourcestats, offset),
    F(FLOAT, sourcestats, offset_error),
    LAST,
};
static const struct visor_layout_field rtc_fields[] = {
    F(TIME, rtc, reference),
    F(U16, rtc, samples),
    F(U16, rtc, runs),
    F(U32, rtc, span),
    F(FLOAT, rtc, fast),
    F(FLOAT, rtc, gain_ppm),
    LAST,
};
static const struct visor_layout_field manual_timestamp_fields[] = {
    F(FLOAT, manual_timestamp, offset), F(FLOAT, manual_timestamp, frequency_change_ppm),
    F(FLOAT, manual_timestamp, frequency_ppm), LAST};
static const struct visor_layout_field client_fields[] = {
    F(ADDRESS, client, address),
    F(U32, client, ntp_hits),
    F(U32, client, nke_hits),
    F(U32, client, cmd_hits),
    F(U32, client, ntp_drops),
    F(U32, client, nke_drops),
    F(U32, client, cmd_drops),
    F(U8, client, ntp_interval),
    F(U8, client, nke_interval),
    F(U8, client, cmd_interval),
    F(U8, client, ntp_timeout_interval),
    F(U32, client, last_ntp_age),
    F(U32, client, last_nke_age),
    F(U32, client, last_cmd_age),
    LAST,
};
static const struct visor_layout_field clients_fields[] = {
    F(U32, clients, indices),
    F(U32, clients, next_index),
    F(U32, clients, count),
    {VISOR_LAYOUT_GROUP, offsetof(struct visor_cmdmon_clients, clients), VISOR_CMDMON_CLIENTS_MAX,
     sizeof(struct visor_cmdmon_client), client_fields},
    LAST,
};
static const struct visor_layout_field server_stats_fields[] = {
    F(U64_AS_U32, server_stats, ntp_hits),  F(U64_AS_U32, server_stats, cmd_hits),
    F(U64_AS_U32, server_stats, ntp_drops), F(U64_AS_U32, server_stats, cmd_drops),
    F(U64_AS_U32, server_stats, log_drops), LAST,
};
static const struct visor_layout_field server_stats2_fields[] = {
    F(U64_AS_U32, server_stats, ntp_hits),
    F(U64_AS_U32, server_stats, nke_hits),
    F(U64_AS_U32, server_stats, cmd_hits),
    F(U64_AS_U32, server_stats, ntp_drops),
    F(U64_AS_U32, server_stats, nke_drops),
    F(U64_AS_U32, server_stats, cmd_drops),
    F(U64_AS_U32, server_stats, log_drops),
    F(U64_AS_U32, server_stats, ntp_auth_hits),
    LAST,
};
static const struct visor_layout_field server_stats3_fields[] = {
    F(U64_AS_U32, server_stats, ntp_hits),
    F(U64_AS_U32, server_stats, nke_hits),
    F(U64_AS_U32, server_stats, cmd_hits),
    F(U64_AS_U32, server_stats, ntp_drops),
    F(U64_AS_U32, server_stats, nke_drops),
    F(U64_AS_U32, server_stats, cmd_drops),
    F(U64_AS_U32, server_stats, log_drops),
    F(U64_AS_U32, server_stats, ntp_auth_hits),
    F(U64_AS_U32, server_stats, ntp_interleaved_hits),
    F(U64_AS_U32, server_stats, ntp_timestamps),
    F(U64_AS_U32, server_stats, ntp_span_seconds),
    LAST,
};
static const struct visor_layout_field server_stats4_fields[] = {
    F(U64, server_stats, ntp_hits),
    F(U64, server_stats, nke_hits),
    F(U64, server_stats, cmd_hits),
    F(U64, server_stats, ntp_drops),
    F(U64, server_stats, nke_drops),
    F(U64, server_stats, cmd_drops),
    F(U64, server_stats, log_drops),
    F(U64, server_stats, ntp_auth_hits),
    F(U64, server_stats, ntp_interleaved_hits),
    F(U64, server_stats, ntp_timestamps),
    F(U64, server_stats, ntp_span_seconds),
    F(U64, server_stats, daemon_rx),
    F(U64, server_stats, daemon_tx),
    F(U64, server_stats, kernel_rx),
    F(U64, server_stats, kernel_tx),
    F(U64, server_stats, hardware_rx),
    F(U64, server_stats, hardware_tx),
    ONES(32),
    LAST,
};
static const struct visor_layout_field manual_sample_fields[] = {
    F(TIME, manual_sample, when), F(FLOAT, manual_sample, slewed_offset),
    F(FLOAT, manual_sample, original_offset), F(FLOAT, manual_sample, residual), LAST};
static const struct visor_layout_field manual_list_fields[] = {
    F(U32, manual_list, count),
    {VISOR_LAYOUT_GROUP, offsetof(struct visor_cmdmon_manual_list, samples),
     VISOR_CMDMON_MANUAL_MAX, sizeof(struct visor_cmdmon_manual_sample), manual_sample_fields},
    LAST,
};
static const struct visor_layout_field activity_fields[] = {
    F(U32, activity, online),        F(U32, activity, offline),    F(U32, activity, burst_online),
    F(U32, activity, burst_offline), F(U32, activity, unresolved), LAST};
static const struct visor_layout_field smoothing_fields[] = {
    F(U32, smoothing, flags),
    F(FLOAT, smoothing, offset),
    F(FLOAT, smoothing, frequency_ppm),
    F(FLOAT, smoothing, wander_ppm),
    F(FLOAT, smoothing, last_update_age),
    F(FLOAT, smoothing, remaining),
    LAST,
};

#define NTP_DATA_FIELDS                                                                            \
    F(ADDRESS, ntp_data, remote), F(ADDRESS, ntp_data, local), F(U16, ntp_data, remote_port),      \
        F(U8, ntp_data, leap), F(U8, ntp_data, version), F(U8, ntp_data, mode),                    \
        F(U8, ntp_data, stratum), F(U8, ntp_data, poll), F(U8, ntp_data, precision),               \
        F(FLOAT, ntp_data, root_delay), F(FLOAT, ntp_data, root_dispersion),                       \
        F(U32, ntp_data, refid), F(TIME, ntp_data, reference), F(FLOAT, ntp_data, offset),         \
        F(FLOAT, ntp_data, peer_delay), F(FLOAT, ntp_data, peer_dispersion),                       \
        F(FLOAT, ntp_data, response_time), F(FLOAT, ntp_data, jitter_asymmetry),                   \
        F(U16, ntp_data, flags), F(U8, ntp_data, tx_by), F(U8, ntp_data, rx_by),                   \
        F(U32, ntp_data, total_tx), F(U32, ntp_data, total_rx), F(U32, ntp_data, total_valid),     \
        F(U32, ntp_data, total_good)

static const struct visor_layout_field ntp_data_fields[] = {NTP_DATA_FIELDS, ONES(12), LAST};
static const struct visor_layout_field ntp_data2_fields[] = {
    NTP_DATA_FIELDS,
    F(U32, ntp_data, total_kernel_tx),
    F(U32, ntp_data, total_kernel_rx),
    F(U32, ntp_data, total_hardware_tx),
    F(U32, ntp_data, total_hardware_rx),
    ONES(16),
    LAST,
};
static const struct visor_layout_field auth_data_fields[] = {
    F(U16, auth_data, mode),
    F(U16, auth_data, key_type),
    F(U32, auth_data, key),
    F(U16, auth_data, key_length),
    F(U16, auth_data, ke_attempts),
    F(U32, auth_data, last_ke_age),
    F(U16, auth_data, cookies),
    F(U16, auth_data, cookie_length),
    F(U16, auth_data, nak),
    PAD(2),
    LAST,
};
static const struct visor_layout_field select_data_fields[] = {
    F(U32, select_data, refid),
    F(ADDRESS, select_data, address),
    F(U8, select_data, state),
    F(U8, select_data, authenticated),
    F(U8, select_data, leap),
    PAD(1),
    F(U16, select_data, options),
    F(U16, select_data, effective_options),
    F(U32, select_data, last_sample_age),
    F(FLOAT, select_data, score),
    F(FLOAT, select_data, lo),
    F(FLOAT, select_data, hi),
    LAST,
};

static const struct {
    uint16_t form;
    const struct visor_layout_field *fields;
} forms[] = {
    {VISOR_CMDMON_FORM_NULL, null_fields},
    {VISOR_CMDMON_FORM_N_SOURCES, integer_fields},
    {VISOR_CMDMON_FORM_SOURCE_DATA, source_data_fields},
    {VISOR_CMDMON_FORM_TRACKING, tracking_fields},
    {VISOR_CMDMON_FORM_SOURCESTATS, sourcestats_fields},
    {VISOR_CMDMON_FORM_RTC, rtc_fields},
    {VISOR_CMDMON_FORM_ACTIVITY, activity_fields},
    {VISOR_CMDMON_FORM_SMOOTHING, smoothing_fields},
    {VISOR_CMDMON_FORM_SERVER_STATS, server_stats_fields},
    {VISOR_CMDMON_FORM_NTP_DATA, ntp_data_fields},
    {VISOR_CMDMON_FORM_MANUAL_TIMESTAMP2, manual_timestamp_fields},
    {VISOR_CMDMON_FORM_MANUAL_LIST2, manual_list_fields},
    {VISOR_CMDMON_FORM_NTP_SOURCE_NAME, name_fields},
    {VISOR_CMDMON_FORM_AUTH_DATA, auth_data_fields},
    {VISOR_CMDMON_FORM_CLIENT_ACCESSES_BY_INDEX3, clients_fields},
    {VISOR_CMDMON_FORM_SERVER_STATS2, server_stats2_fields},
    {VISOR_CMDMON_FORM_SELECT_DATA, select_data_fields},
    {VISOR_CMDMON_FORM_SERVER_STATS3, server_stats3_fields},
    {VISOR_CMDMON_FORM_SERVER_STATS4, server_stats4_fields},
    {VISOR_CMDMON_FORM_NTP_DATA2, ntp_data2_fields},
};

#define FORMS_A_COMMAND 4

/* Request's fields and the forms of its answer, the newest first. */
static const struct command {
    uint16_t command;
    const struct visor_layout_field *fields;
    uint16_t forms[FORMS_A_COMMAND];
} commands[] = {
    {VISOR_CMDMON_ONLINE, match_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_OFFLINE, match_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_BURST, burst_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MINPOLL, modify_integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAXPOLL, modify_integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DUMP, dump_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAXDELAY, modify_number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAXDELAYRATIO, modify_number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAXUPDATESKEW, number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_SETTIME, time_fields, {VISOR_CMDMON_FORM_MANUAL_TIMESTAMP2}},
    {VISOR_CMDMON_MANUAL, integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_N_SOURCES, null_fields, {VISOR_CMDMON_FORM_N_SOURCES}},
    {VISOR_CMDMON_SOURCE_DATA, integer_fields, {VISOR_CMDMON_FORM_SOURCE_DATA}},
    {VISOR_CMDMON_REKEY, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ALLOW, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ALLOWALL, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DENY, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DENYALL, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CMDALLOW, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CMDALLOWALL, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CMDDENY, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CMDDENYALL, access_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ACCHECK, address_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CMDACCHECK, address_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DEL_SOURCE, address_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_WRITERTC, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DFREQ, number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_TRACKING, null_fields, {VISOR_CMDMON_FORM_TRACKING}},
    {VISOR_CMDMON_SOURCESTATS, integer_fields, {VISOR_CMDMON_FORM_SOURCESTATS}},
    {VISOR_CMDMON_RTCREPORT, null_fields, {VISOR_CMDMON_FORM_RTC}},
    {VISOR_CMDMON_TRIMRTC, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_CYCLELOGS, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MANUAL_LIST, null_fields, {VISOR_CMDMON_FORM_MANUAL_LIST2}},
    {VISOR_CMDMON_MANUAL_DELETE, integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MAKESTEP, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ACTIVITY, null_fields, {VISOR_CMDMON_FORM_ACTIVITY}},
    {VISOR_CMDMON_MODIFY_MINSTRATUM, modify_integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_POLLTARGET, modify_integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAXDELAYDEVRATIO, modify_number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_RESELECT, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_RESELECTDISTANCE, number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_MAKESTEP, makestep_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_SMOOTHING, null_fields, {VISOR_CMDMON_FORM_SMOOTHING}},
    {VISOR_CMDMON_SMOOTHTIME, integer_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_REFRESH, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_SERVER_STATS,
     null_fields,
     {VISOR_CMDMON_FORM_SERVER_STATS4, VISOR_CMDMON_FORM_SERVER_STATS3,
      VISOR_CMDMON_FORM_SERVER_STATS2, VISOR_CMDMON_FORM_SERVER_STATS}},
    {VISOR_CMDMON_LOCAL2, local2_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_NTP_DATA,
     address_fields,
     {VISOR_CMDMON_FORM_NTP_DATA2, VISOR_CMDMON_FORM_NTP_DATA}},
    {VISOR_CMDMON_SHUTDOWN, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ONOFFLINE, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_ADD_SOURCE, source_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_NTP_SOURCE_NAME, address_fields, {VISOR_CMDMON_FORM_NTP_SOURCE_NAME}},
    {VISOR_CMDMON_RESET_SOURCES, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_AUTH_DATA, address_fields, {VISOR_CMDMON_FORM_AUTH_DATA}},
    {VISOR_CMDMON_CLIENT_ACCESSES_BY_INDEX3,
     clients_query_fields,
     {VISOR_CMDMON_FORM_CLIENT_ACCESSES_BY_INDEX3}},
    {VISOR_CMDMON_SELECT_DATA, integer_fields, {VISOR_CMDMON_FORM_SELECT_DATA}},
    {VISOR_CMDMON_RELOAD_SOURCES, null_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_DOFFSET2, number_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_SELECTOPTS, select_options_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_MODIFY_OFFSET, select_offset_fields, {VISOR_CMDMON_FORM_NULL}},
    {VISOR_CMDMON_LOCAL3, local3_fields, {VISOR_CMDMON_FORM_NULL}},
};

static const struct command *find_command(uint16_t code)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].command == code)
            return &commands[i];
    return NULL;
}

static const struct visor_layout_field *find_form(uint16_t form)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].form == form)
            return forms[i].fields;
    return NULL;
}

/* Least size of a request: its fields, or the shortest of its replies. */
static size_t least_request(const struct command *command)
{
    size_t own = REQUEST_HEADER + visor_layout_size(command->fields), reply = SIZE_MAX;

    for (size_t i = 0; i < FORMS_A_COMMAND && command->forms[i] != 0; i++) {
        size_t size = REPLY_HEADER + visor_layout_size(find_form(command->forms[i]));

        if (size < reply)
            reply = size;
    }
    return own > reply ? own : reply;
}

static enum visor_cmdmon_verdict refuse(struct visor_cmdmon_request *request,
                                        enum visor_cmdmon_status status)
{
    request->refusal = status;
    return VISOR_CMDMON_REFUSED;
}

enum visor_cmdmon_verdict visor_cmdmon_read_request(const uint8_t *data, size_t size,
                                                    struct visor_cmdmon_request *request)
{
    struct visor_reader r = visor_reader_over(data, size);
    const struct command *command;
    uint8_t version;

    memset(request, 0, sizeof *request);
    if (size < REPLY_HEADER || size > VISOR_CMDMON_MESSAGE_MAX)
        return VISOR_CMDMON_DROPPED;
    version = visor_read_u8(&r);
    if (visor_read_u8(&r) != TYPE_REQUEST || visor_read_u16(&r) != 0)
        return VISOR_CMDMON_DROPPED;
    request->command = visor_read_u16(&r);
    request->attempt = visor_read_u16(&r);
    request->sequence = visor_read_u32(&r);
    visor_read_u64(&r);
    request->size = size;
    if (version != VERSION)
        return version >= VERSION_ANSWERED ? refuse(request, VISOR_CMDMON_BAD_VERSION)
                                           : VISOR_CMDMON_DROPPED;
    command = find_command(request->command);
    if (!command)
        return refuse(request, VISOR_CMDMON_INVALID);
    if (size < least_request(command))
        return refuse(request, VISOR_CMDMON_BAD_LENGTH);
    visor_layout_read(&r, command->fields, &request->match);
    if (request->command == VISOR_CMDMON_ADD_SOURCE) {
        char *last = &request->source.name[VISOR_CMDMON_NAME_MAX - 1];

        request->source.name_terminated = *last == '\0';
        *last = '\0';
    }
    return VISOR_CMDMON_ACCEPTED;
}

size_t visor_cmdmon_write_request(const struct visor_cmdmon_request *request,
                                  enum visor_cmdmon_form form, uint8_t *data, size_t size)
{
    const struct command *command = find_command(request->command);
    struct visor_writer w = visor_writer_over(data, size);
    size_t reply;

    if (!command)
        return 0;
    if (form == 0)
        form = command->forms[0];
    if (!find_form((uint16_t)form))
        return 0;
    visor_write_u8(&w, VERSION);
    visor_write_u8(&w, TYPE_REQUEST);
    visor_write_u16(&w, 0);
    visor_write_u16(&w, request->command);
    visor_write_u16(&w, request->attempt);
    visor_write_u32(&w, request->sequence);
    visor_write_u64(&w, 0);
    visor_layout_write(&w, command->fields, &request->match);
    reply = REPLY_HEADER + visor_layout_size(find_form((uint16_t)form));
    while (w.at < reply && !w.failed)
        visor_write_u8(&w, 0);
    return w.failed ? 0 : w.at;
}

enum visor_cmdmon_form visor_cmdmon_form_for(const struct visor_cmdmon_request *request)
{
    const struct command *command = find_command(request->command);

    for (size_t i = 0; command && i < FORMS_A_COMMAND && command->forms[i] != 0; i++)
        if (REPLY_HEADER + visor_layout_size(find_form(command->forms[i])) <= request->size)
            return command->forms[i];
    return VISOR_CMDMON_FORM_NULL;
}

size_t visor_cmdmon_write_reply(const struct visor_cmdmon_reply *reply, uint8_t *data, size_t size)
{
    const struct visor_layout_field *fields = find_form(reply->form);
    struct visor_writer w = visor_writer_over(data, size);

    if (!fields)
        return 0;
    visor_write_u8(&w, VERSION);
    visor_write_u8(&w, TYPE_REPLY);
    visor_write_u16(&w, 0);
    visor_write_u16(&w, reply->command);
    visor_write_u16(&w, reply->form);
    visor_write_u16(&w, reply->status);
    visor_write_u16(&w, 0);
    visor_write_u32(&w, 0);
    visor_write_u32(&w, reply->sequence);
    visor_write_u64(&w, 0);
    visor_layout_write(&w, fields, &reply->sources);
    return w.failed ? 0 : w.at;
}

bool visor_cmdmon_read_reply(const uint8_t *data, size_t size, struct visor_cmdmon_reply *reply)
{
    struct visor_reader r = visor_reader_over(data, size);
    const struct visor_layout_field *fields;

    memset(reply, 0, sizeof *reply);
    if (visor_read_u8(&r) != VERSION || visor_read_u8(&r) != TYPE_REPLY || visor_read_u16(&r) != 0)
        return false;
    reply->command = visor_read_u16(&r);
    reply->form = visor_read_u16(&r);
    reply->status = visor_read_u16(&r);
    visor_read_u16(&r);
    visor_read_u32(&r);
    reply->sequence = visor_read_u32(&r);
    visor_read_u64(&r);
    fields = find_form(reply->form);
    if (!fields || r.failed)
        return false;
    visor_layout_read(&r, fields, &reply->sources);
    if (reply->form == VISOR_CMDMON_FORM_NTP_SOURCE_NAME)
        reply->name[VISOR_CMDMON_NAME_MAX - 1] = '\0';
    if (reply->form == VISOR_CMDMON_FORM_CLIENT_ACCESSES_BY_INDEX3 &&
        reply->clients.count > VISOR_CMDMON_CLIENTS_MAX)
        reply->clients.count = VISOR_CMDMON_CLIENTS_MAX;
    if (reply->form == VISOR_CMDMON_FORM_MANUAL_LIST2 &&
        reply->manual_list.count > VISOR_CMDMON_MANUAL_MAX)
        reply->manual_list.count = VISOR_CMDMON_MANUAL_MAX;
    return !r.failed;
}
