/* Symmetric keys of NTP packets: the table of the key file, MACs appended and checked. */
#ifndef VISOR_TIMEVISORD_AUTH_H
#define VISOR_TIMEVISORD_AUTH_H

#include "config/keys.h"
#include "engine/event.h"

#include <stddef.h>

/* Appends key number and MAC to the packet of `size` bytes in `room`. Returns the new length; 0:
 * there is no such key, or no room. */
size_t visor_auth_sign(const struct visor_keys *keys, uint32_t key, uint8_t *packet, size_t size,
                       size_t room);

/* What the MAC of a packet is worth. `key`: its number, 0 without. A packet that is none is ABSENT;
 * whoever reads it will find that out. */
enum visor_auth visor_auth_check(const struct visor_keys *keys, const uint8_t *packet, size_t size,
                                 uint32_t *key);

#endif
