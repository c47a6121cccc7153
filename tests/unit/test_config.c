/* Configuration: every directive once right and once wrong, with the sentence that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/parse.h"
#include "port/configfile.h"

#include <string.h>

static struct visor_config *parse(const char *text)
{
    struct visor_config *config;
    struct visor_diagnoses diagnoses;
    char sentence[VISOR_DIAGNOSIS_TEXT];

    visor_diagnoses_init(&diagnoses);
    visor_config_parse_text("f", text, strlen(text), NULL, &config, &diagnoses);
    for (size_t i = 0; i < diagnoses.count; i++)
        if (diagnoses.items[i].severity == VISOR_DIAGNOSIS_ERROR)
            print_message("%s\n", visor_diagnosis_print(&diagnoses.items[i], NULL, sentence,
                                                        sizeof(sentence)));
    visor_diagnoses_done(&diagnoses);
    assert_non_null(config);
    return config;
}

static void test_parse__server_with_options(void **state)
{
    struct visor_config *config = parse("# comment\n"
                                        "  ! another\n"
                                        "SERVER ntp1.example.net IBURST minpoll 4 maxpoll 6\r\n"
                                        "pool pool.example.net maxsources 3\n"
                                        "peer 2001:db8::1 key 5 version 3\n");

    (void)state;
    assert_int_equal(config->source_count, 3);
    assert_string_equal(config->sources[0].name, "ntp1.example.net");
    assert_true(config->sources[0].iburst);
    assert_int_equal(config->sources[0].minpoll, 4);
    assert_int_equal(config->sources[0].maxpoll, 6);
    assert_int_equal(config->sources[0].line, 3);
    assert_int_equal(config->sources[1].kind, VISOR_SOURCE_POOL);
    assert_int_equal(config->sources[1].max_sources, 3);
    assert_int_equal(config->sources[2].kind, VISOR_SOURCE_PEER);
    assert_int_equal(config->sources[2].key, 5);
    visor_config_free(config);
}

static void test_load__missing_file_is_an_error(void **state)
{
    struct visor_config *config;
    struct visor_diagnoses diagnoses;

    (void)state;
    visor_diagnoses_init(&diagnoses);
    assert_int_equal(
        visor_config_load("/nonexistent/x.conf", &visor_configfile_loader, &config, &diagnoses),
        -1);
    assert_null(config);
    assert_int_equal(diagnoses.errors, 1);
    visor_diagnoses_done(&diagnoses);
    config = parse("driftfile /var/lib/chrony/drift interval 60\n");
    assert_string_equal(config->driftfile, "/var/lib/chrony/drift");
    assert_int_equal(config->drift_interval, 60);
    visor_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__server_with_options),
        cmocka_unit_test(test_load__missing_file_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
