#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clients.h"

#define S VISOR_NS_PER_S

static struct visor_rng rng_of(uint64_t seed)
{
    struct visor_rng rng;

    visor_rng_init(&rng, seed);
    return rng;
}

static struct visor_config config_of(bool limited, int interval, int burst, int leak, int kod)
{
    return (struct visor_config){.client_log = true,
                                 .client_log_limit = 524288,
                                 .ratelimit = {limited, interval, burst, leak, kod}};
}

static struct visor_address host(uint32_t number)
{
    return (struct visor_address){.family = VISOR_FAMILY_IPV4,
                                  .port = (uint16_t)number,
                                  .bytes = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                            (uint8_t)(number >> 8), (uint8_t)number}};
}

/* The only record there is. */
static struct visor_client_report only(struct visor_clients *clients, visor_mono now)
{
    struct visor_client_report report;

    for (size_t i = 0; i < visor_clients_capacity(clients); i++)
        if (visor_clients_report(clients, i, 0, false, now, &report))
            return report;
    fail_msg("no record");
    return report;
}

static void test_admit__counts_hits_and_intervals(void **state)
{
    struct visor_rng rng = rng_of(1);
    struct visor_config config = config_of(false, 0, 0, 0, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_address address = host(0x0a000001);
    struct visor_client_report report;
    visor_mono now = {0};

    (void)state;
    for (int poll = -3; poll <= 12; poll += 5) {
        for (int i = 0; i < 200; i++) {
            now.ns += poll < 0 ? S >> -poll : S << poll;
            address.port++; /* another port is the same client */
            assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now),
                             VISOR_LIMIT_PASS);
        }
        report = only(clients, visor_mono_add(now, 7 * S));
        assert_int_equal(report.interval[VISOR_SERVICE_NTP], poll);
    }
    assert_int_equal(report.hits[VISOR_SERVICE_NTP], 800);
    assert_int_equal(report.age_s[VISOR_SERVICE_NTP], 7);
    assert_int_equal(report.age_s[VISOR_SERVICE_COMMAND], VISOR_CLIENTS_NEVER);
    assert_int_equal(report.interval[VISOR_SERVICE_COMMAND], VISOR_CLIENTS_NO_INTERVAL);
    assert_int_equal(report.timeout_interval, VISOR_CLIENTS_NO_INTERVAL);
    assert_int_equal(visor_clients_min_poll(clients), -19);
    visor_clients_free(clients);
}

/* interval 2^6 s, burst 2: two at once, then one a 64 s. */
static void test_admit__bucket(void **state)
{
    struct visor_rng rng = rng_of(2);
    struct visor_config config = config_of(true, 6, 2, 4, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_address address = host(1), other = host(2);
    visor_mono now = {1000 * S};
    int passed = 0;

    (void)state;
    assert_int_equal(visor_clients_min_poll(clients), 6);
    for (int i = 0; i < 2; i++)
        assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now),
                         VISOR_LIMIT_PASS);
    assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now),
                     VISOR_LIMIT_DROP);
    assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &other, now),
                     VISOR_LIMIT_PASS);
    assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_COMMAND, &address, now),
                     VISOR_LIMIT_PASS); /* that has no limit here */
    now.ns += 128 * S;
    for (int i = 0; i < 2; i++)
        assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now),
                         VISOR_LIMIT_PASS);
    /* a request every 8 s for 10000 s: an eighth, and a sixteenth of the rest by the leak, which
     * takes the credit that was gathered with it */
    for (int i = 0; i < 1250; i++) {
        now.ns += 8 * S;
        passed +=
            visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now) == VISOR_LIMIT_PASS;
    }
    assert_in_range(passed, 180, 220);
    visor_clients_free(clients);
}

/* An answer by the leak takes what credit there was: 40 s later there is none for another. */
static void test_admit__leak_empties_the_bucket(void **state)
{
    struct visor_rng rng = rng_of(8);
    struct visor_config config = config_of(true, 6, 1, 4, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    int leaks = 0, passed = 0;

    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        struct visor_address address = host(i);
        visor_mono now = {(int64_t)i * 1000 * S};

        visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now);
        now.ns += 40 * S;
        if (visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now) != VISOR_LIMIT_PASS)
            continue;
        leaks++;
        now.ns += 40 * S;
        passed +=
            visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now) == VISOR_LIMIT_PASS;
    }
    assert_in_range(leaks, 90, 160); /* a sixteenth */
    assert_in_range(passed, 0, 25);
    visor_clients_free(clients);
}

static void test_admit__kiss_of_death(void **state)
{
    struct visor_rng rng = rng_of(3);
    struct visor_config config = config_of(true, 6, 2, 4, 2);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_address address = host(1);
    visor_mono now = {1000 * S};
    int counts[3] = {0};

    (void)state;
    for (int i = 0; i < 4000; i++) {
        now.ns += S;
        counts[visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now)]++;
    }
    assert_in_range(counts[VISOR_LIMIT_KISS], 800, 1000); /* a quarter of what is not answered */
    assert_int_equal(only(clients, now).drops[VISOR_SERVICE_NTP], counts[VISOR_LIMIT_DROP]);
    visor_clients_free(clients);
}

/* A client that triples its rate when it is not answered is answered mostly. */
static void test_admit__gives_way_to_bad_clients(void **state)
{
    struct visor_rng rng = rng_of(4);
    struct visor_config config = config_of(true, 3, 8, 2, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_address address = host(1);
    visor_mono now = {1000 * S};
    int passed = 0;
    bool answered = true;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        now.ns += answered ? 2 * S : S / 10;
        answered =
            visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now) == VISOR_LIMIT_PASS;
        passed += i >= 1000 && answered;
    }
    assert_true(passed > 4000 / 2);
    visor_clients_free(clients);
}

/* A client that obeys: 8 s, and four polls more after a kiss-o'-death. The pauses do not make it
 * look like one that asks more the less it gets. */
static void test_admit__pauses_are_no_bad_client(void **state)
{
    struct visor_rng rng = rng_of(9);
    struct visor_config config = config_of(true, 6, 2, 4, 2);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    int counts[3] = {0};

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct visor_address address = host(i);
        visor_mono now = {S};

        while (now.ns < 10000 * S) {
            enum visor_limit limit = visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now);

            counts[limit]++;
            now.ns += limit == VISOR_LIMIT_KISS ? 40 * S : 8 * S;
        }
    }
    assert_in_range(counts[VISOR_LIMIT_PASS], 20 * 250, 20 * 295);
    assert_in_range(counts[VISOR_LIMIT_KISS], 20 * 100, 20 * 140);
    visor_clients_free(clients);
}

static void test_table__does_not_grow_with_100000_addresses(void **state)
{
    struct visor_rng rng = rng_of(5);
    struct visor_config config = config_of(true, 3, 8, 2, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_clients_totals totals;
    struct visor_client_report report;
    struct visor_address regular = host(0xffffffff);
    visor_mono now = {S};
    size_t held = 0;
    uint32_t most = 0;

    (void)state;
    assert_true(visor_clients_capacity(clients) >= 4096);
    assert_true(visor_clients_capacity(clients) <= 4096);
    for (uint32_t i = 0; i < 100000; i++) {
        struct visor_address address = host(i);

        now.ns += S / 1000;
        visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, now);
        if (i % 100 == 0)
            visor_clients_admit(clients, VISOR_SERVICE_NTP, &regular, now);
    }
    for (size_t i = 0; i < visor_clients_capacity(clients); i++)
        if (visor_clients_report(clients, i, 0, false, now, &report)) {
            held++;
            most = report.hits[VISOR_SERVICE_NTP] > most ? report.hits[VISOR_SERVICE_NTP] : most;
        }
    visor_clients_totals(clients, &totals);
    assert_int_equal(held, visor_clients_capacity(clients));
    assert_int_equal(totals.hits[VISOR_SERVICE_NTP], 101000);
    assert_true(totals.forgotten > 95000);
    assert_int_equal(most, 1000); /* who comes regularly is not forgotten */
    visor_clients_free(clients);
}

static void test_report__reset_and_min_hits(void **state)
{
    struct visor_rng rng = rng_of(6);
    struct visor_config config = config_of(false, 0, 0, 0, 0);
    struct visor_clients *clients = visor_clients_new(&config, &rng);
    struct visor_client_report report;
    struct visor_address address = {.family = VISOR_FAMILY_IPV6, .bytes = {0x20, 1, [15] = 1}};
    size_t index = 0;

    (void)state;
    for (int i = 0; i < 5; i++)
        visor_clients_admit(clients, VISOR_SERVICE_COMMAND, &address, (visor_mono){i * S});
    while (!visor_clients_report(clients, index, 0, false, (visor_mono){5 * S}, &report))
        index++;
    assert_true(visor_address_same(&report.address, &address));
    assert_false(visor_clients_report(clients, index, 6, false, (visor_mono){5 * S}, &report));
    assert_true(visor_clients_report(clients, index, 5, true, (visor_mono){5 * S}, &report));
    assert_int_equal(report.hits[VISOR_SERVICE_COMMAND], 5);
    assert_true(visor_clients_report(clients, index, 0, false, (visor_mono){5 * S}, &report));
    assert_int_equal(report.hits[VISOR_SERVICE_COMMAND], 0);
    assert_false(visor_clients_report(clients, 1 << 20, 0, false, (visor_mono){5 * S}, &report));
    visor_clients_free(clients);
}

static void test_totals__with_noclientlog(void **state)
{
    struct visor_rng rng = rng_of(7);
    struct visor_config config = config_of(true, 6, 1, 2, 0);
    struct visor_clients *clients;
    struct visor_clients_totals totals;
    struct visor_address address = host(1);

    (void)state;
    config.client_log = false;
    clients = visor_clients_new(&config, &rng);
    assert_int_equal(visor_clients_capacity(clients), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(visor_clients_admit(clients, VISOR_SERVICE_NTP, &address, (visor_mono){i}),
                         VISOR_LIMIT_PASS);
    visor_clients_count(clients, true, false, VISOR_STAMPER_KERNEL, VISOR_STAMPER_DAEMON);
    visor_clients_totals(clients, &totals);
    assert_int_equal(totals.hits[VISOR_SERVICE_NTP], 10);
    assert_int_equal(totals.authenticated, 1);
    assert_int_equal(totals.rx[VISOR_STAMPER_KERNEL], 1);
    visor_clients_free(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admit__counts_hits_and_intervals),
        cmocka_unit_test(test_admit__bucket),
        cmocka_unit_test(test_admit__leak_empties_the_bucket),
        cmocka_unit_test(test_admit__kiss_of_death),
        cmocka_unit_test(test_admit__gives_way_to_bad_clients),
        cmocka_unit_test(test_admit__pauses_are_no_bad_client),
        cmocka_unit_test(test_table__does_not_grow_with_100000_addresses),
        cmocka_unit_test(test_report__reset_and_min_hits),
        cmocka_unit_test(test_totals__with_noclientlog),
    };

    return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
