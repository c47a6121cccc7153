#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cmdmon_golden.h"
#include "wire/cmdmon.h"
#include "wire/layout.h"

static void bytes_of(const char *hex, size_t size, uint8_t *bytes)
{
    memset(bytes, 0, size);
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        char high = hex[2 * i], low = hex[2 * i + 1];

        bytes[i] = (uint8_t)((high <= '9' ? high - '0' : high - 'a' + 10) << 4 |
                             (low <= '9' ? low - '0' : low - 'a' + 10));
    }
}

static const struct golden *find(const char *version, const char *command)
{
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        if (strcmp(golden[i].version, version) == 0 && strcmp(golden[i].command, command) == 0)
            return &golden[i];
    fail_msg("no golden %s", command);
    return NULL;
}

static struct visor_cmdmon_request request_of(const char *version, const char *command)
{
    const struct golden *g = find(version, command);
    struct visor_cmdmon_request request;
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];

    bytes_of(g->request, g->request_size, bytes);
    assert_int_equal(visor_cmdmon_read_request(bytes, g->request_size, &request),
                     VISOR_CMDMON_ACCEPTED);
    return request;
}

static struct visor_cmdmon_reply reply_of(const char *version, const char *command)
{
    const struct golden *g = find(version, command);
    struct visor_cmdmon_reply reply;
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];

    bytes_of(g->reply, g->reply_size, bytes);
    assert_true(visor_cmdmon_read_reply(bytes, g->reply_size, &reply));
    return reply;
}

/* Every request that chronyc sent reads, and writes the same bytes again. */
static void test_read_request__what_chronyc_sends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        uint8_t sent[VISOR_CMDMON_MESSAGE_MAX], again[VISOR_CMDMON_MESSAGE_MAX];
        struct visor_cmdmon_request request;
        enum visor_cmdmon_form form;

        bytes_of(golden[i].request, golden[i].request_size, sent);
        assert_int_equal(visor_cmdmon_read_request(sent, golden[i].request_size, &request),
                         VISOR_CMDMON_ACCEPTED);
        form = visor_cmdmon_form_for(&request);
        assert_int_equal(visor_cmdmon_write_request(&request, form, again, sizeof again),
                         golden[i].request_size);
        assert_memory_equal(sent, again, golden[i].request_size);
    }
}

/* Every reply of chronyd reads, and writes the same bytes, in the form chosen by the request's
 * length; a reply is never longer than its request. */
static void test_write_reply__what_chronyd_sends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        uint8_t sent[VISOR_CMDMON_MESSAGE_MAX], again[VISOR_CMDMON_MESSAGE_MAX];
        struct visor_cmdmon_request request = request_of(golden[i].version, golden[i].command);
        struct visor_cmdmon_reply reply;

        bytes_of(golden[i].reply, golden[i].reply_size, sent);
        assert_true(visor_cmdmon_read_reply(sent, golden[i].reply_size, &reply));
        if (reply.form != VISOR_CMDMON_FORM_NULL && strchr(golden[i].command, '-') == NULL)
            assert_int_equal(visor_cmdmon_form_for(&request), reply.form);
        assert_int_equal(visor_cmdmon_write_reply(&reply, again, golden[i].request_size),
                         golden[i].reply_size);
        assert_memory_equal(sent, again, golden[i].reply_size);
        assert_int_equal(visor_cmdmon_write_reply(&reply, again, golden[i].reply_size - 1), 0);
    }
}

static void test_read_request__values(void **state)
{
    struct visor_cmdmon_request r;
    struct visor_address address;

    (void)state;
    assert_true(visor_address_parse("127.0.0.2", &address));
    r = request_of("4.6", "burst 1/2 127.0.0.2");
    assert_int_equal(r.command, VISOR_CMDMON_BURST);
    assert_int_equal(r.match.good, 1);
    assert_int_equal(r.match.total, 2);
    assert_true(visor_address_same(&r.match.address.address, &address));
    r = request_of("4.6", "minpoll 127.0.0.2 -1");
    assert_int_equal(r.modify.integer, -1);
    r = request_of("4.6", "maxdelay 127.0.0.2 0.125");
    assert_true(r.modify.number == 0.125);
    r = request_of("4.6", "doffset -0.125");
    assert_true(r.number == -0.125);
    r = request_of("4.6", "makestep 0.1 3");
    assert_int_equal(r.makestep.limit, 3);
    assert_true(fabs(r.makestep.threshold - 0.1) < 1e-8);
    r = request_of("4.6", "deny 10.1.0.0/16");
    assert_int_equal(r.access.bits, 16);
    r = request_of("4.6", "deny all");
    assert_int_equal(r.command, VISOR_CMDMON_DENYALL);
    assert_int_equal(r.access.subnet.address.family, VISOR_FAMILY_NONE);
    r = request_of("4.3", "local stratum 8 orphan distance 0.5");
    assert_int_equal(r.command, VISOR_CMDMON_LOCAL2);
    assert_true(r.local.on == 1 && r.local.stratum == 8 && r.local.orphan == 1);
    assert_true(r.local.distance == 0.5);
    r = request_of("4.6", "offset GPSD 0.001");
    assert_int_equal(r.select.refid, 0x47505344);
    assert_int_equal(r.select.address.address.family, VISOR_FAMILY_NONE);
    r = request_of("4.6", "selectopts 127.0.0.2 +prefer -trust");
    assert_int_equal(r.select.mask, VISOR_CMDMON_OPTION_PREFER | VISOR_CMDMON_OPTION_TRUST);
    assert_int_equal(r.select.options, VISOR_CMDMON_FLAG_PREFER);
}

static void test_read_request__add_source(void **state)
{
    struct visor_cmdmon_request r =
        request_of("4.6", "add server 127.0.0.5 minpoll 5 maxpoll 7 iburst prefer noselect offset "
                          "0.25 maxdelay 0.5");

    (void)state;
    assert_int_equal(r.source.type, VISOR_CMDMON_SERVER);
    assert_string_equal(r.source.name, "127.0.0.5");
    assert_true(r.source.name_terminated);
    assert_int_equal(r.source.port, 123);
    assert_int_equal(r.source.minpoll, 5);
    assert_int_equal(r.source.maxpoll, 7);
    assert_true(r.source.offset == 0.25 && r.source.max_delay == 0.5);
    assert_int_equal(r.source.flags, VISOR_CMDMON_FLAG_ONLINE | VISOR_CMDMON_FLAG_IBURST |
                                         VISOR_CMDMON_FLAG_PREFER | VISOR_CMDMON_FLAG_NOSELECT);
    assert_int_equal(r.source.max_unreach, 0);
    assert_true(r.source.max_delay_dev_ratio == 10.0 && r.source.asymmetry == 1.0);
}

/* The values as chronyc 4.6 printed them. */
static void test_read_reply__values(void **state)
{
    struct visor_cmdmon_reply r = reply_of("4.6", "tracking");

    (void)state;
    assert_int_equal(r.tracking.refid, 0x7f000002);
    assert_int_equal(r.tracking.stratum, 4);
    assert_int_equal(r.tracking.leap, 0);
    assert_true(r.tracking.reference.ns == INT64_C(1795468566955233996));
    assert_true(fabs(r.tracking.correction - -0.000002539) < 6e-10);
    assert_true(fabs(r.tracking.frequency_ppm - 0.088) < 6e-4);
    r = reply_of("4.6", "ntpdata 127.0.0.2");
    assert_int_equal(r.ntp_data.flags, VISOR_CMDMON_NTP_AUTHENTICATED | 0x3fd);
    assert_int_equal(r.ntp_data.tx_by, 'K');
    assert_int_equal(r.ntp_data.poll, -2);
    assert_int_equal(r.ntp_data.total_kernel_tx, 0x21);
    r = reply_of("4.3", "serverstats");
    assert_true(r.server_stats.cmd_hits == 0x13);
    r = reply_of("4.6", "activity");
    assert_int_equal(r.activity.online, 2);
    assert_int_equal(r.activity.offline, 1);
    r = reply_of("4.6", "accheck 10.2.0.1");
    assert_int_equal(r.status, VISOR_CMDMON_ACCESS_DENIED);
    r = reply_of("4.6", "sourcename 127.0.0.2");
    assert_string_equal(r.name, "127.0.0.2");
}

static enum visor_cmdmon_verdict changed(size_t at, uint8_t value, size_t size,
                                         struct visor_cmdmon_request *request)
{
    const struct golden *g = find("4.6", "tracking");
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX + 1] = {0};

    bytes_of(g->request, g->request_size, bytes);
    bytes[at] = value;
    return visor_cmdmon_read_request(bytes, size == 0 ? g->request_size : size, request);
}

static void test_read_request__refusals(void **state)
{
    struct visor_cmdmon_request r;

    (void)state;
    assert_int_equal(changed(0, 6, 0, &r), VISOR_CMDMON_ACCEPTED);
    assert_int_equal(changed(0, 5, 0, &r), VISOR_CMDMON_REFUSED);
    assert_int_equal(r.refusal, VISOR_CMDMON_BAD_VERSION);
    assert_int_equal(changed(0, 7, 0, &r), VISOR_CMDMON_REFUSED);
    assert_int_equal(r.refusal, VISOR_CMDMON_BAD_VERSION);
    assert_int_equal(changed(0, 4, 0, &r), VISOR_CMDMON_DROPPED);
    assert_int_equal(changed(1, 2, 0, &r), VISOR_CMDMON_DROPPED);
    assert_int_equal(changed(3, 1, 0, &r), VISOR_CMDMON_DROPPED);
    assert_int_equal(changed(5, 75, 0, &r), VISOR_CMDMON_REFUSED);
    assert_int_equal(r.refusal, VISOR_CMDMON_INVALID);
    assert_int_equal(r.command, 75);
    assert_int_equal(changed(5, 10, 0, &r), VISOR_CMDMON_REFUSED);
    assert_int_equal(r.refusal, VISOR_CMDMON_INVALID);
    assert_int_equal(changed(0, 6, 27, &r), VISOR_CMDMON_DROPPED);
    assert_int_equal(changed(0, 6, 28, &r), VISOR_CMDMON_REFUSED);
    assert_int_equal(r.refusal, VISOR_CMDMON_BAD_LENGTH);
    assert_int_equal(changed(0, 6, VISOR_CMDMON_MESSAGE_MAX, &r), VISOR_CMDMON_ACCEPTED);
    assert_int_equal(changed(0, 6, VISOR_CMDMON_MESSAGE_MAX + 1, &r), VISOR_CMDMON_DROPPED);
}

static void test_read_request__name_without_end(void **state)
{
    struct visor_cmdmon_request r = {.command = VISOR_CMDMON_ADD_SOURCE};
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
    size_t size;

    (void)state;
    memset(r.source.name, 'x', sizeof r.source.name);
    size = visor_cmdmon_write_request(&r, 0, bytes, sizeof bytes);
    assert_int_equal(visor_cmdmon_read_request(bytes, size, &r), VISOR_CMDMON_ACCEPTED);
    assert_false(r.source.name_terminated);
    assert_int_equal(strlen(r.source.name), sizeof r.source.name - 1);
}

static void test_address__by_number(void **state)
{
    struct visor_cmdmon_request r = {.command = VISOR_CMDMON_DEL_SOURCE,
                                     .address = {.id = 0x01020304}};
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
    size_t size = visor_cmdmon_write_request(&r, 0, bytes, sizeof bytes);

    (void)state;
    assert_memory_equal(bytes + 20, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\3\0\0", 20);
    assert_int_equal(visor_cmdmon_read_request(bytes, size, &r), VISOR_CMDMON_ACCEPTED);
    assert_int_equal(r.address.id, 0x01020304);
    assert_int_equal(r.address.address.family, VISOR_FAMILY_NONE);
}

/* What a reply says of its own size is not believed, and a name ends. */
static void test_read_reply__limits(void **state)
{
    struct visor_cmdmon_reply r = {.form = VISOR_CMDMON_FORM_CLIENT_ACCESSES_BY_INDEX3};
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
    size_t size;

    (void)state;
    r.clients.count = 9;
    size = visor_cmdmon_write_reply(&r, bytes, sizeof bytes);
    assert_true(visor_cmdmon_read_reply(bytes, size, &r));
    assert_int_equal(r.clients.count, VISOR_CMDMON_CLIENTS_MAX);
    assert_false(visor_cmdmon_read_reply(bytes, size - 1, &r));
    bytes[1] = 1;
    assert_false(visor_cmdmon_read_reply(bytes, size, &r));
    bytes[1] = 2;
    bytes[7] = 99;
    assert_false(visor_cmdmon_read_reply(bytes, size, &r));
    r = (struct visor_cmdmon_reply){.form = VISOR_CMDMON_FORM_NTP_SOURCE_NAME};
    memset(r.name, 'x', sizeof r.name);
    size = visor_cmdmon_write_reply(&r, bytes, sizeof bytes);
    assert_true(visor_cmdmon_read_reply(bytes, size, &r));
    assert_int_equal(strlen(r.name), sizeof r.name - 1);
}

static void test_float__there_and_back(void **state)
{
    static const double exact[] = {0.0, 1.0, -1.0, 0.25, 0.5, 2.0, -0.125, 3.0, 1e6, 16777215.0};

    (void)state;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        assert_true(visor_layout_float_read(visor_layout_float_write(exact[i])) == exact[i]);
    for (double x = 3e-17; x < 4e18; x *= 1.7) {
        assert_true(fabs(visor_layout_float_read(visor_layout_float_write(x)) / x - 1.0) < 7e-8);
        assert_true(visor_layout_float_read(visor_layout_float_write(-x)) ==
                    -visor_layout_float_read(visor_layout_float_write(x)));
    }
    assert_int_equal(visor_layout_float_write((double)NAN), 0);
    assert_int_equal(visor_layout_float_write(1e-40), 0);
    assert_true(visor_layout_float_read(visor_layout_float_write((double)INFINITY)) > 4e18);
    assert_true(visor_layout_float_read(visor_layout_float_write(-1e300)) < -4e18);
    assert_int_equal(visor_layout_float_write(0.5), 0x02800000);
}

static void test_time__before_1970_and_far(void **state)
{
    static const int64_t times[] = {
        0, -1, 1, -1999999999, INT64_C(8835000000123456789), INT64_C(-3786825600000000000)};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct visor_cmdmon_request r = {.command = VISOR_CMDMON_SETTIME, .time = {times[i]}};
        uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
        size_t size = visor_cmdmon_write_request(&r, 0, bytes, sizeof bytes);

        assert_int_equal(visor_cmdmon_read_request(bytes, size, &r), VISOR_CMDMON_ACCEPTED);
        assert_true(r.time.ns == times[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_request__what_chronyc_sends),
        cmocka_unit_test(test_write_reply__what_chronyd_sends),
        cmocka_unit_test(test_read_request__values),
        cmocka_unit_test(test_read_request__add_source),
        cmocka_unit_test(test_read_reply__values),
        cmocka_unit_test(test_read_request__refusals),
        cmocka_unit_test(test_read_request__name_without_end),
        cmocka_unit_test(test_address__by_number),
        cmocka_unit_test(test_read_reply__limits),
        cmocka_unit_test(test_float__there_and_back),
        cmocka_unit_test(test_time__before_1970_and_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
