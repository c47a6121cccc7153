/* State files in chronyd's formats: drift, RTC, dumps; and replacing files whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/drift.h"
#include "config/dump.h"
#include "port/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool drift(const char *text, double *frequency, double *skew)
{
    struct visor_drift read;
    bool good = visor_drift_read(text, strlen(text), &read);

    *frequency = read.frequency_ppm;
    *skew = read.skew_ppm;
    return good;
}

static void test_drift__chronyds_format(void **state)
{
    struct visor_drift written = {-12.3456789, 0.0123};
    char text[VISOR_DRIFT_TEXT];
    double frequency, skew;

    (void)state;
    assert_true(drift("            -20.123456             0.054321\n", &frequency, &skew));
    assert_true(frequency == -20.123456 && skew == 0.054321);
    assert_true(drift("1e2 5\n", &frequency, &skew) && frequency == 100.0 && skew == 5.0);
    assert_true(drift("1 0", &frequency, &skew) && skew == 1e-6);
    assert_string_equal(visor_drift_write(&written, text),
                        "          -12.345679             0.012300\n");
}

static void test_drift__garbage_is_refused(void **state)
{
    double frequency, skew;

    (void)state;
    assert_false(drift("", &frequency, &skew));
    assert_false(drift("12.5", &frequency, &skew));
    assert_false(drift("nan 1", &frequency, &skew));
    assert_false(drift("inf 1", &frequency, &skew));
    assert_false(drift("1 inf", &frequency, &skew));
    assert_false(drift("hello world", &frequency, &skew));
    assert_false(drift("600000 1", &frequency, &skew));
    assert_false(drift("1x 1", &frequency, &skew));
}

static void test_rtc_drift__there_and_back(void **state)
{
    static const char chronyds[] = "1 1262304000 -0.123456 12.500\n";
    struct visor_rtc_drift read;
    char text[VISOR_DRIFT_TEXT];

    (void)state;
    assert_true(visor_rtc_drift_read(chronyds, strlen(chronyds), &read));
    assert_true(read.valid && read.reference_s == 1262304000);
    assert_true(read.fast_s == -0.123456 && read.gain_ppm == 12.5);
    assert_string_equal(visor_rtc_drift_write(&read, text), chronyds);
    assert_false(visor_rtc_drift_read("1 2 3", 5, &read));
    assert_false(visor_rtc_drift_read("x 2 3 4", 7, &read));
}

static void test_adjtime__third_line_tells(void **state)
{
    static const char local[] = "0.0 0 0.0\n0\nLOCAL\n", utc[] = "0.0 0 0.0\n0\nUTC";

    (void)state;
    assert_false(visor_adjtime_is_utc(local, strlen(local), true));
    assert_true(visor_adjtime_is_utc(utc, strlen(utc), false));
    assert_true(visor_adjtime_is_utc("0 0 0\n0\n", 8, true));
    assert_false(visor_adjtime_is_utc("", 0, false));
}

/* In the form that chronyd writes. */
static const char dump_text[] =
    "SRC0\n192.0.2.1\n0 377 8 2 0\n3 -4\n"
    "1262304100.123456789 1.234560e-04 1.300000e-04 2.000000e-03 1.000000e-06 3.000000e-03 "
    "4.000000e-03\n"
    "1262304164.000000001 -1.000000e-05 -1.100000e-05 2.100000e-03 1.000000e-06 3.000000e-03 "
    "4.000000e-03\n"
    "1262304228.999999999 0.000000e+00 0.000000e+00 2.200000e-03 1.000000e-06 3.000000e-03 "
    "4.000000e-03\n";

#define NOW (INT64_C(1262305000) * 1000000000)

static void test_dump__reads_what_chronyd_wrote(void **state)
{
    struct visor_dump dump;

    (void)state;
    assert_true(visor_dump_read(dump_text, strlen(dump_text), NOW, &dump));
    assert_string_equal(dump.name, "192.0.2.1");
    assert_int_equal(dump.reach, 0xff);
    assert_int_equal(dump.reach_size, 8);
    assert_int_equal(dump.stratum, 2);
    assert_int_equal(dump.count, 3);
    assert_int_equal(dump.asymmetry_run, -4);
    assert_true(dump.samples[0].at_ns == INT64_C(1262304100123456789));
    assert_true(dump.samples[2].at_ns == INT64_C(1262304228999999999));
    /* + in the file: the local clock was ahead */
    assert_true(dump.samples[0].offset == -1.23456e-04);
    assert_true(dump.samples[1].original_offset == 1.1e-05);
    assert_true(dump.samples[0].delay == 2e-3 && dump.samples[0].root_dispersion == 4e-3);
}

static void test_dump__there_and_back(void **state)
{
    struct visor_dump dump;
    char text[VISOR_DUMP_TEXT];

    (void)state;
    assert_true(visor_dump_read(dump_text, strlen(dump_text), NOW, &dump));
    dump.samples[2].offset = dump.samples[2].original_offset = 2e-6;
    assert_int_equal(visor_dump_write(&dump, text, sizeof(text)), strlen(dump_text) + 2);
    assert_true(visor_dump_read(text, strlen(text), NOW, &dump));
    assert_true(dump.samples[2].offset == 2e-6);
    dump.count = 0;
    assert_int_equal(visor_dump_write(&dump, text, sizeof(text)), 0);
    assert_true(visor_dump_read(dump_text, strlen(dump_text), NOW, &dump));
    for (size_t i = 0; i < VISOR_DUMP_SAMPLES_MAX; i++) {
        dump.samples[i] = dump.samples[0];
        dump.samples[i].at_ns = -INT64_C(1000000000000000000);
        dump.samples[i].offset = dump.samples[i].delay = -1.111111e-100;
    }
    dump.count = VISOR_DUMP_SAMPLES_MAX;
    assert_true(visor_dump_write(&dump, text, sizeof(text)) < VISOR_DUMP_TEXT);
}

static void test_dump__refuses_garbage(void **state)
{
    static const char *const wrong[][2] = {
        {"SRC0", "SRC1"},
        {"377 8 2", "378 8 2"},
        {"8 2 0", "8 16 0"},
        {"2 0\n", "2 3\n"},
        {"3 -4", "4 -4"},
        {"3 -4", "0 -4"},
        {"3 -4", "65 -4"},
        {"1262304164", "1262304000"},
        {"1262304228", "1262999999"},
        {"2.200000e-03", "nan"},
        {"2.200000e-03", "1e7"},
        {"4.000000e-03\n1262304164", "126"},
        {"1262304100.1", "99999999999999999999.1"},
        {"1262304100.1", "-5.1"},
    };
    struct visor_dump dump;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[1024];
        const char *at = strstr(dump_text, wrong[i][0]);

        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - dump_text), dump_text, wrong[i][1],
                 at + strlen(wrong[i][0]));
        assert_false(visor_dump_read(text, strlen(text), NOW, &dump));
    }
    for (size_t size = 0; size < strlen(dump_text) - 14; size++)
        assert_false(visor_dump_read(dump_text, size, NOW, &dump));
}

static void test_dump__file_names(void **state)
{
    struct visor_address address;
    char text[VISOR_DUMP_NAME_TEXT];

    (void)state;
    assert_true(visor_address_parse("2001:db8::1", &address));
    assert_string_equal(visor_dump_file_name(&address, NULL, text), "2001:db8::1.dat");
    assert_string_equal(visor_dump_file_name(NULL, "SHM0", text), "refid:53484d30.dat");
    assert_string_equal(visor_dump_file_name(NULL, "GPS", text), "refid:47505300.dat");
    assert_true(visor_dump_is_file_name("refid:53484d30.dat"));
    assert_true(visor_dump_is_file_name("192.0.2.1.dat"));
    assert_false(visor_dump_is_file_name("notes.dat"));
    assert_false(visor_dump_is_file_name("192.0.2.1.data"));
    assert_false(visor_dump_is_file_name(".dat"));
}

static void test_file__replaced_whole_or_not_at_all(void **state)
{
    char directory[] = "/tmp/visor-test-XXXXXX", path[64], temporary[80], *text;
    size_t size;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/drift", directory);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    assert_int_equal(visor_file_read(path, 100, &text, &size), -ENOENT);
    assert_int_equal(visor_file_replace(path, "one\n", 4, 0644), 0);
    assert_int_equal(symlink("/etc/passwd", temporary), 0); /* planted: replaced, not followed */
    assert_int_equal(visor_file_replace(path, "second\n", 7, 0644), 0);
    assert_int_equal(visor_file_read(path, 100, &text, &size), 0);
    assert_int_equal(size, 7);
    assert_string_equal(text, "second\n");
    free(text);
    assert_int_equal(visor_file_read(path, 6, &text, &size), -EFBIG);
    assert_int_equal(visor_file_read(directory, 6, &text, &size), -EISDIR);
    assert_int_equal(mkdir(temporary, 0755), 0); /* nothing can be written there */
    assert_true(visor_file_replace(path, "third\n", 6, 0644) < 0);
    assert_int_equal(visor_file_read(path, 100, &text, &size), 0);
    assert_string_equal(text, "second\n");
    free(text);
    rmdir(temporary);
    unlink(path);
    snprintf(path, sizeof(path), "%s/a/b", directory);
    assert_int_equal(visor_file_make_directory(path, 0750, (uid_t)-1, (gid_t)-1), 0);
    assert_int_equal(visor_file_make_directory(path, 0750, (uid_t)-1, (gid_t)-1), 0);
    rmdir(path);
    path[strlen(path) - 2] = '\0';
    rmdir(path);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drift__chronyds_format),
        cmocka_unit_test(test_drift__garbage_is_refused),
        cmocka_unit_test(test_rtc_drift__there_and_back),
        cmocka_unit_test(test_adjtime__third_line_tells),
        cmocka_unit_test(test_dump__reads_what_chronyd_wrote),
        cmocka_unit_test(test_dump__there_and_back),
        cmocka_unit_test(test_dump__refuses_garbage),
        cmocka_unit_test(test_dump__file_names),
        cmocka_unit_test(test_file__replaced_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
