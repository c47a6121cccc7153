/* timevisor doctor: its examination as data; printing, mending and collecting are apart. */
#ifndef VISOR_TIMEVISOR_DOCTOR_H
#define VISOR_TIMEVISOR_DOCTOR_H

#include "advise/catalogue.h"
#include "advise/topic.h"

#define VISOR_DOCTOR_LINES 64
#define VISOR_DOCTOR_TEXT  320

/* One thing that was looked at. */
struct visor_doctor_line {
    enum visor_step step;
    const char *title, *name; /* name: for programs; of files: their paths */
    char path[256];           /* of a file, without the root; "" : of the machine */
    char figure[VISOR_DOCTOR_TEXT];
    enum visor_look look;
    struct visor_findings findings;
};

struct visor_doctor {
    const char *root; /* "" : this machine */
    struct visor_facts facts;
    struct visor_doctor_line lines[VISOR_DOCTOR_LINES];
    size_t count;
};

/* Shows what would be changed in the files that were linted, asks unless `yes`, and changes them;
 * each keeps a copy beside it. Returns the number of files that could not be written. */
int visor_doctor_fix(const struct visor_doctor *doctor, bool yes);

/* Writes what an examination reads of this machine into a new folder. 0 or -errno. */
int visor_doctor_collect(const char *folder, const struct visor_facts *facts);

#endif
