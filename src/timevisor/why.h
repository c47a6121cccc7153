/* Why a source is used as it is, or gives nothing. */
#ifndef VISOR_TIMEVISOR_WHY_H
#define VISOR_TIMEVISOR_WHY_H

#include "port/reason.h"

#include <jansson.h>
#include <stdbool.h>

#define VISOR_WHY_MAX 384

struct visor_why {
    char mark;                /* * + - x ? */
    int mood;                 /* 1 good, 0, -1 bad */
    char text[VISOR_WHY_MAX]; /* a few words */
};

/* `source`: as in the status model; `facts` may be NULL. */
void visor_why_read(const json_t *source, const struct visor_facts *facts, struct visor_why *why);

/* Has it given a sample yet? */
bool visor_why_sampled(const json_t *source);

/* What keeps it from giving one. The sentence is never empty. Returns `text`. */
enum visor_reason visor_why_reason(const json_t *source, const struct visor_facts *facts);
char *visor_why_text(const json_t *source, const struct visor_facts *facts, char *text,
                     size_t size);

#endif
