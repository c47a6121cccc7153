#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wire/control.h"

static size_t frame_of(enum visor_control_verb verb, const char *argument, uint8_t *frame)
{
    struct visor_control_request request = {.verb = verb};

    strcpy(request.argument, argument);
    return visor_control_write_request(&request, frame);
}

static void test_read_request__gives_what_was_written(void **state)
{
    uint8_t frame[VISOR_CONTROL_REQUEST_MAX];
    size_t size = frame_of(VISOR_CONTROL_OFFLINE, "ntp1.example.net", frame), used = 0;
    struct visor_control_request request;

    (void)state;
    assert_int_equal(visor_control_read_request(frame, size, &request, &used),
                     VISOR_CONTROL_COMPLETE);
    assert_int_equal(used, size);
    assert_int_equal(request.verb, VISOR_CONTROL_OFFLINE);
    assert_string_equal(request.argument, "ntp1.example.net");
}

static void test_read_request__wants_every_byte(void **state)
{
    uint8_t frame[VISOR_CONTROL_REQUEST_MAX];
    size_t size = frame_of(VISOR_CONTROL_STATUS, "x", frame), used;
    struct visor_control_request request;

    (void)state;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(visor_control_read_request(frame, i, &request, &used),
                         VISOR_CONTROL_INCOMPLETE);
}

static void test_read_request__refuses_what_is_not_ours(void **state)
{
    uint8_t frame[VISOR_CONTROL_REQUEST_MAX];
    size_t size = frame_of(VISOR_CONTROL_STATUS, "a\nb", frame), used;
    struct visor_control_request request;

    (void)state;
    assert_int_equal(visor_control_read_request(frame, size, &request, &used), VISOR_CONTROL_WRONG);
    frame_of(VISOR_CONTROL_STATUS, "", frame);
    frame[10] = 1; /* an argument of 256 bytes */
    assert_int_equal(visor_control_read_request(frame, 12, &request, &used), VISOR_CONTROL_WRONG);
    frame_of(VISOR_CONTROL_STATUS, "", frame);
    frame[5]++;
    assert_int_equal(visor_control_read_request(frame, 12, &request, &used), VISOR_CONTROL_FOREIGN);
    frame[0]++;
    assert_int_equal(visor_control_read_request(frame, 12, &request, &used), VISOR_CONTROL_WRONG);
}

static void test_read_reply__keeps_the_limit(void **state)
{
    struct visor_control_reply reply = {VISOR_CONTROL_REFUSED, VISOR_CONTROL_BODY_MAX}, back;
    uint8_t header[VISOR_CONTROL_HEADER];

    (void)state;
    visor_control_write_reply(&reply, header);
    assert_int_equal(visor_control_read_reply(header, sizeof(header), &back),
                     VISOR_CONTROL_COMPLETE);
    assert_int_equal(back.result, VISOR_CONTROL_REFUSED);
    assert_int_equal(back.size, VISOR_CONTROL_BODY_MAX);
    reply.size++;
    visor_control_write_reply(&reply, header);
    assert_int_equal(visor_control_read_reply(header, sizeof(header), &back), VISOR_CONTROL_WRONG);
}

static void test_is_write__starts_at_online(void **state)
{
    (void)state;
    assert_false(visor_control_is_write(VISOR_CONTROL_STATUS));
    assert_false(visor_control_is_write(VISOR_CONTROL_FACTS));
    assert_true(visor_control_is_write(VISOR_CONTROL_ONLINE));
    assert_true(visor_control_is_write(VISOR_CONTROL_RELOAD));
    assert_true(visor_control_is_write((enum visor_control_verb)999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_request__gives_what_was_written),
        cmocka_unit_test(test_read_request__wants_every_byte),
        cmocka_unit_test(test_read_request__refuses_what_is_not_ours),
        cmocka_unit_test(test_read_reply__keeps_the_limit),
        cmocka_unit_test(test_is_write__starts_at_online),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
