/* What an NTP server remembers for interleaved replies (RFC 9769): when the last replies to those
 * clients that asked for it really left. A table of fixed size, found by the reply's receive
 * timestamp, which the client sends back; a full bucket forgets its oldest entry. One thread. */
#ifndef VISOR_ENGINE_EXCHANGES_H
#define VISOR_ENGINE_EXCHANGES_H

#include "base/time.h"
#include "engine/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visor_exchanges;

/* About `bytes` of memory, at least 4 entries; NULL without memory. */
struct visor_exchanges *visor_exchanges_new(size_t bytes);
void visor_exchanges_free(struct visor_exchanges *exchanges); /* NULL allowed */

/* A reply with this receive timestamp (never 0) leaves. `received`: the raw stamp of the request,
 * `utc`: the time the reply gives it; the departure is reckoned from it, so that a view that
 * changes meanwhile does not come between the two. */
void visor_exchanges_put(struct visor_exchanges *exchanges, uint64_t timestamp, visor_mono received,
                         visor_wall utc, struct visor_stamp sent);

/* A better stamp of its departure; ignored if it is forgotten or not credible. */
void visor_exchanges_sent(struct visor_exchanges *exchanges, uint64_t timestamp,
                          struct visor_stamp sent);

/* When did the reply with this receive timestamp leave? Each can be taken once. */
bool visor_exchanges_take(struct visor_exchanges *exchanges, uint64_t timestamp, visor_wall *sent,
                          enum visor_stamper *by);

/* Entries held and the time they span (s), for serverstats. */
size_t visor_exchanges_held(const struct visor_exchanges *exchanges, uint32_t *span_s);

/* Forget all: the clock was stepped. */
void visor_exchanges_clear(struct visor_exchanges *exchanges);

#endif
