/* Stamps taken on CLOCK_REALTIME, brought to the raw counter.
 *
 * Kernels stamp packets, pulses and PHC readings on CLOCK_REALTIME, which everybody may steer and
 * step. A `visor_stamps` remembers, from the readings that pass through it, how REALTIME ran
 * against the raw counter in the last while, piece by piece, and so converts a stamp with the line
 * that was in force when it was taken. A stamp that lies across a step, ours or a foreign one, is
 * refused: nobody can say what it meant. Pure: the readings are given. */
#ifndef VISOR_PORT_STAMP_H
#define VISOR_PORT_STAMP_H

#include "engine/event.h"

#define VISOR_STAMPS_PIECES 16

/* REALTIME's line over raw in [begin, end]; a change came somewhere in (sure, end]. */
struct visor_stamps_piece {
    visor_mono begin, sure, end;
    struct visor_reading anchor; /* the last reading of the piece */
    double turn_ppb;             /* change of rate at the end */
};

struct visor_stamps {
    size_t count;                                          /* pieces in use; 0: no reading yet */
    struct visor_stamps_piece pieces[VISOR_STAMPS_PIECES]; /* newest first */
};

void visor_stamps_init(struct visor_stamps *stamps);

/* Take a reading: at least one after every change of the clock and every wake-up of the loop; the
 * more there are, the narrower the gap in which a foreign step makes stamps useless. A reading
 * whose raw time is before the last one's is ignored. True: the clock was stepped since the last
 * one. */
bool visor_stamps_note(struct visor_stamps *stamps, const struct visor_reading *reading);

/* REALTIME's rate against raw by the last reading, ppb; 0 before the first. */
double visor_stamps_frequency(const struct visor_stamps *stamps);

/* `stamp->raw` and `stamp->error_ns` for a REALTIME stamp of the recent past (or up to a second
 * after the last reading); `stamp->by` is left alone. False: it lies across a step, before the
 * oldest piece, or in the future; the stamp must be dropped. */
bool visor_stamps_convert(const struct visor_stamps *stamps, visor_wall real,
                          struct visor_stamp *stamp);

/* The same by a single reading taken beside it: nothing is known of steps between. False when they
 * are more than 64 s apart. */
bool visor_stamp_from_real(const struct visor_reading *reading, visor_wall real,
                           struct visor_stamp *stamp);

/* Was it taken when the packet came, so that it is as good however late the packet is read? False:
 * perhaps only when it was read, as some simulators and sandboxes do. `read`: after that. */
bool visor_stamp_is_of_arrival(const struct visor_stamp *stamp, const struct visor_reading *read);

#endif
