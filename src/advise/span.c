/* systemd.time(7), Parsing Time Spans. */
#include "advise/span.h"

#include "config/number.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Seconds of a unit; 0: it is none. Case counts: "m" is a minute, "M" a month. */
static double unit_of(const char *name, size_t length)
{
    static const struct {
        const char *names;
        double seconds;
    } units[] = {
        {" s sec second seconds ", 1.0}, {" m min minute minutes ", 60.0},
        {" h hr hour hours ", 3600.0},   {" d day days ", 86400.0},
        {" w week weeks ", 604800.0},    {" M month months ", 2629800.0},
        {" y year years ", 31557600.0},  {" ms msec ", 1e-3},
        {" us usec µs ", 1e-6},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        for (const char *at = units[i].names; (at = strchr(at, ' ')) && at[1]; at++)
            if (strncmp(at + 1, name, length) == 0 && at[1 + length] == ' ')
                return units[i].seconds;
    return 0.0;
}

bool visor_span_read(const char *text, double *seconds)
{
    double sum = 0.0;
    bool any = false;

    if (strcmp(text, "infinity") == 0) {
        *seconds = __builtin_inf();
        return true;
    }
    for (;;) {
        double number, unit = 1.0;
        size_t length;

        while (is_blank(*text))
            text++;
        if (!*text)
            break;
        length = visor_number_read(text, &number);
        if (!length || number < 0.0)
            return false;
        text += length;
        while (is_blank(*text))
            text++;
        length = strcspn(text, " \t0123456789");
        if (length && !((unit = unit_of(text, length)) > 0.0))
            return false;
        text += length;
        sum += number * unit;
        any = true;
    }
    *seconds = sum;
    return any;
}
