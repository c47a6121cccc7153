/* Records: every event survives, digests see every field that matters, nonsense is refused. */
#include "engine/engine.h"
#include "engine/recording.h"
#include "engine/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t packet_bytes[48] = {0x24, 1, 6, 0xe9, 9, 9};

static const struct visor_address peer = {
    .bytes = {192, 0, 2, 7}, .port = 123, .family = VISOR_FAMILY_IPV4};

static struct visor_stamp stamp_at(int64_t ns)
{
    return (struct visor_stamp){.raw = {ns}, .error_ns = 250, .by = VISOR_STAMPER_KERNEL};
}

static struct visor_event event_of(enum visor_event_kind kind)
{
    return (struct visor_event){.kind = kind,
                                .now = {.raw = {-5},
                                        .real = {INT64_C(1790000000123456789)},
                                        .width_ns = 77,
                                        .frequency_ppb = -12345.678}};
}

/* Written, read, and written again: the bytes must be the same. */
static void check_round_trip(const struct visor_event *event,
                             const struct visor_recording_config *config,
                             struct visor_recording_entry *entry)
{
    static uint8_t first[VISOR_RECORDING_ENTRY_MAX], second[VISOR_RECORDING_ENTRY_MAX];
    struct visor_writer writer = visor_writer_over(first, sizeof(first));
    struct visor_reader reader;
    size_t size;

    visor_recording_write_event(&writer, event, config, 0x1122334455667788);
    assert_false(writer.failed);
    size = writer.at;
    reader = visor_reader_over(first, size);
    memset(entry, 0xa5, sizeof(*entry));
    assert_int_equal(visor_recording_read_event(&reader, entry), VISOR_RECORDING_OK);
    assert_int_equal(reader.at, size);
    assert_int_equal(entry->event.kind, event->kind);
    assert_int_equal(entry->digest, 0x1122334455667788);
    writer = visor_writer_over(second, sizeof(second));
    visor_recording_write_event(&writer, &entry->event, config ? &entry->config : NULL,
                                entry->digest);
    assert_int_equal(writer.at, size);
    assert_memory_equal(first, second, size);
    assert_int_equal(visor_recording_read_event(&reader, entry), VISOR_RECORDING_END);
}

static struct visor_recording_entry entry;

static void test_event__reading_and_packet(void **state)
{
    struct visor_event event = event_of(VISOR_EVENT_PACKET);

    (void)state;
    event.packet = (struct visor_event_packet){.source = 3,
                                               .peer = peer,
                                               .received = stamp_at(1234567890123),
                                               .auth = VISOR_AUTH_VALID,
                                               .key = 9,
                                               .data = packet_bytes,
                                               .size = sizeof(packet_bytes)};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.now.raw.ns, -5);
    assert_int_equal(entry.event.now.real.ns, INT64_C(1790000000123456789));
    assert_true(entry.event.now.frequency_ppb == -12345.678);
    assert_int_equal(entry.event.packet.source, 3);
    assert_true(visor_address_same(&entry.event.packet.peer, &peer));
    assert_int_equal(entry.event.packet.peer.port, 123);
    assert_int_equal(entry.event.packet.received.raw.ns, 1234567890123);
    assert_int_equal(entry.event.packet.received.by, VISOR_STAMPER_KERNEL);
    assert_int_equal(entry.event.packet.key, 9);
    assert_int_equal(entry.event.packet.size, sizeof(packet_bytes));
    assert_memory_equal(entry.event.packet.data, packet_bytes, sizeof(packet_bytes));
}

static void test_event__start_sent_and_applied(void **state)
{
    struct visor_event event = event_of(VISOR_EVENT_START);

    (void)state;
    event.start = (struct visor_event_start){true, 12.5, 0.25, true, 1e-7};
    check_round_trip(&event, NULL, &entry);
    assert_true(entry.event.start.drift_known && entry.event.start.clock_settable);
    assert_true(entry.event.start.precision_s == 1e-7);
    assert_true(entry.event.start.drift_ppm == 12.5 && entry.event.start.skew_ppm == 0.25);

    event = event_of(VISOR_EVENT_SENT);
    event.sent = (struct visor_event_sent){4, 77, stamp_at(99), 113};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.sent.token, 77);
    assert_int_equal(entry.event.sent.error, 113);
    assert_int_equal(entry.event.sent.sent.error_ns, 250);

    event = event_of(VISOR_EVENT_APPLIED);
    event.applied = (struct visor_event_applied){
        .action = VISOR_CLOCK_STEP, .error = 1, .frequency_ppb = 5.5, .stepped_ns = -1000000007};
    event.applied.after = event.now;
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.applied.stepped_ns, -1000000007);
    assert_int_equal(entry.event.applied.after.width_ns, 77);
}

static void test_event__refclock_witness_and_resolved(void **state)
{
    struct visor_event event = event_of(VISOR_EVENT_REFCLOCK);

    (void)state;
    event.refclock = (struct visor_event_refclock){.refclock = 2,
                                                   .kind = VISOR_REFCLOCK_PULSE,
                                                   .stamp = stamp_at(5),
                                                   .reference = {42},
                                                   .dispersion_s = 1e-9,
                                                   .leap = VISOR_LEAP_HINT_DELETE,
                                                   .error = 19};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.refclock.kind, VISOR_REFCLOCK_PULSE);
    assert_int_equal(entry.event.refclock.leap, VISOR_LEAP_HINT_DELETE);
    assert_true(entry.event.refclock.dispersion_s == 1e-9);

    event = event_of(VISOR_EVENT_WITNESS);
    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_STEAL,
                                                 .stamp = stamp_at(6),
                                                 .earliest = {1},
                                                 .latest = {2},
                                                 .marker = UINT64_MAX,
                                                 .amount_ns = INT64_MIN,
                                                 .independent = true};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.witness.marker, UINT64_MAX);
    assert_int_equal(entry.event.witness.amount_ns, INT64_MIN);
    assert_int_equal(entry.event.witness.latest.ns, 2);

    event = event_of(VISOR_EVENT_RESOLVED);
    event.resolved.query = 8;
    event.resolved.count = VISOR_RESOLVE_MAX;
    for (size_t i = 0; i < VISOR_RESOLVE_MAX; i++)
        event.resolved.addresses[i] = peer;
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.resolved.count, VISOR_RESOLVE_MAX);
    assert_true(visor_address_same(&entry.event.resolved.addresses[15], &peer));
}

static void test_event__command_that_adds_a_source(void **state)
{
    struct visor_event event = event_of(VISOR_EVENT_COMMAND);
    struct visor_source_config source;

    (void)state;
    visor_source_config_init(&source);
    strcpy(source.name, "time.example");
    source.max_delay_quant = 0.1;
    source.maxpoll = -3;
    event.command = (struct visor_event_command){
        .kind = VISOR_COMMAND_ADD, .token = 6, .number = {1, 2, 3, -4.5}, .source = &source};
    strcpy(event.command.refid, "GPS");
    event.command.match.id = 77;
    check_round_trip(&event, NULL, &entry);
    assert_ptr_equal(entry.event.command.source, &entry.source);
    assert_string_equal(entry.source.name, "time.example");
    assert_int_equal(entry.source.maxpoll, -3);
    assert_true(entry.source.max_delay_quant == 0.1);
    assert_string_equal(entry.event.command.refid, "GPS");
    assert_true(entry.event.command.number[3] == -4.5);
    assert_int_equal(entry.event.command.match.id, 77);
    event.command.source = NULL;
    check_round_trip(&event, NULL, &entry);
    assert_null(entry.event.command.source);
}

static void test_event__restored_samples_and_rate(void **state)
{
    static const struct visor_sample samples[] = {
        {.at = {1}, .reference = {2}, .delay_s = 1e-3, .stratum = 1},
        {.at = {3}, .reference = {4}, .root_dispersion_s = 0.5, .leap = VISOR_LEAP_DELETE}};
    struct visor_event event = event_of(VISOR_EVENT_RESTORE);

    (void)state;
    event.restore = (struct visor_event_restore){
        .source = 2, .reach = 3, .reach_size = 2, .count = 2, .samples = samples};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.restore.count, 2);
    assert_ptr_equal(entry.event.restore.samples, entry.samples);
    assert_int_equal(entry.samples[1].reference.ns, 4);
    assert_true(entry.samples[0].delay_s == 1e-3);
    assert_int_equal(entry.samples[1].leap, VISOR_LEAP_DELETE);

    event = event_of(VISOR_EVENT_RATE);
    event.rate.change_ppb = -183.0;
    check_round_trip(&event, NULL, &entry);
    assert_true(entry.event.rate.change_ppb == -183.0);

    event = event_of(VISOR_EVENT_CHRONYD);
    event.chronyd = (struct visor_event_chronyd){.token = 9,
                                                 .error = 111,
                                                 .status = VISOR_CMDMON_INVALID,
                                                 .correction_s = -60.25,
                                                 .leap = VISOR_LEAP_UNSYNCHRONIZED,
                                                 .count = 3,
                                                 .client = true,
                                                 .port = 123};
    check_round_trip(&event, NULL, &entry);
    assert_int_equal(entry.event.chronyd.token, 9);
    assert_int_equal(entry.event.chronyd.status, VISOR_CMDMON_INVALID);
    assert_true(entry.event.chronyd.correction_s == -60.25);
    assert_true(entry.event.chronyd.client && !entry.event.chronyd.authenticated);
}

static void test_event__configuration_with_its_supplement(void **state)
{
    static const struct visor_leap_entry leaps[] = {{78796800, 11}, {1483228800, 37}};
    struct visor_recording_config config = {.text = "server a\n",
                                            .size = 9,
                                            .mode = VISOR_MODE_OBSERVE,
                                            .clock_precision = 1e-7,
                                            .leaps = leaps,
                                            .leap_count = 2};
    struct visor_event event = event_of(VISOR_EVENT_CONFIG);

    (void)state;
    check_round_trip(&event, &config, &entry);
    assert_int_equal(entry.config.leap_count, 2);
    assert_int_equal(entry.config.leaps[1].tai_offset_s, 37);
    assert_memory_equal(entry.config.text, "server a\n", 9);
    assert_int_equal(entry.config.mode, VISOR_MODE_OBSERVE);
}

static void test_event__cut_and_malformed(void **state)
{
    uint8_t bytes[256];
    struct visor_writer writer = visor_writer_over(bytes, sizeof(bytes));
    struct visor_event event = event_of(VISOR_EVENT_START);
    struct visor_reader reader;

    (void)state;
    visor_recording_write_event(&writer, &event, NULL, 1);
    for (size_t size = 1; size < writer.at; size++) {
        reader = visor_reader_over(bytes, size);
        assert_int_equal(visor_recording_read_event(&reader, &entry), VISOR_RECORDING_CUT);
    }
    bytes[4] = 200; /* no such event */
    reader = visor_reader_over(bytes, writer.at);
    assert_int_equal(visor_recording_read_event(&reader, &entry), VISOR_RECORDING_MALFORMED);
    bytes[4] = VISOR_EVENT_STOP; /* shorter than it says */
    reader = visor_reader_over(bytes, writer.at);
    assert_int_equal(visor_recording_read_event(&reader, &entry), VISOR_RECORDING_MALFORMED);
}

static void test_event__no_room_marks_the_writer(void **state)
{
    uint8_t bytes[40];
    struct visor_writer writer = visor_writer_over(bytes, sizeof(bytes));
    struct visor_event event = event_of(VISOR_EVENT_TIMER);

    (void)state;
    visor_recording_write_event(&writer, &event, NULL, 1);
    assert_true(writer.failed);
}

static uint64_t digest_of(const struct visor_action *action)
{
    return visor_recording_digest(visor_recording_digest_begin(), action);
}

static void test_digest__sees_changes(void **state)
{
    struct visor_action action = {.kind = VISOR_ACTION_SEND}, other;

    (void)state;
    action.send.size = 48;
    other = action;
    assert_int_equal(digest_of(&action), digest_of(&other));
    other.send.data[47] = 1;
    assert_true(digest_of(&action) != digest_of(&other));
    other.send.data[47] = 0;
    other.send.data[48] = 1; /* beyond the packet */
    assert_int_equal(digest_of(&action), digest_of(&other));

    action = (struct visor_action){.kind = VISOR_ACTION_PUBLISH};
    other = action;
    other.view.rate_ppb = -0.0;
    assert_true(digest_of(&action) != digest_of(&other));
    other = action;
    other.view.smoothing.wander = 1e-300;
    assert_true(digest_of(&action) != digest_of(&other));
    other = (struct visor_action){.kind = VISOR_ACTION_CLOSE};
    assert_true(digest_of(&action) != digest_of(&other));
}

static struct visor_config *parse(const char *text, size_t size)
{
    return size == 4 && memcmp(text, "good", 4) == 0 ? visor_config_new() : NULL;
}

/* A record of an engine's start and stop as an adapter would write it. `wrong`: to its digests. */
static size_t record(uint8_t *bytes, size_t size, const char *text, uint64_t wrong)
{
    struct visor_recording_header header = {
        .seed = {1, 2, 3, 4},
        .config = {.text = text, .size = strlen(text), .clock_precision = 1e-7}};
    struct visor_writer writer = visor_writer_over(bytes, size);
    struct visor_config *config = visor_config_new();
    struct visor_engine *engine;
    static const enum visor_event_kind kinds[] = {VISOR_EVENT_START, VISOR_EVENT_TIMER,
                                                  VISOR_EVENT_STOP};

    config->clock_precision = 1e-7;
    engine = visor_engine_new(config, header.seed);
    visor_recording_write_header(&writer, &header);
    for (size_t i = 0; i < 3; i++) {
        struct visor_event event = event_of(kinds[i]);
        uint64_t digest = visor_recording_digest_begin() + (i == 1 ? wrong : 0);
        struct visor_action action;

        visor_engine_handle(engine, &event);
        while (visor_engine_next(engine, &action))
            digest = visor_recording_digest(digest, &action);
        visor_recording_write_event(&writer, &event, NULL, digest);
    }
    visor_engine_free(engine);
    visor_config_free(config);
    assert_false(writer.failed);
    return writer.at;
}

static void test_replay__finds_the_first_difference(void **state)
{
    static uint8_t bytes[4096];
    struct visor_replay_result result;
    size_t size = record(bytes, sizeof(bytes), "good", 0);

    (void)state;
    visor_replay(bytes, size, parse, &result);
    assert_int_equal(result.verdict, VISOR_RECORDING_END);
    assert_int_equal(result.events, 3);
    assert_int_equal(result.different, 0);
    size = record(bytes, sizeof(bytes), "good", 1);
    visor_replay(bytes, size, parse, &result);
    assert_int_equal(result.different, 1);
    assert_int_equal(result.first_index, 1);
    assert_int_equal(result.first_kind, VISOR_EVENT_TIMER);
}

static void test_replay__refuses_what_is_no_record(void **state)
{
    static uint8_t bytes[4096];
    struct visor_replay_result result;
    size_t size = record(bytes, sizeof(bytes), "bad", 0);

    (void)state;
    visor_replay(bytes, size, parse, &result);
    assert_true(result.config_refused);
    size = record(bytes, sizeof(bytes), "good", 0);
    visor_replay(bytes, size - 1, parse, &result);
    assert_int_equal(result.verdict, VISOR_RECORDING_CUT);
    assert_int_equal(result.events, 2);
    bytes[7]++;
    visor_replay(bytes, size, parse, &result);
    assert_int_equal(result.verdict, VISOR_RECORDING_VERSION_UNKNOWN);
    visor_replay((const uint8_t *)"\x7f\x45LF", 4, parse, &result);
    assert_int_equal(result.verdict, VISOR_RECORDING_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event__reading_and_packet),
        cmocka_unit_test(test_event__start_sent_and_applied),
        cmocka_unit_test(test_event__refclock_witness_and_resolved),
        cmocka_unit_test(test_event__command_that_adds_a_source),
        cmocka_unit_test(test_event__restored_samples_and_rate),
        cmocka_unit_test(test_event__configuration_with_its_supplement),
        cmocka_unit_test(test_event__cut_and_malformed),
        cmocka_unit_test(test_event__no_room_marks_the_writer),
        cmocka_unit_test(test_digest__sees_changes),
        cmocka_unit_test(test_replay__finds_the_first_difference),
        cmocka_unit_test(test_replay__refuses_what_is_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
