/* What the world tells the engine. Every event carries `now`, a reading of the raw counter and of
 * CLOCK_REALTIME taken together just before the event is handed over; time enters the engine here
 * and nowhere else. Pointers are borrowed for the call of visor_engine_handle(). */
#ifndef VISOR_ENGINE_EVENT_H
#define VISOR_ENGINE_EVENT_H

#include "base/address.h"
#include "base/time.h"
#include "config/config.h"
#include "engine/sample.h"
#include "wire/cmdmon.h"
#include "wire/view.h"

#include <stddef.h>

/* Both clocks at one moment (raw read before and after real; `raw` is the middle). */
struct visor_reading {
    visor_mono raw;
    visor_wall real;      /* CLOCK_REALTIME */
    int64_t width_ns;     /* raw after - raw before: how well they belong together */
    double frequency_ppb; /* kernel's frequency and tick as read back by adjtimex, + runs faster */
};

/* REALTIME - raw. */
static inline int64_t visor_reading_offset_ns(const struct visor_reading *reading)
{
    return visor_ns_diff(reading->real.ns, reading->raw.ns);
}

enum visor_stamper {
    VISOR_STAMPER_NONE,
    VISOR_STAMPER_DAEMON,
    VISOR_STAMPER_KERNEL,
    VISOR_STAMPER_HARDWARE
};

/* A moment on the raw counter. The adapter converts a stamp taken on REALTIME or on a NIC's clock
 * with a reading taken right beside it, and drops stamps that lie across a foreign step. */
struct visor_stamp {
    visor_mono raw;
    int64_t error_ns; /* how wrong the conversion and the stamp can be */
    enum visor_stamper by;
    /* Of a packet that a network card has stamped, else 0: how long its frame took on our link, and
     * how long switches say that they have held it (NTP over PTP; anybody may have written that).
     */
    int64_t frame_ns, held_ns;
};

enum visor_auth {
    VISOR_AUTH_ABSENT, /* no MAC */
    VISOR_AUTH_VALID,
    VISOR_AUTH_INVALID, /* MAC there, and wrong or by an unknown key */
};

struct visor_event_packet {
    uint32_t source; /* id of the source whose socket it came to; 0: the server socket */
    struct visor_address peer, local;
    struct visor_stamp received;
    enum visor_auth auth;
    uint32_t key; /* of the MAC, 0: none */
    const uint8_t *data;
    size_t size; /* with MAC, as it arrived */
};

/* A transmit stamp for an earlier SEND; may come more than once, better each time. */
struct visor_event_sent {
    uint32_t source, token;
    struct visor_stamp sent;
    int error; /* 0, or errno of a send that failed */
};

enum visor_refclock_sample_kind {
    VISOR_REFCLOCK_TIME,   /* `reference` is the full time at `stamp` */
    VISOR_REFCLOCK_PULSE,  /* a pulse at `stamp`: the reference's whole second (or 1/rate) */
    VISOR_REFCLOCK_FAILED, /* the device gave nothing: `error` says why; stays retried */
};

struct visor_event_refclock {
    uint32_t refclock; /* index in the configuration */
    enum visor_refclock_sample_kind kind;
    struct visor_stamp stamp;
    visor_wall reference; /* UTC (or TAI with the `tai` option), not yet offset by the option */
    double dispersion_s;  /* of the reading itself */
    enum visor_leap_hint {
        VISOR_LEAP_HINT_NONE,
        VISOR_LEAP_HINT_INSERT,
        VISOR_LEAP_HINT_DELETE,
        VISOR_LEAP_HINT_UNSYNCHRONIZED
    } leap;
    int error; /* positive errno of FAILED */
};

/* Something beside our own clock said something about it. Each witness speaks once at the start
 * (its time, its present marker, or the amount 0): only of one that is there does the silence mean
 * anything. After that it speaks when it has something to say, those that tell the time whenever it
 * is read. What each can and cannot see is a table of docs/time.md, and kind.c judges by it. */
enum visor_witness_kind {
    VISOR_WITNESS_RTC,             /* time */
    VISOR_WITNESS_VMCLOCK,         /* marker: of disruptions; time, where it has any */
    VISOR_WITNESS_VMGENID,         /* marker: a generation (vmclock's own, too) */
    VISOR_WITNESS_PHC,             /* time */
    VISOR_WITNESS_TSC,             /* amount: what it has gained on the raw counter at once */
    VISOR_WITNESS_TIMER,           /* amount: so late were we woken, by the raw counter */
    VISOR_WITNESS_STEAL,           /* amount: what the host has taken since it last spoke */
    VISOR_WITNESS_CANCELLED_TIMER, /* marker: how often somebody (not we) has set REALTIME */
    VISOR_WITNESS_BOOTTIME,        /* marker: ns that this machine has been suspended */
    VISOR_WITNESS_CLOCKSOURCE,     /* marker: any number for the kernel's present choice */
    /* The engine's own, never in an event: */
    VISOR_WITNESS_NEAR,     /* a source on our own link */
    VISOR_WITNESS_SOURCES,  /* what most sources, or just one of them, say */
    VISOR_WITNESS_READBACK, /* both our clocks, as they are read with every event */
};

struct visor_event_witness {
    enum visor_witness_kind kind;
    struct visor_stamp stamp;
    visor_wall earliest, latest; /* what it says UTC was at `stamp`; equal zeros: no time */
    uint64_t marker;             /* has changed: something has happened */
    int64_t amount_ns;
    bool independent; /* surely not derived from our own clock */
};

enum visor_resolve_result { VISOR_RESOLVE_OK, VISOR_RESOLVE_TRY_AGAIN, VISOR_RESOLVE_FAILED };

#define VISOR_RESOLVE_MAX 16
struct visor_event_resolved {
    uint32_t query; /* as given by the RESOLVE action */
    enum visor_resolve_result result;
    size_t count;
    struct visor_address addresses[VISOR_RESOLVE_MAX];
};

/* Samples of a source from before a restart, brought to this run's raw counter; oldest first. Taken
 * only by a source that has none yet. */
#define VISOR_RESTORE_MAX 64
struct visor_event_restore {
    uint32_t source; /* id */
    uint8_t reach;   /* newest poll in bit 0 */
    int reach_size;
    size_t count;
    const struct visor_sample *samples;
};

/* The rate of UTC against the raw counter is known to have changed at `now` (a thermometer says
 * so):
 * + : UTC gains more on the counter than before. */
struct visor_event_rate {
    double change_ppb;
};

enum visor_clock_action { VISOR_CLOCK_FREQUENCY, VISOR_CLOCK_STEP, VISOR_CLOCK_STATUS };

struct visor_event_applied {
    enum visor_clock_action action;
    int error;                  /* 0 or errno */
    double frequency_ppb;       /* really in force now */
    int64_t stepped_ns;         /* really stepped, by readings before and after */
    struct visor_reading after; /* taken after the change */
};

/* Commands of chronyc and of our own command line. */
enum visor_command_kind {
    VISOR_COMMAND_BURST,
    VISOR_COMMAND_ONLINE,
    VISOR_COMMAND_OFFLINE,
    VISOR_COMMAND_ONOFFLINE,
    VISOR_COMMAND_MAKESTEP,
    VISOR_COMMAND_ADD,
    VISOR_COMMAND_DELETE,
    VISOR_COMMAND_REFRESH,
    VISOR_COMMAND_RESELECT,
    VISOR_COMMAND_RESELECT_DISTANCE,
    VISOR_COMMAND_RESET_SOURCES,
    VISOR_COMMAND_MAKESTEP_POLICY,
    VISOR_COMMAND_MAX_UPDATE_SKEW,
    VISOR_COMMAND_LOCAL,
    VISOR_COMMAND_SELECT_OPTIONS,
    VISOR_COMMAND_MINPOLL,
    VISOR_COMMAND_MAXPOLL,
    VISOR_COMMAND_MAXDELAY,
    VISOR_COMMAND_MAXDELAYRATIO,
    VISOR_COMMAND_MAXDELAYDEVRATIO,
    VISOR_COMMAND_MINSTRATUM,
    VISOR_COMMAND_POLLTARGET,
    VISOR_COMMAND_MANUAL,
    VISOR_COMMAND_SETTIME,
    VISOR_COMMAND_MANUAL_DELETE,
    VISOR_COMMAND_DFREQ,
    VISOR_COMMAND_DOFFSET,
    VISOR_COMMAND_SMOOTHTIME,
    VISOR_COMMAND_RESET_STATISTICS,
    VISOR_COMMAND_OFFSET,
};

/* Which sources a command means: those whose address, masked, matches; family NONE: all; `id` not
 * zero: just the source of that id (it may have no address yet). */
struct visor_command_match {
    struct visor_address address, mask; /* mask of the address's family, or NONE: all bits count */
    uint32_t id;
};

struct visor_event_command {
    enum visor_command_kind kind;
    uint32_t token; /* returned in the ANSWER action */
    struct visor_command_match match;
    double
        number[7]; /* BURST: good, total. MAKESTEP_POLICY: threshold s, limit. LOCAL: on, stratum,
                      distance s, orphan, activate s, wait_synced s, wait_unsynced s.
                      SELECT_OPTIONS: options, mask (enum visor_select_option). SMOOTHTIME:
                      0 reset, 1 activate. MANUAL: 0 off, 1 on, 2 reset. SETTIME: UTC in seconds
                      since 1970. MANUAL_DELETE: index. DFREQ: ppm, + runs faster. DOFFSET: s,
                      our sign. OFFSET: s, the source's `offset` option. The others: their value */
    char refid[5]; /* SELECT_OPTIONS, OFFSET of a reference clock; "": by `match` */
    const struct visor_source_config *source; /* ADD */
};

/* What the chronyd beside us (assist mode) has answered to a CHRONYD action, or why nothing came.
 */
struct visor_event_chronyd {
    uint32_t token;
    int error;                    /* 0, or errno: nobody there, no right, nonsense */
    uint16_t status;              /* enum visor_cmdmon_status, and by the question: */
    double correction_s;          /* TRACKING: UTC by it - CLOCK_REALTIME */
    enum visor_leap leap;         /* TRACKING; UNSYNCHRONIZED: it does not know the time */
    uint32_t count;               /* N_SOURCES */
    struct visor_address address; /* SOURCE_DATA; NONE: it has none yet, or is a reference clock */
    bool client;                  /* SOURCE_DATA: a server, no peer */
    bool authenticated;           /* AUTH_DATA */
    uint16_t port;                /* NTP_DATA; 0: not known yet */
};

enum visor_event_kind {
    VISOR_EVENT_START,
    VISOR_EVENT_TIMER, /* deadline() has passed (or not: harmless) */
    VISOR_EVENT_PACKET,
    VISOR_EVENT_SENT,
    VISOR_EVENT_REFCLOCK,
    VISOR_EVENT_WITNESS,
    VISOR_EVENT_RESOLVED,
    VISOR_EVENT_APPLIED,
    VISOR_EVENT_CONFIG,
    VISOR_EVENT_COMMAND,
    VISOR_EVENT_STOP,
    VISOR_EVENT_RESTORE,
    VISOR_EVENT_RATE,
    VISOR_EVENT_CHRONYD,
};

/* What survives a restart, read from driftfile before START. */
struct visor_event_start {
    bool drift_known;
    double drift_ppm,
        skew_ppm;        /* chronyd's sign in the file: + means the clock runs fast; see drift.h */
    bool clock_settable; /* false: no right to set the clock; the engine observes, and says so */
    double precision_s;  /* of reading CLOCK_REALTIME: smallest step between readings; 0: unknown */
};

struct visor_event {
    enum visor_event_kind kind;
    struct visor_reading now;
    union {
        struct visor_event_start start;
        struct visor_event_packet packet;
        struct visor_event_sent sent;
        struct visor_event_refclock refclock;
        struct visor_event_witness witness;
        struct visor_event_resolved resolved;
        struct visor_event_applied applied;
        struct visor_event_command command;
        struct visor_event_restore restore;
        struct visor_event_rate rate;
        struct visor_event_chronyd chronyd;
        const struct visor_config *config; /* CONFIG: must outlive the engine or the next CONFIG */
    };
};

#endif
