/* The validated, immutable configuration: chrony.conf's directives and ours, as one value.
 *
 * `visor_config_parse…` (config/parse.h) makes it; nobody changes it afterwards, so that any thread
 * may read it. A reload makes a new one and hands it to the engine as an event. Strings are owned
 * by the configuration and live as long as it. Times are in the directive's own unit unless the
 * name ends in _ns; unset optional values are stated field by field. */
#ifndef VISOR_CONFIG_CONFIG_H
#define VISOR_CONFIG_CONFIG_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_CONFIG_SOURCES_MAX    128 /* server, pool and peer directives */
#define VISOR_CONFIG_REFCLOCKS_MAX  32
#define VISOR_CONFIG_COMMAND_SOCKET "/run/chrony/chronyd.sock" /* where chronyc looks */
#define VISOR_CONFIG_PID_FILE       "/run/chrony/chronyd.pid" /* chronyd's too: one of us at a time */
#define VISOR_CONFIG_NAME_MAX       256
#define VISOR_CONFIG_LIST_MAX       64    /* interfaces, broadcasts, source directories, … */
#define VISOR_CONFIG_RULES_MAX      16384 /* allow and deny, cmdallow and cmddeny */
#define VISOR_CONFIG_POINTS_MAX     4096  /* tempcomp points, leap seconds */
#define VISOR_CONFIG_HOOKS_MAX      16
#define VISOR_CONFIG_HOLDS_MAX      16

enum visor_source_kind { VISOR_SOURCE_SERVER, VISOR_SOURCE_POOL, VISOR_SOURCE_PEER };

/* Selection options, the same bits for NTP sources and reference clocks. */
enum visor_select_option {
    VISOR_SELECT_PREFER = 1,
    VISOR_SELECT_NOSELECT = 2,
    VISOR_SELECT_TRUST = 4,
    VISOR_SELECT_REQUIRE = 8,
};

enum visor_extfield {
    VISOR_EXTFIELD_MONO_ROOT = 1,      /* F323, experimental */
    VISOR_EXTFIELD_NET_CORRECTION = 2, /* 10A; F324 is taken as its alias */
};

struct visor_source_config {
    enum visor_source_kind kind;
    char name[VISOR_CONFIG_NAME_MAX];
    char file[VISOR_CONFIG_NAME_MAX]; /* where it was written, for messages; "" from chronyc */
    uint32_t line;
    bool from_directory;      /* read from a `sourcedir`, replaced by `reload sources` */
    enum visor_family family; /* `ipv4`/`ipv6` options; NONE: either */
    uint16_t port;            /* 123 */
    int minpoll, maxpoll;     /* log2 s, -7 … 24; defaults 6 and 10 */
    int presend;              /* log2 s; 100: off */
    bool iburst, burst, offline, auto_offline, xleave, copy, nts;
    uint32_t extfields; /* enum visor_extfield bits */
    uint32_t key;       /* 0: none */
    uint32_t certset;
    uint16_t ntsport;
    int version;                  /* 1 … 4; 0: by key type, as chronyd does */
    double max_delay;             /* s, 3 */
    double max_delay_ratio;       /* 0: off */
    double max_delay_dev_ratio;   /* 10 */
    double max_delay_quant;       /* 0: off, else 0.05 … 0.95 */
    double min_delay;             /* s, 0: unknown */
    double asymmetry;             /* -0.5 … 0.5; 1: estimate */
    double offset;                /* s, added to the measured offset */
    int min_samples, max_samples; /* -1: the global ones; 0 in max: no limit */
    int max_unreach;              /* 100000 */
    int filter_length;            /* 0 or 1: off */
    int min_stratum;
    int poll_target;         /* 8 */
    int max_sources;         /* pool: 4 */
    uint32_t select_options; /* enum visor_select_option bits */
    bool near;               /* ours: asked once a second as long as it answers within 1 ms */
    bool backup;             /* ours: used in emergencies only */
};

enum visor_refclock_driver {
    VISOR_REFCLOCK_PPS,
    VISOR_REFCLOCK_SHM,
    VISOR_REFCLOCK_SOCK,
    VISOR_REFCLOCK_PHC,
    VISOR_REFCLOCK_RTC,
};

struct visor_refclock_config {
    enum visor_refclock_driver driver;
    char parameter[VISOR_CONFIG_NAME_MAX]; /* with its :options, as written */
    char file[VISOR_CONFIG_NAME_MAX];      /* where it was written, for messages */
    uint32_t line;
    char refid[5];      /* "" : made of the driver's name and the index, as chronyd does */
    char lock_refid[5]; /* "" : none */
    int poll, dpoll;    /* log2 s; 4 and 0 */
    int filter_length;  /* 64 */
    int max_lock_age;   /* pulses, 2 */
    int stratum;        /* 0 */
    double rate;        /* pulses a second, 1 or more; 1 */
    double pulse_width; /* s, 0: off */
    bool pps, tai, local;
    double offset;         /* s */
    double delay;          /* s, 1e-9 */
    double precision;      /* s, 0: driver's own */
    double max_dispersion; /* s, 0: off */
    int min_samples, max_samples, max_unreach;
    uint32_t select_options;
};

/* `allow`, `deny`, `cmdallow`, `cmddeny`, in the order written. */
struct visor_access_config {
    struct visor_address subnet;      /* family NONE: every address */
    uint8_t prefix;                   /* bits */
    bool allow, all;                  /* all: overrides more specific subnets */
    char name[VISOR_CONFIG_NAME_MAX]; /* a host name still to be resolved; "" when subnet is set */
};

struct visor_ratelimit_config {
    bool enabled;
    int interval; /* log2 s: ntp 3, cmd -4; -19 … 12 */
    int burst;    /* 8; 1 … 255 */
    int leak;     /* 2; power of 1/2, 1 … 4 */
    int kod;      /* 0: off; power of 1/2, … 4 */
};

struct visor_hwtimestamp_config {
    char interface[32]; /* or "*" */
    int minpoll, maxpoll, min_samples, max_samples;
    double precision, tx_compensation, rx_compensation;
    bool nocrossts;
    enum {
        VISOR_RXFILTER_ANY,
        VISOR_RXFILTER_NONE,
        VISOR_RXFILTER_NTP,
        VISOR_RXFILTER_PTP,
        VISOR_RXFILTER_ALL
    } rxfilter;
};

struct visor_broadcast_config {
    int interval; /* s */
    struct visor_address address;
};

enum visor_leap_mode {
    VISOR_LEAP_MODE_SYSTEM,
    VISOR_LEAP_MODE_STEP,
    VISOR_LEAP_MODE_SLEW,
    VISOR_LEAP_MODE_IGNORE,
};

/* What becomes of a jump that a witness has proven. */
enum visor_stall_policy {
    VISOR_STALL_AUTO, /* stepped if it is forward and 10 ms or more, else slewed */
    VISOR_STALL_STEP, /* stepped if it is forward */
    VISOR_STALL_SLEW,
};

/* What hooks can be told of. */
enum visor_hook_event {
    VISOR_HOOK_DISRUPTION, /* this machine stood still or moved */
    VISOR_HOOK_RECOVERED,  /* its time has been measured again, and corrected */
    VISOR_HOOK_YELLOW,     /* the emergency level has become … */
    VISOR_HOOK_ORANGE,
    VISOR_HOOK_RED,
    VISOR_HOOK_NORMAL,
    VISOR_HOOK_EVENTS,
};

#define VISOR_HOOK_LIMIT 10.0 /* s */
#define VISOR_HOLD_LIMIT 30.0 /* s */

/* `hook`, in the order written. */
struct visor_hook_config {
    uint32_t events; /* bits 1 << enum visor_hook_event */
    enum visor_hook_kind {
        VISOR_HOOK_RUN,   /* a program with arguments */
        VISOR_HOOK_SHELL, /* /bin/sh -c */
        VISOR_HOOK_START, /* a systemd unit */
    } kind;
    double limit;      /* s, then it is killed */
    char user[64];     /* "": as the helper */
    char command[512]; /* its words, a space between */
};

/* `hold`: a control group that is frozen while the time is wrong. */
struct visor_hold_config {
    char cgroup[VISOR_CONFIG_NAME_MAX]; /* its directory */
    double limit;                       /* s, then it is released, whatever the time is like */
};

enum visor_auth_mode {
    VISOR_AUTH_MODE_REQUIRE,
    VISOR_AUTH_MODE_PREFER,
    VISOR_AUTH_MODE_MIX,
    VISOR_AUTH_MODE_IGNORE,
};

enum visor_mode { VISOR_MODE_DISCIPLINE, VISOR_MODE_OBSERVE, VISOR_MODE_ASSIST };

enum visor_config_log {
    VISOR_LOG_RAWMEASUREMENTS = 1, /* comes with MEASUREMENTS, whose file it shares */
    VISOR_LOG_MEASUREMENTS = 2,
    VISOR_LOG_STATISTICS = 4,
    VISOR_LOG_TRACKING = 8,
    VISOR_LOG_RTC = 16,
    VISOR_LOG_REFCLOCKS = 32,
    VISOR_LOG_TEMPCOMP = 64,
    VISOR_LOG_SELECTION = 128,
};

/* `opencommands`: what monitoring from the network may ask for, in chronyc's words. */
enum visor_open_command {
    VISOR_OPEN_ACTIVITY = 1,
    VISOR_OPEN_AUTHDATA = 2,
    VISOR_OPEN_CLIENTS = 4,
    VISOR_OPEN_MANUAL = 8,
    VISOR_OPEN_NTPDATA = 16,
    VISOR_OPEN_RTCDATA = 32,
    VISOR_OPEN_SELECTDATA = 64,
    VISOR_OPEN_SERVERSTATS = 128,
    VISOR_OPEN_SMOOTHING = 256,
    VISOR_OPEN_SOURCENAME = 512,
    VISOR_OPEN_SOURCES = 1024,
    VISOR_OPEN_SOURCESTATS = 2048,
    VISOR_OPEN_TRACKING = 4096,
    VISOR_OPEN_DEFAULT = VISOR_OPEN_ACTIVITY | VISOR_OPEN_MANUAL | VISOR_OPEN_RTCDATA |
                         VISOR_OPEN_SMOOTHING | VISOR_OPEN_SOURCENAME | VISOR_OPEN_SOURCES |
                         VISOR_OPEN_SOURCESTATS | VISOR_OPEN_TRACKING,
};

struct visor_tempcomp_point {
    double temperature, compensation_ppm;
};

/* One leap second of `leapseclist` or `leapsectz`: from this moment on TAI - UTC is as given. */
struct visor_leap_entry {
    int64_t utc_s; /* seconds since 1970 of the first second with the new difference */
    int tai_offset_s;
};

struct visor_config {
    enum visor_mode mode; /* ours: `mode`; -x, no CAP_SYS_TIME: observe */

    struct visor_source_config *sources;
    size_t source_count;
    struct visor_refclock_config *refclocks;
    size_t refclock_count;
    struct visor_hwtimestamp_config *hwtimestamps;
    size_t hwtimestamp_count;
    struct visor_access_config *access, *cmd_access;
    size_t access_count, cmd_access_count;
    struct visor_broadcast_config *broadcasts;
    size_t broadcast_count;
    char **sourcedirs; /* each the directories of one directive, a space between */
    size_t sourcedir_count;

    /* selection */
    enum visor_auth_mode auth_mode;
    double combine_limit;         /* 3 */
    double max_distance;          /* s, 3 */
    double max_jitter;            /* s, 1 */
    double reselect_distance;     /* s, 1e-4 */
    double stratum_weight;        /* s, 1e-3 */
    int min_stratum, max_stratum; /* 0, 15 */
    int min_sources;              /* 1 */
    int min_samples, max_samples; /* 6, 0 = no limit */
    int refresh;                  /* s, 1209600 */

    /* system clock */
    double clock_precision;       /* s, 0: measure */
    double correction_time_ratio; /* 3 */
    char driftfile[VISOR_CONFIG_NAME_MAX];
    int drift_interval;                         /* s, 3600 */
    int fallback_drift_min, fallback_drift_max; /* log2 s; off if min is 0 or max < min */
    enum visor_leap_mode leap_mode;
    char leapsectz[VISOR_CONFIG_NAME_MAX], leapseclist[VISOR_CONFIG_NAME_MAX];
    struct visor_leap_entry *leaps; /* read from the list, else from the zone; ascending */
    size_t leap_count;
    int64_t leap_expires_s; /* since 1970: the list says nothing of later; 0: not told */
    enum visor_stall_policy stall;
    enum visor_witness_mode {
        VISOR_WITNESS_OFF,
        VISOR_WITNESS_ON,
        VISOR_WITNESS_AUTO
    } witness_rtc; /* watch it for stalls; AUTO: in a virtual machine */
    enum visor_witness_mode witness_vmclock, witness_vmgenid; /* ON and AUTO: where there is one */
    enum visor_witness_mode witness_phc; /* AUTO: a hypervisor's; ON: a network card's is as good */
    enum visor_witness_mode witness_cpu; /* late wake-ups, stolen time, TSC, clocksource */
    double witness_hosts; /* s, 1: by how much an RTC may differ after this machine has moved */
    bool emergency_off, emergency_backward;
    double emergency_limit;     /* s, 0: none */
    unsigned emergency_profile; /* 0: none; else its place in profile.h's table, from 1 */
    struct visor_hook_config *hooks;
    size_t hook_count;
    struct visor_hold_config *holds;
    size_t hold_count;
    double makestep_threshold;               /* s; 0 steps whatever the offset */
    int makestep_limit;                      /* updates; 0: off, negative: always */
    double max_change;                       /* s */
    int max_change_delay, max_change_ignore; /* updates; delay -1: off; ignore -1: always */
    double max_clock_error;                  /* ppm, 1 */
    double max_drift;                        /* ppm, 500000 */
    double max_update_skew;                  /* ppm, 1000 */
    double max_slew_rate;                    /* ppm, 83333.333 */
    double initstep_threshold;               /* s; there is an initstepslew if there are names */
    char (*initstep_names)[VISOR_CONFIG_NAME_MAX];
    size_t initstep_count;
    char tempcomp_file[VISOR_CONFIG_NAME_MAX];        /* the sensor; "" : off */
    char tempcomp_points_file[VISOR_CONFIG_NAME_MAX]; /* "" : by coefficients */
    double tempcomp_interval, tempcomp_t0, tempcomp_k0, tempcomp_k1, tempcomp_k2;
    struct visor_tempcomp_point *tempcomp_points;
    size_t tempcomp_point_count;

    /* NTP server */
    int port;             /* 123; 0: no server */
    int acquisition_port; /* -1: a random one a request */
    struct visor_address bind_address4, bind_address6, bind_acq_address4,
        bind_acq_address6; /* family NONE: any */
    char bind_device[32], bind_acq_device[32];
    int dscp;
    bool client_log;           /* true unless noclientlog */
    uint64_t client_log_limit; /* bytes, 524288 */
    bool local_enabled, local_orphan;
    int local_stratum;                             /* 10 */
    double local_distance;                         /* s, 1 */
    double local_activate;                         /* s, 0 */
    double local_wait_synced, local_wait_unsynced; /* s; 0, and 300 with orphan, else 0 */
    bool manual;
    struct visor_ratelimit_config ratelimit, cmd_ratelimit;
    double smooth_max_freq, smooth_max_wander; /* ppm, ppm/s; 0: off */
    bool smooth_leap_only;
    int hwts_timeout_us;      /* hwtstimeout, 1000 */
    int max_tx_buffers;       /* messages kept for their transmit stamps, 256 */
    int ptp_port, ptp_domain; /* 0: off, 123 */

    /* command and monitoring */
    char bind_cmd_path[VISOR_CONFIG_NAME_MAX]; /* UNIX socket; "" : off */
    bool bind_cmd_any;                         /* no bindcmdaddress with an IP address was given */
    struct visor_address bind_cmd_address4, bind_cmd_address6; /* loopback unless given */
    char bind_cmd_device[32];
    int cmd_port;           /* 323; 0: off */
    uint32_t open_commands; /* enum visor_open_command bits */

    /* real-time clock */
    char hwclockfile[VISOR_CONFIG_NAME_MAX], rtcdevice[VISOR_CONFIG_NAME_MAX];
    char rtcfile[VISOR_CONFIG_NAME_MAX];
    double rtc_autotrim; /* s, 0: off */
    bool rtc_on_utc, rtcsync;

    /* logging and files */
    uint32_t logs;     /* enum visor_config_log bits */
    int log_banner;    /* 32 */
    double log_change; /* s, 1 */
    char logdir[VISOR_CONFIG_NAME_MAX], dumpdir[VISOR_CONFIG_NAME_MAX];
    char keyfile[VISOR_CONFIG_NAME_MAX], pidfile[VISOR_CONFIG_NAME_MAX];
    char user[64];                                  /* "" : the daemon's own default */
    char record[VISOR_CONFIG_NAME_MAX];             /* ours: `record FILE` */
    char clockbound_segment[VISOR_CONFIG_NAME_MAX]; /* ours; "" : off */
    char chronyd_socket[VISOR_CONFIG_NAME_MAX];     /* ours: whom `mode assist` asks */
    char clock_segment[VISOR_CONFIG_NAME_MAX];      /* ours: VISOR_SEGMENT_PATH; "" : off */
};

/* A heap copy with chrony's defaults and no source; NULL without memory. */
struct visor_config *visor_config_new(void);
void visor_config_free(struct visor_config *config); /* NULL allowed */

void visor_source_config_init(struct visor_source_config *source); /* the defaults above */
void visor_refclock_config_init(struct visor_refclock_config *refclock);

/* "disruption", "recovered", "yellow", … */
/* s; 0: none: as given, or of the profile that is named. */
double visor_config_emergency_limit(const struct visor_config *config);
const char *visor_config_hook_event(enum visor_hook_event event);

/* "PPS", "SHM", … */
const char *visor_config_driver_name(enum visor_refclock_driver driver);

/* The reference ID of the index-th reference clock: as configured, or the driver's first three
 * letters and the index, as chronyd makes it. Returns `refid`. */
const char *visor_config_refid(const struct visor_config *config, size_t index, char refid[5]);

#endif
