/* Running one hook: a program with a limit of time, whose output is kept short and whose
 * surroundings say what has happened. It blocks until the hook has ended; the helper's worker does
 * it. */
#ifndef VISOR_PORT_HOOK_H
#define VISOR_PORT_HOOK_H

#include "config/config.h"
#include "engine/message.h"

#define VISOR_OUTCOME_TEXT 200

/* What has happened: numbers only, since it comes from a process with fewer rights. */
struct visor_occasion {
    uint32_t event; /* enum visor_hook_event */
    uint32_t kind;  /* of the last disruption: enum visor_disruption_kind */
    uint32_t level; /* enum visor_emergency_level */
    uint32_t cause; /* enum visor_emergency_cause */
    bool sized;
    double size_s, error_s; /* of the last disruption, + : our counter was left behind; +- */
};

/* How it went, of a hook or a hold. */
struct visor_outcome {
    enum visor_outcome_kind {
        VISOR_OUTCOME_DONE,     /* `status` */
        VISOR_OUTCOME_SIGNALED, /* `status`: by which */
        VISOR_OUTCOME_LATE,     /* its limit was over: it was killed, or released */
        VISOR_OUTCOME_FAILED,   /* `status`: errno; it did not begin */
        VISOR_OUTCOME_BUSY,     /* it did not begin: too many are running */
        VISOR_OUTCOME_NOBODY,   /* it did not begin: there is no process that could do it */
        VISOR_OUTCOME_LEFT,     /* of a hold: one from before was released */
    } kind;
    int32_t status;
    double seconds;
    char text[VISOR_OUTCOME_TEXT]; /* the beginning of what it wrote, on one line */
};

void visor_hook_run(const struct visor_hook_config *hook, const struct visor_occasion *occasion,
                    struct visor_outcome *outcome);

/* "TIMEVISOR_EVENT=…" and the like into `lines`, the last NULL. Returns how many. */
#define VISOR_HOOK_LINES 10
#define VISOR_HOOK_LINE  80
int visor_hook_environment(const struct visor_occasion *occasion,
                           char lines[VISOR_HOOK_LINES][VISOR_HOOK_LINE]);

#endif
