#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "timevisor/cli.h"

#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/visor-clocksource-XXXXXX";
#define SOURCES "/sys/devices/system/clocksource/clocksource0"

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root + sizeof(root) - 7, "XXXXXX");
    if (!mkdtemp(root))
        return -1;
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc\n");
    put("/proc/cmdline", "quiet\n");
    put(SOURCES "/current_clocksource", "acpi_pm\n");
    put(SOURCES "/available_clocksource", "tsc hpet acpi_pm \n");
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

/* Of the current choice, as it stands in the file. */
static void expect_current(const char *name)
{
    char path[256], text[64] = "";
    FILE *file;

    snprintf(path, sizeof(path), "%s" SOURCES "/current_clocksource", root);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    text[strcspn(text, "\n")] = 0;
    assert_string_equal(text, name);
}

/* Runs it with nobody to ask; what it prints goes to a file. `option`: one, or two with a space. */
static int run(const char *option, const char *name, const char *out)
{
    char *arguments[8], words[6][64] = {"timevisor clocksource", "--root"};
    int count = 0, saved = dup(STDOUT_FILENO), input = dup(STDIN_FILENO), fd, status;

    arguments[count++] = words[0];
    arguments[count++] = words[1];
    arguments[count++] = root;
    if (option) {
        char *second = strchr(strcpy(words[2], option), ' ');

        arguments[count++] = words[2];
        if (second) {
            *second = 0;
            arguments[count++] = second + 1;
        }
    }
    if (name)
        arguments[count++] = strcpy(words[3], name);
    arguments[count] = NULL;
    fflush(stdout);
    fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) >= 0);
    close(fd);
    optind = 0;
    status = visor_cli_clocksource(count, arguments);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    dup2(input, STDIN_FILENO);
    close(saved);
    close(input);
    return status;
}

static json_t *run_json(void)
{
    char out[128];
    json_t *json;

    snprintf(out, sizeof(out), "%s/out", root);
    assert_int_equal(run("--json", NULL, out), VISOR_CLI_YES);
    json = json_load_file(out, 0, NULL);
    assert_non_null(json);
    return json;
}

static void expect(const char *why, const char *cost, const char *verdict)
{
    json_t *json = run_json();

    assert_string_equal(json_string_value(json_object_get(json, "why")), why);
    assert_string_equal(json_string_value(json_object_get(json, "cost")), cost);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "tsc"), "verdict")),
                        verdict);
    json_decref(json);
}

static void test_show__what_it_is_and_why(void **state)
{
    json_t *json = run_json();

    (void)state;
    assert_int_equal(json_array_size(json_object_get(json, "available")), 3);
    assert_true(json_is_null(json_object_get(json, "reading_s"))); /* of another machine */
    json_decref(json);
    expect("chosen", "system-call", "trustworthy");
    put("/proc/cmdline", "quiet clocksource=acpi_pm\n");
    expect("command-line", "system-call", "trustworthy");
    put("/proc/cmdline", "clocksource=hpet quiet\n");
    expect("not-asked", "system-call", "trustworthy");
    put("/proc/cmdline", "tsc=unstable\n");
    expect("no-tsc", "system-call", "rejected");
    put("/proc/cmdline", "quiet\n");
    put(SOURCES "/current_clocksource", "tsc\n");
    expect("best", "vdso", "trustworthy");
    put(SOURCES "/current_clocksource", "kvm-clock\n");
    put(SOURCES "/available_clocksource", "kvm-clock acpi_pm\n");
    expect("no-tsc", "vdso", "rejected");
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc\n");
    put(SOURCES "/available_clocksource", "kvm-clock tsc acpi_pm\n");
    expect("no-tsc", "vdso", "inconstant");
    put("/proc/cpuinfo", "processor\t: 0\n");
    expect("no-tsc", "vdso", "absent");
}

static void test_switch__only_if_somebody_agrees(void **state)
{
    char out[128];

    (void)state;
    snprintf(out, sizeof(out), "%s/out", root);
    assert_int_equal(run(NULL, "tsc", out), VISOR_CLI_NO);
    expect_current("acpi_pm");
    assert_int_equal(run("--yes", "tsc", out), VISOR_CLI_YES);
    expect_current("tsc");
    assert_int_equal(run(NULL, "tsc", out), VISOR_CLI_YES); /* it is that already */
}

/* What the change to `name` says. */
static const char *said(const char *name)
{
    static char text[2048];
    char out[128];
    FILE *file;
    size_t size;

    snprintf(out, sizeof(out), "%s/out", root);
    assert_int_equal(run("--yes", name, out), VISOR_CLI_YES);
    file = fopen(out, "r");
    assert_non_null(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    assert_true(size > 0);
    text[size] = 0;
    fclose(file);
    return text;
}

static void test_switch__says_what_follows(void **state)
{
    const char *text = said("hpet");

    (void)state;
    assert_non_null(strstr(text, "a system call, as it is now"));
    assert_null(strstr(text, "from then on"));
    assert_non_null(strstr(text, "next start"));
    assert_non_null(strstr(said("tsc"), "become many times as quick"));
    assert_non_null(strstr(said("acpi_pm"), "a system call from then on"));
}

static void expect_switch(const char *option, const char *name, int status, const char *current,
                          const char *follows)
{
    char out[128];
    json_t *json;

    snprintf(out, sizeof(out), "%s/out", root);
    assert_int_equal(run(option, name, out), status);
    json = json_load_file(out, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "wanted")), name);
    assert_string_equal(json_string_value(json_object_get(json, "current")), current);
    if (follows)
        assert_string_equal(json_string_value(json_array_get(json_object_get(json, "follows"), 0)),
                            follows);
    expect_current(current);
    json_decref(json);
}

static void test_switch__as_json(void **state)
{
    (void)state;
    expect_switch("--json", "tsc", VISOR_CLI_NO, "acpi_pm", "quicker");
    expect_switch("--json --yes", "hpet", VISOR_CLI_YES, "hpet", "as-slow");
    expect_switch("--json --yes", "tsc", VISOR_CLI_YES, "tsc", "quicker");
    expect_switch("--json --yes", "tsc", VISOR_CLI_YES, "tsc", NULL);
    expect_switch("--yes --json", "hpet", VISOR_CLI_YES, "hpet", "slower");
}

static void test_switch__what_is_not_there_or_not_allowed(void **state)
{
    char out[128];

    (void)state;
    snprintf(out, sizeof(out), "%s/out", root);
    assert_int_equal(run("--yes", "nohz", out), VISOR_CLI_USAGE);
    expect_current("acpi_pm");
    put(SOURCES "/current_clocksource", "");
    assert_int_equal(run("--yes", "tsc", out), VISOR_CLI_REFUSED); /* not known from what */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_show__what_it_is_and_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_switch__only_if_somebody_agrees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_switch__says_what_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_switch__as_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_switch__what_is_not_there_or_not_allowed, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
