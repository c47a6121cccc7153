/* ClockBound's segment, so that its clients work unmodified with this daemon. They apply it to
 * CLOCK_REALTIME, so its bound has in it what REALTIME still lacks to the estimate. */
#ifndef VISOR_PORT_CLOCKBOUND_H
#define VISOR_PORT_CLOCKBOUND_H

#include "engine/event.h"
#include "wire/clockbound.h"
#include "wire/view.h"

struct visor_clockbound_file {
    char path[256]; /* "" : not open */
    void *segment;
    int fd;
    bool told; /* by this daemon */
};

/* Opens it, or makes it anew in place of what is no such segment; its directory is made. 0 or
 * -errno; -EAGAIN: another daemon writes it. */
int visor_clockbound_open(struct visor_clockbound_file *file, const char *path);
void visor_clockbound_close(struct visor_clockbound_file *file); /* what was told stays */

/* What a view says of REALTIME at a reading of both clocks; `mono_ns` is CLOCK_MONOTONIC_COARSE,
 * read before. Pure. */
struct visor_clockbound visor_clockbound_of(const struct visor_view *view,
                                            const struct visor_reading *now, int64_t mono_ns);

/* Tells it at least once a second; a former daemon's word stays while we know nothing. `marker`:
 * NULL where there is no vmclock. */
void visor_clockbound_publish(struct visor_clockbound_file *file, const struct visor_view *view,
                              const uint64_t *marker);

#endif
