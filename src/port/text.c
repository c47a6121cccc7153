/* Sets gettext up. LC_NUMERIC stays "C": configuration, JSON and tables have decimal points. */
#include "port/text.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

void visor_text_language(const char *language)
{
    const char *locale = setlocale(LC_MESSAGES, NULL);

    setenv("LANGUAGE", language, 1);
    /* In the locale C nothing is translated. */
    if (!locale || !strcmp(locale, "C") || !strcmp(locale, "POSIX"))
        setlocale(LC_MESSAGES, "C.UTF-8");
    if (!strcmp(setlocale(LC_CTYPE, NULL), "C"))
        setlocale(LC_CTYPE, "C.UTF-8");
}

void visor_text_init(void)
{
    const char *directory = secure_getenv("TIMEVISOR_LOCALE_DIR");

    setlocale(LC_CTYPE, "");
    setlocale(LC_MESSAGES, "");
    bindtextdomain("timevisor", directory ? directory : VISOR_LOCALE_DIR);
    bind_textdomain_codeset("timevisor", "UTF-8");
    textdomain("timevisor");
}
