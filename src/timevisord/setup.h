/* From the command line to a configuration. */
#ifndef VISOR_TIMEVISORD_SETUP_H
#define VISOR_TIMEVISORD_SETUP_H

#include "config/config.h"
#include "config/diagnosis.h"
#include "port/log.h"
#include "timevisord/options.h"

/* Reads the file that the options name (or the first default that is there), or their directives,
 * and applies what the options override. Everything wrong is logged. NULL: the daemon must not
 * start. */
struct visor_config *visor_setup_config(const struct visor_options *options, struct visor_log *log);

/* Everything that is wrong, a line each. */
void visor_setup_log(const struct visor_diagnoses *diagnoses, struct visor_log *log);

/* -p: the whole configuration to stdout. False: it could not be written. */
bool visor_setup_print(const struct visor_config *config);

/* The file that would be read; never NULL. */
const char *visor_setup_path(const struct visor_options *options);

#endif
