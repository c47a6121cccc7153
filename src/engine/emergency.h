/* How bad it is: one level, from what is known about the clock. A pure state machine; what is done
 * about a level is rescue.c's.
 *
 *            error      of `emergency limit`   no source is followed   stood still, not measured
 *   yellow   > 5 s      > 50 %                 for 60 s                –
 *   orange   > 30 s     > 80 %                 for 120 s, if never     for 3 s
 *   red      (below)    > 100 %                for 300 s, if never     for 10 s
 *
 * "If never": if the clock has not been measured since the start; in holdover the bound is honest,
 * and its size is what counts. An error of more than 30 s is red where no source is followed that
 * could correct it. A level is reached at once, and left when the reasons have been under four
 * fifths of these figures for 16 s. */
#ifndef VISOR_ENGINE_EMERGENCY_H
#define VISOR_ENGINE_EMERGENCY_H

#include "base/time.h"
#include "engine/message.h"

#include <stdbool.h>

#define VISOR_EMERGENCIES 16

/* What is so at a moment. */
struct visor_emergency_facts {
    visor_mono now;
    bool known;      /* the clock has been measured since the start */
    bool stopped;    /* it jumped, and has not been measured since */
    bool leaderless; /* there are sources, and none is followed */
    double error_s;  /* >= 0: how wrong CLOCK_REALTIME may be; stopped: how much it jumped, if that
                        is known; < 0: nobody knows */
    double limit_s;  /* 0: none */
};

struct visor_emergency_record {
    enum visor_emergency_level level;
    enum visor_emergency_cause cause;
    visor_mono raw;   /* since when */
    visor_wall utc;   /* the estimate then; the caller fills it in */
    double error_s;   /* < 0: unknown */
    uint32_t rescues; /* bits 1 << enum visor_rescue: what was done at this level */
};

struct visor_emergency {
    enum visor_emergency_level level;
    enum visor_emergency_cause cause;
    bool red_now;         /* the reasons of red hold (the level may outlast them) */
    visor_mono stopped;   /* since when; INT64_MAX: not */
    visor_mono lonely;    /* without a source to follow since when; INT64_MAX: not */
    visor_mono confirmed; /* when there was last reason for the level */
    visor_mono judged;
    struct visor_emergency_record list[VISOR_EMERGENCIES]; /* ring; `count` ever */
    uint32_t count;
};

void visor_emergency_init(struct visor_emergency *emergency);

/* True: the level is another one now, and has a record. */
bool visor_emergency_judge(struct visor_emergency *emergency,
                           const struct visor_emergency_facts *facts);

/* When to judge again although nothing has happened; INT64_MAX: then never. */
visor_mono visor_emergency_deadline(const struct visor_emergency *emergency);

/* The newest; NULL: there was none. */
struct visor_emergency_record *visor_emergency_newest(struct visor_emergency *emergency);

#endif
