/* The daemon as one value: the engine and everything that connects it to the world. Each file of
 * this room takes it and does one part: start.c puts it together, loop.c waits and dispatches,
 * perform.c carries out the engine's actions, server.c answers NTP requests. */
#ifndef VISOR_TIMEVISORD_DAEMON_H
#define VISOR_TIMEVISORD_DAEMON_H

#include "config/drift.h"
#include "engine/engine.h"
#include "port/clock.h"
#include "port/clockbound.h"
#include "port/control.h"
#include "port/courier.h"
#include "port/helper.h"
#include "port/hwstamp.h"
#include "port/log.h"
#include "port/logfile.h"
#include "port/net.h"
#include "port/refclock.h"
#include "port/segment.h"
#include "port/stamp.h"
#include "timevisord/options.h"
#include "timevisord/recorder.h"
#include "timevisord/remote.h"
#include "timevisord/server.h"

/* Events that came up while actions were carried out: they are handed over after the drain. What
 * the clock did (APPLIED) goes first: every other event's reading shows it already. */
struct visor_daemon_queue {
    struct visor_event *events;
    size_t applied; /* APPLIED events at its head */
    size_t first, count, size;
};

/* Tasks that end by themselves (once.h). */
struct visor_daemon_once {
    bool initstep;          /* under way, with an engine of its own */
    visor_mono hopeless_at; /* when to give up; INT64_MAX: there is hope */
    visor_mono slew_end;    /* INT64_MAX: nothing is being slewed */
    double base_ppb;        /* the rate to go back to */
};

/* Temperature compensation (tempcomp.h). */
struct visor_daemon_tempcomp {
    visor_mono next; /* when to read the sensor */
    double applied_ppm;
    bool failed; /* said already */
};

struct visor_daemon {
    /* the loop's own */
    visor_mono deadline; /* the earliest of all, when the loop last went to sleep */
    visor_mono looked;   /* when the kernel's frequency was last read */
    int timer; /* timerfd for waits that poll's is too coarse for; -1: poll's timeout serves for all
                */
    bool armed;   /* it is set for `deadline`, and has not gone off */
    bool overdue; /* it has passed, and all have been told: what stays due must not spin */
    bool ended;   /* leave the loop */

    /* the parts */
    struct visor_config *config;
    struct visor_log *log;
    struct visor_logfile *logfile;
    struct visor_engine *engine;
    struct visor_net *net;
    struct visor_hwstamp *hwstamp; /* NULL: none */
    struct visor_keys *keys;
    struct visor_helper *helper;
    struct visor_control *control;      /* NULL: there is none */
    struct visor_courier courier;       /* to the chronyd that is assisted */
    struct visor_rules *rules;          /* who may ask */
    struct visor_remote *remote;        /* chronyc's sockets; NULL: none yet */
    struct visor_action_answer *answer; /* wanted by the command that is under way */
    uint32_t token;                     /* of the last command */
    visor_mono started;
    struct visor_refclock_device *devices; /* of the configuration's reference clocks */
    size_t device_count;
    struct visor_recorder *recorder;   /* NULL: no record is made */
    struct visor_rtc_service *rtc;     /* NULL: the RTC is not tracked */
    struct visor_witnesses *witnesses; /* NULL: none is wanted */
    struct visor_clock clock;
    struct visor_stamps stamps;
    struct visor_server server;
    struct visor_options options;
    struct visor_daemon_queue queue;
    struct visor_daemon_once once;
    struct visor_daemon_tempcomp tempcomp;
    struct visor_occasion occasion; /* what hooks were told last */
    uint32_t epoch;         /* of the engine: replies to another one's questions are dropped */
    bool dumps_done;        /* the last run's dump files were read, or are not wanted */
    bool reload_wanted;     /* asked for while it could not be */
    struct visor_view view; /* what is served: the engine's last, before that "unsynchronised" */
    bool has_boottime, suspended_told;
    int64_t suspended_ns;                    /* as last told to the engine */
    struct visor_segment_file segment;       /* the view for other processes; no path: none */
    struct visor_clockbound_file clockbound; /* the same for ClockBound's clients */
    visor_mono clockbound_due;
    int segment_error;        /* said already; 0: none */
    visor_mono segment_retry; /* of one that could not be opened */
    bool drift_failed;        /* said already */
    int status;               /* of the process */
    char assistant[64];       /* the user that may ask chronyd; "": not known, or not needed */
    bool settable;            /* we have the right to set the clock */
    double precision_s;       /* of reading CLOCK_REALTIME */
};

/* perform.c */

/* Hand one event over (its `now` is filled in here), carry out what follows, and hand over what
 * follows from that, until the engine wants nothing more. */
void visor_daemon_handle(struct visor_daemon *daemon, struct visor_event *event);

/* Hand a command over; its answer, FAILED if there was none. Not from within a handling. */
void visor_daemon_command(struct visor_daemon *daemon, const struct visor_event_command *command,
                          struct visor_action_answer *answer);

/* Remember an event for after the drain. Lost without memory, which is logged. */
void visor_daemon_queue(struct visor_daemon *daemon, const struct visor_event *event);

/* Read the kernel's clock for the stamps to come: around every change. */
bool visor_daemon_note(struct visor_daemon *daemon);

/* The same with its frequency, which somebody else may have changed. */
bool visor_daemon_look(struct visor_daemon *daemon);

/* loop.c: until ended. */
void visor_daemon_run(struct visor_daemon *daemon);

/* control.c */

/* Opens the control socket, or logs why there is none. `owner` may change things, besides root. */
/* -EADDRINUSE, said: two daemons must not keep one clock. Other failures only cost the socket. */
int visor_daemon_open_control(struct visor_daemon *daemon, uid_t owner);

/* Something happened at one of its descriptors. */
void visor_daemon_take_control(struct visor_daemon *daemon, const struct pollfd *ready);

/* publish.c */

/* Opens the clock segment, or logs why there is none. */
void visor_daemon_open_segment(struct visor_daemon *daemon);

/* What was published stays valid. */
void visor_daemon_close_segment(struct visor_daemon *daemon);

/* Publishes the view to other processes. */
void visor_daemon_publish(struct visor_daemon *daemon);

/* When the next publication is due even without a new view. */
visor_mono visor_daemon_publish_deadline(const struct visor_daemon *daemon);

/* start.c: read the key file (again). 0, or -ENOMEM and the old keys stay. */
int visor_daemon_load_keys(struct visor_daemon *daemon);

/* files.c */
bool visor_daemon_read_drift(const char *path, struct visor_drift *drift);
int visor_daemon_write_drift(const char *path, const struct visor_drift *drift);

#endif
