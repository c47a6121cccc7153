/* A network address as a value: no sockaddr, no host byte order questions, comparable. */
#ifndef VISOR_BASE_ADDRESS_H
#define VISOR_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum visor_family { VISOR_FAMILY_NONE = 0, VISOR_FAMILY_IPV4 = 4, VISOR_FAMILY_IPV6 = 6 };

struct visor_address {
    uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest are zero */
    uint32_t scope;    /* IPv6 interface index of a link-local address, else 0 */
    uint16_t port;     /* host order; 0 where it does not matter */
    uint8_t family;    /* enum visor_family */
};

/* Same family, bytes and scope; ports are not compared. */
bool visor_address_same(const struct visor_address *a, const struct visor_address *b);

/* Dotted IPv4 or RFC 4291 IPv6 text (no name, no brackets, no scope). False if it is neither. */
bool visor_address_parse(const char *text, struct visor_address *address);

/* Text of the address without port (RFC 5952 for IPv6). `size` >= 46 always suffices; the text is
 * cut, and still terminated, where it does not. Returns `text`. */
char *visor_address_print(const struct visor_address *address, char *text, size_t size);

/* NTP's 32-bit identifier: the IPv4 address, or the first four bytes of the MD5 of an IPv6
 * address (RFC 5905, 7.3); the hash is given by the caller's floor, see wire/ntp.h. */

#endif
