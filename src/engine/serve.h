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
#include "engine/exchanges.h"
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

/* UTC at a raw stamp as a timestamp. Its bits below the view's precision are random around the
 * right value, so that nobody can guess it; it is none of `differ` and not 0. `flag` 0 or 1: the
 * lowest bit is to be that (a server tells its receive timestamps by 1); < 0: as it comes. */
uint64_t visor_serve_timestamp(const struct visor_view *view, visor_wall utc, struct visor_rng *rng,
                               const uint64_t differ[3], int flag);

struct visor_serve_request {
    const uint8_t *data;
    size_t size;
    uint16_t port;        /* of the client */
    enum visor_auth auth; /* INVALID is never answered */
    struct visor_stamp received;
    bool over_ptp;
    visor_mono departure; /* when the reply is expected to leave */
    uint32_t kiss;        /* 0, or the code of a kiss-o'-death to answer with */
    int8_t min_poll;      /* the rate limit's interval, log2 s; the reply asks for no less */
};

struct visor_serve_reply {
    size_t size;      /* without MAC; 0: no reply */
    uint64_t receive; /* identifies it for visor_exchanges_sent(); 0: not remembered */
    bool interleaved;
    enum visor_stamper tx; /* of the transmit timestamp in it */
    uint8_t version;       /* decides about the length of the MAC */
    uint8_t data[VISOR_NTP_PACKET_MAX];
};

/* Answer a request. `exchanges` NULL: no interleaved mode. The reply without MAC is not longer than
 * the request without MAC. False: no reply (not a request, or one that must not be answered). */
bool visor_serve_answer(const struct visor_view *view, const struct visor_serve_request *request,
                        struct visor_exchanges *exchanges, struct visor_rng *rng,
                        struct visor_serve_reply *reply);

/* A broadcast packet that leaves at `raw`; 48 bytes. */
size_t visor_serve_broadcast(const struct visor_view *view, visor_mono raw, int8_t poll,
                             struct visor_rng *rng, uint8_t data[VISOR_NTP_HEADER]);

#endif
