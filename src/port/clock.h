/* CLOCK_REALTIME and CLOCK_MONOTONIC_RAW: read together, and REALTIME steered. Two implementations:
 * the kernel's clock, and a dry run that keeps a REALTIME of its own in memory, so that everything
 * but the clock is real.
 *
 * Signs: frequency_ppb > 0: REALTIME runs faster than RAW; offset_ns > 0: REALTIME goes forward. */
#ifndef VISOR_PORT_CLOCK_H
#define VISOR_PORT_CLOCK_H

#include "engine/action.h"
#include "engine/event.h"
#include "port/stamp.h"

#include <sys/timex.h>

struct visor_clock;

/* All return 0 or -errno. What was really applied is found by read() afterwards; the frequency that
 * it tells is the one last set or looked at. */
struct visor_clock_ops {
    const char *name;
    int (*read)(struct visor_clock *clock, struct visor_reading *reading);
    int (*set_frequency)(struct visor_clock *clock, double frequency_ppb);
    int (*step)(struct visor_clock *clock, int64_t offset_ns);
    int (*set_status)(struct visor_clock *clock, const struct visor_action_status *status);
};

struct visor_clock {
    const struct visor_clock_ops *ops;
    bool dry_run;
    double kernel_ppb;   /* the kernel's frequency and tick, as last set or looked at */
    int status_bits;     /* last STA_ bits that we asked for */
    int tai_offset_s;    /* last set by us; 0: none */
    int tai_error;       /* 0 or the -errno of the first ADJ_TAI that failed: then left alone */
    visor_mono base_raw; /* dry run: its line */
    visor_wall base_real;
    double frequency_ppb;
};

void visor_clock_init(struct visor_clock *clock);         /* the kernel's */
void visor_clock_init_dry_run(struct visor_clock *clock); /* starts at the kernel's time and rate */

/* Both clocks of the kernel at one moment, whatever `clock` is steered: stamps of sockets and
 * devices are on these. Takes the narrowest of a few tries. */
int visor_clock_read_kernel(struct visor_reading *reading);

/* The raw counter alone. */
visor_mono visor_clock_raw(void);

/* The clocks alone, without a system call where the vDSO serves: `frequency_ppb` stays as it is. */
int visor_clock_read_pair(struct visor_reading *reading);

/* How long this machine has been suspended since it was started, by its own kernel, ns (a pause by
 * a hypervisor is none). 0 or -errno. */
int visor_clock_suspended(int64_t *ns);

/* A reading for stamps to come, at the frequency that the last one told: for what happens between
 * two looks at the kernel. 0 or -errno. */
int visor_clock_note(struct visor_stamps *stamps, struct visor_reading *reading);

/* The same as read_kernel(), and the clock's readings tell this frequency from now on. */
int visor_clock_look(struct visor_clock *clock, struct visor_reading *kernel);

/* Make the kernel's own loops (PLL, FLL, PPS, a running adjtime) let go of the clock and declare it
 * unsynchronised. 0; -EPERM and the like: the clock cannot be set by us. */
int visor_clock_take(struct visor_clock *clock);

/* Smallest step seen between readings of CLOCK_REALTIME, in s: the precision of reading it. */
double visor_clock_precision(void);

/* What one reading of CLOCK_REALTIME takes a program at present, s. */
double visor_clock_cost(void);

/* CONFIG_HZ of this kernel, by the step of its coarse clocks; 0: not told. */
unsigned visor_clock_hz(void);

/* The kernel's frequency and tick as ppb, and the reverse: the pair that gives `frequency_ppb` with
 * `freq` within +-500 ppm and `tick` within +-10 %. `tick` in: the present one, kept if possible.
 */
double visor_clock_ppb_from_timex(long freq, long tick);
void visor_clock_timex_from_ppb(double frequency_ppb, long *freq, long *tick);

/* A difference of REALTIME as ADJ_SETOFFSET|ADJ_NANO wants it: tv_usec in ns, never negative. */
struct timeval visor_clock_setoffset_from_ns(int64_t offset_ns);

#endif
