/* Book-keeping of excuses, windows and violations; who is right is the world's knowledge. */
#include "sim/checker.h"

#include <stddef.h>

const char *visor_violation_name(enum visor_violation kind)
{
    static const char *const names[VISOR_VIOLATION_KINDS] = {"bound", "kernel", "step", "slew",
                                                             "expect"};

    return kind < VISOR_VIOLATION_KINDS ? names[kind] : NULL;
}

void visor_checker_init(struct visor_checker *checker)
{
    *checker = (struct visor_checker){.first_at = -1};
}

bool visor_checker_clean(const struct visor_checker *checker)
{
    return checker->first_at < 0;
}

void visor_checker_fault(struct visor_checker *checker, int64_t at, uint32_t patience)
{
    checker->excused = true;
    checker->fault_at = at;
    checker->patience = patience;
}

void visor_checker_exchange(struct visor_checker *checker, const struct visor_exchange *exchange,
                            visor_wall lo, visor_wall hi)
{
    bool disjoint = exchange->lo.ns > hi.ns || exchange->hi.ns < lo.ns;

    if (!checker->excused || exchange->began_at < checker->fault_at)
        return;
    if (disjoint || checker->patience == 0)
        checker->excused = false;
    else
        checker->patience--;
}

void visor_checker_silence(struct visor_checker *checker, enum visor_violation kind, int64_t at)
{
    struct visor_window *window = &checker->windows[kind];
    int64_t length = at - window->from;

    if (!window->open)
        return;
    window->open = false;
    window->total_ns += length;
    if (length > window->longest_ns)
        window->longest_ns = length;
}

bool visor_checker_compare(struct visor_checker *checker, enum visor_violation kind, int64_t at,
                           double error, double bound)
{
    struct visor_window *window = &checker->windows[kind];
    double size = error < 0.0 ? -error : error;

    if (size <= bound) {
        visor_checker_silence(checker, kind, at);
        return true;
    }
    if (!checker->excused && !(kind == VISOR_VIOLATION_KERNEL && checker->clock_excused)) {
        visor_checker_silence(checker, kind, at);
        return false;
    }
    if (!window->open) {
        window->open = true;
        window->from = at;
        window->count++;
    }
    if (bound > 0.0 && size / bound > window->worst)
        window->worst = size / bound;
    return true;
}

void visor_checker_blame(struct visor_checker *checker, enum visor_violation kind, int64_t at,
                         double error, double bound)
{
    checker->violations[kind]++;
    if (checker->first_at >= 0)
        return;
    checker->first = kind;
    checker->first_at = at;
    checker->first_error = error;
    checker->first_bound = bound;
}
