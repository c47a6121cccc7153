/* Known time services: whose name that is, where it can be reached from, and whether it smears leap
 * seconds. Facts of their operators' documents. */
#ifndef VISOR_ADVISE_SERVICE_H
#define VISOR_ADVISE_SERVICE_H

#include "advise/facts.h"

struct visor_service {
    const char *name;       /* host name or address; beginning with ".": all names that end so */
    enum visor_cloud cloud; /* reachable only from inside this one; NONE: public */
    bool smeared;           /* leap seconds are spread over hours */
    bool pool;              /* of volunteers: many addresses behind the name, be gentle */
    bool redundant;         /* many machines behind one name or address: one line is enough */
};

/* NULL: not known. */
const struct visor_service *visor_service_find(const char *name);

#endif
