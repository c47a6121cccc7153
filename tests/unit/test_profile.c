/* Profiles against what a machine has, and against what its log shows. */
#include "timevisor/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/parse.h"
#include "config/profile.h"

#define FAR                                                                                        \
    "{\"kind\":\"server\",\"name\":\"far\",\"last_sample_age_s\":1.0,\"last_delay_s\":4e-2,"       \
    "\"ntp\":{\"root_delay_s\":1e-2,\"root_dispersion_s\":1e-3}}"
#define PHC                                                                                        \
    "{\"kind\":\"refclock\",\"name\":\"PHC0\",\"last_sample_age_s\":1.0,"                          \
    "\"last_dispersion_s\":4e-7,\"ntp\":null}"
#define SILENT "{\"kind\":\"server\",\"name\":\"gone\",\"last_sample_age_s\":null}"

static struct visor_profile_reach reach_of(const char *profile, int bound_ns, const char *sources)
{
    json_t *status = json_pack("{s:{s:o}, s:o}", "tracking", "bound_ns",
                               bound_ns ? json_integer(bound_ns) : json_null(), "sources",
                               json_loads(sources, 0, NULL));
    struct visor_profile_reach reach;

    assert_non_null(status);
    visor_profile_reach(visor_profile_find(profile), status, &reach);
    json_decref(status);
    return reach;
}

static void test_find(void **state)
{
    (void)state;
    assert_null(visor_profile_find("none"));
    for (size_t i = 0; visor_profile_at(i); i++)
        assert_ptr_equal(visor_profile_find(visor_profile_at(i)->name), visor_profile_at(i));
    assert_true(visor_profile_find("finance-hft")->limit_s == 100e-6);
}

static double emergency_limit(const char *name, const char *rest)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config;
    char text[100];
    double limit_s;

    visor_diagnoses_init(&diagnoses);
    snprintf(text, sizeof(text), "emergency profile %s%s\n", name, rest);
    assert_int_equal(visor_config_parse_text("f", text, strlen(text), NULL, &config, &diagnoses),
                     0);
    visor_diagnoses_done(&diagnoses);
    limit_s = visor_config_emergency_limit(config);
    visor_config_free(config);
    return limit_s;
}

/* The words of the option's table are the profiles, in their order. */
static void test_emergency__a_profile_lends_its_limit(void **state)
{
    const struct visor_profile *profile;

    (void)state;
    for (size_t i = 0; (profile = visor_profile_at(i)); i++) {
        assert_true(emergency_limit(profile->name, "") == profile->limit_s);
        assert_true(emergency_limit(profile->name, " limit 7") == 7.0);
    }
}

static void test_level(void **state)
{
    const struct visor_profile *cloud = visor_profile_find("cloud");

    (void)state;
    assert_int_equal(visor_profile_level(cloud, 2.4e-3), VISOR_PROFILE_GREEN);
    assert_int_equal(visor_profile_level(cloud, 2.6e-3), VISOR_PROFILE_LEVEL_YELLOW);
    assert_int_equal(visor_profile_level(cloud, 4.1e-3), VISOR_PROFILE_LEVEL_ORANGE);
    assert_int_equal(visor_profile_level(cloud, 5.1e-3), VISOR_PROFILE_RED);
    assert_int_equal(visor_profile_level(cloud, INFINITY), VISOR_PROFILE_RED);
}

static void test_reach__by_the_sources(void **state)
{
    char text[512];
    struct visor_profile_reach reach = reach_of("general", 30000000, "[" FAR "]");

    (void)state;
    assert_int_equal(reach.here, VISOR_HERE_HELD);
    assert_string_equal(visor_profile_missing(visor_profile_find("general"), &reach, text, 512),
                        "");
    reach = reach_of("finance-mifid", 30000000, "[" SILENT "," FAR "]");
    assert_int_equal(reach.here, VISOR_HERE_NOT); /* 20 + 5 + 1 ms are hidden */
    assert_true(fabs(reach.floor_s - 26e-3) < 1e-9);
    visor_profile_missing(visor_profile_find("finance-mifid"), &reach, text, 512);
    assert_non_null(strstr(text, "far"));
    assert_non_null(strstr(text, "2.00 ms"));
    reach = reach_of("finance-mifid", 30000000, "[" FAR "," PHC "]");
    assert_int_equal(reach.here, VISOR_HERE_POSSIBLE);
    assert_string_equal(reach.source, "PHC0");
}

static void test_reach__hardware_where_the_profile_wants_it(void **state)
{
    static const char near[] =
        "[{\"kind\":\"server\",\"name\":\"near\",\"last_sample_age_s\":1.0,\"last_delay_s\":1e-6,"
        "\"ntp\":{\"root_delay_s\":0,\"root_dispersion_s\":1e-7}}]";

    (void)state;
    assert_int_equal(reach_of("telecom", 5000, near).here, VISOR_HERE_NOT);
    assert_int_equal(reach_of("telecom", 5000, "[" PHC "]").here, VISOR_HERE_POSSIBLE);
    assert_int_equal(reach_of("telecom", 900, "[" PHC "]").here, VISOR_HERE_HELD);
}

static void test_reach__without_a_daemon_or_samples(void **state)
{
    struct visor_profile_reach reach;

    (void)state;
    visor_profile_reach(visor_profile_find("general"), NULL, &reach);
    assert_int_equal(reach.here, VISOR_HERE_UNKNOWN);
    assert_int_equal(reach_of("general", 0, "[" SILENT "]").here, VISOR_HERE_UNKNOWN);
}

static void test_verdict(void **state)
{
    struct visor_history history = {.to_s = 100, .within_s = 100};

    (void)state;
    assert_int_equal(visor_profile_verdict(&history), VISOR_PROFILE_KEPT);
    history.missing_s = 1;
    assert_int_equal(visor_profile_verdict(&history), VISOR_PROFILE_UNSHOWN);
    history.beyond_s = 1;
    assert_int_equal(visor_profile_verdict(&history), VISOR_PROFILE_BROKEN);
    history = (struct visor_history){.to_s = 100};
    assert_int_equal(visor_profile_verdict(&history), VISOR_PROFILE_UNSHOWN);
}

static void test_date(void **state)
{
    int64_t time_s;

    (void)state;
    assert_true(visor_profile_date("2026-11-01", 0, &time_s) && time_s == 1793491200);
    assert_true(visor_profile_date("2026-11-01T00:01:04Z", 0, &time_s) && time_s == 1793491264);
    assert_true(visor_profile_date("2h", 10000, &time_s) && time_s == 2800);
    assert_false(visor_profile_date("yesterday", 0, &time_s));
    assert_false(visor_profile_date("2026-11-01T", 0, &time_s));
    assert_false(visor_profile_date("2026-11-01x", 0, &time_s));
}

/* The page holds what the text does, and is well-formed enough to be read by itself. */
static void test_report_html__stands_alone(void **state)
{
    const struct visor_profile *profile = visor_profile_find("finance-mifid");
    struct visor_history history;
    char *page = NULL;
    size_t size;
    FILE *to = open_memstream(&page, &size);

    (void)state;
    visor_history_begin(&history, 0, 6400, profile->limit_s, 300);
    for (int i = 0; i <= 100; i++) {
        struct visor_history_line line = {64 * i, true, i == 50 ? 2e-3 : 1e-4};

        visor_history_add(&history, &line);
    }
    visor_history_end(&history);
    visor_profile_report_html(profile, &history, to);
    assert_int_equal(fclose(to), 0);
    assert_non_null(strstr(page, "verdict broken"));
    assert_non_null(strstr(page, "99.00000 %"));
    assert_non_null(strstr(page, "2.00 ms"));
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "<script"));
    assert_string_equal(page + size - 15, "</body></html>\n");
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_emergency__a_profile_lends_its_limit),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_reach__by_the_sources),
        cmocka_unit_test(test_reach__hardware_where_the_profile_wants_it),
        cmocka_unit_test(test_reach__without_a_daemon_or_samples),
        cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_report_html__stands_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
