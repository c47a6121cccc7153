/* The levels as a table, read from the worst down: the first row with a reason is the level. */
#include "engine/emergency.h"

#include <stddef.h>

#define LEAVE      0.8                   /* of its figures, under which a level is left … */
#define CALM_NS    (16 * VISOR_NS_PER_S) /* … after so long */
#define NEVER      ((visor_mono){INT64_MAX})
#define UNLIMITED  1e300
#define LONGEST_NS INT64_MAX

/* What is reason for a level. */
struct row {
    double error_s, lonely_error_s; /* more than that; with no source to follow */
    double share;                   /* of the limit */
    int64_t lonely_ns;              /* no source to follow for so long; … */
    bool only_unknown;              /* … of a clock that was never measured */
    int64_t stopped_ns;             /* stood still so long ago */
};

static const struct row rows[] = {
    [VISOR_EMERGENCY_YELLOW] = {5.0, 5.0, 0.5, 60 * VISOR_NS_PER_S, false, LONGEST_NS},
    [VISOR_EMERGENCY_ORANGE] = {30.0, 30.0, 0.8, 120 * VISOR_NS_PER_S, true, 3 * VISOR_NS_PER_S},
    [VISOR_EMERGENCY_RED] = {UNLIMITED, 30.0, 1.0, 300 * VISOR_NS_PER_S, true, 10 * VISOR_NS_PER_S},
};

void visor_emergency_init(struct visor_emergency *emergency)
{
    *emergency = (struct visor_emergency){.stopped = NEVER, .lonely = NEVER};
}

static bool has_lasted(visor_mono since, int64_t ns, visor_mono now)
{
    return since.ns != INT64_MAX && ns != LONGEST_NS && visor_mono_diff(now, since) >= ns;
}

/* `ease`: by what the figures are multiplied. */
static enum visor_emergency_cause reason_for(const struct visor_emergency *emergency,
                                             const struct row *row,
                                             const struct visor_emergency_facts *facts, double ease)
{
    bool lonely = facts->leaderless && !facts->stopped;
    double error_s = lonely ? row->lonely_error_s : row->error_s;

    if (has_lasted(emergency->stopped, row->stopped_ns, facts->now))
        return VISOR_CAUSE_STOPPED;
    if (facts->limit_s > 0.0 && !facts->stopped &&
        facts->error_s > ease * row->share * facts->limit_s)
        return VISOR_CAUSE_LIMIT;
    if (facts->error_s > ease * error_s)
        return VISOR_CAUSE_ERROR;
    if (!(row->only_unknown && facts->known) &&
        has_lasted(emergency->lonely, row->lonely_ns, facts->now))
        return VISOR_CAUSE_SOURCES;
    return VISOR_CAUSE_NONE;
}

static enum visor_emergency_level level_of(const struct visor_emergency *emergency,
                                           const struct visor_emergency_facts *facts,
                                           enum visor_emergency_cause *cause)
{
    for (int level = VISOR_EMERGENCY_RED; level > VISOR_EMERGENCY_NORMAL; level--) {
        *cause = reason_for(emergency, &rows[level], facts,
                            level <= (int)emergency->level ? LEAVE : 1.0);
        if (*cause != VISOR_CAUSE_NONE)
            return (enum visor_emergency_level)level;
    }
    *cause = VISOR_CAUSE_NONE;
    return VISOR_EMERGENCY_NORMAL;
}

static void note_since(visor_mono *since, bool holds, visor_mono now)
{
    if (!holds)
        *since = NEVER;
    else if (since->ns == INT64_MAX)
        *since = now;
}

bool visor_emergency_judge(struct visor_emergency *emergency,
                           const struct visor_emergency_facts *facts)
{
    enum visor_emergency_level level;
    enum visor_emergency_cause cause;

    note_since(&emergency->stopped, facts->stopped, facts->now);
    note_since(&emergency->lonely, facts->leaderless, facts->now);
    level = level_of(emergency, facts, &cause);
    emergency->red_now = level == VISOR_EMERGENCY_RED;
    emergency->judged = facts->now;
    if (level >= emergency->level)
        emergency->confirmed = facts->now;
    if (level == emergency->level ||
        (level < emergency->level && visor_mono_diff(facts->now, emergency->confirmed) < CALM_NS))
        return false;
    emergency->level = level;
    emergency->cause = cause;
    emergency->confirmed = facts->now;
    emergency->list[emergency->count++ % VISOR_EMERGENCIES] = (struct visor_emergency_record){
        .level = level, .cause = cause, .raw = facts->now, .error_s = facts->error_s};
    return true;
}

/* What has passed already was judged. */
static void earlier(visor_mono *deadline, visor_mono since, int64_t after, visor_mono judged)
{
    visor_mono at;

    if (since.ns == INT64_MAX || after == LONGEST_NS)
        return;
    at = visor_mono_add(since, after);
    if (visor_mono_before(judged, at) && visor_mono_before(at, *deadline))
        *deadline = at;
}

visor_mono visor_emergency_deadline(const struct visor_emergency *emergency)
{
    visor_mono deadline = NEVER;

    for (size_t i = emergency->level + 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
        earlier(&deadline, emergency->stopped, rows[i].stopped_ns, emergency->judged);
        earlier(&deadline, emergency->lonely, rows[i].lonely_ns, emergency->judged);
    }
    if (emergency->level != VISOR_EMERGENCY_NORMAL)
        earlier(&deadline, emergency->confirmed, CALM_NS, emergency->judged);
    return deadline;
}

struct visor_emergency_record *visor_emergency_newest(struct visor_emergency *emergency)
{
    return emergency->count ? &emergency->list[(emergency->count - 1) % VISOR_EMERGENCIES] : NULL;
}
