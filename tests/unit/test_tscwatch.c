#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/steal.h"
#include "port/stepwatch.h"
#include "port/tscwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS INT64_C(1000000)

/* ---- a machine's files ---- */

static char root[] = "/tmp/visor-tsc-XXXXXX";
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
    put(SOURCES "/current_clocksource", "kvm-clock\n");
    put(SOURCES "/available_clocksource", "kvm-clock tsc acpi_pm \n");
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static visor_mono at(int64_t s)
{
    return (visor_mono){s * VISOR_NS_PER_S};
}

/* A TSC of 2 GHz. */
static bool note(struct visor_tscwatch *watch, int64_t ns, int64_t ahead_ns, int64_t *jump)
{
    struct visor_tsc_pair pair = {
        .tsc = (uint64_t)(2 * (ns + ahead_ns)), .width = 100, .raw = {ns}};

    return visor_tscwatch_note(watch, &pair, jump);
}

static void test_clocksource__is_told_at_first_and_when_it_changes(void **state)
{
    struct visor_tscwatch watch;
    struct visor_event_witness witness;
    uint64_t marker;

    (void)state;
    visor_tscwatch_init(&watch, root);
    assert_true(visor_tscwatch_due(&watch, at(1)));
    assert_false(visor_tscwatch_due(&watch, at(1)));
    assert_true(visor_tscwatch_look(&watch, at(1), &witness));
    assert_int_equal(witness.kind, VISOR_WITNESS_CLOCKSOURCE);
    assert_string_equal(watch.clocksource, "kvm-clock");
    marker = witness.marker;
    assert_true(visor_tscwatch_due(&watch, at(2)));
    assert_false(visor_tscwatch_look(&watch, at(2), &witness));
    put(SOURCES "/current_clocksource", "acpi_pm\n");
    assert_true(visor_tscwatch_look(&watch, at(3), &witness));
    assert_true(witness.marker != marker && watch.changes == 1);
    put(SOURCES "/current_clocksource", "");
    assert_false(visor_tscwatch_look(&watch, at(4), &witness)); /* nothing is not another one */
    put(SOURCES "/current_clocksource", "kvm-clock\n");
    assert_true(visor_tscwatch_look(&watch, at(5), &witness));
    assert_true(witness.marker == marker && watch.changes == 2);
    visor_tscwatch_done(&watch);
}

static void test_verdict__by_what_the_machine_says(void **state)
{
    struct visor_tscwatch watch;

    (void)state;
    visor_tscwatch_init(&watch, root);
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_UNTRIED);
    visor_tscwatch_done(&watch);
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc\n");
    visor_tscwatch_init(&watch, root);
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_INCONSTANT);
    visor_tscwatch_done(&watch);
    put(SOURCES "/available_clocksource", "kvm-clock acpi_pm \n");
    visor_tscwatch_init(&watch, root);
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_REJECTED);
    visor_tscwatch_done(&watch);
    put("/proc/cpuinfo", "processor\t: 0\n");
    visor_tscwatch_init(&watch, root);
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_ABSENT);
    visor_tscwatch_done(&watch);
}

static void test_compare__a_steady_one_is_measured_and_trusted(void **state)
{
    struct visor_tscwatch watch;
    double hz, error_hz;
    int64_t jump;

    (void)state;
    visor_tscwatch_init(&watch, root);
    assert_false(visor_tscwatch_rate(&watch, &hz, &error_hz));
    for (int64_t s = 1; s <= 20; s++)
        assert_false(note(&watch, s * VISOR_NS_PER_S, 0, &jump));
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_TRUSTWORTHY);
    assert_true(visor_tscwatch_rate(&watch, &hz, &error_hz));
    assert_true(hz > 2e9 - error_hz && hz < 2e9 + error_hz && error_hz < 1000.0);
    visor_tscwatch_done(&watch);
}

static void test_compare__a_jump_is_told_by_its_size(void **state)
{
    struct visor_tscwatch watch;
    int64_t jump;

    (void)state;
    visor_tscwatch_init(&watch, root);
    for (int64_t s = 1; s <= 20; s++)
        note(&watch, s * VISOR_NS_PER_S, 0, &jump);
    assert_true(
        note(&watch, 21 * VISOR_NS_PER_S, 300 * MS, &jump)); /* the raw counter stood still */
    assert_true(jump > 299 * MS && jump < 301 * MS);
    assert_int_equal(visor_tscwatch_verdict(&watch), VISOR_TSC_JUMPED);
    for (int64_t s = 22; s <= 40; s++)
        assert_false(note(&watch, s * VISOR_NS_PER_S, 300 * MS, &jump));
    assert_true(note(&watch, 41 * VISOR_NS_PER_S, -700 * MS, &jump));
    assert_true(jump < -999 * MS && jump > -1001 * MS);
    assert_int_equal(watch.jumps, 2);
    visor_tscwatch_done(&watch);
}

static void test_compare__says_that_it_is_there_but_not_of_the_kernels_own(void **state)
{
    struct visor_tscwatch watch;
    struct visor_event_witness witness;
    struct visor_tsc_pair pair;

    (void)state;
    if (!visor_tsc_pair_read(&pair))
        skip();
    visor_tscwatch_init(&watch, root);
    assert_true(visor_tscwatch_look(&watch, pair.raw, &witness));
    assert_true(visor_tscwatch_compare(&watch, pair.raw, &witness));
    assert_int_equal(witness.kind, VISOR_WITNESS_TSC);
    assert_true(witness.amount_ns == 0);
    visor_tscwatch_done(&watch);
    put(SOURCES "/current_clocksource", "tsc\n");
    visor_tscwatch_init(&watch, root);
    assert_true(visor_tscwatch_look(&watch, pair.raw, &witness));
    assert_false(visor_tscwatch_compare(&watch, pair.raw, &witness));
    visor_tscwatch_done(&watch);
}

/* ---- steal ---- */

static void test_steal__of_the_first_line(void **state)
{
    int64_t ns;

    (void)state;
    assert_true(visor_steal_parse("cpu  10 20 30 40 50 60 70 250 0 0\ncpu0 1 2\n", 100, &ns));
    assert_true(ns == 2500 * MS);
    assert_true(visor_steal_parse("cpu  1 2 3 4 5 6 7 8", 100, &ns));
    assert_true(ns == 80 * MS);
    assert_false(visor_steal_parse("cpu  1 2 3 4 5 6 7\n", 100, &ns)); /* an old kernel */
    assert_false(visor_steal_parse("cpu  1 2 3 4 5 6 7 x\n", 100, &ns));
    assert_false(visor_steal_parse("cpu  1 2 3 4 5 6 7 18446744073709551615\n", 100, &ns));
    assert_false(visor_steal_parse("cpu0 1 2 3 4 5 6 7 8\n", 100, &ns));
    assert_false(visor_steal_parse("", 100, &ns));
    assert_false(visor_steal_parse("cpu  1 2 3 4 5 6 7 8", 0, &ns));
}

static void test_steal__read_again_from_the_start(void **state)
{
    char path[128];
    int64_t ns;
    int fd;

    (void)state;
    put("/stat", "cpu  1 2 3 4 5 6 7 8 0 0\n");
    snprintf(path, sizeof(path), "%s/stat", root);
    fd = open(path, O_RDONLY);
    assert_true(visor_steal_read(fd, &ns) && ns > 0);
    assert_true(visor_steal_read(fd, &ns) && ns > 0);
    close(fd);
    assert_false(visor_steal_read(fd, &ns));
}

/* ---- the cancelled timer ---- */

static void test_stepwatch__is_silent_while_nobody_sets_the_clock(void **state)
{
    int fd = visor_stepwatch_open();
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_false(visor_stepwatch_take(fd));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clocksource__is_told_at_first_and_when_it_changes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdict__by_what_the_machine_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compare__a_steady_one_is_measured_and_trusted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_compare__a_jump_is_told_by_its_size, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_compare__says_that_it_is_there_but_not_of_the_kernels_own, set_up, tear_down),
        cmocka_unit_test(test_steal__of_the_first_line),
        cmocka_unit_test_setup_teardown(test_steal__read_again_from_the_start, set_up, tear_down),
        cmocka_unit_test(test_stepwatch__is_silent_while_nobody_sets_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
