/* What the engine has to say to people, as data. The text (in chronyd's wording where log watchers
 * look for it, translated by gettext where it is ours) is made above, in timevisord/messages.c. */
#ifndef VISOR_ENGINE_MESSAGE_H
#define VISOR_ENGINE_MESSAGE_H

#include "base/address.h"

#include <stdint.h>

enum visor_severity {
    VISOR_SEVERITY_DEBUG,
    VISOR_SEVERITY_INFO,
    VISOR_SEVERITY_WARNING,
    VISOR_SEVERITY_ERROR,
    VISOR_SEVERITY_FATAL, /* said by the daemon only, before it ends */
};

enum visor_message_kind {
    VISOR_MESSAGE_NONE,

    /* Selection. The texts of chronyd that log watchers look for; `source` by address and name. */
    VISOR_MESSAGE_SELECTED,      /* "Selected source X" */
    VISOR_MESSAGE_NO_SOURCES,    /* "Can't synchronise: no sources" */
    VISOR_MESSAGE_NO_SELECTABLE, /* count[0]: how many are unreachable; -1: not to be said */
    VISOR_MESSAGE_NO_MAJORITY,   /* count[0] agree (< 2: no agreement) of count[1] sources;
                                    number[0] != 0: these are the trusted ones */
    VISOR_MESSAGE_NOT_ENOUGH,    /* fewer than minsources are selectable */
    VISOR_MESSAGE_NO_REQUIRED,   /* no required source among the selectable */
    VISOR_MESSAGE_FALSETICKER,   /* "Detected falseticker X" */
    VISOR_MESSAGE_DISTANT,       /* number[0] s: maxdistance */
    VISOR_MESSAGE_JITTERY,       /* number[0] s: maxjitter */
    VISOR_MESSAGE_STRATUM_LOW,   /* count[0]: minstratum */
    VISOR_MESSAGE_STRATUM_HIGH,  /* count[0]: maxstratum */

    /* Sources. */
    VISOR_MESSAGE_SOURCE_ONLINE,
    VISOR_MESSAGE_SOURCE_OFFLINE,
    VISOR_MESSAGE_SOURCE_REPLACED, /* address: the old, address2: the new one */
    VISOR_MESSAGE_SOURCE_CHANGED,  /* the same, by the name's new meaning */
    VISOR_MESSAGE_SOURCE_ADDED,    /* count[0]: enum visor_source_kind; family NONE: not yet */
    VISOR_MESSAGE_SOURCE_REMOVED,  /* resolved, `source` is told instead of an address */
    VISOR_MESSAGE_SOURCE_MODIFIED, /* count[0]: enum visor_command_kind; number[0]: new value */
    VISOR_MESSAGE_SOURCE_REFUSED,  /* name; count[0]: enum visor_answer, why */
    VISOR_MESSAGE_SOURCES_RESET,
    VISOR_MESSAGE_SOURCE_LEFT,     /* ours: count[0] = enum visor_source_fault */
    VISOR_MESSAGE_SOURCE_BACK,     /* ours: it has proven itself again */
    VISOR_MESSAGE_KOD,             /* count[0]: refid of the kiss */
    VISOR_MESSAGE_UNRESOLVED,      /* count[0]: enum visor_resolve_result */
    VISOR_MESSAGE_REFCLOCK_FAILED, /* count[0]: errno */
    VISOR_MESSAGE_REFCLOCK_BACK,

    /* The clock. Offsets have our sign: + means that the clock must go forward. */
    VISOR_MESSAGE_WRONG_BY,       /* number[0] s: over `logchange`, being corrected */
    VISOR_MESSAGE_STEPPED,        /* number[0] s */
    VISOR_MESSAGE_STEP_FAILED,    /* "Could not step system clock", count[0]: errno or 0 */
    VISOR_MESSAGE_TOO_LARGE,      /* number[0] s over number[1] s, maxchange; exiting */
    VISOR_MESSAGE_CHANGE_IGNORED, /* the same; ignored */
    VISOR_MESSAGE_ONCE,           /* number[0] s: -q stepped (count[0] 1) or -Q looked (0) */
    VISOR_MESSAGE_ONCE_FAILED,    /* no suitable source for -q, -Q */
    VISOR_MESSAGE_INITSTEP_DONE,  /* number[0] s; count[0]: 1 stepped, 0 slewed */
    VISOR_MESSAGE_INITSTEP_FAILED,
    VISOR_MESSAGE_FREQUENCY_INITIAL,  /* number[0], number[1]: ppm and skew as the drift file has
                                         them; name: the file's */
    VISOR_MESSAGE_FREQUENCY_LIMITED,  /* number[0] ppm by which the clock gains exceed maxdrift */
    VISOR_MESSAGE_FOREIGN_STEP,       /* number[0] s: somebody else stepped the clock */
    VISOR_MESSAGE_FOREIGN_FREQUENCY,  /* number[0] ppb found, number[1] ppb set by us */
    VISOR_MESSAGE_CLOCK_NOT_SETTABLE, /* count[0]: errno */
    VISOR_MESSAGE_JUMP_BELIEVED,      /* ours: number[0] s, source: counter or server jumped */
    VISOR_MESSAGE_DISRUPTION,         /* ours: count[0] = enum visor_disruption_kind, count[1]
                                         evidence; number[0] s of size, number[1] s of its error,
                                         < 0: unknown */
    VISOR_MESSAGE_SETTLED,            /* ours: number[0] s: what it came to */
    VISOR_MESSAGE_RESORTED,   /* ours: count[1] witness, number[0] s by which the estimate moved,
                                 number[1] s of bound: until a source speaks, it tells the time */
    VISOR_MESSAGE_JUDGED,     /* ours: as DISRUPTION; count[0] + 256 * kinds that are possible */
    VISOR_MESSAGE_RECOVERED,  /* ours: number[0] s: what it came to, number[1] s after it;
                                 count[0] = enum visor_disruption_kind, count[1] ns: error of the
                                 size; the clock is right */
    VISOR_MESSAGE_EMERGENCY,  /* ours: count[0] = enum visor_emergency_level, count[1] = enum
                                 visor_emergency_cause; number[0] s of error, < 0: unknown */
    VISOR_MESSAGE_RESCUE,     /* ours: count[0] = enum visor_rescue, count[1]: how many;
                                 number[0] s: RESET */
    VISOR_MESSAGE_LEAP,       /* count[0]: enum visor_leap armed, NONE: disarmed */
    VISOR_MESSAGE_LEAP_DONE,  /* count[0]: enum visor_leap_mode that was carried out */
    VISOR_MESSAGE_TAI_OFFSET, /* count[0] s */
    VISOR_MESSAGE_HOLDOVER,   /* ours: no source; bound grows */
    VISOR_MESSAGE_SMOOTHING,  /* count[0]: 0 reset, 1 activated, 2 for leap seconds only */

    /* What a command has changed. */
    VISOR_MESSAGE_LOCAL,                 /* count[0]: 1 enabled, 0 disabled */
    VISOR_MESSAGE_NEW_MAKESTEP,          /* number[0] s, count[0] updates */
    VISOR_MESSAGE_NEW_MAX_UPDATE_SKEW,   /* number[0] ppm */
    VISOR_MESSAGE_NEW_RESELECT_DISTANCE, /* number[0] s */
    VISOR_MESSAGE_MANUAL,                /* number[0] s of slew, number[1] ppm, count[0] != 0: of
                                            frequency change too */
    VISOR_MESSAGE_DFREQ,                 /* number[0] ppm */
    VISOR_MESSAGE_DOFFSET,               /* number[0] s */

    /* Assist mode: of the chronyd beside us. */
    VISOR_MESSAGE_ASSIST_STATE,  /* count[0]: enum visor_assist_state, count[1]: errno */
    VISOR_MESSAGE_ASSIST_ASKED,  /* count[0]: enum visor_cmdmon_command, count[1]: its answer, enum
                                    visor_cmdmon_status; number[0] s of DOFFSET2, our sign */
    VISOR_MESSAGE_ASSIST_LOCKED, /* address: a source that it authenticates and we cannot */
};

/* What has stopped or moved this machine, or its clock, or a source: see kind.h. */
enum visor_disruption_kind {
    VISOR_DISRUPTION_UNKNOWN,    /* what was seen fits several of them, or none */
    VISOR_DISRUPTION_PAUSE,      /* this machine was stopped for a while */
    VISOR_DISRUPTION_SUSPEND,    /* it suspended itself */
    VISOR_DISRUPTION_MIGRATION,  /* it was moved to another host */
    VISOR_DISRUPTION_RESTORE,    /* it goes on from a snapshot, or is a clone */
    VISOR_DISRUPTION_STARVATION, /* its processor was given to others */
    VISOR_DISRUPTION_CLOCK_SET,  /* somebody else stepped CLOCK_REALTIME */
    VISOR_DISRUPTION_SERVER,     /* a source jumped: we did not */
    VISOR_DISRUPTION_WITNESS,    /* a witness was set: the sources say that we did not jump */
    VISOR_DISRUPTION_KINDS,
};

/* How bad it is: see emergency.h. */
enum visor_emergency_level {
    VISOR_EMERGENCY_NORMAL,
    VISOR_EMERGENCY_YELLOW,
    VISOR_EMERGENCY_ORANGE,
    VISOR_EMERGENCY_RED,
};

enum visor_emergency_cause {
    VISOR_CAUSE_NONE,
    VISOR_CAUSE_ERROR,   /* the clock is wrong by too much, or may be */
    VISOR_CAUSE_LIMIT,   /* the same by the limit that is configured */
    VISOR_CAUSE_SOURCES, /* no source can be followed */
    VISOR_CAUSE_STOPPED, /* this machine stood still or moved, and nobody has measured since */
};

/* What is done about it. */
enum visor_rescue {
    VISOR_RESCUE_BACKUP,     /* `backup` sources are used */
    VISOR_RESCUE_ONLINE,     /* sources that were offline are */
    VISOR_RESCUE_POOL,       /* more addresses of pools are */
    VISOR_RESCUE_RESYNC,     /* everybody is asked at once, names are looked up again */
    VISOR_RESCUE_RESET,      /* the clock was set by a witness */
    VISOR_RESCUE_QUARANTINE, /* nothing is published as the time */
    VISOR_RESCUE_RELEASE,    /* the time is published again */
    VISOR_RESCUE_RETURN,     /* sources of the first three are given back */
};

/* Why a source was left, or is not used. */
enum visor_source_fault {
    VISOR_FAULT_NONE,
    VISOR_FAULT_SILENT,
    VISOR_FAULT_STEPPED,
    VISOR_FAULT_FROZEN,
    VISOR_FAULT_ASYMMETRIC,
    VISOR_FAULT_FALSETICKER,
    VISOR_FAULT_UNSYNCHRONIZED,
};

struct visor_message {
    enum visor_message_kind kind;
    enum visor_severity severity;
    uint32_t source;               /* source id, 0: none */
    struct visor_address address;  /* of the source; family NONE: a reference clock or none */
    struct visor_address address2; /* where two are needed */
    char name[64];                 /* the name in the configuration or the refid, cut to fit */
    double number[2];
    int64_t count[2];
};

#endif
