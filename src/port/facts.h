/* Gathers the facts of this machine, or of a tree of files recorded on another one. Never blocks
 * (regular files only), reads a bounded part of each file, changes nothing. */
#ifndef VISOR_PORT_FACTS_H
#define VISOR_PORT_FACTS_H

#include "advise/facts.h"

#include <jansson.h>

/* `root`: "" for this machine, else the folder under which etc, proc, sys, … are found; CPUID and
 * adjtimex are asked on this machine only. What cannot be read stays unknown. */
void visor_facts_gather(struct visor_facts *facts, const char *root);

/* What only the doctor needs, after visor_facts_gather: more files, and (for root "", about a
 * second) the answers of chronyd and, with `network`, of the configured sources. */
void visor_facts_gather_more(struct visor_facts *facts, const char *root);
void visor_facts_ask(struct visor_facts *facts, const char *root, bool network);

/* Compares the time zone with that of another node, of which `folder` is a collected tree; after
 * visor_facts_gather_more. False: there is no such folder. */
bool visor_facts_compare_node(struct visor_facts *facts, const char *folder);

/* Is this a virtual machine? One that only another machine can pause. */
bool visor_facts_is_virtual(void);

/* Is there a VMGENID device, and does the kernel drive it? */
void visor_facts_vmgenid(struct visor_facts_acpi *found, const char *root);

/* Does ACPI describe a vmclock device, driven or not? */
bool visor_facts_has_vmclock(const char *root);

/* Does the CPU have a TSC, at a constant rate, that never stops; and would the kernel count by it?
 */
void visor_facts_tsc(bool *present, bool *constant, bool *nonstop, bool *available,
                     const char *root);

/* The parts that change: kernel's time state, steal, daemons, clocksource. */
void visor_facts_refresh(struct visor_facts *facts, const char *root);

/* Version VISOR_FACTS_VERSION. A new reference; NULL without memory. */
json_t *visor_facts_json(const struct visor_facts *facts);

#endif
