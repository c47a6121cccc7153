#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/server.h"
#include "wire/ntp.h"

#define S       VISOR_NS_PER_S
#define UTC(at) ((visor_wall){INT64_C(1767225600) * S + (at)})

static struct visor_ntp_header ask(struct visor_server *server, int64_t at, int64_t *leaves)
{
    struct visor_ntp_header request = {
        .version = 4, .mode = VISOR_NTP_MODE_CLIENT, .transmit = 0x1234567890abcdef};
    struct visor_ntp_header answer = {0};
    struct visor_ntp_layout layout;
    struct visor_server_reply reply;
    uint8_t data[VISOR_NTP_HEADER];
    size_t size = visor_ntp_write(&request, data, sizeof(data));

    *leaves = 0;
    if (!visor_server_answer(server, at, UTC(at), data, size, &reply))
        return answer;
    *leaves = reply.leaves;
    assert_true(visor_ntp_read(&answer, &layout, reply.data, reply.size));
    return answer;
}

static int64_t wrong(const struct visor_ntp_header *answer, int64_t at)
{
    return visor_wall_diff(visor_ntp_to_wall(answer->receive), UTC(at));
}

static void test_server_answer__a_good_server_tells_the_time(void **state)
{
    struct visor_server_model model = {.stratum = 2, .dispersion = 1e-3, .processing = 1e-5};
    struct visor_server server;
    struct visor_ntp_header answer;
    int64_t leaves;

    (void)state;
    visor_server_init(&server, &model, 1);
    answer = ask(&server, 5 * S, &leaves);
    assert_int_equal(answer.mode, VISOR_NTP_MODE_SERVER);
    assert_int_equal(answer.stratum, 2);
    assert_true(answer.origin == 0x1234567890abcdef);
    assert_int_equal(wrong(&answer, 5 * S), 0);
    assert_true(leaves > 5 * S);
    assert_int_equal(visor_wall_diff(visor_ntp_to_wall(answer.transmit), UTC(leaves)), 0);
    assert_true(visor_ntp_short_to_ns(answer.root_dispersion) >= 1000000);
    assert_true(visor_server_honest(&server, 6 * S));
}

static void test_server_answer__faults_show_in_its_time(void **state)
{
    struct visor_server_model model = {.stratum = 1, .dispersion = 1e-6};
    struct visor_server server;
    struct visor_ntp_header answer;
    int64_t leaves;

    (void)state;
    visor_server_init(&server, &model, 1);
    server.step = -0.25;
    answer = ask(&server, 5 * S, &leaves);
    assert_true(wrong(&answer, 5 * S) == -250000000);
    assert_false(visor_server_honest(&server, 5 * S));
    server.step = 0.0;
    server.frozen = true;
    server.frozen_at = 6 * S;
    answer = ask(&server, 9 * S, &leaves);
    assert_true(wrong(&answer, 6 * S) == 0);
    server.frozen = false;
    server.frequency = 1e-3;
    server.frequency_at = 10 * S;
    answer = ask(&server, 20 * S, &leaves);
    assert_true(wrong(&answer, 20 * S) == 10000000);
    server.unsynchronized = true;
    answer = ask(&server, 21 * S, &leaves);
    assert_int_equal(answer.leap, VISOR_LEAP_UNSYNCHRONIZED);
    assert_true(visor_server_honest(&server, 21 * S));
    server.dead = true;
    answer = ask(&server, 22 * S, &leaves);
    assert_int_equal(answer.mode, 0);
}

static void test_server_error__wanders_within_what_is_claimed(void **state)
{
    struct visor_server_model model = {.stratum = 1, .dispersion = 1e-6, .error = 1e-3};
    struct visor_server server;
    double largest = 0.0;

    (void)state;
    visor_server_init(&server, &model, 2);
    for (int64_t i = 0; i < 100000; i++) {
        largest = fmax(largest, fabs(visor_server_error(&server, i * 16 * S)));
        assert_true(visor_server_honest(&server, i * 16 * S));
    }
    assert_true(largest > 0.8e-3 && largest <= 1e-3);
    server.model.liar = true;
    assert_false(visor_server_honest(&server, 100000 * 16 * S));
}

static void test_server_answer__garbage_gets_no_answer(void **state)
{
    struct visor_server_model model = {.stratum = 1};
    struct visor_server server;
    uint8_t data[VISOR_NTP_HEADER] = {0};
    struct visor_server_reply reply;

    (void)state;
    visor_server_init(&server, &model, 1);
    assert_false(visor_server_answer(&server, 0, UTC(0), data, 17, &reply));
    assert_false(visor_server_answer(&server, 0, UTC(0), data, 48, &reply));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_answer__a_good_server_tells_the_time),
        cmocka_unit_test(test_server_answer__faults_show_in_its_time),
        cmocka_unit_test(test_server_error__wanders_within_what_is_claimed),
        cmocka_unit_test(test_server_answer__garbage_gets_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
