/* Configuration in several files, and the files that come with it: sources, leap seconds, points.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/leap.h"
#include "config/parse.h"
#include "config/print.h"
#include "config/sourcelist.h"
#include "port/configfile.h"

#include "memory_loader.h"

#include <glob.h>
#include <stdio.h>

static struct visor_diagnoses diagnoses;
static char sentence[VISOR_DIAGNOSIS_TEXT];

static struct visor_config *load(const struct memory_file *files)
{
    struct visor_loader loader = memory_loader(files);
    struct visor_config *config;

    visor_diagnoses_done(&diagnoses);
    visor_config_load("/c", &loader, &config, &diagnoses);
    return config;
}

static const char *said(size_t index)
{
    assert_true(index < diagnoses.count);
    return visor_diagnosis_print(&diagnoses.items[index], NULL, sentence, sizeof(sentence));
}

static void test_include__pattern_and_line_numbers(void **state)
{
    static const struct memory_file files[] = {
        {"/c", "port 5\ninclude /d/*\ninclude /e\ninclude /none*\n"},
        {"/d/1", "server one\n"},
        {"/d/2", "\nserver two"},
        {"/e", "server three\n"},
        {NULL, NULL},
    };
    struct visor_config *config = load(files);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->source_count, 3);
    assert_string_equal(config->sources[1].name, "two");
    assert_string_equal(config->sources[1].file, "/d/2");
    assert_int_equal(config->sources[1].line, 2);
    assert_string_equal(config->sources[2].name, "three");
    visor_config_free(config);
}

static void test_include__what_cannot_be_read(void **state)
{
    static const struct memory_file missing[] = {{"/c", "rtcsync\ninclude /nowhere\nservr x\n"},
                                                 {NULL, NULL}};
    static const struct memory_file itself[] = {
        {"/c", "include /d\n"}, {"/d", "include /c\n"}, {NULL, NULL}};
    static const struct memory_file chain[] = {
        {"/c", "include /1\n"}, {"/1", "include /2\n"}, {"/2", "include /3\n"},
        {"/3", "include /4\n"}, {"/4", "include /5\n"}, {"/5", "include /6\n"},
        {"/6", "include /7\n"}, {"/7", "include /8\n"}, {"/8", "include /9\n"},
        {"/9", "include /X\n"}, {"/X", "rtcsync\n"},    {NULL, NULL}};

    (void)state;
    assert_null(load(missing));
    assert_int_equal(diagnoses.errors, 2);
    assert_string_equal(said(0), "/c:2: '/nowhere' does not exist");
    assert_string_equal(said(1), "/c:3: 'servr' is not a directive; did you mean 'server'?");
    assert_null(load(itself));
    assert_string_equal(said(0), "/d:1: '/c' includes itself");
    assert_int_equal(diagnoses.count, 1);
    assert_null(load(chain));
    assert_string_equal(said(0), "/9:1: '/X' is the eleventh file in a chain of includes");
    assert_null(load(&missing[1]));
    assert_string_equal(said(0), "/c: '/c' does not exist");
}

static void test_include__size_is_limited(void **state)
{
    size_t large = 10 * 1000 * 1000, some = 1000 * 1000;
    char *text = malloc(large + 1);
    struct memory_file files[] = {{"/c", "include /big\n"}, {"/big", text}, {NULL, NULL}};
    struct memory_file many[] = {{"/c", "include /a\ninclude /a\ninclude /a\ninclude /a\n"
                                        "include /a\ninclude /a\nservr\n"},
                                 {"/a", text},
                                 {NULL, NULL}};

    (void)state;
    memset(text, '\n', large);
    text[large] = '\0';
    assert_null(load(files));
    assert_string_equal(said(0), "/c:1: '/big' is larger than a configuration file may be (1 MiB)");
    text[some] = '\0';
    assert_null(load(many));
    assert_int_equal(diagnoses.count, 1);
    assert_string_equal(said(0),
                        "/c:5: '/a' makes the configuration larger than 4 MiB; the rest is "
                        "not read");
    free(text);
}

static void test_confdir__order_and_override(void **state)
{
    static const struct memory_file files[] = {
        {"/c", "confdir /etc/x /usr/x\n"},       {"/usr/x/10-a.conf", "server usr-a\n"},
        {"/usr/x/20-b.conf", "server usr-b\n"},  {"/usr/x/05-z.conf", "server usr-z\n"},
        {"/usr/x/README", "this is not read\n"}, {"/etc/x/20-b.conf", "server etc-b\n"},
        {"/etc/x/15-c.conf", "server etc-c\n"},  {NULL, NULL},
    };
    static const char *const order[] = {"usr-z", "usr-a", "etc-c", "etc-b"};
    struct visor_config *config = load(files);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->source_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(config->sources[i].name, order[i]);
    visor_config_free(config);
}

static void test_sourcedir__sources_only_and_only_warnings(void **state)
{
    static const struct memory_file files[] = {
        {"/c", "sourcedir /s\nserver first\n"},
        {"/s/dhcp.sources", "server a iburst\nport 5\nserver b ibrust\npool c\nserver cut"},
        {NULL, NULL},
    };
    struct visor_config *config = load(files);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->source_count, 3);
    assert_false(config->sources[0].from_directory);
    assert_true(config->sources[1].from_directory);
    assert_string_equal(config->sources[2].name, "c");
    assert_int_equal(diagnoses.errors, 0);
    assert_int_equal(diagnoses.warnings, 3);
    assert_string_equal(said(0),
                        "/c: warning: the last line of '/s/dhcp.sources' has no end and is "
                        "not taken");
    assert_string_equal(said(1), "/s/dhcp.sources:2: warning: 'port' does not belong here: only "
                                 "server, pool and peer do");
    assert_string_equal(said(2), "/s/dhcp.sources:3: warning: 'ibrust' is not an option of "
                                 "'server'; did you mean 'iburst'?");
    visor_config_free(config);
}

static void test_sources__reload_keeps_what_is_the_same(void **state)
{
    static const struct memory_file before[] = {
        {"/c", "sourcedir /s\nserver fixed\n"},
        {"/s/1.sources", "server a\nserver b iburst\nserver c\nserver c\n"},
        {NULL, NULL}};
    static const struct memory_file after[] = {
        {"/s/1.sources", "# moved\nserver b iburst\nserver a minpoll 4\n"},
        {"/s/2.sources", "server c\nserver d\n"},
        {NULL, NULL}};
    struct visor_loader loader = memory_loader(after);
    struct visor_config *config = load(before);
    struct visor_source_config *now;
    bool taken[8];
    int place[8];
    size_t count;

    (void)state;
    assert_int_equal(config->source_count, 5);
    visor_sourcelist_load(config, &loader, &now, &count, &diagnoses);
    assert_int_equal(count, 4);
    visor_sourcelist_match(config->sources + 1, 4, now, count, place, taken);
    assert_int_equal(place[0], -1); /* a without minpoll */
    assert_int_equal(place[1], 0);  /* b */
    assert_int_equal(place[2], 2);  /* one of the two c */
    assert_int_equal(place[3], -1);
    assert_true(taken[0] && !taken[1] && taken[2] && !taken[3]);
    free(now);
    visor_config_free(config);
}

static const char list[] = "#\tcomment   with words\n#$\t3676924800\n#@ 3928521600\n\n"
                           "2272060800\t10\t# 1 Jan 1972\n"
                           "2287785600 11 # 1 Jul 1972\n"
                           "3550089600\t12\n";

static void test_leap__list(void **state)
{
    struct visor_leap_table table;
    char text[512];

    (void)state;
    /* the leap second that every list has is missing */
    assert_non_null(visor_leap_read_list(list, strlen(list), &table));
    assert_null(table.entries);
    snprintf(text, sizeof(text), "%.*s3439756800 34\n3550089600\t35 # 1 Jul 2012\n", 52, list);
    assert_null(visor_leap_read_list(text, strlen(text), &table));
    assert_int_equal(table.count, 2);
    assert_true(table.entries[1].utc_s == 1341100800 && table.entries[1].tai_offset_s == 35);
    assert_true(table.expires_s == 3928521600 - 2208988800);
    visor_leap_table_done(&table);
    assert_non_null(visor_leap_read_list("3550089600 35\n3550089600 36\n", 28, &table));
    assert_non_null(visor_leap_read_list("3550089600 35\n3550089601 36\n", 28, &table));
    assert_non_null(visor_leap_read_list("3550089600 35\n3550176000 37\n", 28, &table));
    assert_non_null(visor_leap_read_list("3550089600 35\nhello world\n", 26, &table));
    assert_non_null(visor_leap_read_list("3550089600 35\n#@ soon\n", 22, &table));
    assert_null(visor_leap_read_list("3550089600 35\n3550176000 34", 27, &table)); /* deleted */
    visor_leap_table_done(&table);
}

static void put32(uint8_t **at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *(*at)++ = (uint8_t)(value >> shift);
}

static void put_zone_header(uint8_t **at, uint32_t leaps)
{
    memcpy(*at, "TZif2", 5);
    memset(*at + 5, 0, 15);
    *at += 20;
    put32(at, 1); /* isut, isstd */
    put32(at, 1);
    put32(at, leaps);
    put32(at, 0);
    put32(at, 1);
    put32(at, 4);
}

static void put_zone_type(uint8_t **at)
{
    memcpy(*at, "\0\0\0\0\0\0UTC", 10);
    *at += 10;
}

/* 25 leap seconds by 2012 in their places do not matter: one a day before, on whole days. */
static size_t make_zone(uint8_t *data, bool expiry)
{
    uint8_t *at = data;
    int32_t correction = 0;

    put_zone_header(&at, 0);
    put_zone_type(&at);
    at[0] = at[1] = 0;
    at += 2;
    put_zone_header(&at, 26 + (uint32_t)expiry);
    put_zone_type(&at);
    for (int64_t day = 24; day >= -1; day--) {
        int64_t midnight = 1341100800 - day * 86400, occurs = midnight + correction;

        if (day < 0) { /* the last is a deleted one */
            correction--;
            occurs = midnight + correction;
        } else {
            correction++;
        }
        put32(&at, 0);
        put32(&at, (uint32_t)occurs);
        put32(&at, (uint32_t)correction);
    }
    if (expiry) {
        put32(&at, 0);
        put32(&at, 1400000000u + 24);
        put32(&at, 24);
    }
    at[0] = at[1] = 0;
    return (size_t)(at + 2 - data);
}

static void test_leap__zone(void **state)
{
    uint8_t data[1024];
    struct visor_leap_table table;
    size_t size = make_zone(data, false);

    (void)state;
    assert_null(visor_leap_read_zone((char *)data, size, &table));
    assert_int_equal(table.count, 27);
    assert_true(table.entries[0].utc_s == 63072000 && table.entries[0].tai_offset_s == 10);
    assert_true(table.entries[1].utc_s == 1341100800 - 24 * 86400);
    assert_true(table.entries[25].utc_s == 1341100800 && table.entries[25].tai_offset_s == 35);
    assert_true(table.entries[26].utc_s == 1341187200 && table.entries[26].tai_offset_s == 34);
    assert_int_equal(table.expires_s, 0);
    visor_leap_table_done(&table);
    for (size_t cut = 0; cut < size - 4; cut++) {
        assert_non_null(visor_leap_read_zone((char *)data, cut, &table));
        assert_null(table.entries);
    }
    size = make_zone(data, true);
    assert_null(visor_leap_read_zone((char *)data, size, &table));
    assert_int_equal(table.count, 27);
    assert_true(table.expires_s == 1400000000);
    visor_leap_table_done(&table);
}

/* Whichever of the two files this system has, they say the same. */
static void test_leap__files_of_the_system(void **state)
{
    struct visor_leap_table by_list, by_zone;

    (void)state;
    visor_diagnoses_done(&diagnoses);
    visor_leap_load("/usr/share/zoneinfo/leap-seconds.list", "", &visor_configfile_loader, &by_list,
                    &diagnoses);
    visor_leap_load("", "right/UTC", &visor_configfile_loader, &by_zone, &diagnoses);
    for (size_t i = 0; i < by_list.count && i < by_zone.count; i++) {
        assert_true(by_list.entries[i].utc_s == by_zone.entries[i].utc_s);
        assert_int_equal(by_list.entries[i].tai_offset_s, by_zone.entries[i].tai_offset_s);
    }
    visor_leap_table_done(&by_list);
    visor_leap_table_done(&by_zone);
    visor_leap_load("/nowhere", "/nowhere", &visor_configfile_loader, &by_list, &diagnoses);
    assert_int_equal(by_list.count, 0);
    assert_true(diagnoses.warnings >= 2);
    assert_int_equal(diagnoses.errors, 0);
}

static void test_tempcomp__points(void **state)
{
    static const struct memory_file files[] = {
        {"/c", "tempcomp /t 30 /p\n"}, {"/p", "21000 0.64\n20000 1.0\n22000 0.36"}, {NULL, NULL}};
    static const struct memory_file twice[] = {
        {"/c", "tempcomp /t 30 /p\n"}, {"/p", "1 2\n1 3\n"}, {NULL, NULL}};
    static const struct memory_file one[] = {
        {"/c", "tempcomp /t 30 /p\n"}, {"/p", "1 2\n"}, {NULL, NULL}};
    static const struct memory_file words[] = {
        {"/c", "tempcomp /t 30 /p\n"}, {"/p", "1 2\nhot cold\n"}, {NULL, NULL}};
    struct visor_config *config = load(files);

    (void)state;
    assert_int_equal(config->tempcomp_point_count, 3);
    assert_true(config->tempcomp_points[0].temperature == 20000.0);
    assert_true(config->tempcomp_points[2].compensation_ppm == 0.36);
    visor_config_free(config);
    assert_null(load(twice));
    assert_string_equal(said(0), "/c: '/p' has two points of one temperature");
    assert_null(load(one));
    assert_string_equal(said(0), "/c: '/p' has not the two points that 'tempcomp' needs");
    assert_null(load(words));
    assert_string_equal(said(0),
                        "/c: '/p' has a line that is not a temperature and a compensation");
    assert_null(load((const struct memory_file[]){{"/c", "tempcomp /t 30 /p\n"}, {NULL, NULL}}));
    assert_string_equal(said(0), "/c: '/p' does not exist");
}

/* All that was read is in the whole form: no file is needed to get the same again. */
static void test_print__whole_needs_no_files(void **state)
{
    static const struct memory_file files[] = {
        {"/c", "sourcedir /s\nserver fixed\nleapseclist /l\ntempcomp /t 30 /p\n"},
        {"/s/1.sources", "pool a maxsources 2\n"},
        {"/l", "3439756800 34\n3550089600 35\n"},
        {"/p", "20000 1.0\n21000 0.64\n"},
        {NULL, NULL}};
    static const char wanted[] =
        "server fixed\npool a maxsources 2\nleapseclist /l\ntempcomp /t 30 /p\n"
        "leapsecond 1230768000 34\nleapsecond 1341100800 35\n"
        "tempcomppoint 20000 1\ntempcomppoint 21000 0.64\n";
    struct visor_config *config = load(files), *again;
    char text[4096], cut[8];

    (void)state;
    assert_int_equal(visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, text, sizeof(text)),
                     strlen(wanted));
    assert_string_equal(text, wanted);
    assert_int_equal(visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, cut, sizeof(cut)),
                     strlen(wanted));
    assert_string_equal(cut, "server ");
    assert_int_equal(visor_config_print(config, VISOR_CONFIG_FORM_WHOLE, NULL, 0), strlen(wanted));
    visor_config_free(config);
    assert_int_equal(visor_config_parse_text("again", text, strlen(text), NULL, &again, &diagnoses),
                     0);
    visor_config_print(again, VISOR_CONFIG_FORM_WHOLE, text, sizeof(text));
    assert_string_equal(text, wanted);
    assert_int_equal(again->leap_count, 2);
    visor_config_free(again);
}

static size_t load_all(const char *pattern)
{
    glob_t found;
    size_t count = 0;

    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (; count < found.gl_pathc; count++) {
        struct visor_config *config;

        visor_diagnoses_done(&diagnoses);
        visor_config_load(found.gl_pathv[count], &visor_configfile_loader, &config, &diagnoses);
        for (size_t i = 0; i < diagnoses.count; i++)
            if (diagnoses.items[i].severity == VISOR_DIAGNOSIS_ERROR)
                print_message("%s\n", said(i));
        assert_non_null(config);
        visor_config_free(config);
    }
    globfree(&found);
    return count;
}

static void test_load__examples(void **state)
{
    (void)state;
    assert_int_equal(load_all(VISOR_SOURCE_ROOT "/tests/data/config/*.conf"), 4);
    load_all("/usr/share/doc/chrony/examples/*.conf*"); /* where they are installed */
    load_all("/etc/chrony/chrony.conf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_include__pattern_and_line_numbers),
        cmocka_unit_test(test_include__what_cannot_be_read),
        cmocka_unit_test(test_include__size_is_limited),
        cmocka_unit_test(test_confdir__order_and_override),
        cmocka_unit_test(test_sourcedir__sources_only_and_only_warnings),
        cmocka_unit_test(test_sources__reload_keeps_what_is_the_same),
        cmocka_unit_test(test_leap__list),
        cmocka_unit_test(test_leap__zone),
        cmocka_unit_test(test_leap__files_of_the_system),
        cmocka_unit_test(test_tempcomp__points),
        cmocka_unit_test(test_print__whole_needs_no_files),
        cmocka_unit_test(test_load__examples),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    visor_diagnoses_done(&diagnoses);
    return failed;
}
