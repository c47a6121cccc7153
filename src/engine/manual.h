/* `manual` and `settime`: UTC as a person types it. Each time typed is a sample of UTC over the raw
 * counter, right to about half a second; the newest sets the time, all together the rate. A clock
 * set by hand is set, but not synchronised: nothing vouches for it, so its bound stays open, and
 * clients are served only under `local`. The first update by a real source replaces it. */
#ifndef VISOR_ENGINE_MANUAL_H
#define VISOR_ENGINE_MANUAL_H

#include "engine/action.h"
#include "engine/status.h"

struct visor_engine;

struct visor_manual {
    bool enabled;
    size_t count;
    struct visor_manual_entry {
        visor_mono at;
        int64_t offset_ns;       /* typed UTC - raw */
        double original;         /* s: typed - what we held for UTC then */
        double residual;         /* s, against the line through all of them */
    } entries[VISOR_MANUAL_MAX]; /* oldest first */
};

/* MANUAL, SETTIME, MANUAL_DELETE, DFREQ, DOFFSET; fills answer->number for SETTIME. */
enum visor_answer visor_manual_command(struct visor_engine *e,
                                       const struct visor_event_command *command, double number[3]);

void visor_manual_status(const struct visor_engine *e, struct visor_manual_status *status);

#endif
