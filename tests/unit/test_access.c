#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/access.h"

static struct visor_access_config rule(bool allow, bool all, const char *subnet, uint8_t prefix)
{
    struct visor_access_config config = {.allow = allow, .all = all, .prefix = prefix};

    if (subnet)
        assert_true(visor_address_parse(subnet, &config.subnet));
    return config;
}

static bool allowed(const struct visor_access *access, const char *text)
{
    struct visor_address address;

    assert_true(visor_address_parse(text, &address));
    return visor_access_allows(access, &address);
}

static void test_allows__nobody_without_a_rule(void **state)
{
    struct visor_access *access = visor_access_new(NULL, 0);

    (void)state;
    assert_false(allowed(access, "1.2.3.4"));
    assert_false(allowed(access, "::1"));
    assert_false(allowed(NULL, "::1"));
    assert_false(visor_access_allows(access, &(struct visor_address){0}));
    assert_false(visor_access_any(access, VISOR_FAMILY_IPV4));
    assert_false(visor_access_any(NULL, VISOR_FAMILY_IPV6));
    visor_access_free(access);
}

/* The example of the manual: the same whatever the order. */
static void test_allows__more_specific_overrides_in_any_order(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct visor_access_config given[3] = {rule(true, false, "1.2.3.4", 32),
                                           rule(false, false, "1.2.3.0", 24),
                                           rule(true, false, "1.2.0.0", 16)};

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct visor_access_config rules[3] = {given[orders[i][0]], given[orders[i][1]],
                                               given[orders[i][2]]};
        struct visor_access *access = visor_access_new(rules, 3);

        assert_true(allowed(access, "1.2.3.4"));
        assert_false(allowed(access, "1.2.3.5"));
        assert_true(allowed(access, "1.2.4.1"));
        assert_false(allowed(access, "1.3.0.0"));
        assert_false(allowed(access, "102:304::"));
        visor_access_free(access);
    }
}

static void test_allows__all_forgets_what_was_said_inside(void **state)
{
    struct visor_access_config rules[] = {
        rule(true, false, "1.2.3.4", 32), rule(false, false, "1.2.3.0", 24),
        rule(false, false, "1.3.0.0", 16), rule(true, true, "1.2.0.0", 16),
        rule(false, false, "1.2.3.9", 32)};
    struct visor_access *access = visor_access_new(rules, 5);

    (void)state;
    assert_true(allowed(access, "1.2.3.5"));
    assert_true(allowed(access, "1.2.3.4"));
    assert_false(allowed(access, "1.2.3.9")); /* said after it */
    assert_false(allowed(access, "1.3.0.1"));
    visor_access_free(access);
}

static void test_allows__without_subnet_means_both_families(void **state)
{
    struct visor_access_config rules[] = {rule(true, false, NULL, 0),
                                          rule(false, false, "2001:db8::", 33),
                                          rule(true, false, "2001:db8:7fff::", 48)};
    struct visor_access *access = visor_access_new(rules, 3);

    (void)state;
    assert_true(allowed(access, "1.2.3.4"));
    assert_true(allowed(access, "2001:db9::1"));
    assert_false(allowed(access, "2001:db8:7ffe::1"));
    assert_true(allowed(access, "2001:db8:8000::1"));
    assert_true(allowed(access, "2001:db8:7fff::1"));
    visor_access_free(access);
    rules[0] = rule(true, false, "1.2.3.4", 33);
    assert_null(visor_access_new(rules, 1));
    rules[0] = rule(true, false, NULL, 4);
    assert_null(visor_access_new(rules, 1));
    strcpy(rules[0].name, "host.example");
    access = visor_access_new(rules, 1); /* not resolved: left out */
    assert_non_null(access);
    visor_access_free(access);
}

/* Within four bits the later rule wins, as chronyd documents. */
static void test_allows__equally_specific_the_later_wins(void **state)
{
    struct visor_access_config narrow = rule(false, false, "1.2.3.16", 28);
    struct visor_access_config wide = rule(true, false, "1.2.3.0", 25);
    struct visor_access *first = visor_access_new((struct visor_access_config[]){narrow, wide}, 2);
    struct visor_access *last = visor_access_new((struct visor_access_config[]){wide, narrow}, 2);

    (void)state;
    assert_true(allowed(first, "1.2.3.17"));
    assert_false(allowed(last, "1.2.3.17"));
    assert_true(allowed(last, "1.2.3.32"));
    assert_false(allowed(last, "1.2.3.128"));
    visor_access_free(first);
    visor_access_free(last);
}

static void test_any__finds_a_single_address(void **state)
{
    struct visor_access_config rules[] = {rule(false, true, NULL, 0),
                                          rule(true, false, "2001:db8::ffff:1", 128)};
    struct visor_access *access = visor_access_new(rules, 2);

    (void)state;
    assert_false(visor_access_any(access, VISOR_FAMILY_IPV4));
    assert_true(visor_access_any(access, VISOR_FAMILY_IPV6));
    visor_access_free(access);

    /* allowed as a whole, but every part is denied */
    rules[0] = rule(true, false, "0.0.0.0", 0);
    rules[1] = rule(false, false, "0.0.0.0", 1);
    access = visor_access_new(rules, 2);
    assert_true(visor_access_any(access, VISOR_FAMILY_IPV4));
    visor_access_free(access);
    {
        struct visor_access_config parts[] = {rule(true, false, "0.0.0.0", 0),
                                              rule(false, false, "0.0.0.0", 1),
                                              rule(false, false, "128.0.0.0", 1)};

        access = visor_access_new(parts, 3);
        assert_false(visor_access_any(access, VISOR_FAMILY_IPV4));
        visor_access_free(access);
    }
}

/* Against the plain reading of the rules: of those that match, the one at the deepest level of four
 * bits, and of these the last; `all` strikes out the earlier ones inside it. */
static bool plain(const struct visor_access_config *rules, size_t count, const uint8_t *bytes)
{
    bool dead[16] = {false}, result = false;
    int best = -1;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; rules[i].all && k < i; k++) {
            bool inside = (rules[k].prefix + 3) / 4 > (rules[i].prefix + 3) / 4;

            for (unsigned bit = 0; bit < rules[i].prefix; bit++)
                inside &= ((rules[k].subnet.bytes[bit / 8] ^ rules[i].subnet.bytes[bit / 8]) >>
                               (7 - bit % 8) &
                           1) == 0;
            dead[k] |= inside;
        }
    for (size_t i = 0; i < count; i++) {
        bool match = !dead[i];

        for (unsigned bit = 0; bit < rules[i].prefix; bit++)
            match &= ((bytes[bit / 8] ^ rules[i].subnet.bytes[bit / 8]) >> (7 - bit % 8) & 1) == 0;
        if (match && (rules[i].prefix + 3) / 4 >= best) {
            best = (rules[i].prefix + 3) / 4;
            result = rules[i].allow;
        }
    }
    return result;
}

static void test_allows__as_the_rules_read(void **state)
{
    struct visor_rng rng;

    (void)state;
    visor_rng_init(&rng, 4);
    for (int round = 0; round < 2000; round++) {
        struct visor_access_config rules[12] = {0};
        struct visor_access *access;

        for (int i = 0; i < 12; i++) {
            uint64_t random = visor_rng_next(&rng);

            rules[i].subnet.family = VISOR_FAMILY_IPV4;
            rules[i].subnet.bytes[0] = (uint8_t)(random & 0x81);
            rules[i].subnet.bytes[1] = (uint8_t)(random >> 8 & 0x13);
            rules[i].prefix = (uint8_t)(random >> 16 & 15);
            rules[i].allow = random >> 20 & 1;
            rules[i].all = (random >> 21 & 7) == 0;
        }
        access = visor_access_new(rules, 12);
        for (int i = 0; i < 64; i++) {
            uint64_t random = visor_rng_next(&rng);
            struct visor_address address = {
                .family = VISOR_FAMILY_IPV4,
                .bytes = {(uint8_t)(random & 0x83), (uint8_t)(random >> 8 & 0x17)}};

            assert_int_equal(visor_access_allows(access, &address),
                             plain(rules, 12, address.bytes));
        }
        visor_access_free(access);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allows__nobody_without_a_rule),
        cmocka_unit_test(test_allows__more_specific_overrides_in_any_order),
        cmocka_unit_test(test_allows__all_forgets_what_was_said_inside),
        cmocka_unit_test(test_allows__without_subnet_means_both_families),
        cmocka_unit_test(test_allows__equally_specific_the_later_wins),
        cmocka_unit_test(test_any__finds_a_single_address),
        cmocka_unit_test(test_allows__as_the_rules_read),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
