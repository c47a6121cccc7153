/* chrony.conf's language to a configuration. The parser goes on after an error, so that all are
 * found in one go; it touches files only through the loader. */
#ifndef VISOR_CONFIG_PARSE_H
#define VISOR_CONFIG_PARSE_H

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/loader.h"

#include <stddef.h>

/* Reads the file at `path` and all that it includes, the files of `sourcedir`, leap seconds and
 * the points of `tempcomp`. 0: `*config` is the caller's (visor_config_free), `diagnoses` may hold
 * warnings and notices. -1: `*config` is NULL, `diagnoses` holds at least one error.
 * `diagnoses` is initialised by the caller and only added to. */
int visor_config_load(const char *path, const struct visor_loader *loader,
                      struct visor_config **config, struct visor_diagnoses *diagnoses);

/* The same from `size` bytes of text; `file` is its name in diagnoses. Directives that came as
 * arguments are given as one text, a line each. Without a loader (NULL) include, confdir, keyed
 * files and the like that have to be read are errors; leapsec… files are left unread. */
int visor_config_parse_text(const char *file, const char *text, size_t size,
                            const struct visor_loader *loader, struct visor_config **config,
                            struct visor_diagnoses *diagnoses);

/* The same on top of a configuration that the caller made and has changed the defaults of: the
 * file at `path`, unless NULL, then the text, unless NULL. 0, or -1 with `config` half-changed. */
int visor_config_parse_into(struct visor_config *config, const char *path, const char *text,
                            const struct visor_loader *loader, struct visor_diagnoses *diagnoses);

/* One line "server HOST [OPTION]…", also pool and peer, such as a command to add a source gives.
 * 0, or -1 with an error in `diagnoses`. */
int visor_config_parse_source(const char *line, struct visor_source_config *source,
                              struct visor_diagnoses *diagnoses);

/* chronyd's other defaults for -q and -Q: no server, no command socket, no PID file. To be called
 * before visor_config_parse_into. */
void visor_config_set_client_only(struct visor_config *config);

/* chronyd's -R: no initstepslew, and no makestep of limited number. To be called afterwards. */
void visor_config_set_restarted(struct visor_config *config);

#endif
