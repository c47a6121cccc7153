/* What time do these servers have? A few exchanges with each, all servers at once, for programs
 * that have nothing else to do meanwhile. Plain NTPv4 client requests (RFC 5905, section 8),
 * without authentication: an answer is good for looking, and never steers a clock. */
#ifndef VISOR_PORT_NTPQUERY_H
#define VISOR_PORT_NTPQUERY_H

#include "base/address.h"
#include "wire/ntp.h"

#include <stdbool.h>
#include <stdint.h>

#define VISOR_NTPQUERY_MAX 64 /* servers at once */

enum visor_ntpquery_result {
    VISOR_NTPQUERY_OK,
    VISOR_NTPQUERY_PENDING, /* time was up while the name was still being looked for */
    VISOR_NTPQUERY_NO_SUCH_NAME,
    VISOR_NTPQUERY_DNS_SILENT,    /* no name server answers */
    VISOR_NTPQUERY_FAILED,        /* it cannot be sent to: `error` is the errno */
    VISOR_NTPQUERY_SILENT,        /* asked, and no reply came */
    VISOR_NTPQUERY_KISSED,        /* stratum 0: it refuses; `header.refid` is its code */
    VISOR_NTPQUERY_UNSYNCHRONIZED /* it answers, and says that its own time is not good */
};

struct visor_ntpquery {
    char name[256]; /* in: host name or address; no port */
    uint16_t port;  /* in: 0: 123 */

    enum visor_ntpquery_result result;
    int error;                      /* errno of the last request or what ICMP answered; 0 */
    struct visor_address address;   /* family NONE: not found */
    int sent, received;             /* requests, and good replies */
    struct visor_ntp_header header; /* of the exchange with the least delay, if received */
    int64_t offset_ns;              /* server - CLOCK_REALTIME: > 0: our clock is behind */
    int64_t delay_ns;               /* of that exchange, network both ways */
    int64_t uncertainty_ns;         /* half of that delay, and the server's root distance */
    int64_t slowest_ns;             /* the greatest delay of all exchanges */
};

/* Asks `count` (at most VISOR_NTPQUERY_MAX) servers, each `rounds` times at most, 50 ms apart, and
 * returns when all are done or after `timeout_ms`. 0, or -errno where nothing could be asked at all
 * (-ENOMEM, -EAGAIN: no thread). Names are looked for by the C library, in threads that are left
 * behind where it does not return in time. */
int visor_ntpquery_run(struct visor_ntpquery *queries, int count, int rounds, int timeout_ms);

#endif
