/* One witness that tells the time (an RTC, a PHC, a vmclock): what it says against the raw counter,
 * and against CLOCK_REALTIME. A reading that fits neither has seen a jump: of our counter, unless
 * the witness was set itself. One that goes with CLOCK_REALTIME where the two part is derived from
 * it, and knows nothing of its own.
 *
 * Signs: a jump is + where the witness has gone ahead of our counter, which is what a pause does.
 */
#ifndef VISOR_ENGINE_WITNESS_H
#define VISOR_ENGINE_WITNESS_H

#include "engine/estimate.h"
#include "engine/event.h"

#define VISOR_WITNESS_RECENT 4
#define VISOR_WITNESS_LEADS  16
#define VISOR_WITNESS_SINCE  8
#define VISOR_WITNESS_COPIES 4

enum visor_witness_class {
    VISOR_WITNESS_UNPROVEN,    /* nothing has yet moved our clocks apart */
    VISOR_WITNESS_INDEPENDENT, /* proven not to be derived from our own clock */
    VISOR_WITNESS_DERIVED,     /* it goes where CLOCK_REALTIME goes */
    VISOR_WITNESS_NONSENSE,    /* it jumps about */
};

enum visor_witness_verdict {
    VISOR_WITNESS_NOTHING,  /* it fits, or it cannot be told yet */
    VISOR_WITNESS_JUMPED,   /* our counter jumped against it: `jump_s` +- `error_s` */
    VISOR_WITNESS_MEASURED, /* the same jump again, by a sharp reading */
    VISOR_WITNESS_SET,      /* somebody set the witness to CLOCK_REALTIME: by `jump_s` */
    VISOR_WITNESS_UNSURE,   /* set to it, or our counter jumped by as much as it was behind */
};

/* UTC, where it is trusted. */
struct visor_trusted {
    struct visor_line line;
    int64_t bound_ns;
};

/* By how much a witness was ahead of UTC, as far as that was known. */
struct visor_lead {
    visor_mono at;
    visor_wall said;
    int64_t ns, bound_ns;
    double rate, rate_error; /* s/s: how fast it gained; 5 deviations */
};

struct visor_witness {
    bool known;   /* the line holds */
    bool pending; /* a jump was seen, its size not yet: the line is from before it */
    double told_s,
        told_error_s; /* … it is known to be ahead of that line by; error < 0: by anything */
    double denied_s, denied_error_s; /* it told so itself, and others less; error 0: no */
    double before_s, before_error_s; /* what of it belongs to jumps before the last one */
    bool trusted;                    /* UTC is, so that the kernel copies its clock to RTCs */
    visor_wall trusted_until;
    visor_wall copied_at[VISOR_WITNESS_COPIES]; /* when it did, or may have; `copies` ever */
    uint32_t copies;
    struct visor_line line;              /* its time over the raw counter, … */
    visor_mono begun_at;                 /* … which tells nothing of before */
    struct visor_reading ours;           /* both our clocks at … */
    visor_wall said;                     /* … its last sharp reading */
    int64_t ahead[VISOR_WITNESS_RECENT]; /* ns: what it said - REALTIME, of the last ones; ring */
    struct visor_lead leads[VISOR_WITNESS_LEADS]; /* ring; `led` ever */
    uint32_t led;
    int64_t
        since[VISOR_WITNESS_SINCE]; /* ns: what it said - raw, of sharp ones since our counter … */
    visor_mono since_at[VISOR_WITNESS_SINCE]; /* … jumped, and when; ring; `since_count` ever */
    uint32_t since_count;
    visor_mono jumped_at;
    visor_wall jumped_real; /* REALTIME then */
    bool maybe_set;         /* and it may have been set then; nobody has said yet */
    visor_mono parted_at;   /* leads from before, or at, it were taken before our counter jumped */
    uint32_t coarse;        /* readings in a row that agreed with the sharp ones */
    uint32_t late;          /* sharp readings in a row that missed by `late_s` < 0 */
    double late_s;
    visor_wall late_real; /* REALTIME at the first of them */
    double latest_s;      /* the most that one was late by, lately … */
    visor_mono latest_at; /* … then */
    double noise_s;       /* mean size of what sharp readings miss the line by */
    uint32_t readings;    /* sharp ones taken */
    uint32_t beside_real,
        with_real; /* sharp ones that told our two clocks apart: with raw, with REALTIME */
    uint32_t jumps, sets, backward;
};

/* A reading. All but NOTHING fill *jump_s and *error_s, s; where readings have come late,
 * *error_s may be more than *jump_s. `event->stamp` lies on the raw
 * counter of `now`; the interval of UTC may be coarse (a whole second of an RTC). `utc`:
 * NULL where nothing is trusted. */
enum visor_witness_verdict visor_witness_take(struct visor_witness *witness,
                                              const struct visor_event_witness *event,
                                              const struct visor_reading *now,
                                              const struct visor_trusted *utc, double *jump_s,
                                              double *error_s);

/* UTC at *raw by this witness alone: from how far it was ahead of UTC before `noticed`, when our
 * counter was seen to have jumped, and what it has said since, +- *error_s. False: it has not yet
 * said enough. */
bool visor_witness_utc(const struct visor_witness *witness, visor_mono noticed, visor_mono *raw,
                       visor_wall *utc, double *error_s);

/* Something else says that our counter jumped: the next sharp reading tells by how much. */
void visor_witness_doubt(struct visor_witness *witness);
/* Something else has told by how much. Whoever then is farther ahead has seen another jump. */
void visor_witness_told(struct visor_witness *witness, double jump_s, double error_s);

/* What it has been proven to be. */
enum visor_witness_class visor_witness_class(const struct visor_witness *witness);

#endif
