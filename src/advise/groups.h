/* The groups of rules, in the order of the catalogue. */
#ifndef VISOR_ADVISE_GROUPS_H
#define VISOR_ADVISE_GROUPS_H

#include "advise/rule.h"

#define VISOR_RULES(array)                                                                         \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

extern const struct visor_rules visor_rules_file;        /* TV-FILE: any file */
extern const struct visor_rules visor_rules_chrony;      /* TV-CHRONY, to 029 */
extern const struct visor_rules visor_rules_chrony_more; /* TV-CHRONY, from 030 on */
extern const struct visor_rules visor_rules_ntp;         /* TV-NTP, TV-TIMESYNCD */
extern const struct visor_rules visor_rules_libvirt;     /* TV-KVM: libvirt domains */
extern const struct visor_rules visor_rules_vmware;      /* TV-VMWARE: .vmx, tools.conf */
extern const struct visor_rules visor_rules_container;   /* TV-DOCKER, TV-COMPOSE */
extern const struct visor_rules visor_rules_kubernetes;  /* TV-K8S */
extern const struct visor_rules visor_rules_boot;        /* TV-BOOT: GRUB, kernel command line */
extern const struct visor_rules visor_rules_system;      /* TV-SYSCTL, TV-UNIT */
extern const struct visor_rules visor_rules_shell;       /* TV-SHELL */

extern const struct visor_rules visor_rules_machine; /* TV-CLOCK, TV-VM, TV-DAEMON, …: machines */
extern const struct visor_rules visor_rules_network; /* TV-NET, TV-REACH, TV-SYNC */

#endif
