#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "port/log.h"

static char path[64];

static struct visor_log *to_file(void)
{
    struct visor_log *log = visor_log_new();
    int fd;

    strcpy(path, "/tmp/visor_log_XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(visor_log_to_file(log, path), 0);
    return log;
}

static char *contents(char *text, size_t size)
{
    FILE *stream = fopen(path, "r");
    size_t length = stream ? fread(text, 1, size - 1, stream) : 0;

    text[length] = '\0';
    if (stream)
        fclose(stream);
    return text;
}

static size_t lines(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void test_write__time_and_text(void **state)
{
    struct visor_log *log = to_file();
    int year, month, day, hour, minute, second, end = 0;
    char text[4096];

    (void)state;
    visor_log_write(log, VISOR_SEVERITY_DEBUG, "not this");
    visor_log_write(log, VISOR_SEVERITY_INFO, "Selected %s %d", "source", 7);
    contents(text, sizeof text);
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ %n", &year, &month, &day, &hour,
                            &minute, &second, &end),
                     6);
    assert_int_equal(end, 21);
    assert_string_equal(text + end, "Selected source 7\n");
    visor_log_set_severity(log, VISOR_SEVERITY_ERROR);
    visor_log_write(log, VISOR_SEVERITY_WARNING, "nor this");
    assert_int_equal(lines(contents(text, sizeof text)), 1);
    visor_log_write(log, VISOR_SEVERITY_FATAL, "the end");
    assert_non_null(strstr(contents(text, sizeof text), "Z Fatal error : the end\n"));
    assert_string_equal(visor_log_last(log), "the end");
    visor_log_free(log);
    unlink(path);
}

static void test_write__one_line_whatever_it_holds(void **state)
{
    struct visor_log *log = to_file();
    char text[8192], *longer = malloc(5000);

    (void)state;
    visor_log_write(log, VISOR_SEVERITY_INFO, "a\nb\033[2Jc");
    assert_int_equal(lines(contents(text, sizeof text)), 1);
    assert_non_null(strstr(text, "a b [2Jc\n"));
    memset(longer, 'x', 4999);
    longer[4999] = '\0';
    visor_log_write(log, VISOR_SEVERITY_INFO, "%s", longer);
    assert_int_equal(lines(contents(text, sizeof text)), 2);
    free(longer);
    visor_log_free(log);
    unlink(path);
}

static void test_write__repeats_are_held_back(void **state)
{
    struct visor_log *log = to_file();
    char text[16384];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        visor_log_write(log, VISOR_SEVERITY_WARNING, "Could not read it");
        if (i < 5)
            visor_log_write(log, VISOR_SEVERITY_WARNING, "other %d", i);
    }
    /* a minute's end between them would let ten more through */
    contents(text, sizeof text);
    assert_true(lines(text) >= 15 && lines(text) <= 26);
    visor_log_free(log);
    assert_non_null(strstr(contents(text, sizeof text), "held back: Could not read it\n"));
    assert_null(strstr(text, "held back: other"));
    unlink(path);
}

static void test_reopen__follows_the_path(void **state)
{
    struct visor_log *log = to_file();
    char text[4096], moved[80];

    (void)state;
    visor_log_write(log, VISOR_SEVERITY_INFO, "first");
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    visor_log_reopen(log);
    visor_log_write(log, VISOR_SEVERITY_INFO, "second");
    visor_log_reopen(log);
    visor_log_write(log, VISOR_SEVERITY_INFO, "third");
    contents(text, sizeof text);
    assert_null(strstr(text, "first"));
    assert_non_null(strstr(text, "second"));
    assert_non_null(strstr(text, "third"));
    visor_log_free(log);
    unlink(path);
    unlink(moved);
}

static void test_to_file__failure_changes_nothing(void **state)
{
    struct visor_log *log = to_file();
    char text[4096];

    (void)state;
    assert_true(visor_log_to_file(log, "/nonexistent/file") < 0);
    visor_log_write(log, VISOR_SEVERITY_INFO, "still here");
    assert_non_null(strstr(contents(text, sizeof text), "still here"));
    visor_log_free(log);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__time_and_text),
        cmocka_unit_test(test_write__one_line_whatever_it_holds),
        cmocka_unit_test(test_write__repeats_are_held_back),
        cmocka_unit_test(test_reopen__follows_the_path),
        cmocka_unit_test(test_to_file__failure_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
