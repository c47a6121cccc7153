/* The one status model: everything that can be told about the daemon's clock and sources at one
 * moment, as a value. The command line, cmdmon, metrics and reports are all made from it, so that
 * they cannot contradict one another. Its JSON form has a version (VISOR_STATUS_VERSION). */
#ifndef VISOR_ENGINE_STATUS_H
#define VISOR_ENGINE_STATUS_H

#include "base/address.h"
#include "config/config.h"
#include "engine/assist.h"
#include "engine/disruption.h"
#include "engine/emergency.h"
#include "engine/event.h"
#include "engine/message.h"
#include "wire/view.h"

#define VISOR_STATUS_VERSION 1
#define VISOR_SOURCES_MAX    192 /* NTP sources (pools expanded) and reference clocks */

/* State in selection; the letter is chronyc's of `selectdata`. */
enum visor_select_state {
    VISOR_STATE_NOT_SELECTABLE = 'N',  /* noselect */
    VISOR_STATE_NO_SAMPLES = 'M',      /* missing samples */
    VISOR_STATE_UNSYNCHRONIZED = 's',  /* says so of itself */
    VISOR_STATE_STRATUM = 'r',         /* outside of minstratum … maxstratum */
    VISOR_STATE_DISTANT = 'd',         /* root distance over maxdistance */
    VISOR_STATE_JITTERY = '~',         /* over maxjitter */
    VISOR_STATE_WAITING_SAMPLES = 'w', /* until other sources have samples */
    VISOR_STATE_STALE = 'S',           /* older measurements than others: silent, unreachable */
    VISOR_STATE_ORPHAN = 'O',
    VISOR_STATE_TRUSTED_OTHERS = 'T', /* not agreeing with trusted sources */
    VISOR_STATE_FALSETICKER = 'x',
    VISOR_STATE_WAITING_SOURCES = 'W', /* minsources or `require` is not met */
    VISOR_STATE_NOT_PREFERRED = 'P',
    VISOR_STATE_WAITING_UPDATE = 'U',      /* selected after its next measurement */
    VISOR_STATE_UNSELECTED_DISTANCE = 'D', /* too distant to be combined */
    VISOR_STATE_COMBINED = '+',
    VISOR_STATE_SELECTED = '*',
};

struct visor_source_status {
    uint32_t id;
    bool refclock;
    struct visor_address address;     /* refclock: family NONE */
    uint32_t refid;                   /* of the source as we would report it */
    char name[VISOR_CONFIG_NAME_MAX]; /* as configured (or the address); refclock: refid */
    enum visor_source_kind kind;
    bool resolved, online, authenticated;
    enum visor_resolve_result resolve_result; /* of the last attempt; OK as well before it */
    int send_error;                           /* errno of the last request, 0: it went out */
    enum visor_select_state state;
    enum visor_source_fault fault;
    uint32_t options, effective_options;
    int poll;
    uint8_t reach, stratum;
    enum visor_leap leap;
    double last_sample_age; /* s; < 0: none */
    double selected_age;    /* the same when sources were last selected; < 0: none */
    double last_offset, last_raw_offset, last_delay,
        last_dispersion;                      /* s, + : our clock is behind */
    double estimated_offset, estimated_error; /* s at `now`, against the served estimate */
    double lo, hi, score;                     /* selectdata: interval of the offset (our sign), s */

    /* sourcestats */
    int samples, runs;
    double span;                        /* s */
    double frequency_ppm, skew_ppm, sd; /* residual against the served rate, + : ours must run
                                           faster */
    double asymmetry;
    int64_t bound_ns; /* error bound by this source alone */

    /* ntpdata of the last valid reply */
    struct visor_address local;
    uint8_t version, mode;
    int remote_poll, precision;
    double root_delay, root_dispersion, response_time, jitter_asymmetry;
    double reply_offset, reply_delay, reply_dispersion; /* s, of that reply, sample or not */
    uint32_t remote_refid;
    visor_wall remote_reference;
    uint16_t tests; /* bits of tests 1,2,3,5,6,7,A,B,C,D from 0x200 downward */
    enum visor_leap remote_leap;
    uint8_t remote_stratum;
    bool interleaved;
    enum visor_stamper tx, rx;
    uint32_t total_tx, total_rx, total_valid, total_good;
    uint32_t total_kernel_tx, total_kernel_rx, total_hardware_tx, total_hardware_rx;
    uint32_t key; /* 0: none; its type and length are the key file's affair */
};

struct visor_tracking {
    uint32_t refid;
    uint32_t source; /* id of the selected source, 0: none */
    struct visor_address address;
    char name[VISOR_CONFIG_NAME_MAX];
    uint8_t stratum;
    enum visor_leap leap;
    visor_wall reference; /* when last updated */
    double offset;        /* s: estimate - CLOCK_REALTIME now (remaining correction) */
    double last_offset, rms_offset;
    double frequency_ppm, residual_frequency_ppm, skew_ppm; /* + : the uncorrected clock is slow */
    double root_delay, root_dispersion, update_interval;
    int64_t bound_ns;          /* of CLOCK_REALTIME now: estimate's bound + remaining slew */
    int64_t estimate_bound_ns; /* of the served estimate */
    double bound_growth_ppb;   /* of both, until the next update */
    enum visor_trust trust;
    visor_mono verified;
    uint64_t epoch;
    int tai_offset_s;
    double kernel_frequency_ppb; /* read back */
    uint32_t steps, foreign_changes;
    double last_foreign_s; /* size of the last foreign change, s or s/s */
    double wander_ppb;     /* learnt, ppb per sqrt(s) */
};

struct visor_smoothing_status {
    bool enabled, active, leap_only;
    double offset, frequency_ppm, wander_ppm, last_update_age, remaining;
};

/* `manual list`: times typed in by `settime`; offsets with our sign, as of now. */
#define VISOR_MANUAL_MAX 16
struct visor_manual_status {
    bool enabled;
    size_t count;
    struct visor_manual_sample {
        visor_wall when;
        double slewed_offset, original_offset, residual; /* s */
    } samples[VISOR_MANUAL_MAX];
};

/* How bad it is, and what has been so before. */
struct visor_emergency_status {
    enum visor_emergency_level level;
    enum visor_emergency_cause cause;
    visor_mono since;    /* meaningless if `count` is 0 */
    double limit_s;      /* 0: none */
    const char *profile; /* whose limit that is; NULL: given as a figure, or none */
    bool quarantined;
    int lent;     /* sources that are used because of it */
    bool by_hand; /* nothing is done by itself */
    size_t count;
    struct visor_emergency_record list[VISOR_EMERGENCIES]; /* newest first */
};

/* Who would notice that this machine has stood still. */
struct visor_witness_status {
    enum visor_witness_kind kind;
    enum visor_witness_class what; /* of one that tells the time, as far as it has been proven */
    uint32_t readings;             /* sharp ones; 0: it tells no time */
    uint32_t jumps, sets;
    double noise_s; /* mean, of what sharp readings miss */
    double age_s;   /* of the last one */
};

/* The chronyd beside us, in assist mode. */
struct visor_assist_status {
    enum visor_assist_state state;
    int error; /* errno, unless READY; 0: not asked yet */
    char socket[VISOR_CONFIG_NAME_MAX];
    bool heard;          /* the next three hold */
    bool synchronized;   /* by its own word */
    double correction_s; /* UTC by it - CLOCK_REALTIME, when … */
    double heard_age_s;  /* … it was asked last */
    bool busy;           /* something is still to be asked for */
    size_t deed_count;
    struct visor_assist_deed deeds[VISOR_ASSIST_DEEDS]; /* newest first */
};

struct visor_status {
    struct visor_reading now;
    visor_wall utc; /* the served estimate at `now` */
    enum visor_mode mode;
    bool clock_settable;
    struct visor_tracking tracking;
    struct visor_smoothing_status smoothing;
    struct visor_manual_status manual;
    size_t online, offline, burst_online, burst_offline, unresolved; /* activity */
    struct visor_emergency_status emergency;
    size_t witness_count;
    struct visor_witness_status witnesses[VISOR_WITNESS_KINDS];
    size_t disruption_count;
    struct visor_disruption disruptions[VISOR_DISRUPTIONS]; /* newest first */
    struct visor_assist_status assist;
    size_t source_count;
    struct visor_source_status sources[VISOR_SOURCES_MAX];
};

#endif
