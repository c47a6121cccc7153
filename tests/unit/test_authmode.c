#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "puppet.h"

#define NOSELECT  VISOR_SELECT_NOSELECT
#define MUST      (VISOR_SELECT_REQUIRE | VISOR_SELECT_TRUST)
#define CLOCK     0 /* of the status's sources: the reference clock comes first */
#define KEYED     1
#define PLAIN     2
#define MONITORED 3

/* A reference clock, a server with a key (or without), one without, one that is `noselect`. */
static void effective(enum visor_auth_mode mode, bool keyed, uint32_t options[4])
{
    static struct visor_status status;
    struct visor_config *config = puppet_config(1);
    struct visor_reading now;
    struct puppet p;

    config->auth_mode = mode;
    config->sources = calloc(3, sizeof(*config->sources));
    config->source_count = 3;
    for (size_t i = 0; i < 3; i++) {
        visor_source_config_init(&config->sources[i]);
        strcpy(config->sources[i].name, i == 0 ? "192.0.2.1" : i == 1 ? "192.0.2.2" : "192.0.2.3");
    }
    config->sources[0].key = keyed ? 7 : 0;
    config->sources[2].key = 7;
    config->sources[2].select_options = NOSELECT;
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 30.0);
    now = puppet_reading(&p);
    visor_engine_status(p.engine, &now, &status);
    assert_int_equal(status.source_count, 4);
    for (size_t i = 0; i < 4; i++)
        options[i] = status.sources[i].effective_options;
    assert_int_equal(status.sources[PLAIN].options, 0);
    assert_int_equal(options[MONITORED], NOSELECT);
    for (size_t i = KEYED; i <= PLAIN; i++) /* not only shown, but obeyed */
        assert_int_equal(status.sources[i].state == VISOR_STATE_NOT_SELECTABLE,
                         options[i] == NOSELECT);
    puppet_done(&p);
}

static void test_mode__what_each_adds(void **state)
{
    uint32_t o[4];

    (void)state;
    effective(VISOR_AUTH_MODE_REQUIRE, true, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == 0 && o[PLAIN] == NOSELECT);
    effective(VISOR_AUTH_MODE_REQUIRE, false, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == NOSELECT && o[PLAIN] == NOSELECT);
    effective(VISOR_AUTH_MODE_PREFER, true, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == 0 && o[PLAIN] == NOSELECT);
    effective(VISOR_AUTH_MODE_PREFER, false, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == 0 && o[PLAIN] == 0);
    effective(VISOR_AUTH_MODE_MIX, true, o);
    assert_true(o[CLOCK] == MUST && o[KEYED] == MUST && o[PLAIN] == 0);
    effective(VISOR_AUTH_MODE_MIX, false, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == 0 && o[PLAIN] == 0);
    effective(VISOR_AUTH_MODE_IGNORE, true, o);
    assert_true(o[CLOCK] == 0 && o[KEYED] == 0 && o[PLAIN] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode__what_each_adds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
