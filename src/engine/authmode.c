/* authselectmode: what follows for selection from which sources are authenticated. */
#include "engine/core.h"

static bool is_authenticated(const struct visor_engine *e, const struct visor_source *source)
{
    const struct visor_source_config *config = &e->origins[source->origin].config;

    return config->key != 0 || config->nts;
}

/* Options that authenticated NTP sources and reference clocks get, and those that the others do. */
static void decide(enum visor_auth_mode mode, int authenticated, int others, uint32_t *good,
                   uint32_t *bad)
{
    *good = *bad = 0;
    switch (mode) {
    case VISOR_AUTH_MODE_REQUIRE:
        *bad = VISOR_SELECT_NOSELECT;
        break;
    case VISOR_AUTH_MODE_PREFER:
        *bad = authenticated > 0 ? VISOR_SELECT_NOSELECT : 0;
        break;
    case VISOR_AUTH_MODE_MIX:
        *good = authenticated > 0 && others > 0 ? VISOR_SELECT_REQUIRE | VISOR_SELECT_TRUST : 0;
        break;
    case VISOR_AUTH_MODE_IGNORE:
        break;
    }
}

void visor_authmode_apply(struct visor_engine *e)
{
    int authenticated = 0, others = 0;
    uint32_t good, bad;

    for (int i = 0; i < e->source_count; i++) {
        const struct visor_source *source = &e->sources[i];

        if (source->id == 0 || source->refclock || source->options & VISOR_SELECT_NOSELECT)
            continue;
        if (is_authenticated(e, source))
            authenticated++;
        else
            others++;
    }
    decide(e->config->auth_mode, authenticated, others, &good, &bad);
    for (int i = 0; i < e->source_count; i++) {
        struct visor_source *source = &e->sources[i];

        if (source->id == 0)
            continue;
        if (source->options & VISOR_SELECT_NOSELECT)
            source->added_options = 0;
        else
            source->added_options = source->refclock || is_authenticated(e, source) ? good : bad;
    }
}
