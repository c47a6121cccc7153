#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "chronyc_host.h"

/* ---- access ---- */

static void test_handle__unix_may_all_and_loopback_what_is_open(void **state)
{
    struct visor_cmdmon_request tracking = {.command = VISOR_CMDMON_TRACKING},
                                ntpdata = {.command = VISOR_CMDMON_NTP_DATA,
                                           .address = address_of("192.0.2.1")},
                                makestep = {.command = VISOR_CMDMON_MAKESTEP},
                                count = {.command = VISOR_CMDMON_N_SOURCES};
    struct visor_cmdmon_reply reply;

    (void)state;
    assert_int_equal(ask(ntpdata).status, VISOR_CMDMON_SUCCESS);
    assert_int_equal(ask(makestep).status, VISOR_CMDMON_SUCCESS);
    assert_int_equal(host.commands, 1);
    assert_true(ask_from("127.0.0.1", &tracking, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_SUCCESS);
    assert_true(ask_from("::1", &ntpdata, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_UNAUTHORISED);
    assert_int_equal(reply.form, VISOR_CMDMON_FORM_NULL);
    assert_true(ask_from("127.0.0.1", &makestep, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_UNAUTHORISED);
    assert_int_equal(host.commands, 1);
    chronyc.open_commands = VISOR_OPEN_NTPDATA;
    assert_true(ask_from("127.0.0.1", &ntpdata, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_SUCCESS);
    assert_true(ask_from("127.0.0.1", &count, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_SUCCESS);
    assert_true(ask_from("127.0.0.1", &tracking, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_UNAUTHORISED);
}

static void test_handle__others_get_nothing_unless_allowed(void **state)
{
    struct visor_cmdmon_request tracking = {.command = VISOR_CMDMON_TRACKING};
    struct visor_cmdmon_reply reply;

    (void)state;
    assert_false(ask_from("127.0.0.2", &tracking, &reply));
    assert_false(ask_from("2001:db8::1", &tracking, &reply));
    assert_int_equal(host.table, VISOR_CHRONYC_COMMAND);
    host.allowed = true;
    assert_true(ask_from("192.0.2.9", &tracking, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_SUCCESS);
    host.passed = false;
    assert_false(ask_from("192.0.2.9", &tracking, &reply));
    assert_true(ask_from("127.0.0.1", &tracking, &reply));
    assert_true(ask_from(NULL, &tracking, &reply));
}

static void test_handle__refusals_are_answered(void **state)
{
    struct visor_address from = {.family = VISOR_FAMILY_NONE};
    struct visor_cmdmon_request tracking = {.command = VISOR_CMDMON_TRACKING};
    struct visor_cmdmon_reply reply;
    uint8_t question[VISOR_CMDMON_MESSAGE_MAX], answer[VISOR_CMDMON_MESSAGE_MAX];
    size_t size = visor_cmdmon_write_request(&tracking, 0, question, sizeof question), length;

    (void)state;
    question[5] = 200;
    length = visor_chronyc_handle(&chronyc, &from, question, size, answer, sizeof answer);
    assert_int_equal(length, 28);
    assert_true(visor_cmdmon_read_reply(answer, length, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_INVALID);
    question[5] = VISOR_CMDMON_TRACKING;
    length = visor_chronyc_handle(&chronyc, &from, question, 40, answer, sizeof answer);
    assert_true(visor_cmdmon_read_reply(answer, length, &reply));
    assert_int_equal(reply.status, VISOR_CMDMON_BAD_LENGTH);
    assert_int_equal(visor_chronyc_handle(&chronyc, &from, question, 20, answer, 28), 0);
}

/* ---- reports ---- */

static void test_tracking__signs(void **state)
{
    struct visor_cmdmon_reply r =
        ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_TRACKING});

    (void)state;
    assert_true(r.tracking.correction == 0.000030517578125); /* slow of NTP time */
    assert_true(r.tracking.last_offset == -0.00006103515625);
    assert_true(r.tracking.frequency_ppm == 12.5);
    assert_true(r.tracking.residual_frequency_ppm == -0.0078125);
    assert_int_equal(r.tracking.leap, 1);
    assert_int_equal(r.tracking.stratum, 4);
}

static void test_source_data__states_modes_and_signs(void **state)
{
    static const uint16_t states[] = {
        VISOR_CMDMON_STATE_SELECTED,      VISOR_CMDMON_STATE_UNSELECTED,
        VISOR_CMDMON_STATE_FALSETICKER,   VISOR_CMDMON_STATE_JITTERY,
        VISOR_CMDMON_STATE_NONSELECTABLE, VISOR_CMDMON_STATE_SELECTABLE,
        VISOR_CMDMON_STATE_NONSELECTABLE};
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_SOURCE_DATA};
    struct visor_cmdmon_reply r;

    (void)state;
    for (int i = 0; i < 7; i++) {
        request.integer = i;
        r = ask(request);
        assert_int_equal(r.status, VISOR_CMDMON_SUCCESS);
        assert_int_equal(r.source_data.state, states[i]);
        assert_int_equal(r.source_data.mode, i == 2   ? VISOR_CMDMON_MODE_PEER
                                             : i == 6 ? VISOR_CMDMON_MODE_REFERENCE
                                                      : VISOR_CMDMON_MODE_CLIENT);
        assert_int_equal(r.source_data.address.id, i == 4 ? 5 : 0);
        assert_true(i == 4 ? r.source_data.since_sample == UINT32_MAX
                           : r.source_data.offset == 0.0009765625 * (i + 1));
    }
    assert_int_equal(r.source_data.address.address.family, VISOR_FAMILY_IPV4);
    assert_memory_equal(r.source_data.address.address.bytes, "GPSD", 4);
    request.integer = 7;
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
    request.integer = -1;
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
}

static void test_sourcestats(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_SOURCESTATS, .integer = 1};
    struct visor_cmdmon_reply r = ask(request);

    (void)state;
    assert_int_equal(r.sourcestats.samples, 22);
    assert_int_equal(r.sourcestats.span, 1301);
    assert_true(r.sourcestats.offset == 0.0009765625 && r.sourcestats.offset_error == 0.0078125);
    assert_true(r.sourcestats.frequency_ppm == 0.25 && r.sourcestats.skew_ppm == 0.5);
    host.status->sources[1].samples = 0;
    r = ask(request);
    assert_true(r.sourcestats.skew_ppm == 2000.0 && r.sourcestats.sd == 4.0);
    assert_true(r.sourcestats.offset == 0.0);
}

static void test_ntp_data__counters(void **state)
{
    struct visor_cmdmon_reply r = ask((struct visor_cmdmon_request){
        .command = VISOR_CMDMON_NTP_DATA, .address = address_of("192.0.2.1")});

    (void)state;
    assert_int_equal(r.form, VISOR_CMDMON_FORM_NTP_DATA2);
    assert_true(r.ntp_data.total_kernel_tx == 55 && r.ntp_data.total_kernel_rx == 56);
    assert_true(r.ntp_data.total_hardware_tx == 57 && r.ntp_data.total_hardware_rx == 58);
    assert_true(r.ntp_data.tx_by == 'H' && r.ntp_data.rx_by == 'K');
    assert_true(r.ntp_data.offset == 0.0146484375 && r.ntp_data.peer_delay == 0.021484375);
}

static void test_select_data__interval_turned(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_SELECT_DATA, .integer = 2};
    struct visor_cmdmon_reply r = ask(request);

    (void)state;
    assert_int_equal(r.select_data.state, 'x');
    assert_int_equal(r.select_data.leap, 0);
    assert_true(r.select_data.lo == -0.1875 && r.select_data.hi == 0.09375);
    assert_int_equal(r.select_data.options, VISOR_CMDMON_OPTION_PREFER);
    request.integer = 1;
    assert_int_equal(ask(request).select_data.leap, 2);
    assert_int_equal(r.select_data.effective_options,
                     VISOR_CMDMON_OPTION_TRUST | VISOR_CMDMON_OPTION_REQUIRE);
}

static void test_reports__by_address_or_id(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_NTP_SOURCE_NAME,
                                           .address = address_of("2001:db8::2")};

    (void)state;
    assert_string_equal(ask(request).name, "2001:db8::2");
    request.address = (struct visor_cmdmon_address){.id = 5};
    assert_string_equal(ask(request).name, "ntp.example.net");
    request.address.id = 1; /* it has an address: not known by its number */
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
    request.address = (struct visor_cmdmon_address){.id = 0};
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
}

static void test_clients__pages(void **state)
{
    struct visor_cmdmon_request request = {
        .command = VISOR_CMDMON_CLIENT_ACCESSES_BY_INDEX3,
        .clients = {.first_index = 1, .count = 100, .min_hits = 7}};
    struct visor_cmdmon_reply r = ask(request);
    struct visor_chronyc_host none = full_host;

    (void)state;
    assert_int_equal(r.clients.count, VISOR_CMDMON_CLIENTS_MAX);
    assert_int_equal(r.clients.indices, 100);
    assert_int_equal(r.clients.next_index, 25);
    assert_int_equal(r.clients.clients[0].ntp_hits, 3 + 7);
    request.clients.first_index = 98;
    r = ask(request);
    assert_int_equal(r.clients.count, 1);
    assert_int_equal(r.clients.next_index, 100);
    none.client_count = NULL;
    chronyc.host = &none;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INACTIVE);
}

static void test_reports__what_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_RTCREPORT}).status,
                     VISOR_CMDMON_NO_RTC);
    host.status->smoothing.enabled = false;
    assert_int_equal(ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_SMOOTHING}).status,
                     VISOR_CMDMON_NOT_ENABLED);
    assert_int_equal(ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_SMOOTHTIME}).status,
                     VISOR_CMDMON_NOT_ENABLED);
}

/* ---- commands ---- */

static void test_commands__to_the_engine(void **state)
{
    static const struct {
        uint16_t command;
        enum visor_command_kind kind;
    } plain[] = {
        {VISOR_CMDMON_MAKESTEP, VISOR_COMMAND_MAKESTEP},
        {VISOR_CMDMON_RESELECT, VISOR_COMMAND_RESELECT},
        {VISOR_CMDMON_REFRESH, VISOR_COMMAND_REFRESH},
        {VISOR_CMDMON_RESET_SOURCES, VISOR_COMMAND_RESET_SOURCES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct visor_cmdmon_request request = {.command = plain[i].command};

        assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
        assert_int_equal(host.command.kind, plain[i].kind);
        assert_int_equal(host.commands, i + 1);
    }
}

static void test_commands__subnets_and_sources(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_BURST,
                                           .match = {.address = address_of("192.0.2.0"),
                                                     .mask = address_of("255.255.255.0"),
                                                     .good = 3,
                                                     .total = 5}};

    (void)state;
    ask(request);
    assert_int_equal(host.command.kind, VISOR_COMMAND_BURST);
    assert_true(host.command.number[0] == 3.0 && host.command.number[1] == 5.0);
    assert_memory_equal(host.command.match.mask.bytes, "\xff\xff\xff\0", 4);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_ONLINE};
    ask(request);
    assert_int_equal(host.command.kind, VISOR_COMMAND_ONLINE);
    assert_int_equal(host.command.match.address.family, VISOR_FAMILY_NONE);
    assert_int_equal(host.command.match.id, 0);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_MODIFY_MINSTRATUM,
                                            .modify = {.address = {.id = 5}, .integer = 2}};
    ask(request);
    assert_int_equal(host.command.kind, VISOR_COMMAND_MINSTRATUM);
    assert_int_equal(host.command.match.id, 5);
    assert_true(host.command.number[0] == 2.0);
    request.modify.address = address_of("192.0.2.1");
    ask(request);
    assert_int_equal(host.command.match.mask.family, VISOR_FAMILY_IPV4);
    assert_memory_equal(host.command.match.mask.bytes, "\xff\xff\xff\xff", 4);
    assert_int_equal(host.command.match.id, 0);
    request.modify.address = (struct visor_cmdmon_address){.id = 5};
    host.answer.answer = VISOR_ANSWER_NO_SUCH_SOURCE;
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
    host.commands = 0;
    request.modify.address.id = 0;
    assert_int_equal(ask(request).status, VISOR_CMDMON_NO_SUCH_SOURCE);
    assert_int_equal(host.commands, 0);
}

static void test_commands__signs(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_DOFFSET2, .number = 0.5};
    struct visor_cmdmon_reply r;

    (void)state;
    ask(request);
    assert_true(host.command.kind == VISOR_COMMAND_DOFFSET && host.command.number[0] == -0.5);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_DFREQ, .number = 2.0};
    ask(request);
    assert_true(host.command.kind == VISOR_COMMAND_DFREQ && host.command.number[0] == -2.0);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_SETTIME,
                                            .time = {INT64_C(1500000000000000000)}};
    host.answer.number[0] = 0.25;
    host.answer.number[1] = -1.0;
    host.answer.number[2] = 3.0;
    r = ask(request);
    assert_true(host.command.number[0] == 1.5e9);
    assert_int_equal(r.form, VISOR_CMDMON_FORM_MANUAL_TIMESTAMP2);
    assert_true(r.manual_timestamp.offset == -0.25);
    assert_true(r.manual_timestamp.frequency_change_ppm == 1.0);
    assert_true(r.manual_timestamp.frequency_ppm == -3.0);
    host.answer.answer = VISOR_ANSWER_NOT_ENABLED;
    assert_int_equal(ask(request).status, VISOR_CMDMON_NOT_ENABLED);
}

/* Whatever the engine answers to a command reaches chronyc. */
static void test_commands__answers_come_back(void **state)
{
    static const struct {
        uint16_t command;
        enum visor_command_kind kind;
    } commands[] = {
        {VISOR_CMDMON_ONLINE, VISOR_COMMAND_ONLINE},
        {VISOR_CMDMON_OFFLINE, VISOR_COMMAND_OFFLINE},
        {VISOR_CMDMON_BURST, VISOR_COMMAND_BURST},
        {VISOR_CMDMON_MODIFY_MINPOLL, VISOR_COMMAND_MINPOLL},
        {VISOR_CMDMON_MODIFY_MAXPOLL, VISOR_COMMAND_MAXPOLL},
        {VISOR_CMDMON_MODIFY_MAXDELAY, VISOR_COMMAND_MAXDELAY},
        {VISOR_CMDMON_MODIFY_MAXDELAYRATIO, VISOR_COMMAND_MAXDELAYRATIO},
        {VISOR_CMDMON_MODIFY_MAXDELAYDEVRATIO, VISOR_COMMAND_MAXDELAYDEVRATIO},
        {VISOR_CMDMON_MODIFY_MINSTRATUM, VISOR_COMMAND_MINSTRATUM},
        {VISOR_CMDMON_MODIFY_POLLTARGET, VISOR_COMMAND_POLLTARGET},
        {VISOR_CMDMON_MODIFY_SELECTOPTS, VISOR_COMMAND_SELECT_OPTIONS},
        {VISOR_CMDMON_MODIFY_OFFSET, VISOR_COMMAND_OFFSET},
        {VISOR_CMDMON_DEL_SOURCE, VISOR_COMMAND_DELETE},
        {VISOR_CMDMON_MODIFY_MAXUPDATESKEW, VISOR_COMMAND_MAX_UPDATE_SKEW},
        {VISOR_CMDMON_MODIFY_MAKESTEP, VISOR_COMMAND_MAKESTEP_POLICY},
        {VISOR_CMDMON_MAKESTEP, VISOR_COMMAND_MAKESTEP},
        {VISOR_CMDMON_SETTIME, VISOR_COMMAND_SETTIME},
        {VISOR_CMDMON_MANUAL, VISOR_COMMAND_MANUAL},
        {VISOR_CMDMON_MANUAL_DELETE, VISOR_COMMAND_MANUAL_DELETE},
        {VISOR_CMDMON_LOCAL2, VISOR_COMMAND_LOCAL},
        {VISOR_CMDMON_LOCAL3, VISOR_COMMAND_LOCAL},
        {VISOR_CMDMON_DFREQ, VISOR_COMMAND_DFREQ},
        {VISOR_CMDMON_DOFFSET2, VISOR_COMMAND_DOFFSET},
        {VISOR_CMDMON_RESELECT, VISOR_COMMAND_RESELECT},
        {VISOR_CMDMON_RESELECTDISTANCE, VISOR_COMMAND_RESELECT_DISTANCE},
        {VISOR_CMDMON_SMOOTHTIME, VISOR_COMMAND_SMOOTHTIME},
        {VISOR_CMDMON_REFRESH, VISOR_COMMAND_REFRESH},
        {VISOR_CMDMON_RESET_SOURCES, VISOR_COMMAND_RESET_SOURCES},
    };

    (void)state;
    host.answer.answer = VISOR_ANSWER_TOO_MANY;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct visor_cmdmon_request request = {.command = commands[i].command};

        if (request.command >= VISOR_CMDMON_MODIFY_SELECTOPTS &&
            request.command <= VISOR_CMDMON_MODIFY_OFFSET)
            request.select.address = address_of("192.0.2.1");
        else if (request.command == VISOR_CMDMON_DEL_SOURCE ||
                 (request.command >= VISOR_CMDMON_MODIFY_MINPOLL &&
                  request.command <= VISOR_CMDMON_MODIFY_MAXDELAYRATIO &&
                  request.command != VISOR_CMDMON_DUMP) ||
                 (request.command >= VISOR_CMDMON_MODIFY_MINSTRATUM &&
                  request.command <= VISOR_CMDMON_MODIFY_MAXDELAYDEVRATIO))
            request.modify.address = address_of("192.0.2.1");
        assert_int_equal(ask(request).status, VISOR_CMDMON_TOO_MANY_SOURCES);
        assert_int_equal(host.command.kind, commands[i].kind);
        assert_int_equal(host.commands, i + 1);
    }
}

static void test_commands__options_with_limits(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_MANUAL, .integer = 2};

    (void)state;
    ask(request);
    assert_true(host.command.kind == VISOR_COMMAND_MANUAL && host.command.number[0] == 2.0);
    request.integer = 3;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID);
    request.integer = -1;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_SMOOTHTIME, .integer = 1};
    ask(request);
    assert_true(host.command.kind == VISOR_COMMAND_SMOOTHTIME && host.command.number[0] == 1.0);
    request.integer = 2;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID);
    request.integer = -1;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID);
    assert_int_equal(host.commands, 2);
}

static void test_commands__local(void **state)
{
    static const double on[] = {1.0, 5.0, 0.5, 1.0, 2.0, 4.0, 8.0};
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_LOCAL3,
                                           .local = {.on = 1,
                                                     .stratum = 5,
                                                     .orphan = 1,
                                                     .distance = 0.5,
                                                     .activate = 2.0,
                                                     .wait_synced = 4.0,
                                                     .wait_unsynced = 8.0}};

    (void)state;
    ask(request);
    assert_memory_equal(host.command.number, on, sizeof on);
    request.local.on = request.local.orphan = 0;
    ask(request);
    assert_true(host.command.number[0] == 0.0 && host.command.number[3] == 0.0);
}

static void test_auth_data(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_AUTH_DATA,
                                           .address = address_of("192.0.2.1")};
    struct visor_cmdmon_reply r = ask(request);

    (void)state;
    assert_int_equal(r.auth_data.mode, VISOR_CMDMON_AUTH_NONE);
    assert_true(r.auth_data.last_ke_age == UINT32_MAX);
    request.address = address_of("192.0.2.4");
    r = ask(request);
    assert_int_equal(r.auth_data.mode, VISOR_CMDMON_AUTH_SYMMETRIC);
    assert_int_equal(r.auth_data.key, 10);
    r = ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_N_SOURCES});
    assert_int_equal(r.sources, 7);
}

static void test_commands__add_source(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_ADD_SOURCE,
                                           .source = {.type = VISOR_CMDMON_POOL,
                                                      .name = "pool.example",
                                                      .port = 1123,
                                                      .minpoll = -100,
                                                      .maxpoll = 30,
                                                      .presend_minpoll = 100,
                                                      .max_sources = 3,
                                                      .poll_target = 8,
                                                      .min_samples = -1,
                                                      .max_samples = -1,
                                                      .max_delay = 3.0,
                                                      .flags = VISOR_CMDMON_FLAG_IBURST |
                                                               VISOR_CMDMON_FLAG_TRUST |
                                                               VISOR_CMDMON_FLAG_IPV6}};

    (void)state;
    assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
    assert_int_equal(host.command.kind, VISOR_COMMAND_ADD);
    assert_int_equal(host.source.kind, VISOR_SOURCE_POOL);
    assert_string_equal(host.source.name, "pool.example");
    assert_int_equal(host.source.port, 1123);
    assert_int_equal(host.source.minpoll, 6);
    assert_int_equal(host.source.maxpoll, 24);
    assert_int_equal(host.source.max_sources, 3);
    assert_int_equal(host.source.max_unreach, 100000);
    assert_int_equal(host.source.family, VISOR_FAMILY_IPV6);
    assert_int_equal(host.source.select_options, VISOR_SELECT_TRUST);
    assert_true(host.source.iburst && host.source.offline && !host.source.burst);
}

static void test_commands__add_source_with_all_options(void **state)
{
    struct visor_cmdmon_request request = {
        .command = VISOR_CMDMON_ADD_SOURCE,
        .source = {.type = VISOR_CMDMON_PEER,
                   .name = "a",
                   .port = 123,
                   .minpoll = 5,
                   .maxpoll = 4,
                   .presend_minpoll = 9,
                   .min_stratum = 2,
                   .poll_target = 12,
                   .version = 3,
                   .max_sources = 1,
                   .min_samples = 7,
                   .max_samples = 33,
                   .authkey = 77,
                   .nts_port = 4461,
                   .max_delay = 0.5,
                   .max_delay_ratio = 1.5,
                   .max_delay_dev_ratio = 2.5,
                   .min_delay = 0.125,
                   .asymmetry = 0.25,
                   .offset = -0.75,
                   .filter_length = 5,
                   .cert_set = 6,
                   .max_delay_quant = 0.0625,
                   .max_unreach = 44,
                   .flags = VISOR_CMDMON_FLAG_ONLINE | VISOR_CMDMON_FLAG_AUTOOFFLINE |
                            VISOR_CMDMON_FLAG_BURST | VISOR_CMDMON_FLAG_INTERLEAVED |
                            VISOR_CMDMON_FLAG_COPY}};

    (void)state;
    assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
    assert_int_equal(host.source.kind, VISOR_SOURCE_PEER);
    assert_true(host.source.minpoll == 5 && host.source.maxpoll == 5 && host.source.presend == 9);
    assert_true(host.source.min_stratum == 2 && host.source.poll_target == 12);
    assert_true(host.source.version == 3 && host.source.key == 77 && host.source.certset == 6);
    assert_true(host.source.min_samples == 7 && host.source.max_samples == 33);
    assert_true(host.source.ntsport == 4461 && host.source.max_unreach == 44);
    assert_true(host.source.max_delay == 0.5 && host.source.max_delay_ratio == 1.5);
    assert_true(host.source.max_delay_dev_ratio == 2.5 && host.source.max_delay_quant == 0.0625);
    assert_true(host.source.min_delay == 0.125 && host.source.asymmetry == 0.25);
    assert_true(host.source.offset == -0.75 && host.source.filter_length == 5);
    assert_true(host.source.auto_offline && host.source.burst && host.source.xleave);
    assert_true(host.source.copy && !host.source.offline && !host.source.iburst);
}

static void test_commands__add_source_refused(void **state)
{
    struct visor_cmdmon_request request = {.command = VISOR_CMDMON_ADD_SOURCE,
                                           .source = {.type = VISOR_CMDMON_PEER,
                                                      .name = "a",
                                                      .port = 123,
                                                      .flags = VISOR_CMDMON_FLAG_ONLINE}};

    (void)state;
    host.answer.answer = VISOR_ANSWER_EXISTS;
    assert_int_equal(ask(request).status, VISOR_CMDMON_SOURCE_ALREADY_KNOWN);
    host.commands = 0;
    strcpy(request.source.name, "two words");
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID_NAME);
    memset(request.source.name, 'x', sizeof request.source.name);
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID_NAME);
    memset(request.source.name, 0, sizeof request.source.name);
    strcpy(request.source.name, "::1");
    request.source.flags |= VISOR_CMDMON_FLAG_IPV4;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID_FAMILY);
    strcpy(request.source.name, "a");
    request.source.type = 4;
    assert_int_equal(ask(request).status, VISOR_CMDMON_INVALID);
    assert_int_equal(host.commands, 0);
}

static void test_commands__options_of_a_reference_clock(void **state)
{
    struct visor_cmdmon_request request = {
        .command = VISOR_CMDMON_MODIFY_SELECTOPTS,
        .select = {.refid = 0x50505330,
                   .mask = VISOR_CMDMON_OPTION_PREFER | VISOR_CMDMON_OPTION_NOSELECT,
                   .options = VISOR_CMDMON_FLAG_PREFER}};

    (void)state;
    ask(request);
    assert_int_equal(host.command.kind, VISOR_COMMAND_SELECT_OPTIONS);
    assert_string_equal(host.command.refid, "PPS0");
    assert_true(host.command.number[0] == VISOR_SELECT_PREFER);
    assert_true(host.command.number[1] == (VISOR_SELECT_PREFER | VISOR_SELECT_NOSELECT));
    request.command = VISOR_CMDMON_MODIFY_OFFSET;
    request.select.offset = 0.125;
    ask(request);
    assert_int_equal(host.command.kind, VISOR_COMMAND_OFFSET);
    assert_true(host.command.number[0] == 0.125);
}

static void test_commands__onoffline_asks_the_route(void **state)
{
    (void)state;
    ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_ONOFFLINE});
    assert_int_equal(host.commands, 5); /* all but the unresolved one and the reference clock */
    assert_int_equal(host.command.kind, VISOR_COMMAND_OFFLINE);
    host.routed = true;
    host.commands = 0;
    host.status->sources[1].online = false;
    ask((struct visor_cmdmon_request){.command = VISOR_CMDMON_ONOFFLINE});
    assert_int_equal(host.commands, 1);
    assert_int_equal(host.command.kind, VISOR_COMMAND_ONLINE);
    assert_true(visor_address_same(&host.command.match.address, &host.status->sources[1].address));
}

static void test_access_rules(void **state)
{
    static const struct {
        uint16_t command;
        enum visor_chronyc_table table;
        bool allow, all;
    } rules[] = {
        {VISOR_CMDMON_ALLOW, VISOR_CHRONYC_NTP, true, false},
        {VISOR_CMDMON_ALLOWALL, VISOR_CHRONYC_NTP, true, true},
        {VISOR_CMDMON_DENY, VISOR_CHRONYC_NTP, false, false},
        {VISOR_CMDMON_DENYALL, VISOR_CHRONYC_NTP, false, true},
        {VISOR_CMDMON_CMDALLOW, VISOR_CHRONYC_COMMAND, true, false},
        {VISOR_CMDMON_CMDALLOWALL, VISOR_CHRONYC_COMMAND, true, true},
        {VISOR_CMDMON_CMDDENY, VISOR_CHRONYC_COMMAND, false, false},
        {VISOR_CMDMON_CMDDENYALL, VISOR_CHRONYC_COMMAND, false, true},
    };
    struct visor_cmdmon_request request = {
        .access = {.subnet = address_of("10.1.0.0"), .bits = 16}};

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        request.command = rules[i].command;
        assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
        assert_int_equal(host.table, rules[i].table);
        assert_int_equal(host.rule.allow, rules[i].allow);
        assert_int_equal(host.rule.all, rules[i].all);
        assert_int_equal(host.rule.prefix, 16);
        assert_int_equal(host.rules, i + 1);
    }
    request.access.bits = 33;
    assert_int_equal(ask(request).status, VISOR_CMDMON_BAD_SUBNET);
    request.access.bits = -1;
    assert_int_equal(ask(request).status, VISOR_CMDMON_BAD_SUBNET);
    request.access = (struct visor_cmdmon_access){.bits = 1};
    assert_int_equal(ask(request).status, VISOR_CMDMON_BAD_SUBNET);
    request.access.bits = 0;
    assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
    assert_int_equal(host.rule.subnet.family, VISOR_FAMILY_NONE);
    request = (struct visor_cmdmon_request){.command = VISOR_CMDMON_ACCHECK,
                                            .address = address_of("10.1.2.3")};
    assert_int_equal(ask(request).status, VISOR_CMDMON_ACCESS_DENIED);
    assert_int_equal(host.table, VISOR_CHRONYC_NTP);
    host.allowed = true;
    request.command = VISOR_CMDMON_CMDACCHECK;
    assert_int_equal(ask(request).status, VISOR_CMDMON_ACCESS_ALLOWED);
    assert_int_equal(host.table, VISOR_CHRONYC_COMMAND);
}

static void test_acts_of_the_daemon(void **state)
{
    static const struct {
        uint16_t command;
        enum visor_chronyc_act act;
    } acts[] = {
        {VISOR_CMDMON_DUMP, VISOR_CHRONYC_DUMP},
        {VISOR_CMDMON_CYCLELOGS, VISOR_CHRONYC_CYCLELOGS},
        {VISOR_CMDMON_REKEY, VISOR_CHRONYC_REKEY},
        {VISOR_CMDMON_RELOAD_SOURCES, VISOR_CHRONYC_RELOAD},
        {VISOR_CMDMON_SHUTDOWN, VISOR_CHRONYC_SHUTDOWN},
        {VISOR_CMDMON_TRIMRTC, VISOR_CHRONYC_TRIM_RTC},
        {VISOR_CMDMON_WRITERTC, VISOR_CHRONYC_WRITE_RTC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        struct visor_cmdmon_request request = {.command = acts[i].command};

        assert_int_equal(ask(request).status, VISOR_CMDMON_SUCCESS);
        assert_int_equal(host.act, acts[i].act);
    }
    assert_int_equal(host.commands, 0);
}

/* No command is lost between the tables: each request that can be read gets an answer. */
static void test_handle__answers_every_command(void **state)
{
    unsigned int known = 0;

    (void)state;
    for (uint16_t command = 0; command < 80; command++) {
        struct visor_cmdmon_request request = {.command = command};
        uint8_t question[VISOR_CMDMON_MESSAGE_MAX];

        if (visor_cmdmon_write_request(&request, 0, question, sizeof question) == 0)
            continue;
        known++;
        ask(request);
    }
    assert_int_equal(known, 61);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handle__unix_may_all_and_loopback_what_is_open),
        TEST(test_handle__others_get_nothing_unless_allowed),
        TEST(test_handle__refusals_are_answered),
        TEST(test_tracking__signs),
        TEST(test_source_data__states_modes_and_signs),
        TEST(test_sourcestats),
        TEST(test_ntp_data__counters),
        TEST(test_select_data__interval_turned),
        TEST(test_reports__by_address_or_id),
        TEST(test_clients__pages),
        TEST(test_reports__what_is_not_there),
        TEST(test_commands__to_the_engine),
        TEST(test_commands__subnets_and_sources),
        TEST(test_commands__signs),
        TEST(test_commands__answers_come_back),
        TEST(test_commands__options_with_limits),
        TEST(test_commands__local),
        TEST(test_auth_data),
        TEST(test_commands__add_source),
        TEST(test_commands__add_source_with_all_options),
        TEST(test_commands__add_source_refused),
        TEST(test_commands__options_of_a_reference_clock),
        TEST(test_commands__onoffline_asks_the_route),
        TEST(test_access_rules),
        TEST(test_acts_of_the_daemon),
        TEST(test_handle__answers_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
