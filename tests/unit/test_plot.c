#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/script.h"
#include "timevisor/sim_plot.h"

static const char SCENARIO[] = "title a < b & c\n"
                               "duration 1000s\n"
                               "network lan\n"
                               "server first network lan\n"
                               "server second network lan\n"
                               "server third network lan\n"
                               "host vm count 2 oscillator quartz offset 1ms\n"
                               "  server first iburst minpoll 4 maxpoll 4\n"
                               "  server second iburst minpoll 4 maxpoll 4\n"
                               "  server third iburst minpoll 4 maxpoll 4\n"
                               "  makestep 0.1 -1\n"
                               "at 300s vm1 pause 5s\n"
                               "at 600s vm2 steal 50%\n"
                               "at 700s third die\n";

static char *drawing(const char *host)
{
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;
    struct visor_world *world;
    struct visor_plot *plot;
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    assert_true(visor_script_read(&scenario, "x", SCENARIO, strlen(SCENARIO), &diagnoses));
    world = visor_world_new(&scenario, 1);
    assert_non_null(world);
    plot = visor_plot_new(world, host);
    if (plot) {
        assert_true(visor_world_run(world));
        assert_true(visor_plot_write(plot, to));
    }
    visor_plot_free(plot);
    visor_world_free(world);
    visor_diagnoses_done(&diagnoses);
    visor_scenario_done(&scenario);
    fclose(to);
    return text;
}

static void test_write__what_happened_to_this_host_and_its_sources(void **state)
{
    char *text = drawing("vm1");

    (void)state;
    assert_int_equal(strncmp(text, "<svg ", 5), 0);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_non_null(strstr(text, "a &#60; b &#38; c: vm1"));
    assert_non_null(strstr(text, ">pause</text>"));
    assert_null(strstr(text, ">steal</text>"));
    assert_non_null(strstr(text, ">third die</text>"));
    assert_true(strstr(text, ">first</text>") || strstr(text, ">second</text>") ||
                strstr(text, ">third</text>"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
    text = drawing("vm2");
    assert_null(strstr(text, ">pause</text>"));
    assert_non_null(strstr(text, ">steal</text>"));
    free(text);
}

/* Only the machine that stood still has been wrong without knowing. */
static void test_write__false_bounds(void **state)
{
    static const char area[] = "fill-opacity=\"0.3\" d=\"";
    char *paused = drawing("vm1"), *other = drawing("vm2");
    const char *of_paused = strstr(paused, area), *of_other = strstr(other, area);

    (void)state;
    assert_non_null(of_paused);
    assert_non_null(of_other);
    assert_int_equal(of_paused[strlen(area)], 'M');
    assert_int_equal(of_other[strlen(area)], '"');
    free(paused);
    free(other);
}

static void test_new__no_such_host(void **state)
{
    char *text = drawing("nobody");

    (void)state;
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__what_happened_to_this_host_and_its_sources),
        cmocka_unit_test(test_write__false_bounds),
        cmocka_unit_test(test_new__no_such_host),
    };

    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
