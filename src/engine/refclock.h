/* A reference clock in the engine: when to read it, what a raw sample or pulse means, and one
 * filtered sample a poll.
 *
 * The driver (port/refclock.h) only measures. Here a pulse gets its second (from the clock it is
 * locked to, from itself with `local`, or from the engine's estimate), TAI becomes UTC, and at the
 * end of a poll all raw samples become one: outliers are left out, the rest is combined by a
 * weighted least-squares line, taken at the mean of its times, where it is known best. Everything
 * is on the raw counter, so nobody's slewing or stepping touches the samples.
 *
 * Use, for each clock of the configuration:
 *     at every event:  due = visor_refclock_due(clock, now)
 *                      due & MEASURE: emit a MEASURE action (the adapter always answers it)
 *                      due & POLL:    visor_refclock_poll(...) -> a sample for the estimator
 *     REFCLOCK event:  visor_refclock_take(...), then visor_refclock_due() again: the answer to the
 *                      last MEASURE of a poll ends the poll
 *     deadline:        visor_refclock_deadline()
 * Meaning of the options: chrony.conf(5), `refclock`. */
#ifndef VISOR_ENGINE_REFCLOCK_H
#define VISOR_ENGINE_REFCLOCK_H

#include "engine/event.h"
#include "engine/record.h"
#include "engine/sample.h"

struct visor_refclock;

#define VISOR_REFCLOCK_NOTHING_NEW                                                                 \
    11 /* `error` of FAILED: no fault, only no new sample (EAGAIN)                                 \
        */

/* `config` is copied. `index`: in the configuration. `precision_s`: of the local clock. All
 * memory is allocated here; NULL without memory. */
struct visor_refclock *visor_refclock_new(const struct visor_refclock_config *config,
                                          uint32_t index, double precision_s);
void visor_refclock_free(struct visor_refclock *clock); /* NULL allowed */

/* errno of its last event; 0: that was a sample, or none has come. */
int visor_refclock_error(const struct visor_refclock *clock);

/* Instead of the configuration's, for the samples to come. */
void visor_refclock_set_offset(struct visor_refclock *clock, double offset_s);

/* Four characters, as configured or made of the driver's name and the index as chronyd does;
 * trailing NULs. `text` gets them as a string. */
uint32_t visor_refclock_refid(const struct visor_refclock_config *config, uint32_t index);
void visor_refclock_refid_text(const struct visor_refclock_config *config, uint32_t index,
                               char text[5]);

enum visor_refclock_due { VISOR_REFCLOCK_MEASURE = 1, VISOR_REFCLOCK_POLL = 2 };

/* What is to be done at `now` (bits; 0: nothing). Saying so also does the bookkeeping: it is said
 * once. The first call starts the schedule, with a MEASURE at once. NULL: never anything. */
unsigned visor_refclock_due(struct visor_refclock *clock, visor_mono now);
visor_mono visor_refclock_deadline(const struct visor_refclock *clock);

/* What the engine knows when a raw sample comes. */
struct visor_refclock_context {
    struct visor_reading now;           /* of the event */
    struct visor_prediction prediction; /* .at near the stamp; .utc there; .rate_ppb */
    bool reference;    /* the estimate is synchronised, or `local` is active: pulses may use it */
    double distance_s; /* of that reference: how wrong the estimate can be */
    enum visor_leap leap;                 /* of that reference */
    const struct visor_refclock *lock;    /* the clock named by `lock`; NULL: none configured.
                                             With `local` it is not looked at */
    const struct visor_leap_entry *leaps; /* for `tai`, ascending; may be NULL */
    size_t leap_count;
};

enum visor_refclock_verdict {
    VISOR_REFCLOCK_TAKEN,
    VISOR_REFCLOCK_EMPTY,        /* nothing new */
    VISOR_REFCLOCK_FAULT,        /* FAILED, and `error` is the errno */
    VISOR_REFCLOCK_BAD_TIME,     /* stamp not recent, not after the last one, or time absurd */
    VISOR_REFCLOCK_BAD_LEAP,     /* the source says that it is unsynchronised */
    VISOR_REFCLOCK_NO_TAI,       /* `tai` without a leap table that covers the time */
    VISOR_REFCLOCK_NO_REFERENCE, /* pulse without a clock that names its second */
    VISOR_REFCLOCK_LOCK_OLD,     /* the locked clock's sample is older than maxlockage */
    VISOR_REFCLOCK_LOST_LOCK,    /* `local`: pulses stopped too long; started anew, and the
                                    estimator must forget this clock's samples */
    VISOR_REFCLOCK_AMBIGUOUS,    /* pulse too far from the reference's whole second */
    VISOR_REFCLOCK_WRONG_EDGE,   /* pulse at the other end of `width` */
    VISOR_REFCLOCK_NOISY, /* far less sure than usual, and does not contradict: not used, but the
                             clock was reached */
};

struct visor_refclock_taken {
    enum visor_refclock_verdict verdict;
    bool failed; /* it began to fail with this event: say so once (REFCLOCK_FAILED, `error`) */
    bool back;   /* it stopped failing with this event: say so once (REFCLOCK_BACK) */
    struct visor_sample sample; /* with TAKEN: what this reading alone says */
    bool logged;                /* `record` is a line for refclocks.log */
    visor_wall at;
    struct visor_record_refclock record;
};

/* Take a raw sample, or the news that there is none. */
struct visor_refclock_taken visor_refclock_take(struct visor_refclock *clock,
                                                const struct visor_event_refclock *event,
                                                const struct visor_refclock_context *context);

struct visor_refclock_polled {
    bool reached; /* a raw sample came since the last poll, used or not: for the reach register */
    bool sampled; /* `sample` and `record` hold */
    bool pulses;  /* it is made of pulses completed by our own estimate: the stratum is that of
                     the reference they came from (chronyd: 0 unless it is our current source) */
    int combined; /* raw samples in it */
    struct visor_sample sample;
    visor_wall at;
    struct visor_record_refclock record;
};

/* End of a poll. `prediction`: anywhere in the poll; only .known, .rate_ppb, and .utc (for the
 * record) are used.
 *
 * sample.dispersion_s is the standard error of the filtered value, as a random quantity: what an
 * estimator wants. What averaging does not help against (an unknown asymmetry of the reading, the
 * clock's resolution) is in sample.root_dispersion_s. sample.delay_s is the `delay` option. */
struct visor_refclock_polled visor_refclock_poll(struct visor_refclock *clock,
                                                 const struct visor_reading *now,
                                                 const struct visor_prediction *prediction);

/* The last raw sample contradicts what was expected: it ends the poll, without those before it, and
 * so do the next few, each by itself. */
void visor_refclock_hurry(struct visor_refclock *clock);
/* Our counter has jumped: nothing that was read before counts, and the next readings are wanted at
 * once. */
void visor_refclock_begin_anew(struct visor_refclock *clock, visor_mono now);

/* UTC itself has moved by `ns` (a leap second): so do the samples that were not polled yet. */
void visor_refclock_shift(struct visor_refclock *clock, int64_t ns);

/* The raw counter's zero or rate has changed (disruption): forget what was not polled yet. */
void visor_refclock_forget(struct visor_refclock *clock);

#endif
