/* The header of IEEE 1588-2019, 13.3, the origin timestamp of a Sync or Delay_Req (always zero
 * here), and the head of an organization extension TLV (14.3) with the identifier of IANA. */
#include "wire/ptp.h"

#include "base/bytes.h"

#include <string.h>

#define SYNC              0
#define DELAY_REQUEST     1
#define VERSION_2         2
#define VERSION_2_1       0x12
#define FLAG_UNICAST      0x400
#define TLV_FORWARDED     0x0003 /* ORGANIZATION_EXTENSION */
#define TLV_NOT_FORWARDED 0x8000 /* ORGANIZATION_EXTENSION_DO_NOT_PROPAGATE */
#define TLV_HEAD          8      /* counted by the TLV's length, with the NTP message */
#define SUBNANOSECONDS    16     /* bits of the correction below 1 ns */

static const uint8_t organization[6] = {0x00, 0x00, 0x5e, 0x00, 0x00, 0x01};

static bool tlv_fits(struct visor_reader *r, size_t size)
{
    uint8_t id[sizeof(organization)];
    uint16_t type = visor_read_u16(r);
    bool fits = type == TLV_FORWARDED || type == TLV_NOT_FORWARDED;

    fits = fits && visor_read_u16(r) == TLV_HEAD + size;
    visor_read_bytes(r, id, sizeof(id));
    return fits && memcmp(id, organization, sizeof(id)) == 0;
}

bool visor_ptp_read(struct visor_ptp_message *message, const uint8_t *data, size_t size,
                    uint8_t domain)
{
    struct visor_reader r = visor_reader_over(data, size);
    uint8_t type, version, sdo;
    int64_t correction;
    bool fits;

    if (size <= VISOR_PTP_PREFIX)
        return false;
    type = visor_read_u8(&r);
    version = visor_read_u8(&r);
    fits = (type == SYNC || type == DELAY_REQUEST) && visor_read_u16(&r) == size;
    fits = fits && visor_read_u8(&r) == domain;
    sdo = visor_read_u8(&r);
    fits = fits && (version == VERSION_2 || (version == VERSION_2_1 && sdo == 0));
    fits = fits && visor_read_u16(&r) == FLAG_UNICAST;
    correction = (int64_t)visor_read_u64(&r);
    r.at = VISOR_PTP_PREFIX - 12; /* identities, sequence, interval, origin timestamp */
    if (!fits || !tlv_fits(&r, size - VISOR_PTP_PREFIX))
        return false;
    *message =
        (struct visor_ptp_message){.ntp = data + VISOR_PTP_PREFIX,
                                   .size = size - VISOR_PTP_PREFIX,
                                   .correction_ns = correction / (INT64_C(1) << SUBNANOSECONDS)};
    return true;
}

void visor_ptp_write(uint8_t prefix[VISOR_PTP_PREFIX], uint8_t domain, uint16_t sequence,
                     size_t size)
{
    struct visor_writer w = visor_writer_over(prefix, VISOR_PTP_PREFIX);

    memset(prefix, 0, VISOR_PTP_PREFIX);
    visor_write_u8(&w, DELAY_REQUEST);
    visor_write_u8(&w, VERSION_2);
    visor_write_u16(&w, (uint16_t)(VISOR_PTP_PREFIX + size));
    visor_write_u8(&w, domain);
    visor_write_u8(&w, 0);
    visor_write_u16(&w, FLAG_UNICAST);
    w.at = 30;
    visor_write_u16(&w, sequence);
    w.at = VISOR_PTP_PREFIX - 12;
    visor_write_u16(&w, TLV_FORWARDED);
    visor_write_u16(&w, (uint16_t)(TLV_HEAD + size));
    visor_write_bytes(&w, organization, sizeof(organization));
}
