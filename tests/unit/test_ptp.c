#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ptp.h"

#define SIZE (VISOR_PTP_PREFIX + 48)

/* By hand, after the standard: a Delay_Req of domain 123, sequence 0x0102, held for 1.5 us. */
static void make(uint8_t packet[SIZE])
{
    static const uint8_t head[] = {0x01, 0x02, 0x00, 0x68, 0x7b, 0x00, 0x04, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x05, 0xdc, 0x80, 0x00};
    static const uint8_t tlv[] = {0x00, 0x03, 0x00, 0x38, 0x00, 0x00, 0x5e, 0x00, 0x00, 0x01};

    memset(packet, 0, SIZE);
    memcpy(packet, head, sizeof(head));
    packet[30] = 1;
    packet[31] = 2;
    memcpy(packet + 44, tlv, sizeof(tlv));
    packet[56] = 0x23;
}

static void test_read__finds_message_and_correction(void **state)
{
    struct visor_ptp_message message;
    uint8_t packet[SIZE];

    (void)state;
    make(packet);
    assert_true(visor_ptp_read(&message, packet, SIZE, 123));
    assert_ptr_equal(message.ntp, packet + 56);
    assert_int_equal(message.size, 48);
    assert_int_equal(message.correction_ns, 1500);
    memset(packet + 8, 0xff, 8); /* -1: less than a nanosecond */
    assert_true(visor_ptp_read(&message, packet, SIZE, 123));
    assert_int_equal(message.correction_ns, 0);
}

static void test_read__refuses_what_is_not_ours(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 2}, {1, 1}, {3, 0x67}, {4, 124}, {6, 0}, {44, 1}, {47, 0x37}, {53, 2}};
    struct visor_ptp_message message;
    uint8_t packet[SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        make(packet);
        packet[wrong[i].at] = wrong[i].value;
        assert_false(visor_ptp_read(&message, packet, SIZE, 123));
    }
    make(packet);
    assert_false(visor_ptp_read(&message, packet, SIZE - 1, 123));
    assert_false(visor_ptp_read(&message, packet, VISOR_PTP_PREFIX, 123));
}

static void test_write__as_the_standard_has_it(void **state)
{
    uint8_t expected[SIZE], prefix[VISOR_PTP_PREFIX];

    (void)state;
    make(expected);
    memset(expected + 8, 0, 8);
    visor_ptp_write(prefix, 123, 0x0102, 48);
    assert_memory_equal(prefix, expected, VISOR_PTP_PREFIX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__finds_message_and_correction),
        cmocka_unit_test(test_read__refuses_what_is_not_ours),
        cmocka_unit_test(test_write__as_the_standard_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
