/* Text for people: `_()` around every sentence that a person reads (gettext, domain "timevisor").
 * What programs read (JSON, log lines that watchers grep for, chronyc's protocol) is never wrapped.
 */
#ifndef VISOR_PORT_TEXT_H
#define VISOR_PORT_TEXT_H

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) (text) /* marked here, translated by _() where it is printed */

/* Language and character set of the environment; call once, first thing in main(). Numbers keep
 * their point. TIMEVISOR_LOCALE_DIR names another folder of translations (an uninstalled build). */
void visor_text_init(void);

/* Another language than the locale's from now on: "en", "zh_CN". */
void visor_text_language(const char *language);

#endif
