/* The engine's inside, shared by its own files and nobody else: engine.c (dispatch, queue),
 * sources.c (table, polls), names.c (their addresses), follow.c (from selection to the
 * estimate), discipline.c (from there to the clock), command.c, report.c (status model), standard.c
 * (a reference clock that is `local`). */
#ifndef VISOR_ENGINE_CORE_H
#define VISOR_ENGINE_CORE_H

#include "base/assert.h"
#include "base/rng.h"
#include "engine/assist.h"
#include "engine/counter.h"
#include "engine/disruption.h"
#include "engine/emergency.h"
#include "engine/engine.h"
#include "engine/fallback.h"
#include "engine/leap.h"
#include "engine/local.h"
#include "engine/manual.h"
#include "engine/smooth.h"
#include "engine/source.h"
#include "engine/steer.h"

#define VISOR_QUEUE 512

struct visor_engine {
    const struct visor_config *config;
    struct visor_rng rng;
    struct visor_reading now;        /* of the event in hand; raw never goes backward */
    struct visor_counter counter;    /* what all of our "raw" is: see counter.h */
    struct visor_refclock *standard; /* that it follows; NULL: none */
    uint32_t standard_index;
    bool started, stopping, settable;
    bool
        rare; /* the event in hand may change any source, not only those it names or that are due */
    visor_mono started_at;
    double precision_s;

    struct visor_source *sources;
    int source_limit;
    int source_count; /* places used so far; some may be free again */
    uint32_t last_id;
    struct visor_origin *origins;
    int origin_limit;
    int origin_count;      /* used so far */
    visor_mono resolve_at; /* when a name is to be looked up; INT64_MAX: none is */
    uint32_t last_query;
    struct visor_edge *edges; /* scratch of selection */
    struct visor_candidate *candidates;
    int *candidate_source; /* index of the source of each */

    /* the estimate */
    struct visor_line line;
    bool known;                  /* `line` holds */
    double rate, rate_deviation; /* best knowledge of the counter's rate, s/s */
    double low, high;            /* what the agreeing sources allow, around the line, … */
    visor_mono sure_at;          /* … at this time */
    double drift;                /* s/s: growth of that interval until renew_at */
    double calm_drift;           /* what it would be without doubt */
    enum visor_trust trust;
    uint64_t epoch;
    visor_mono disrupted_at; /* what was measured before tells no time; INT64_MIN: never */
    struct visor_disruptions disruptions;
    struct visor_assist assist;
    struct visor_emergency emergency;
    struct visor_rescuing {
        bool quarantined;   /* nothing is published as the time */
        bool reset;         /* by a witness, in this emergency */
        bool recovering;    /* a disruption was noticed, and the clock is not right again yet */
        int lent;           /* sources that are used because of an emergency */
        int stage;          /* which kind of source is to be taken next, … */
        visor_mono next_at; /* … not before */
        visor_mono ask_at;  /* when all are to be asked for it, … */
        int64_t ask_ns;     /* … and how long after the last time; 0: not yet */
    } rescue;
    uint32_t leader; /* source id; 0: none */
    uint8_t stratum; /* ours, by the source that led last; it holds in holdover */
    uint32_t refid;
    uint32_t followed; /* that source's id */
    int combined;
    struct visor_view view; /* as last published */
    double update_interval_s, last_offset_s, rms_offset_s;
    bool rms_settled; /* the first large offsets are over */
    double root_delay_s, root_dispersion_s;
    double wander;       /* cautious, s/s per sqrt(s), of the leader's filter */
    double unrest;       /* s/s: rate error that recent misses could be due to */
    visor_mono renew_at; /* when to publish anew without news: the bound then grows faster */
    visor_mono updated;  /* raw time of the last clock update, INT64_MIN: none */
    uint32_t updates;
    uint32_t complaints; /* bits of selection results: reasons told since the last selection */

    /* the clock */
    struct visor_steer steer;
    bool step_pending;
    int frequencies_pending; /* that were asked for and not yet answered */
    visor_mono
        foreign_at; /* of the last change by somebody else, which may go on; else INT64_MIN */
    /* when a foreign frequency was last told of, and a step; INT64_MIN: never */
    visor_mono interfered_at, step_told_at;
    visor_mono restarted_at; /* of the last source that began anew; INT64_MIN: none */
    visor_mono asked_at; /* of the last foreign step: what was measured before does not judge it */
    double makestep_threshold, max_update_skew, reselect_distance;
    int makestep_limit, max_change_delay, max_change_ignore;
    bool change_held; /* what remains is more than maxchange allows: only the slew under way goes on
                       */
    visor_mono drift_saved;
    double saved_rate; /* what the drift file tells the next daemon */
    struct visor_fallback fallback;
    bool fallen_back;  /* to a mean rate: we no longer call ourselves synchronised */
    bool rate_limited; /* maxdrift: said once */
    struct visor_action_status kernel_status; /* as last asked for */
    visor_mono kernel_status_at;
    struct visor_leap_second leap;
    struct visor_smooth smooth;
    int64_t continuous_ns; /* of the view, with its epoch */
    uint32_t continuous_epoch;
    visor_mono publish_at; /* until then the published view holds as it is */

    /* `local` and others that commands change */
    struct visor_local local;
    struct visor_manual manual;
    int8_t precision;

    struct visor_action *queue;
    unsigned int queue_first, queue_count;
    uint32_t lost_actions; /* the queue was full: a bug that must be visible */
};

/* engine.c */
struct visor_action *visor_engine_push(struct visor_engine *e, enum visor_action_kind kind);
VISOR_RARE struct visor_message *visor_engine_log(struct visor_engine *e,
                                                  enum visor_message_kind kind,
                                                  enum visor_severity severity);
VISOR_RARE struct visor_record *visor_engine_record(struct visor_engine *e,
                                                    enum visor_record_kind kind);

/* sources.c */
void visor_sources_start(struct visor_engine *e);
void visor_sources_done(struct visor_engine *e);
void visor_sources_timer(struct visor_engine *e);
visor_mono visor_sources_deadline(const struct visor_engine *e);
void visor_sources_packet(struct visor_engine *e, const struct visor_event_packet *packet);
void visor_sources_sent(struct visor_engine *e, const struct visor_event_sent *sent);
void visor_sources_refclock(struct visor_engine *e, const struct visor_event_refclock *event);
VISOR_RARE void visor_sources_turn(struct visor_engine *e,
                                   const struct visor_event_rate *event); /* rate.c */
VISOR_RARE void visor_sources_restore(struct visor_engine *e,
                                      const struct visor_event_restore *restore);
enum visor_answer visor_sources_add(struct visor_engine *e,
                                    const struct visor_source_config *config, int index);
/* One more of the origin; NULL: there is no place. It needs an address yet. */
VISOR_RARE struct visor_source *visor_sources_extend(struct visor_engine *e, uint32_t origin);
VISOR_RARE void visor_sources_delete(struct visor_engine *e, struct visor_source *source);
VISOR_RARE void visor_sources_remove(struct visor_engine *e, struct visor_source *source);
VISOR_RARE void visor_sources_configure(struct visor_engine *e, const struct visor_config *config);
/* Ask all again at once: the raw counter or a server jumped. */
VISOR_RARE void visor_sources_verify(struct visor_engine *e, const struct visor_source *except);
struct visor_source *visor_sources_find(struct visor_engine *e, uint32_t id);
/* The rate that its filter begins with. */
void visor_sources_expect(const struct visor_engine *e, struct visor_source *source);
struct visor_prediction visor_sources_predict(const struct visor_engine *e,
                                              const struct visor_source *source);

/* names.c */
struct visor_source *visor_names_find(struct visor_engine *e, const struct visor_address *address);
void visor_names_give(struct visor_engine *e, struct visor_source *source,
                      const struct visor_address *address);
VISOR_RARE void visor_names_resolved(struct visor_engine *e,
                                     const struct visor_event_resolved *resolved);
void visor_names_refresh(struct visor_engine *e);                /* look all up at once */
void visor_names_retry(struct visor_engine *e, uint32_t origin); /* this one */
void visor_names_timer(struct visor_engine *e);
void visor_names_plan(struct visor_engine *e); /* an origin has come or gone */

/* phase.c: the next request goes out when few others do. */
void visor_phase_spread(struct visor_engine *e, struct visor_source *source);

/* authmode.c */
void visor_authmode_apply(struct visor_engine *e);

/* follow.c */
void visor_follow_update(struct visor_engine *e);
/* Says it if nobody can be selected, and changes nothing. */
void visor_follow_complain(struct visor_engine *e); /* select, combine, publish, steer */
/* By how much the interval has grown since e->sure_at, s. */
double visor_follow_grown(const struct visor_engine *e, visor_mono raw);
/* Growth of the bound from now on, for a little more than `seconds` or for as long as a straight
 * line does; e->renew_at is when it ends. */
void visor_follow_foresee(struct visor_engine *e, double seconds);
void visor_follow_renew(struct visor_engine *e); /* it has ended, and nothing was heard */
VISOR_RARE void
visor_follow_fall_back(struct visor_engine *e); /* to the mean rate, when its time has come: */
visor_mono visor_follow_fallback_deadline(const struct visor_engine *e);

/* discipline.c */
void visor_discipline_start(struct visor_engine *e, const struct visor_event_start *start);
void visor_discipline_save_drift(struct visor_engine *e);
/* As often as configured; and when the file tells of a rate that is known to be another one by now:
 * a migrated machine whose daemon dies should not begin with the other host's. */
bool visor_discipline_drift_due(const struct visor_engine *e);
void visor_discipline_timer(struct visor_engine *e);
visor_mono visor_discipline_deadline(const struct visor_engine *e);
void visor_discipline_applied(struct visor_engine *e, const struct visor_event_applied *applied);
void visor_discipline_watch(struct visor_engine *e);
void visor_discipline_halt(struct visor_engine *e); /* ends a slew under way */
void visor_discipline_stop(struct visor_engine *e);
VISOR_RARE void visor_discipline_step(struct visor_engine *e, double remaining_s);
double visor_discipline_remaining(const struct visor_engine *e); /* estimate - REALTIME now, s */
int64_t visor_discipline_bound_ns(const struct visor_engine *e, visor_mono raw);
/* What it comes to, s, without what is only doubted at the moment, and whether or not it may be
 * published. */
double visor_discipline_settled_s(const struct visor_engine *e, visor_mono raw);
void visor_discipline_correct(struct visor_engine *e); /* step or slew, as configured */
void visor_discipline_rate(struct visor_engine *e,
                           double ppb);             /* that it runs at, up to maxdrift */
void visor_discipline_slew(struct visor_engine *e); /* plan anew */
void visor_discipline_run_at(struct visor_engine *e, double ppb); /* until told otherwise */
/* Tell the kernel how well we are; `force`: even if it is not due. */
void visor_discipline_status(struct visor_engine *e, bool force);

/* doubt.c */
/* Hold a new sample against what is published; true: it contradicts that, or no longer does. */
bool visor_doubt_hear(struct visor_engine *e, struct visor_source *source,
                      const struct visor_sample *sample);
/* The same for a sample that may fit the interval but does not fit the source's line. */
VISOR_RARE bool visor_doubt_suspect(struct visor_engine *e, struct visor_source *source,
                                    double jump_s);
/* It has jumped. If another one has by as much and nobody denies it, it was our counter: who was
 * not heard since cannot know, and its interval spans both. */
VISOR_RARE void visor_doubt_jumped(struct visor_engine *e, const struct visor_source *source);
/* Does the last sample of another one leave no room for what the doubtful one says? Else it is no
 * witness. */
bool visor_doubt_refuted(const struct visor_source *s, const struct visor_source *other);
/* By how much the bound must grow, s: both stories must fit in it until one is refuted. */
double visor_doubt_size(const struct visor_engine *e);
/* And by how much faster it must grow, s/s. */
double visor_doubt_rate(const struct visor_engine *e);

/* disruption.c */
VISOR_RARE void visor_disruption_witness(struct visor_engine *e,
                                         const struct visor_event_witness *event);
/* Was it begun before our counter jumped? */
bool visor_disruption_spans(const struct visor_engine *e, const struct visor_sample *sample);
/* The record of what is being measured and corrected, or was last; NULL: none. */
struct visor_disruption *visor_disruption_treated(struct visor_engine *e);
/* Are sources still to be heard before one may lead again? */
bool visor_disruption_waits(struct visor_engine *e);
/* The sources have been followed again; the estimate has moved by `moved_s` for that. */
void visor_disruption_settle(struct visor_engine *e, double moved_s);
/* The sources have moved the estimate out of what was sure, and no witness has told why. */
void visor_disruption_found(struct visor_engine *e);
/* May what remains be stepped because a witness has proven it? */
bool visor_disruption_steps(struct visor_engine *e, double remaining_s);
/* Is it no more than the jump that is being treated has made, and may it be stepped? */
bool visor_disruption_explains(struct visor_engine *e, double remaining_s);
void visor_disruption_timer(struct visor_engine *e);
visor_mono visor_disruption_deadline(const struct visor_engine *e);

/* resort.c: an independent witness has told the time: if no source does, it is the last resort */
void visor_resort_look(struct visor_engine *e, const struct visor_witness *witness,
                       enum visor_witness_kind kind);

/* evidence.c: what was seen, collected into records that are judged by kind.c */
/* `by` has seen `sign`: a new record, or the one that is open. Never NULL. */
struct visor_disruption *visor_evidence_note(struct visor_engine *e, enum visor_witness_kind by,
                                             enum visor_sign sign);
/* A source has jumped against our counter by `jump_s` (+ : ahead); or it may be the rate. */
void visor_evidence_source(struct visor_engine *e, const struct visor_source *source, double jump_s,
                           bool rate);
/* Somebody else has stepped REALTIME. */
void visor_evidence_set(struct visor_engine *e, double change_s);
/* A timer was late, or time was stolen. */
void visor_evidence_starved(struct visor_engine *e, const struct visor_event_witness *event);
void visor_evidence_timer(struct visor_engine *e);
visor_mono visor_evidence_deadline(const struct visor_engine *e);

/* chronyd.c: assist mode; in another one these do nothing */
void visor_chronyd_start(struct visor_engine *e);
void visor_chronyd_answered(struct visor_engine *e, const struct visor_event_chronyd *event);
void visor_chronyd_timer(struct visor_engine *e);
/* All its sources are to be asked; `offline`: also those that are. */
void visor_chronyd_rescue(struct visor_engine *e, bool offline);
void visor_chronyd_forget(struct visor_engine *e);    /* it is to call itself unsynchronised */
void visor_chronyd_disrupted(struct visor_engine *e); /* what was measured tells no time any more */
/* The estimate is good: bring the clock there; `step`: at once. False: not in assist mode. */
bool visor_chronyd_correct(struct visor_engine *e, bool step);

/* Is this change of the clock one that chronyd makes by right: a step that it was asked for, or its
 * own slewing? */
bool visor_chronyd_may_step(const struct visor_engine *e, double change_s);

/* rescue.c */
void visor_rescue_timer(struct visor_engine *e);
visor_mono visor_rescue_deadline(const struct visor_engine *e);

/* publish.c */
void visor_publish_init(struct visor_engine *e);
void visor_publish_view(struct visor_engine *e);
void visor_publish_timer(struct visor_engine *e);
void visor_publish_moved(struct visor_engine *e); /* the estimate has: smooth what is served */
VISOR_RARE void visor_publish_smooth(struct visor_engine *e); /* begin to do so */

/* standard.c; all on the raw counter itself */
void visor_standard_init(struct visor_engine *e);
void visor_standard_done(struct visor_engine *e);
/* True: the event was the standard's own. */
bool visor_standard_handle(struct visor_engine *e, const struct visor_event *event);
visor_mono visor_standard_deadline(const struct visor_engine *e);

/* command.c */
VISOR_RARE void visor_command_handle(struct visor_engine *e,
                                     const struct visor_event_command *command);
void visor_command_set_online(struct visor_engine *e, struct visor_source *source, bool online);

#endif
