/* All rules, by group, and what is done with them. */
#ifndef VISOR_ADVISE_CATALOGUE_H
#define VISOR_ADVISE_CATALOGUE_H

#include "advise/rule.h"

/* The rule at `index` in the order of the catalogue; NULL behind the last. */
const struct visor_rule *visor_catalogue_at(size_t index);
/* ASCII case aside; NULL if there is none. */
const struct visor_rule *visor_catalogue_find(const char *id);

/* An id that once was a rule's and will not be another's: by which it is answered now, "" if its
 * matter is gone; NULL if there never was one. */
const char *visor_catalogue_retired(const char *id);

/* "note", "yellow", "orange", "red"; "note", "warning", "error" for files: for programs,
 * untranslated. */
const char *visor_severity_name(enum visor_severity severity);
const char *visor_severity_level(enum visor_severity severity);

/* "chrony.conf", "libvirt domain", …: proper names, untranslated. */
const char *visor_kind_name(enum visor_kind kind);

/* Runs all rules for this document's kind; findings are added. */
void visor_catalogue_check_document(const struct visor_document *document,
                                    struct visor_findings *findings);
/* Runs all rules of a topic; findings are added. */
void visor_catalogue_check_machine(const struct visor_facts *facts, enum visor_topic topic,
                                   struct visor_findings *findings);

#endif
