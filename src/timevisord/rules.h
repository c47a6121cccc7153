/* Who may ask, for time and by commands: the rules of the configuration, then those that chronyc
 * gives. Host names among them are looked up; such a rule holds from its answer on, for the first
 * address that the resolver gave. */
#ifndef VISOR_TIMEVISORD_RULES_H
#define VISOR_TIMEVISORD_RULES_H

#include "port/helper.h"
#include "timevisord/chronyc.h"

struct visor_daemon;
struct visor_rules;

#define VISOR_RULES_EPOCH UINT32_MAX /* marks this module's questions to the helper */

/* Takes the configuration's rules and asks for the names among them. NULL without memory. */
struct visor_rules *visor_rules_new(struct visor_daemon *daemon);
void visor_rules_free(struct visor_rules *rules); /* NULL allowed */

bool visor_rules_allow(const struct visor_rules *rules, enum visor_chronyc_table table,
                       const struct visor_address *address);

/* One more rule, with an address or for all; it is logged. False: without memory, or too many. */
bool visor_rules_add(struct visor_rules *rules, enum visor_chronyc_table table,
                     const struct visor_access_config *rule);

/* An answer of the helper to one of our questions. */
void visor_rules_resolved(struct visor_rules *rules, const struct visor_event_resolved *resolved);

/* Ask again for the names that had no answer. */
visor_mono visor_rules_deadline(const struct visor_rules *rules);
void visor_rules_tick(struct visor_rules *rules, visor_mono now);

#endif
