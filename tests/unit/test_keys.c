/* Key files and the MACs made with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"
#include "port/mac.h"

#include <string.h>

static struct visor_diagnoses diagnoses;

static struct visor_keys *parse(const char *text)
{
    struct visor_keys *keys;

    visor_diagnoses_done(&diagnoses);
    keys = visor_keys_parse("keys", text, strlen(text), &diagnoses);
    assert_non_null(keys);
    return keys;
}

static void test_parse__all_forms(void **state)
{
    struct visor_keys *keys = parse("# comment\n"
                                    "\n"
                                    "20 MD5 ASCII:crocus\n"
                                    "10 tulip\n"
                                    "  25 SHA1 HEX:933F62BE1D604E68A81B557F18CFA200483F5B70\r\n"
                                    "30 AES128 HEX:7EA62AE64D190114D46D5A082F948EC1\n"
                                    "4294967295 sha3-512 x");
    const struct visor_key *key;

    (void)state;
    assert_int_equal(diagnoses.count, 0);
    assert_int_equal(visor_keys_count(keys), 5);
    key = visor_keys_find(keys, 20);
    assert_int_equal(key->type, VISOR_KEY_MD5);
    assert_int_equal(key->length, 6);
    assert_memory_equal(key->secret, "crocus", 6);
    key = visor_keys_find(keys, 10);
    assert_int_equal(key->type, VISOR_KEY_MD5);
    assert_memory_equal(key->secret, "tulip", 5);
    key = visor_keys_find(keys, 25);
    assert_int_equal(key->length, 20);
    assert_int_equal(key->secret[19], 0x70);
    assert_int_equal(visor_keys_find(keys, 30)->type, VISOR_KEY_AES128);
    assert_int_equal(visor_keys_find(keys, 4294967295)->type, VISOR_KEY_SHA3_512);
    assert_null(visor_keys_find(keys, 11));
    assert_null(visor_keys_find(NULL, 11));
    visor_keys_free(keys);
}

/* A wrong line is said and left out, and no secret is shown. */
static void wrong(const char *line, const char *sentence)
{
    struct visor_keys *keys = parse(line);
    char text[VISOR_DIAGNOSIS_TEXT];

    assert_int_equal(diagnoses.count, 1);
    assert_int_equal(diagnoses.items[0].severity, VISOR_DIAGNOSIS_WARNING);
    assert_string_equal(visor_diagnosis_print(&diagnoses.items[0], NULL, text, sizeof(text)),
                        sentence);
    assert_int_equal(visor_keys_count(keys), 0);
    visor_keys_free(keys);
}

static void test_parse__wrong_lines(void **state)
{
    (void)state;
    wrong("7", "keys:1: warning: a line wants an ID, a type (or none: MD5) and a key");
    wrong("7 MD5 a b", "keys:1: warning: a line wants an ID, a type (or none: MD5) and a key");
    wrong("0 MD5 a", "keys:1: warning: '0' is not an ID: 1 to 4294967295; the key is left out");
    wrong("7x MD5 a", "keys:1: warning: '7x' is not an ID: 1 to 4294967295; the key is left out");
    wrong("4294967296 MD5 a",
          "keys:1: warning: '4294967296' is not an ID: 1 to 4294967295; the key is left out");
    wrong("7 SHA265 a", "keys:1: warning: 'SHA265' is not a type of key known here; the key is "
                        "left out; did you mean 'SHA256'?");
    wrong("7 MD5 HEX:ABC",
          "keys:1: warning: key 7 is empty or has wrong hexadecimal digits; it is left out");
    wrong("7 MD5 HEX:", "keys:1: warning: key 7 is empty or has wrong hexadecimal digits; it is "
                        "left out");
    wrong("7 MD5 ASCII:",
          "keys:1: warning: key 7 is empty or has wrong hexadecimal digits; it is left out");
    wrong("\n\n7 AES256 HEX:00", "keys:3: warning: key 7 has the wrong length: AES256 wants 32 "
                                 "bytes; it is left out");
}

static void test_parse__last_of_duplicates_counts(void **state)
{
    struct visor_keys *keys = parse("5 MD5 first\n6 MD5 other\n5 SHA1 second\n");

    (void)state;
    assert_int_equal(diagnoses.count, 1);
    assert_int_equal(visor_keys_count(keys), 2);
    assert_memory_equal(visor_keys_find(keys, 5)->secret, "second", 6);
    assert_int_equal(visor_keys_find(keys, 5)->type, VISOR_KEY_SHA1);
    visor_keys_free(keys);
}

static void from_hex(const char *hex, uint8_t *bytes)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        char high = hex[2 * i], low = hex[2 * i + 1];

        bytes[i] = (uint8_t)((high > '9' ? high - 'a' + 10 : high - '0') << 4 |
                             (low > '9' ? low - 'a' + 10 : low - '0'));
    }
}

static void check_mac(const char *line, const void *data, size_t size, const char *hex)
{
    struct visor_keys *keys = parse(line);
    const struct visor_key *key = visor_keys_find(keys, 1);
    uint8_t right[VISOR_MAC_MAX], mac[VISOR_MAC_MAX];
    size_t length = strlen(hex) / 2;

    assert_non_null(key);
    from_hex(hex, right);
    assert_int_equal(visor_mac_length(key, 3), length);
    assert_int_equal(visor_mac_length(key, 4), length < 20 ? length : 20);
    assert_int_equal(visor_mac_write(key, data, size, mac, sizeof(mac)), length);
    assert_memory_equal(mac, right, length);
    assert_true(visor_mac_check(key, 3, data, size, mac, length));
    assert_true(visor_mac_check(key, 4, data, size, mac, visor_mac_length(key, 4)));
    assert_true(visor_mac_check(key, 4, data, size, mac, length)); /* a long one, uncut */
    if (length > 20)
        assert_false(visor_mac_check(key, 3, data, size, mac, 20));
    assert_false(visor_mac_check(key, 4, data, size, mac, 8));
    assert_false(visor_mac_check(key, 4, data, size, mac, 0));
    mac[length - 1] ^= 1;
    assert_false(visor_mac_check(key, 3, data, size, mac, length));
    visor_keys_free(keys);
}

static void test_mac__hashes(void **state)
{
    static const char data[] = "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc";

    (void)state;
    check_mac("1 MD5 tulip", data, 48, "7b70ea429e8b952ebae0986cb58f94f3");
    check_mac("1 SHA1 tulip", data, 48, "1d606ee9a80e74acc15dd2747f47875a8440ee52");
    check_mac("1 SHA256 tulip", data, 48,
              "bb79ebb9acba38d1afa1c89b4333fbad911cb86a415c9031a187f8892d0221e8");
    check_mac("1 SHA384 tulip", data, 48,
              "776f5c0c481140e350b3c2a7abe130c68d85793c7310f23d843736c665b432a759e0ee40733b8981"
              "108710cc5c91d588");
    check_mac("1 SHA512 tulip", data, 48,
              "507d9838a4187db6b69f83fe8f464ab8db11336109b423c470ee6ec76454bb10a4b5da11cb7e61e0"
              "1c9cbf697ef71fdb746c8c61f965927f89970204fe28a36f");
    check_mac("1 SHA3-224 tulip", data, 48,
              "c87abe27b00b0d264fc035ae9cd2ea5150597ff5d9566a57b9db7365");
    check_mac("1 SHA3-256 tulip", data, 48,
              "3e5336b5ad7a116e94abc7ba47497e22f163764acb14c9b1a72299ec9572efe5");
    check_mac("1 SHA3-384 tulip", data, 48,
              "5022439473b39b95bef6dd6d7f20250a01455e471aab42e6dff4feb41c6fd3b0d36aa73ce6c9bbaa"
              "3812245b893c8016");
    check_mac("1 SHA3-512 tulip", data, 48,
              "51200b2b1084b514c7a2c34993cdfd950fe5ece44ed18e2c6b1e7cc6cdc9f7f5f4273fb2558699df"
              "929c0e627cbed1881119c3e3aa5f3e7c31e702d0928baa75");
}

/* RFC 4493, and NIST SP 800-38B for AES-256. */
static void test_mac__ciphers(void **state)
{
    uint8_t data[16];

    (void)state;
    from_hex("6bc1bee22e409f96e93d7e117393172a", data);
    check_mac("1 AES128 HEX:2b7e151628aed2a6abf7158809cf4f3c", data, 0,
              "bb1d6929e95937287fa37d129b756746");
    check_mac("1 AES128 HEX:2b7e151628aed2a6abf7158809cf4f3c", data, 16,
              "070a16b46b4d4144f79bdd9dd04a287c");
    check_mac("1 AES256 HEX:603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", data,
              0, "028962f61b7bf89efc6b551f4667d983");
    check_mac("1 AES256 HEX:603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", data,
              16, "28a7023f452e8f82bd4bf28d8c37c35c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__all_forms),
        cmocka_unit_test(test_parse__wrong_lines),
        cmocka_unit_test(test_parse__last_of_duplicates_counts),
        cmocka_unit_test(test_mac__hashes),
        cmocka_unit_test(test_mac__ciphers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    visor_diagnoses_done(&diagnoses);
    return failed;
}
