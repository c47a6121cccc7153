#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/clock.h"
#include "port/clockbound.h"
#include "port/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char directory[64], path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/visor-bound-XXXXXX");
    snprintf(path, sizeof(path), "%s/shm0", mkdtemp(directory));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

/* ---- a client, made of the published layout alone ---- */

enum { CLIENT_UNKNOWN, CLIENT_SYNCHRONIZED, CLIENT_FREE_RUNNING, CLIENT_DISRUPTED };

struct client_now {
    int status;
    int64_t earliest_ns, latest_ns;
};

static uint64_t number(const uint8_t *page, size_t at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, page + at, size); /* little-endian hosts; the test is built for those */
    return value;
}

static int64_t time_at(const uint8_t *page, size_t at)
{
    return (int64_t)number(page, at, 8) * 1000000000 + (int64_t)number(page, at + 8, 8);
}

static int64_t clock_at(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False: not a segment of version 2, or the clock is before its time. */
static bool client_read(const uint8_t *page, int64_t mono, int64_t real, struct client_now *now)
{
    uint8_t copy[80];
    int64_t as_of, age, bound;

    do {
        if (number(page, 14, 2) & 1 || number(page, 14, 2) == 0)
            return false;
        memcpy(copy, page, sizeof(copy));
    } while (number(page, 14, 2) != number(copy, 14, 2));
    if (number(copy, 0, 4) != 0x414d5a4e || number(copy, 4, 4) != 0x43420200 ||
        number(copy, 8, 4) != 80 || number(copy, 12, 2) != 2)
        return false;
    as_of = time_at(copy, 16);
    age = mono - as_of;
    if (age < -1000)
        return false;
    bound = (int64_t)number(copy, 48, 8) + age / 1000000 * (int64_t)number(copy, 64, 4) / 1000 + 1;
    *now = (struct client_now){(int)number(copy, 68, 4), real - bound, real + bound};
    if (mono > time_at(copy, 32))
        now->status = CLIENT_UNKNOWN;
    else if (age > 5000000000 && now->status == CLIENT_SYNCHRONIZED)
        now->status = CLIENT_FREE_RUNNING;
    return true;
}

static const uint8_t *client_open(void)
{
    int fd = open(path, O_RDONLY);
    void *page = mmap(NULL, 80, PROT_READ, MAP_SHARED, fd, 0);

    assert_true(fd >= 0 && page != MAP_FAILED);
    close(fd);
    return page;
}

/* ---- tests ---- */

static struct visor_view view_now(enum visor_trust trust, int64_t ahead_ns)
{
    struct visor_reading now;

    assert_int_equal(visor_clock_read_kernel(&now), 0);
    return (struct visor_view){
        .version = 1,
        .trust = trust,
        .raw = now.raw,
        .utc = visor_wall_add(now.real, ahead_ns), /* what REALTIME lacks */
        .rate_ppb = now.frequency_ppb,
        .bound_ns = trust == VISOR_TRUST_SYNCHRONIZED ? 20000 : VISOR_NS_MAX,
        .growth_ppb = 700.0,
        .verified = now.raw,
    };
}

static void test_publish__the_truth_is_inside_what_a_client_makes_of_it(void **state)
{
    struct visor_clockbound_file file;
    const uint8_t *page;

    (void)state;
    assert_int_equal(visor_clockbound_open(&file, path), 0);
    page = client_open();
    for (int i = 0; i < 50; i++) {
        struct visor_view view = view_now(VISOR_TRUST_SYNCHRONIZED, 5000000 - i * 200000);
        struct visor_reading now;
        struct client_now told;
        int64_t truth, mono;

        visor_clockbound_publish(&file, &view, NULL);
        visor_clock_read_kernel(&now);
        mono = clock_at(CLOCK_MONOTONIC_COARSE);
        assert_true(client_read(page, mono, now.real.ns, &told));
        truth = visor_view_utc(&view, now.raw).ns;
        assert_int_equal(told.status, CLIENT_SYNCHRONIZED);
        assert_true(told.earliest_ns <= truth - 20000 && told.latest_ns >= truth + 20000);
        assert_true(told.latest_ns - told.earliest_ns < 2 * 6000000);
    }
    visor_clockbound_close(&file);
    munmap((void *)(uintptr_t)page, 80);
}

static void test_publish__ages_and_ends(void **state)
{
    struct visor_view view = view_now(VISOR_TRUST_SYNCHRONIZED, 0);
    struct visor_clockbound_file file;
    struct client_now told;
    const uint8_t *page;
    int64_t mono = clock_at(CLOCK_MONOTONIC_COARSE);
    uint64_t marker = 77;

    (void)state;
    assert_int_equal(visor_clockbound_open(&file, path), 0);
    page = client_open();
    visor_clockbound_publish(&file, &view, &marker);
    assert_int_equal(number(page, 56, 8), 77);
    assert_int_equal(page[72], 1);
    assert_true(client_read(page, mono + 6000000000, 0, &told));
    assert_int_equal(told.status, CLIENT_FREE_RUNNING);
    assert_true(told.latest_ns >= 20000 + 6 * 700); /* 700 ppb for 6 s */
    assert_true(client_read(page, mono + 1002000000000, 0, &told));
    assert_int_equal(told.status, CLIENT_UNKNOWN);
    assert_false(client_read(page, mono - 10000000, 0, &told));
    view.trust = VISOR_TRUST_HOLDOVER;
    visor_clockbound_publish(&file, &view, NULL);
    assert_int_equal(number(page, 68, 4), CLIENT_FREE_RUNNING);
    assert_int_equal(page[72], 0);
    view.trust = VISOR_TRUST_DISRUPTED;
    view.bound_ns = VISOR_NS_MAX;
    visor_clockbound_publish(&file, &view, NULL);
    assert_int_equal(number(page, 68, 4), CLIENT_DISRUPTED);
    assert_true(
        client_read(page, clock_at(CLOCK_MONOTONIC_COARSE) + 20000000, 1700000000000000000, &told));
    assert_true(told.earliest_ns < 800000000000000000 && told.latest_ns > told.earliest_ns);
    view.trust = VISOR_TRUST_SYNCHRONIZED; /* a status that its own bound belies */
    visor_clockbound_publish(&file, &view, NULL);
    assert_int_equal(number(page, 68, 4), CLIENT_UNKNOWN);
    visor_clockbound_close(&file);
    munmap((void *)(uintptr_t)page, 80);
}

static void test_of__drift_has_the_steering_in_it(void **state)
{
    struct visor_view view = {.trust = VISOR_TRUST_SYNCHRONIZED,
                              .raw = {1000000000},
                              .utc = {1700000000000000000},
                              .rate_ppb = 1000.0,
                              .bound_ns = 5000,
                              .growth_ppb = 100.0};
    struct visor_reading now = {.raw = {1000000000},
                                .real = {1700000000000300000},
                                .width_ns = 40,
                                .frequency_ppb = 51000.0};
    struct visor_clockbound told = visor_clockbound_of(&view, &now, 7);

    (void)state;
    assert_in_range(told.max_drift_ppb, 50100, 50110);
    assert_in_range(told.bound_ns, 300000 + 5000, 300000 + 5000 + 1100);
    assert_int_equal(told.as_of_ns, 7);
    view.rate_ppb = -8e8;
    now.frequency_ppb = 5e9;
    assert_int_equal(visor_clockbound_of(&view, &now, 7).max_drift_ppb, UINT32_MAX);
}

static void test_write__generation(void **state)
{
    _Alignas(8) uint8_t page[80];
    struct visor_clockbound told = {.status = VISOR_CLOCKBOUND_SYNCHRONIZED, .bound_ns = 1}, got;
    uint16_t generation = 0xfffe;

    (void)state;
    visor_clockbound_init(page);
    assert_true(visor_clockbound_read(page, 80, &got));
    assert_int_equal(got.status, VISOR_CLOCKBOUND_UNKNOWN);
    visor_clockbound_write(page, &told);
    assert_int_equal(number(page, 14, 2), 4);
    memcpy(page + 14, &generation, 2);
    visor_clockbound_write(page, &told);
    assert_int_equal(number(page, 14, 2), 2);
    page[14] = 3; /* a writer was killed half-way */
    assert_false(visor_clockbound_read(page, 80, &got));
    visor_clockbound_write(page, &told);
    assert_true(visor_clockbound_read(page, 80, &got));
    assert_false(visor_clockbound_read(page, 79, &got));
    page[12] = 3;
    assert_false(visor_clockbound_read(page, 80, &got));
}

static void test_open__one_daemon_after_the_other(void **state)
{
    struct visor_view view = view_now(VISOR_TRUST_SYNCHRONIZED, 0);
    struct visor_clockbound_file first, second;
    const uint8_t *page;
    uint64_t generation;

    (void)state;
    assert_int_equal(visor_clockbound_open(&first, path), 0);
    page = client_open();
    visor_clockbound_publish(&first, &view, NULL);
    assert_int_equal(visor_clockbound_open(&second, path), -EAGAIN);
    visor_clockbound_close(&first);
    assert_int_equal(visor_clockbound_open(&second, path), 0);
    generation = number(page, 14, 2);
    view.trust = VISOR_TRUST_UNKNOWN;
    visor_clockbound_publish(&second, &view, NULL);
    assert_int_equal(number(page, 14, 2), generation);
    view.trust = VISOR_TRUST_SYNCHRONIZED;
    visor_clockbound_publish(&second, &view, NULL);
    assert_true(number(page, 14, 2) != generation);
    view.trust = VISOR_TRUST_UNKNOWN;
    visor_clockbound_publish(&second, &view, NULL);
    assert_int_equal(number(page, 68, 4), CLIENT_UNKNOWN);
    visor_clockbound_close(&second);
    munmap((void *)(uintptr_t)page, 80);
}

static void test_open__replaces_what_is_no_segment(void **state)
{
    static const char *const contents[] = {"short", "something else that is as long as a segment is"
                                                    ", which has 80 bytes, and a few more"};
    struct visor_clockbound_file file;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *page;

        assert_int_equal(visor_file_replace(path, contents[i], strlen(contents[i]), 0644), 0);
        assert_int_equal(visor_clockbound_open(&file, path), 0);
        page = client_open();
        assert_int_equal(number(page, 12, 2), 2);
        munmap((void *)(uintptr_t)page, 80);
        visor_clockbound_close(&file);
    }
    assert_int_equal(visor_clockbound_open(&file, "/proc/nothing/shm0"), -ENOENT);
    assert_string_equal(file.path, "");
}

/* Who else may write into it could say anything, or cut it short under us. */
static void test_open__replaces_what_others_may_write(void **state)
{
    struct visor_clockbound_file file;
    struct stat before, after;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(visor_clockbound_open(&file, path), 0);
        visor_clockbound_close(&file);
        assert_int_equal(chmod(path, i == 0 ? 0646 : 0600), 0);
        if (i > 0 && chown(path, 65534, 65534))
            break; /* we are not root */
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(visor_clockbound_open(&file, path), 0);
        visor_clockbound_close(&file);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino != after.st_ino);
        assert_int_equal(after.st_uid, geteuid());
        assert_int_equal(after.st_mode & 0777, 0644);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_publish__the_truth_is_inside_what_a_client_makes_of_it),
        TEST(test_publish__ages_and_ends),
        cmocka_unit_test(test_of__drift_has_the_steering_in_it),
        cmocka_unit_test(test_write__generation),
        TEST(test_open__one_daemon_after_the_other),
        TEST(test_open__replaces_what_is_no_segment),
        TEST(test_open__replaces_what_others_may_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
