/* The NTP server: a pure function of what the engine published (the view), a request and its
 * stamps, so that any number of threads can answer without a lock. Client requests are answered in
 * server mode, symmetric active ones in passive mode without an association; interleaved replies
 * (RFC 9769) remember one exchange a client in a table of fixed size that belongs to one thread.
 *
 * Left to others: access lists (access.h), rate limits (clients.h), MACs: the adapter checks the
 * request's and appends the reply's. */
#ifndef VISOR_ENGINE_SERVE_H
#define VISOR_ENGINE_SERVE_H

#include "base/rng.h"
#include "base/time.h"
#include "engine/event.h"
#include "wire/ntp.h"
#include "wire/view.h"

/* The part of a server's, peer's or broadcaster's header that the view decides: leap, stratum,
 * precision, root delay and dispersion (grown to `raw`, rounded up), refid, reference time. The
 * rest is zero. An unsynchronised view gives leap 3, stratum 0. */
void visor_serve_describe(const struct visor_view *view, visor_mono raw,
                          struct visor_ntp_header *header);

/* The body of F323 for a packet whose receive timestamp is `receive` (0: none). */
void visor_serve_mono_root(const struct visor_view *view, visor_mono raw, uint64_t receive,
                           struct visor_ntp_mono_root *root);

#endif
