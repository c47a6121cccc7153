#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/clock.h"
#include "port/file.h"
#include "port/segment.h"
#include "wire/vmclock.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[96], device[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/visor-segment-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/run/clock", directory);
    snprintf(device, sizeof(device), "%s/vmclock", directory);
    return 0;
}

static int tear_down(void **state)
{
    char run[96];

    (void)state;
    snprintf(run, sizeof(run), "%s/run", directory);
    unlink(path);
    unlink(device);
    rmdir(run);
    return rmdir(directory);
}

static struct visor_view view_now(enum visor_trust trust, int64_t error_ns)
{
    struct visor_reading now;

    assert_int_equal(visor_clock_read_kernel(&now), 0);
    return (struct visor_view){
        .version = 1,
        .trust = trust,
        .raw = now.raw,
        .utc = visor_wall_add(now.real, error_ns),
        .bound_ns = trust == VISOR_TRUST_SYNCHRONIZED ? 1000000 : VISOR_NS_MAX,
        .verified = now.raw,
    };
}

static int publish(struct visor_segment_file *file, enum visor_trust trust, int64_t error_ns)
{
    struct visor_view view = view_now(trust, error_ns);

    return visor_segment_publish(file, &view, visor_clock_raw());
}

/* What is in the file now. */
static enum visor_segment_verdict look(struct visor_segment_snapshot *got)
{
    enum visor_segment_verdict verdict;
    uint64_t sequence;
    char *text;
    size_t size;

    assert_int_equal(visor_file_read(path, 8192, &text, &size), 0);
    verdict = visor_segment_check(text, size);
    if (verdict == VISOR_SEGMENT_OK)
        verdict = visor_segment_read((struct visor_segment *)text, got, &sequence);
    free(text);
    return verdict;
}

static void put(const char *where, const void *data, size_t size)
{
    int fd = open(where, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
}

static void test_open__makes_it_for_everybody_to_read(void **state)
{
    struct visor_segment_file file;
    struct visor_segment_snapshot got;
    mode_t before = umask(077);
    struct stat status;

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(look(&got), VISOR_SEGMENT_EMPTY);
    assert_int_equal(publish(&file, VISOR_TRUST_SYNCHRONIZED, 0), 0);
    assert_int_equal(look(&got), VISOR_SEGMENT_OK);
    assert_int_equal(got.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(got.blind_ns == VISOR_NS_MAX);
    assert_false(got.marked);
    visor_segment_close(&file);
}

static void test_open__goes_on_from_what_the_former_daemon_left(void **state)
{
    struct visor_segment_file first, second;
    struct visor_segment_snapshot before, after;

    (void)state;
    assert_int_equal(visor_segment_open(&first, path, device), 0);
    publish(&first, VISOR_TRUST_SYNCHRONIZED, 0);
    visor_segment_close(&first);
    assert_int_equal(look(&before), VISOR_SEGMENT_OK);
    assert_int_equal(visor_segment_open(&second, path, device), 0);
    assert_int_equal(publish(&second, VISOR_TRUST_UNKNOWN, 0), 0);
    assert_int_equal(look(&after), VISOR_SEGMENT_OK);
    assert_int_equal(before.published.ns, after.published.ns);
    assert_int_equal(after.trust, VISOR_TRUST_SYNCHRONIZED);
    publish(&second, VISOR_TRUST_SYNCHRONIZED, 0);
    assert_int_equal(look(&after), VISOR_SEGMENT_OK);
    assert_true(after.published.ns > before.published.ns);
    assert_int_equal(after.epoch, before.epoch);
    visor_segment_close(&second);
}

static void test_open__one_writer_at_a_time(void **state)
{
    struct visor_segment_file first, second;
    struct visor_segment_snapshot got;

    (void)state;
    assert_int_equal(visor_segment_open(&first, path, device), 0);
    publish(&first, VISOR_TRUST_SYNCHRONIZED, 0);
    assert_int_equal(visor_segment_open(&second, path, device), -EAGAIN);
    assert_int_equal(publish(&second, VISOR_TRUST_DISRUPTED, 0), -EAGAIN);
    look(&got);
    assert_int_equal(got.trust, VISOR_TRUST_SYNCHRONIZED);
    visor_segment_close(&first);
    assert_int_equal(publish(&second, VISOR_TRUST_DISRUPTED, 0), 0);
    look(&got);
    assert_int_equal(got.trust, VISOR_TRUST_DISRUPTED);
    visor_segment_close(&second);
}

static void test_publish__makes_it_again_when_it_was_taken_away(void **state)
{
    struct visor_segment_file file;
    struct visor_segment_snapshot got;

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    unlink(path);
    assert_int_equal(publish(&file, VISOR_TRUST_SYNCHRONIZED, 0), 0);
    assert_int_equal(look(&got), VISOR_SEGMENT_OK);
    visor_segment_close(&file);
}

/* Whatever lies there is replaced, not written into. */
static void replaces(const char *what)
{
    struct visor_segment_file file;
    struct visor_segment_snapshot got;

    assert_int_equal(visor_segment_open(&file, path, device), 0);
    publish(&file, VISOR_TRUST_SYNCHRONIZED, 0);
    if (look(&got) != VISOR_SEGMENT_OK)
        fail_msg("%s is not replaced", what);
    visor_segment_close(&file);
}

static void test_open__replaces_what_it_cannot_go_on_with(void **state)
{
    _Alignas(64) char page[VISOR_SEGMENT_SIZE] = "something else";
    struct visor_segment *segment = (struct visor_segment *)page;
    const uint64_t boot[2] = {1, 2};
    struct visor_segment_snapshot former = {.trust = VISOR_TRUST_SYNCHRONIZED, .epoch = 9}, got;
    struct visor_segment_file file;

    (void)state;
    snprintf(device, sizeof(device), "%s/run", directory);
    mkdir(device, 0755);
    put(path, "short", 5);
    replaces("a short file");
    put(path, page, sizeof(page));
    replaces("a foreign file");
    visor_segment_init(segment, boot, "");
    segment->version++;
    put(path, page, sizeof(page));
    replaces("another version");
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    replaces("a link");

    visor_segment_init(segment, boot, ""); /* of another boot: its raw counter is not ours */
    visor_segment_write(segment, &former);
    put(path, page, sizeof(page));
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    assert_int_equal(look(&got), VISOR_SEGMENT_EMPTY);
    visor_segment_close(&file);
}

static void test_open__fails_without_a_directory(void **state)
{
    struct visor_segment_file file;

    (void)state;
    assert_int_equal(visor_segment_open(&file, "/proc/nothing/clock", device), -ENOENT);
}

/* ---- vmclock: a file stands in for the device ---- */

static uint32_t *make_vmclock(void)
{
    uint32_t page[VISOR_VMCLOCK_PAGE / 4] = {htole32(0x4b4c4356), htole32(0x70), htole32(1), 0, 5};
    int fd;
    void *mapped;

    put(device, page, sizeof(page));
    fd = open(device, O_RDWR);
    mapped = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(mapped != MAP_FAILED);
    return mapped;
}

static void test_publish__a_moved_machine_is_disrupted_until_measured_again(void **state)
{
    uint32_t *vmclock = make_vmclock();
    struct visor_view old = view_now(VISOR_TRUST_SYNCHRONIZED, 0);
    struct visor_segment_file file;
    struct visor_segment_snapshot got;

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    visor_segment_publish(&file, &old, visor_clock_raw());
    look(&got);
    assert_true(got.marked);
    assert_int_equal(got.marker, 5);
    assert_int_equal(got.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_string_equal(file.page->device, device);
    vmclock[4] = htole32(6);
    visor_segment_publish(&file, &old, visor_clock_raw());
    look(&got);
    assert_int_equal(got.trust, VISOR_TRUST_DISRUPTED);
    assert_true(got.bound_ns == VISOR_NS_MAX);
    assert_int_equal(got.epoch, 1);
    publish(&file, VISOR_TRUST_SYNCHRONIZED, 0);
    look(&got);
    assert_int_equal(got.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(got.marker, 6);
    assert_int_equal(got.epoch, 1);
    visor_segment_close(&file);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
}

/* A publication `after` so many s of one that was measured `measured` s after now. */
static struct visor_segment_snapshot publish_at(struct visor_segment_file *file, visor_mono now,
                                                double after, double measured)
{
    struct visor_view view = view_now(VISOR_TRUST_SYNCHRONIZED, 0);
    struct visor_segment_snapshot got;

    view.verified = visor_mono_add(now, (int64_t)(measured * 1e9));
    assert_int_equal(
        visor_segment_publish(file, &view, visor_mono_add(now, (int64_t)(after * 1e9))), 0);
    assert_int_equal(look(&got), VISOR_SEGMENT_OK);
    return got;
}

/* Its driver may be loaded when we run already: readers then find another file, with the device. */
static void test_publish__a_vmclock_that_comes_later(void **state)
{
    struct visor_segment_snapshot got;
    struct visor_segment_file file;
    visor_mono now = visor_clock_raw();
    struct stat before, after;
    uint32_t *vmclock;

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    got = publish_at(&file, now, 0.0, 0.0);
    assert_false(got.marked);
    assert_int_equal(stat(path, &before), 0);
    vmclock = make_vmclock();
    got = publish_at(&file, now, 5.0, 5.0); /* it is looked for every few seconds */
    assert_true(got.marked);
    assert_int_equal(got.marker, 5);
    assert_int_equal(got.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(got.epoch, 0);
    assert_string_equal(file.page->device, device);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    vmclock[4] = htole32(6);
    got = publish_at(&file, now, 5.5, 5.0);
    assert_int_equal(got.trust, VISOR_TRUST_DISRUPTED);
    visor_segment_close(&file);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
}

/* Ends `after` s. */
static void assert_stuck(struct visor_segment_file *file, visor_mono now, double after)
{
    struct visor_segment_snapshot got;

    for (double s = after - 6; s < after; s++) {
        got = publish_at(file, now, s, s);
        assert_true(got.marked == (s < after - 1));
        assert_int_equal(got.trust,
                         s < after - 1 ? VISOR_TRUST_DISRUPTED : VISOR_TRUST_SYNCHRONIZED);
        assert_in_range(visor_mono_diff(file->due, now), (int64_t)(s * 1e9) + 1,
                        (int64_t)(s * 1e9) + VISOR_NS_PER_S);
    }
}

static void test_publish__a_page_without_a_writer_is_no_marker(void **state)
{
    uint32_t *vmclock = make_vmclock();
    struct visor_segment_file file;
    struct visor_segment_snapshot got;
    visor_mono now = visor_clock_raw();

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    assert_true(publish_at(&file, now, 0, 0).marked);
    vmclock[3] = htole32(1); /* being written: a move may be under way */
    assert_int_equal(publish_at(&file, now, 1, 1).trust, VISOR_TRUST_DISRUPTED);
    got = publish_at(&file, now, 61, 61); /* a pause meanwhile: its writer is about to go on */
    assert_true(got.marked && got.trust == VISOR_TRUST_DISRUPTED);
    vmclock[3] = htole32(2);
    assert_int_equal(publish_at(&file, now, 62, 62).trust, VISOR_TRUST_SYNCHRONIZED);
    vmclock[3] = htole32(3);
    assert_stuck(&file, now, 70);
    got = publish_at(&file, now, 75, 50); /* what was measured before it got stuck is void */
    assert_true(!got.marked && got.trust == VISOR_TRUST_DISRUPTED);
    got = publish_at(&file, now, 76, 76);
    assert_true(!got.marked && got.trust == VISOR_TRUST_SYNCHRONIZED && got.epoch == 0);
    vmclock[3] = htole32(4); /* it can be read again, and nothing has happened */
    got = publish_at(&file, now, 77, 76);
    assert_true(got.marked && got.trust == VISOR_TRUST_SYNCHRONIZED && got.marker == 5);
    vmclock[3] = htole32(5);
    assert_stuck(&file, now, 84);
    vmclock[3] = htole32(6); /* … or the machine was moved */
    vmclock[4] = htole32(6);
    got = publish_at(&file, now, 85, 83);
    assert_true(got.marked && got.trust == VISOR_TRUST_DISRUPTED && got.epoch == 1);
    assert_int_equal(publish_at(&file, now, 86, 86).trust, VISOR_TRUST_SYNCHRONIZED);
    visor_segment_close(&file);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
}

static void test_publish__a_page_that_is_stuck_from_the_start(void **state)
{
    uint32_t *vmclock = make_vmclock();
    struct visor_segment_file file;
    struct visor_segment_snapshot got;
    visor_mono now = visor_clock_raw();

    (void)state;
    vmclock[3] = htole32(1);
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    got = publish_at(&file, now, 0, 0);
    assert_true(!got.marked && got.trust == VISOR_TRUST_SYNCHRONIZED);
    assert_string_equal(file.page->device, device);
    vmclock[3] = htole32(2);
    got = publish_at(&file, now, 1, 0);
    assert_true(got.marked && got.trust == VISOR_TRUST_SYNCHRONIZED && got.marker == 5);
    visor_segment_close(&file);
    vmclock[3] = htole32(3); /* readers of the former daemon's word rely on it */
    assert_int_equal(visor_segment_open(&file, path, device), 0);
    assert_stuck(&file, now, 8);
    visor_segment_close(&file);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
}

/* Who would read beyond the end of a file would be killed. */
static void test_open__a_page_that_is_cut_short(void **state)
{
    static const size_t sizes[] = {0, 0x18, VISOR_VMCLOCK_PAGE - 1};
    uint32_t page[VISOR_VMCLOCK_PAGE / 4] = {htole32(0x4b4c4356), htole32(0x70), htole32(1), 0, 5};
    struct visor_segment_file file;
    struct visor_segment_snapshot got;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put(device, page, sizes[i]);
        assert_int_equal(visor_segment_open(&file, path, device), 0);
        got = publish_at(&file, visor_clock_raw(), 0, 0);
        assert_true(!got.marked && got.trust == VISOR_TRUST_SYNCHRONIZED);
        assert_string_equal(file.page->device, "");
        visor_segment_close(&file);
    }
}

/* ---- the TSC's line ---- */

/* However often is published, the TSC is looked at when it was planned: else its rate is never
 * known.
 */
static void test_publish__often_puts_nothing_off(void **state)
{
    visor_mono begun = visor_clock_raw(), planned;
    struct visor_segment_file file;

    (void)state;
    assert_int_equal(visor_segment_open(&file, path, "/dev/null"), 0);
    publish_at(&file, begun, 0.0, 0.0);
    planned = file.look_at;
    for (int i = 1; i < 9; i++)
        publish_at(&file, begun, 0.1 * i, 0.1 * i);
    assert_int_equal(file.look_at.ns, planned.ns);
    visor_segment_close(&file);
}

static struct visor_tsc_pair pair_at(int64_t raw_ns, double ghz, uint64_t width)
{
    return (struct visor_tsc_pair){
        .tsc = 1000000 + (uint64_t)((double)raw_ns * ghz), .width = width, .raw = {raw_ns}};
}

static bool note(struct visor_tsc *tsc, int64_t raw_ns, double ghz)
{
    struct visor_tsc_pair pair = pair_at(raw_ns, ghz, 60);

    return visor_tsc_note(tsc, &pair);
}

static void test_tsc__line_through_pairs(void **state)
{
    struct visor_tsc tsc = {.source = -1};
    struct visor_tsc_line line;
    int64_t missed;

    (void)state;
    assert_false(note(&tsc, 1000000000, 2.5));
    assert_false(note(&tsc, 1050000000, 2.5)); /* too near to tell the rate */
    assert_true(note(&tsc, 11000000000, 2.5));
    assert_true(tsc.period_ppb < 10.0);
    line = visor_tsc_line_at(&tsc, (visor_mono){10500000000});
    missed = (int64_t)line.tsc - (1000000 + INT64_C(26250000000));
    assert_in_range(missed + 100, 0, 200);
    assert_in_range(line.error_ns, 12, 30);
    assert_true(line.growth_ppb == tsc.period_ppb);
    assert_int_equal(visor_tsc_line_at(&tsc, (visor_mono){INT64_MIN / 2}).period, 0);
}

static void test_tsc__what_leaves_the_line_begins_anew(void **state)
{
    struct visor_tsc tsc = {.source = -1};

    (void)state;
    note(&tsc, 1000000000, 2.5);
    assert_true(note(&tsc, 11000000000, 2.5));
    assert_true(note(&tsc, 12000000000, 2.5));
    assert_false(note(&tsc, 13000000000, 2.5001)); /* it jumped by 1.3 ms worth */
    assert_false(note(&tsc, 13000000000, 2.5001)); /* no time has passed */
    assert_true(note(&tsc, 14000000000, 2.5001));
    assert_false(note(&tsc, 15000000000, 0.0001)); /* back to where it began */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open__makes_it_for_everybody_to_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open__goes_on_from_what_the_former_daemon_left, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open__one_writer_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publish__makes_it_again_when_it_was_taken_away, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open__replaces_what_it_cannot_go_on_with, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open__fails_without_a_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_publish__a_moved_machine_is_disrupted_until_measured_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publish__often_puts_nothing_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publish__a_vmclock_that_comes_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_publish__a_page_without_a_writer_is_no_marker, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_publish__a_page_that_is_stuck_from_the_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open__a_page_that_is_cut_short, set_up, tear_down),
        cmocka_unit_test(test_tsc__line_through_pairs),
        cmocka_unit_test(test_tsc__what_leaves_the_line_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
