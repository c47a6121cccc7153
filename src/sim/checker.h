/* Safety and policy, checked at every event and every true second: a published interval contains
 * true time whenever it is trusted; the kernel's maxerror covers REALTIME's error whenever it says
 * synchronised; steps and slews keep to the configured limits.
 *
 * A false bound is excused only between a fault and the first event that could have revealed it:
 * the first exchange with an honest source that began after the fault and allows for no time in
 * the published interval. Exchanges too wide to show it are counted, and after `patience` of them
 * the excuse is used up. */
#ifndef VISOR_SIM_CHECKER_H
#define VISOR_SIM_CHECKER_H

#include "wire/view.h"

#include <stdbool.h>
#include <stdint.h>

enum visor_violation {
    VISOR_VIOLATION_BOUND,  /* true time outside the published interval */
    VISOR_VIOLATION_KERNEL, /* REALTIME wrong by more than the kernel's maxerror */
    VISOR_VIOLATION_STEP,   /* a step that the configuration does not allow, s: threshold */
    VISOR_VIOLATION_SLEW,   /* a slew faster than maxslewrate; error and bound in s/s */
    VISOR_VIOLATION_EXPECT, /* an expectation of the scenario was not met */
    VISOR_VIOLATION_KINDS,
};

/* Times with a false bound that nobody could have known of. */
struct visor_window {
    bool open;
    int64_t from; /* true ns */
    uint32_t count;
    int64_t total_ns, longest_ns;
    double worst; /* largest error / bound */
};

struct visor_checker {
    bool excused, clock_excused;    /* clock: REALTIME was slewed by somebody else */
    int64_t fault_at;               /* true ns: exchanges begun later can reveal the fault */
    uint32_t patience;              /* so many more may fail to */
    struct visor_window windows[2]; /* by VISOR_VIOLATION_BOUND and _KERNEL */

    uint64_t violations[VISOR_VIOLATION_KINDS];
    enum visor_violation first;
    int64_t first_at; /* true ns; < 0: none */
    double first_error, first_bound;
};

/* What an exchange says if its source is honest: UTC at its end was in [lo, hi]. */
struct visor_exchange {
    int64_t began_at; /* true ns at which the request left, or the device was read */
    visor_wall lo, hi;
};

const char *visor_violation_name(enum visor_violation kind); /* NULL past the end */

void visor_checker_init(struct visor_checker *checker);
bool visor_checker_clean(const struct visor_checker *checker); /* no violation */

/* A fault that ended at true time `at` may have made what is published false. */
void visor_checker_fault(struct visor_checker *checker, int64_t at, uint32_t patience);

/* An honest exchange reaches the host; [lo, hi] is what is published (lo > hi: nothing). */
void visor_checker_exchange(struct visor_checker *checker, const struct visor_exchange *exchange,
                            visor_wall lo, visor_wall hi);

/* Compare an error with the bound published for it (BOUND or KERNEL). False: a violation that has
 * no excuse, not yet counted: the caller may know one, else it blames. */
bool visor_checker_compare(struct visor_checker *checker, enum visor_violation kind, int64_t at,
                           double error, double bound);
void visor_checker_blame(struct visor_checker *checker, enum visor_violation kind, int64_t at,
                         double error, double bound);

/* Nothing is published for `kind` now: an open window ends. */
void visor_checker_silence(struct visor_checker *checker, enum visor_violation kind, int64_t at);

#endif
