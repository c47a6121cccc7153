/* Reference clock devices: real shared memory and sockets, devices that are missing or wrong. */
#include "port/clock.h"
#include "port/refclock.h"
#include "wire/sock.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct visor_refclock_config config;
    struct visor_refclock_device device;
    struct visor_stamps stamps;
    struct visor_event_refclock event;
    struct visor_shm_segment *segment;
    int segment_id, sender;
    char folder[64], path[96];
};

static void open_rig(struct rig *rig, enum visor_refclock_driver driver, const char *parameter)
{
    char reason[128] = "";

    memset(rig, 0, sizeof(*rig));
    visor_refclock_config_init(&rig->config);
    rig->config.driver = driver;
    snprintf(rig->config.parameter, sizeof(rig->config.parameter), "%s", parameter);
    visor_stamps_init(&rig->stamps);
    if (!visor_refclock_device_init(&rig->device, &rig->config, 3, reason, sizeof(reason)))
        fail_msg("%s", reason);
}

static struct visor_reading now(void)
{
    struct visor_reading reading;

    assert_int_equal(visor_clock_read_kernel(&reading), 0);
    return reading;
}

static int measure(struct rig *rig)
{
    visor_refclock_device_measure(&rig->device, &rig->stamps, &rig->event);
    assert_int_equal(rig->event.refclock, 3);
    return rig->event.kind == VISOR_REFCLOCK_FAILED ? rig->event.error : 0;
}

/* ---- SHM ---- */

static void open_shm(struct rig *rig)
{
    char parameter[32];
    int unit = 100000 + (int)(getpid() % 100000); /* nobody else's */

    snprintf(parameter, sizeof(parameter), "%d:perm=0644", unit);
    open_rig(rig, VISOR_REFCLOCK_SHM, parameter);
    assert_int_equal(measure(rig), EAGAIN);
    rig->segment_id = shmget(VISOR_SHM_KEY + unit, sizeof(*rig->segment), 0);
    assert_true(rig->segment_id >= 0);
    rig->segment = shmat(rig->segment_id, NULL, 0);
    assert_true(rig->segment != (void *)-1);
}

static void close_shm(struct rig *rig)
{
    visor_refclock_device_done(&rig->device);
    shmdt(rig->segment);
    shmctl(rig->segment_id, IPC_RMID, NULL);
}

static void write_shm(struct rig *rig, visor_wall receive, int64_t offset_ns)
{
    int64_t clock = receive.ns + offset_ns;

    rig->segment->receive_s = receive.ns / VISOR_NS_PER_S;
    rig->segment->receive_ns = (int)(receive.ns % VISOR_NS_PER_S);
    rig->segment->receive_us = rig->segment->receive_ns / 1000;
    rig->segment->clock_s = clock / VISOR_NS_PER_S;
    rig->segment->clock_ns = (int)(clock % VISOR_NS_PER_S);
    rig->segment->clock_us = rig->segment->clock_ns / 1000;
    rig->segment->valid = 1;
}

static void test_shm__gives_the_sample_once(void **state)
{
    struct rig rig;
    struct visor_reading before, after;

    (void)state;
    open_shm(&rig);
    for (int mode = 0; mode < 2; mode++) {
        before = now();
        rig.segment->mode = mode;
        rig.segment->leap = 1;
        write_shm(&rig, before.real, -123456789);
        assert_int_equal(measure(&rig), 0);
        after = now();
        assert_int_equal(rig.event.kind, VISOR_REFCLOCK_TIME);
        assert_int_equal(rig.event.leap, VISOR_LEAP_HINT_INSERT);
        assert_int_equal(rig.event.reference.ns, before.real.ns - 123456789);
        assert_true(llabs(rig.event.stamp.raw.ns - before.raw.ns) < 50000);
        assert_true(rig.event.stamp.raw.ns <= after.raw.ns);
        assert_int_equal(rig.segment->valid, 0);
        assert_int_equal(measure(&rig), EAGAIN);
    }
    close_shm(&rig);
}

static void test_shm__uses_microseconds_where_nanoseconds_disagree(void **state)
{
    struct rig rig;
    visor_wall at;

    (void)state;
    open_shm(&rig);
    at = now().real;
    write_shm(&rig, at, 0);
    rig.segment->clock_ns = 0;
    rig.segment->clock_us = 777;
    assert_int_equal(measure(&rig), 0);
    assert_int_equal(rig.event.reference.ns % VISOR_NS_PER_S, 777000);
    close_shm(&rig);
}

static void test_shm__refuses_nonsense_and_goes_on(void **state)
{
    struct rig rig;

    (void)state;
    open_shm(&rig);
    write_shm(&rig, now().real, 0);
    rig.segment->mode = 7;
    assert_int_equal(measure(&rig), EBADMSG);
    rig.segment->mode = 0;
    write_shm(&rig, now().real, 0);
    rig.segment->clock_s = INT64_MAX;
    assert_int_equal(measure(&rig), EBADMSG);
    write_shm(&rig, (visor_wall){1}, 0); /* stamped in 1970 */
    assert_int_equal(measure(&rig), EAGAIN);
    write_shm(&rig, now().real, 0);
    rig.segment->leap = 3;
    assert_int_equal(measure(&rig), 0);
    assert_int_equal(rig.event.leap, VISOR_LEAP_HINT_UNSYNCHRONIZED);
    close_shm(&rig);
}

/* ---- SOCK ---- */

static void open_sock(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/visor-sock-XXXXXX", path[96];

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/clk", folder);
    open_rig(rig, VISOR_REFCLOCK_SOCK, path);
    memcpy(rig->folder, folder, sizeof(folder));
    memcpy(rig->path, path, sizeof(path));
    assert_int_equal(visor_refclock_device_fd(&rig->device), -1);
    assert_false(visor_refclock_device_tick(&rig->device, now().raw, &rig->event));
    assert_true(visor_refclock_device_fd(&rig->device) >= 0);
    assert_int_equal(visor_refclock_device_deadline(&rig->device).ns, INT64_MAX);
    rig->sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(rig->sender, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void close_sock(struct rig *rig)
{
    struct stat status;

    close(rig->sender);
    visor_refclock_device_done(&rig->device);
    assert_int_equal(stat(rig->path, &status), -1);
    rmdir(rig->folder);
}

struct sample64 {
    int64_t s, us;
    double offset;
    int pulse, leap, pad, magic;
};

struct sample32 {
    int32_t s, us;
    double offset;
    int pulse, leap, pad, magic;
};

static bool receive(struct rig *rig, const void *data, size_t size)
{
    struct pollfd ready = {.fd = visor_refclock_device_fd(&rig->device), .events = POLLIN};

    assert_int_equal(send(rig->sender, data, size, 0), (ssize_t)size);
    assert_int_equal(poll(&ready, 1, 1000), 1);
    return visor_refclock_device_readable(&rig->device, &rig->stamps, &rig->event);
}

static void test_sock__takes_both_forms(void **state)
{
    struct rig rig;
    struct visor_reading before;

    (void)state;
    open_sock(&rig);
    for (int form = 0; form < 2; form++) {
        struct sample64 wide = {.offset = 2.5, .leap = 2, .magic = VISOR_SOCK_MAGIC};
        struct sample32 narrow = {.offset = 2.5, .leap = 2, .magic = VISOR_SOCK_MAGIC};

        before = now();
        visor_stamps_note(&rig.stamps, &before);
        wide.s = before.real.ns / VISOR_NS_PER_S;
        wide.us = before.real.ns % VISOR_NS_PER_S / 1000;
        narrow.s = (int32_t)wide.s;
        narrow.us = (int32_t)wide.us;
        assert_true(form ? receive(&rig, &wide, sizeof(wide))
                         : receive(&rig, &narrow, sizeof(narrow)));
        assert_int_equal(rig.event.kind, VISOR_REFCLOCK_TIME);
        assert_int_equal(rig.event.leap, VISOR_LEAP_HINT_DELETE);
        assert_int_equal(rig.event.reference.ns,
                         before.real.ns / 1000 * 1000 + 2 * VISOR_NS_PER_S + 500000000);
        assert_true(llabs(rig.event.stamp.raw.ns - before.raw.ns) < 50000);
    }
    close_sock(&rig);
}

static void test_sock__pulse_is_the_moment_of_the_whole_second(void **state)
{
    struct sample64 sample = {.pulse = 1, .magic = VISOR_SOCK_MAGIC};
    struct visor_reading before;
    struct rig rig;

    (void)state;
    open_sock(&rig);
    before = now();
    visor_stamps_note(&rig.stamps, &before);
    sample.s = before.real.ns / VISOR_NS_PER_S;
    sample.us = before.real.ns % VISOR_NS_PER_S / 1000;
    sample.offset = 100.0 - (double)sample.us * 1e-6 + 0.0001; /* 100.0001 s past a second */
    assert_true(receive(&rig, &sample, sizeof(sample)));
    assert_int_equal(rig.event.kind, VISOR_REFCLOCK_PULSE);
    assert_true(llabs(rig.event.stamp.raw.ns - (before.raw.ns - 100000)) < 50000);
    close_sock(&rig);
}

static void test_sock__refuses_nonsense_and_goes_on(void **state)
{
    struct sample64 sample = {.magic = VISOR_SOCK_MAGIC};
    struct rig rig;

    (void)state;
    open_sock(&rig);
    assert_true(receive(&rig, &sample, 7));
    assert_int_equal(rig.event.error, EBADMSG);
    assert_true(receive(&rig, &rig, 200));
    assert_int_equal(rig.event.error, EBADMSG);
    sample.offset = 1e300;
    assert_true(receive(&rig, &sample, sizeof(sample)));
    assert_int_equal(rig.event.error, EBADMSG);
    sample.offset = 0;
    sample.magic++;
    assert_true(receive(&rig, &sample, sizeof(sample)));
    assert_int_equal(rig.event.error, EBADMSG);
    sample.magic--;
    assert_true(receive(&rig, &sample, sizeof(sample))); /* 1970: no such stamp */
    assert_int_equal(rig.event.error, EAGAIN);
    assert_true(visor_refclock_device_fd(&rig.device) >= 0);
    close_sock(&rig);
}

static void test_sock__replaces_a_stale_socket_but_no_file(void **state)
{
    struct rig rig;
    char path[96];
    FILE *file;

    (void)state;
    open_sock(&rig);
    snprintf(path, sizeof(path), "%s/file", rig.folder);
    file = fopen(path, "w");
    fclose(file);
    snprintf(rig.config.parameter, sizeof(rig.config.parameter), "%s", path);
    visor_refclock_device_done(&rig.device);
    assert_true(visor_refclock_device_init(&rig.device, &rig.config, 3, NULL, 0));
    assert_true(visor_refclock_device_tick(&rig.device, now().raw, &rig.event));
    assert_int_equal(rig.event.error, EADDRINUSE);
    unlink(path);
    close_sock(&rig);
}

/* ---- devices that are not there ---- */

static void test_missing_device__fails_and_is_tried_again_ever_more_seldom(void **state)
{
    const enum visor_refclock_driver drivers[] = {VISOR_REFCLOCK_PHC, VISOR_REFCLOCK_PPS,
                                                  VISOR_REFCLOCK_RTC};
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        open_rig(&rig, drivers[i], "/nonexistent/device");
        assert_int_equal(measure(&rig), ENOENT);
        for (int64_t wait = 1; wait <= 64; wait *= 2) {
            assert_int_equal(rig.device.retry_ns, wait * VISOR_NS_PER_S);
            assert_int_equal(measure(&rig), ENOENT); /* not tried: no change */
            assert_int_equal(rig.device.retry_ns, wait * VISOR_NS_PER_S);
            rig.device.retry_at = now().raw;
            assert_int_equal(measure(&rig), ENOENT);
        }
        assert_int_equal(rig.device.retry_ns, 64 * VISOR_NS_PER_S);
        visor_refclock_device_done(&rig.device);
    }
}

static void test_wrong_device__is_refused(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, "/dev/null");
    assert_int_equal(measure(&rig), ENOTTY);
    open_rig(&rig, VISOR_REFCLOCK_PPS, "/dev/null");
    assert_int_equal(measure(&rig), ENOTTY);
    open_rig(&rig, VISOR_REFCLOCK_PHC, "no-such-interface0");
    assert_int_not_equal(measure(&rig), 0);
    open_rig(&rig, VISOR_REFCLOCK_RTC, "/dev/null:utc");
    assert_int_equal(measure(&rig), ENOTTY);
    visor_refclock_device_done(&rig.device);
}

/* ---- parameters ---- */

static void test_init__reads_and_checks_options(void **state)
{
    const struct {
        enum visor_refclock_driver driver;
        const char *parameter, *reason;
    } bad[] = {
        {VISOR_REFCLOCK_PPS, "/dev/pps0:clea", "the PPS driver has no option 'clea'"},
        {VISOR_REFCLOCK_PPS, "/dev/pps0:clear=1", "the PPS driver has no option 'clear=1'"},
        {VISOR_REFCLOCK_PHC, "/dev/ptp0:pin", "the PHC driver has no option 'pin'"},
        {VISOR_REFCLOCK_PHC, "/dev/ptp0:pin=x", "'x' is not a number"},
        {VISOR_REFCLOCK_SHM, "a", "'a' is not a unit number"},
        {VISOR_REFCLOCK_SOCK, "/run/clk:utc", "the SOCK driver has no option 'utc'"},
        {VISOR_REFCLOCK_RTC, ":utc", "the RTC driver wants a path"},
    };
    struct rig rig;
    char value[VISOR_REFCLOCK_PATH_MAX], reason[128];

    (void)state;
    open_rig(&rig, VISOR_REFCLOCK_PHC, "eth0:nocrossts:extpps:pin=-1:channel=2");
    assert_string_equal(rig.device.path, "eth0");
    assert_non_null(visor_refclock_device_option(&rig.device, "nocrossts", value));
    assert_null(visor_refclock_device_option(&rig.device, "clear", value));
    assert_string_equal(visor_refclock_device_option(&rig.device, "channel", value), "2");
    assert_int_equal(visor_refclock_device_number(&rig.device, "pin", 0, 10), -1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rig.config.driver = bad[i].driver;
        snprintf(rig.config.parameter, sizeof(rig.config.parameter), "%s", bad[i].parameter);
        assert_false(visor_refclock_device_init(&rig.device, &rig.config, 0, reason, 128));
        assert_string_equal(reason, bad[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shm__gives_the_sample_once),
        cmocka_unit_test(test_shm__uses_microseconds_where_nanoseconds_disagree),
        cmocka_unit_test(test_shm__refuses_nonsense_and_goes_on),
        cmocka_unit_test(test_sock__takes_both_forms),
        cmocka_unit_test(test_sock__pulse_is_the_moment_of_the_whole_second),
        cmocka_unit_test(test_sock__refuses_nonsense_and_goes_on),
        cmocka_unit_test(test_sock__replaces_a_stale_socket_but_no_file),
        cmocka_unit_test(test_missing_device__fails_and_is_tried_again_ever_more_seldom),
        cmocka_unit_test(test_wrong_device__is_refused),
        cmocka_unit_test(test_init__reads_and_checks_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
