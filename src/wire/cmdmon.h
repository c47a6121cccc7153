/* chronyc's protocol, version 6 without authentication, as chronyc 4.0 and later speak it: one UDP
 * or UNIX datagram a request and a reply. The protocol has no document; figures and layouts are
 * facts of chrony's candm.h.
 *
 * A request is padded to the length of its reply, so that a server answers nobody with more bytes
 * than it was sent. The length tells which form of a reply an older client can read, too.
 *
 * Values stand here as chronyc shows them, with chrony's signs; timevisord/cmdmon.c converts. Both
 * directions are here: the daemon reads requests and writes replies; tests and tools the other. */
#ifndef VISOR_WIRE_CMDMON_H
#define VISOR_WIRE_CMDMON_H

#include "base/address.h"
#include "base/time.h"

#define VISOR_CMDMON_PORT        323
#define VISOR_CMDMON_MESSAGE_MAX 1024 /* every request and reply is shorter */
#define VISOR_CMDMON_NAME_MAX    256
#define VISOR_CMDMON_CLIENTS_MAX 8
#define VISOR_CMDMON_MANUAL_MAX  16

enum visor_cmdmon_command {
    VISOR_CMDMON_ONLINE = 1,
    VISOR_CMDMON_OFFLINE = 2,
    VISOR_CMDMON_BURST = 3,
    VISOR_CMDMON_MODIFY_MINPOLL = 4,
    VISOR_CMDMON_MODIFY_MAXPOLL = 5,
    VISOR_CMDMON_DUMP = 6,
    VISOR_CMDMON_MODIFY_MAXDELAY = 7,
    VISOR_CMDMON_MODIFY_MAXDELAYRATIO = 8,
    VISOR_CMDMON_MODIFY_MAXUPDATESKEW = 9,
    VISOR_CMDMON_SETTIME = 11,
    VISOR_CMDMON_MANUAL = 13,
    VISOR_CMDMON_N_SOURCES = 14,
    VISOR_CMDMON_SOURCE_DATA = 15,
    VISOR_CMDMON_REKEY = 16,
    VISOR_CMDMON_ALLOW = 17,
    VISOR_CMDMON_ALLOWALL = 18,
    VISOR_CMDMON_DENY = 19,
    VISOR_CMDMON_DENYALL = 20,
    VISOR_CMDMON_CMDALLOW = 21,
    VISOR_CMDMON_CMDALLOWALL = 22,
    VISOR_CMDMON_CMDDENY = 23,
    VISOR_CMDMON_CMDDENYALL = 24,
    VISOR_CMDMON_ACCHECK = 25,
    VISOR_CMDMON_CMDACCHECK = 26,
    VISOR_CMDMON_DEL_SOURCE = 29,
    VISOR_CMDMON_WRITERTC = 30,
    VISOR_CMDMON_DFREQ = 31,
    VISOR_CMDMON_TRACKING = 33,
    VISOR_CMDMON_SOURCESTATS = 34,
    VISOR_CMDMON_RTCREPORT = 35,
    VISOR_CMDMON_TRIMRTC = 36,
    VISOR_CMDMON_CYCLELOGS = 37,
    VISOR_CMDMON_MANUAL_LIST = 41,
    VISOR_CMDMON_MANUAL_DELETE = 42,
    VISOR_CMDMON_MAKESTEP = 43,
    VISOR_CMDMON_ACTIVITY = 44,
    VISOR_CMDMON_MODIFY_MINSTRATUM = 45,
    VISOR_CMDMON_MODIFY_POLLTARGET = 46,
    VISOR_CMDMON_MODIFY_MAXDELAYDEVRATIO = 47,
    VISOR_CMDMON_RESELECT = 48,
    VISOR_CMDMON_RESELECTDISTANCE = 49,
    VISOR_CMDMON_MODIFY_MAKESTEP = 50,
    VISOR_CMDMON_SMOOTHING = 51,
    VISOR_CMDMON_SMOOTHTIME = 52,
    VISOR_CMDMON_REFRESH = 53,
    VISOR_CMDMON_SERVER_STATS = 54,
    VISOR_CMDMON_LOCAL2 = 56, /* to 4.5 */
    VISOR_CMDMON_NTP_DATA = 57,
    VISOR_CMDMON_SHUTDOWN = 62,
    VISOR_CMDMON_ONOFFLINE = 63,
    VISOR_CMDMON_ADD_SOURCE = 64,
    VISOR_CMDMON_NTP_SOURCE_NAME = 65,
    VISOR_CMDMON_RESET_SOURCES = 66,
    VISOR_CMDMON_AUTH_DATA = 67,
    VISOR_CMDMON_CLIENT_ACCESSES_BY_INDEX3 = 68,
    VISOR_CMDMON_SELECT_DATA = 69,
    VISOR_CMDMON_RELOAD_SOURCES = 70,
    VISOR_CMDMON_DOFFSET2 = 71,
    VISOR_CMDMON_MODIFY_SELECTOPTS = 72,
    VISOR_CMDMON_MODIFY_OFFSET = 73,
    VISOR_CMDMON_LOCAL3 = 74,
};

/* Forms of replies. */
enum visor_cmdmon_form {
    VISOR_CMDMON_FORM_NULL = 1,
    VISOR_CMDMON_FORM_N_SOURCES = 2,
    VISOR_CMDMON_FORM_SOURCE_DATA = 3,
    VISOR_CMDMON_FORM_TRACKING = 5,
    VISOR_CMDMON_FORM_SOURCESTATS = 6,
    VISOR_CMDMON_FORM_RTC = 7,
    VISOR_CMDMON_FORM_ACTIVITY = 12,
    VISOR_CMDMON_FORM_SMOOTHING = 13,
    VISOR_CMDMON_FORM_SERVER_STATS = 14, /* to 3.5 */
    VISOR_CMDMON_FORM_NTP_DATA = 16,     /* to 4.5 */
    VISOR_CMDMON_FORM_MANUAL_TIMESTAMP2 = 17,
    VISOR_CMDMON_FORM_MANUAL_LIST2 = 18,
    VISOR_CMDMON_FORM_NTP_SOURCE_NAME = 19,
    VISOR_CMDMON_FORM_AUTH_DATA = 20,
    VISOR_CMDMON_FORM_CLIENT_ACCESSES_BY_INDEX3 = 21,
    VISOR_CMDMON_FORM_SERVER_STATS2 = 22, /* 4.0, 4.1 */
    VISOR_CMDMON_FORM_SELECT_DATA = 23,
    VISOR_CMDMON_FORM_SERVER_STATS3 = 24, /* 4.2, 4.3 */
    VISOR_CMDMON_FORM_SERVER_STATS4 = 25,
    VISOR_CMDMON_FORM_NTP_DATA2 = 26,
};

enum visor_cmdmon_status {
    VISOR_CMDMON_SUCCESS = 0,
    VISOR_CMDMON_FAILED = 1,
    VISOR_CMDMON_UNAUTHORISED = 2,
    VISOR_CMDMON_INVALID = 3,
    VISOR_CMDMON_NO_SUCH_SOURCE = 4,
    VISOR_CMDMON_INVALID_TIMESTAMP = 5,
    VISOR_CMDMON_NOT_ENABLED = 6,
    VISOR_CMDMON_BAD_SUBNET = 7,
    VISOR_CMDMON_ACCESS_ALLOWED = 8,
    VISOR_CMDMON_ACCESS_DENIED = 9,
    VISOR_CMDMON_SOURCE_ALREADY_KNOWN = 11,
    VISOR_CMDMON_TOO_MANY_SOURCES = 12,
    VISOR_CMDMON_NO_RTC = 13,
    VISOR_CMDMON_BAD_RTC_FILE = 14,
    VISOR_CMDMON_INACTIVE = 15,
    VISOR_CMDMON_BAD_SAMPLE = 16,
    VISOR_CMDMON_INVALID_FAMILY = 17,
    VISOR_CMDMON_BAD_VERSION = 18,
    VISOR_CMDMON_BAD_LENGTH = 19,
    VISOR_CMDMON_INVALID_NAME = 21,
};

/* An address, or the number of a source that has none yet ("ID#0000000001"). */
struct visor_cmdmon_address {
    struct visor_address address; /* family NONE: unspecified, or `id` */
    uint32_t id;                  /* 0: not an id */
};

/* ---- requests ---- */

struct visor_cmdmon_match {
    struct visor_cmdmon_address mask, address; /* both unspecified: all sources */
    int32_t good, total;                       /* BURST */
};

struct visor_cmdmon_modify {
    struct visor_cmdmon_address address;
    int32_t integer; /* minpoll, maxpoll, minstratum, polltarget */
    double number;   /* maxdelay… */
};

struct visor_cmdmon_makestep {
    int32_t limit;
    double threshold;
};

struct visor_cmdmon_local {
    int32_t on, stratum, orphan;
    double distance, activate, wait_synced, wait_unsynced; /* the last three: LOCAL3 */
};

struct visor_cmdmon_access {
    struct visor_cmdmon_address subnet; /* unspecified: everybody */
    int32_t bits;
};

enum visor_cmdmon_source_type {
    VISOR_CMDMON_SERVER = 1,
    VISOR_CMDMON_PEER = 2,
    VISOR_CMDMON_POOL = 3
};

enum visor_cmdmon_source_flag {
    VISOR_CMDMON_FLAG_ONLINE = 0x1,
    VISOR_CMDMON_FLAG_AUTOOFFLINE = 0x2,
    VISOR_CMDMON_FLAG_IBURST = 0x4,
    VISOR_CMDMON_FLAG_PREFER = 0x8,
    VISOR_CMDMON_FLAG_NOSELECT = 0x10,
    VISOR_CMDMON_FLAG_TRUST = 0x20,
    VISOR_CMDMON_FLAG_REQUIRE = 0x40,
    VISOR_CMDMON_FLAG_INTERLEAVED = 0x80,
    VISOR_CMDMON_FLAG_BURST = 0x100,
    VISOR_CMDMON_FLAG_NTS = 0x200,
    VISOR_CMDMON_FLAG_COPY = 0x400,
    VISOR_CMDMON_FLAG_EXP_MONO_ROOT = 0x800,
    VISOR_CMDMON_FLAG_NET_CORRECTION = 0x1000,
    VISOR_CMDMON_FLAG_IPV4 = 0x2000,
    VISOR_CMDMON_FLAG_IPV6 = 0x4000,
};

struct visor_cmdmon_source {
    uint32_t type; /* enum visor_cmdmon_source_type */
    char name[VISOR_CMDMON_NAME_MAX];
    bool name_terminated; /* false: the name was longer; it is cut here */
    uint32_t port;
    int32_t minpoll, maxpoll, presend_minpoll;
    uint32_t min_stratum, poll_target, version, max_sources;
    int32_t min_samples, max_samples;
    uint32_t authkey, nts_port;
    double max_delay, max_delay_ratio, max_delay_dev_ratio, min_delay, asymmetry, offset;
    uint32_t flags; /* enum visor_cmdmon_source_flag */
    int32_t filter_length;
    uint32_t cert_set;
    double max_delay_quant;
    int32_t max_unreach; /* 0 from clients to 4.6, which do not know it */
};

struct visor_cmdmon_clients_query {
    uint32_t first_index, count, min_hits, reset;
};

struct visor_cmdmon_select {
    struct visor_cmdmon_address address;
    uint32_t refid;   /* of a reference clock, if the address is unspecified */
    uint32_t mask;    /* SELECTOPTS: enum visor_cmdmon_select_option */
    uint32_t options; /* SELECTOPTS: enum visor_cmdmon_source_flag (really) */
    double offset;    /* OFFSET, s */
};

struct visor_cmdmon_request {
    uint16_t command; /* enum visor_cmdmon_command */
    uint16_t attempt;
    uint32_t sequence;
    size_t size;                      /* of the datagram: how long the reply may be */
    enum visor_cmdmon_status refusal; /* of a REFUSED request */
    union {
        struct visor_cmdmon_match match;
        struct visor_cmdmon_modify modify;
        struct visor_cmdmon_makestep makestep;
        struct visor_cmdmon_local local;
        struct visor_cmdmon_access access;
        struct visor_cmdmon_source source;
        struct visor_cmdmon_clients_query clients;
        struct visor_cmdmon_select select;
        struct visor_cmdmon_address address; /* DEL_SOURCE, NTP_DATA, …, ACCHECK */
        visor_wall time;                     /* SETTIME */
        double number;                       /* DFREQ ppm, DOFFSET2 s, skew ppm, distance s */
        int32_t integer;                     /* MANUAL, SMOOTHTIME, MANUAL_DELETE, index */
    };
};

enum visor_cmdmon_verdict {
    VISOR_CMDMON_ACCEPTED,
    VISOR_CMDMON_REFUSED, /* answer with `refusal`; command and sequence are filled */
    VISOR_CMDMON_DROPPED, /* not to be answered: not a request, or too short for any answer */
};

enum visor_cmdmon_verdict visor_cmdmon_read_request(const uint8_t *data, size_t size,
                                                    struct visor_cmdmon_request *request);

/* A client's side; padded for `form` (0: the newest reply). Returns the size, 0 if it does not fit
 * or the command is unknown. */
size_t visor_cmdmon_write_request(const struct visor_cmdmon_request *request,
                                  enum visor_cmdmon_form form, uint8_t *data, size_t size);

/* ---- replies ---- */

enum visor_cmdmon_source_state {
    VISOR_CMDMON_STATE_SELECTED = 0,
    VISOR_CMDMON_STATE_NONSELECTABLE = 1,
    VISOR_CMDMON_STATE_FALSETICKER = 2,
    VISOR_CMDMON_STATE_JITTERY = 3,
    VISOR_CMDMON_STATE_UNSELECTED = 4, /* combined: chronyc prints '+' */
    VISOR_CMDMON_STATE_SELECTABLE = 5, /* not combined: '-' */
};

enum visor_cmdmon_source_mode {
    VISOR_CMDMON_MODE_CLIENT = 0,
    VISOR_CMDMON_MODE_PEER = 1,
    VISOR_CMDMON_MODE_REFERENCE = 2,
};

struct visor_cmdmon_source_data {
    struct visor_cmdmon_address address; /* reference clock: its refid as an IPv4 address */
    int16_t poll;
    uint16_t stratum, state, mode, flags, reach;
    uint32_t since_sample;                        /* s; UINT32_MAX: none */
    double original_offset, offset, offset_error; /* s, + : the local clock is fast */
};

struct visor_cmdmon_tracking {
    uint32_t refid;
    struct visor_cmdmon_address address; /* unspecified: reference clock or none */
    uint16_t stratum, leap;
    visor_wall reference;
    double correction;  /* s, + : the system clock is slow */
    double last_offset; /* s, + : the local clock was fast */
    double rms_offset;
    double frequency_ppm, residual_frequency_ppm, skew_ppm; /* + : fast */
    double root_delay, root_dispersion, update_interval;
};

struct visor_cmdmon_sourcestats {
    uint32_t refid;
    struct visor_cmdmon_address address; /* unspecified: reference clock */
    uint32_t samples, runs, span;
    double sd, frequency_ppm, skew_ppm, offset, offset_error; /* + : the local clock is fast */
};

struct visor_cmdmon_rtc {
    visor_wall reference;
    uint16_t samples, runs;
    uint32_t span;
    double fast, gain_ppm;
};

struct visor_cmdmon_manual_timestamp {
    double offset, frequency_change_ppm, frequency_ppm; /* + : the clock was fast */
};

#define VISOR_CMDMON_NEVER UINT32_MAX /* for the ages of hits */

struct visor_cmdmon_client {
    struct visor_cmdmon_address address;
    uint32_t ntp_hits, nke_hits, cmd_hits, ntp_drops, nke_drops, cmd_drops;
    int8_t ntp_interval, nke_interval, cmd_interval, ntp_timeout_interval; /* log2 s; 127: none */
    uint32_t last_ntp_age, last_nke_age, last_cmd_age;                     /* s */
};

struct visor_cmdmon_clients {
    uint32_t indices; /* size of the server's table */
    uint32_t next_index;
    uint32_t count;
    struct visor_cmdmon_client clients[VISOR_CMDMON_CLIENTS_MAX];
};

/* Counters; the older forms carry the first of them in 32 bits. */
struct visor_cmdmon_server_stats {
    uint64_t ntp_hits, nke_hits, cmd_hits, ntp_drops, nke_drops, cmd_drops, log_drops;
    uint64_t ntp_auth_hits, ntp_interleaved_hits, ntp_timestamps, ntp_span_seconds;
    uint64_t daemon_rx, daemon_tx, kernel_rx, kernel_tx, hardware_rx, hardware_tx;
};

struct visor_cmdmon_manual_sample {
    visor_wall when;
    double slewed_offset, original_offset, residual; /* s, + : fast */
};

struct visor_cmdmon_manual_list {
    uint32_t count;
    struct visor_cmdmon_manual_sample samples[VISOR_CMDMON_MANUAL_MAX];
};

struct visor_cmdmon_activity {
    int32_t online, offline, burst_online, burst_offline, unresolved;
};

struct visor_cmdmon_smoothing {
    uint32_t flags; /* 1 active, 2 leap seconds only */
    double offset, frequency_ppm, wander_ppm, last_update_age, remaining;
};

#define VISOR_CMDMON_NTP_INTERLEAVED   0x4000
#define VISOR_CMDMON_NTP_AUTHENTICATED 0x8000

struct visor_cmdmon_ntp_data {
    struct visor_cmdmon_address remote, local;
    uint16_t remote_port;
    uint8_t leap, version, mode, stratum;
    int8_t poll, precision;
    double root_delay, root_dispersion;
    uint32_t refid;
    visor_wall reference;
    double offset; /* s, NTP's sign, + : the local clock is slow */
    double peer_delay, peer_dispersion, response_time, jitter_asymmetry;
    uint16_t flags;       /* tests in the low ten bits (test 1 highest), and the two above */
    uint8_t tx_by, rx_by; /* 'D', 'K', 'H' */
    uint32_t total_tx, total_rx, total_valid, total_good;
    uint32_t total_kernel_tx, total_kernel_rx, total_hardware_tx, total_hardware_rx;
};

enum visor_cmdmon_auth_mode {
    VISOR_CMDMON_AUTH_NONE = 0,
    VISOR_CMDMON_AUTH_SYMMETRIC = 1,
    VISOR_CMDMON_AUTH_NTS = 2,
};

struct visor_cmdmon_auth_data {
    uint16_t mode, key_type; /* key types as chronyd numbers them: 1 MD5, 2 SHA1, 3 SHA256, … */
    uint32_t key;
    uint16_t key_length, ke_attempts; /* bits */
    uint32_t last_ke_age;             /* s; UINT32_MAX: never */
    uint16_t cookies, cookie_length, nak;
};

enum visor_cmdmon_select_option {
    VISOR_CMDMON_OPTION_NOSELECT = 1,
    VISOR_CMDMON_OPTION_PREFER = 2,
    VISOR_CMDMON_OPTION_TRUST = 4,
    VISOR_CMDMON_OPTION_REQUIRE = 8,
};

struct visor_cmdmon_select_data {
    uint32_t refid;
    struct visor_cmdmon_address address; /* unspecified: reference clock */
    uint8_t state;                       /* letter */
    uint8_t authenticated, leap;
    uint16_t options, effective_options;
    uint32_t last_sample_age;
    double score, lo, hi; /* + : the local clock is fast */
};

struct visor_cmdmon_reply {
    uint16_t command, form, status; /* the enums above */
    uint32_t sequence;
    union {
        uint32_t sources;
        struct visor_cmdmon_source_data source_data;
        struct visor_cmdmon_tracking tracking;
        struct visor_cmdmon_sourcestats sourcestats;
        struct visor_cmdmon_rtc rtc;
        struct visor_cmdmon_manual_timestamp manual_timestamp;
        struct visor_cmdmon_clients clients;
        struct visor_cmdmon_server_stats server_stats;
        struct visor_cmdmon_manual_list manual_list;
        struct visor_cmdmon_activity activity;
        struct visor_cmdmon_smoothing smoothing;
        struct visor_cmdmon_ntp_data ntp_data;
        struct visor_cmdmon_auth_data auth_data;
        struct visor_cmdmon_select_data select_data;
        char name[VISOR_CMDMON_NAME_MAX];
    };
};

/* The form in which a request of this size can be answered: the newest that is not longer than it;
 * NULL-form if there is none. */
enum visor_cmdmon_form visor_cmdmon_form_for(const struct visor_cmdmon_request *request);

/* Returns the size; 0 if it would be longer than `size` or the form is unknown. */
size_t visor_cmdmon_write_reply(const struct visor_cmdmon_reply *reply, uint8_t *data, size_t size);

/* A client's side. False if it is not a reply of version 6, or too short for its form. */
bool visor_cmdmon_read_reply(const uint8_t *data, size_t size, struct visor_cmdmon_reply *reply);

#endif
