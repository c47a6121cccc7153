/* A plan with the figures that the simulator gives its example. */
#ifndef VISOR_TIMEVISOR_PLAN_H
#define VISOR_TIMEVISOR_PLAN_H

#include "generate/plan.h"

#include <jansson.h>
#include <stdio.h>

/* Of one machine of the example. */
struct visor_plan_figures {
    bool known;
    double bound_s;   /* median once it has settled; negative: never bounded */
    double packets_h; /* sent in an hour, then */
    double worst_s;   /* largest error of its clock after the failure */
    double later_s;   /* bound at the end, after the failure; negative: none */
    double lost;      /* share of the time after the failure in which it was not synchronized */
    double wrong;     /* longest time that the clock was wrong by more than the limit, s */
};

/* A row a run: nothing fails, then each failure. */
struct visor_plan_result {
    struct visor_plan_figures layers[VISOR_PLAN_LAYERS];
};

struct visor_planned {
    struct visor_plan plan;
    const char *profile; /* that the limit is from; NULL: none */
    struct visor_plan_result results[1 + VISOR_PLAN_FAILURES];
};

/* Runs the example once for each failure; progress goes to `progress` (NULL: nowhere). 0, -errno.
 */
int visor_plan_simulate(struct visor_planned *planned, FILE *progress);

/* Is the limit kept by all layers, by the simulation and by what is possible? */
bool visor_plan_holds(const struct visor_planned *planned);

void visor_plan_print(const struct visor_planned *planned, FILE *out, bool colored);
json_t *visor_plan_json(const struct visor_planned *planned);
bool visor_plan_draw(const struct visor_planned *planned, FILE *out); /* SVG; false: not written */

#endif
