/* Who else is told what timevisor drift found: the system's log, a mailbox, a web hook. */
#ifndef VISOR_TIMEVISOR_DRIFT_TELL_H
#define VISOR_TIMEVISOR_DRIFT_TELL_H

#include "timevisor/drift.h"

struct visor_drift_listeners {
    bool syslog;
    const char *mail, *webhook; /* an address, a URL; NULL: none */
};

/* False, with a sentence on stderr: an address or URL that cannot be one, or the program that
 * delivers it (sendmail, curl) is not there. */
bool visor_drift_listeners_check(const struct visor_drift_listeners *listeners);

/* "db1 is 6.20 s +/- 3.00 ms behind" or why that is not known; at most `size` bytes. */
char *visor_drift_sentence(const struct visor_drift_clock *machine, char *text, size_t size);

/* Everything that was measured, as one object. NULL without memory. */
json_t *visor_drift_json(const struct visor_drift_plan *plan);

const char *visor_drift_level_name(enum visor_drift_level level); /* "fine", … for programs */

/* Tells of one machine. A listener that cannot be reached is named on stderr; false then. */
bool visor_drift_tell(const struct visor_drift_listeners *listeners,
                      const struct visor_drift_clock *machine, double limit_s);

#endif
