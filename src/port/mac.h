/* Message authentication codes of NTP packets with symmetric keys (RFC 5905, 7.3; RFC 8573 for
 * AES-CMAC; chrony's choices for the rest). A hash key's MAC is H(key || packet). */
#ifndef VISOR_PORT_MAC_H
#define VISOR_PORT_MAC_H

#include "config/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_MAC_MAX 64 /* bytes of the longest digest */

/* Bytes of the digest in a packet of this NTP version: version 4 cuts it to 20 (RFC 7822), the
 * older ones carry all of it. */
size_t visor_mac_length(const struct visor_key *key, int version);

/* Writes the digest over `size` bytes, cut to `room` bytes; returns the bytes written. */
size_t visor_mac_write(const struct visor_key *key, const void *data, size_t size, uint8_t *mac,
                       size_t room);

/* True if `mac` of `mac_size` bytes, without its key ID, is right in length and content. The
 * comparison takes the same time wherever they differ. Version 4: at most 20 bytes count as a cut
 * digest, more must be the whole one, as chronyd takes it. */
bool visor_mac_check(const struct visor_key *key, int version, const void *data, size_t size,
                     const uint8_t *mac, size_t mac_size);

#endif
