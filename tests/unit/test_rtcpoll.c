#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/rtcpoll.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define S  VISOR_NS_PER_S

/* An RTC whose second 1000000 began at raw time `began`, at the rate of 1 + `rate`. */
struct chip {
    int64_t began;
    double rate;
};

static int64_t utc_of(const struct chip *chip, int64_t raw)
{
    int64_t since = raw - chip->began;

    return 1000000 * S + since + (int64_t)((double)since * chip->rate);
}

/* Reads as often as it wants to; how wide the last sharp interval was. */
static int64_t run(struct visor_rtcpoll *poll, const struct chip *chip, int64_t *now, int seconds)
{
    struct visor_event_witness witness;
    int64_t end = *now + seconds * S, width = S;

    while (*now < end) {
        int64_t utc = utc_of(chip, *now), wide;

        visor_rtcpoll_take(poll, (visor_mono){*now}, utc / S, &witness);
        wide = witness.latest.ns - witness.earliest.ns;
        assert_int_equal(witness.kind, VISOR_WITNESS_RTC);
        assert_true(witness.earliest.ns <= utc && utc <= witness.latest.ns); /* never a lie */
        if (wide < S)
            width = wide;
        assert_true(poll->next.ns > *now);
        assert_true(poll->next.ns <= *now + S / 4);
        *now = poll->next.ns + 60000; /* woken a little late */
    }
    return width;
}

static void test_take__finds_the_edge_and_keeps_it(void **state)
{
    struct visor_rtcpoll poll;
    struct chip chip = {.began = 123456789};
    int64_t now = 5 * S;

    (void)state;
    visor_rtcpoll_init(&poll, NULL);
    assert_true(run(&poll, &chip, &now, 12) <= 5 * MS); /* a point for the engine */
    for (int i = 0; i < 20; i++)
        assert_true(run(&poll, &chip, &now, 10) <= 5 * MS);
    chip.rate = 1e-4;
    chip.began = now - (int64_t)((double)(now - chip.began) * (1.0 - 1e-4));
    run(&poll, &chip, &now, 10);
    for (int i = 0; i < 20; i++)
        assert_true(run(&poll, &chip, &now, 10) <= 5 * MS);
}

static void test_take__after_a_jump_it_is_found_again(void **state)
{
    static const int64_t jumps[] = {300 * MS, 7 * S, -400 * MS, 86400 * S, 999 * MS, 2 * MS};
    struct visor_rtcpoll poll;
    struct chip chip = {.began = 1};
    int64_t now = 5 * S;

    (void)state;
    visor_rtcpoll_init(&poll, NULL);
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        run(&poll, &chip, &now, 20);
        chip.began -= jumps[i];
        poll.read = false; /* the one interval that spans it is not to be held against it */
        assert_true(run(&poll, &chip, &now, 20) <= 5 * MS);
    }
}

static void test_take__what_was_a_second_ago_does_not_bind_after_a_jump(void **state)
{
    struct visor_event_witness witness;
    struct visor_rtcpoll poll;
    struct chip chip = {.began = 1};
    int64_t now = 5 * S;

    (void)state;
    visor_rtcpoll_init(&poll, NULL);
    run(&poll, &chip, &now, 20);
    assert_true(poll.known);
    visor_rtcpoll_take(&poll, (visor_mono){now}, utc_of(&chip, now) / S + 9, &witness);
    assert_false(poll.known);
    assert_true(witness.latest.ns - witness.earliest.ns == S);
}

static void test_look__of_a_file(void **state)
{
    char path[] = "/tmp/visor-rtcpoll-XXXXXX";
    struct visor_event_witness witness;
    struct visor_rtcpoll poll;
    int fd = mkstemp(path);
    visor_mono at = {S};
    int slow = 0;

    (void)state;
    assert_int_equal(write(fd, "1767225600\n", 11), 11);
    visor_rtcpoll_init(&poll, path);
    for (; slow < 100 && !visor_rtcpoll_look(&poll, at, &witness); slow++)
        at = visor_rtcpoll_deadline(&poll); /* a reading that was interrupted says nothing */
    assert_true(slow < 100);
    assert_true(witness.earliest.ns == INT64_C(1767225600) * S);
    assert_false(visor_rtcpoll_look(&poll, at, &witness)); /* not due */
    assert_int_equal(pwrite(fd, "nonsense!!\n", 11, 0), 11);
    assert_false(visor_rtcpoll_look(&poll, (visor_mono){INT64_MAX / 2}, &witness));
    assert_int_equal(poll.error, EBADMSG);
    assert_true(visor_rtcpoll_deadline(&poll).ns == INT64_MAX / 2 + S);
    unlink(path);
    assert_false(visor_rtcpoll_look(&poll, visor_rtcpoll_deadline(&poll), &witness));
    assert_int_equal(poll.error, ENOENT);
    visor_rtcpoll_done(&poll);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take__finds_the_edge_and_keeps_it),
        cmocka_unit_test(test_take__after_a_jump_it_is_found_again),
        cmocka_unit_test(test_take__what_was_a_second_ago_does_not_bind_after_a_jump),
        cmocka_unit_test(test_look__of_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
