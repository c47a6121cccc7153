/* timevisor profile: the parts that the command is made of. */
#ifndef VISOR_TIMEVISOR_PROFILE_H
#define VISOR_TIMEVISOR_PROFILE_H

#include "advise/history.h"
#include "config/profile.h"

#include <jansson.h>
#include <stdio.h>

enum visor_profile_here {
    VISOR_HERE_UNKNOWN,  /* no daemon answers, or it has no time yet */
    VISOR_HERE_HELD,     /* the bound is within it now */
    VISOR_HERE_POSSIBLE, /* not now, but a source in use allows it */
    VISOR_HERE_NOT       /* no source in use allows it */
};

/* What this machine can reach, by the daemon's status. */
struct visor_profile_reach {
    enum visor_profile_here here;
    double bound_s; /* now; infinite: none */
    double
        floor_s; /* what the best source leaves hidden, whatever is done with it; infinite: none */
    char source[128]; /* that one's name */
    bool hardware;    /* it is a reference clock */
};

/* `status`: the daemon's JSON, NULL: none. */
void visor_profile_reach(const struct visor_profile *profile, const json_t *status,
                         struct visor_profile_reach *reach);

/* A sentence: what is missing for this profile here; "" where nothing is. */
char *visor_profile_missing(const struct visor_profile *profile,
                            const struct visor_profile_reach *reach, char *text, size_t size);

/* The lines of a log, in memory. */
struct visor_profile_log {
    struct visor_history_line *lines;
    size_t count, room;
    uint64_t broken; /* lines that are none of tracking.log */
};

/* Appends a file's lines ("-": standard input). 0 or -errno; -EFBIG beyond what is sane. */
int visor_profile_log_read(struct visor_profile_log *log, const char *path);
void visor_profile_log_done(struct visor_profile_log *log);

enum visor_profile_verdict {
    VISOR_PROFILE_KEPT,   /* the whole period is shown to have been within the limit */
    VISOR_PROFILE_BROKEN, /* some of it was not */
    VISOR_PROFILE_UNSHOWN /* none is shown to have been beyond, but not all is shown */
};

enum visor_profile_verdict visor_profile_verdict(const struct visor_history *history);

/* A date ("2026-11-01", "2026-11-01T12:00:00Z") or "30d", "12h" before `now_s`. False: neither. */
bool visor_profile_date(const char *text, int64_t now_s, int64_t *time_s);

void visor_profile_report_text(const struct visor_profile *profile,
                               const struct visor_history *history, FILE *to);
json_t *visor_profile_report_json(const struct visor_profile *profile,
                                  const struct visor_history *history);
/* One page, nothing to load. */
void visor_profile_report_html(const struct visor_profile *profile,
                               const struct visor_history *history, FILE *to);

#endif
