/* Configuration files from the file system, for the parser. */
#ifndef VISOR_PORT_CONFIGFILE_H
#define VISOR_PORT_CONFIGFILE_H

#include "config/loader.h"

/* Reads regular files (also through symbolic links) and /dev/null, nothing that could block. The
 * loader needs no context and no clean-up. */
extern const struct visor_loader visor_configfile_loader;

#endif
