/* Address text, written out by hand since the pure floors have no resolver headers. */
#include "base/address.h"

#include <string.h>

bool visor_address_same(const struct visor_address *a, const struct visor_address *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Four decimal octets without leading zeros; true if `text` up to `end` is just that. */
static bool parse_ipv4(const char *text, uint8_t bytes[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned int value = 0;
        int digits = 0;

        while (*text >= '0' && *text <= '9' && digits < 4) {
            if (digits > 0 && value == 0)
                return false;
            value = value * 10 + (unsigned int)(*text++ - '0');
            digits++;
        }
        if (digits == 0 || value > 255)
            return false;
        bytes[i] = (uint8_t)value;
        if (*text++ != (i < 3 ? '.' : '\0'))
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One group of up to four hex digits; NULL if there is none. */
static const char *parse_group(const char *text, uint8_t to[2])
{
    unsigned int value = 0;
    int digits = 0;

    while (hex_digit(*text) >= 0 && digits < 4) {
        value = value << 4 | (unsigned int)hex_digit(*text++);
        digits++;
    }
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return digits > 0 ? text : NULL;
}

static bool parse_ipv6(const char *text, uint8_t bytes[16])
{
    uint8_t groups[16] = {0};
    int at = 0, gap = -1;

    if (text[0] == ':') {
        if (text[1] != ':')
            return false;
        text++;
    }
    while (*text && at < 16) {
        const char *end;

        if (*text == ':') {
            if (gap >= 0)
                return false;
            gap = at;
            if (*++text == '\0')
                break;
        }
        if (at <= 12 && parse_ipv4(text, groups + at)) {
            at += 4;
            text = "";
            break;
        }
        end = parse_group(text, groups + at);
        if (!end)
            return false;
        at += 2;
        text = end;
        if (*text == ':' && text[1] != '\0')
            text++;
        else if (*text)
            return false;
    }
    if (*text || (gap < 0 ? at != 16 : at > 14))
        return false;
    memset(bytes, 0, 16);
    if (gap < 0)
        gap = at;
    memcpy(bytes, groups, (size_t)gap);
    memcpy(bytes + 16 - (at - gap), groups + gap, (size_t)(at - gap));
    return true;
}

bool visor_address_parse(const char *text, struct visor_address *address)
{
    memset(address, 0, sizeof(*address));
    if (parse_ipv4(text, address->bytes)) {
        address->family = VISOR_FAMILY_IPV4;
        return true;
    }
    memset(address->bytes, 0, sizeof(address->bytes));
    if (parse_ipv6(text, address->bytes)) {
        address->family = VISOR_FAMILY_IPV6;
        return true;
    }
    memset(address->bytes, 0, sizeof(address->bytes));
    return false;
}

struct cursor {
    char *text;
    size_t size, at;
};

static void put(struct cursor *c, char character)
{
    if (c->at + 1 < c->size)
        c->text[c->at++] = character;
}

static void put_number(struct cursor *c, unsigned int value, unsigned int base)
{
    if (value >= base)
        put_number(c, value / base, base);
    put(c, "0123456789abcdef"[value % base]);
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). */
static int find_gap(const unsigned int groups[8], int *length)
{
    int best = -1;

    *length = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;

        while (i + run < 8 && groups[i + run] == 0)
            run++;
        if (run > *length) {
            best = i;
            *length = run;
        }
        i += run;
    }
    return best;
}

static void print_ipv6(struct cursor *c, const uint8_t bytes[16])
{
    unsigned int groups[8];
    int gap, length;

    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
    gap = find_gap(groups, &length);
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            put(c, ':');
            put(c, ':');
            i += length - 1;
            continue;
        }
        if (i > 0 && i != gap + length)
            put(c, ':');
        else if (i > 0 && gap < 0)
            put(c, ':');
        put_number(c, groups[i], 16);
    }
}

char *visor_address_print(const struct visor_address *address, char *text, size_t size)
{
    struct cursor c = {text, size, 0};

    if (address->family == VISOR_FAMILY_IPV6) {
        print_ipv6(&c, address->bytes);
    } else if (address->family == VISOR_FAMILY_IPV4) {
        for (int i = 0; i < 4; i++) {
            if (i > 0)
                put(&c, '.');
            put_number(&c, address->bytes[i], 10);
        }
    } else {
        put(&c, '-');
    }
    if (size > 0)
        text[c.at] = '\0';
    return text;
}
