/* Worlds with one fault each, for every set of witnesses: what is told of the fault? The text is a
 * scenario like any other; the same seed has the same fault in every set. */
#ifndef VISOR_SIM_CONFUSION_H
#define VISOR_SIM_CONFUSION_H

#include "engine/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_CONFUSION_TEXT_MAX 2048
#define VISOR_CONFUSION_SETS     10
#define VISOR_CONFUSION_FAULTS   8

struct visor_confusion_fault {
    const char *name;
    enum visor_disruption_kind kind; /* what it is */
};

struct visor_confusion_set {
    const char *name;
    uint32_t tells; /* bits 1 << fault: those that these witnesses tell from all others */
};

const struct visor_confusion_fault *visor_confusion_fault(size_t fault);
const struct visor_confusion_set *visor_confusion_set(size_t set);

size_t visor_confusion_fault_of(uint64_t seed);

/* Write the world; *begins: s, when the fault begins. Returns the length. */
size_t visor_confusion_write(uint64_t seed, size_t set, char text[VISOR_CONFUSION_TEXT_MAX],
                             double *begins);

#endif
