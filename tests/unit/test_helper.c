/* The helper: the same answers by both carriers; its process may die. */
#include "port/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct visor_helper_request ask_for(uint32_t query, const char *name, uint32_t family)
{
    struct visor_helper_request request = {
        .work = VISOR_HELPER_RESOLVE, .query = query, .family = family};

    strcpy(request.name, name);
    return request;
}

/* False: no reply within 10 s. */
static bool wait_reply(struct visor_helper *helper, struct visor_helper_reply *reply)
{
    struct pollfd fd = {.fd = visor_helper_fd(helper), .events = POLLIN};

    if (fd.fd >= 0 && poll(&fd, 1, 10000) != 1)
        return false;
    return visor_helper_next(helper, reply);
}

static void check_carrier(enum visor_helper_carrier carrier)
{
    struct visor_helper *helper = visor_helper_new(carrier, NULL);
    struct visor_helper_request request = ask_for(3, "192.0.2.7", 0);
    struct visor_helper_reply reply;

    assert_non_null(helper);
    assert_int_equal(visor_helper_carrier(helper), carrier);
    assert_int_equal(visor_helper_ask(helper, &request), 0);
    assert_true(wait_reply(helper, &reply));
    assert_int_equal(reply.query, 3);
    assert_int_equal(reply.resolved.query, 3);
    assert_int_equal(reply.resolved.result, VISOR_RESOLVE_OK);
    assert_int_equal(reply.resolved.count, 1);
    assert_int_equal(reply.resolved.addresses[0].bytes[3], 7);
    assert_false(visor_helper_next(helper, &reply));

    request = ask_for(4, "192.0.2.7", VISOR_FAMILY_IPV6);
    assert_int_equal(visor_helper_ask(helper, &request), 0);
    assert_true(wait_reply(helper, &reply));
    assert_int_equal(reply.resolved.result, VISOR_RESOLVE_FAILED);
    visor_helper_free(helper);
}

static void test_resolve__in_process(void **state)
{
    (void)state;
    check_carrier(VISOR_HELPER_IN_PROCESS);
}

static void test_resolve__by_the_process(void **state)
{
    (void)state;
    check_carrier(VISOR_HELPER_PROCESS);
}

static void test_resolve__names_of_the_hosts_file(void **state)
{
    struct visor_helper_request request = ask_for(1, "localhost", VISOR_FAMILY_IPV4);
    struct visor_event_resolved resolved;

    (void)state;
    visor_helper_resolve(&request, &resolved);
    assert_int_equal(resolved.result, VISOR_RESOLVE_OK);
    assert_true(resolved.count >= 1);
    assert_int_equal(resolved.addresses[0].bytes[0], 127);
    assert_int_equal(resolved.addresses[0].port, 0);
}

static void test_ask__many_wait_in_process_but_not_without_limit(void **state)
{
    struct visor_helper *helper = visor_helper_new(VISOR_HELPER_IN_PROCESS, NULL);
    struct visor_helper_request request = ask_for(0, "192.0.2.7", 0);
    struct visor_helper_reply reply;
    uint32_t asked = 0, answered = 0;

    (void)state;
    while (asked < 10000 && visor_helper_ask(helper, &request) == 0)
        request.query = ++asked;
    assert_true(asked >= 16 && asked < 10000);
    assert_true(visor_helper_pending(helper));
    while (visor_helper_next(helper, &reply))
        assert_int_equal(reply.query, answered++);
    assert_int_equal(answered, asked);
    assert_false(visor_helper_pending(helper));
    visor_helper_free(helper);
}

/* Whether it dies before it was asked or after. */
static void check_death(bool asked)
{
    struct visor_helper *helper = visor_helper_new(VISOR_HELPER_PROCESS, NULL);
    struct visor_helper_request request = ask_for(9, "192.0.2.7", 0);
    struct visor_helper_reply reply;
    siginfo_t end;

    assert_int_equal(visor_helper_fd(helper), -1); /* nobody wakes for it */
    if (asked) {
        assert_int_equal(kill(visor_helper_process(helper), SIGSTOP), 0);
        assert_int_equal(visor_helper_ask(helper, &request), 0);
        assert_true(visor_helper_fd(helper) >= 0);
    }
    assert_false(visor_helper_has_ended(helper));
    assert_int_equal(kill(visor_helper_process(helper), SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)visor_helper_process(helper), &end, WEXITED | WNOWAIT), 0);
    if (asked)
        assert_false(wait_reply(helper, &reply));
    assert_int_equal(visor_helper_ask(helper, &request), 0);
    assert_int_equal(visor_helper_carrier(helper), VISOR_HELPER_IN_PROCESS);
    assert_true(visor_helper_has_ended(helper));
    assert_false(visor_helper_has_ended(helper));
    assert_int_equal(visor_helper_fd(helper), -1);
    assert_true(visor_helper_next(helper, &reply));
    assert_int_equal(reply.query, 9);
    visor_helper_free(helper);
}

static void test_next__a_dead_process_is_replaced_by_ourselves(void **state)
{
    (void)state;
    check_death(false);
    check_death(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve__in_process),
        cmocka_unit_test(test_resolve__by_the_process),
        cmocka_unit_test(test_resolve__names_of_the_hosts_file),
        cmocka_unit_test(test_ask__many_wait_in_process_but_not_without_limit),
        cmocka_unit_test(test_next__a_dead_process_is_replaced_by_ourselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
