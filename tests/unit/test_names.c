/* When names are looked up, and which source gets which address: nobody ever answers here but the
 * resolver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "puppet.h"

static struct visor_source_config *add(struct visor_config *config, enum visor_source_kind kind)
{
    config->sources = calloc(1, sizeof(*config->sources));
    config->source_count = 1;
    visor_source_config_init(config->sources);
    config->sources->kind = kind;
    config->sources->max_sources = 3;
    config->sources->minpoll = config->sources->maxpoll = 4;
    strcpy(config->sources->name, "time.example");
    return config->sources;
}

/* The resolver's answer: addresses 192.0.2.x by their last numbers. */
static void answer(struct puppet *p, const char *last)
{
    struct visor_event event = {.kind = VISOR_EVENT_RESOLVED};

    event.resolved.query = p->asked.query;
    event.resolved.result = *last ? VISOR_RESOLVE_OK : VISOR_RESOLVE_FAILED;
    for (; *last; last++) {
        char text[] = "192.0.2.x";

        text[8] = *last;
        assert_true(visor_address_parse(text, &event.resolved.addresses[event.resolved.count++]));
    }
    puppet_give(p, &event);
}

static int last_number(const struct visor_address *address)
{
    return address->bytes[3];
}

static void command(struct puppet *p, enum visor_command_kind kind)
{
    struct visor_event event = {.kind = VISOR_EVENT_COMMAND};

    event.command.kind = kind;
    puppet_give(p, &event);
    puppet_run(p, (double)p->now * 1e-9 + 0.1);
}

static void test_refresh__an_address_is_kept_while_the_name_has_it(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    config->refresh = 100;
    config->emergency_off = true; /* names would be looked up more often */
    add(config, VISOR_SOURCE_SERVER);
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 1.0);
    assert_int_equal(p.asks, 1);
    answer(&p, "1");
    puppet_run(&p, 100.0);
    assert_int_equal(p.asks, 1);
    puppet_run(&p, 102.0);
    assert_int_equal(p.asks, 2);
    answer(&p, "21");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_CHANGED], 0);
    puppet_run(&p, 203.0);
    assert_int_equal(p.asks, 3);
    answer(&p, "");
    puppet_run(&p, 220.0);
    assert_int_equal(last_number(&p.sent_to), 1);
    puppet_run(&p, 305.0);
    assert_int_equal(p.asks, 4);
    answer(&p, "23");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_CHANGED], 1);
    assert_int_equal(last_number(&p.last[VISOR_MESSAGE_SOURCE_CHANGED].address), 1);
    assert_int_equal(last_number(&p.last[VISOR_MESSAGE_SOURCE_CHANGED].address2), 2);
    puppet_run(&p, 330.0);
    assert_int_equal(last_number(&p.sent_to), 2);
    puppet_done(&p);
}

static void test_refresh__by_command_at_once_and_never_with_zero(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    config->refresh = 0;
    add(config, VISOR_SOURCE_SERVER);
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 1.0);
    answer(&p, "1");
    puppet_run(&p, 60.0);
    assert_int_equal(p.asks, 1);
    command(&p, VISOR_COMMAND_REFRESH);
    assert_int_equal(p.asks, 2);
    answer(&p, "3");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_CHANGED], 1);
    puppet_done(&p);
}

static void test_replace__an_unreachable_server_once_in_half_an_hour(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    config->emergency_off = true; /* names would be looked up more often */
    add(config, VISOR_SOURCE_SERVER);
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 1.0);
    answer(&p, "12");
    puppet_run(&p, 100.0);
    assert_int_equal(p.asks, 1);
    puppet_run(&p, 400.0);
    assert_int_equal(p.asks, 2);
    answer(&p, "12");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_REPLACED], 1);
    puppet_run(&p, 500.0);
    assert_int_equal(last_number(&p.sent_to), 2);
    puppet_run(&p, 1800.0);
    assert_int_equal(p.asks, 2);
    puppet_run(&p, 2300.0);
    assert_int_equal(p.asks, 3);
    answer(&p, "");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_REPLACED], 1);
    puppet_done(&p);
}

static void test_resolve__a_name_that_fails_is_asked_again_and_at_once_by_online(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    add(config, VISOR_SOURCE_SERVER);
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 1.0);
    answer(&p, "");
    assert_int_equal(p.messages[VISOR_MESSAGE_UNRESOLVED], 1);
    puppet_run(&p, 4.9);
    assert_int_equal(p.asks, 1);
    puppet_run(&p, 5.1);
    assert_int_equal(p.asks, 2);
    answer(&p, "");
    command(&p, VISOR_COMMAND_ONLINE);
    assert_int_equal(p.asks, 3);
    puppet_done(&p);
}

static void test_pool__looking_for_more_leaves_those_that_it_has(void **state)
{
    struct visor_config *config = puppet_config(0);
    struct puppet p;

    (void)state;
    add(config, VISOR_SOURCE_POOL);
    puppet_init(&p, config, 1790000000, 0.0);
    puppet_run(&p, 1.0);
    answer(&p, "12");
    puppet_run(&p, 6.0);
    assert_int_equal(p.asks, 2);
    answer(&p, "3456");
    assert_int_equal(p.messages[VISOR_MESSAGE_SOURCE_CHANGED], 0);
    puppet_run(&p, 100.0);
    assert_int_equal(p.asks, 2);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh__an_address_is_kept_while_the_name_has_it),
        cmocka_unit_test(test_refresh__by_command_at_once_and_never_with_zero),
        cmocka_unit_test(test_replace__an_unreachable_server_once_in_half_an_hour),
        cmocka_unit_test(test_resolve__a_name_that_fails_is_asked_again_and_at_once_by_online),
        cmocka_unit_test(test_pool__looking_for_more_leaves_those_that_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
