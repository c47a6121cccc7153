#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "port/logfile.h"

/* The lines are chronyd's, of its own simulation test "134-log". */

#define AT(day, second, ns)                                                                        \
    {                                                                                              \
        (INT64_C(1262304000) + (day)*INT64_C(86400) + (second)) * VISOR_NS_PER_S + (ns)            \
    }

static void expect(const struct visor_record *record, const char *line)
{
    char text[512];

    assert_int_equal(visor_logfile_print(record, text, sizeof text), strlen(line));
    assert_string_equal(text, line);
    assert_int_equal(visor_logfile_print(record, text, strlen(line)), 0);
}

static struct visor_record measurement(void)
{
    struct visor_record r = {
        .kind = VISOR_RECORD_MEASUREMENT,
        .at = AT(0, 65, 0),
        .measurement = {.leap = VISOR_LEAP_NONE,
                        .stratum = 1,
                        .test_bits_low = 7,
                        .test_bits_mid = 7,
                        .test_bits_high = 15,
                        .local_poll = 6,
                        .remote_poll = 6,
                        .offset = -1.065e-01,
                        .delay = 3.660e-04,
                        .dispersion = 9.522e-07,
                        .refid = 0x7f7f0101,
                        .mode = "4B",
                        .tx = 'K',
                        .rx = 'K'},
    };

    assert_true(visor_address_parse("192.168.123.1", &r.measurement.peer));
    return r;
}

static void test_print__measurements(void **state)
{
    struct visor_record r = measurement();

    (void)state;
    expect(&r, "2010-01-01 00:01:05 192.168.123.1   N  1 111 111 1111   6  6 0.00 -1.065e-01  "
               "3.660e-04  9.522e-07  0.000e+00  0.000e+00 7F7F0101 4B K K");
    r.measurement.test_bits_low = 4;
    r.measurement.test_bits_mid = 6;
    r.measurement.test_bits_high = 14;
    r.measurement.leap = VISOR_LEAP_UNSYNCHRONIZED;
    expect(&r, "2010-01-01 00:01:05 192.168.123.1   ?  1 100 110 1110   6  6 0.00 -1.065e-01  "
               "3.660e-04  9.522e-07  0.000e+00  0.000e+00 7F7F0101 4B K K");
}

/* chronyd's sign is the opposite of ours here: its clock was 0.113 s fast and gained 100 ppm. */
static void test_print__statistics_turns_signs(void **state)
{
    struct visor_record r = {
        .kind = VISOR_RECORD_STATISTICS,
        .at = AT(0, 130, 999999999),
        .statistics = {.name = "192.168.123.1",
                       .sd = 3.033e-06,
                       .offset = -1.130e-01,
                       .offset_sd = 2.040e-06,
                       .frequency_ppm = -100.1,
                       .skew_ppm = 19.55,
                       .stress = 5e-2,
                       .samples = 3,
                       .runs = 3},
    };

    (void)state;
    expect(&r, "2010-01-01 00:02:10 192.168.123.1    3.033e-06  1.130e-01  2.040e-06  1.001e-04  "
               "1.955e-05 5.0e-02   3   0   3  0.00");
    r.statistics.offset = 0.0;
    expect(&r, "2010-01-01 00:02:10 192.168.123.1    3.033e-06  0.000e+00  2.040e-06  1.001e-04  "
               "1.955e-05 5.0e-02   3   0   3  0.00");
}

static void test_print__tracking_turns_signs(void **state)
{
    struct visor_record r = {
        .kind = VISOR_RECORD_TRACKING,
        .at = AT(0, 194, 0),
        .tracking = {.name = "192.168.123.1",
                     .stratum = 2,
                     .frequency_ppm = -99.915,
                     .skew_ppm = 8.324,
                     .offset = 2.679e-05,
                     .leap = VISOR_LEAP_NONE,
                     .combined = 1,
                     .offset_sd = 3.266e-05,
                     .remaining = -4.147e-10,
                     .root_delay = 3.769e-04,
                     .root_dispersion = 4.089e-05,
                     .max_error = 1.145e-01},
    };

    (void)state;
    expect(&r, "2010-01-01 00:03:14 192.168.123.1    2     99.915      8.324 -2.679e-05 N  1  "
               "3.266e-05 -4.147e-10  3.769e-04  4.089e-05  1.145e-01");
}

static void test_print__selection_turns_the_interval(void **state)
{
    struct visor_record r = {
        .kind = VISOR_RECORD_SELECTION,
        .at = AT(0, 0, 0),
        .selection = {.name = "192.168.123.1",
                      .state = 'M',
                      .reach = 1,
                      .score = 1.0,
                      .last_sample = 1.216e-04,
                      .lo = -1.001e-01,
                      .hi = -9.989e-02},
    };

    (void)state;
    expect(&r, "2010-01-01 00:00:00 192.168.123.1   M -----    1  1.00  1.216e-04  9.989e-02  "
               "1.001e-01");
    r.selection.state = '*';
    r.selection.reach = 0377;
    r.selection.effective_options = VISOR_SELECT_PREFER | VISOR_SELECT_REQUIRE;
    expect(&r, "2010-01-01 00:00:00 192.168.123.1   * --P-R  377  1.00  1.216e-04  9.989e-02  "
               "1.001e-01");
}

static void test_print__refclocks(void **state)
{
    struct visor_record r = {
        .kind = VISOR_RECORD_REFCLOCK,
        .at = AT(0, 32, 100001000),
        .refclock = {.refid = "PHC0",
                     .pulse = 2,
                     .leap = VISOR_LEAP_NONE,
                     .pps = '0',
                     .raw_offset = -1.033950e-01,
                     .offset = -1.033950e-01,
                     .dispersion = 1.010e-07},
    };

    (void)state;
    expect(&r, "2010-01-01 00:00:32.100001 PHC0    2 N 0 -1.033950e-01 -1.033950e-01  1.010e-07");
    r.refclock.filtered = true;
    r.at = (visor_wall)AT(0, 48, 100000999);
    expect(&r, "2010-01-01 00:00:48.100000 PHC0    - N -       -       -1.033950e-01  1.010e-07");
}

/* ---- files ---- */

struct place {
    char directory[64], path[128];
    struct visor_config *config;
    struct visor_log *log;
    struct visor_logfile *files;
};

static struct place place(uint32_t logs)
{
    struct place p = {.directory = "/tmp/visor_logfile_XXXXXX"};
    char path[128];

    assert_non_null(mkdtemp(p.directory));
    p.config = visor_config_new();
    p.config->logs = logs;
    p.config->log_banner = 2;
    snprintf(p.config->logdir, sizeof p.config->logdir, "%s/logs", p.directory);
    p.log = visor_log_new();
    snprintf(path, sizeof path, "%s/daemon.log", p.directory);
    assert_int_equal(visor_log_to_file(p.log, path), 0);
    p.files = visor_logfile_new(p.config, p.log);
    return p;
}

static char *contents(const struct place *p, const char *name, char *text, size_t size)
{
    char path[128];
    FILE *stream;
    size_t length;

    snprintf(path, sizeof path, "%s/%s", p->directory, name);
    stream = fopen(path, "r");
    length = stream ? fread(text, 1, size - 1, stream) : 0;
    text[length] = '\0';
    if (stream)
        fclose(stream);
    return text;
}

static void leave(struct place *p)
{
    char command[128];

    visor_logfile_free(p->files);
    visor_log_free(p->log);
    visor_config_free(p->config);
    snprintf(command, sizeof command, "rm -rf %s", p->directory);
    assert_int_equal(system(command), 0);
}

static void test_write__banner_every_so_many_lines(void **state)
{
    static const char rule[] = "===========================================\n"
                               "   Date (UTC) Time        Temp.       Comp.\n"
                               "===========================================\n",
                      line[] = "2010-01-01 00:00:00  2.8000e+04  3.6600e-01\n";
    struct place p = place(VISOR_LOG_TEMPCOMP);
    char text[2048], expected[2048];

    (void)state;
    for (int i = 0; i < 3; i++)
        visor_logfile_write_tempcomp(p.files, (visor_wall)AT(0, 0, 0), 28000.0, 0.366);
    snprintf(expected, sizeof expected, "%s%s%s%s%s", rule, line, line, rule, line);
    assert_string_equal(contents(&p, "logs/tempcomp.log", text, sizeof text), expected);
    leave(&p);
}

static void test_write__rtc_line(void **state)
{
    struct visor_logfile_rtc rtc = {.at = {INT64_C(1437543650) * VISOR_NS_PER_S},
                                    .fast_s = -0.037360,
                                    .valid = true,
                                    .estimated_fast_s = -0.037434,
                                    .gain_ppm = -37.948,
                                    .samples = 12,
                                    .runs = 5,
                                    .period_s = 120};
    struct place p = place(VISOR_LOG_RTC);
    char text[2048];

    (void)state;
    p.config->log_banner = 0;
    visor_logfile_write_rtc(p.files, &rtc);
    assert_string_equal(contents(&p, "logs/rtc.log", text, sizeof text),
                        "2015-07-22 05:40:50      -0.037360 1       -0.037434       -37.948  12   "
                        "5  120\n");
    leave(&p);
}

static void test_write__only_what_is_wanted(void **state)
{
    struct place p = place(VISOR_LOG_MEASUREMENTS);
    struct visor_record good = measurement(), raw = measurement();
    char text[2048];

    (void)state;
    p.config->log_banner = 0;
    raw.measurement.raw = true;
    visor_logfile_write(p.files, &raw);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    assert_string_equal(contents(&p, "logs/measurements.log", text, sizeof text), "");
    assert_string_equal(contents(&p, "logs/tempcomp.log", text, sizeof text), "");
    visor_logfile_write(p.files, &good);
    assert_int_equal(strlen(contents(&p, "logs/measurements.log", text, sizeof text)), 137);
    p.config->logs = VISOR_LOG_RAWMEASUREMENTS;
    visor_logfile_write(p.files, &raw);
    assert_int_equal(strlen(contents(&p, "logs/measurements.log", text, sizeof text)), 2 * 137);
    leave(&p);
}

static void test_cycle__opens_what_was_moved_away(void **state)
{
    struct place p = place(VISOR_LOG_TEMPCOMP);
    char text[2048], from[128], to[128];

    (void)state;
    snprintf(from, sizeof from, "%s/logs/tempcomp.log", p.directory);
    snprintf(to, sizeof to, "%s/logs/old", p.directory);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    assert_int_equal(rename(from, to), 0);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 2.0, 1.0);
    assert_string_equal(contents(&p, "logs/tempcomp.log", text, sizeof text), "");
    visor_logfile_cycle(p.files);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 3.0, 1.0);
    assert_non_null(strstr(contents(&p, "logs/tempcomp.log", text, sizeof text), "3.0000e+00"));
    assert_non_null(strstr(text, "Temp."));
    leave(&p);
}

static void test_set_config__moves_and_closes(void **state)
{
    struct place p = place(VISOR_LOG_TEMPCOMP);
    struct visor_config *other = visor_config_new();
    char text[2048];

    (void)state;
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    *other = *p.config;
    visor_logfile_set_config(p.files, other);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 2.0, 1.0);
    contents(&p, "logs/tempcomp.log", text, sizeof text);
    assert_non_null(strstr(text, "2.0000e+00"));
    assert_null(strstr(strstr(text, "Temp.") + 1, "Temp.")); /* the same file, still open */
    snprintf(other->logdir, sizeof other->logdir, "%s/elsewhere", p.directory);
    visor_logfile_set_config(p.files, p.config);
    visor_logfile_set_config(p.files, other);
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 3.0, 1.0);
    assert_non_null(strstr(contents(&p, "elsewhere/tempcomp.log", text, sizeof text), "Temp."));
    assert_null(strstr(contents(&p, "logs/tempcomp.log", text, sizeof text), "3.0000e+00"));
    other->logs = 0;
    visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 4.0, 1.0);
    assert_null(strstr(contents(&p, "elsewhere/tempcomp.log", text, sizeof text), "4.0000e+00"));
    visor_logfile_set_config(p.files, p.config);
    free(other);
    leave(&p);
}

static void test_write__failure_is_told_once(void **state)
{
    struct place p = place(VISOR_LOG_TEMPCOMP);
    char text[2048], *found;

    (void)state;
    snprintf(p.config->logdir, sizeof p.config->logdir, "/dev/full");
    for (int i = 0; i < 20; i++)
        visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    found = strstr(contents(&p, "daemon.log", text, sizeof text), "Could not write to");
    assert_non_null(found);
    assert_null(strstr(found + 1, "Could not write to"));
    snprintf(p.config->logdir, sizeof p.config->logdir, "%s", p.directory);
    snprintf(text, sizeof text, "%s/tempcomp.log", p.directory);
    assert_int_equal(symlink("/dev/full", text), 0);
    visor_logfile_cycle(p.files);
    for (int i = 0; i < 20; i++)
        visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    found = strstr(contents(&p, "daemon.log", text, sizeof text), "No space left on device");
    assert_non_null(found);
    assert_null(strstr(found + 1, "No space left on device"));
    p.config->logdir[0] = '\0';
    visor_logfile_cycle(p.files);
    for (int i = 0; i < 20; i++)
        visor_logfile_write_tempcomp(p.files, (visor_wall){0}, 1.0, 1.0);
    found = strstr(contents(&p, "daemon.log", text, sizeof text), "logdir not specified");
    assert_non_null(found);
    assert_null(strstr(found + 1, "logdir not specified"));
    leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__measurements),
        cmocka_unit_test(test_print__statistics_turns_signs),
        cmocka_unit_test(test_print__tracking_turns_signs),
        cmocka_unit_test(test_print__selection_turns_the_interval),
        cmocka_unit_test(test_print__refclocks),
        cmocka_unit_test(test_write__banner_every_so_many_lines),
        cmocka_unit_test(test_write__rtc_line),
        cmocka_unit_test(test_write__only_what_is_wanted),
        cmocka_unit_test(test_cycle__opens_what_was_moved_away),
        cmocka_unit_test(test_set_config__moves_and_closes),
        cmocka_unit_test(test_write__failure_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
