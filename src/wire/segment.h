/* The clock segment: what the daemon publishes to other processes through a page of shared memory,
 * so that they know UTC, and how wrong it can be, from a reading of the raw counter alone.
 * docs/clock-segment.md has the layout byte by byte and the reasons.
 *
 * Two slots and a sequence number that says which is valid. The writer fills the other slot and
 * then moves the number: a reader takes no lock, never waits, and a writer that is killed at any
 * point leaves the older slot valid. All of the page is 8-byte words in native byte order, read and
 * written atomically; the magic is wrong on a machine of the other order. */
#ifndef VISOR_WIRE_SEGMENT_H
#define VISOR_WIRE_SEGMENT_H

#include "wire/view.h"

#include <stddef.h>

#define VISOR_SEGMENT_SIZE       4096
#define VISOR_SEGMENT_MAGIC      UINT64_C(0x314b434f4c435654) /* "TVCLOCK1" */
#define VISOR_SEGMENT_VERSION    1
#define VISOR_SEGMENT_PATH       "/run/timevisor/clock"
#define VISOR_SEGMENT_DEVICE_MAX 64 /* with its closing zero */
#define VISOR_SEGMENT_WORDS      22 /* of a slot that are in use */
#define VISOR_SEGMENT_SLOT_WORDS 32

struct visor_segment {
    uint64_t magic;
    uint64_t version; /* low half: version, high half: size of the page */
    uint64_t boot[2]; /* the kernel's boot_id that the raw counter belongs to */
    char device[VISOR_SEGMENT_DEVICE_MAX]; /* vmclock device of this machine; "" : none */
    uint64_t reserved[4];
    uint64_t sequence; /* publications so far; its lowest bit is the valid slot; 0: none yet */
    uint64_t line[15]; /* the sequence has a cache line of its own, and the slots their page part */
    uint64_t slots[2][VISOR_SEGMENT_SLOT_WORDS];
};

/* One publication. Raw times are CLOCK_MONOTONIC_RAW of the initial time namespace. */
struct visor_segment_snapshot {
    enum visor_trust trust; /* holds until `until` */
    enum visor_counter_kind counter;
    enum visor_leap leap;
    bool marked;          /* `marker` is one of the segment's vmclock device */
    int16_t tai_offset_s; /* 0: unknown */
    visor_mono raw;       /* anchor of the line */
    visor_wall utc;
    double rate_ppb;
    int64_t bound_ns; /* VISOR_NS_MAX: unbounded */
    double growth_ppb;
    visor_mono until;   /* without a later publication, "synchronized" is holdover from here on */
    uint64_t tsc;       /* the TSC at `raw` */
    uint64_t period;    /* ns of the raw counter a tick, 2^-48; 0: do not read the TSC */
    int64_t tsc_ns;     /* how wrong that mapping can be at `raw` … */
    double tsc_ppb;     /* … and how fast that grows */
    uint64_t epoch;     /* raised at every disruption */
    uint64_t marker;    /* vmclock disruption marker that the line was measured under */
    int64_t blind_ns;   /* a stall shows within so long; VISOR_NS_MAX: not known */
    visor_mono since;   /* the present epoch holds from here on */
    visor_mono checked; /* raw time of the last measurement that the line rests on */
    visor_mono published;
};

enum visor_segment_word {
    VISOR_SEGMENT_GENERATION, /* twice the publication's number; odd: being written */
    VISOR_SEGMENT_KIND,       /* trust, counter, leap, flags: a byte each; TAI - UTC: 16 bits */
    VISOR_SEGMENT_UTC,
    /* the line for the TSC alone, made of what follows; all within one cache line */
    VISOR_SEGMENT_TSC,
    VISOR_SEGMENT_TSC_RATE,   /* ns of UTC a tick, 2^-48; 0: use the other line */
    VISOR_SEGMENT_TSC_BOUND,  /* ns, at TSC */
    VISOR_SEGMENT_TSC_GROWTH, /* of the bound, ns a tick, 2^-48 */
    VISOR_SEGMENT_TSC_UNTIL,  /* TSC up to which this line may be used */
    VISOR_SEGMENT_RAW,
    VISOR_SEGMENT_RATE,
    VISOR_SEGMENT_BOUND,
    VISOR_SEGMENT_GROWTH,
    VISOR_SEGMENT_UNTIL,
    VISOR_SEGMENT_PERIOD,
    VISOR_SEGMENT_TSC_NS,
    VISOR_SEGMENT_TSC_PPB,
    VISOR_SEGMENT_EPOCH,
    VISOR_SEGMENT_MARKER,
    VISOR_SEGMENT_BLIND,
    VISOR_SEGMENT_SINCE,
    VISOR_SEGMENT_CHECKED,
    VISOR_SEGMENT_PUBLISHED,
};

#define VISOR_SEGMENT_MARKED    (UINT64_C(1) << 24)        /* of KIND: `marker` holds */
#define VISOR_SEGMENT_KIND_MASK (UINT64_C(0xffff01030003)) /* that this version knows */

enum visor_segment_verdict {
    VISOR_SEGMENT_OK,
    VISOR_SEGMENT_SHORT,   /* less than a page */
    VISOR_SEGMENT_FOREIGN, /* not a clock segment, or of another byte order */
    VISOR_SEGMENT_VERSION_DIFFERS,
    VISOR_SEGMENT_EMPTY, /* nothing published yet */
    VISOR_SEGMENT_BUSY,  /* published over and over while we read: ask again */
    VISOR_SEGMENT_WRONG, /* a publication that makes no sense */
};

/* earliest.ns INT64_MIN and latest.ns INT64_MAX: unbounded. */
struct visor_segment_interval {
    visor_wall earliest, latest;
    enum visor_trust trust;
};

/* ---- writing: one writer at a time ---- */

/* An empty segment. `device` is cut at its limit. */
void visor_segment_init(struct visor_segment *segment, const uint64_t boot[2], const char *device);

/* Publishes. */
void visor_segment_write(struct visor_segment *segment,
                         const struct visor_segment_snapshot *snapshot);

/* What the next publication says, so that a restart of the daemon neither shortens nor interrupts
 * what readers have. */
struct visor_segment_publisher {
    struct visor_segment_snapshot last; /* what readers have now */
    bool any;                           /* there is such */
    bool own;                           /* it is this daemon's */
    bool held;       /* it is a former daemon's, kept until there is better to say */
    bool disturbed;  /* set by the caller: what was published was voided meanwhile; a new epoch */
    uint64_t offset; /* of the segment's epoch against the engine's */
    int64_t keep_ns; /* how long a status holds without a word of us */
    double slowest_ppb, fastest_ppb; /* rates published since last.since */
    int64_t shift_ns;                /* added to raw times: our time namespace's, taken back */
};

/* Goes on from what a former daemon left; NULL: begins anew. */
void visor_segment_publisher_init(struct visor_segment_publisher *publisher,
                                  const struct visor_segment_snapshot *former);

/* The snapshot for a view at `now` (the daemon's own raw time) into `publisher->last`; false:
 * nothing is to be published, what a former daemon said is better. The TSC, the marker and
 * `blind_ns` are the caller's to add. A view whose interval leaves no room for the last one's
 * opens a new epoch: one of them was false. */
bool visor_segment_publisher_next(struct visor_segment_publisher *publisher,
                                  const struct visor_view *view, visor_mono now);

/* ---- reading ---- */

enum visor_segment_verdict visor_segment_check(const void *page, size_t size);

/* OK, EMPTY, BUSY or WRONG. `*sequence`: of this publication. */
enum visor_segment_verdict visor_segment_read(const struct visor_segment *segment,
                                              struct visor_segment_snapshot *snapshot,
                                              uint64_t *sequence);

/* The same of what visor_segment_at() needs, the marker and whether there is a TSC; the rest of the
 * snapshot stays as it is. */
enum visor_segment_verdict visor_segment_read_line(const struct visor_segment *segment,
                                                   struct visor_segment_snapshot *snapshot,
                                                   uint64_t *sequence);

static inline bool visor_segment_current(const struct visor_segment *segment, uint64_t sequence)
{
    return __atomic_load_n(&segment->sequence, __ATOMIC_ACQUIRE) == sequence;
}

/* ---- reading by the TSC alone, the short way ---- */

struct visor_segment_quick {
    uint64_t sequence, kind, utc, tsc, rate, bound, growth, until;
    const uint64_t *slot;
};

/* To be followed by the reading of the TSC and reckon(). */
static inline void visor_segment_load(const struct visor_segment *segment,
                                      struct visor_segment_quick *quick)
{
    const uint64_t *slot;

    quick->sequence = __atomic_load_n(&segment->sequence, __ATOMIC_ACQUIRE);
    quick->slot = slot = segment->slots[quick->sequence & 1];
    quick->kind = __atomic_load_n(&slot[VISOR_SEGMENT_KIND], __ATOMIC_RELAXED);
    quick->utc = __atomic_load_n(&slot[VISOR_SEGMENT_UTC], __ATOMIC_RELAXED);
    quick->tsc = __atomic_load_n(&slot[VISOR_SEGMENT_TSC], __ATOMIC_RELAXED);
    quick->rate = __atomic_load_n(&slot[VISOR_SEGMENT_TSC_RATE], __ATOMIC_RELAXED);
    quick->bound = __atomic_load_n(&slot[VISOR_SEGMENT_TSC_BOUND], __ATOMIC_RELAXED);
    quick->growth = __atomic_load_n(&slot[VISOR_SEGMENT_TSC_GROWTH], __ATOMIC_RELAXED);
    quick->until = __atomic_load_n(&slot[VISOR_SEGMENT_TSC_UNTIL], __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

__extension__ typedef unsigned __int128 visor_segment_wide;

/* While the sequence is the same, the writer does not touch its slot: it is all that has to be
 * looked at again. False: go the long way. (Published meanwhile, no such line, out of its reach.)
 * Where the kind is MARKED, a vmclock that can be read is to be asked before. */
static inline bool visor_segment_reckon(const struct visor_segment *segment,
                                        const struct visor_segment_quick *quick, uint64_t tsc,
                                        struct visor_segment_interval *interval)
{
    uint64_t ticks = tsc - quick->tsc;
    uint64_t utc = quick->utc + (uint64_t)((visor_segment_wide)ticks * quick->rate >> 48);
    uint64_t bound = quick->bound + (uint64_t)((visor_segment_wide)ticks * quick->growth >> 48);

    interval->trust = (enum visor_trust)(quick->kind & 0xff);
    interval->earliest.ns = (int64_t)(utc - bound);
    interval->latest.ns = (int64_t)(utc + bound);
    return tsc >= quick->tsc && tsc <= quick->until && quick->rate != 0 && bound >> 62 == 0 &&
           visor_segment_current(segment, quick->sequence) &&
           !(quick->kind & ~VISOR_SEGMENT_KIND_MASK) &&
           interval->earliest.ns <= interval->latest.ns;
}

/* ---- reading at length ---- */

/* The line at a raw time that is itself known to +-`error_ns`. */
void visor_segment_at(const struct visor_segment_snapshot *snapshot, visor_mono raw,
                      int64_t error_ns, struct visor_segment_interval *interval);

/* Raw time of a reading of the TSC and how wrong that can be. False: there is no mapping, or the
 * TSC is not the one that was mapped (it is behind the anchor). */
bool visor_segment_tsc(const struct visor_segment_snapshot *snapshot, uint64_t tsc, visor_mono *raw,
                       int64_t *error_ns);

/* Offset of CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW in a time namespace, from the text of
 * /proc/self/timens_offsets. False: it is not that. */
bool visor_segment_read_timens(const char *text, size_t size, int64_t *offset_ns);

/* The 16 bytes of a boot_id from its text. False: it is not that. */
bool visor_segment_read_boot(const char *text, size_t size, uint64_t boot[2]);

#endif
