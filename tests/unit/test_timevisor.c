#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/handle.h"
#include "port/clock.h"
#include "port/segment.h"
#include "wire/vmclock.h"
#include <timevisor/timevisor.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A daemon's side of the segment, published by hand; UTC is CLOCK_REALTIME here. */
struct daemon {
    struct visor_segment_file file;
    uint64_t epoch;
};

static char directory[64], path[96], device[96];
static struct daemon writer;
static timevisor *handle;

static struct visor_view view_of(enum timevisor_status status, int64_t error_ns)
{
    struct visor_reading now;
    bool bounded = status == TIMEVISOR_SYNCHRONIZED || status == TIMEVISOR_HOLDOVER;

    assert_int_equal(visor_clock_read_kernel(&now), 0);
    return (struct visor_view){
        .version = 1,
        .trust = (enum visor_trust)status,
        .raw = now.raw,
        .utc = visor_wall_add(now.real, error_ns),
        .bound_ns = bounded ? 1000000 : VISOR_NS_MAX,
        .growth_ppb = 1e5,
        .epoch = writer.epoch,
        .verified = now.raw,
        .tai_offset_s = 37,
    };
}

static void publish(enum timevisor_status status, int64_t error_ns)
{
    struct visor_view view = view_of(status, error_ns);

    assert_int_equal(visor_segment_publish(&writer.file, &view, visor_clock_raw()), 0);
}

static uint32_t *make_vmclock(void)
{
    uint32_t page[VISOR_VMCLOCK_PAGE / 4] = {htole32(0x4b4c4356), htole32(0x70), htole32(1), 0, 5};
    int fd = open(device, O_RDWR | O_CREAT | O_TRUNC, 0644);
    void *mapped;

    assert_true(fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page));
    mapped = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(mapped != MAP_FAILED);
    return mapped;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/visor-lib-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/clock", directory);
    snprintf(device, sizeof(device), "%s/vmclock", directory);
    writer.epoch = 0;
    return visor_segment_open(&writer.file, path, device);
}

static int tear_down(void **state)
{
    (void)state;
    timevisor_close(handle);
    handle = NULL;
    visor_segment_close(&writer.file);
    unlink(path);
    unlink(device);
    return rmdir(directory);
}

static void open_handle(void)
{
    handle = timevisor_open(path);
    if (!handle)
        fail_msg("timevisor_open: %s", timevisor_strerror(errno));
}

static int64_t real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * VISOR_NS_PER_S + now.tv_nsec;
}

static void assert_unbounded(int status)
{
    struct timevisor_interval now;

    assert_int_equal(timevisor_now(handle, &now), status);
    assert_int_equal(now.status, status);
    assert_true(now.earliest_ns == TIMEVISOR_MIN && now.latest_ns == TIMEVISOR_MAX);
    assert_false(timevisor_after(handle, 0));
    assert_false(timevisor_before(handle, INT64_MAX - 1));
}

static void assert_right(int status)
{
    int64_t before, after;
    struct timevisor_interval now;

    before = real_ns();
    assert_int_equal(timevisor_now(handle, &now), status);
    after = real_ns();
    assert_true(now.earliest_ns <= after && now.latest_ns >= before);
}

/* ---- opening ---- */

static void refuses(int error)
{
    timevisor *opened = timevisor_open(path);

    if (opened)
        fail_msg("opened instead of errno %d", error);
    assert_int_equal(errno, error);
    assert_true(strlen(timevisor_strerror(error)) > 10);
}

static void put(const void *data, size_t size)
{
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
}

static void test_open__refuses_odd_files(void **state)
{
    _Alignas(64) char page[VISOR_SEGMENT_SIZE];
    struct visor_segment *segment = (struct visor_segment *)page;

    (void)state;
    visor_segment_init(segment, writer.file.boot, "");
    put(page, sizeof(page));
    timevisor_close(timevisor_open(path));
    put(page, sizeof(page) - 1);
    refuses(EPROTO);
    put(page, 0);
    refuses(EPROTO);
    segment->version++;
    put(page, sizeof(page));
    refuses(EPROTONOSUPPORT);
    segment->magic++;
    put(page, sizeof(page));
    refuses(EPROTO);
    unlink(path);
    refuses(ENOENT);
    assert_int_equal(mkdir(path, 0755), 0);
    refuses(EPROTO);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0644), 0);
    refuses(EPROTO);
    assert_null(timevisor_open("/dev/null"));
}

static void test_open__refuses_what_others_could_have_written(void **state)
{
    _Alignas(64) char page[VISOR_SEGMENT_SIZE];

    (void)state;
    visor_segment_init((struct visor_segment *)page, writer.file.boot, "");
    put(page, sizeof(page));
    chmod(path, 0664);
    refuses(EPERM);
    chmod(path, 0646);
    refuses(EPERM);
    chmod(path, 0644);
    if (geteuid() != 0)
        return; /* chown() is for root */
    assert_int_equal(chown(path, 12345, 12345), 0);
    refuses(EPERM);
    assert_int_equal(chown(directory, 12345, 12345), 0);
    timevisor_close(timevisor_open(path)); /* it is the directory's owner's */
    assert_int_equal(chown(directory, 0, 0), 0);
}

static void test_open__refuses_another_boots(void **state)
{
    _Alignas(64) char page[VISOR_SEGMENT_SIZE];
    const uint64_t boot[2] = {1, 2};
    timevisor *opened;
    const char *memory = "/dev/shm/visor-lib-test";
    int fd;

    (void)state;
    visor_segment_init((struct visor_segment *)page, boot, "");
    put(page, sizeof(page));
    opened = timevisor_open(path);
    if (opened) { /* /tmp lies in memory here */
        timevisor_close(opened);
        skip();
    }
    assert_int_equal(errno, ESTALE);
    unlink(memory);
    fd = open(memory, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        skip();
    assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
    close(fd);
    opened = timevisor_open(memory); /* a container may have a boot_id of its own */
    unlink(memory);
    assert_non_null(opened);
    timevisor_close(opened);
}

/* ---- now ---- */

static void test_now__is_right_and_says_so(void **state)
{
    (void)state;
    open_handle();
    assert_unbounded(TIMEVISOR_UNKNOWN);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    for (int i = 0; i < 1000; i++)
        assert_right(TIMEVISOR_SYNCHRONIZED);
    assert_true(timevisor_after(handle, real_ns() - 10000000));
    assert_false(timevisor_after(handle, real_ns()));
    assert_true(timevisor_before(handle, real_ns() + 100000000));
    assert_false(timevisor_before(handle, real_ns()));
    publish(TIMEVISOR_HOLDOVER, 0);
    assert_right(TIMEVISOR_HOLDOVER);
}

static void test_now__fails_closed_between_a_disruption_and_the_next_measurement(void **state)
{
    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    publish(TIMEVISOR_DISRUPTED, 0);
    assert_unbounded(TIMEVISOR_DISRUPTED);
    publish(TIMEVISOR_UNKNOWN, 0);
    assert_unbounded(TIMEVISOR_UNKNOWN);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_right(TIMEVISOR_SYNCHRONIZED);
}

/* Long enough for the TSC's rate to be known, where the kernel counts by it. */
static void publish_for_long(void)
{
    struct timespec rest = {.tv_nsec = 150000000};

    for (int i = 0; i < 3; i++) {
        publish(TIMEVISOR_SYNCHRONIZED, 0);
        nanosleep(&rest, NULL);
    }
}

/* The counter by the TSC, and by the kernel, tell the same. */
/* Whichever counter is read here. */
static void test_now__both_counters_agree(void **state)
{
    (void)state;
    open_handle();
    publish_for_long();
    for (int i = 0; i < 10000; i++) {
        struct timevisor_stamp stamp;
        struct timespec before, after;

        clock_gettime(CLOCK_MONOTONIC_RAW, &before);
        timevisor_stamp(handle, &stamp);
        clock_gettime(CLOCK_MONOTONIC_RAW, &after);
        assert_true(stamp.raw_ns + stamp.raw_error_ns >=
                    before.tv_sec * VISOR_NS_PER_S + before.tv_nsec);
        assert_true(stamp.raw_ns - stamp.raw_error_ns <=
                    after.tv_sec * VISOR_NS_PER_S + after.tv_nsec);
        assert_true(stamp.raw_error_ns < 1000000); /* us on an idle machine */
    }
}

/* The short way and the long one. */
static void notices_a_move(bool quick)
{
    uint32_t *vmclock = make_vmclock();
    struct timevisor_info info;

    visor_segment_close(&writer.file);
    assert_int_equal(visor_segment_open(&writer.file, path, device), 0);
    if (!quick)
        visor_tsc_done(&writer.file.tsc);
    open_handle();
    publish_for_long();
    assert_right(TIMEVISOR_SYNCHRONIZED);
    timevisor_info(handle, &info);
    assert_true(info.flags & TIMEVISOR_WATCHES_VMCLOCK);
    assert_true(quick || !(info.flags & TIMEVISOR_READS_TSC));
    vmclock[4] = htole32(6);
    assert_unbounded(TIMEVISOR_DISRUPTED);
    publish(TIMEVISOR_SYNCHRONIZED, 0); /* the daemon notices it, too */
    assert_unbounded(TIMEVISOR_DISRUPTED);
    publish(TIMEVISOR_SYNCHRONIZED, 0); /* measured since */
    assert_right(TIMEVISOR_SYNCHRONIZED);
    vmclock[3] = htole32(1); /* it is being written … */
    assert_unbounded(TIMEVISOR_DISRUPTED);
    writer.file.busy_ns = INT64_MAX / 2; /* … and that has gone on for long */
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_right(TIMEVISOR_SYNCHRONIZED);
    timevisor_info(handle, &info);
    assert_int_equal(info.flags & (TIMEVISOR_WATCHES_VMCLOCK | TIMEVISOR_HAS_VMCLOCK),
                     TIMEVISOR_HAS_VMCLOCK);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
}

static void test_now__a_moved_machine_is_noticed_at_the_very_reading(void **state)
{
    (void)state;
    notices_a_move(true);
}

static void test_now__a_moved_machine_is_noticed_by_the_kernels_counter(void **state)
{
    (void)state;
    notices_a_move(false);
}

static void test_now__a_vmclock_that_cannot_be_read_is_told(void **state)
{
    uint32_t *vmclock = make_vmclock();
    struct timevisor_info info;

    (void)state;
    visor_segment_close(&writer.file);
    assert_int_equal(visor_segment_open(&writer.file, path, device), 0);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    munmap(vmclock, VISOR_VMCLOCK_PAGE);
    truncate(device, 100);
    open_handle();
    timevisor_info(handle, &info);
    assert_true(info.flags & TIMEVISOR_HAS_VMCLOCK);
    assert_false(info.flags & TIMEVISOR_WATCHES_VMCLOCK);
}

static void wait_until_synchronized(void)
{
    for (int i = 0; i < 30; i++) {
        struct timespec rest = {.tv_nsec = 100000000};
        struct timevisor_interval now;

        if (timevisor_now(handle, &now) == TIMEVISOR_SYNCHRONIZED)
            break;
        nanosleep(&rest, NULL);
    }
    assert_right(TIMEVISOR_SYNCHRONIZED);
}

static void test_now__survives_the_daemon_and_finds_its_next_segment(void **state)
{
    struct visor_view view = view_of(TIMEVISOR_SYNCHRONIZED, 0);

    (void)state;
    open_handle();
    writer.file.publisher.keep_ns = 0;
    visor_segment_publish(&writer.file, &view, view.raw);
    assert_right(TIMEVISOR_HOLDOVER); /* nobody has said for long that it still holds */
    visor_segment_close(&writer.file);
    assert_right(TIMEVISOR_HOLDOVER);
    unlink(path);
    assert_right(TIMEVISOR_HOLDOVER);
    assert_int_equal(visor_segment_open(&writer.file, path, device), 0);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    wait_until_synchronized();
}

/* A child that was forked while a thread of its parent looked for another segment. */
static void test_now__a_look_that_a_parent_began_keeps_nobody_waiting(void **state)
{
    struct visor_view view = view_of(TIMEVISOR_SYNCHRONIZED, 0);

    (void)state;
    open_handle();
    writer.file.publisher.keep_ns = 0;
    visor_segment_publish(&writer.file, &view, view.raw);
    visor_segment_close(&writer.file);
    unlink(path);
    assert_int_equal(visor_segment_open(&writer.file, path, device), 0);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    handle->looking = getpid(); /* a signal handler of the thread that looks */
    handle->look_at = 0;
    assert_right(TIMEVISOR_HOLDOVER);
    handle->looking = getppid();
    wait_until_synchronized();
    assert_int_equal(handle->looking, 0);
}

/* More than a page of what is noted of them. */
static void test_now__follows_any_number_of_segments(void **state)
{
    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    for (int i = 0; i < 200; i++) {
        visor_segment_close(&writer.file);
        unlink(path);
        assert_int_equal(visor_segment_open(&writer.file, path, device), 0);
        publish(TIMEVISOR_DISRUPTED, 0);
        visor_handle_move_on(handle);
        assert_unbounded(TIMEVISOR_DISRUPTED);
        publish(TIMEVISOR_SYNCHRONIZED, 0);
        visor_handle_move_on(handle); /* it is the same still */
        assert_right(TIMEVISOR_SYNCHRONIZED);
    }
}

/* ---- waiting ---- */

static void test_wait__until_it_is_surely_past(void **state)
{
    struct timevisor_interval now;

    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    timevisor_now(handle, &now);
    assert_int_equal(timevisor_wait(handle, now.latest_ns, -1), 0);
    assert_true(real_ns() > now.latest_ns);
    assert_true(timevisor_after(handle, now.latest_ns));
    assert_int_equal(timevisor_wait(handle, real_ns() + 3600 * VISOR_NS_PER_S, 1000000), -1);
    assert_int_equal(errno, ETIMEDOUT);
    publish(TIMEVISOR_DISRUPTED, 0);
    assert_int_equal(timevisor_wait(handle, 0, 1000000), -1);
    assert_int_equal(errno, ETIMEDOUT);
}

/* ---- stamps ---- */

static void test_confirm__when_it_was_measured_again(void **state)
{
    struct timevisor_stamp stamp;

    (void)state;
    open_handle();
    timevisor_stamp(handle, &stamp);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_REVOKED); /* it was unbounded */
    assert_int_equal(timevisor_stamp(handle, &stamp), TIMEVISOR_SYNCHRONIZED);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_NOT_YET);
    publish(TIMEVISOR_HOLDOVER, 0);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_NOT_YET);
    publish(TIMEVISOR_SYNCHRONIZED, 100000);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_CONFIRMED);
    stamp.boot++;
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_REVOKED);
}

static void test_confirm__revoked_by_a_disruption(void **state)
{
    struct timevisor_stamp stamp, later;
    struct timevisor_interval then;

    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    timevisor_stamp(handle, &stamp);
    publish(TIMEVISOR_DISRUPTED, 0);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_REVOKED);
    writer.epoch++;
    publish(TIMEVISOR_SYNCHRONIZED, 5000000000);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_REVOKED);
    assert_int_equal(timevisor_convert(handle, &stamp, &then), TIMEVISOR_DISRUPTED);
    assert_true(then.earliest_ns == TIMEVISOR_MIN && then.latest_ns == TIMEVISOR_MAX);
    timevisor_stamp(handle, &later);
    publish(TIMEVISOR_SYNCHRONIZED, 0); /* leaves no room for what was said: a disruption, too */
    assert_int_equal(timevisor_confirm(handle, &later), TIMEVISOR_REVOKED);
}

/* `blind` is about stalls of 50 ms and more: a shorter one only the next measurement shows. */
static void test_confirm__not_by_a_detector_alone(void **state)
{
    struct visor_view view = view_of(TIMEVISOR_SYNCHRONIZED, 0);
    struct timevisor_stamp stamp;
    struct timespec rest = {.tv_nsec = 20000000};

    (void)state;
    open_handle();
    writer.file.blind_ns = 10000000;
    visor_segment_publish(&writer.file, &view, visor_clock_raw());
    timevisor_stamp(handle, &stamp);
    nanosleep(&rest, NULL);
    visor_segment_publish(&writer.file, &view, visor_clock_raw());
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_NOT_YET);
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_CONFIRMED);
}

/* What the line was before the counter changed its rate it does not say. */
static void test_convert__of_another_rate_it_is_what_was_known_then(void **state)
{
    struct visor_view view = view_of(TIMEVISOR_SYNCHRONIZED, 0);
    struct timevisor_stamp stamp, later;
    struct timevisor_interval then;
    struct timevisor_duration passed;
    int64_t raw = visor_clock_raw().ns;

    (void)state;
    open_handle();
    visor_segment_publish(&writer.file, &view, visor_clock_raw());
    timevisor_stamp(handle, &stamp);
    view = view_of(TIMEVISOR_SYNCHRONIZED, 0);
    view.rate_ppb += 200000.0;
    visor_segment_publish(&writer.file, &view, visor_clock_raw());
    timevisor_stamp(handle, &later);
    assert_int_equal(timevisor_convert(handle, &stamp, &then), TIMEVISOR_SYNCHRONIZED);
    assert_int_equal(then.earliest_ns, stamp.interval.earliest_ns);
    assert_int_equal(then.latest_ns, stamp.interval.latest_ns);
    timevisor_convert_raw(handle, raw, &then);
    assert_true(then.earliest_ns == TIMEVISOR_MIN && then.latest_ns == TIMEVISOR_MAX);
    timevisor_elapsed(handle, &stamp, &later, &passed);
    assert_int_equal(passed.least_ns, later.interval.earliest_ns - stamp.interval.latest_ns);
    assert_int_equal(passed.most_ns, later.interval.latest_ns - stamp.interval.earliest_ns);
    assert_int_equal(timevisor_confirm(handle, &stamp), TIMEVISOR_CONFIRMED);
    view.trust = VISOR_TRUST_DISRUPTED;
    visor_segment_publish(&writer.file, &view, visor_clock_raw());
    assert_int_equal(timevisor_convert(handle, &stamp, &then), TIMEVISOR_DISRUPTED);
    assert_true(then.earliest_ns == TIMEVISOR_MIN && then.latest_ns == TIMEVISOR_MAX);
}

static void test_convert__a_past_stamp_by_what_is_known_now(void **state)
{
    struct timevisor_stamp stamp;
    struct timevisor_interval then, raw;
    struct timespec now;
    int64_t real;

    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    timevisor_stamp(handle, &stamp);
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    real = real_ns();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_int_equal(timevisor_convert(handle, &stamp, &then), TIMEVISOR_SYNCHRONIZED);
    assert_true(then.earliest_ns <= real && then.latest_ns >= real - 100000000);
    assert_int_equal(timevisor_convert_raw(handle, now.tv_sec * VISOR_NS_PER_S + now.tv_nsec, &raw),
                     TIMEVISOR_SYNCHRONIZED);
    assert_true(raw.earliest_ns <= real && raw.latest_ns >= then.earliest_ns);
    assert_int_equal(timevisor_convert_raw(handle, 1000, &raw), TIMEVISOR_DISRUPTED);
    assert_true(raw.earliest_ns == TIMEVISOR_MIN);
}

static void test_elapsed__is_bounded(void **state)
{
    struct timevisor_stamp from, to;
    struct timevisor_duration duration;
    struct timespec rest = {.tv_nsec = 30000000};
    int64_t before, least, most;

    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    before = real_ns();
    timevisor_stamp(handle, &from);
    least = real_ns();
    nanosleep(&rest, NULL);
    most = real_ns();
    timevisor_stamp(handle, &to);
    least = most - least;
    most = real_ns() - before;
    assert_int_equal(timevisor_elapsed(handle, &from, &to, &duration), TIMEVISOR_SYNCHRONIZED);
    /* REALTIME may itself be slewed by 500 ppm here */
    assert_true(duration.most_ns >= least - least / 1000);
    assert_true(duration.least_ns <= most + most / 1000);
    assert_true(duration.most_ns - duration.least_ns >= 2 * 3000); /* 100 ppm of 30 ms */
    writer.epoch++;
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    assert_int_equal(timevisor_elapsed(handle, &from, &to, &duration), TIMEVISOR_DISRUPTED);
    assert_true(duration.least_ns == TIMEVISOR_MIN && duration.most_ns == TIMEVISOR_MAX);
}

static void test_monotonic__never_goes_back(void **state)
{
    int64_t last = 0;

    (void)state;
    open_handle();
    for (int i = 0; i < 20000; i++) {
        int64_t now;

        if (i % 1000 == 0)
            publish(TIMEVISOR_SYNCHRONIZED, i * 10);
        now = timevisor_monotonic(handle);
        assert_true(now >= last);
        last = now;
    }
}

/* ---- hybrid logical clock ---- */

static void test_hlc__what_follows_is_larger(void **state)
{
    uint64_t here = 0, there = 0, sent, last = 0, answer;

    (void)state;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(timevisor_hlc_now(handle, &here, &sent), TIMEVISOR_SYNCHRONIZED);
        assert_true(sent > last);
        assert_int_equal(timevisor_hlc_receive(handle, &there, sent, 0, &answer),
                         TIMEVISOR_SYNCHRONIZED);
        assert_true(answer > sent);
        assert_int_equal(timevisor_hlc_receive(handle, &here, answer, 0, &last),
                         TIMEVISOR_SYNCHRONIZED);
        assert_true(last > answer);
    }
    assert_true((int64_t)last < real_ns() + 2000000);
    assert_true((int64_t)last > real_ns() - 2000000000);
    assert_int_equal(timevisor_hlc_receive(handle, &here, last + 3600000000000, 1000000, &answer),
                     -1);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(here, last);
    assert_true(timevisor_hlc_receive(handle, &here, last + 3600000000000, 3700000000000, &answer) >
                0);
    publish(TIMEVISOR_DISRUPTED, 0);
    sent = here;
    assert_int_equal(timevisor_hlc_now(handle, &here, &last), TIMEVISOR_DISRUPTED);
    assert_int_equal(last, sent + 1);
    assert_int_equal(timevisor_hlc_receive(handle, &here, last, 0, &answer), -1);
    assert_int_equal(errno, EAGAIN);
}

/* ---- text ---- */

static void formats(int64_t utc_ns, int zone, const char *wanted)
{
    char text[TIMEVISOR_FORMAT_MAX];

    assert_int_equal(timevisor_format(utc_ns, zone, text, sizeof(text)), strlen(wanted));
    assert_string_equal(text, wanted);
}

static void test_format__two_zones(void **state)
{
    char text[TIMEVISOR_FORMAT_MAX];

    (void)state;
    formats(1764123225123456789, 480,
            "2025-11-26T02:13:45.123456789Z 2025-11-26T10:13:45.123456789+08:00");
    formats(1709164800000000000, -210,
            "2024-02-29T00:00:00.000000000Z 2024-02-28T20:30:00.000000000-03:30");
    formats(0, 0, "1970-01-01T00:00:00.000000000Z");
    formats(-1, 0, "1969-12-31T23:59:59.999999999Z");
    formats(TIMEVISOR_MAX - 1, 0, "2262-04-11T23:47:16.854775806Z");
    formats(TIMEVISOR_MIN + 1, 0, "1677-09-21T00:12:43.145224193Z");
    formats(TIMEVISOR_MAX, 480, "-");
    assert_int_equal(timevisor_format(0, 0, text, 30), 0);
    assert_int_equal(timevisor_format(0, 0, text, 31), 30);
    /* every day of four centuries, against the C library's calendar */
    for (int64_t day = -73048; day < 73048; day++) {
        time_t seconds = day * 86400 + 3661;
        struct tm tm;
        char expected[40];

        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
        timevisor_format(seconds * VISOR_NS_PER_S, 0, text, sizeof(text));
        assert_string_equal(text, expected);
    }
}

static void test_status_name(void **state)
{
    (void)state;
    assert_string_equal(timevisor_status_name(TIMEVISOR_HOLDOVER), "holdover");
    assert_string_equal(timevisor_status_name(4), "?");
    assert_string_equal(timevisor_status_name(-1), "?");
    assert_string_equal(timevisor_version(), VISOR_VERSION);
}

/* ---- signals and threads ---- */

static volatile sig_atomic_t interrupted, wrong;

static void on_signal(int number)
{
    struct timevisor_interval now;

    (void)number;
    interrupted++;
    if (timevisor_now(handle, &now) != TIMEVISOR_SYNCHRONIZED ||
        now.latest_ns - now.earliest_ns > 100000000)
        wrong = 1;
}

static void *reads(void *count)
{
    struct timevisor_interval now, last = {0};

    for (int i = 0; i < *(const int *)count; i++) {
        if (timevisor_now(handle, &now) != TIMEVISOR_SYNCHRONIZED ||
            now.latest_ns < last.earliest_ns || now.latest_ns - now.earliest_ns > 100000000)
            wrong = 1;
        last = now;
    }
    return NULL;
}

static void test_now__in_threads_and_signal_handlers(void **state)
{
    struct itimerspec often = {{0, 200000}, {0, 200000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    pthread_t threads[4];
    timer_t timer;
    int count = 200000;

    (void)state;
    interrupted = wrong = 0;
    open_handle();
    publish(TIMEVISOR_SYNCHRONIZED, 0);
    signal(SIGUSR1, on_signal);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &often, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reads, &count), 0);
    for (int i = 0; i < 2000; i++)
        publish(TIMEVISOR_SYNCHRONIZED, i % 100);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    timer_delete(timer);
    signal(SIGUSR1, SIG_IGN);
    assert_true(interrupted > 0);
    assert_false(wrong);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open__refuses_odd_files),
        TEST(test_open__refuses_what_others_could_have_written),
        TEST(test_open__refuses_another_boots),
        TEST(test_now__is_right_and_says_so),
        TEST(test_now__fails_closed_between_a_disruption_and_the_next_measurement),
        TEST(test_now__both_counters_agree),
        TEST(test_now__a_moved_machine_is_noticed_at_the_very_reading),
        TEST(test_now__a_moved_machine_is_noticed_by_the_kernels_counter),
        TEST(test_now__a_vmclock_that_cannot_be_read_is_told),
        TEST(test_now__survives_the_daemon_and_finds_its_next_segment),
        TEST(test_now__a_look_that_a_parent_began_keeps_nobody_waiting),
        TEST(test_now__follows_any_number_of_segments),
        TEST(test_wait__until_it_is_surely_past),
        TEST(test_confirm__when_it_was_measured_again),
        TEST(test_confirm__revoked_by_a_disruption),
        TEST(test_confirm__not_by_a_detector_alone),
        TEST(test_convert__of_another_rate_it_is_what_was_known_then),
        TEST(test_convert__a_past_stamp_by_what_is_known_now),
        TEST(test_elapsed__is_bounded),
        TEST(test_monotonic__never_goes_back),
        TEST(test_hlc__what_follows_is_larger),
        cmocka_unit_test(test_format__two_zones),
        cmocka_unit_test(test_status_name),
        TEST(test_now__in_threads_and_signal_handlers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
