#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/clock.h"
#include "port/vmclock.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NS VISOR_NS_PER_S

static _Alignas(8) char page[VISOR_VMCLOCK_PAGE];

#define PUT(offset, type, value)                                                                   \
    do {                                                                                           \
        type number = (type)(value);                                                               \
        memcpy(page + (offset), &number, sizeof(number));                                          \
    } while (0)

/* A counter of 1 GHz that showed 5000 s at 2026-01-01, right to a microsecond. */
static int set_up(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    PUT(0x00, uint32_t, htole32(0x4b4c4356));
    PUT(0x04, uint32_t, htole32(VISOR_VMCLOCK_PAGE));
    PUT(0x08, uint16_t, htole16(1));
    page[0x0a] = 1;
    PUT(0x0c, uint32_t, htole32(4));
    PUT(0x10, uint64_t, htole64(77));
    PUT(0x18, uint64_t, htole64(1 << 6 | 1 << 4));
    page[0x22] = 2;
    page[0x27] = 10;
    PUT(0x28, uint64_t, htole64(UINT64_C(5000000000000)));
    PUT(0x30, uint64_t, htole64((uint64_t)(18446744073709551616.0 * 1024.0 / 1e9)));
    PUT(0x40, uint64_t, htole64((uint64_t)(18446744073709551616.0 * 1024.0 / 1e9 * 1e-6)));
    PUT(0x48, uint64_t, htole64(1767225600));
    PUT(0x50, uint64_t, htole64(UINT64_C(1) << 63));
    PUT(0x60, uint64_t, htole64(1000));
    return 0;
}

static struct visor_vmclock read_page(void)
{
    struct visor_vmclock clock;

    assert_int_equal(visor_vmclock_read(page, &clock), VISOR_VMCLOCK_OK);
    return clock;
}

static void expect_time(uint64_t count, int64_t ns, int64_t error_ns)
{
    struct visor_vmclock clock = read_page();
    visor_wall earliest, latest;
    int64_t off;

    assert_true(visor_vmclock_time(&clock, count, &earliest, &latest));
    off = (earliest.ns + latest.ns) / 2 - (INT64_C(1767225600) * NS + ns);
    assert_in_range(off + 10, 0, 20);
    assert_in_range((latest.ns - earliest.ns) / 2 - error_ns + 10, 0, 20);
}

static void expect_no_time(uint64_t count)
{
    struct visor_vmclock clock = read_page();
    visor_wall earliest, latest;

    assert_false(visor_vmclock_time(&clock, count, &earliest, &latest));
}

static void test_time__before_and_after_the_reference(void **state)
{
    (void)state;
    expect_time(UINT64_C(5000000000000), NS / 2, 1000);
    expect_time(UINT64_C(5003000000000), NS / 2 + 3 * NS, 1000 + 3000);
    expect_time(UINT64_C(4990000000000), NS / 2 - 10 * NS, 1000 + 10000);
}

static void test_time__of_tai(void **state)
{
    (void)state;
    page[0x0b] = 1;
    expect_no_time(UINT64_C(5000000000000)); /* the offset is not said to hold */
    PUT(0x18, uint64_t, htole64(1 << 6 | 1));
    PUT(0x24, int16_t, htole16(37));
    expect_time(UINT64_C(5000000000000), NS / 2 - 37 * NS, 1000);
}

static void test_time__that_is_not_to_be_believed(void **state)
{
    (void)state;
    page[0x22] = 4;
    expect_no_time(UINT64_C(5000000000000)); /* it says itself that it is unreliable */
    page[0x22] = 2;
    page[0x0a] = (char)0xff;
    expect_no_time(UINT64_C(5000000000000)); /* of no counter */
    page[0x0a] = 1;
    page[0x0b] = 3;
    expect_no_time(UINT64_C(5000000000000)); /* smeared */
    page[0x0b] = 0;
    PUT(0x60, uint64_t, UINT64_MAX);
    expect_no_time(UINT64_C(5000000000000));
    PUT(0x60, uint64_t, 0);
    PUT(0x48, uint64_t, UINT64_MAX);
    expect_no_time(UINT64_C(5000000000000));
    PUT(0x48, uint64_t, htole64(1767225600));
    page[0x27] = 64;
    expect_no_time(UINT64_C(5000000000000));
    page[0x27] = 0;
    PUT(0x30, uint64_t, UINT64_MAX);
    expect_no_time(UINT64_C(5000000000000) - (UINT64_C(1) << 63));
    set_up(NULL);
    PUT(0x04, uint32_t, htole32(0x60)); /* it ends before the error */
    expect_no_time(UINT64_C(5000000000000));
}

static void test_read__what_is_not_a_page(void **state)
{
    struct visor_vmclock clock;

    (void)state;
    PUT(0x0c, uint32_t, htole32(5));
    assert_int_equal(visor_vmclock_read(page, &clock), VISOR_VMCLOCK_BUSY);
    PUT(0x0c, uint32_t, htole32(6));
    PUT(0x08, uint16_t, htole16(2));
    assert_int_equal(visor_vmclock_read(page, &clock), VISOR_VMCLOCK_FOREIGN);
    set_up(NULL);
    PUT(0x04, uint32_t, htole32(0x17));
    assert_int_equal(visor_vmclock_read(page, &clock), VISOR_VMCLOCK_FOREIGN);
}

static void test_read__generation(void **state)
{
    struct visor_vmclock clock = read_page();

    (void)state;
    assert_true(clock.marker == 77 && !clock.counts && !clock.notifies);
    PUT(0x18, uint64_t, htole64(1 << 8 | 1 << 9));
    PUT(0x68, uint64_t, htole64(5));
    clock = read_page();
    assert_true(clock.counts && clock.generation == 5 && clock.notifies);
    PUT(0x04, uint32_t, htole32(0x6f));
    assert_false(read_page().counts);
}

/* ---- the device ---- */

static char path[] = "/tmp/visor-vmclock-XXXXXX";

static int set_up_file(void **state)
{
    int fd;

    set_up(state);
    page[0x0a] = (char)0xff; /* no time */
    strcpy(path + sizeof(path) - 7, "XXXXXX");
    fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int tear_down_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

/* In place: it stays mapped. */
static void put_file(size_t size)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, page, size, 0), (ssize_t)size);
    close(fd);
}

static visor_mono at(double s)
{
    return (visor_mono){(int64_t)(s * 1e9)};
}

static void test_device__tells_its_marker_once_and_again_when_it_changes(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;

    (void)state;
    put_file(sizeof(page));
    visor_vmclock_device_init(&device, path);
    assert_true(visor_vmclock_device_look(&device, at(1), &witness));
    assert_int_equal(witness.kind, VISOR_WITNESS_VMCLOCK);
    assert_true(witness.marker == 77 && witness.earliest.ns == 0 && witness.stamp.raw.ns == NS);
    assert_false(visor_vmclock_device_look(&device, at(1), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_SOUND);
    /* a file tells poll() nothing: it has to be looked at */
    assert_int_equal(visor_vmclock_device_fd(&device), -1);
    assert_true(visor_vmclock_device_deadline(&device).ns == NS + NS / 4);
    PUT(0x10, uint64_t, htole64(78));
    PUT(0x0c, uint32_t, htole32(6));
    put_file(sizeof(page));
    assert_true(visor_vmclock_device_look(&device, at(2), &witness));
    assert_true(witness.marker == 78);
    assert_false(visor_vmclock_device_look(&device, at(2), &witness));
    visor_vmclock_device_done(&device);
}

static void test_device__stuck_in_the_middle_of_a_write(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;

    (void)state;
    put_file(sizeof(page));
    visor_vmclock_device_init(&device, path);
    assert_true(visor_vmclock_device_look(&device, at(1), &witness));
    PUT(0x0c, uint32_t, htole32(5));
    PUT(0x10, uint64_t, htole64(99));
    put_file(sizeof(page));
    assert_false(visor_vmclock_device_look(&device, at(2), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_SOUND); /* for a moment that is nothing */
    assert_false(visor_vmclock_device_look(&device, at(2.3), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_STUCK);
    assert_true(visor_vmclock_device_deadline(&device).ns > at(2.3).ns);
    PUT(0x0c, uint32_t, htole32(6));
    put_file(sizeof(page));
    assert_true(visor_vmclock_device_look(&device, at(3), &witness));
    assert_true(witness.marker == 99);
    assert_int_equal(device.state, VISOR_VMCLOCK_SOUND);
    visor_vmclock_device_done(&device);
}

static void test_device__that_becomes_nonsense_and_comes_back(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;

    (void)state;
    put_file(sizeof(page));
    visor_vmclock_device_init(&device, path);
    assert_true(visor_vmclock_device_look(&device, at(1), &witness));
    page[0] = 'X';
    put_file(sizeof(page));
    assert_false(visor_vmclock_device_look(&device, at(2), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_INVALID);
    assert_true(visor_vmclock_device_deadline(&device).ns == at(3).ns);
    unlink(path);
    assert_false(visor_vmclock_device_look(&device, at(3), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_ABSENT);
    assert_int_equal(device.error, ENOENT);
    assert_true(visor_vmclock_device_deadline(&device).ns == at(5).ns); /* it was there before */
    page[0] = 'V';
    PUT(0x10, uint64_t, htole64(78));
    close(open(path, O_WRONLY | O_CREAT, 0600));
    put_file(sizeof(page));
    assert_false(visor_vmclock_device_look(&device, at(4), &witness));
    assert_true(visor_vmclock_device_look(&device, at(5), &witness));
    assert_true(witness.marker == 78);
    visor_vmclock_device_done(&device);
}

static void test_device__too_short_a_file_is_not_mapped(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;

    (void)state;
    put_file(128);
    visor_vmclock_device_init(&device, path);
    assert_false(visor_vmclock_device_look(&device, at(1), &witness));
    assert_int_equal(device.state, VISOR_VMCLOCK_INVALID);
    visor_vmclock_device_done(&device);
}

static void test_device__that_is_not_there_wakes_nobody(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;

    (void)state;
    unlink(path);
    visor_vmclock_device_init(&device, path);
    assert_false(visor_vmclock_device_look(&device, at(1), &witness));
    assert_true(visor_vmclock_device_deadline(&device).ns == INT64_MAX);
    assert_int_equal(visor_vmclock_device_fd(&device), -1);
    visor_vmclock_device_done(&device);
}

#ifdef __x86_64__
static void test_device__tells_the_time_by_the_tsc(void **state)
{
    struct visor_vmclock_device device;
    struct visor_event_witness witness;
    struct visor_tsc_pair pair;
    double told;

    (void)state;
    assert_true(visor_tsc_pair_read(&pair));
    page[0x0a] = 1;
    PUT(0x28, uint64_t, htole64(pair.tsc)); /* half a second past the full one */
    put_file(sizeof(page));
    visor_vmclock_device_init(&device, path);
    assert_true(visor_vmclock_device_look(&device, pair.raw, &witness));
    assert_true(witness.earliest.ns == 0); /* the marker first */
    assert_true(visor_vmclock_device_look(&device, pair.raw, &witness));
    assert_true(visor_tsc_pair_read(&pair));
    told = (double)(witness.latest.ns - INT64_C(1767225600) * NS - NS / 2) * 1e-9;
    assert_true(told >= 0.0);
    assert_true(witness.earliest.ns < witness.latest.ns);
    assert_false(visor_mono_before(pair.raw, witness.stamp.raw));
    assert_false(visor_vmclock_device_look(&device, pair.raw, &witness)); /* not all the time */
    PUT(0x10, uint64_t, htole64(78)); /* but when it has changed */
    put_file(sizeof(page));
    assert_true(visor_vmclock_device_look(&device, pair.raw, &witness));
    assert_true(witness.earliest.ns == 0 && witness.marker == 78);
    assert_true(visor_vmclock_device_look(&device, pair.raw, &witness));
    assert_true(witness.earliest.ns > 0);
    visor_vmclock_device_done(&device);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_time__before_and_after_the_reference, set_up),
        cmocka_unit_test_setup(test_time__of_tai, set_up),
        cmocka_unit_test_setup(test_time__that_is_not_to_be_believed, set_up),
        cmocka_unit_test_setup(test_read__what_is_not_a_page, set_up),
        cmocka_unit_test_setup(test_read__generation, set_up),
#define DEVICE(name)                                                                               \
    cmocka_unit_test_setup_teardown(test_device__##name, set_up_file, tear_down_file)
        DEVICE(tells_its_marker_once_and_again_when_it_changes),
        DEVICE(stuck_in_the_middle_of_a_write),
        DEVICE(that_becomes_nonsense_and_comes_back),
        DEVICE(too_short_a_file_is_not_mapped),
        DEVICE(that_is_not_there_wakes_nobody),
#ifdef __x86_64__
        DEVICE(tells_the_time_by_the_tsc),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
