/* Selection in three passes: intersect, judge, lead. What makes a candidate usable is decided by
 * the caller; how their lines are combined too. */
#include "engine/select.h"

#define SLIVER 0.5 /* of the narrowest interval: a smaller overlap is suspicious */

struct visor_region {
    double low, high;
};

/* Low edges before high ones at the same place: touching intervals agree. */
static bool edge_before(const struct visor_edge *a, const struct visor_edge *b)
{
    return a->at < b->at || (a->at == b->at && a->closes < b->closes);
}

static bool votes(const struct visor_candidate *c, bool trusted_only)
{
    return c->usable && !(c->options & VISOR_SELECT_NOSELECT) &&
           (!trusted_only || c->options & VISOR_SELECT_TRUST);
}

static void insert(struct visor_edge *edges, int n, const struct visor_edge *edge)
{
    int at = n;

    for (; at > 0 && edge_before(edge, &edges[at - 1]); at--)
        edges[at] = edges[at - 1];
    edges[at] = *edge;
}

/* Edges of all voters in ascending order (insertion: the tables are small). */
static int sort_edges(const struct visor_candidate *candidates, int count, bool trusted_only,
                      struct visor_edge *edges)
{
    int n = 0;

    for (int i = 0; i < count; i++) {
        struct visor_edge low = {candidates[i].low, false}, high = {candidates[i].high, true};

        if (!votes(&candidates[i], trusted_only))
            continue;
        insert(edges, n++, &low);
        insert(edges, n++, &high);
    }
    return n;
}

/* Greatest number of voters with a point in common, and the hull of the places where they have. */
static int intersect(const struct visor_edge *edges, int n, struct visor_region *peak)
{
    int depth = 0, best = 0;

    for (int i = 0; i < n; i++) {
        if (edges[i].closes) {
            if (depth == best)
                peak->high = edges[i].at;
            depth--;
        } else if (++depth > best) {
            best = depth;
            peak->low = edges[i].at;
        }
    }
    return best;
}

/* Hull of all points that at least `needed` voters allow: as long as so many are honest, true time
 * is in it. What all of them have in common may be narrower, and wrong if one has just begun to
 * err. */
static void span(const struct visor_edge *edges, int n, int needed,
                 struct visor_selection *selection)
{
    int depth = 0;
    bool found = false;

    for (int i = 0; i < n; i++) {
        if (!edges[i].closes && ++depth == needed && !found) {
            selection->low = edges[i].at;
            found = true;
        }
        if (edges[i].closes && depth-- == needed)
            selection->high = edges[i].at;
    }
}

static int count_voters(const struct visor_candidate *candidates, int count, bool trusted_only)
{
    int n = 0;

    for (int i = 0; i < count; i++)
        n += votes(&candidates[i], trusted_only);
    return n;
}

static bool touches(const struct visor_candidate *c, const struct visor_region *peak)
{
    return c->low <= peak->high && c->high >= peak->low;
}

/* It need only touch what the majority has in common. But what trusted sources say is true, all of
 * it: who is not trusted must allow all of it, or less than it. */
static bool fits(const struct visor_candidate *c, const struct visor_region *peak, bool trusted)
{
    if (trusted && !(c->options & VISOR_SELECT_TRUST))
        return (c->low <= peak->low && c->high >= peak->high) ||
               (c->low >= peak->low && c->high <= peak->high);
    return touches(c, peak);
}

/* Mark who does not agree; returns how many do. */
static int judge(struct visor_candidate *candidates, int count, bool trusted,
                 const struct visor_region *peak, bool *required_missing)
{
    bool required = false, required_agrees = false;
    int agreeing = 0;

    for (int i = 0; i < count; i++) {
        struct visor_candidate *c = &candidates[i];

        required |= (c->options & VISOR_SELECT_REQUIRE) != 0;
        if (!votes(c, false))
            continue;
        if (!fits(c, peak, trusted)) {
            c->state = touches(c, peak) ? VISOR_STATE_TRUSTED_OTHERS : VISOR_STATE_FALSETICKER;
            continue;
        }
        c->state = c->newcomer ? VISOR_STATE_NO_SAMPLES : VISOR_STATE_WAITING_SOURCES;
        required_agrees |= (c->options & VISOR_SELECT_REQUIRE) != 0;
        agreeing += !c->newcomer;
    }
    *required_missing = required && !required_agrees;
    return agreeing;
}

static bool agrees(const struct visor_candidate *c)
{
    return c->usable && c->state == VISOR_STATE_WAITING_SOURCES;
}

/* What tells sources apart: not which of them was asked last. */
static double settled(const struct visor_candidate *c)
{
    return c->distance - c->waiting;
}

/* Who has fallen silent knows less of now than anyone. */
static int doubtful(const struct visor_candidate *c)
{
    return c->suspect + c->silent;
}

/* The best of the agreeing; who led keeps the lead unless another is better by the margin. */
static int lead(struct visor_candidate *candidates, int count,
                const struct visor_selection_limits *limits)
{
    bool preferred = false;
    int best = -1, least = 256, fewest = 2;

    for (int i = 0; i < count; i++)
        if (agrees(&candidates[i])) {
            preferred |= (candidates[i].options & VISOR_SELECT_PREFER) && !candidates[i].suspect;
            if (doubtful(&candidates[i]) < fewest)
                fewest = doubtful(&candidates[i]);
            if (candidates[i].stratum < least)
                least = candidates[i].stratum;
        }
    for (int i = 0; i < count; i++) {
        struct visor_candidate *c = &candidates[i];

        if (!agrees(c))
            continue;
        if (doubtful(c) > fewest) {
            c->state = c->faulty ? VISOR_STATE_STALE : VISOR_STATE_WAITING_UPDATE;
            continue;
        }
        if (preferred && !(c->options & VISOR_SELECT_PREFER)) {
            c->state = VISOR_STATE_NOT_PREFERRED;
            continue;
        }
        c->score = settled(c) + (double)(c->stratum - least) * limits->stratum_weight;
        if (best < 0 || c->score - (c->selected ? limits->reselect_distance : 0.0) <
                            candidates[best].score -
                                (candidates[best].selected ? limits->reselect_distance : 0.0))
            best = i;
    }
    return best;
}

/* Honest sources overlap by much; where those that agree only just touch, one of them has probably
 * begun to err, and what they have in common is the least likely place of all. */
static void distrust_sliver(const struct visor_candidate *candidates, int count,
                            struct visor_selection *selection)
{
    double low = selection->low, high = selection->high, narrowest = high - low;
    bool first = true;

    for (int i = 0; i < count; i++) {
        const struct visor_candidate *c = &candidates[i];

        if (!agrees(c))
            continue;
        if (first || c->high - c->low < narrowest)
            narrowest = c->high - c->low;
        low = c->low < low ? c->low : low;
        high = c->high > high ? c->high : high;
        first = false;
    }
    if (selection->high - selection->low < SLIVER * narrowest) {
        selection->low = low;
        selection->high = high;
    }
}

bool visor_select_is_bad(enum visor_select_state state)
{
    return state == VISOR_STATE_FALSETICKER || state == VISOR_STATE_DISTANT ||
           state == VISOR_STATE_STRATUM || state == VISOR_STATE_JITTERY;
}

bool visor_select_agrees(enum visor_select_state state)
{
    return state == VISOR_STATE_SELECTED || state == VISOR_STATE_COMBINED ||
           state == VISOR_STATE_UNSELECTED_DISTANCE || state == VISOR_STATE_NOT_PREFERRED ||
           state == VISOR_STATE_WAITING_UPDATE;
}

static void fail_rest(struct visor_candidate *candidates, int count, enum visor_select_state state)
{
    for (int i = 0; i < count; i++)
        if (agrees(&candidates[i]))
            candidates[i].state = state;
}

void visor_select(struct visor_candidate *candidates, int count, struct visor_edge *edges,
                  const struct visor_selection_limits *limits, struct visor_selection *selection)
{
    int trusted = count_voters(candidates, count, true), voters, n, found;
    struct visor_region peak = {0.0, 0.0};
    bool required_missing;

    *selection = (struct visor_selection){.best = -1};
    selection->usable = count_voters(candidates, count, false);
    if (selection->usable == 0) {
        selection->result = VISOR_SELECTION_NONE;
        return;
    }
    voters = trusted > 0 ? trusted : selection->usable;
    n = sort_edges(candidates, count, trusted > 0, edges);
    found = intersect(edges, n, &peak);
    if (found * 2 <= voters) {
        selection->agreeing = found;
        selection->result = VISOR_SELECTION_NO_MAJORITY;
        for (int i = 0; i < count; i++)
            if (votes(&candidates[i], false))
                candidates[i].state = VISOR_STATE_FALSETICKER;
        return;
    }
    span(edges, n, voters / 2 + 1, selection);
    selection->agreeing = judge(candidates, count, trusted > 0, &peak, &required_missing);
    if (selection->agreeing == 0) {
        selection->result = VISOR_SELECTION_NONE;
        return;
    }
    if (selection->agreeing < limits->min_sources || required_missing) {
        selection->result =
            required_missing ? VISOR_SELECTION_NOT_REQUIRED : VISOR_SELECTION_TOO_FEW;
        fail_rest(candidates, count, VISOR_STATE_WAITING_SOURCES);
        return;
    }
    distrust_sliver(candidates, count, selection);
    selection->best = lead(candidates, count, limits);
    for (int i = 0; i < count; i++) {
        struct visor_candidate *c = &candidates[i];

        if (!agrees(c))
            continue;
        if (i == selection->best) {
            c->state = VISOR_STATE_SELECTED;
        } else if (c->score <= limits->combine_limit * (settled(&candidates[selection->best]) +
                                                        limits->reselect_distance)) {
            c->state = VISOR_STATE_COMBINED;
        } else {
            c->state = VISOR_STATE_UNSELECTED_DISTANCE;
            continue;
        }
        selection->combined++;
    }
}
