/* NTP packet codec. Sources: RFC 5905 section 7.3 (header), 6 (timestamps), RFC 7822 (how an
 * extension field is told from a MAC), the experimental fields F323/F324 as chronyd sends them.
 * Left to others: making and checking MACs (port), every decision about a packet (engine). */
#include "wire/ntp.h"

#include "base/bytes.h"
#include "wire/md5.h"

#include <string.h>

#define NTP_UNIX_OFFSET_S INT64_C(2208988800) /* 1900-01-01 to 1970-01-01 */
#define MAC_MIN           20                  /* key id and 128 bits */
#define MAC_V4_MAX        24 /* RFC 7822: so that a MAC and a field can be told apart */
#define MONO_ROOT_MAGIC   UINT32_C(0xf5bedd9a)

static bool all_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

static uint32_t peek_u32(const uint8_t *data)
{
    struct visor_reader r = visor_reader_over(data, 4);

    return visor_read_u32(&r);
}

static uint32_t field_flag(const struct visor_ntp_field *field)
{
    switch (field->type) {
    case VISOR_NTP_FIELD_UNIQUE_ID:
    case VISOR_NTP_FIELD_COOKIE:
    case VISOR_NTP_FIELD_COOKIE_PLACEHOLDER:
    case VISOR_NTP_FIELD_AUTH:
        return VISOR_NTP_HAS_NTS;
    case VISOR_NTP_FIELD_NET_CORRECTION:
    case VISOR_NTP_FIELD_NET_CORRECTION_EXP:
        return field->size == VISOR_NTP_NET_CORRECTION_SIZE ? VISOR_NTP_HAS_NET_CORRECTION
                                                            : VISOR_NTP_HAS_UNKNOWN;
    case VISOR_NTP_FIELD_MONO_ROOT:
        return field->size == VISOR_NTP_MONO_ROOT_SIZE && peek_u32(field->body) == MONO_ROOT_MAGIC
                   ? VISOR_NTP_HAS_MONO_ROOT
                   : VISOR_NTP_HAS_UNKNOWN;
    default:
        return VISOR_NTP_HAS_UNKNOWN;
    }
}

/* The field at `at` in data[0, end). */
static bool field_read(const uint8_t *data, size_t end, size_t at, struct visor_ntp_field *field)
{
    size_t size;

    if (end - at < VISOR_NTP_FIELD_MIN)
        return false;
    size = (size_t)data[at + 2] << 8 | data[at + 3];
    if (size < VISOR_NTP_FIELD_MIN || size % 4 != 0 || size > end - at)
        return false;
    field->type = (uint16_t)(data[at] << 8 | data[at + 1]);
    field->body = data + at + 4;
    field->size = size - 4;
    field->at = at;
    return true;
}

/* Before version 4 there are no fields: what follows the header is a MAC. */
static void layout_old(struct visor_ntp_layout *layout, const uint8_t *data, uint8_t version)
{
    const uint8_t *mac = data + VISOR_NTP_HEADER;
    size_t size = layout->size - VISOR_NTP_HEADER;

    layout->mac_size = size;
    layout->key = peek_u32(mac);
    layout->nak = size == 4 && layout->key == 0;
    if (version == 3 && layout->key != 0)
        layout->mssntp = (size == 20 && all_zero(mac + 4, size - 4)) ||
                         (size == 72 && all_zero(mac + 8, size - 8));
}

/* RFC 7822: 20 or 24 bytes left are a MAC, 4 zero bytes a crypto-NAK, all else is fields. */
static bool layout_v4(struct visor_ntp_layout *layout, const uint8_t *data)
{
    struct visor_ntp_field field;

    while (layout->fields_end < layout->size) {
        size_t rest = layout->size - layout->fields_end;

        if ((rest >= MAC_MIN && rest <= MAC_V4_MAX) || rest == 4) {
            layout->mac_size = rest;
            layout->key = peek_u32(data + layout->fields_end);
            layout->nak = rest == 4;
            return rest != 4 || layout->key == 0;
        }
        if (!field_read(data, layout->size, layout->fields_end, &field))
            return false;
        layout->fields |= field_flag(&field);
        layout->fields_end += field.size + 4;
    }
    return true;
}

bool visor_ntp_read(struct visor_ntp_header *header, struct visor_ntp_layout *layout,
                    const uint8_t *data, size_t size)
{
    struct visor_reader r = visor_reader_over(data, size);
    uint8_t first;

    if (size < VISOR_NTP_HEADER || size > VISOR_NTP_PACKET_MAX || size % 4 != 0)
        return false;
    first = visor_read_u8(&r);
    header->leap = (enum visor_leap)(first >> 6);
    header->version = first >> 3 & 7;
    header->mode = first & 7;
    header->stratum = visor_read_u8(&r);
    header->poll = (int8_t)visor_read_u8(&r);
    header->precision = (int8_t)visor_read_u8(&r);
    header->root_delay = visor_read_u32(&r);
    header->root_dispersion = visor_read_u32(&r);
    header->refid = visor_read_u32(&r);
    header->reference = visor_read_u64(&r);
    header->origin = visor_read_u64(&r);
    header->receive = visor_read_u64(&r);
    header->transmit = visor_read_u64(&r);
    if (header->version < 1 || header->version > VISOR_NTP_VERSION)
        return false;

    *layout = (struct visor_ntp_layout){.size = size, .fields_end = VISOR_NTP_HEADER};
    if (size == VISOR_NTP_HEADER)
        return true;
    if (header->version == 4)
        return layout_v4(layout, data);
    layout_old(layout, data, header->version);
    return true;
}

size_t visor_ntp_write(const struct visor_ntp_header *header, uint8_t *data, size_t size)
{
    struct visor_writer w = visor_writer_over(data, size);

    if (size < VISOR_NTP_HEADER)
        return 0;
    visor_write_u8(&w, (uint8_t)(((unsigned)header->leap & 3) << 6 | (header->version & 7u) << 3 |
                                 (header->mode & 7u)));
    visor_write_u8(&w, header->stratum);
    visor_write_u8(&w, (uint8_t)header->poll);
    visor_write_u8(&w, (uint8_t)header->precision);
    visor_write_u32(&w, header->root_delay);
    visor_write_u32(&w, header->root_dispersion);
    visor_write_u32(&w, header->refid);
    visor_write_u64(&w, header->reference);
    visor_write_u64(&w, header->origin);
    visor_write_u64(&w, header->receive);
    visor_write_u64(&w, header->transmit);
    return w.at;
}

bool visor_ntp_field_next(const uint8_t *data, const struct visor_ntp_layout *layout, size_t *at,
                          struct visor_ntp_field *field)
{
    if (*at < VISOR_NTP_HEADER || *at >= layout->fields_end ||
        !field_read(data, layout->fields_end, *at, field))
        return false;
    *at += field->size + 4;
    return true;
}

size_t visor_ntp_field_write(uint8_t *data, size_t capacity, size_t at, uint16_t type,
                             const uint8_t *body, size_t size)
{
    size_t total = size + 4;

    if (size % 4 != 0 || total < VISOR_NTP_FIELD_MIN || total > UINT16_MAX || at > capacity ||
        total > capacity - at)
        return at;
    data[at] = (uint8_t)(type >> 8);
    data[at + 1] = (uint8_t)type;
    data[at + 2] = (uint8_t)(total >> 8);
    data[at + 3] = (uint8_t)total;
    if (body)
        memcpy(data + at + 4, body, size);
    else
        memset(data + at + 4, 0, size);
    return at + total;
}

bool visor_ntp_mono_root_read(struct visor_ntp_mono_root *field, const uint8_t *body, size_t size)
{
    struct visor_reader r = visor_reader_over(body, size);

    if (size != VISOR_NTP_MONO_ROOT_SIZE || visor_read_u32(&r) != MONO_ROOT_MAGIC)
        return false;
    field->root_delay = visor_read_u32(&r);
    field->root_dispersion = visor_read_u32(&r);
    field->receive = visor_read_u64(&r);
    field->epoch = visor_read_u32(&r);
    return true;
}

void visor_ntp_mono_root_write(const struct visor_ntp_mono_root *field,
                               uint8_t body[VISOR_NTP_MONO_ROOT_SIZE])
{
    struct visor_writer w = visor_writer_over(body, VISOR_NTP_MONO_ROOT_SIZE);

    visor_write_u32(&w, MONO_ROOT_MAGIC);
    visor_write_u32(&w, field->root_delay);
    visor_write_u32(&w, field->root_dispersion);
    visor_write_u64(&w, field->receive);
    visor_write_u32(&w, field->epoch);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ns in units of 2^-32 s, modulo 2^64. */
static uint64_t units_from_ns(int64_t ns)
{
    int64_t seconds = floor_div(ns, VISOR_NS_PER_S);
    uint64_t rest = (uint64_t)(ns - seconds * VISOR_NS_PER_S);

    return ((uint64_t)seconds << 32) + ((rest << 32) + VISOR_NS_PER_S / 2) / VISOR_NS_PER_S;
}

int64_t visor_ntp_net_correction_read(const uint8_t *body, size_t size)
{
    struct visor_reader r = visor_reader_over(body, size);
    int64_t ns;

    if (size != VISOR_NTP_NET_CORRECTION_SIZE)
        return -1;
    ns = visor_ntp_diff_ns(visor_read_u64(&r), 0);
    return ns < 0 ? -1 : ns;
}

void visor_ntp_net_correction_write(int64_t ns, uint8_t body[VISOR_NTP_NET_CORRECTION_SIZE])
{
    struct visor_writer w = visor_writer_over(body, VISOR_NTP_NET_CORRECTION_SIZE);

    for (int i = 0; i < VISOR_NTP_NET_CORRECTION_SIZE; i++)
        body[i] = 0;
    visor_write_u64(&w, ns > 0 ? visor_ntp_add_ns(0, ns) : 0);
}

uint64_t visor_ntp_from_wall(visor_wall wall)
{
    uint64_t timestamp = units_from_ns(wall.ns) + ((uint64_t)NTP_UNIX_OFFSET_S << 32);

    return timestamp ? timestamp : 1;
}

uint64_t visor_ntp_add_ns(uint64_t timestamp, int64_t ns)
{
    uint64_t sum = timestamp + units_from_ns(ns);

    return sum ? sum : 1;
}

visor_wall visor_ntp_to_wall(uint64_t timestamp)
{
    uint32_t start = (uint32_t)(VISOR_NTP_ERA_START_S + NTP_UNIX_OFFSET_S);
    uint32_t elapsed = (uint32_t)(timestamp >> 32) - start;
    uint64_t fraction = timestamp & UINT32_MAX;
    uint64_t ns = (fraction * VISOR_NS_PER_S + (UINT64_C(1) << 31)) >> 32;

    return (visor_wall){(VISOR_NTP_ERA_START_S + (int64_t)elapsed) * VISOR_NS_PER_S + (int64_t)ns};
}

int64_t visor_ntp_diff_ns(uint64_t later, uint64_t earlier)
{
    int64_t difference = (int64_t)(later - earlier);
    int64_t seconds = floor_div(difference, INT64_C(1) << 32);
    uint64_t fraction = (uint64_t)difference & UINT32_MAX;

    return seconds * VISOR_NS_PER_S +
           (int64_t)((fraction * VISOR_NS_PER_S + (UINT64_C(1) << 31)) >> 32);
}

/* ns <-> fixed point with `bits` of fraction; up in both directions. */
static uint32_t fixed_from_ns(int64_t ns, int bits)
{
    uint64_t seconds, rest, value;

    if (ns <= 0)
        return 0;
    seconds = (uint64_t)ns / VISOR_NS_PER_S;
    rest = (uint64_t)ns % VISOR_NS_PER_S;
    if (seconds >> (32 - bits))
        return UINT32_MAX;
    value = (seconds << bits) + ((rest << bits) + VISOR_NS_PER_S - 1) / VISOR_NS_PER_S;
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static int64_t fixed_to_ns(uint32_t value, int bits)
{
    uint64_t one = UINT64_C(1) << bits;

    return (int64_t)(((uint64_t)value * VISOR_NS_PER_S + one - 1) >> bits);
}

uint32_t visor_ntp_short_from_ns(int64_t ns)
{
    return fixed_from_ns(ns, 16);
}

int64_t visor_ntp_short_to_ns(uint32_t value)
{
    return fixed_to_ns(value, 16);
}

uint32_t visor_ntp_short28_from_ns(int64_t ns)
{
    return fixed_from_ns(ns, 28);
}

/* The largest value means "16 s or more"; the short format's largest is the honest answer. */
int64_t visor_ntp_short28_to_ns(uint32_t value)
{
    return value == UINT32_MAX ? fixed_to_ns(UINT32_MAX, 16) : fixed_to_ns(value, 28);
}

uint32_t visor_ntp_refid(const struct visor_address *address)
{
    uint8_t digest[16];

    if (address->family == VISOR_FAMILY_IPV4)
        return peek_u32(address->bytes);
    if (address->family != VISOR_FAMILY_IPV6)
        return 0;
    visor_md5_digest(address->bytes, sizeof(address->bytes), digest);
    return peek_u32(digest);
}
