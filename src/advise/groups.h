/* The groups of rules, in the order of the catalogue. */
#ifndef VISOR_ADVISE_GROUPS_H
#define VISOR_ADVISE_GROUPS_H

#include "advise/rule.h"

#define VISOR_RULES(array)                                                                         \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

extern const struct visor_rules visor_rules_file;   /* TV-FILE: any file */
extern const struct visor_rules visor_rules_chrony; /* TV-CHRONY */
extern const struct visor_rules visor_rules_chrony_more;
extern const struct visor_rules visor_rules_boot;  /* TV-BOOT: GRUB, kernel command line */
extern const struct visor_rules visor_rules_shell; /* TV-SHELL */

#endif
