/* Leap seconds: which one is due at the end of the day, by the sources' majority or by the
 * configured list, and the moment itself. UTC over the raw counter moves by a second there: the
 * estimate and every sample are shifted by exactly that, so that nothing has to be learnt anew.
 * What becomes of CLOCK_REALTIME is `leapsecmode`'s choice.
 *
 * Near a leap second nobody's time is to be trusted, since hosts make it at different moments:
 * samples are dropped, and no clock update changes what was decided. */
#ifndef VISOR_ENGINE_LEAP_H
#define VISOR_ENGINE_LEAP_H

#include "config/config.h"
#include "wire/view.h"

struct visor_engine;

enum visor_leap_phase {
    VISOR_LEAP_IDLE,
    VISOR_LEAP_ARMED,    /* the day has come */
    VISOR_LEAP_IMMINENT, /* half a second before, until it is made */
    VISOR_LEAP_MADE,     /* for two seconds afterwards */
};

struct visor_leap_second {
    enum visor_leap_phase phase;
    enum visor_leap announced; /* NONE, INSERT or DELETE at the end of this UTC day */
    int64_t midnight_s;        /* UTC since 1970: of that day, or of the last one; 0: never */
    int64_t looked_day;        /* UTC day of the last look */
    int tai_offset_s;          /* TAI - UTC, 0: unknown */
    int shift_s;               /* of UTC at the last one that was made */
    visor_mono made;           /* when that was; INT64_MIN: never */
    double owed_s;             /* s: what the kernel will still add to CLOCK_REALTIME by itself, or
                                  less what it has added before the estimate was shifted */
};

/* The leap second at the midnight that ends the UTC day of `utc_s`. `voted`: what the sources say;
 * obeyed on the last days of June and December only. `tai_offset_s`: out, 0 without a list. */
enum visor_leap visor_leap_today(int64_t utc_s, enum visor_leap voted,
                                 const struct visor_leap_entry *leaps, size_t count,
                                 int *tai_offset_s);

/* The engine's hooks. */
void visor_leap_init(struct visor_engine *e);
void visor_leap_update(struct visor_engine *e); /* after each clock update: take the votes */
void visor_leap_timer(struct visor_engine *e);
visor_mono visor_leap_deadline(const struct visor_engine *e);
/* The kernel has made the step that was expected of it. */
void visor_leap_kernel_stepped(struct visor_engine *e);
/* Is the moment within 5 s of one? */
bool visor_leap_is_close(const struct visor_engine *e, visor_wall utc);
/* What is to be told to clients and in reports. */
enum visor_leap visor_leap_told(const struct visor_engine *e);
/* What a reference measured at `at` must be shifted by to be in today's UTC, ns. */
int64_t visor_leap_shift_ns(const struct visor_engine *e, visor_mono at);

#endif
