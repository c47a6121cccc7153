#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/clock.h"
#include "port/phcwatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char root[] = "/tmp/visor-phc-XXXXXX";

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
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static void test_is_virtual(void **state)
{
    (void)state;
    assert_true(visor_phcwatch_is_virtual("KVM virtual PTP"));
    assert_true(visor_phcwatch_is_virtual("hyperv"));
    assert_true(visor_phcwatch_is_virtual("ptp_vmw"));
    assert_true(visor_phcwatch_is_virtual("vmclock0"));
    assert_false(visor_phcwatch_is_virtual("igb ptp"));
    assert_false(visor_phcwatch_is_virtual("hypervisor"));
    assert_false(visor_phcwatch_is_virtual(""));
}

static void test_init__finds_it_by_its_name(void **state)
{
    struct visor_phcwatch watch;

    (void)state;
    put("/sys/class/ptp/ptp0/clock_name", "igb ptp\n");
    put("/sys/class/ptp/ptp3/clock_name", "KVM virtual PTP\n");
    visor_phcwatch_init(&watch, root, false);
    assert_string_equal(watch.config.parameter, "/dev/ptp3");
    assert_string_equal(watch.name, "KVM virtual PTP");
    visor_phcwatch_done(&watch);
    visor_phcwatch_init(&watch, root, true);
    assert_string_equal(watch.config.parameter, "/dev/ptp0");
    visor_phcwatch_done(&watch);
}

static void test_init__where_there_is_none_nobody_is_woken(void **state)
{
    struct visor_event_witness witness;
    struct visor_phcwatch watch;
    struct visor_stamps stamps;

    (void)state;
    visor_stamps_init(&stamps);
    put("/sys/class/ptp/ptp0/clock_name", "igb ptp\n");
    visor_phcwatch_init(&watch, root, false);
    assert_true(visor_phcwatch_deadline(&watch).ns == INT64_MAX);
    assert_false(visor_phcwatch_look(&watch, (visor_mono){VISOR_NS_PER_S}, &stamps, &witness));
    visor_phcwatch_done(&watch);
    visor_phcwatch_init(&watch, NULL, true);
    assert_true(visor_phcwatch_deadline(&watch).ns == INT64_MAX);
    visor_phcwatch_done(&watch);
}

static void test_look__one_that_cannot_be_read_is_tried_less_and_less(void **state)
{
    struct visor_event_witness witness;
    struct visor_phcwatch watch;
    struct visor_stamps stamps;
    visor_mono now = {VISOR_NS_PER_S}, before;

    (void)state;
    visor_stamps_init(&stamps);
    put("/sys/class/ptp/ptp9999/clock_name", "hyperv\n");
    visor_phcwatch_init(&watch, root, false);
    for (int i = 0; i < 40; i++) {
        assert_false(visor_phcwatch_look(&watch, now, &stamps, &witness));
        assert_int_equal(watch.error, ENOENT);
        before = now;
        now = visor_phcwatch_deadline(&watch);
        assert_true(now.ns > before.ns);
        assert_false(visor_phcwatch_look(&watch, before, &stamps, &witness));
    }
    assert_true(visor_mono_diff(now, before) == 64 * VISOR_NS_PER_S);
    visor_phcwatch_done(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_virtual),
        cmocka_unit_test_setup_teardown(test_init__finds_it_by_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_init__where_there_is_none_nobody_is_woken, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_look__one_that_cannot_be_read_is_tried_less_and_less,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
