/* The table. What a document asks of a clock is its error against UTC, with everything in it: so
 * the limit is one on the error bound, never on a measured offset. */
#include "config/profile.h"

#include "config/diagnosis.h"

#include <string.h>

static const struct visor_profile profiles[] = {
    {"general", 0.1, 400, false, N_("servers, logs and tokens of an ordinary company"),
     "PCI DSS 4.0, 10.5.1 (12 months of logs), 10.6 (synchronised time)"},
    {"cloud", 5e-3, 400, false, N_("databases and queues that order events across machines"),
     "PCI DSS 4.0, 10.5.1 (12 months of logs)"},
    {"finance-cat", 50e-3, 5 * 365 + 2, false, N_("members of US exchanges (CAT)"),
     "FINRA Rule 4590; SEC Rule 613"},
    {"finance-mifid", 1e-3, 5 * 365 + 2, false, N_("EU trading, not high-frequency"),
     "Delegated Regulation (EU) 2017/574 (RTS 25), Annex, table 2"},
    {"finance-hft", 100e-6, 5 * 365 + 2, false, N_("EU high-frequency trading and fast venues"),
     "Delegated Regulation (EU) 2017/574 (RTS 25), Annex, tables 1 and 2"},
    {"industrial", 1e-3, 400, false, N_("events of substations and plants (class T1)"),
     "IEC 61850-5, T1"},
    {"access-5g", 100e-6, 400, false, N_("5G time service for machines (URLLC)"),
     "ITU-T G.8271, class 2"},
    {"power-t5", 1e-6, 400, true, N_("phasor measurement (class T5)"), "IEC 61850-5, T5"},
    {"telecom", 1.5e-6, 400, true, N_("radio cells that share a frequency (5G TDD)"),
     "ITU-T G.8271, class 4"},
};

enum { PROFILES = sizeof(profiles) / sizeof(profiles[0]) };

const struct visor_profile *visor_profile_at(size_t index)
{
    return index < PROFILES ? &profiles[index] : NULL;
}

const struct visor_profile *visor_profile_find(const char *name)
{
    for (size_t i = 0; i < PROFILES; i++)
        if (!strcmp(profiles[i].name, name))
            return &profiles[i];
    return NULL;
}

enum visor_profile_level visor_profile_level(const struct visor_profile *profile, double bound_s)
{
    double share = bound_s / profile->limit_s;

    return share < VISOR_PROFILE_YELLOW   ? VISOR_PROFILE_GREEN
           : share < VISOR_PROFILE_ORANGE ? VISOR_PROFILE_LEVEL_YELLOW
           : share <= 1.0                 ? VISOR_PROFILE_LEVEL_ORANGE
                                          : VISOR_PROFILE_RED;
}
