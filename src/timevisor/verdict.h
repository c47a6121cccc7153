/* Is this clock right, and within what? The answer in one sentence, from the status model. */
#ifndef VISOR_TIMEVISOR_VERDICT_H
#define VISOR_TIMEVISOR_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#define VISOR_VERDICT_MAX 512

struct visor_verdict {
    bool right;     /* trusted, and within the limit */
    double bound_s; /* of the system clock; infinity: none */
    char text[VISOR_VERDICT_MAX];
};

/* `status`: the daemon's JSON. `limit_s`: greatest bound that counts as right. */
void visor_verdict_read(const json_t *status, double limit_s, struct visor_verdict *verdict);

/* Seconds since the last measurement that the estimate rests on; infinity: there is none. */
double visor_verdict_verified_age(const json_t *status);

/* Why a source is used as it is, in a few words: `*mark` is one of * + - x ?, `*mood` is 1 (good),
 * 0 or -1 (bad). `text`: room of VISOR_VERDICT_MAX bytes, used for what is no constant. */
const char *visor_verdict_source(const json_t *source, char *mark, int *mood, char *text);

#endif
