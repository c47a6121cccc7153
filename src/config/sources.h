/* What `reload sources` and a new configuration change among the sources. */
#ifndef VISOR_CONFIG_SOURCES_H
#define VISOR_CONFIG_SOURCES_H

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/loader.h"

#include <stdbool.h>
#include <stddef.h>

/* All but where they were written is the same. */
bool visor_source_config_same(const struct visor_source_config *a,
                              const struct visor_source_config *b);

/* removed[i]: old[i] is not in `now`; added[j]: now[j] was not in `old`. Sources in both lists are
 * to be kept with their state. Remove before you add. */
void visor_sources_compare(const struct visor_source_config *old, size_t old_count,
                           const struct visor_source_config *now, size_t now_count, bool *removed,
                           bool *added);

/* Reads the files of the configuration's `sourcedir` again. `*sources` is the caller's to free, as
 * many as still fit beside the sources of the configuration's own files. What is wrong in them is
 * warned about and left out. */
void visor_sources_load(const struct visor_config *config, const struct visor_loader *loader,
                        struct visor_source_config **sources, size_t *count,
                        struct visor_diagnoses *diagnoses);

#endif
