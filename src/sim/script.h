/* The text form of a scenario, line by line; docs/simulation.md and timevisor-sim(5) describe it.
 * Nothing is read from disk here. */
#ifndef VISOR_SIM_SCRIPT_H
#define VISOR_SIM_SCRIPT_H

#include "config/diagnosis.h"
#include "sim/scenario.h"

/* Read `text` into an initialised, empty scenario. What is wrong goes to `diagnoses`, with file,
 * line, word and the nearest valid word; `file` is for those only. False if there was an error: the
 * scenario is then incomplete and good for visor_scenario_done() only. */
bool visor_script_read(struct visor_scenario *scenario, const char *file, const char *text,
                       size_t size, struct visor_diagnoses *diagnoses);

#endif
