/* MD5 (RFC 1321): for the reference identifier of IPv6 addresses (RFC 5905, 7.3). Not for
 * authentication: that is done, with the cryptographic library, in port. */
#ifndef VISOR_WIRE_MD5_H
#define VISOR_WIRE_MD5_H

#include <stddef.h>
#include <stdint.h>

void visor_md5_digest(const void *data, size_t size, uint8_t digest[16]);

#endif
