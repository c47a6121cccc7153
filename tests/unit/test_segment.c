#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wire/segment.h"
#include "wire/vmclock.h"

#include <endian.h>
#include <stdlib.h>

static const uint64_t boot[2] = {0x1122334455667788, 0x99aabbccddeeff00};

struct page {
    _Alignas(64) char bytes[VISOR_SEGMENT_SIZE];
};

static struct visor_segment *segment_in(struct page *page)
{
    return (struct visor_segment *)page->bytes;
}

static struct visor_segment *empty(struct page *page)
{
    visor_segment_init(segment_in(page), boot, "/dev/vmclock0");
    return segment_in(page);
}

/* Every field tells `number`, so that parts of two are seen not to belong together. */
static struct visor_segment_snapshot numbered(int64_t number)
{
    return (struct visor_segment_snapshot){
        .trust = VISOR_TRUST_SYNCHRONIZED,
        .leap = VISOR_LEAP_INSERT,
        .marked = true,
        .tai_offset_s = (int16_t)(number % 1000 - 500),
        .raw = {number},
        .utc = {number * 3},
        .rate_ppb = (double)(number % 100000),
        .bound_ns = number,
        .growth_ppb = (double)number,
        .until = {number + 1},
        .tsc = (uint64_t)number + 2,
        .period = (uint64_t)number + 3,
        .tsc_ns = number + 4,
        .tsc_ppb = (double)number + 5,
        .epoch = (uint64_t)number + 6,
        .marker = (uint64_t)number + 7,
        .blind_ns = number + 8,
        .since = {number + 9},
        .checked = {number + 10},
        .published = {number + 11},
    };
}

static bool is_numbered(const struct visor_segment_snapshot *s)
{
    struct visor_segment_snapshot wanted = numbered(s->raw.ns);

    return s->trust == wanted.trust && s->leap == wanted.leap && s->marked &&
           s->tai_offset_s == wanted.tai_offset_s && s->utc.ns == wanted.utc.ns &&
           s->rate_ppb == wanted.rate_ppb && s->bound_ns == wanted.bound_ns &&
           s->growth_ppb == wanted.growth_ppb && s->until.ns == wanted.until.ns &&
           s->tsc == wanted.tsc && s->period == wanted.period && s->tsc_ns == wanted.tsc_ns &&
           s->tsc_ppb == wanted.tsc_ppb && s->epoch == wanted.epoch && s->marker == wanted.marker &&
           s->blind_ns == wanted.blind_ns && s->since.ns == wanted.since.ns &&
           s->checked.ns == wanted.checked.ns && s->published.ns == wanted.published.ns;
}

static int64_t number_in(struct visor_segment *segment)
{
    struct visor_segment_snapshot got;
    uint64_t sequence;

    assert_int_equal(visor_segment_read(segment, &got, &sequence), VISOR_SEGMENT_OK);
    assert_true(is_numbered(&got));
    assert_true(visor_segment_current(segment, sequence));
    return got.raw.ns;
}

static void publish(struct visor_segment *segment, int64_t number)
{
    struct visor_segment_snapshot snapshot = numbered(number);

    visor_segment_write(segment, &snapshot);
}

static void test_read__gives_what_was_written(void **state)
{
    struct page page;
    struct visor_segment *segment = empty(&page);
    struct visor_segment_snapshot got;
    uint64_t sequence;

    (void)state;
    assert_int_equal(visor_segment_check(segment, VISOR_SEGMENT_SIZE), VISOR_SEGMENT_OK);
    assert_string_equal(segment->device, "/dev/vmclock0");
    assert_int_equal(visor_segment_read(segment, &got, &sequence), VISOR_SEGMENT_EMPTY);
    for (int64_t i = 1; i < 10; i++) {
        publish(segment, 1000 + i);
        assert_int_equal(number_in(segment), 1000 + i);
    }
}

/* Whatever word the writer was killed at: the older publication stays, and the next one is whole.
 */
static void test_read__after_a_writer_was_killed(void **state)
{
    struct page before, after, between;

    (void)state;
    for (int64_t last = 1; last <= 2; last++) {
        publish(empty(&before), 1000);
        if (last == 2)
            publish(segment_in(&before), 1001);
        after = before;
        publish(segment_in(&after), 2000);
        /* the order of stores: the slot's generation, its words, its generation, the sequence */
        for (size_t words = 0; words < VISOR_SEGMENT_WORDS; words++) {
            size_t slot = segment_in(&after)->sequence & 1;
            uint64_t *torn = segment_in(&between)->slots[slot];

            between = before;
            memcpy(torn, segment_in(&after)->slots[slot], words * 8);
            torn[0] = 2 * segment_in(&after)->sequence - 1;
            assert_int_equal(number_in(segment_in(&between)), 999 + last);
            publish(segment_in(&between), 3000);
            assert_int_equal(number_in(segment_in(&between)), 3000);
        }
        between = after;
        segment_in(&between)->sequence--;
        assert_int_equal(number_in(segment_in(&between)), 999 + last);
    }
}

static void test_read__gives_up_where_the_slot_stays_odd(void **state)
{
    struct page page;
    struct visor_segment_snapshot got;
    uint64_t sequence;

    (void)state;
    publish(empty(&page), 5);
    segment_in(&page)->slots[1][0]--;
    assert_int_equal(visor_segment_read(segment_in(&page), &got, &sequence), VISOR_SEGMENT_BUSY);
}

/* Two publications later, seen in the slot before the sequence says so: else the next reading would
 * be older. */
static void test_read__is_never_ahead_of_the_sequence(void **state)
{
    struct page page;
    struct visor_segment_snapshot got;
    uint64_t sequence;

    (void)state;
    publish(empty(&page), 5);
    publish(segment_in(&page), 6);
    publish(segment_in(&page), 7);
    segment_in(&page)->sequence = 1;
    assert_int_equal(visor_segment_read(segment_in(&page), &got, &sequence), VISOR_SEGMENT_BUSY);
}

static void test_check__refuses_what_is_no_segment(void **state)
{
    struct page page;
    struct visor_segment *segment = empty(&page);

    (void)state;
    assert_int_equal(visor_segment_check(segment, VISOR_SEGMENT_SIZE - 1), VISOR_SEGMENT_SHORT);
    segment->version++;
    assert_int_equal(visor_segment_check(segment, VISOR_SEGMENT_SIZE),
                     VISOR_SEGMENT_VERSION_DIFFERS);
    segment = empty(&page);
    segment->magic = __builtin_bswap64(segment->magic); /* of the other byte order */
    assert_int_equal(visor_segment_check(segment, VISOR_SEGMENT_SIZE), VISOR_SEGMENT_FOREIGN);
    segment = empty(&page);
    memset(segment->device, 'x', sizeof(segment->device));
    assert_int_equal(visor_segment_check(segment, VISOR_SEGMENT_SIZE), VISOR_SEGMENT_FOREIGN);
}

static enum visor_segment_verdict verdict_of(const struct visor_segment_snapshot *snapshot)
{
    struct page page;
    struct visor_segment_snapshot got;
    uint64_t sequence;

    visor_segment_write(empty(&page), snapshot);
    return visor_segment_read(segment_in(&page), &got, &sequence);
}

static void test_read__refuses_nonsense(void **state)
{
    const double nan = 0.0 / (double)(*state == NULL ? 0 : 1), far = 1e19;
    struct visor_segment_snapshot good = numbered(77);

    assert_int_equal(verdict_of(&good), VISOR_SEGMENT_OK);
#define WITH(field, value)                                                                         \
    do {                                                                                           \
        struct visor_segment_snapshot bad = good;                                                  \
        bad.field = value;                                                                         \
        assert_int_equal(verdict_of(&bad), VISOR_SEGMENT_WRONG);                                   \
    } while (0)
    WITH(trust, (enum visor_trust)4);
    WITH(counter, (enum visor_counter_kind)1);
    WITH(leap, (enum visor_leap)4);
    WITH(rate_ppb, nan);
    WITH(rate_ppb, far);
    WITH(growth_ppb, nan);
    WITH(growth_ppb, -1.0);
    WITH(bound_ns, -1);
    WITH(tsc_ns, -1);
    WITH(tsc_ppb, nan);
    WITH(blind_ns, -1);
#undef WITH
}

/* ---- the line ---- */

static const struct visor_segment_snapshot line = {
    .trust = VISOR_TRUST_SYNCHRONIZED,
    .raw = {1000000000000},
    .utc = {1700000000000000000},
    .rate_ppb = 20000.0,
    .bound_ns = 1000,
    .growth_ppb = 500.0,
    .until = {1060000000000},
};

static void test_at__is_the_line_and_its_bound(void **state)
{
    struct visor_segment_interval at;

    (void)state;
    visor_segment_at(&line, (visor_mono){1010000000000}, 0, &at);
    assert_int_equal(at.trust, VISOR_TRUST_SYNCHRONIZED);
    /* 10 s, 20 ppm of them, and a bound of 1000 ns + 10 s * 500 ppb, rounded outward */
    assert_in_range(at.latest.ns - line.utc.ns, 10000200000 + 6000, 10000200000 + 6004);
    assert_in_range(at.earliest.ns - line.utc.ns, 10000200000 - 6004, 10000200000 - 6000);
    visor_segment_at(&line, (visor_mono){990000000000}, 0, &at); /* a stamp of the past */
    assert_in_range(at.latest.ns - at.earliest.ns, 12000, 12008);
    visor_segment_at(&line, line.raw, 50, &at);
    assert_in_range(at.latest.ns - at.earliest.ns, 2100, 2108);
}

static void assert_unbounded(const struct visor_segment_snapshot *snapshot, int64_t raw)
{
    struct visor_segment_interval at;

    visor_segment_at(snapshot, (visor_mono){raw}, 0, &at);
    assert_true(at.earliest.ns == INT64_MIN && at.latest.ns == INT64_MAX);
}

static void test_at__is_unbounded_when_nothing_is_known(void **state)
{
    struct visor_segment_snapshot s = line;

    (void)state;
    s.trust = VISOR_TRUST_DISRUPTED;
    assert_unbounded(&s, line.raw.ns);
    s.trust = VISOR_TRUST_UNKNOWN;
    assert_unbounded(&s, line.raw.ns);
    s = line;
    s.bound_ns = VISOR_NS_MAX;
    assert_unbounded(&s, line.raw.ns);
    s = line;
    s.growth_ppb = 1e17;
    assert_unbounded(&s, INT64_MAX);
    s.growth_ppb = 1.0;
    s.bound_ns = VISOR_NS_MAX - 1;
    assert_unbounded(&s, line.raw.ns);
}

static void test_at__becomes_holdover_without_a_word_from_the_daemon(void **state)
{
    struct visor_segment_interval at;

    (void)state;
    visor_segment_at(&line, line.until, 0, &at);
    assert_int_equal(at.trust, VISOR_TRUST_SYNCHRONIZED);
    visor_segment_at(&line, visor_mono_add(line.until, 1), 0, &at);
    assert_int_equal(at.trust, VISOR_TRUST_HOLDOVER);
    assert_true(at.latest.ns != INT64_MAX);
}

static void test_tsc__is_mapped_to_the_raw_counter(void **state)
{
    struct visor_segment_snapshot s = line;
    visor_mono raw;
    int64_t error;

    (void)state;
    assert_false(visor_segment_tsc(&s, 12345, &raw, &error));
    s.period = UINT64_C(1) << 47; /* 2 GHz */
    s.tsc = 4000000000;
    s.tsc_ns = 20;
    s.tsc_ppb = 10.0;
    assert_true(visor_segment_tsc(&s, 24000000000, &raw, &error));
    assert_int_equal(raw.ns - s.raw.ns, 10000000000);
    assert_in_range(error, 120, 123);
    assert_false(visor_segment_tsc(&s, s.tsc - 1, &raw, &error)); /* it began anew */
    assert_false(visor_segment_tsc(&s, UINT64_MAX, &raw, &error));
}

/* The short way says the same as the long one, and no more. */
static void test_reckon__agrees_with_the_long_way(void **state)
{
    struct page page;
    struct visor_segment *segment = empty(&page);
    struct visor_segment_snapshot s = line;
    struct visor_segment_interval at, quick;
    struct visor_segment_quick loaded;
    visor_mono raw;
    int64_t error;

    (void)state;
    s.period = (UINT64_C(1) << 48) / 3;
    s.tsc = 4000000000;
    s.tsc_ns = 20;
    s.tsc_ppb = 10.0;
    for (double rate = -4e7; rate < 5e7; rate += 1e7) { /* a counter that is 4 % wrong */
        s.rate_ppb = rate;
        visor_segment_write(segment, &s);
        visor_segment_load(segment, &loaded);
        for (uint64_t tsc = s.tsc; tsc < s.tsc + 179000000000; tsc += 7777777777) {
            assert_true(visor_segment_reckon(segment, &loaded, tsc, &quick));
            assert_true(visor_segment_tsc(&s, tsc, &raw, &error));
            visor_segment_at(&s, raw, error, &at);
            assert_int_equal(quick.trust, at.trust);
            /* each covers the middle of the other, and they are as wide but for rounding and
             * the rate's part of the growth */
            assert_in_range(quick.latest.ns - at.latest.ns + 5000, 0, 10000);
            assert_true(quick.latest.ns - quick.earliest.ns >=
                        2 * s.bound_ns + 2 * (int64_t)((double)(raw.ns - s.raw.ns) * 510e-9));
            assert_in_range((quick.latest.ns + quick.earliest.ns) / 2 -
                                (at.latest.ns + at.earliest.ns) / 2 + 3,
                            0, 6);
        }
        assert_false(visor_segment_reckon(segment, &loaded, s.tsc - 1, &quick));
        assert_false(visor_segment_reckon(segment, &loaded, s.tsc + 180000000001, &quick));
    }
    visor_segment_write(segment, &s); /* published meanwhile */
    assert_false(visor_segment_reckon(segment, &loaded, s.tsc, &quick));
}

static bool has_quick(const struct visor_segment_snapshot *snapshot)
{
    struct page page;
    struct visor_segment_interval at;
    struct visor_segment_quick loaded;

    visor_segment_write(empty(&page), snapshot);
    visor_segment_load(segment_in(&page), &loaded);
    return visor_segment_reckon(segment_in(&page), &loaded, snapshot->tsc + 1, &at);
}

static void test_reckon__is_refused_where_more_is_to_be_asked(void **state)
{
    struct visor_segment_snapshot good = line, s;

    (void)state;
    assert_false(has_quick(&good)); /* no TSC */
    good.period = UINT64_C(1) << 47;
    assert_true(has_quick(&good));
    s = good;
    s.marked = true; /* the vmclock is the caller's to ask */
    assert_true(has_quick(&s));
    s = good;
    s.trust = VISOR_TRUST_DISRUPTED;
    assert_false(has_quick(&s));
    s = good;
    s.bound_ns = VISOR_NS_MAX;
    assert_false(has_quick(&s));
    s = good;
    s.until = s.raw;
    assert_false(has_quick(&s));
    s = good;
    s.growth_ppb = 1e17;
    assert_false(has_quick(&s));
}

/* ---- the publisher ---- */

static struct visor_view view_at(int64_t raw_s, int64_t error_ns, enum visor_trust trust)
{
    bool known = trust == VISOR_TRUST_SYNCHRONIZED || trust == VISOR_TRUST_HOLDOVER;

    return (struct visor_view){
        .version = 1,
        .trust = trust,
        .raw = {raw_s * VISOR_NS_PER_S},
        .utc = {(1700000000 + raw_s) * VISOR_NS_PER_S + error_ns},
        .bound_ns = known ? 100000 : VISOR_NS_MAX,
        .growth_ppb = 100.0,
        .verified = {raw_s * VISOR_NS_PER_S},
    };
}

static bool next(struct visor_segment_publisher *publisher, const struct visor_view *view)
{
    return visor_segment_publisher_next(publisher, view, view->raw);
}

static void test_publisher__a_restart_interrupts_nothing(void **state)
{
    struct visor_segment_publisher first, second;
    struct visor_view view = view_at(100, 0, VISOR_TRUST_SYNCHRONIZED);

    (void)state;
    visor_segment_publisher_init(&first, NULL);
    view.epoch = 7;
    assert_true(next(&first, &view));
    assert_int_equal(first.last.epoch, 7);

    visor_segment_publisher_init(&second, &first.last);
    view = view_at(110, 0, VISOR_TRUST_UNKNOWN); /* the new daemon knows nothing yet */
    assert_false(next(&second, &view));
    view = view_at(112, 50000, VISOR_TRUST_SYNCHRONIZED);
    assert_true(next(&second, &view));
    assert_int_equal(second.last.epoch, 7);
    assert_int_equal(second.last.since.ns, 100 * VISOR_NS_PER_S);
    view = view_at(113, 0, VISOR_TRUST_UNKNOWN); /* now it is its own word */
    assert_true(next(&second, &view));
    assert_int_equal(second.last.trust, VISOR_TRUST_UNKNOWN);
}

static void test_publisher__an_impossible_move_is_a_new_epoch(void **state)
{
    struct visor_segment_publisher first, second;
    struct visor_view view = view_at(100, 0, VISOR_TRUST_SYNCHRONIZED);

    (void)state;
    visor_segment_publisher_init(&first, NULL);
    assert_true(next(&first, &view));
    view = view_at(101, 190000, VISOR_TRUST_SYNCHRONIZED);
    assert_true(next(&first, &view));
    assert_int_equal(first.last.epoch, 0);
    visor_segment_publisher_init(&second, &first.last); /* the machine stops while none runs */
    view = view_at(110, 5000000, VISOR_TRUST_SYNCHRONIZED);
    assert_true(next(&second, &view));
    assert_int_equal(second.last.epoch, 1);
    assert_int_equal(second.last.since.ns, 110 * VISOR_NS_PER_S);
    view = view_at(111, 5000000, VISOR_TRUST_DISRUPTED);
    view.epoch = 1; /* the engine's first */
    assert_true(next(&second, &view));
    assert_int_equal(second.last.epoch, 2);
    second.disturbed = true;
    view = view_at(112, 5000000, VISOR_TRUST_SYNCHRONIZED);
    view.epoch = 1;
    assert_true(next(&second, &view));
    assert_int_equal(second.last.epoch, 3);
    assert_true(next(&second, &view));
    assert_int_equal(second.last.epoch, 3);
}

static void test_publisher__raw_times_are_of_the_first_time_namespace(void **state)
{
    struct visor_segment_publisher publisher;
    struct visor_view view = view_at(100, 0, VISOR_TRUST_SYNCHRONIZED);

    (void)state;
    visor_segment_publisher_init(&publisher, NULL);
    publisher.shift_ns = -40 * VISOR_NS_PER_S;
    assert_true(next(&publisher, &view));
    assert_int_equal(publisher.last.raw.ns, 60 * VISOR_NS_PER_S);
    assert_int_equal(publisher.last.checked.ns, 60 * VISOR_NS_PER_S);
    assert_int_equal(publisher.last.utc.ns, view.utc.ns);
}

static void test_publisher__goes_on_counting_epochs_after_an_unbounded_end(void **state)
{
    struct visor_segment_publisher publisher;
    struct visor_segment_snapshot former = line;
    struct visor_view view = view_at(2000, 0, VISOR_TRUST_UNKNOWN);

    (void)state;
    former.trust = VISOR_TRUST_DISRUPTED;
    former.bound_ns = VISOR_NS_MAX;
    former.epoch = 5;
    visor_segment_publisher_init(&publisher, &former);
    assert_true(next(&publisher, &view));
    assert_int_equal(publisher.last.epoch, 5);
    view = view_at(2001, 0, VISOR_TRUST_SYNCHRONIZED);
    assert_true(next(&publisher, &view));
    assert_int_equal(publisher.last.epoch, 5);
}

/* ---- small texts ---- */

static void test_read_timens(void **state)
{
    static const char text[] = "monotonic      100000         7\nboottime            0         0\n";
    static const char minus[] = "monotonic     -5  999999999\nboottime";
    int64_t offset = 1;

    (void)state;
    assert_true(visor_segment_read_timens(text, sizeof(text) - 1, &offset));
    assert_int_equal(offset, 100000 * VISOR_NS_PER_S + 7);
    assert_true(visor_segment_read_timens(minus, sizeof(minus) - 1, &offset));
    assert_int_equal(offset, -4 * VISOR_NS_PER_S - 1);
    for (size_t i = 0; i <= (size_t)(strchr(text, '\n') - text); i++)
        assert_false(visor_segment_read_timens(text, i, &offset));
    assert_false(visor_segment_read_timens("monotonic 1 1000000000\n", 23, &offset));
    assert_false(visor_segment_read_timens("monotonic 99999999999999999999 0\n", 33, &offset));
}

static void test_read_boot(void **state)
{
    static const char text[] = "0123abcd-4567-89ab-cdef-0123456789ab\n";
    uint64_t id[2];

    (void)state;
    assert_true(visor_segment_read_boot(text, sizeof(text) - 1, id));
    assert_true(id[0] == 0x0123abcd456789ab && id[1] == 0xcdef0123456789ab);
    assert_false(visor_segment_read_boot(text, sizeof(text) - 3, id));
    assert_false(visor_segment_read_boot("0123abcd-4567-89ab-cdef-0123456789abc\n", 38, id));
    assert_false(visor_segment_read_boot("0123abcd-4567-89ab-cdef-0123456789AB\n", 37, id));
}

/* ---- vmclock ---- */

static void test_vmclock__marker(void **state)
{
    uint32_t page[VISOR_VMCLOCK_PAGE / 4] = {htole32(0x4b4c4356), htole32(0x70), htole32(1), 0};
    uint64_t marker;

    (void)state;
    page[4] = htole32(42);
    assert_int_equal(visor_vmclock_check(page, sizeof(page)), VISOR_VMCLOCK_OK);
    assert_int_equal(visor_vmclock_marker(page, &marker), VISOR_VMCLOCK_OK);
    assert_int_equal(marker, 42);
    page[3] = htole32(7); /* being written, for ever */
    assert_int_equal(visor_vmclock_marker(page, &marker), VISOR_VMCLOCK_BUSY);
    assert_int_equal(visor_vmclock_check(page, sizeof(page) - 1), VISOR_VMCLOCK_FOREIGN);
    page[1] = htole32(0x10); /* it says itself that it holds no marker */
    assert_int_equal(visor_vmclock_check(page, sizeof(page)), VISOR_VMCLOCK_FOREIGN);
    page[1] = htole32(0x70);
    page[2] = htole32(2);
    assert_int_equal(visor_vmclock_check(page, sizeof(page)), VISOR_VMCLOCK_FOREIGN);
    page[2] = htole32(1);
    page[0] = 0;
    assert_int_equal(visor_vmclock_check(page, sizeof(page)), VISOR_VMCLOCK_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__gives_what_was_written),
        cmocka_unit_test(test_read__after_a_writer_was_killed),
        cmocka_unit_test(test_read__gives_up_where_the_slot_stays_odd),
        cmocka_unit_test(test_read__is_never_ahead_of_the_sequence),
        cmocka_unit_test(test_check__refuses_what_is_no_segment),
        cmocka_unit_test(test_read__refuses_nonsense),
        cmocka_unit_test(test_at__is_the_line_and_its_bound),
        cmocka_unit_test(test_at__is_unbounded_when_nothing_is_known),
        cmocka_unit_test(test_at__becomes_holdover_without_a_word_from_the_daemon),
        cmocka_unit_test(test_tsc__is_mapped_to_the_raw_counter),
        cmocka_unit_test(test_reckon__agrees_with_the_long_way),
        cmocka_unit_test(test_reckon__is_refused_where_more_is_to_be_asked),
        cmocka_unit_test(test_publisher__a_restart_interrupts_nothing),
        cmocka_unit_test(test_publisher__an_impossible_move_is_a_new_epoch),
        cmocka_unit_test(test_publisher__raw_times_are_of_the_first_time_namespace),
        cmocka_unit_test(test_publisher__goes_on_counting_epochs_after_an_unbounded_end),
        cmocka_unit_test(test_read_timens),
        cmocka_unit_test(test_read_boot),
        cmocka_unit_test(test_vmclock__marker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
