/* Files that set up time, written for a machine: from a few needs and a template a file
 * (templates/), so that whoever knows the platform can read and mend what is written for it. Pure:
 * opens nothing. Thread-safe. */
#ifndef VISOR_GENERATE_GENERATE_H
#define VISOR_GENERATE_GENERATE_H

#include "generate/template.h"

#define VISOR_NEEDS_LIST 8
#define VISOR_NEEDS_FILE (64 * 1024) /* no generated file is larger */

/* What is to be set up. Strings belong to the caller; NULL: the default. Lists end at `…_count`. */
struct visor_needs {
    const char *servers[VISOR_NEEDS_LIST]; /* names or addresses; none: pool.ntp.org */
    size_t server_count;
    const char *hosts[VISOR_NEEDS_LIST]; /* near ones, that a guest asks: its host, the site's */
    size_t host_count;
    const char *peers[VISOR_NEEDS_LIST]; /* of a server: the others of its rank */
    size_t peer_count;
    const char *allow[VISOR_NEEDS_LIST]; /* networks that may ask; default 192.168.122.0/24 */
    size_t allow_count;
    const char *zone;       /* "Etc/UTC" */
    const char *interface;  /* "eth0": of PTP */
    const char *ptp_domain; /* "0" */
    const char *image;      /* of containers */
    const char *name;       /* of a machine: "guest" */
    const char *limit;      /* s, of the profile; "0.1" */
    bool nts;               /* ask by NTS */
};

/* One file of a target. All static. */
struct visor_generated {
    const char *target;
    const char
        *path; /* template: where it belongs on the machine, or a plain name: it is used once */
    const char *about[2]; /* what it is: English, Simplified Chinese */
    const char *use;      /* template: the command by which it is put to use */
    unsigned mode;        /* 0644 or 0755 */
    const char *text;     /* template */
};

/* All, by target. NULL behind the last. */
const struct visor_generated *visor_generated_at(size_t index);

/* The word of `needs` that cannot stand in a configuration, where only letters, digits and ._:/+-@
 * are safe everywhere; NULL: all can. */
const char *visor_needs_check(const struct visor_needs *needs);

/* One of the three templates of a file, filled in. False: it is wrong, or out->size was too small.
 */
bool visor_generate(const char *template, const struct visor_needs *needs, struct visor_text *out);

#endif
