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
    VISOR_SEVERITY_ERROR
};

enum visor_message_kind {
    VISOR_MESSAGE_NONE,
    VISOR_MESSAGE_SELECTED,      /* source: "Selected source %s" */
    VISOR_MESSAGE_NO_SELECTABLE, /* "Can't synchronise: no selectable sources" */
    VISOR_MESSAGE_NO_MAJORITY,   /* "Can't synchronise: no majority" */
    VISOR_MESSAGE_NOT_ENOUGH,    /* count[0]: of minsources */
    VISOR_MESSAGE_NO_REQUIRED,   /* no required source among the selectable */
    VISOR_MESSAGE_FALSETICKER,   /* source: "Detected falseticker %s" */
    VISOR_MESSAGE_SOURCE_ONLINE,
    VISOR_MESSAGE_SOURCE_OFFLINE,
    VISOR_MESSAGE_SOURCE_REPLACED, /* source, address: the new one */
    VISOR_MESSAGE_SOURCE_ADDED,
    VISOR_MESSAGE_SOURCE_REMOVED,
    VISOR_MESSAGE_SOURCE_LEFT, /* ours: source, count[0] = enum visor_source_fault */
    VISOR_MESSAGE_SOURCE_BACK, /* ours: it has proven itself again */
    VISOR_MESSAGE_SOURCE_SWITCHED_MODE,
    VISOR_MESSAGE_KOD,                /* source, count[0]: refid of the kiss */
    VISOR_MESSAGE_WRONG_BY,           /* number[0] s: "System clock wrong by %f seconds" */
    VISOR_MESSAGE_STEPPED,            /* number[0] s: "System clock was stepped by %f seconds" */
    VISOR_MESSAGE_TOO_LARGE,          /* number[0] s: adjustment exceeds maxchange; exiting */
    VISOR_MESSAGE_CHANGE_IGNORED,     /* number[0] s: maxchange, ignored */
    VISOR_MESSAGE_FREQUENCY_INITIAL,  /* number[0] ppm, number[1] ppm skew, from the drift file */
    VISOR_MESSAGE_FOREIGN_STEP,       /* number[0] s: somebody else stepped the clock */
    VISOR_MESSAGE_FOREIGN_FREQUENCY,  /* number[0] ppb found, number[1] ppb set by us */
    VISOR_MESSAGE_CLOCK_NOT_SETTABLE, /* count[0]: errno */
    VISOR_MESSAGE_JUMP_BELIEVED,      /* ours: number[0] s, source: counter or server jumped */
    VISOR_MESSAGE_LEAP,               /* count[0]: enum visor_leap to come; number[0]: when */
    VISOR_MESSAGE_LEAP_DONE,          /* "System clock TAI offset…"/stepped/slewed for a leap */
    VISOR_MESSAGE_TAI_OFFSET,         /* count[0]: "System clock TAI offset set to %d seconds" */
    VISOR_MESSAGE_REFCLOCK_FAILED,    /* source, count[0]: errno */
    VISOR_MESSAGE_REFCLOCK_BACK,
    VISOR_MESSAGE_HOLDOVER,  /* ours: no source; bound grows */
    VISOR_MESSAGE_SMOOTHING, /* count[0]: 0 disabled, 1 activated */
    VISOR_MESSAGE_INITSTEP_DONE,
    VISOR_MESSAGE_UNRESOLVED, /* source, count[0]: enum visor_resolve_result */
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
    uint32_t source;              /* source id, 0: none */
    struct visor_address address; /* of the source; family NONE: a reference clock or none */
    char name[64];                /* the name in the configuration or the refid, cut to fit */
    double number[2];
    int64_t count[2];
};

#endif
