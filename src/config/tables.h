/* Short forms for the rows of option tables; only the files with tables include this. STRUCTURE is
 * defined by them as what their rows write to. */
#ifndef VISOR_CONFIG_TABLES_H
#define VISOR_CONFIG_TABLES_H

#include "config/option.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are parts of initializers */
#define AT(member) offsetof(STRUCTURE, member)
#define UNLIMITED  __builtin_inf()
#define INT_LIMIT  2147483647

#define FLAG(word, member, about)                                                                  \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_FLAG, .offset = AT(member), .description = about        \
    }
#define BITS(word, member, set, about)                                                             \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_BITS, .offset = AT(member), .bits = set,                \
        .description = about                                                                       \
    }
#define NUMBER(type, word, member, least, most, normal, unit, about)                               \
    .name = word, .kind = type, .offset = AT(member), .min = least, .max = most, .value = normal,  \
    .arguments = unit, .description = about
#define INT(...)                                                                                   \
    {                                                                                              \
        NUMBER(VISOR_OPTION_INT, __VA_ARGS__)                                                      \
    }
#define INT_CLAMPED(...)                                                                           \
    {                                                                                              \
        NUMBER(VISOR_OPTION_INT, __VA_ARGS__), .clamp = true                                       \
    }
#define REAL(...)                                                                                  \
    {                                                                                              \
        NUMBER(VISOR_OPTION_REAL, __VA_ARGS__)                                                     \
    }
#define REAL_CLAMPED(...)                                                                          \
    {                                                                                              \
        NUMBER(VISOR_OPTION_REAL, __VA_ARGS__), .clamp = true                                      \
    }
#define TEXT(word, member, normal, unit, about)                                                    \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_TEXT, .offset = AT(member),                             \
        .bits = sizeof(((STRUCTURE *)0)->member), .initial = normal, .arguments = unit,            \
        .description = about                                                                       \
    }
#define CHOICE(word, member, words, normal, about)                                                 \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_CHOICE, .offset = AT(member), .value = normal,          \
        .text = words, .arguments = words, .description = about                                    \
    }
#define SPECIAL(word, function, printer, unit, about)                                              \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_SPECIAL, .special = function, .print = printer,         \
        .arguments = unit, .description = about                                                    \
    }
#define IGNORED(word, level, why)                                                                  \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_IGNORED, .bits = level, .text = why, .description = why \
    }
#define REFUSED(word, why)                                                                         \
    {                                                                                              \
        .name = word, .kind = VISOR_OPTION_REFUSED, .text = why, .description = why                \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

/* Directives of their own kind, by file, and how they are printed. */
#define DIRECTIVE(name) void visor_directive_##name(struct visor_parser *parser, void *config)
#define PRINT(name)                                                                                \
    void visor_print_##name(struct visor_printer *printer, const char *directive,                  \
                            const void *config)

DIRECTIVE(allow);
DIRECTIVE(deny);
DIRECTIVE(cmdallow);
DIRECTIVE(cmddeny);
DIRECTIVE(bindaddress);
DIRECTIVE(bindacqaddress);
DIRECTIVE(bindcmdaddress);
DIRECTIVE(broadcast);
DIRECTIVE(source);
DIRECTIVE(refclock);
DIRECTIVE(tempcomp);
DIRECTIVE(tempcomppoint);
DIRECTIVE(emergency);
DIRECTIVE(hook);
DIRECTIVE(hold);
DIRECTIVE(include);
DIRECTIVE(confdir);
DIRECTIVE(sourcedir);

PRINT(access);
PRINT(cmd_access);
PRINT(bindaddress);
PRINT(bindacqaddress);
PRINT(bindcmdaddress);
PRINT(broadcast);
PRINT(sources);
PRINT(refclocks);
PRINT(sourcedirs);
PRINT(initstepslew);
PRINT(driftfile);
PRINT(fallbackdrift);
PRINT(makestep);
PRINT(witness);
PRINT(maxchange);
PRINT(smoothtime);
PRINT(tempcomp);
PRINT(tempcomppoints);
PRINT(leapseconds);
PRINT(local);
PRINT(ratelimit);
PRINT(cmdratelimit);
PRINT(opencommands);
PRINT(log);
PRINT(hwtimestamps);
PRINT(hwtstimeout);
PRINT(pidfile);
PRINT(clocksegment);
PRINT(emergency);
PRINT(hooks);
PRINT(holds);

#endif
