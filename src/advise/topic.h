/* The doctor's lines: what is looked at, in which step, and with which figure. A line is not
 * checked where its facts could not be had; that is never "fine". */
#ifndef VISOR_ADVISE_TOPIC_H
#define VISOR_ADVISE_TOPIC_H

#include "advise/rule.h"

enum visor_look {
    VISOR_LOOK_DONE,    /* the figure is what was seen */
    VISOR_LOOK_NOT,     /* not checked: the figure is why */
    VISOR_LOOK_USELESS, /* does not concern this machine */
};

/* Five steps of finding a fault, after the machine itself. */
enum visor_step {
    VISOR_STEP_MACHINE,
    VISOR_STEP_NETWORK,
    VISOR_STEP_SERVICE,
    VISOR_STEP_SYNC,
    VISOR_STEP_FILES, /* the linter's */
    VISOR_STEP_LOGS,
    VISOR_STEPS,
};

const char *visor_step_title(enum visor_step step);    /* N_() */
const char *visor_topic_title(enum visor_topic topic); /* N_() */
const char *visor_topic_name(enum visor_topic topic);  /* for programs */
enum visor_step visor_topic_step(enum visor_topic topic);
/* Fills the figure. */
enum visor_look visor_topic_look(enum visor_topic topic, const struct visor_facts *facts,
                                 struct visor_phrase *figure);

#endif
