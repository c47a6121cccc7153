/* NTP over PTP (draft-ietf-ntp-over-ptp): an NTP message as a TLV of a PTP event message, for
 * network cards that stamp PTP packets only, and for switches (transparent clocks) that write into
 * PTP packets how long they have held them. */
#ifndef VISOR_WIRE_PTP_H
#define VISOR_WIRE_PTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_PTP_PREFIX 56 /* bytes before the NTP message */

struct visor_ptp_message {
    const uint8_t *ntp; /* borrowed from the packet */
    size_t size;
    int64_t correction_ns; /* how long it was held on its way; not authenticated, may be anything */
};

/* False: not an NTP message of this domain. */
bool visor_ptp_read(struct visor_ptp_message *message, const uint8_t *data, size_t size,
                    uint8_t domain);

/* Put what comes before an NTP message of `size` bytes. */
void visor_ptp_write(uint8_t prefix[VISOR_PTP_PREFIX], uint8_t domain, uint16_t sequence,
                     size_t size);

#endif
