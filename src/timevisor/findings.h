/* Findings as text, JSON and SARIF, the same for the linter and the doctor. */
#ifndef VISOR_TIMEVISOR_FINDINGS_H
#define VISOR_TIMEVISOR_FINDINGS_H

#include "advise/catalogue.h"

#include <jansson.h>

#include <stdio.h>

enum visor_findings_format {
    VISOR_FINDINGS_TEXT,
    VISOR_FINDINGS_GNU,
    VISOR_FINDINGS_JSON,
    VISOR_FINDINGS_SARIF,
};

/* "FILE:LINE:COLUMN: severity[ID] message (evidence)"; below it, for TEXT, effect and fix. */
void visor_findings_print(const char *file, const struct visor_finding *finding,
                          enum visor_findings_format format, FILE *out, bool colored);

/* Indented by `cells`, a line each; several lines stay several. */
void visor_findings_print_indented(FILE *out, int cells, const char *label, const char *text);

/* New references. JSON is in English whatever the language: `id` leads to the rest. */
json_t *visor_rule_json(const struct visor_rule *rule, bool translated);
json_t *visor_finding_json(const struct visor_finding *finding);

/* A SARIF 2.1.0 log; results are added one by one. */
json_t *visor_sarif_new(void);
void visor_sarif_add(json_t *log, const char *file, const struct visor_finding *finding);

#endif
