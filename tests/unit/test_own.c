#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/parse.h"
#include "timevisor/own.h"

static struct visor_facts facts;

static void add(enum visor_facts_origin origin, const char *directive, const char *name,
                const char *options)
{
    struct visor_facts_source *source = &facts.sources[facts.source_count++];

    source->origin = origin;
    strcpy(source->directive, directive);
    strcpy(source->name, name);
    strcpy(source->options, options);
    strcpy(source->file, "/f");
    source->line = (uint32_t)facts.source_count;
}

/* What is written, which must be a configuration without mistakes. */
static char *written(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct visor_diagnoses diagnoses;
    struct visor_config *config;

    assert_non_null(out);
    visor_own_write(&facts, out);
    fclose(out);
    visor_diagnoses_init(&diagnoses);
    assert_int_equal(visor_config_parse_text("own", text, size, NULL, &config, &diagnoses), 0);
    visor_config_free(config);
    visor_diagnoses_done(&diagnoses);
    return text;
}

static int setup(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof(facts));
    return 0;
}

static void test_write__takes_what_a_second_daemon_may_ask(void **state)
{
    char *text;

    (void)state;
    add(VISOR_ORIGIN_CHRONY, "server", "a.example", "minpoll 4 nts key 3 iburst certset 1 prefer");
    add(VISOR_ORIGIN_CHRONY, "peer", "b.example", "");
    add(VISOR_ORIGIN_CHRONY, "refclock", "PHC /dev/ptp0", "poll 2 dpoll -2 refid PHC0");
    add(VISOR_ORIGIN_CHRONY, "refclock", "SHM 0", "refid GPS");
    add(VISOR_ORIGIN_DHCP, "server", "192.0.2.7", "");
    add(VISOR_ORIGIN_NTP, "server", "c.example", "iburst version 4 mode 7");
    add(VISOR_ORIGIN_NTP, "server", "a.example", "");
    add(VISOR_ORIGIN_TIMESYNCD_FALLBACK, "server", "d.example", "");
    text = written();
    assert_string_equal(text, "# /f:1\nserver a.example minpoll 4 iburst prefer\n"
                              "# /f:3\nrefclock PHC /dev/ptp0 poll 2 dpoll -2 refid PHC0\n"
                              "# /f:5\nserver 192.0.2.7 iburst\n"
                              "# /f:6\nserver c.example iburst\n");
    free(text);
}

static void test_write__falls_back(void **state)
{
    char *text;

    (void)state;
    text = written();
    assert_non_null(strstr(text, "names no time source"));
    assert_non_null(strstr(text, "\npool "));
    free(text);
    add(VISOR_ORIGIN_TIMESYNCD_FALLBACK, "server", "d.example", "");
    text = written();
    assert_string_equal(text, "# /f:1\nserver d.example iburst\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_write__takes_what_a_second_daemon_may_ask, setup),
        cmocka_unit_test_setup(test_write__falls_back, setup),
    };

    return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
