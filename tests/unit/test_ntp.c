#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/md5.h"
#include "wire/ntp.h"

static void hex(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    text[2 * size] = '\0';
}

/* The test suite of RFC 1321, A.5. */
static void test_md5_digest__rfc1321(void **state)
{
    static const char *const vectors[][2] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t digest[16];
        char text[33];

        visor_md5_digest(vectors[i][0], strlen(vectors[i][0]), digest);
        hex(digest, 16, text);
        assert_string_equal(text, vectors[i][1]);
    }
}

static void test_refid__ipv4_as_it_is_ipv6_hashed(void **state)
{
    struct visor_address address;

    (void)state;
    assert_true(visor_address_parse("192.0.2.7", &address));
    assert_int_equal(visor_ntp_refid(&address), 0xc0000207);
    assert_true(visor_address_parse("2001:db8::1", &address));
    assert_int_equal(visor_ntp_refid(&address), 0x39ab9b37);
    assert_int_equal(visor_ntp_refid(&(struct visor_address){0}), 0);
}

/* RFC 5905, figure 4: eras and moments, as seconds since 1970 and the 32-bit NTP second. */
static void test_timestamps__known_moments_and_the_era_of_2036(void **state)
{
    static const struct {
        int64_t unix_s;
        uint64_t timestamp;
    } known[] = {
        {315532800, UINT64_C(2524521600) << 32}, /* first second of the window */
        {1700000000, UINT64_C(3908988800) << 32},
        {2085978495, UINT64_C(0xffffffff) << 32}, /* 2036-02-07 06:28:15 */
        {2085978496, 1},                          /* era 1 begins; 0 would mean "none" */
        {2085978497, UINT64_C(1) << 32},
        {4610500095, UINT64_C(2524521599) << 32}, /* last second of the window */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        visor_wall wall = {known[i].unix_s * VISOR_NS_PER_S};

        assert_true(visor_ntp_from_wall(wall) == known[i].timestamp);
        assert_true(visor_ntp_to_wall(known[i].timestamp).ns == wall.ns);
    }
    assert_true(visor_ntp_to_wall(UINT64_C(3908988800) << 32 | 0x80000000).ns ==
                INT64_C(1700000000500000000));
}

static void test_timestamps__every_nanosecond_survives(void **state)
{
    (void)state;
    for (int64_t ns = 0; ns < VISOR_NS_PER_S; ns += 7919) {
        visor_wall wall = {INT64_C(2085978495) * VISOR_NS_PER_S + ns};

        assert_true(visor_ntp_to_wall(visor_ntp_from_wall(wall)).ns == wall.ns);
    }
    for (int64_t ns = -3; ns <= 3; ns++) {
        visor_wall wall = {INT64_C(1800000000) * VISOR_NS_PER_S + ns};

        assert_true(visor_ntp_to_wall(visor_ntp_from_wall(wall)).ns == wall.ns);
    }
}

static void test_diff_ns__across_the_era_and_negative(void **state)
{
    visor_wall before = {INT64_C(2085978495999999999)}, after = {INT64_C(2085978496000000002)};

    (void)state;
    assert_int_equal(visor_ntp_diff_ns(visor_ntp_from_wall(after), visor_ntp_from_wall(before)), 3);
    assert_int_equal(visor_ntp_diff_ns(visor_ntp_from_wall(before), visor_ntp_from_wall(after)),
                     -3);
    after.ns = INT64_C(1700000000000000002); /* 8.59 units of 2^-32 s */
    assert_int_equal(visor_ntp_from_wall(after) & UINT32_MAX, 9);
    assert_int_equal(visor_ntp_diff_ns(UINT64_C(10) << 32, UINT64_C(8) << 32), 2000000000);
    assert_true(visor_ntp_add_ns(UINT64_C(10) << 32, -1500000000) == UINT64_C(17) << 31);
    assert_true(visor_ntp_add_ns(UINT64_C(0xffffffff) << 32, 1000000000) == 1); /* never 0 */
}

static void test_short_format__rounds_outward(void **state)
{
    (void)state;
    assert_int_equal(visor_ntp_short_from_ns(0), 0);
    assert_int_equal(visor_ntp_short_from_ns(-5), 0);
    assert_int_equal(visor_ntp_short_from_ns(1), 1);
    assert_int_equal(visor_ntp_short_from_ns(1000000000), 0x10000);
    assert_int_equal(visor_ntp_short_from_ns(1000000001), 0x10001);
    assert_int_equal(visor_ntp_short_from_ns(INT64_MAX), UINT32_MAX);
    assert_int_equal(visor_ntp_short_from_ns(INT64_C(65536) * VISOR_NS_PER_S), UINT32_MAX);
    assert_int_equal(visor_ntp_short_to_ns(0x10000), 1000000000);
    assert_int_equal(visor_ntp_short_to_ns(1), 15259);
    for (int64_t ns = 1; ns < 100000000; ns = ns * 3 + 1) {
        assert_true(visor_ntp_short_to_ns(visor_ntp_short_from_ns(ns)) >= ns);
        assert_true(visor_ntp_short_to_ns(visor_ntp_short_from_ns(ns)) <= ns + 15259);
        assert_true(visor_ntp_short28_to_ns(visor_ntp_short28_from_ns(ns)) >= ns);
        assert_true(visor_ntp_short28_to_ns(visor_ntp_short28_from_ns(ns)) <= ns + 4);
    }
    assert_int_equal(visor_ntp_short28_from_ns(INT64_C(16) * VISOR_NS_PER_S), UINT32_MAX);
    assert_true(visor_ntp_short28_to_ns(UINT32_MAX) > INT64_C(65535) * VISOR_NS_PER_S);
}

static struct visor_ntp_header example(void)
{
    return (struct visor_ntp_header){.leap = VISOR_LEAP_INSERT,
                                     .version = 4,
                                     .mode = VISOR_NTP_MODE_SERVER,
                                     .stratum = 2,
                                     .poll = -3,
                                     .precision = -24,
                                     .root_delay = 0x123,
                                     .root_dispersion = 0x456,
                                     .refid = 0xc0000201,
                                     .reference = 1,
                                     .origin = 2,
                                     .receive = 3,
                                     .transmit = UINT64_C(0xfedcba9876543210)};
}

static void test_header__written_and_read(void **state)
{
    struct visor_ntp_header in = example(), out;
    struct visor_ntp_layout layout;
    uint8_t data[VISOR_NTP_HEADER];

    (void)state;
    assert_int_equal(visor_ntp_write(&in, data, sizeof(data) - 1), 0);
    assert_int_equal(visor_ntp_write(&in, data, sizeof(data)), 48);
    assert_int_equal(data[0], 0x64); /* leap 1, version 4, mode 4 */
    assert_int_equal(data[2], 0xfd);
    assert_int_equal(data[47], 0x10);
    assert_true(visor_ntp_read(&out, &layout, data, sizeof(data)));
    assert_int_equal(out.leap, in.leap);
    assert_int_equal(out.mode, in.mode);
    assert_int_equal(out.poll, -3);
    assert_int_equal(out.precision, -24);
    assert_int_equal(out.refid, in.refid);
    assert_true(out.transmit == in.transmit && out.origin == 2 && out.receive == 3);
    assert_int_equal(layout.mac_size, 0);
    assert_int_equal(layout.fields_end, 48);
}

static void test_read__where_the_mac_lies(void **state)
{
    static const struct {
        uint8_t version;
        size_t rest, mac;
        bool taken;
    } cases[] = {
        {4, 20, 20, true}, {4, 24, 24, true}, {4, 16, 0, false}, {4, 28, 0, false},
        {4, 12, 0, false}, {4, 36, 0, false}, {4, 2, 0, false},  {3, 20, 20, true},
        {3, 24, 24, true}, {3, 36, 36, true}, {3, 52, 52, true}, {3, 68, 68, true},
        {1, 20, 20, true}, {5, 0, 0, false},  {0, 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_ntp_header header = example(), out;
        struct visor_ntp_layout layout;
        uint8_t data[200] = {0};

        header.version = cases[i].version;
        visor_ntp_write(&header, data, sizeof(data));
        data[51] = 9; /* key id 9; as a field: type 0, length 9 */
        if (visor_ntp_read(&out, &layout, data, 48 + cases[i].rest) != cases[i].taken)
            fail_msg("case %zu", i);
        if (!cases[i].taken)
            continue;
        assert_int_equal(layout.mac_size, cases[i].mac);
        assert_int_equal(layout.key, 9);
        assert_int_equal(layout.fields_end, 48);
        assert_int_equal(layout.mssntp, cases[i].version == 3 && cases[i].rest == 20);
    }
}

static void test_read__crypto_nak(void **state)
{
    struct visor_ntp_header header = example();
    struct visor_ntp_layout layout;
    uint8_t data[52] = {0};

    (void)state;
    visor_ntp_write(&header, data, sizeof(data));
    assert_true(visor_ntp_read(&header, &layout, data, sizeof(data)));
    assert_true(layout.nak);
    assert_int_equal(layout.mac_size, 4);
    data[51] = 1;
    assert_false(visor_ntp_read(&header, &layout, data, sizeof(data)));
}

static void test_fields__walked_and_flagged(void **state)
{
    struct visor_ntp_header header = example();
    struct visor_ntp_mono_root in = {.root_delay = 7,
                                     .root_dispersion = 8,
                                     .receive = UINT64_C(0x1122334455667788),
                                     .epoch = 99},
                               out;
    struct visor_ntp_layout layout;
    struct visor_ntp_field field;
    uint8_t data[200] = {0}, body[VISOR_NTP_MONO_ROOT_SIZE];
    size_t size, at = VISOR_NTP_HEADER;

    (void)state;
    size = visor_ntp_write(&header, data, sizeof(data));
    visor_ntp_mono_root_write(&in, body);
    size = visor_ntp_field_write(data, sizeof(data), size, VISOR_NTP_FIELD_MONO_ROOT, body,
                                 sizeof(body));
    size = visor_ntp_field_write(data, sizeof(data), size, 0x2345, NULL, 12);
    assert_int_equal(size, 48 + 28 + 16);
    size += 20; /* a MAC */
    data[size - 17] = 5;
    assert_true(visor_ntp_read(&header, &layout, data, size));
    assert_int_equal(layout.fields, VISOR_NTP_HAS_MONO_ROOT | VISOR_NTP_HAS_UNKNOWN);
    assert_int_equal(layout.fields_end, 92);
    assert_int_equal(layout.key, 5);
    assert_true(visor_ntp_field_next(data, &layout, &at, &field));
    assert_int_equal(field.type, VISOR_NTP_FIELD_MONO_ROOT);
    assert_true(visor_ntp_mono_root_read(&out, field.body, field.size));
    assert_true(out.receive == in.receive && out.epoch == 99 && out.root_delay == 7);
    assert_true(visor_ntp_field_next(data, &layout, &at, &field));
    assert_int_equal(field.type, 0x2345);
    assert_int_equal(field.size, 12);
    assert_false(visor_ntp_field_next(data, &layout, &at, &field));
}

static void test_fields__broken_ones_are_refused(void **state)
{
    struct visor_ntp_header header = example();
    struct visor_ntp_layout layout;
    uint8_t data[100] = {0};
    size_t size = visor_ntp_write(&header, data, sizeof(data));

    (void)state;
    assert_int_equal(visor_ntp_field_write(data, sizeof(data), 48, 1, NULL, 8), 48);  /* short */
    assert_int_equal(visor_ntp_field_write(data, sizeof(data), 48, 1, NULL, 30), 48); /* 4 | size */
    assert_int_equal(visor_ntp_field_write(data, sizeof(data), 48, 1, NULL, 52), 48); /* no room */
    assert_int_equal(visor_ntp_field_write(data, sizeof(data), 200, 1, NULL, 12), 200);
    size = visor_ntp_field_write(data, sizeof(data), size, 1, NULL, 28);
    assert_true(visor_ntp_read(&header, &layout, data, size));
    data[51] = 36; /* longer than the packet */
    assert_false(visor_ntp_read(&header, &layout, data, size));
    data[51] = 30; /* not a multiple of four */
    assert_false(visor_ntp_read(&header, &layout, data, size));
    data[51] = 18; /* neither are these two, though together they would be */
    data[48 + 18 + 3] = 18;
    assert_false(visor_ntp_read(&header, &layout, data, 48 + 36));
    data[48 + 18 + 3] = 0;
    data[51] = 0; /* would never end */
    assert_false(visor_ntp_read(&header, &layout, data, size));
    data[51] = 28; /* four bytes remain, not zero */
    data[79] = 1;
    assert_false(visor_ntp_read(&header, &layout, data, size));
}

static void test_read__wrong_lengths(void **state)
{
    struct visor_ntp_header header = example();
    struct visor_ntp_layout layout;
    static uint8_t data[VISOR_NTP_PACKET_MAX + 4];

    (void)state;
    visor_ntp_write(&header, data, sizeof(data));
    for (size_t size = 0; size < 48; size++)
        assert_false(visor_ntp_read(&header, &layout, data, size));
    assert_false(visor_ntp_read(&header, &layout, data, 49));
    assert_false(visor_ntp_read(&header, &layout, data, sizeof(data)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_md5_digest__rfc1321),
        cmocka_unit_test(test_refid__ipv4_as_it_is_ipv6_hashed),
        cmocka_unit_test(test_timestamps__known_moments_and_the_era_of_2036),
        cmocka_unit_test(test_timestamps__every_nanosecond_survives),
        cmocka_unit_test(test_diff_ns__across_the_era_and_negative),
        cmocka_unit_test(test_short_format__rounds_outward),
        cmocka_unit_test(test_header__written_and_read),
        cmocka_unit_test(test_read__where_the_mac_lies),
        cmocka_unit_test(test_read__crypto_nak),
        cmocka_unit_test(test_fields__walked_and_flagged),
        cmocka_unit_test(test_fields__broken_ones_are_refused),
        cmocka_unit_test(test_read__wrong_lengths),
    };

    return cmocka_run_group_tests_name("ntp", tests, NULL, NULL);
}
