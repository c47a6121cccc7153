/* What the engine asks of the world. The caller drains all actions after every event and carries
 * them out in order. Whatever an action points to lives until the next visor_engine_handle(). */
#ifndef VISOR_ENGINE_ACTION_H
#define VISOR_ENGINE_ACTION_H

#include "engine/event.h"
#include "engine/message.h"
#include "engine/record.h"
#include "wire/view.h"

#define VISOR_PACKET_MAX 1280

/* Answered by SENT events (daemon stamp at once; kernel or hardware stamp later). The adapter
 * opens a fresh socket on a random port for a client's request (unless `acquisitionport`), and
 * uses the server socket where `from_server` (symmetric mode, broadcast). It appends the MAC. */
struct visor_action_send {
    uint32_t source, token;
    struct visor_address to, local; /* local: family NONE, or what we must send from */
    uint32_t key;                   /* 0: no MAC */
    bool from_server;
    size_t size;
    uint8_t data[VISOR_PACKET_MAX];
};

/* Take CLOCK_REALTIME's rate to `frequency_ppb` (frequency and tick; + runs faster than raw). */
struct visor_action_frequency {
    double frequency_ppb;
};

struct visor_action_step {
    int64_t offset_ns; /* added to CLOCK_REALTIME */
};

struct visor_action_status {
    bool synchronized; /* clears STA_UNSYNC */
    double max_error_s, est_error_s;
    enum visor_leap leap; /* INSERT/DELETE arms the kernel's leap handling; else none */
    int tai_offset_s;     /* 0: leave as it is */
};

struct visor_action_resolve {
    uint32_t query; /* returned in RESOLVED */
    enum visor_family family;
    char name[VISOR_CONFIG_NAME_MAX];
};

struct visor_action_answer {
    uint32_t token;
    enum visor_answer {
        VISOR_ANSWER_OK,
        VISOR_ANSWER_NO_SUCH_SOURCE,
        VISOR_ANSWER_EXISTS,
        VISOR_ANSWER_TOO_MANY,
        VISOR_ANSWER_INVALID,
        VISOR_ANSWER_NOT_ENABLED,
        VISOR_ANSWER_FAILED,
        VISOR_ANSWER_INVALID_NAME,
        VISOR_ANSWER_BAD_SAMPLE
    } answer;
    double number[3]; /* SETTIME: offset s, frequency change and new frequency in
                         ppm; our signs */
};

struct visor_action_drift {
    double frequency_ppm, skew_ppm; /* as the drift file wants them */
};

/* Ask the chronyd beside us (assist mode); answered by CHRONYD, never at once. */
struct visor_action_chronyd {
    uint32_t token;
    enum visor_cmdmon_command command;
    double number;                /* DOFFSET2: s, as chronyd takes it, + : its clock is fast */
    int good, total;              /* BURST, of all its sources */
    uint32_t index;               /* SOURCE_DATA */
    struct visor_address address; /* AUTH_DATA, NTP_DATA */
};

enum visor_action_kind {
    VISOR_ACTION_SEND,
    VISOR_ACTION_CLOSE,     /* `source`: forget its client socket, no reply is awaited */
    VISOR_ACTION_MEASURE,   /* `refclock`: read the device now; answered by REFCLOCK */
    VISOR_ACTION_FREQUENCY, /* answered by APPLIED */
    VISOR_ACTION_STEP,      /* answered by APPLIED */
    VISOR_ACTION_STATUS,    /* answered by APPLIED */
    VISOR_ACTION_PUBLISH,   /* `view`: replaces the last one */
    VISOR_ACTION_RESOLVE,   /* answered by RESOLVED, never at once */
    VISOR_ACTION_LOG,       /* `message` */
    VISOR_ACTION_RECORD,    /* `record`: a line of one of chronyd's log files */
    VISOR_ACTION_ANSWER,    /* to a COMMAND */
    VISOR_ACTION_DRIFT,     /* write the drift file */
    VISOR_ACTION_FATAL,     /* `message`: maxchange was exceeded; the daemon exits */
    VISOR_ACTION_CHRONYD,   /* answered by CHRONYD, never at once */
};

struct visor_action {
    enum visor_action_kind kind;
    union {
        struct visor_action_send send;
        uint32_t source;
        uint32_t refclock;
        struct visor_action_frequency frequency;
        struct visor_action_step step;
        struct visor_action_status status;
        struct visor_view view;
        struct visor_action_resolve resolve;
        struct visor_message message;
        struct visor_record record;
        struct visor_action_answer answer;
        struct visor_action_drift drift;
        struct visor_action_chronyd chronyd;
    };
};

#endif
