/* Names of sources: when they are looked up, and which source gets which address. A name is asked
 * until every source of it has an address, again every `refresh` seconds, and when one of its
 * sources is no longer of use. Resolving itself is the adapter's. */
#include "engine/core.h"

#include <string.h>

#define RESOLVE_FIRST_S   4
#define RESOLVE_LONGEST_S 512
#define REPLACE_EVERY_S   1800
#define UNREACHED_POLLS   8
#define BAD_SAMPLES       4

static bool of_origin(const struct visor_source *source, uint32_t origin)
{
    return source->id != 0 && !source->refclock && source->origin == origin;
}

struct visor_source *visor_names_find(struct visor_engine *e, const struct visor_address *address)
{
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id != 0 && !source->refclock && source->resolved &&
            visor_address_same(&source->association.remote, address))
            return source;
    }
    return NULL;
}

void visor_names_give(struct visor_engine *e, struct visor_source *source,
                      const struct visor_address *address)
{
    const struct visor_source_config *config = &e->origins[source->origin].config;

    visor_association_init(&source->association, config, address, source->id, &e->rng, e->now.raw);
    source->resolved = true;
    source->named = e->origins[source->origin].named;
    source->options = config->select_options;
    visor_sources_expect(e, source);
    /* chrony.conf: negative where the way to the source is the more variable one. */
    visor_filter_path(&source->filter, config->min_delay, -config->asymmetry);
    if (config->max_samples > 0)
        source->filter.limit =
            (uint16_t)(config->max_samples < VISOR_FILTER_SAMPLES ? config->max_samples
                                                                  : VISOR_FILTER_SAMPLES);
}

static void ask(struct visor_engine *e, struct visor_origin *origin)
{
    struct visor_action_resolve *resolve = &visor_engine_push(e, VISOR_ACTION_RESOLVE)->resolve;

    resolve->query = origin->query;
    resolve->family = origin->config.family;
    memcpy(resolve->name, origin->config.name, sizeof(resolve->name));
    origin->asking = true;
    origin->resolve_at = (visor_mono){INT64_MAX};
}

static void ask_again_later(struct visor_engine *e, struct visor_origin *origin)
{
    int64_t wait = (int64_t)RESOLVE_FIRST_S << (origin->tries < 7 ? origin->tries : 7);

    origin->tries++;
    origin->resolve_at = visor_mono_add(
        e->now.raw, (wait < RESOLVE_LONGEST_S ? wait : RESOLVE_LONGEST_S) * VISOR_NS_PER_S);
}

static void refresh_later(struct visor_engine *e, struct visor_origin *origin)
{
    if (e->config->refresh > 0)
        origin->resolve_at =
            visor_mono_add(e->now.raw, (int64_t)e->config->refresh * VISOR_NS_PER_S);
}

static struct visor_source *unresolved(struct visor_engine *e, uint32_t origin)
{
    for (int i = 0; i < e->source_count; i++)
        if (of_origin(&e->sources[i], origin) && !e->sources[i].resolved)
            return &e->sources[i];
    return NULL;
}

/* ---- replacement ---- */

/* A source that lies or is gone, and that came by name, may have a better address. */
static bool is_useless(const struct visor_source *source)
{
    return source->resolved && source->association.online &&
           (source->idle_polls >= UNREACHED_POLLS || source->bad >= BAD_SAMPLES ||
            source->candidate.state == VISOR_STATE_UNSYNCHRONIZED);
}

static struct visor_source *useless(struct visor_engine *e, uint32_t origin)
{
    struct visor_source *last = NULL;

    for (int i = 0; i < e->source_count; i++)
        if (of_origin(&e->sources[i], origin) && is_useless(&e->sources[i]))
            last = &e->sources[i];
    return last;
}

static bool may_replace(const struct visor_engine *e, const struct visor_origin *origin)
{
    return origin->named && !origin->asking &&
           (origin->replaced.ns == INT64_MIN ||
            visor_mono_diff(e->now.raw, origin->replaced) >= REPLACE_EVERY_S * VISOR_NS_PER_S);
}

static void replace(struct visor_engine *e, struct visor_source *source,
                    const struct visor_address *address, enum visor_message_kind kind)
{
    struct visor_message *message = visor_engine_log(e, kind, VISOR_SEVERITY_INFO);
    struct visor_association association = source->association;
    uint32_t id = source->id, origin = source->origin;
    bool lent = source->lent, extra = source->extra;

    visor_source_describe(source, e->origins, message);
    message->address2 = *address;
    visor_engine_push(e, VISOR_ACTION_CLOSE)->source = id;
    visor_source_init(source, id, e->config);
    source->origin = origin;
    source->lent = lent;
    source->extra = extra;
    visor_names_give(e, source, address);
    visor_association_change_address(&association, address, e->now.raw); /* no second iburst */
    source->association = association;
}

/* ---- answers ---- */

static bool is_listed(const struct visor_event_resolved *resolved,
                      const struct visor_address *address)
{
    for (size_t i = 0; i < resolved->count && i < VISOR_RESOLVE_MAX; i++) {
        struct visor_address listed = resolved->addresses[i];

        listed.port = address->port;
        if (visor_address_same(&listed, address))
            return true;
    }
    return false;
}

/* A source of the origin whose address the name no longer has. */
static struct visor_source *outdated(struct visor_engine *e, uint32_t origin,
                                     const struct visor_event_resolved *resolved)
{
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (of_origin(source, origin) && source->resolved &&
            !is_listed(resolved, &source->association.remote))
            return source;
    }
    return NULL;
}

/* One address that no source has; false: nobody is in need of it. */
static bool hand_out(struct visor_engine *e, struct visor_origin *origin,
                     const struct visor_event_resolved *resolved,
                     const struct visor_address *address)
{
    uint32_t index = (uint32_t)(origin - e->origins);
    struct visor_source *source = unresolved(e, index);

    if (source) {
        visor_names_give(e, source, address);
        visor_engine_push(e, VISOR_ACTION_CLOSE)->source = source->id;
        return true;
    }
    source = origin->refreshing ? outdated(e, index, resolved) : NULL;
    if (source) {
        replace(e, source, address, VISOR_MESSAGE_SOURCE_CHANGED);
        return true;
    }
    source = origin->replacing ? useless(e, index) : NULL;
    if (!source)
        return false;
    replace(e, source, address, VISOR_MESSAGE_SOURCE_REPLACED);
    return true;
}

static void tell_unresolved(struct visor_engine *e, const struct visor_origin *origin)
{
    struct visor_message *message =
        visor_engine_log(e, VISOR_MESSAGE_UNRESOLVED, VISOR_SEVERITY_WARNING);

    memcpy(message->name, origin->config.name, sizeof(message->name) - 1);
    message->count[0] = origin->result;
}

/* When the next name is to be looked up, of all. */
void visor_names_plan(struct visor_engine *e)
{
    e->resolve_at.ns = INT64_MAX;
    for (int i = 0; i < e->origin_count; i++)
        if (e->origins[i].used && !e->origins[i].asking &&
            visor_mono_before(e->origins[i].resolve_at, e->resolve_at))
            e->resolve_at = e->origins[i].resolve_at;
}

static void take_answer(struct visor_engine *e, struct visor_origin *origin,
                        const struct visor_event_resolved *resolved)
{
    origin->asking = false;
    origin->result = resolved->result;
    for (size_t i = 0; i < resolved->count && i < VISOR_RESOLVE_MAX; i++) {
        struct visor_address address = resolved->addresses[i];

        address.port = origin->config.port;
        if (!visor_names_find(e, &address) && !hand_out(e, origin, resolved, &address))
            break;
    }
    origin->replacing = origin->refreshing = false;
    if (!unresolved(e, (uint32_t)(origin - e->origins))) {
        refresh_later(e, origin);
        return;
    }
    if (resolved->count == 0 && (origin->tries == 0 || resolved->result == VISOR_RESOLVE_FAILED))
        tell_unresolved(e, origin);
    ask_again_later(e, origin);
}

void visor_names_resolved(struct visor_engine *e, const struct visor_event_resolved *resolved)
{
    struct visor_origin *origin = NULL;

    for (int i = 0; i < e->origin_count; i++)
        if (e->origins[i].used && e->origins[i].query == resolved->query)
            origin = &e->origins[i];
    if (!origin || !origin->asking)
        return;
    take_answer(e, origin, resolved);
    visor_names_plan(e);
}

/* ---- questions ---- */

void visor_names_refresh(struct visor_engine *e)
{
    for (int i = 0; i < e->origin_count; i++)
        if (e->origins[i].used && !e->origins[i].asking && e->origins[i].named) {
            e->origins[i].refreshing = true;
            e->origins[i].resolve_at = e->now.raw;
        }
    visor_names_plan(e);
}

void visor_names_retry(struct visor_engine *e, uint32_t origin)
{
    if (!e->origins[origin].asking)
        e->origins[origin].resolve_at = e->now.raw;
    visor_names_plan(e);
}

static void ask_all_due(struct visor_engine *e)
{
    for (int i = 0; i < e->origin_count; i++) {
        struct visor_origin *origin = &e->origins[i];

        if (!origin->used || origin->asking || origin->resolve_at.ns > e->now.raw.ns)
            continue;
        origin->refreshing |= !unresolved(e, (uint32_t)i);
        ask(e, origin);
    }
    visor_names_plan(e);
}

void visor_names_timer(struct visor_engine *e)
{
    if (!visor_mono_before(e->now.raw, e->resolve_at))
        ask_all_due(e);
    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];
        struct visor_origin *origin = &e->origins[source->origin];

        if (source->id == 0 || !source->named || !is_useless(source) || !may_replace(e, origin))
            continue;
        origin->replacing = true;
        origin->replaced = e->now.raw;
        ask(e, origin);
        visor_names_plan(e);
    }
}
