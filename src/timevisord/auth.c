/* Places MACs in packets and finds their keys. The cryptography is port/mac.c's. */
#include "timevisord/auth.h"

#include "port/mac.h"
#include "wire/ntp.h"

static int version_of(const uint8_t *packet)
{
    return packet[0] >> 3 & 7;
}

size_t visor_auth_sign(const struct visor_keys *keys, uint32_t key, uint8_t *packet, size_t size,
                       size_t room)
{
    const struct visor_key *found = visor_keys_find(keys, key);
    size_t length;

    if (!found || size < VISOR_NTP_HEADER)
        return 0;
    length = visor_mac_length(found, version_of(packet));
    if (size + 4 + length > room)
        return 0;
    for (int i = 0; i < 4; i++)
        packet[size + (size_t)i] = (uint8_t)(key >> (24 - 8 * i));
    visor_mac_write(found, packet, size, packet + size + 4, length);
    return size + 4 + length;
}

enum visor_auth visor_auth_check(const struct visor_keys *keys, const uint8_t *packet, size_t size,
                                 uint32_t *key)
{
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;
    const struct visor_key *found;
    size_t end;

    *key = 0;
    if (!visor_ntp_read(&header, &layout, packet, size) || layout.mac_size == 0)
        return VISOR_AUTH_ABSENT;
    *key = layout.key;
    found = visor_keys_find(keys, layout.key);
    end = layout.fields_end;
    if (!found || layout.mac_size <= 4 ||
        !visor_mac_check(found, header.version, packet, end, packet + end + 4, layout.mac_size - 4))
        return VISOR_AUTH_INVALID;
    return VISOR_AUTH_VALID;
}
