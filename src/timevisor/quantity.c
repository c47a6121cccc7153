/* Choice of unit and digits. Units are SI's and are not translated. */
#include "timevisor/quantity.h"

#include "port/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double seconds;
};

static const struct unit units[] = {{"ns", 1e-9},  {"µs", 1e-6},  {"ms", 1e-3},  {"s", 1.0},
                                    {"min", 60.0}, {"h", 3600.0}, {"d", 86400.0}};
enum { UNITS = sizeof(units) / sizeof(units[0]), SECOND = 3 };

/* The largest unit of which there is one; minutes only from 120 s, hours from 120 min, … */
static const struct unit *unit_of(double seconds)
{
    int best = 0;

    for (int i = 1; i < UNITS; i++)
        if (seconds >= units[i].seconds * (i > SECOND ? 2.0 : 0.9995))
            best = i;
    return &units[best];
}

char *visor_quantity_print(double seconds, char text[VISOR_QUANTITY_MAX])
{
    const struct unit *unit;
    double value;

    if (!isfinite(seconds) || fabs(seconds) > 1e12) {
        snprintf(text, VISOR_QUANTITY_MAX, "%s", _("unknown"));
        return text;
    }
    unit = unit_of(fabs(seconds));
    value = seconds / unit->seconds;
    if (unit->seconds > 1.0 || unit == units)
        snprintf(text, VISOR_QUANTITY_MAX, "%.0f %s", value, unit->name);
    else
        snprintf(text, VISOR_QUANTITY_MAX, "%.*f %s",
                 fabs(value) < 9.995   ? 2
                 : fabs(value) < 99.95 ? 1
                                       : 0,
                 value, unit->name);
    return text;
}

char *visor_quantity_print_signed(double seconds, char text[VISOR_QUANTITY_MAX])
{
    char plain[VISOR_QUANTITY_MAX];

    if (!isfinite(seconds))
        return visor_quantity_print(seconds, text);
    visor_quantity_print(fabs(seconds), plain);
    snprintf(text, VISOR_QUANTITY_MAX, "%c%.*s", seconds < 0.0 ? '-' : '+', VISOR_QUANTITY_MAX - 2,
             plain);
    return text;
}

char *visor_quantity_print_age(double seconds, char text[VISOR_QUANTITY_MAX])
{
    if (seconds < 120.0 && seconds >= 1.0)
        snprintf(text, VISOR_QUANTITY_MAX, "%.0f s", seconds);
    else
        visor_quantity_print(seconds, text);
    return text;
}

bool visor_quantity_parse(const char *text, double *seconds)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || !(value >= 0.0) || !isfinite(value))
        return false;
    while (*end == ' ')
        end++;
    *seconds = value;
    if (!*end)
        return true;
    for (int i = 0; i < UNITS; i++)
        if (!strcmp(end, units[i].name) || (i == 1 && !strcmp(end, "us"))) {
            *seconds = value * units[i].seconds;
            return true;
        }
    return false;
}
