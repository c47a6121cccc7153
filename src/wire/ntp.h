/* NTP packets (RFC 5905; extension fields RFC 7822; RFC 9769 for the interleaved mode): bytes <->
 * struct, timestamps <-> visor_wall, short format <-> ns, where the MAC lies. Nothing here
 * authenticates or decides. */
#ifndef VISOR_WIRE_NTP_H
#define VISOR_WIRE_NTP_H

#include "base/address.h"
#include "base/time.h"
#include "wire/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_NTP_PORT             123
#define VISOR_NTP_VERSION          4
#define VISOR_NTP_HEADER           48   /* bytes */
#define VISOR_NTP_PACKET_MAX       1280 /* bytes; longer ones are refused */
#define VISOR_NTP_STRATUM_MAX      16   /* 16 and above: unsynchronised */
#define VISOR_NTP_FIELD_MIN        16   /* bytes of an extension field with its header */
#define VISOR_NTP_DISPERSION_MAX_S 16

/* A 32-bit NTP second is taken to lie in the 2^32 s from 1980-01-01 (to 2116-02-07), so that the
 * era change of 2036 passes unnoticed, and so does a simulated past. */
#define VISOR_NTP_ERA_START_S  INT64_C(315532800)

#define VISOR_NTP_REFID_LOCAL  UINT32_C(0x7f7f0101) /* 127.127.1.1, of `local` */
#define VISOR_NTP_REFID_SMOOTH UINT32_C(0x7f7f01ff) /* 127.127.1.255, smoothed time */
#define VISOR_NTP_KISS_RATE    UINT32_C(0x52415445)
#define VISOR_NTP_KISS_DENY    UINT32_C(0x44454e59)
#define VISOR_NTP_KISS_RSTR    UINT32_C(0x52535452)
#define VISOR_NTP_KISS_NTSN    UINT32_C(0x4e54534e)

enum visor_ntp_mode {
    VISOR_NTP_MODE_NONE = 0,
    VISOR_NTP_MODE_ACTIVE = 1,
    VISOR_NTP_MODE_PASSIVE = 2,
    VISOR_NTP_MODE_CLIENT = 3,
    VISOR_NTP_MODE_SERVER = 4,
    VISOR_NTP_MODE_BROADCAST = 5,
};

/* The 48 bytes. Timestamps are the wire's 64 bits as one number (32.32), 0: none. */
struct visor_ntp_header {
    enum visor_leap leap;
    uint8_t version, mode, stratum;
    int8_t poll, precision;               /* log2 s */
    uint32_t root_delay, root_dispersion; /* 16.16 s */
    uint32_t refid;
    uint64_t reference, origin, receive, transmit;
};

/* Extension fields that a packet holds; the first two are those of `extfield`. */
enum visor_ntp_field_flag {
    VISOR_NTP_HAS_MONO_ROOT = 1,      /* F323, experimental, with its magic number */
    VISOR_NTP_HAS_NET_CORRECTION = 2, /* F324 experimental or 010A */
    VISOR_NTP_HAS_NTS = 4,            /* any field of RFC 8915 */
    VISOR_NTP_HAS_UNKNOWN = 8,
};

enum visor_ntp_field_type {
    VISOR_NTP_FIELD_UNIQUE_ID = 0x0104,
    VISOR_NTP_FIELD_COOKIE = 0x0204,
    VISOR_NTP_FIELD_COOKIE_PLACEHOLDER = 0x0304,
    VISOR_NTP_FIELD_AUTH = 0x0404,
    VISOR_NTP_FIELD_NET_CORRECTION = 0x010a,
    VISOR_NTP_FIELD_MONO_ROOT = 0xf323,
    VISOR_NTP_FIELD_NET_CORRECTION_EXP = 0xf324,
};

/* Where things lie in a packet. */
struct visor_ntp_layout {
    size_t size;       /* of the whole packet */
    size_t fields_end; /* extension fields are in [48, fields_end) */
    size_t mac_size;   /* at fields_end: key id and digest; 4: crypto-NAK; 0: none */
    uint32_t key;      /* of the MAC; 0: none, or the crypto-NAK */
    uint32_t fields;   /* enum visor_ntp_field_flag bits */
    bool nak;          /* crypto-NAK */
    bool mssntp;       /* v3, digest all zeros: Microsoft's authenticator field of a request */
};

/* Parse header and layout. False: no NTP packet of version 1 ... 4 (length not a multiple of four,
 * broken extension fields, ...); nothing of the outputs is then meaningful. */
bool visor_ntp_read(struct visor_ntp_header *header, struct visor_ntp_layout *layout,
                    const uint8_t *data, size_t size);

/* Write the 48 bytes; `size` >= 48 (else nothing is written). Returns the bytes written. */
size_t visor_ntp_write(const struct visor_ntp_header *header, uint8_t *data, size_t size);

struct visor_ntp_field {
    uint16_t type;
    const uint8_t *body; /* borrowed from the packet */
    size_t size;         /* of the body */
    size_t at;           /* of the field's header in the packet */
};

/* Walk the extension fields of a packet that visor_ntp_read() took: start with *at = 48. False: no
 * more. */
bool visor_ntp_field_next(const uint8_t *data, const struct visor_ntp_layout *layout, size_t *at,
                          struct visor_ntp_field *field);

/* Append a field at `at` (the packet's length so far); `body` NULL: zeros. Returns the new length,
 * or `at` where there is no room or the body breaks RFC 7822 (length, multiple of four). */
size_t visor_ntp_field_write(uint8_t *data, size_t capacity, size_t at, uint16_t type,
                             const uint8_t *body, size_t size);

/* Body of F323: root delay and dispersion in 4.28 s, receive time on the server's continuous
 * timescale (never stepped), and the epoch of that scale. */
#define VISOR_NTP_MONO_ROOT_SIZE 24
struct visor_ntp_mono_root {
    uint32_t root_delay, root_dispersion; /* 4.28 s */
    uint64_t receive;                     /* 0: unknown */
    uint32_t epoch;
};

bool visor_ntp_mono_root_read(struct visor_ntp_mono_root *field, const uint8_t *body, size_t size);
void visor_ntp_mono_root_write(const struct visor_ntp_mono_root *field,
                               uint8_t body[VISOR_NTP_MONO_ROOT_SIZE]);

/* Body of 010A: how long the last packet from there was on the way to us that we know of, its frame
 * included, in seconds as a timestamp; 0: not known. */
#define VISOR_NTP_NET_CORRECTION_SIZE 24
int64_t visor_ntp_net_correction_read(const uint8_t *body, size_t size); /* ns; -1: malformed */
void visor_ntp_net_correction_write(int64_t ns, uint8_t body[VISOR_NTP_NET_CORRECTION_SIZE]);

/* Timestamps. To the nearest 2^-32 s and nearest ns: ns -> timestamp -> ns gives the same ns. The
 * stamp 0 means "none" on the wire; a time that would give it gives 1. */
uint64_t visor_ntp_from_wall(visor_wall wall);
visor_wall visor_ntp_to_wall(uint64_t timestamp);

/* later - earlier in ns, right across an era change, for differences below 68 years. */
int64_t visor_ntp_diff_ns(uint64_t later, uint64_t earlier);
/* To the nearest 2^-32 s; never 0. */
uint64_t visor_ntp_add_ns(uint64_t timestamp, int64_t ns);

/* Short format 16.16 and F323's 4.28. Both ways round up (a delay or dispersion is a bound), except
 * that whatever fits exactly is kept; negative gives 0, too large the largest. */
uint32_t visor_ntp_short_from_ns(int64_t ns);
int64_t visor_ntp_short_to_ns(uint32_t value);
uint32_t visor_ntp_short28_from_ns(int64_t ns);
int64_t visor_ntp_short28_to_ns(uint32_t value);

/* NTP's 32-bit identifier of an address: IPv4 as it is, IPv6 the first four bytes of its MD5. */
uint32_t visor_ntp_refid(const struct visor_address *address);

#endif
