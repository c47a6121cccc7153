/* Beside a chronyd that keeps the clock: what it is asked after a disruption, one question at a
 * time, and what came of it. First it must forget what it measured before (`reset sources`, and
 * `burst`, so that it measures anew); then, once the estimate is good, its idea of the time is held
 * against ours, corrected by the difference (`doffset`), and only when both agree is its clock
 * stepped there (`makestep`). Pure: the caller carries the questions and brings the answers.
 *
 * chronyd keeps its clock, also against us: what it refuses is said and left, and within the bound
 * of our estimate its word counts. */
#ifndef VISOR_ENGINE_ASSIST_H
#define VISOR_ENGINE_ASSIST_H

#include "engine/action.h"
#include "engine/event.h"

#define VISOR_ASSIST_DEEDS 16

enum visor_assist_state {
    VISOR_ASSIST_OFF,     /* another mode */
    VISOR_ASSIST_ABSENT,  /* nobody answers at the socket: `error`; 0: not asked yet */
    VISOR_ASSIST_REFUSED, /* no right to ask there */
    VISOR_ASSIST_READY,
};

/* Something that chronyd was asked to do. */
struct visor_assist_deed {
    enum visor_cmdmon_command command;
    double number;    /* DOFFSET2: s, + : chronyd's clock has to go forward; else 0 */
    visor_mono asked; /* raw */
    int error;        /* errno; 0: it was answered */
    uint16_t status;  /* enum visor_cmdmon_status, then */
    bool answered;    /* false: the answer is still awaited */
};

struct visor_assist {
    enum visor_assist_state state;
    int error; /* errno, of the last question that failed */

    /* the question that is out */
    struct visor_action_chronyd asked;
    bool waits;
    visor_mono asked_at;
    uint32_t token;

    /* what is still to be done */
    bool wanting; /* a disruption has not been corrected yet */
    bool reset, burst, correct, step;
    bool online, refresh;      /* in an emergency */
    int offsets, steps, looks; /* done for this correction */
    int bursts;                /* asked for since the disruption */
    visor_mono burst_at;
    bool too_old; /* it knows no `doffset` (before 4.1) */
    visor_mono disrupted_at, look_at;
    int64_t pause_ns; /* between attempts while it is not there */

    /* what chronyd said of itself */
    bool fresh;          /* since anything was changed */
    bool heard;          /* ever, since it was last away */
    double remaining_s;  /* our estimate - CLOCK_REALTIME at that moment */
    double correction_s; /* the same by chronyd: what it has still to correct */
    double took_s;       /* from the question to the answer */
    bool synchronized;
    visor_mono heard_at;

    /* sources of its own that we may ask, too */
    bool wants_sources, locked_told;
    uint32_t index, count;
    bool found, open; /* `candidate` is to be looked at; it is not authenticated */
    struct visor_address candidate;
    visor_mono sources_at;

    struct visor_assist_deed deeds[VISOR_ASSIST_DEEDS]; /* ring; `deed_count` ever */
    uint32_t deed_count;
};

/* What an answer has brought. */
enum visor_assist_news {
    VISOR_ASSIST_NO_NEWS,
    VISOR_ASSIST_STATE,  /* another state or reason: `state`, `error` */
    VISOR_ASSIST_DEED,   /* the newest deed was answered */
    VISOR_ASSIST_SOURCE, /* `candidate`: a source of chronyd's, not authenticated */
    VISOR_ASSIST_LOCKED, /* `candidate`: a source that chronyd authenticates, so not to be taken */
};

/* `wants_sources`: there are none of our own. */
void visor_assist_init(struct visor_assist *a, bool wants_sources, visor_mono now);

/* What was measured before `now` tells no time. */
void visor_assist_disrupted(struct visor_assist *a, visor_mono now);

/* An emergency: its sources are to be looked up and asked; `offline`: those that are, are to be
 * used. */
void visor_assist_rescue(struct visor_assist *a, bool offline, visor_mono now);

/* It is to call itself unsynchronised until it has measured anew. */
void visor_assist_forget(struct visor_assist *a, visor_mono now);

/* The estimate is good again; `step`: chronyd's clock may be stepped there, else it slews. */
void visor_assist_correct(struct visor_assist *a, bool step, visor_mono now);

/* The next question; false: none now. `error_s`: how wrong our estimate may be. */
bool visor_assist_next(struct visor_assist *a, double error_s, visor_mono now,
                       struct visor_action_chronyd *ask);

/* An answer, or why there is none; NULL: only time has passed. `remaining_s`: estimate -
 * CLOCK_REALTIME now (only looked at while a correction is wished). */
enum visor_assist_news visor_assist_take(struct visor_assist *a,
                                         const struct visor_event_chronyd *event,
                                         double remaining_s, visor_mono now);

/* True from the moment on that chronyd steps the clock because we asked. */
bool visor_assist_steps(const struct visor_assist *a, visor_mono now);

visor_mono visor_assist_deadline(const struct visor_assist *a);

#endif
