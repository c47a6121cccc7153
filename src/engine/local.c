/* When our own time may be served, and which of several orphans does so. */
#include "engine/local.h"

#include "engine/core.h"

void visor_local_init(struct visor_local *local, const struct visor_config *config)
{
    *local = (struct visor_local){
        .enabled = config->local_enabled,
        .orphan = config->local_orphan,
        .stratum = config->local_stratum,
        .distance = config->local_distance,
        .activate = config->local_activate,
        .wait_synced = config->local_wait_synced,
        .wait_unsynced = config->local_wait_unsynced,
    };
}

double visor_local_judge(struct visor_local *local, bool synchronized, double since_s,
                         double distance_s, double growth)
{
    double wait = (synchronized ? local->wait_synced : local->wait_unsynced) - since_s;
    double grow = 0.0;

    local->active = false;
    if (local->activate <= 0.0 || (synchronized && distance_s < local->activate))
        local->activated = true;
    if (!local->enabled || !local->activated)
        return -1.0;
    if (synchronized && distance_s <= local->distance) {
        if (growth <= 0.0)
            return -1.0;
        grow = (local->distance - distance_s) / growth + 1e-9;
    }
    local->active = wait <= 0.0 && grow <= 0.0;
    return local->active ? -1.0 : wait > grow ? wait : grow;
}

/* Whom others know us by when they look at us from there; 0: no reply has told yet. */
static uint32_t own_refid(const struct visor_source *source)
{
    const struct visor_address *local = &source->association.valid.local;

    return local->family == VISOR_FAMILY_NONE ? 0 : visor_ntp_refid(local);
}

void visor_local_exclude(struct visor_engine *e, int count)
{
    struct visor_candidate *chosen = NULL;
    uint32_t least = UINT32_MAX;
    bool others = false;

    if (!e->local.enabled || !e->local.orphan)
        return;
    for (int i = 0; i < count; i++) {
        const struct visor_source *source = &e->sources[e->candidate_source[i]];
        struct visor_candidate *c = &e->candidates[i];

        if (!c->usable || source->refclock || source->stratum < e->local.stratum) {
            others |= c->usable;
            continue;
        }
        c->usable = false;
        c->state = VISOR_STATE_ORPHAN;
        if (source->stratum == e->local.stratum && visor_source_reach(source) != 0 &&
            visor_source_refid(source) < least && visor_source_refid(source) != 0) {
            least = visor_source_refid(source);
            chosen = least < own_refid(source) ? c : NULL;
        }
    }
    if (others || !chosen)
        return;
    chosen->usable = true;
    chosen->state = VISOR_STATE_WAITING_SOURCES;
}
