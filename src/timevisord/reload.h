/* `reload sources`: the files of `sourcedir` read again. */
#ifndef VISOR_TIMEVISORD_RELOAD_H
#define VISOR_TIMEVISORD_RELOAD_H

struct visor_daemon;

/* Says, as chronyd does at its start, which sources the directories have brought. */
void visor_reload_announce(const struct visor_daemon *daemon);

/* Sources that are no longer in the files go, new ones come, the others keep what they have
 * learnt; all else of the configuration stays as it is. 0 or -ENOMEM. */
int visor_reload_sources(struct visor_daemon *daemon);

#endif
