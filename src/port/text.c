/* Sets gettext up. LC_NUMERIC stays "C": configuration, JSON and tables have decimal points. */
#include "port/text.h"

#include <locale.h>
#include <stdlib.h>

void visor_text_init(void)
{
    const char *directory = secure_getenv("TIMEVISOR_LOCALE_DIR");

    setlocale(LC_CTYPE, "");
    setlocale(LC_MESSAGES, "");
    bindtextdomain("timevisor", directory ? directory : VISOR_LOCALE_DIR);
    bind_textdomain_codeset("timevisor", "UTF-8");
    textdomain("timevisor");
}
