/* Hooks and holds: who is told, by the helper, of what the engine has noticed. */
#ifndef VISOR_TIMEVISORD_ALARM_H
#define VISOR_TIMEVISORD_ALARM_H

#include "engine/message.h"
#include "port/helper.h"

struct visor_daemon;

/* Has the hooks run, and the groups held or released, that this message is an occasion for. */
void visor_alarm_raise(struct visor_daemon *daemon, const struct visor_message *message);

/* Says how a hook or a hold went. */
void visor_alarm_report(struct visor_daemon *daemon, const struct visor_helper_reply *reply);

#endif
