/* What `reload sources` and a new configuration change among the sources. */
#ifndef VISOR_CONFIG_SOURCELIST_H
#define VISOR_CONFIG_SOURCELIST_H

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/loader.h"

#include <stdbool.h>
#include <stddef.h>

/* All but where they were written is the same. */
bool visor_source_config_same(const struct visor_source_config *a,
                              const struct visor_source_config *b);

/* place[i]: where old[i] is in `now`, -1: gone. taken[j]: now[j] was there before, and is to be
 * kept with its state. Of several that are the same each has its own partner. */
void visor_sourcelist_match(const struct visor_source_config *old, size_t old_count,
                            const struct visor_source_config *now, size_t now_count, int *place,
                            bool *taken);

/* Reads the files of the configuration's `sourcedir` again. `*sources` is the caller's to free, as
 * many as still fit beside the sources of the configuration's own files. What is wrong in them is
 * warned about and left out. */
void visor_sourcelist_load(const struct visor_config *config, const struct visor_loader *loader,
                           struct visor_source_config **sources, size_t *count,
                           struct visor_diagnoses *diagnoses);

#endif
