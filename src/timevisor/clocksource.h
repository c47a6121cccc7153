/* The kernel's clocksource. */
#ifndef VISOR_TIMEVISOR_CLOCKSOURCE_H
#define VISOR_TIMEVISOR_CLOCKSOURCE_H

/* Tells the kernel of the tree `root` ("" for this machine) to count by `name`. 0, or -errno (only
 * root may); -ENODEV: it keeps another. */
int visor_clocksource_choose(const char *root, const char *name);

#endif
