/* What a machine can reach is a matter of its sources: nobody can prove more than what half the way
 * to a server and back could hide, and what the server says of its own distance to UTC. */
#include "base/time.h"
#include "port/text.h"
#include "timevisor/field.h"
#include "timevisor/profile.h"
#include "timevisor/quantity.h"

#include <math.h>
#include <string.h>

static double known(double seconds)
{
    return isfinite(seconds) && seconds > 0 ? seconds : 0;
}

/* Infinite: it gives no time. */
static double floor_of(const json_t *source)
{
    if (!visor_field(source, "last_sample_age_s"))
        return INFINITY;
    if (!strcmp(visor_field_text(source, "kind"), "refclock"))
        return known(visor_field_number(source, "last_dispersion_s"));
    return known(visor_field_number(source, "last_delay_s")) / 2 +
           known(visor_field_number(source, "ntp.root_delay_s")) / 2 +
           known(visor_field_number(source, "ntp.root_dispersion_s"));
}

void visor_profile_reach(const struct visor_profile *profile, const json_t *status,
                         struct visor_profile_reach *reach)
{
    const json_t *source;
    size_t i;

    *reach = (struct visor_profile_reach){.bound_s = INFINITY, .floor_s = INFINITY};
    if (!status)
        return;
    reach->bound_s = visor_field_number(status, "tracking.bound_ns") * 1e-9;
    json_array_foreach(visor_field(status, "sources"), i, source)
    {
        double least = floor_of(source);

        if (least >= reach->floor_s)
            continue;
        reach->floor_s = least;
        reach->hardware = !strcmp(visor_field_text(source, "kind"), "refclock");
        snprintf(reach->source, sizeof(reach->source), "%.100s", visor_field_text(source, "name"));
    }
    if (reach->bound_s <= profile->limit_s)
        reach->here = VISOR_HERE_HELD;
    else if (!isfinite(reach->floor_s))
        reach->here = VISOR_HERE_UNKNOWN;
    else
        reach->here = reach->floor_s <= profile->limit_s && (reach->hardware || !profile->hardware)
                          ? VISOR_HERE_POSSIBLE
                          : VISOR_HERE_NOT;
}

char *visor_profile_missing(const struct visor_profile *profile,
                            const struct visor_profile_reach *reach, char *text, size_t size)
{
    char least[VISOR_QUANTITY_MAX], limit[VISOR_QUANTITY_MAX], now[VISOR_QUANTITY_MAX];

    visor_quantity_print(reach->floor_s, least);
    visor_quantity_print(2 * profile->limit_s, limit);
    visor_quantity_print(reach->bound_s, now);
    *text = 0;
    switch (reach->here) {
    case VISOR_HERE_HELD:
        break;
    case VISOR_HERE_UNKNOWN:
        snprintf(text, size, "%s", _("no daemon with a source answers here"));
        break;
    case VISOR_HERE_POSSIBLE:
        snprintf(text, size,
                 _("the bound is %s now, and %s alone allows %s: poll it more often "
                   "(minpoll, maxpoll), or wait until more is learnt"),
                 now, reach->source, least);
        break;
    case VISOR_HERE_NOT:
        if (profile->hardware)
            snprintf(
                text, size, "%s",
                _("a hardware clock: a PHC that the host or a PTP grandmaster sets, or PPS of a "
                  "GNSS receiver"));
        else
            snprintf(text, size,
                     _("the nearest source, %s, hides up to %s: one is needed whose "
                       "round trip and root delay together are below %s, or a PHC"),
                     reach->source, least, limit);
        break;
    }
    return text;
}
