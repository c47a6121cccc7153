/* Is this clock right, and within what? The answer in one sentence, from the status model. */
#ifndef VISOR_TIMEVISOR_VERDICT_H
#define VISOR_TIMEVISOR_VERDICT_H

#include "advise/facts.h"

#include <jansson.h>
#include <stdbool.h>

#define VISOR_VERDICT_MAX 768

struct visor_verdict {
    bool right;     /* trusted, and within the limit */
    double bound_s; /* of the system clock; infinity: none */
    char text[VISOR_VERDICT_MAX];
};

/* `status`: the daemon's JSON. `facts`: of the machine, for the cause; NULL: unknown. `limit_s`:
 * greatest bound that counts as right. */
void visor_verdict_read(const json_t *status, const struct visor_facts *facts, double limit_s,
                        struct visor_verdict *verdict);

/* Seconds since the last measurement that the estimate rests on; infinity: there is none. */
double visor_verdict_verified_age(const json_t *status);

#endif
