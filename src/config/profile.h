/* Accuracy profiles: what a rule or a trade asks of a clock, and where that is written. */
#ifndef VISOR_CONFIG_PROFILE_H
#define VISOR_CONFIG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct visor_profile {
    const char *name;    /* "finance-mifid" */
    double limit_s;      /* greatest error bound */
    int keep_days;       /* how long records are kept; 0: nothing asked */
    bool hardware;       /* not within reach of a network's packets stamped by software: PHC, PPS */
    const char *purpose; /* gettext: who asks for it */
    const char *source;  /* document, section; not translated */
};

/* Yellow, orange and red begin at these shares of the limit. */
#define VISOR_PROFILE_YELLOW 0.5
#define VISOR_PROFILE_ORANGE 0.8

enum visor_profile_level {
    VISOR_PROFILE_GREEN,
    VISOR_PROFILE_LEVEL_YELLOW,
    VISOR_PROFILE_LEVEL_ORANGE,
    VISOR_PROFILE_RED
};

/* The `index`-th, NULL at the end. */
const struct visor_profile *visor_profile_at(size_t index);
/* NULL: there is none of that name. */
const struct visor_profile *visor_profile_find(const char *name);

/* Of an error bound in s (infinite: RED). */
enum visor_profile_level visor_profile_level(const struct visor_profile *profile, double bound_s);

#endif
